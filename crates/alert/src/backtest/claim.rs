//! What a firing claims and what a reference event is: a day, a domain, a direction.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What a reference event meant, or what a firing says is coming.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The parties drew closer.
    AlignmentUp,
    /// They drew apart.
    AlignmentDown,
    /// What confines them changed.
    Envelope,
    /// A blow from outside.
    Shock,
}

impl Direction {
    /// All of them, as they are written.
    pub const NAMES: [(&'static str, Direction); 4] = [
        ("alignment_up", Direction::AlignmentUp),
        ("alignment_down", Direction::AlignmentDown),
        ("envelope", Direction::Envelope),
        ("shock", Direction::Shock),
    ];
}

impl FromStr for Direction {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::NAMES.iter().find(|(name, _)| *name == text).map(|(_, direction)| *direction).ok_or(())
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMES.iter().find(|(_, d)| d == self).map_or("", |(name, _)| name))
    }
}

/// Domain and directions of which a firing speaks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claim {
    /// Domain id; `None` stands for any.
    pub domain: Option<String>,
    /// Directions of the events that would bear it out.
    pub directions: BTreeSet<Direction>,
}

impl Claim {
    /// Whether an event of that domain and direction bears the claim out.
    pub fn covers(&self, event: &ReferenceEvent) -> bool {
        self.domain.as_ref().is_none_or(|d| *d == event.domain) && self.directions.contains(&event.direction)
    }
}

/// One firing of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    /// Fingerprint of the alert.
    pub alert: String,
    /// Row that it is about.
    pub subject: Option<String>,
    /// Day (UTC) of the moment at which it fired.
    pub day: NaiveDate,
    /// What it claims.
    pub claim: Claim,
}

/// A dated turning point against which firings are scored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceEvent {
    /// Day of the event.
    pub day: NaiveDate,
    /// In words.
    pub title: String,
    /// Domain id of the framework.
    pub domain: String,
    /// What it meant.
    pub direction: Direction,
    /// Page that tells of it.
    pub url: String,
    /// Line of its file, from 1.
    pub line: usize,
}

/// An alarm counts from this many days before an event …
pub const BEFORE: i64 = 30;
/// … to this many days after it.
pub const AFTER: i64 = 90;

/// Whether an alarm of `alarm` is near enough to an event of `event`: both ends count.
pub fn within(alarm: NaiveDate, event: NaiveDate) -> bool {
    (-BEFORE..=AFTER).contains(&(alarm - event).num_days())
}
