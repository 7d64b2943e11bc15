//! The alerts that are open.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Number, ShiftRef};
use crate::rule::Severity;

/// Whether an open alert waits or fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Its condition holds, not yet long enough.
    Pending,
    /// It fires.
    Firing,
}

/// An acknowledgement with its moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acked {
    /// Who.
    pub who: String,
    /// What of it.
    pub note: String,
    /// When, RFC 3339.
    pub at: String,
}

/// An open alert: a row of `alerts` and of `/v1/alerts`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertState {
    /// Fingerprint.
    pub alert: String,
    /// Rule.
    pub rule: String,
    /// Heading of the rule; empty when the rule is gone.
    pub title: String,
    /// Pending or firing.
    pub state: Standing,
    /// Since when it is pending or fires, RFC 3339.
    pub since: String,
    /// Since when what ends it holds, RFC 3339; `null` while it does not.
    pub recovering_since: Option<String>,
    /// Severity.
    pub severity: Severity,
    /// Row that it is about.
    pub subject: Option<String>,
    /// Domain of the row.
    pub domain: Option<String>,
    /// Shift, where the row is one.
    pub shift: Option<ShiftRef>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The rule's sentence as of its last step.
    pub summary: String,
    /// What the rule read at its last step.
    pub numbers: Vec<Number>,
    /// Distance past the threshold at its last step.
    pub margin: Option<f64>,
    /// Coverage of its domain at its last step.
    pub coverage: Option<f64>,
    /// Sequences of the facts behind it.
    pub evidence: Vec<u64>,
    /// What keeps it from being sent now.
    pub muted_by: Vec<String>,
    /// Who has taken note of it.
    pub ack: Option<Acked>,
    /// Version of the rule at its last step.
    pub version: String,
    /// What to do.
    pub runbook: String,
}
