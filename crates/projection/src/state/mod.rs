//! From what a view reads to states: series, measures, domains, levels, relations, scenarios, shifts.
//!
//! Read top-down: `series` makes points, `measure` one number with distance and trend, `strength` what a row
//! gives to the rows above it, then the rows themselves in the order in which they may read each other.

mod balance;
mod bound;
mod change;
mod condition;
mod core;
mod divergence;
mod domain;
mod expectation;
mod knowledge;
mod level;
mod listening;
mod measure;
mod method;
mod misfit;
mod outside;
mod past;
mod relation;
mod residual;
mod scenario;
mod series;
mod shift;
mod spell;
mod strength;
pub(crate) mod time;

pub(crate) use self::core::Core;
pub(crate) use balance::balance_state;
pub(crate) use change::{AtAlarm, Changes, at_alarm};
pub(crate) use condition::Conditions;
pub(crate) use divergence::divergences;
pub(crate) use domain::domain_states;
pub(crate) use listening::Listening;
pub(crate) use measure::{MeasureEval, of_change};
pub(crate) use method::false_alarms;
pub(crate) use scenario::{STATE_WORDS, Weighed, scenario_states, weigh, words};
pub(crate) use series::{Point, Series, Source};
pub(crate) use shift::shifts;
pub(crate) use strength::Sum;
