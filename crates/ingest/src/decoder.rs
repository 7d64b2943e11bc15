//! Decoders: what the bytes are.
//!
//! Each decoder first cuts the stream into records without interpreting them, so that a record that
//! makes no sense still has its raw bytes and its line, then reads one record.

mod cloudevents;
mod delimited;
pub(crate) mod json;
mod ndjson;
mod unpivot;
mod window;

use std::io;

use bellwether_model::Problem;
use serde::{Deserialize, Serialize};

pub(crate) use delimited::{Columns, Row};
pub use unpivot::Unpivot;

use crate::connector::Input;

/// Longest record, in bytes: a longer one is quarantined whole.
pub(crate) const MAX_RECORD: usize = 1 << 20;

/// What the bytes of a feed are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Decoder {
    /// Rows of separated columns (RFC 4180 when quoted by `,`).
    Delimited(Delimited),
    /// One JSON value a line.
    Ndjson {},
    /// CloudEvents 1.0 in structured or batch JSON.
    CloudEvents {},
}

/// Settings of the delimited decoder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delimited {
    /// One ASCII character between columns.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// Whether the first row names the columns.
    #[serde(default = "yes")]
    pub header: bool,
    /// Whether `"` encloses columns; without it a `"` is a character like any other.
    #[serde(default = "yes")]
    pub quoting: bool,
    /// With a header: columns that must be in it. Without: the names of all columns in order.
    #[serde(default)]
    pub columns: Vec<String>,
    /// The header is the first row whose first cell is this; rows before it are no records.
    #[serde(default)]
    pub preamble: Option<String>,
    /// A character that ends the data where it is the last of the source, such as 0x1A.
    #[serde(default)]
    pub terminator: Option<char>,
    /// Cells that mean blank, blanks in them included.
    #[serde(default)]
    pub nulls: Vec<String>,
    /// A record is a cell, not a row.
    #[serde(default)]
    pub unpivot: Option<Unpivot>,
}

impl Delimited {
    /// Columns that every record has, as far as the feed file says.
    pub(crate) fn promised(&self) -> Vec<String> {
        self.unpivot.as_ref().map_or_else(|| self.columns.clone(), Unpivot::columns)
    }
}

fn comma() -> char {
    ','
}

fn yes() -> bool {
    true
}

/// One uninterpreted record.
pub(crate) struct Chunk<'a> {
    /// Line it starts on, from 1.
    pub(crate) line: u64,
    /// Its bytes, without the line end.
    pub(crate) raw: &'a [u8],
    /// Why it cannot even be cut out properly.
    pub(crate) fault: Option<Problem>,
}

/// One record, read.
pub(crate) enum Record<'a> {
    /// Columns by name.
    Row(&'a Columns, &'a Row),
    /// A JSON value.
    Json(serde_json::Value),
}

/// How to read one record on its own: all that a retry from quarantine needs.
pub(crate) enum Shape {
    Delimited { delimiter: u8, quoting: bool, nulls: Vec<String>, columns: Columns },
    Json,
}

impl Shape {
    /// Rebuilds the shape of a record that stood under `header`.
    pub(crate) fn of(decoder: &Decoder, header: Option<&str>) -> Result<Self, Problem> {
        match decoder {
            Decoder::Delimited(spec) if spec.unpivot.is_some() => unpivot::shape(spec, header),
            Decoder::Delimited(spec) => delimited::shape(spec, header.map(str::as_bytes)),
            Decoder::Ndjson {} | Decoder::CloudEvents {} => Ok(Shape::Json),
        }
    }

    /// Reads one record; `row` is scratch space.
    pub(crate) fn decode<'a>(&'a self, raw: &[u8], row: &'a mut Row) -> Result<Record<'a>, Problem> {
        match self {
            Shape::Delimited { delimiter, quoting, nulls, columns } => {
                row.parse(raw, *delimiter, *quoting)?;
                row.blank(nulls);
                columns.fits(row)?;
                Ok(Record::Row(columns, row))
            }
            Shape::Json => json::value(raw).map(Record::Json),
        }
    }

    /// The header line that gave the columns their names.
    pub(crate) fn header(&self) -> Option<&str> {
        match self {
            Shape::Delimited { columns, .. } => columns.header(),
            Shape::Json => None,
        }
    }
}

/// Cuts a stream into records.
pub(crate) enum Cutter {
    Delimited(delimited::Cutter),
    Unpivot(Box<unpivot::Cutter>),
    Ndjson(ndjson::Cutter),
    CloudEvents(cloudevents::Cutter),
}

/// Why a source is refused before its first record.
pub(crate) enum Refusal {
    Read(io::Error),
    Content(Problem),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Refusal::Read(error)
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Refusal::Content(problem)
    }
}

impl Cutter {
    /// Opens the stream and reads the header where there is one.
    ///
    /// Errors: an unreadable or empty source, a header that lacks a column or names one twice.
    pub(crate) fn open(decoder: &Decoder, input: Input) -> Result<(Self, Shape), Refusal> {
        let Input { name, reader, .. } = input;
        let mut window = window::Window::new(reader);
        if window.is_blank()? {
            return Err(Problem::new(
                "the source is empty",
                "an empty answer is not read as \"nothing happened\": fetch it again, or give a file with records",
            )
            .at(name, 1)
            .into());
        }
        match decoder {
            Decoder::Delimited(spec) => {
                let (cutter, shape) = delimited::Cutter::open(spec, window, &name)?;
                match &spec.unpivot {
                    None => Ok((Cutter::Delimited(cutter), shape)),
                    Some(unpivot) => {
                        let (cutter, shape) = unpivot::Cutter::open(spec, unpivot, cutter, &shape, &name)?;
                        Ok((Cutter::Unpivot(Box::new(cutter)), shape))
                    }
                }
            }
            Decoder::Ndjson {} => Ok((Cutter::Ndjson(ndjson::Cutter::new(window)), Shape::Json)),
            Decoder::CloudEvents {} => {
                Ok((Cutter::CloudEvents(cloudevents::Cutter::new(window)), Shape::Json))
            }
        }
    }

    /// The next record, or `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Chunk<'_>>> {
        match self {
            Cutter::Delimited(cutter) => cutter.next(),
            Cutter::Unpivot(cutter) => Ok(cutter.next()),
            Cutter::Ndjson(cutter) => cutter.next(),
            Cutter::CloudEvents(cutter) => cutter.next(),
        }
    }
}

/// Finding about a record longer than [`MAX_RECORD`].
fn too_long() -> Problem {
    Problem::new(
        format!("the record is longer than {MAX_RECORD} bytes"),
        "split it, or check for a missing line end or quote",
    )
    .field("record")
}
