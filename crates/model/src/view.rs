//! Which facts a view may use: two dates, a clock and a basis.

use chrono::{DateTime, Days, Utc};
use serde::{Deserialize, Serialize};

use crate::{Basis, Problem, Stamp};

/// Which known time counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Clock {
    /// Stated publication, else assumed, else recorded: what the world could know.
    #[default]
    Published,
    /// When this log recorded it: what this installation knew.
    Recorded,
}

/// Which publication bases a view accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KnownBasis {
    /// All of them.
    #[default]
    Any,
    /// Only publications that the source states.
    Stated,
}

/// What could be known before `known_by` about the world before `as_of`; both bounds exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// World time, exclusive upper bound.
    pub as_of: DateTime<Utc>,
    /// Known time, exclusive upper bound.
    pub known_by: DateTime<Utc>,
    /// Which known time counts.
    pub clock: Clock,
    /// Which bases count.
    pub basis: KnownBasis,
}

impl View {
    /// A view in which both times end at `bound`: no hindsight.
    pub fn at(bound: DateTime<Utc>) -> Self {
        Self { as_of: bound, known_by: bound, clock: Clock::Published, basis: KnownBasis::Any }
    }

    /// Bound that a command-line date or instant stands for: a date means the following 00:00Z.
    pub fn parse_bound(text: &str) -> Result<DateTime<Utc>, Problem> {
        match text.parse::<Stamp>()? {
            Stamp::Instant(at) => Ok(at),
            day => Ok(day.start().checked_add_days(Days::new(1)).unwrap_or(DateTime::<Utc>::MAX_UTC)),
        }
    }

    /// Known time of a fact under this view's clock.
    pub fn known_time(&self, published: DateTime<Utc>, recorded: DateTime<Utc>) -> DateTime<Utc> {
        match self.clock {
            Clock::Published => published,
            Clock::Recorded => recorded,
        }
    }

    /// Whether a publication of this basis counts.
    pub fn accepts(&self, basis: Basis) -> bool {
        self.basis == KnownBasis::Any || basis == Basis::Stated
    }
}
