//! The daemon: feeds on their schedules, the HTTP API, health and metrics.
//!
//! [`App`] is built, started, reloaded and stopped by its caller, in a test as in the binary. [`Reads`] is what
//! everything that answers questions works with: the open log, the configuration in force, the health of the feeds,
//! the present moment.
//!
//! What is absent on purpose: printing, exiting, signals (the command line has them), a second clock, and any number
//! of its own.

mod address;
mod alerts;
mod apart;
pub mod api;
mod app;
mod counted;
mod error;
pub mod forecasts;
mod health;
mod http;
mod live;
pub mod near;
mod problem;
mod quarantine;
mod settings;
mod state;
mod supervisor;
mod text;
mod tokens;

pub use address::Address;
pub use app::{App, Once};
pub use error::ServerError;
pub use health::{FeedHealth, FeedState, Reason};
pub use live::Live;
pub use problem::Refusal;
pub use settings::{Configuration, Connect, Connectors, Settings};
pub use state::{Configured, Reads};
pub use supervisor::Changes;
pub use tokens::{Role, Tokens, Verdict};
