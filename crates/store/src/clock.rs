//! The only clock of the libraries: everything else is told the time.

use std::sync::Mutex;
use std::time::SystemTime;

use chrono::{DateTime, Utc};

/// Tells the log what time it is. It may jump: the log itself sees to it that `recorded_at` never decreases.
pub trait StoreClock: Send + Sync {
    /// The present moment, UTC.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl StoreClock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the libraries read the clock")]
    fn now(&self) -> DateTime<Utc> {
        SystemTime::now().into()
    }
}

/// A clock that stands where it is put: for tests and for replays that must repeat byte for byte.
#[derive(Debug)]
pub struct FixedClock(Mutex<DateTime<Utc>>);

impl FixedClock {
    /// Stands at `at`.
    pub fn new(at: DateTime<Utc>) -> Self {
        Self(Mutex::new(at))
    }

    /// Moves it, backwards too.
    pub fn set(&self, at: DateTime<Utc>) {
        *crate::held(&self.0) = at;
    }
}

impl StoreClock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        *crate::held(&self.0)
    }
}
