//! What a receiver is told: some steps of alerts of one group, taken at one moment.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::AlertEvent;

/// Status of an alert or of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It holds.
    Firing,
    /// It is over.
    Resolved,
}

/// One alert in a notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Status.
    pub status: Status,
    /// Sequence of the log's record of this step.
    pub seq: u64,
    /// The step.
    #[serde(flatten)]
    pub event: AlertEvent,
    /// What to do, from the rule.
    pub runbook: String,
}

/// One message to one receiver. Equal content has an equal `id`, at the first attempt as at the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// UUIDv5 of receiver, group and the sequences of its steps: the idempotency key.
    pub id: Uuid,
    /// Receiver.
    pub receiver: String,
    /// Values of the labels that the group shares, `name=value` in order of the names.
    pub group: Vec<String>,
    /// Firing while any of its alerts fires.
    pub status: Status,
    /// Moment of the steps, RFC 3339.
    pub at: String,
    /// Steps in log order.
    pub alerts: Vec<Entry>,
}
