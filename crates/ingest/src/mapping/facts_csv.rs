//! The fixed columns of the history files (`facts-csv`).

use bellwether_model::{Basis, Fact, Op, Problem};

use super::{Draft, Place, text};
use crate::decoder::{Columns, Row, Shape, json};

/// Columns that must be there.
pub(crate) const REQUIRED: [&str; 15] = [
    "fact_type",
    "key",
    "valid_start",
    "valid_end",
    "published_at",
    "actor_from",
    "actor_to",
    "value",
    "unit",
    "attributes",
    "source_name",
    "source_url",
    "source_grade",
    "info_credibility",
    "note",
];

/// Where each column stands.
pub(crate) struct Layout {
    at: [usize; 15],
    op: Option<usize>,
    assume: Option<usize>,
    /// Columns of no known name, kept as attributes.
    others: Vec<usize>,
}

impl Layout {
    pub(super) fn of(shape: &Shape) -> Result<Self, Problem> {
        let Shape::Delimited { columns, .. } = shape else {
            return Err(Problem::new(
                "facts-csv needs delimited records",
                "set decoder.kind = \"delimited\"",
            ));
        };
        let mut at = [0; 15];
        for (slot, name) in at.iter_mut().zip(REQUIRED) {
            *slot = columns.position(name).ok_or_else(|| {
                Problem::new(format!("the header lacks the column {name}"), "add it to the first row")
                    .field(name)
            })?;
        }
        let (op, assume) = (columns.position("op"), columns.position("assume"));
        let known = |i: &usize| at.contains(i) || op == Some(*i) || assume == Some(*i);
        let others = (0..columns.names().len()).filter(|i| !known(i)).collect();
        Ok(Self { at, op, assume, others })
    }

    pub(super) fn fact(&self, columns: &Columns, row: &Row, place: Place<'_>) -> Result<Draft, Problem> {
        let get = |at: usize| row.get(at).unwrap_or_default().trim();
        let [
            kind,
            key,
            start,
            end,
            published,
            from,
            to,
            value,
            unit,
            attributes,
            publisher,
            url,
            grade,
            credibility,
            note,
        ] = self.at.map(get);
        text::name("fact_type", kind)?;
        text::name("key", key)?;
        let op = match self.op.map(get) {
            None | Some("" | "assert") => Op::Assert,
            Some("retract") => Op::Retract,
            Some(other) => {
                return Err(Problem::new("no such operation", "write assert or retract")
                    .field("op")
                    .text(other));
            }
        };
        let may_assume = text::yes_no("assume", self.assume.map_or("", get), true)?;
        let mut actors = Vec::with_capacity(2);
        for (field, actor) in [("actor_from", from), ("actor_to", to)] {
            if !actor.is_empty() {
                text::name(field, actor)?;
                actors.push(actor.to_owned());
            }
        }
        if !unit.is_empty() {
            text::name("unit", unit)?;
        }
        let valid = text::period(start, end)?;
        let published_at = text::stamp(published)?;
        let value = text::decimal(value)?;
        let grade = text::grade(grade, credibility)?;
        let mut attributes =
            if attributes.is_empty() { Default::default() } else { json::attributes(attributes)? };
        for at in &self.others {
            let (name, value) = (columns.names().get(*at).map_or("", String::as_str), get(*at));
            if !name.is_empty() && !value.is_empty() {
                attributes.entry(name.to_owned()).or_insert_with(|| value.into());
            }
        }
        if !publisher.is_empty() {
            attributes.entry("publisher".to_owned()).or_insert_with(|| publisher.into());
        }
        let fact = Fact {
            id: uuid::Uuid::nil(),
            op,
            kind: kind.to_owned(),
            source: place.feed.to_owned(),
            key: key.to_owned(),
            valid,
            published_at,
            published_basis: if published_at.is_some() { Basis::Stated } else { Basis::Recorded },
            actors,
            value,
            unit: Some(unit).filter(|u| !u.is_empty()).map(str::to_owned),
            grade,
            attributes,
            evidence: place.evidence(Some(url).filter(|u| !u.is_empty()).map(str::to_owned)),
            note: Some(note).filter(|n| !n.is_empty()).map(str::to_owned),
        };
        Ok(Draft { fact, may_assume })
    }
}
