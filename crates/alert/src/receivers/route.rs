//! Which steps a receiver is told of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::rule::Known;
use crate::{AlertEvent, Rule, Severity};

/// What a step must be like; everything that is stated must hold. The default fits every step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Severities, any of them; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub severity: Vec<Severity>,
    /// Least severity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<Severity>,
    /// Values of labels, any of the listed ones.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, Vec<String>>,
}

impl Route {
    /// Whether a step of a rule may be for the receiver, as far as the rule tells.
    pub fn may_fit(&self, rule: &Rule) -> bool {
        let listed = |(name, values): (&String, &Vec<String>)| match rule.label(name) {
            Known::Value(value) => values.iter().any(|v| v == value),
            Known::OfARow => true,
            Known::Never => false,
        };
        (self.severity.is_empty() || self.severity.contains(&rule.severity))
            && self.at_least.is_none_or(|least| rule.severity >= least)
            && self.labels.iter().all(listed)
    }

    /// Whether a step is for the receiver. A label that the step lacks has no value, and so none of the listed ones.
    pub fn fits(&self, event: &AlertEvent) -> bool {
        let listed = |(name, values): (&String, &Vec<String>)| {
            event.labels.get(name).is_some_and(|value| values.contains(value))
        };
        (self.severity.is_empty() || self.severity.contains(&event.severity))
            && self.at_least.is_none_or(|least| event.severity >= least)
            && self.labels.iter().all(listed)
    }
}
