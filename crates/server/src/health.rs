//! How the feeds are.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bellwether_ingest::{Facts, Records};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// State of a feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FeedState {
    /// Not asked yet.
    #[default]
    Starting,
    /// The last answer was sound.
    Ok,
    /// The last answer could not be trusted or did not come.
    Degraded,
    /// Sound answers, and nothing new for longer than its cadence.
    Stale,
    /// Switched off in its feed file.
    Disabled,
    /// Not asked: it is given its records, by command or over HTTP.
    Passive,
}

/// Health of one feed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FeedHealth {
    /// Feed.
    pub feed: String,
    /// One line for people.
    pub title: String,
    /// State.
    pub state: FeedState,
    /// Since when it is in this state.
    pub since: Option<DateTime<Utc>>,
    /// What is wrong and what would help.
    pub problem: Option<String>,
    /// Last sound answer.
    pub last_success: Option<DateTime<Utc>>,
    /// Last sound answer that brought a new fact.
    pub last_new: Option<DateTime<Utc>>,
    /// When it will be asked next.
    pub next_due: Option<DateTime<Utc>>,
    /// How often it was asked.
    pub polls: u64,
    /// How many of these failed.
    pub failures: u64,
    /// How many of the failures were faults of this program, caught.
    pub panics: u64,
    /// Records since the start.
    pub records: Records,
    /// Facts since the start.
    pub facts: Facts,
}

/// Health of all feeds.
#[derive(Debug, Default)]
pub(crate) struct Healths(Mutex<BTreeMap<String, FeedHealth>>);

impl Healths {
    fn held(&self) -> MutexGuard<'_, BTreeMap<String, FeedHealth>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them at `now`, by name.
    pub(crate) fn all(&self, _now: DateTime<Utc>) -> Vec<FeedHealth> {
        self.held().values().cloned().collect()
    }
}
