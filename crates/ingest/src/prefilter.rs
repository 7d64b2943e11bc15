//! The cheap filter before CEL: columns compared with texts, nanoseconds a record.

use serde::Deserialize;

use crate::decoder::{Record, Shape};

/// One condition of a feed file; a record must meet all of them or is skipped.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Condition {
    /// Column, or path into a JSON record with dots.
    pub(crate) column: String,
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
        [self.equals.is_some(), self.within.is_some(), self.not.is_some(), self.not_in.is_some()]
            .iter()
            .filter(|t| **t)
            .count()
    }

    fn holds(&self, text: &str) -> bool {
        self.equals.as_ref().is_none_or(|t| t == text)
            && self.within.as_ref().is_none_or(|ts| ts.iter().any(|t| t == text))
            && self.not.as_ref().is_none_or(|t| t != text)
            && self.not_in.as_ref().is_none_or(|ts| ts.iter().all(|t| t != text))
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
            Record::Row(_, row) => condition.holds(at.and_then(|at| row.get(at)).unwrap_or_default()),
            Record::Json(value) => {
                let found = condition.column.split('.').try_fold(value, |v, name| v.get(name));
                match found {
                    None | Some(serde_json::Value::Null) => condition.holds(""),
                    Some(serde_json::Value::String(text)) => condition.holds(text),
                    Some(other) => condition.holds(&other.to_string()),
                }
            }
        })
    }
}
