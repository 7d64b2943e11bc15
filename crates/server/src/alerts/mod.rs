//! Alerts in the daemon: rules asked as the log grows, receivers told, questions answered.
//!
//! [`Alerts`] is the one owner of the desk: the task that follows the log, and every question, bring it level with the log
//! first, so that whoever asks sees what was acknowledged before.

mod evaluate;
mod send;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bellwether_alert::Desk;
use bellwether_alert::outbox::{Health, Outbox};
use bellwether_store::{Error, EventLog};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use crate::Configured;

pub(crate) use evaluate::evaluate;
pub(crate) use send::{Post, Round, Sending};

/// After a midnight the log may still be writing what it dated before: so much later is it evaluated, or a replay, which
/// finds those records where they stand, would tell another story.
const AFTER_MIDNIGHT: TimeDelta = TimeDelta::seconds(2);

/// What the daemon knows of alerts.
pub(crate) struct Alerts {
    log: Arc<dyn EventLog>,
    desk: Mutex<Option<Desk>>,
    outbox: Mutex<Outbox>,
    /// Up to where every moment has all of its steps in the log.
    settled: watch::Sender<u64>,
    /// Steps appended since the start.
    moved: AtomicU64,
    /// How the receivers fare.
    pub(crate) health: watch::Sender<Vec<Health>>,
}

impl Alerts {
    pub(crate) fn new(log: Arc<dyn EventLog>) -> Self {
        Self {
            log,
            desk: Mutex::new(None),
            outbox: Mutex::default(),
            settled: watch::Sender::new(0),
            moved: AtomicU64::new(0),
            health: watch::Sender::new(Vec::new()),
        }
    }

    /// Brings the alerts level with the log and answers from them. It blocks.
    ///
    /// # Errors
    /// Whatever the log gives.
    pub(crate) fn ask<T>(
        &self,
        configured: &Configured,
        now: DateTime<Utc>,
        question: impl FnOnce(&Desk) -> T,
    ) -> Result<T, Error> {
        let mut held = self.desk.lock().unwrap_or_else(|poisoned| {
            // A step that panicked left a state that nobody vouches for: the log has everything.
            let mut held = poisoned.into_inner();
            *held = None;
            self.desk.clear_poison();
            held
        });
        let Some(framework) = configured.frameworks.first() else { return Err(Error::Closing) };
        let types = &configured.types;
        let kept = held.take().and_then(|mut desk| desk.is_of(framework, types).then_some(desk));
        let anew = || Desk::new(Arc::clone(framework), Arc::clone(types), &configured.rules);
        let desk = held.insert(kept.unwrap_or_else(anew));
        desk.want(&configured.rules);
        let (settled, steps) = desk.write(&*self.log, now - AFTER_MIDNIGHT)?;
        if steps > 0 {
            tracing::info!(steps, "alerts moved");
            self.moved.fetch_add(steps as u64, Ordering::Relaxed);
        }
        self.settled.send_replace(settled);
        Ok(question(desk))
    }

    /// Up to where every moment has all of its steps in the log.
    pub(crate) fn settled(&self) -> u64 {
        *self.settled.borrow()
    }

    /// Steps appended since the start.
    pub(crate) fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    /// Answers from the outbox as of the log's head. It blocks.
    ///
    /// # Errors
    /// Whatever the log gives.
    pub(crate) fn outbox<T>(&self, question: impl FnOnce(&Outbox) -> T) -> Result<T, Error> {
        let mut outbox = self.outbox.lock().unwrap_or_else(|poisoned| {
            let mut held = poisoned.into_inner();
            *held = Outbox::default();
            self.outbox.clear_poison();
            held
        });
        self.log.read(outbox.seen().saturating_add(1), &mut |record| {
            outbox.fold(record);
            ControlFlow::Continue(())
        })?;
        outbox.close(self.settled());
        Ok(question(&outbox))
    }

    /// Counts for metrics, as of the last look; nothing is evaluated for them.
    pub(crate) fn glance<T>(&self, look: impl FnOnce(&Desk) -> T) -> Option<T> {
        let held = match self.desk.try_lock() {
            Ok(held) => held,
            Err(std::sync::TryLockError::Poisoned(poisoned)) => PoisonError::into_inner(poisoned),
            Err(std::sync::TryLockError::WouldBlock) => return None,
        };
        held.as_ref().map(look)
    }
}
