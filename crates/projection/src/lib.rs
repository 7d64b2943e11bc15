//! Pure folds: from facts to an assessment.
//!
//! [`Projector`] takes records in any order and answers any [`View`](bellwether_model::View): what could be
//! known before one date about the world before another. The answer is a function of the set of facts, the
//! framework and the view, to the last byte.
//!
//! What is absent on purpose: IO, a clock, randomness, the store. Threads only split work whose parts do not meet
//! (reading beside folding, two views side by side). Sums run in id order, decimals are summed exactly, and
//! transcendental functions come from `libm`, so answers are equal on every machine.
//!
//! Shifts come from the detectors of `bellwether_detect`, over each series as it became known: level and trend by the
//! scan, spread by the residuals of months, happenings by their rate and their silence, fast feeds by FOCuS and by the
//! patterns they show; and from bounds and expectations walked the same way. Scenario probabilities come from the filter
//! of [`scenario`], which knows numbers only.

mod assess;
mod assessment;
mod board;
mod diff;
mod fold;
pub mod forecast;
mod gaps;
mod history;
mod outlook;
pub mod scenario;
mod state;
mod stepper;
mod turning;
mod weighing;
mod why;

pub use assessment::*;
pub use board::{BoardRow, Threshold};
pub use diff::{Cause, Change, Comparison, Diff, Differing};
pub use fold::{Projector, SnapshotError};
pub use gaps::{Gap, GapKind};
pub use history::SeriesRow;
pub use outlook::{
    BalanceYear, BoundAhead, BoundGiven, BoundYear, Chance, Fan, FanYear, ModelNote, Outlook, PATHS,
    Predictive, Probability, Refusal, Scenarios, Signpost, SignpostSignal, USUAL_PATHS, YearEnd,
};
pub use state::TRANSITION;
pub use stepper::{Step, Stepper};
pub use weighing::{Diagnosticity, JudgementRow, Sensitivity, Turn, WeightRow};
pub use why::{Explanation, FactRef, FactRole, Figure, InputLine, Likelihood, Publisher, Reported};

/// Name and version of the engine, printed with each assessment.
pub const ENGINE: &str = concat!("bellwether-projection/", env!("CARGO_PKG_VERSION"));
