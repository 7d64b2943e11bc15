//! How the feeds are.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bellwether_ingest::{Facts, Records, Report};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use tokio::sync::watch;

use crate::text::one_line;

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
    /// Sound answers, and nothing new for longer than its cadence allows.
    Stale,
    /// Switched off in its feed file.
    Disabled,
    /// Not asked: it is given its records, by command or over HTTP.
    Passive,
}

/// What kind of fault degrades a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// Something that the source needs is not configured, a secret for instance.
    Setup,
    /// The source does not answer, or not soundly.
    Source,
    /// The source takes longer than its budget.
    Timeout,
    /// What it sent is not what its feed file promises.
    Content,
    /// The log or the quarantine does not take it.
    Store,
    /// A fault of this program, caught.
    Panic,
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
    /// Kind of fault, while degraded.
    pub reason: Option<Reason>,
    /// What is wrong and what would help, while degraded.
    pub problem: Option<String>,
    /// Last sound answer.
    pub last_success: Option<DateTime<Utc>>,
    /// Last time that it brought a new fact.
    pub last_new: Option<DateTime<Utc>>,
    /// When it will be asked next.
    pub next_due: Option<DateTime<Utc>>,
    /// How often it was asked since the start.
    pub polls: u64,
    /// How many of these failed.
    pub failures: u64,
    /// How many of the failures were faults of this program, caught.
    pub panics: u64,
    /// How often its connector gave something up or passed over it and went on, since the start.
    pub passed_over: u64,
    /// The newest of these.
    pub last_passed_over: Option<String>,
    /// Records since the start.
    pub records: Records,
    /// Facts since the start.
    pub facts: Facts,
}

/// One feed and what its state is judged by.
#[derive(Debug, Default)]
struct Entry {
    health: FeedHealth,
    /// Age of the newest content from which it is stale.
    stale: Option<Duration>,
    /// When it was first shown here: nothing is stale before it had its time.
    declared: DateTime<Utc>,
}

impl Entry {
    fn turn(&mut self, state: FeedState, now: DateTime<Utc>) {
        if self.health.state != state || self.health.since.is_none() {
            self.health.state = state;
            self.health.since = Some(now);
        }
        if state != FeedState::Degraded {
            self.health.reason = None;
            self.health.problem = None;
        }
    }

    /// Whether its state is what its source answers. The last turn of a feed may end after it was switched off.
    fn asked(&self) -> bool {
        !matches!(self.health.state, FeedState::Disabled | FeedState::Passive)
    }

    fn shown(&self, now: DateTime<Utc>) -> FeedHealth {
        let mut shown = self.health.clone();
        let allowed = self.stale.and_then(|age| TimeDelta::from_std(age).ok());
        if let (FeedState::Ok, Some(allowed)) = (shown.state, allowed) {
            let until = shown.last_new.unwrap_or(self.declared).checked_add_signed(allowed);
            if let Some(until) = until.filter(|until| *until < now) {
                shown.state = FeedState::Stale;
                shown.since = Some(until);
            }
        }
        shown
    }
}

/// Health of all feeds.
#[derive(Debug, Default)]
pub(crate) struct Healths {
    all: Mutex<BTreeMap<String, Entry>>,
    /// Tells that something of it has changed.
    changed: watch::Sender<()>,
}

impl Healths {
    fn held(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, feed: &str, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.held().get_mut(feed) {
            change(entry);
        }
        self.changed.send_replace(());
    }

    /// Follows its changes.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// All of them at `now`, by name.
    pub(crate) fn all(&self, now: DateTime<Utc>) -> Vec<FeedHealth> {
        self.held().values().map(|entry| entry.shown(now)).collect()
    }

    /// Shows a feed in a state; what was counted before stays.
    pub(crate) fn declare(
        &self,
        feed: &str,
        title: &str,
        stale: Option<Duration>,
        state: FeedState,
        now: DateTime<Utc>,
    ) {
        let mut all = self.held();
        let entry = all.entry(feed.to_owned()).or_insert_with(|| Entry {
            health: FeedHealth { feed: feed.to_owned(), ..FeedHealth::default() },
            declared: now,
            stale: None,
        });
        title.clone_into(&mut entry.health.title);
        entry.stale = stale;
        entry.health.next_due = None;
        entry.turn(state, now);
    }

