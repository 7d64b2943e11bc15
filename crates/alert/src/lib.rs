//! Rules over an assessment, the life cycle of alerts, and the outbox that tells people.
//!
//! A rule is a line of configuration; what it does is a function of the log: the same facts, rules, silences and
//! acknowledgements give the same alerts, live or replayed. What is absent on purpose: a clock, printing, and, outside
//! `receivers/`, the network.

pub mod backtest;
mod event;
mod notification;
mod rule;

pub use event::{AlertEvent, Happening, Number, ShiftRef};
pub use notification::{Entry, Notification, Status};
pub use rule::{Each, Expression, Mapping, Rule, Severity};
