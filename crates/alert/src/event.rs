//! What happens to an alert: the payload of the log's records of kind `alert`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Severity;

/// A step of an alert's life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "happening")]
pub enum Happening {
    /// The condition holds, not yet long enough.
    Pending,
    /// It stopped holding before it had held long enough; or, after an alert that expired or whose shift was withdrawn,
    /// it stopped holding, so that it may fire again.
    Lapsed,
    /// It fires.
    Firing,
    /// It fires, and what ends it holds, not yet long enough.
    Recovering,
    /// It fires, and what would have ended it no longer holds.
    Relapsed,
    /// It is over.
    Resolved {
        /// `recovered`, `withdrawn`, `expired`, `rule removed`, … in words.
        reason: String,
    },
    /// It has been firing, muted, and now nothing mutes it any more.
    Unmuted,
}

/// A number that a rule read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Number {
    /// As the rule names it, `row.value` for instance.
    pub name: String,
    /// Value; `null` when not known.
    pub value: serde_json::Value,
}

/// The shift behind a step of an alert about shifts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShiftRef {
    /// Id as it was at the step; a moved onset changes it.
    pub id: String,
    /// When it was flagged, RFC 3339.
    pub known_at: String,
}

/// One step of one alert, as the log keeps it. Times are RFC 3339.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertEvent {
    /// Fingerprint: `alert.RULE` or `alert.RULE.SUBJECT`. One fingerprint has at most one open alert.
    pub alert: String,
    /// Moment of the evaluation grid at which it happened: an append's or a midnight.
    pub at: String,
    /// What happened.
    #[serde(flatten)]
    pub happening: Happening,
    /// When this alert began to hold (`pending`) and, once it did, to fire.
    pub since: String,
    /// Rule.
    pub rule: String,
    /// Version of the rule that said so.
    pub version: String,
    /// Row that it is about.
    pub subject: Option<String>,
    /// Domain of the row.
    pub domain: Option<String>,
    /// Shift, where the row is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift: Option<ShiftRef>,
    /// Severity.
    pub severity: Severity,
    /// Labels, the added ones included.
    pub labels: BTreeMap<String, String>,
    /// The rule's sentence with its numbers.
    pub summary: String,
    /// What the rule read.
    pub numbers: Vec<Number>,
    /// Distance to the threshold in the unit of what was compared, positive past it; `null` where the condition is no
    /// single comparison.
    pub margin: Option<f64>,
    /// Coverage of the domain that it is about.
    pub coverage: Option<f64>,
    /// Sequences of the facts behind the numbers.
    pub evidence: Vec<u64>,
    /// Ids of the silences, maintenance windows and inhibiting alerts that keep it from being sent.
    pub muted_by: Vec<String>,
}
