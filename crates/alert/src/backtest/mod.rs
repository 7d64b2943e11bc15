//! Backtests: what a rule was worth over the history, against dated reference events and against chance.
//!
//! A firing claims a domain and a direction (the rule's `backtest` table); a reference event bears it out when both agree
//! and the alarm came from 30 days before to 90 days after it. Each firing and each event counts once
//! ([`Score`] says how conflicts are settled). An event that is itself in the log is not found by reading it: a pair
//! whose alarm could know a fact that *is* the event stands only if the alert fires within the window without those facts.
//! Chance is a thousand seeded placements of as many firings with the same claims on random days.

mod chance;
mod claim;
mod history;
mod matching;
mod own;
mod reference;
mod report;
mod score;
mod speaks;
mod vary;

pub use chance::PLACEMENTS;
pub use claim::{AFTER, BEFORE, Claim, Direction, Firing, ReferenceEvent, within};
pub use history::{Question, run};
pub use reference::parse as parse_reference;
pub use report::{Proposal, Report, Swept, Tried, propose, swept};
pub use score::{Alarm, Event, Pair, Score};
pub use vary::{Setting, Sweep, known, present, variants, vary};
