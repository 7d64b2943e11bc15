//! From what a view reads to states: series, measures, domains, levels, relations, scenarios, shifts.
//!
//! Read top-down: `series` makes points, `measure` one number with distance and trend, `strength` what a row
//! gives to the rows above it, then the rows themselves in the order in which they may read each other.

mod balance;
mod band;
mod bound;
mod change;
mod condition;
mod core;
mod divergence;
mod domain;
mod expectation;
mod holds;
mod knowledge;
mod level;
mod listening;
mod measure;
mod method;
mod misfit;
mod outside;
mod past;
mod plan;
mod prequential;
mod pressing;
mod relation;
mod repeat;
mod residual;
mod scenario;
mod series;
mod shift;
mod sliding;
mod spell;
mod strength;
pub(crate) mod time;
mod weights;

pub(crate) use self::core::Core;
pub(crate) use self::core::Levels;
pub(crate) use balance::{balance_state, given};
pub(crate) use change::{Asked, AtAlarm, Changes, at_alarm};
pub(crate) use divergence::divergences;
pub(crate) use domain::domain_states;
pub(crate) use holds::Holds;
pub(crate) use listening::Listening;
pub(crate) use measure::{MeasureEval, evaluate, evaluate_all, of_change};
pub(crate) use method::{counts, false_alarms};
pub(crate) use outside::{Kept, Outside};
pub(crate) use plan::Plan;
pub(crate) use prequential::{Whole, prior_states};
pub use scenario::TRANSITION;
pub(crate) use scenario::{STATE_WORDS, Setting, Weighed, scenario_states, weigh, words};
pub(crate) use series::{Point, Series, Source};
pub(crate) use shift::{Shifts, Since, shifts};
pub(crate) use sliding::{a_year_after, crossing, midnight};
pub(crate) use strength::Sum;
pub(crate) use weights::{WeightSwing, weight_swings};
