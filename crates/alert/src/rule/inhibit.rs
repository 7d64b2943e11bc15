//! Which firing alerts mute which others.

use std::collections::BTreeMap;

use bellwether_model::Problem;
use bellwether_model::framework::glob;
use serde::{Deserialize, Serialize};

use super::{Known, Rule};

/// Labels that an alert must have; in a value `*` stands for any run of characters. All must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Matchers(pub BTreeMap<String, String>);

impl Matchers {
    /// Reads `name=value` pairs.
    ///
    /// # Errors
    /// None at all, a pair without `=`, an empty name.
    pub fn parse<'t>(pairs: impl IntoIterator<Item = &'t str>) -> Result<Self, Problem> {
        let mut all = BTreeMap::new();
        for pair in pairs {
            let (name, value) =
                pair.split_once('=').filter(|(name, _)| !name.trim().is_empty()).ok_or_else(|| {
                    Problem::new("not a matcher", "write LABEL=VALUE, for instance rule=envelope-*")
                        .text(pair)
                })?;
            all.insert(name.trim().to_owned(), value.trim().trim_matches('"').to_owned());
        }
        Self(all).checked()
    }

    /// The same matchers when there is one at least.
    pub(crate) fn checked(self) -> Result<Self, Problem> {
        if self.0.is_empty() || self.0.keys().any(|name| name.is_empty()) {
            return Err(Problem::new(
                "no matcher: this would concern every alert",
                "name a label, rule=* for all alerts",
            ));
        }
        Ok(self)
    }

    /// Whether an alert of a rule may have these labels, as far as the rule tells.
    pub(super) fn may_match(&self, rule: &Rule) -> bool {
        self.0.iter().all(|(name, want)| match rule.label(name) {
            Known::Value(have) => glob(want, have),
            Known::OfARow => true,
            Known::Never => false,
        })
    }

    /// Whether the labels match.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|(name, want)| labels.get(name).is_some_and(|have| glob(want, have)))
    }
}

/// A firing alert that matches `source` mutes those that match `target` and agree in the labels `equal`. An alert that
/// matches both sides mutes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inhibit {
    /// Labels of the alert that mutes.
    pub source: Matchers,
    /// Labels of the alert that is muted.
    pub target: Matchers,
    /// Labels in which the two agree; one that both lack agrees.
    #[serde(default)]
    pub equal: Vec<String>,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

impl Inhibit {
    /// Whether a firing alert with labels `source` mutes one with labels `target`.
    pub fn mutes(&self, source: &BTreeMap<String, String>, target: &BTreeMap<String, String>) -> bool {
        self.source.matches(source)
            && self.target.matches(target)
            && !self.target.matches(source)
            && self.equal.iter().all(|name| source.get(name) == target.get(name))
    }
}

/// One thing for each field of an inhibition that names labels.
#[derive(Clone, Debug)]
pub(super) struct Sides<T> {
    pub(super) source: T,
    pub(super) target: T,
    pub(super) equal: T,
}

impl<T> Sides<T> {
    /// Made of the fields' names.
    pub(super) fn of(make: impl Fn(&'static str) -> T) -> Self {
        Self { source: make("source"), target: make("target"), equal: make("equal") }
    }
}
