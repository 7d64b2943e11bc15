//! What the outbox keeps in the log: who is to be told, and what became of each notification.

use std::collections::BTreeMap;

use bellwether_model::System;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::receivers::{ReceiverSpec, Route};

/// `System::system` of a step of an alert.
pub const ALERT: &str = "alert";
/// `System::system` of [`InForce`].
pub const RECEIVERS: &str = "receivers";
/// `System::system` of [`Delivery`].
pub const DELIVERY: &str = "delivery";

/// Receivers in force from here on: payload of the records of kind `receivers`. It holds no address and no secret.
///
/// A receiver begins with the first of these records that names it: what happened before is not sent. One that is not
/// named any more drops what waits for it into the dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// By name.
    pub receivers: BTreeMap<String, Named>,
}

/// One receiver in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Kind, `webhook` for instance.
    pub kind: String,
    /// What it is told of.
    #[serde(rename = "match", default)]
    pub route: Route,
}

impl InForce {
    /// What a configuration asks for: its enabled receivers.
    pub fn of<'r>(receivers: impl IntoIterator<Item = &'r ReceiverSpec>) -> Self {
        let enabled = receivers.into_iter().filter(|receiver| receiver.enabled);
        let named = |r: &ReceiverSpec| {
            (r.name.clone(), Named { kind: r.kind.word().to_owned(), route: r.route.clone() })
        };
        Self { receivers: enabled.map(named).collect() }
    }

    /// As a record.
    pub fn record(&self) -> System {
        System { system: RECEIVERS.into(), name: "receivers".into(), data: data(self) }
    }
}

/// What became of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The receiver took it.
    Delivered,
    /// It is given up and waits for somebody to retry it by hand.
    Dead,
    /// Somebody put it back into the queue.
    Retry,
}

/// Payload of the records of kind `delivery`. Failures that are tried again by themselves are not logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Notification.
    pub id: Uuid,
    /// Receiver.
    pub receiver: String,
    /// What became of it.
    pub outcome: Outcome,
    /// What the receiver answered, or why it was given up, in a line without secrets.
    pub answer: String,
    /// Attempts since the program started.
    pub attempts: u32,
}

impl Delivery {
    /// As a record, under the receiver's name.
    pub fn record(&self) -> System {
        System { system: DELIVERY.into(), name: self.receiver.clone(), data: data(self) }
    }
}

/// Maps with text keys and plain numbers: nothing that JSON cannot hold.
fn data(value: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or_default()
}
