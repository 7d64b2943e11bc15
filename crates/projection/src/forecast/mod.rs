//! Forecast questions: probabilities, answers, the record, and how good it was.
//!
//! Read top-down: `reading` tells what a measure showed as far as was known at a moment, `answer` when and how that
//! answers a question, `model` what is expected of it, `reference` what the past alone would say, `chance` puts these
//! together; `ledger` is the record in the log and what is due to be added to it, `list` and `why` show it, `backcast` asks about
//! the past without hindsight, and `report` scores, with the formulas of [`score`], each score `paired` with those of the
//! references. `states` scores the scenarios themselves, by what they expect of the signals not yet read.
//!
//! What is absent on purpose: a clock and the store. The present moment is an argument, and what is to be written is
//! handed back as records.

mod answer;
mod backcast;
mod chance;
mod distribution;
mod ledger;
mod list;
mod model;
mod paired;
mod reading;
mod reference;
mod report;
pub mod score;
mod states;
mod why;

pub use answer::Outcome;
pub use distribution::Distribution;
pub use ledger::{Entry, FORECAST, Filed, Forecast, Ledger, QUESTION, RESOLUTION, Resolved};
pub use list::{ForecastRow, Standing};
pub use model::{Asked, Expected, Model, Moment, OnPrior, Simulated, Steady};
pub use paired::Score;
pub use report::{Beside, QuestionScore, Report, Section, Table};
pub use states::{Prequential, QuarterScore, StateReading, StateScore};
