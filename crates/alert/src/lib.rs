//! Rules over an assessment, the life cycle of alerts, and the outbox that tells people.
//!
//! A rule is a line of configuration; what it does is a function of the log: the same facts, rules, silences and
//! acknowledgements give the same alerts, live or replayed. What is absent on purpose: a clock, printing, and, outside
//! `receivers/`, the network.

pub mod backtest;
mod desk;
mod event;
mod expression;
mod follow;
mod machine;
mod notification;
pub mod outbox;
pub mod receivers;
mod rule;
mod say;
mod scope;
mod system;
mod time;
mod why;

pub use desk::{Desk, Folded};
pub use event::{AlertEvent, Happening, Number, ShiftRef};
pub use follow::{Claim, Follower, published};
pub use machine::{Acked, AlertState, Counts, Machine, Standing};
pub use notification::{Entry, Notification, Status};
pub use rule::{Each, Expression, Inhibit, Mapping, Matchers, Rule, RuleSet, Severity};
pub use say::{
    Acknowledging, AlertQuery, QuietKind, QuietState, Quieting, is_alert, no_alert, no_alert_ever,
    no_dead_letter, no_silence,
};
pub use system::{Ack, Maintenance, Payload, RuleText, RulesInForce, Silence};
pub use why::{Family, Inquiry, Latest, RuleThen, Told, Why, Witness};
