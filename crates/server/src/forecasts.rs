//! Putting forecasts on record: what is due is appended to the log.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use bellwether_alert::Folded;
use bellwether_model::System;
use bellwether_model::question::Questions;
use bellwether_projection::forecast::{FORECAST, Ledger, Model, QUESTION, RESOLUTION, Simulated};
use bellwether_store::{Append, Error, EventLog};
use chrono::{DateTime, Days, NaiveTime, Utc};
use serde::Serialize;
use tokio::sync::watch;

use crate::apart::{apart, finished};
use crate::live::Live;
use crate::{Configured, Reads};

/// After a midnight the log may still be writing what it dated before.
const AFTER_MIDNIGHT: Duration = Duration::from_secs(5);
/// The clock may be set while the task waits for a midnight.
const LONGEST: Duration = Duration::from_secs(600);
/// Wait after the log refused a record.
const REFUSED: Duration = Duration::from_secs(60);

/// What was added to the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Recorded {
    /// Questions filed.
    pub questions: u64,
    /// Probabilities.
    pub forecasts: u64,
    /// Answers.
    pub resolutions: u64,
}

/// Folds what the log holds of forecasts, from where `ledger` stands.
///
/// # Errors
/// As [`EventLog::read`].
pub fn follow(log: &dyn EventLog, ledger: &mut Ledger) -> Result<(), Error> {
    log.read(ledger.head().saturating_add(1), &mut |record| {
        ledger.apply(record);
        ControlFlow::Continue(())
    })
}

impl Recorded {
    fn count(&mut self, due: &[System]) {
        for system in due {
            match system.system.as_str() {
                QUESTION => self.questions += 1,
                FORECAST => self.forecasts += 1,
                RESOLUTION => self.resolutions += 1,
                _ => {}
            }
        }
    }
}

impl std::ops::AddAssign for Recorded {
    fn add_assign(&mut self, more: Self) {
        self.questions += more.questions;
        self.forecasts += more.forecasts;
        self.resolutions += more.resolutions;
    }
}

/// Appends what is due at `now` by a framework: new questions, the day's probabilities, answers that have arrived.
///
/// Asked again the same UTC day, or after it was cut off, it adds what is missing and nothing twice. Days on which nobody
/// asked stay without a forecast: none is made up afterwards.
///
/// # Errors
/// As [`EventLog::read`] and [`EventLog::append`].
pub fn record(
    log: &dyn EventLog,
    ledger: &mut Ledger,
    questions: &Questions,
    folded: &impl Folded,
    model: &dyn Model,
    now: DateTime<Utc>,
) -> Result<Recorded, Error> {
    let mut added = Recorded::default();
    follow(log, ledger)?;
    let due = folded.lend(log, |projector| ledger.due(questions, projector, model, now))?;
    added.count(&due);
    if !due.is_empty() {
        log.append(Append::systems(due))?;
        follow(log, ledger)?;
    }
    Ok(added)
}

/// The daemon's part: what is due is put on record at the start, after each UTC midnight and after a reload.
pub(crate) async fn daily(reads: Arc<Reads>, mut stop: watch::Receiver<bool>) {
    let mut configured = reads.configured_changed();
    let mut done = None;
    loop {
        configured.borrow_and_update();
        let now = reads.now();
        let mut wait = LONGEST;
        if done != Some(now.date_naive()) {
            let theirs = Arc::clone(&reads);
            match finished(&mut apart("forecasts", move || once(&theirs, now))).await {
                Ok(Ok(added)) => {
                    done = Some(now.date_naive());
                    if added != Recorded::default() {
                        let Recorded { questions, forecasts, resolutions } = added;
                        tracing::info!(questions, forecasts, resolutions, "forecasts put on record");
                    }
                }
                Ok(Err(Error::Closing)) => return,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "forecasts are not on record yet");
                    wait = REFUSED;
                }
                Err(lost) => {
                    tracing::error!(problem = %lost, "forecasts could not be made");
                    wait = REFUSED;
                }
            }
        }
        let midnight =
            now.date_naive().checked_add_days(Days::new(1)).map(|day| day.and_time(NaiveTime::MIN).and_utc());
        let next =
            midnight.and_then(|at| (at - reads.now()).to_std().ok()).unwrap_or_default() + AFTER_MIDNIGHT;
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            _ = configured.changed() => done = None,
            () = tokio::time::sleep(next.min(wait)) => {}
        }
    }
}

fn once(reads: &Reads, now: DateTime<Utc>) -> Result<Recorded, Error> {
    let configured = reads.configured();
    let Configured { questions, frameworks, types, .. } = &*configured;
    let mut added = Recorded::default();
    if questions.filed.is_empty() {
        return Ok(added);
    }
    let log = &**reads.log();
    let mut ledger = reads.ledger()?;
    for (at, framework) in frameworks.iter().enumerate() {
        let live = match at {
            0 => Some(reads.lives.of(&configured, framework, types)),
            _ => reads.lives.ready(framework, types),
        };
        // Of a framework that nobody asks about nothing is kept in memory for one question a day.
        let live = live.unwrap_or_else(|| Arc::new(Live::apart(Arc::clone(framework), Arc::clone(types))));
        added += record(log, &mut ledger, questions, &*live, &Simulated::default(), now)?;
    }
    Ok(added)
}
