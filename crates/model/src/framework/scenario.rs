//! Scenarios and what each makes likely.

use std::collections::BTreeMap;

use chrono::NaiveDate;
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

/// How evidence moves the scenarios: from when, how far a graded source is believed, when all scenarios fit badly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// First day, of a calendar quarter: the priors hold there.
    pub start: NaiveDate,
    /// Share of reports that a source of each reliability gets right, `A` to `F`, 0–1.
    pub source: BTreeMap<String, f64>,
    /// The same for each credibility of the information, `1` to `6`.
    pub information: BTreeMap<String, f64>,
    /// Greatest ratio between two scenarios that one report may show, above 1.
    pub clip: f64,
    /// Quarters that `fit` looks back over.
    pub fit_quarters: u32,
    /// Fit below which all scenarios fit badly.
    pub fit_floor: f64,
    /// How much separate reports of one group and quarter repeat each other, 0 (not at all) to 1 (wholly).
    #[serde(default = "usual_repeats")]
    pub repeats: f64,
    /// Groups that repeat each other more or less than that.
    #[serde(default, rename = "group", skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupRepeats>,
    /// Why these.
    pub reason: String,
}

/// How much separate reports of one group repeat each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRepeats {
    /// Group of signals.
    pub id: String,
    /// 0 (not at all) to 1 (wholly).
    pub repeats: f64,
    /// Why.
    pub reason: String,
}

/// Half of what a second publisher says of another event is said already.
fn usual_repeats() -> f64 {
    0.5
}

/// Letters of source reliability, in order.
pub const RELIABILITIES: [&str; 6] = ["A", "B", "C", "D", "E", "F"];
/// Figures of information credibility, in order.
pub const CREDIBILITIES: [&str; 6] = ["1", "2", "3", "4", "5", "6"];

impl Evidence {
    /// What holds for a framework without the table: the Admiralty scale read as shares of reports that are right
    /// (F and 6, "cannot be judged", stand at a half), a ratio of 5, a year, one in a hundred, and a second report of a
    /// group that repeats half of the first.
    pub fn from_start(start: NaiveDate) -> Self {
        let table = |names: [&str; 6], shares: [f64; 6]| {
            names.into_iter().map(str::to_owned).zip(shares).collect::<BTreeMap<_, _>>()
        };
        Self {
            start,
            source: table(RELIABILITIES, [0.95, 0.85, 0.70, 0.45, 0.20, 0.50]),
            information: table(CREDIBILITIES, [0.95, 0.80, 0.60, 0.35, 0.10, 0.50]),
            clip: 5.0,
            fit_quarters: 4,
            fit_floor: 0.01,
            repeats: usual_repeats(),
            groups: Vec::new(),
            reason: String::new(),
        }
    }
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
    /// Indicators of one group repeat each other: by [`Evidence::repeats`], and wholly where one publisher or event is
    /// behind them.
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