    /// Shows a feed no longer.
    pub(crate) fn forget(&self, feed: &str) {
        self.held().remove(feed);
    }

    /// When it will be asked next.
    pub(crate) fn due(&self, feed: &str, at: DateTime<Utc>) {
        self.change(feed, |entry| entry.health.next_due = Some(at));
    }

    /// It is being asked.
    pub(crate) fn polled(&self, feed: &str) {
        self.change(feed, |entry| entry.health.polls += 1);
    }

    /// It answered soundly.
    pub(crate) fn sound(&self, feed: &str, now: DateTime<Utc>) {
        self.change(feed, |entry| {
            if entry.asked() {
                entry.turn(FeedState::Ok, now);
            }
            entry.health.last_success = Some(now);
        });
    }

    /// It did not; answers whether it was well before.
    pub(crate) fn failed(&self, feed: &str, reason: Reason, problem: &str, now: DateTime<Utc>) -> bool {
        let mut was_well = false;
        self.change(feed, |entry| {
            if !entry.asked() {
                return;
            }
            was_well = entry.health.state != FeedState::Degraded;
            entry.turn(FeedState::Degraded, now);
            entry.health.failures += 1;
            entry.health.panics += u64::from(reason == Reason::Panic);
            entry.health.reason = Some(reason);
            entry.health.problem = Some(one_line(problem));
        });
        was_well
    }

    /// Counts what came of a source.
    pub(crate) fn took(&self, report: &Report, now: DateTime<Utc>) {
        self.change(&report.feed, |entry| {
            let health = &mut entry.health;
            let mut sum = Report { records: health.records, facts: health.facts, ..Report::default() };
            sum.absorb(report);
            (health.records, health.facts) = (sum.records, sum.facts);
            if report.facts.stored > 0 {
                health.last_new = Some(now);
            }
        });
    }

    /// Its connector went on without something.
    pub(crate) fn passed_over(&self, feed: &str, problem: String) {
        self.change(feed, |entry| {
            entry.health.passed_over += 1;
            entry.health.last_passed_over = Some(problem);
        });
    }

    /// Counts what was pushed: the answer to nobody's question, but a sign of life.
    pub(crate) fn pushed(&self, report: &Report, now: DateTime<Utc>) {
        self.took(report, now);
        self.change(&report.feed, |entry| entry.health.last_success = Some(now));
    }

    /// What the log remembers from before the start.
    pub(crate) fn recalled(&self, feed: &str, success: Option<DateTime<Utc>>, new: Option<DateTime<Utc>>) {
        self.change(feed, |entry| {
            entry.health.last_success = entry.health.last_success.max(success);
            entry.health.last_new = entry.health.last_new.max(new);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
    }

    #[test]
    fn a_feed_degrades_recovers_and_goes_stale() {
        let healths = Healths::default();
        let day = Some(Duration::from_secs(86_400));
        healths.declare("f", "F", day, FeedState::Starting, at(0));
        let shown = |hour| {
            let health = healths.all(at(hour)).remove(0);
            (health.state, health.since.unwrap(), health.problem, health.failures)
        };
        healths.sound("f", at(1));
        assert_eq!(shown(2), (FeedState::Ok, at(1), None, 0));
        assert!(healths.failed("f", Reason::Source, "no\nanswer", at(3)));
        assert!(!healths.failed("f", Reason::Source, "no\nanswer", at(4)));
        assert_eq!(shown(5), (FeedState::Degraded, at(3), Some("no\\nanswer".into()), 2));
        healths.sound("f", at(6));
        assert_eq!(shown(24), (FeedState::Ok, at(6), None, 2));
        assert_eq!(shown(25), (FeedState::Stale, at(24), None, 2), "nothing new since it was declared");
        let report =
            Report { feed: "f".into(), facts: Facts { stored: 1, duplicate: 0 }, ..Report::default() };
        healths.took(&report, at(30));
        assert_eq!(shown(31).0, FeedState::Ok);
        assert_eq!(shown(55), (FeedState::Stale, at(54), None, 2));
    }
}
