//! The envelope of a document: what stands around its records, and what the feed file demands of it.

use std::collections::BTreeMap;

use bellwether_model::Problem;
use serde::{Deserialize, Serialize};

/// What an answer without a record means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Empty {
    /// That something is wrong: the source is refused, never read as "none" or "zero".
    #[default]
    Refuse,
    /// That there is nothing: the source states it.
    Genuine,
}

/// One value of the envelope and what it must be; a document that fails it is refused whole.
///
/// Without a test the value is only made known to the mapping, as `envelope["path"]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Where it stands: names with dots from the root, in XML ending in `@name` for an attribute.
    pub path: String,
    /// Must equal this; what is absent or null is blank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<String>,
    /// Must be one of these.
    #[serde(rename = "in", default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Vec<String>>,
    /// Must not equal this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not: Option<String>,
    /// Must be none of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_in: Option<Vec<String>>,
    /// Must be the number of records.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub records: bool,
    /// What to do about a document that fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Check {
    fn fails(&self, text: &str, records: u64) -> Option<String> {
        if let Some(want) = self.equals.as_ref().filter(|want| *want != text) {
            return Some(format!("must be \"{want}\""));
        }
        if let Some(want) = self.within.as_ref().filter(|want| !want.iter().any(|w| w == text)) {
            return Some(format!("must be one of \"{}\"", want.join("\", \"")));
        }
        if self.not.as_deref() == Some(text)
            || self.not_in.as_ref().is_some_and(|n| n.iter().any(|n| n == text))
        {
            return Some(format!("must not be \"{text}\""));
        }
        if self.records && text.trim().parse() != Ok(records) {
            return Some(format!("must be the number of records, and there are {records}"));
        }
        None
    }
}

/// What one walk over a document found around the records.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Values at the paths of the checks; an absent one is not in it.
    pub(super) values: Values,
    pub(super) records: u64,
    /// Why there can be no records, such as a path that is not there.
    pub(super) missing: Option<Problem>,
}

/// Values of the envelope by path.
pub(crate) type Values = BTreeMap<String, String>;

impl Found {
    /// Applies the checks in order, then asks whether there is anything.
    pub(super) fn judge(&self, checks: &[Check], empty: Empty) -> Result<(), Problem> {
        for check in checks {
            let text = self.values.get(&check.path).map(String::as_str).unwrap_or_default();
            if let Some(message) = check.fails(text, self.records) {
                let remedy = check.remedy.as_deref().unwrap_or(
                    "nothing of this source is taken: correct the request, or the envelope of the feed file",
                );
                return Err(Problem::new(message, remedy).field(&check.path).text(text));
            }
        }
        if let Some(problem) = &self.missing {
            return Err(problem.clone());
        }
        if self.records == 0 && empty == Empty::Refuse {
            return Err(Problem::new(
                "the document holds no record",
                "an empty answer is not read as \"none\": correct the request, or set empty = \"genuine\" where the \
                 source means it",
            )
            .field("records"));
        }
        Ok(())
    }
}
