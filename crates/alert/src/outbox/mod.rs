//! The outbox: who is still to be told of what. A fold of the log, and of nothing else.
//!
//! [`records`] is what it keeps in the log, [`Outbox`] the fold, [`Dispatch`] what is due when, [`Sender`] the task that
//! sends.

mod backoff;
mod dispatch;
mod lane;
mod list;
mod rate;
mod records;
mod sender;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use bellwether_model::{Body, Record, System};
use bellwether_store::{Error, EventLog};
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;

use crate::{AlertEvent, Entry};

pub use dispatch::{Attempt, Dispatch, Health, Message};
pub use lane::Letter;
pub use list::{Listed, State};
pub use rate::Rate;
pub use records::{ALERT, DELIVERY, Delivery, InForce, Named, Outcome, RECEIVERS};
pub use sender::{Records, Sender};

use lane::Lane;

/// Notifications that wait for their receivers, and those that were given up: `notifications - deliveries`.
///
/// All steps of one evaluation moment with equal group make one notification a receiver. The log may hold a moment's
/// steps in several appends, so the last moment stays open until a step of another one follows or [`Outbox::close`]
/// says that it is whole; live and replayed, the same notifications come of it.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    lanes: BTreeMap<String, Lane>,
    open: Option<Moment>,
    in_force: Option<InForce>,
    seen: u64,
}

/// At how many points a moment may be taken to be two.
const PARTS: usize = 64;

#[derive(Clone, Debug)]
struct Moment {
    at: String,
    recorded: DateTime<Utc>,
    steps: Vec<(u64, AlertEvent)>,
}

impl Outbox {
    /// The outbox of a whole log, whose last moment is taken to be whole.
    ///
    /// # Errors
    /// Whatever reading the log gives.
    pub fn of(log: &(impl EventLog + ?Sized)) -> Result<Self, Error> {
        let mut outbox = Self::default();
        log.read(1, &mut |record| {
            outbox.fold(record);
            ControlFlow::Continue(())
        })?;
        outbox.close(u64::MAX);
        Ok(outbox)
    }

    /// Takes the next record of the log. Records that say nothing about notifications only move [`Outbox::seen`].
    pub fn fold(&mut self, record: &Record) {
        self.seen = self.seen.max(record.seq);
        let Body::System(system) = &record.body else { return };
        match system.system.as_str() {
            ALERT => {
                let Some(event) = payload::<AlertEvent>(record.seq, system) else { return };
                if self.open.as_ref().is_some_and(|open| open.at != event.at) {
                    self.close(u64::MAX);
                }
                let moment = self.open.get_or_insert_with(|| Moment {
                    at: event.at.clone(),
                    recorded: record.recorded_at,
                    steps: Vec::new(),
                });
                moment.recorded = record.recorded_at;
                moment.steps.push((record.seq, event));
            }
            RECEIVERS => {
                let Some(now) = payload::<InForce>(record.seq, system) else { return };
                // Whoever is in force when a step is logged is told of it.
                self.close(u64::MAX);
                for (name, lane) in self.lanes.iter_mut().filter(|(_, lane)| lane.in_force) {
                    if !now.receivers.contains_key(name) {
                        lane.remove(record.recorded_at);
                    }
                }
                for (name, named) in &now.receivers {
                    self.lanes.entry(name.clone()).or_default().put_in_force(named);
                }
                self.in_force = Some(now);
            }
            DELIVERY => {
                let Some(delivery) = payload::<Delivery>(record.seq, system) else { return };
                self.close_by(&delivery);
                if let Some(lane) = self.lanes.get_mut(&delivery.receiver) {
                    lane.settle(delivery.id, delivery.outcome, &delivery.answer, record.recorded_at);
                }
            }
            _ => {}
        }
    }

    /// What was sent was whole. A letter that nobody knows yet is of the open moment: its steps up to some point, where a
    /// clock that stood still made two moments of one time.
    fn close_by(&mut self, delivery: &Delivery) {
        let (Some(open), Some(lane)) = (&self.open, self.lanes.get(&delivery.receiver)) else { return };
        if !lane.in_force || lane.knows(delivery.id) {
            return;
        }
        let makes_it = |n: &usize| {
            let (Some(steps), mut closed) = (open.steps.get(..*n), lane.clone()) else { return false };
            closed.take(&delivery.receiver, steps, &open.at, open.recorded);
            closed.knows(delivery.id)
        };
        let Some(n) = (1..=open.steps.len()).rev().take(PARTS).find(makes_it) else { return };
        let Some(mut whole) = self.open.take() else { return };
        let rest = whole.steps.split_off(n);
        if !rest.is_empty() {
            self.open = Some(Moment { steps: rest, ..whole.clone() });
        }
        self.hand_out(&whole);
    }

    /// Says that every moment with steps up to sequence `settled` is whole in the log.
    pub fn close(&mut self, settled: u64) {
        let whole = |open: &Moment| open.steps.last().is_none_or(|(seq, _)| *seq <= settled);
        if let Some(moment) = self.open.take_if(|open| whole(open)) {
            self.hand_out(&moment);
        }
    }

    fn hand_out(&mut self, moment: &Moment) {
        for (name, lane) in self.lanes.iter_mut().filter(|(_, lane)| lane.in_force) {
            lane.take(name, &moment.steps, &moment.at, moment.recorded);
        }
    }

    /// Highest sequence that was taken in.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Receivers in force by the log; `None` before the first record of them.
    pub fn in_force(&self) -> Option<&InForce> {
        self.in_force.as_ref()
    }

    /// The record to append when the configuration asks for other receivers than are in force.
    pub fn change(&self, wanted: &InForce) -> Option<System> {
        let same = match &self.in_force {
            Some(now) => now == wanted,
            None => wanted.receivers.is_empty(),
        };
        (!same).then(|| wanted.record())
    }

    /// The oldest waiting letter of each group of a receiver, in log order.
    pub fn heads(&self, receiver: &str) -> impl Iterator<Item = &Letter> {
        self.lanes.get(receiver).into_iter().flat_map(Lane::heads)
    }

    /// Alerts that fire as far as a receiver was told.
    pub fn firing(&self, receiver: &str) -> impl Iterator<Item = &Entry> {
        self.lanes.get(receiver).into_iter().flat_map(Lane::firing)
    }

    /// Everything that waits, a receiver after the other, each in log order.
    pub fn waiting(&self) -> impl Iterator<Item = &Letter> {
        self.lanes.values().flat_map(|lane| lane.waiting.values())
    }

    /// Everything that was given up, likewise.
    pub fn dead(&self) -> impl Iterator<Item = &Letter> {
        self.lanes.values().flat_map(|lane| lane.dead.values())
    }

    /// Moments of the last deliveries to a receiver, oldest first.
    fn recent(&self, receiver: &str) -> impl Iterator<Item = DateTime<Utc>> {
        self.lanes.get(receiver).into_iter().flat_map(|lane| lane.recent.iter().copied())
    }
}

/// A record that another version wrote in another shape tells nothing; the log keeps it.
fn payload<T: DeserializeOwned>(seq: u64, system: &System) -> Option<T> {
    T::deserialize(&system.data)
        .map_err(
            |error| tracing::warn!(seq, kind = %system.system, %error, "a record that is not understood"),
        )
        .ok()
}
