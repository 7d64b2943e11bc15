//! The cheap filter before CEL: columns compared with texts, nanoseconds a record.

use std::ops::RangeInclusive;

use memchr::{memchr, memchr_iter};
use serde::Deserialize;

use crate::decoder::{Record, Shape};
use crate::encoding::Encoding;

/// One condition of a feed file; a record must meet all of them or is skipped.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Condition {
    /// Column, or path into a JSON record with dots.
    pub(crate) column: String,
    /// Must be one of the keys of this table.
    pub(crate) in_table: Option<String>,
    /// Must equal this.
    pub(crate) equals: Option<String>,
    /// Must be one of these.
    #[serde(rename = "in")]
    pub(crate) within: Option<Vec<String>>,
    /// Must not equal this.
    pub(crate) not: Option<String>,
    /// Must be none of these.
    pub(crate) not_in: Option<Vec<String>>,
}

impl Condition {
    /// Number of tests it states; a condition of none would hold for everything.
    pub(crate) fn tests(&self) -> usize {
        [
            self.in_table.is_some(),
            self.equals.is_some(),
            self.within.is_some(),
            self.not.is_some(),
            self.not_in.is_some(),
        ]
        .iter()
        .filter(|t| **t)
        .count()
    }

    fn holds(&self, text: &[u8]) -> bool {
        self.equals.as_ref().is_none_or(|t| t.as_bytes() == text)
            && self.within.as_ref().is_none_or(|ts| ts.iter().any(|t| t.as_bytes() == text))
            && self.not.as_ref().is_none_or(|t| t.as_bytes() != text)
            && self.not_in.as_ref().is_none_or(|ts| ts.iter().all(|t| t.as_bytes() != text))
    }
}

/// The conditions bound to the columns of one source.
pub(crate) struct Prefilter<'s> {
    conditions: Vec<(Option<usize>, &'s Condition)>,
}

impl<'s> Prefilter<'s> {
    pub(crate) fn new(conditions: &'s [Condition], shape: &Shape) -> Self {
        let at = |c: &Condition| match shape {
            Shape::Delimited { columns, .. } => columns.position(&c.column),
            _ => None,
        };
        Self { conditions: conditions.iter().map(|c| (at(c), c)).collect() }
    }

    /// Whether the record passes. A JSON record without the field has it blank.
    pub(crate) fn passes(&self, record: &Record<'_>) -> bool {
        self.conditions.iter().all(|(at, condition)| match record {
            Record::Row(_, row) => {
                condition.holds(at.and_then(|at| row.get(at)).unwrap_or_default().as_bytes())
            }
            Record::Json(value) => {
                let found = condition.column.split('.').try_fold(value, |v, name| v.get(name));
                match found {
                    None | Some(serde_json::Value::Null) => condition.holds(b""),
                    Some(serde_json::Value::String(text)) => condition.holds(text.as_bytes()),
                    Some(other) => condition.holds(other.to_string().as_bytes()),
                }
            }
        })
    }
}

/// The same conditions on the bytes of a row, before it is read: most rows of a large feed are of no interest.
///
/// Only rows without quotes are judged, and only when they would be read without a finding: a row that is left out
/// here is one that [`Prefilter::passes`] would have left out.
pub(crate) struct Glance<'s> {
    delimiter: u8,
    quoting: bool,
    columns: RangeInclusive<usize>,
    /// By column, so that one pass over the first columns answers.
    conditions: Vec<(usize, &'s Condition)>,
}

impl<'s> Glance<'s> {
    /// `None` where rows cannot be judged unread.
    pub(crate) fn new(conditions: &'s [Condition], shape: &Shape, encoding: Encoding) -> Option<Self> {
        let Shape::Delimited { delimiter, quoting, columns } = shape else { return None };
        let mut placed = conditions
            .iter()
            .map(|c| columns.position(&c.column).map(|at| (at, c)))
            .collect::<Option<Vec<_>>>()
            .filter(|placed| !placed.is_empty() && encoding.is_utf8())?;
        placed.sort_by_key(|(at, _)| *at);
        Some(Self {
            delimiter: *delimiter,
            quoting: *quoting,
            columns: columns.allowed()?,
            conditions: placed,
        })
    }

    /// Whether the row is sound and fails a condition.
    pub(crate) fn leaves_out(&self, raw: &[u8]) -> bool {
        let quoted = || self.quoting && memchr(b'"', raw).is_some();
        !self.meets(raw)
            && !quoted()
            && self.columns.contains(&(memchr_iter(self.delimiter, raw).count() + 1))
            && memchr(0, raw).is_none()
            && std::str::from_utf8(raw).is_ok()
    }

    fn meets(&self, raw: &[u8]) -> bool {
        let mut rest = Some(raw);
        let mut column = 0;
        for (wanted, condition) in &self.conditions {
            while column < *wanted {
                rest = rest.and_then(|r| r.get(memchr(self.delimiter, r)? + 1..));
                column += 1;
            }
            let text = rest.unwrap_or_default();
            let end = memchr(self.delimiter, text).unwrap_or(text.len());
            if !condition.holds(text.get(..end).unwrap_or_default()) {
                return false;
            }
        }
        true
    }
}
