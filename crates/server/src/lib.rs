//! The daemon: feeds on their schedules, the HTTP API, health and metrics.
//!
//! [`Reads`] is what everything that answers questions works with: the open log, the configuration in force, the
//! health of the feeds, the present moment.
//!
//! What is absent on purpose: printing, exiting, signals (the command line has them), a second clock, and any number
//! of its own.

pub mod api;
mod health;
mod problem;
mod state;

pub use health::{FeedHealth, FeedState};
pub use problem::Refusal;
pub use state::{Configured, Reads};
