//! Letters as lists show them.

use bellwether_model::{Problem, System, format_moment};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Delivery, Letter, Outbox, Outcome};
use crate::Status;

/// Whether a notification waits or was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits.
    Waiting,
    /// It was given up.
    Dead,
}

/// A notification in a list; times are RFC 3339.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    /// Its id.
    pub id: Uuid,
    /// Receiver.
    pub receiver: String,
    /// Whether it waits.
    pub state: State,
    /// Status of its alerts.
    pub status: Status,
    /// What it says in a line.
    pub title: String,
    /// Alerts in it.
    pub alerts: Vec<String>,
    /// Moment of its steps.
    pub at: String,
    /// Since when it waits.
    pub since: String,
    /// When it was given up.
    pub dead_at: Option<String>,
    /// Why it was given up.
    pub why: Option<String>,
}

impl Listed {
    fn of(letter: &Letter) -> Self {
        let it = &letter.notification;
        let dead = letter.dead.as_ref();
        Self {
            id: it.id,
            receiver: it.receiver.clone(),
            state: if dead.is_some() { State::Dead } else { State::Waiting },
            status: it.status,
            title: it.title(),
            alerts: it.alerts.iter().map(|entry| entry.event.alert.clone()).collect(),
            at: it.at.clone(),
            since: format_moment(letter.since),
            dead_at: dead.map(|(at, _)| format_moment(*at)),
            why: dead.map(|(_, why)| why.clone()),
        }
    }
}

impl Outbox {
    /// Everything that waits, as a list.
    pub fn list_waiting(&self) -> Vec<Listed> {
        self.waiting().map(Listed::of).collect()
    }

    /// The record that puts a dead letter back into its queue, together with those that begin or end the same alerts.
    ///
    /// # Errors
    /// No dead letter of that id; a receiver that is no longer in force.
    pub fn retry(&self, id: Uuid) -> Result<System, Problem> {
        let letter = self.dead().find(|letter| letter.notification.id == id).ok_or_else(|| {
            Problem::new(format!("no dead letter {id}"), "`bellwether notify dead` lists them")
        })?;
        let receiver = letter.notification.receiver.clone();
        if !self.lanes.get(&receiver).is_some_and(|lane| lane.in_force) {
            return Err(Problem::new(
                format!("the receiver {receiver} is not in force"),
                "say enabled = true in receivers.toml and start the daemon, then retry",
            ));
        }
        let answer = "put back by hand".into();
        Ok(Delivery { id, receiver, outcome: Outcome::Retry, answer, attempts: 0 }.record())
    }

    /// Everything that was given up, as a list.
    pub fn list_dead(&self) -> Vec<Listed> {
        self.dead().map(Listed::of).collect()
    }
}
