//! Scenarios and what each makes likely.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// `scenario.…`.
    pub id: String,
    /// Heading.
    pub title: String,
    /// What it looks like.
    pub shape: String,
    /// How it is entered and left.
    pub dynamics: String,
    /// Prior probability; the priors add to 1.
    pub prior: f64,
    /// Probability of each scenario one quarter later; the row adds to 1.
    pub transition: BTreeMap<String, f64>,
    /// Why this prior and row.
    pub reason: String,
}

/// State of an indicator for the scenario tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignalState {
    /// Distance below the lower threshold.
    Low,
    /// Between the thresholds.
    Normal,
    /// Distance above the upper threshold.
    High,
}

/// How likely each state of an indicator is under each scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// Indicator or measure.
    pub of: String,
    /// Indicators of one group repeat each other and share one report's weight.
    pub group: String,
    /// Distances that separate low, normal and high.
    pub thresholds: [f64; 2],
    /// Scenario → probabilities of low, normal, high; each row adds to 1.
    pub likelihood: BTreeMap<String, [f64; 3]>,
    /// Why.
    pub reason: String,
}

impl Signal {
    /// State of a distance.
    pub fn state(&self, distance: f64) -> SignalState {
        let [low, high] = self.thresholds;
        if distance < low {
            SignalState::Low
        } else if distance > high {
            SignalState::High
        } else {
            SignalState::Normal
        }
    }
}
