//! Mapping: which record makes which facts.
//!
//! Either one of the fixed shapes of the contract ([`Native`]) or a table of CEL expressions
//! ([`cel`](self::cel)). All give unsettled [`Draft`]s; [`settle`](crate::settle) makes them facts.

pub(crate) mod cel;
mod facts_csv;
mod functions;
pub(crate) mod limits;
mod native;
mod paths;
mod quick;
pub(crate) mod text;
pub(crate) mod uses;

use bellwether_model::{Fact, Problem};
use serde::{Deserialize, Serialize};

use crate::decoder::{Record, Shape};

/// The fixed shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Native {
    /// The columns of the history files; see `config/README.md`.
    FactsCsv,
    /// The native record: a [`Fact`] in JSON.
    FactsNdjson,
    /// A CloudEvents 1.0 envelope whose `data` is the native record.
    #[serde(rename = "cloudevents")]
    CloudEvents,
}

/// Columns that a `facts-csv` file must have.
pub(crate) fn facts_csv_columns() -> &'static [&'static str] {
    &facts_csv::REQUIRED
}

/// How a feed maps.
#[derive(Debug)]
pub(crate) enum Mapping {
    Native(Native),
    Cel(cel::Table),
}

/// A fact before publication is settled and its id computed.
pub(crate) struct Draft {
    pub(crate) fact: Fact,
    /// Whether the fact type's rule may assume a publication date when none is stated.
    pub(crate) may_assume: bool,
}

/// Where a record stands: what its evidence says.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) feed: &'a str,
    pub(crate) file: &'a str,
    pub(crate) line: u64,
    pub(crate) raw: &'a [u8],
}

impl Place<'_> {
    pub(crate) fn evidence(&self, uri: Option<String>) -> bellwether_model::Evidence {
        bellwether_model::Evidence {
            uri,
            file: Some(self.file.to_owned()),
            line: Some(self.line),
            digest: Some(self.digest()),
        }
    }

    /// Digest of the raw record.
    fn digest(&self) -> String {
        blake3::hash(self.raw).to_hex().to_string()
    }
}

/// A mapping made ready for one source: columns found, expressions bound.
pub(crate) enum Mapper<'s> {
    FactsCsv(facts_csv::Layout),
    FactsNdjson,
    CloudEvents,
    Cel(Box<cel::Evaluator<'s>>),
}

impl Mapping {
    pub(crate) fn mapper(&self, shape: &Shape) -> Result<Mapper<'_>, Problem> {
        Ok(match self {
            Mapping::Native(Native::FactsCsv) => Mapper::FactsCsv(facts_csv::Layout::of(shape)?),
            Mapping::Native(Native::FactsNdjson) => Mapper::FactsNdjson,
            Mapping::Native(Native::CloudEvents) => Mapper::CloudEvents,
            Mapping::Cel(table) => Mapper::Cel(Box::new(cel::Evaluator::new(table, shape.envelope())?)),
        })
    }
}

impl Mapper<'_> {
    /// Maps one record into `drafts`; none of them means that a rule of the feed leaves it out.
    pub(crate) fn map(
        &self,
        record: Record<'_>,
        place: Place<'_>,
        drafts: &mut Vec<Draft>,
    ) -> Result<(), Problem> {
        match (self, record) {
            (Mapper::FactsCsv(layout), Record::Row(columns, row)) => {
                drafts.push(layout.fact(columns, row, place)?)
            }
            (Mapper::FactsNdjson, Record::Json(value)) => drafts.extend(native::fact(value, place)?),
            (Mapper::CloudEvents, Record::Json(value)) => drafts.extend(native::event(value, place)?),
            (Mapper::Cel(evaluator), record) => evaluator.facts(&record, place, drafts)?,
            // The feed file is refused at load when decoder and mapping do not fit each other.
            _ => {
                return Err(
                    Problem::new("decoder and mapping do not fit", "correct the feed file").field("record")
                );
            }
        }
        Ok(())
    }
}
