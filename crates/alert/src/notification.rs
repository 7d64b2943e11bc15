//! What a receiver is told: some steps of alerts of one group, taken at one moment.

use std::collections::BTreeMap;

use bellwether_model::{NAMESPACE, format_moment};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{AlertEvent, Happening, Severity};

/// Status of an alert or of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It holds.
    Firing,
    /// It is over.
    Resolved,
}

impl Status {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Status::Firing => "firing",
            Status::Resolved => "resolved",
        }
    }
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
    /// Whether it only tries the receiver out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
}

impl Notification {
    /// Tells `receiver` of `alerts` (not empty), which share `group` and the moment `at`.
    pub fn new(receiver: &str, group: &[String], at: &str, alerts: Vec<Entry>) -> Self {
        let mut key = receiver.to_owned();
        // A NUL is in no name, label or number: equal keys have equal parts.
        for part in group.iter().cloned().chain(alerts.iter().map(|entry| entry.seq.to_string())) {
            key.push('\0');
            key.push_str(&part);
        }
        let firing = alerts.iter().any(|entry| entry.status == Status::Firing);
        Self {
            id: Uuid::new_v5(&NAMESPACE, key.as_bytes()),
            receiver: receiver.to_owned(),
            group: group.to_vec(),
            status: if firing { Status::Firing } else { Status::Resolved },
            at: at.to_owned(),
            alerts,
            test: false,
        }
    }

    /// A message that only tries `receiver` out, at the moment `now`.
    pub fn trial(receiver: &str, now: DateTime<Utc>) -> Self {
        let at = format_moment(now);
        let labels = [("rule", "test"), ("severity", "info"), ("test", "true")];
        let event = AlertEvent {
            alert: "alert.test".into(),
            at: at.clone(),
            happening: Happening::Firing,
            since: at.clone(),
            rule: "test".into(),
            version: String::new(),
            subject: None,
            domain: None,
            shift: None,
            severity: Severity::Info,
            labels: labels.map(|(name, value)| (name.into(), value.into())).into(),
            group: Vec::new(),
            summary: "This is a test of the receiver; nothing has happened.".into(),
            runbook: String::new(),
            numbers: Vec::new(),
            margin: None,
            coverage: None,
            evidence: Vec::new(),
            muted_by: Vec::new(),
        };
        let entry = Entry { status: Status::Firing, seq: 0, event };
        Self { test: true, ..Self::new(receiver, &[format!("test={at}")], &at, vec![entry]) }
    }

    /// One line that says what it is about: `[FIRING] summary`, or how many of which status.
    pub fn title(&self) -> String {
        let mark = match (self.test, self.status) {
            (true, _) => "TEST",
            (_, Status::Firing) => "FIRING",
            (_, Status::Resolved) => "RESOLVED",
        };
        match self.alerts.as_slice() {
            [one] => format!("[{mark}] {}", one.event.summary),
            many => {
                let mut count: BTreeMap<&str, usize> = BTreeMap::new();
                for entry in many {
                    *count.entry(entry.status.word()).or_default() += 1;
                }
                let counts: Vec<String> = count.iter().map(|(status, n)| format!("{n} {status}")).collect();
                format!("[{mark}] {}: {}", counts.join(", "), self.group.join(", "))
            }
        }
    }
}
