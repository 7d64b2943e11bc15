//! Putting forecasts on record: what is due is appended to the log.

use std::ops::ControlFlow;

use bellwether_model::question::Questions;
use bellwether_projection::Projector;
use bellwether_projection::forecast::{FORECAST, Ledger, Model, QUESTION, RESOLUTION};
use bellwether_store::{Append, Error, EventLog};
use chrono::{DateTime, Utc};
use serde::Serialize;

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

/// Appends what is due at `now` by each projector: new questions, the day's probabilities, answers that have arrived.
///
/// The projectors must have taken everything that the log holds. Asked again the same UTC day, or after it was cut off,
/// it adds what is missing and nothing twice.
///
/// # Errors
/// As [`EventLog::read`] and [`EventLog::append`].
pub fn record(
    log: &dyn EventLog,
    ledger: &mut Ledger,
    questions: &Questions,
    projectors: &[&Projector],
    model: &dyn Model,
    now: DateTime<Utc>,
) -> Result<Recorded, Error> {
    let mut added = Recorded::default();
    follow(log, ledger)?;
    for projector in projectors {
        for system in ledger.due(questions, projector, model, now) {
            match system.system.as_str() {
                QUESTION => added.questions += 1,
                FORECAST => added.forecasts += 1,
                RESOLUTION => added.resolutions += 1,
                _ => {}
            }
            log.append(Append { system: Some(system), ..Append::default() })?;
        }
        follow(log, ledger)?;
    }
    Ok(added)
}
