//! Alerts in the daemon: rules asked as the log grows, receivers told, questions answered.
//!
//! [`Alerts`] is the one owner of the desk: the task that follows the log, and every question, bring it level with the log
//! first, so that whoever asks sees what was acknowledged before.

mod evaluate;
mod send;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bellwether_alert::Desk;
use bellwether_alert::outbox::{Health, Outbox};
use bellwether_store::{Error, EventLog};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use crate::Configured;
use crate::live::Lives;

pub(crate) use evaluate::evaluate;
pub(crate) use send::{Post, Round, Sending};

/// After a midnight the log may still be writing what it dated before: so much later is it evaluated, or a replay, which
/// finds those records where they stand, would tell another story.
const AFTER_MIDNIGHT: TimeDelta = TimeDelta::seconds(2);

/// What the daemon knows of alerts.
pub(crate) struct Alerts {
    log: Arc<dyn EventLog>,
    lives: Arc<Lives>,
    desk: Mutex<Option<Desk>>,
    outbox: Mutex<Outbox>,
    /// Up to where every moment has all of its steps in the log.
    settled: watch::Sender<u64>,
    /// Steps appended since the start.
    moved: AtomicU64,
    /// How the receivers fare.
    pub(crate) health: watch::Sender<Vec<Health>>,
}

impl Alerts {
    pub(crate) fn new(log: Arc<dyn EventLog>, lives: Arc<Lives>) -> Self {
        Self {
            log,
            lives,
            desk: Mutex::new(None),
            outbox: Mutex::default(),
            settled: watch::Sender::new(0),
            moved: AtomicU64::new(0),
            health: watch::Sender::new(Vec::new()),
        }
    }

    /// Brings the alerts level with the log and answers from them. It blocks.
    ///
    /// # Errors
    /// Whatever the log gives.
    pub(crate) fn ask<T>(
        &self,
        configured: &Configured,
        now: DateTime<Utc>,
        question: impl FnOnce(&Desk) -> T,
    ) -> Result<T, Error> {
        self.asked(configured, now, |desk, written| written.map(|()| question(desk)))
    }

    /// The same for somebody who only looks: a full disk that takes no step of an alert does not hide the alerts.
    ///
    /// # Errors
    /// Whatever reading the log gives.
    pub(crate) fn look<T>(
        &self,
        configured: &Configured,
        now: DateTime<Utc>,
        question: impl FnOnce(&Desk) -> T,
    ) -> Result<T, Error> {
        self.asked(configured, now, |desk, written| match written {
            Err(error) if !desk.is_level(&*self.log) => Err(error),
            _ => Ok(question(desk)),
        })
    }

    fn asked<T>(
        &self,
        configured: &Configured,
        now: DateTime<Utc>,
        answer: impl FnOnce(&Desk, Result<(), Error>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut held = self.desk.lock().unwrap_or_else(|poisoned| {
            // A step that panicked left a state that nobody vouches for: the log has everything.
            let mut held = poisoned.into_inner();
            *held = None;
            self.desk.clear_poison();
            held
        });
        let Some(framework) = configured.frameworks.first() else { return Err(Error::Closing) };
        let types = &configured.types;
        let kept = held.take().and_then(|mut desk| desk.is_of(framework, types).then_some(desk));
        let anew = || Desk::new(Arc::clone(framework), Arc::clone(types), &configured.rules);
        let desk = held.insert(kept.unwrap_or_else(anew));
        desk.want(&configured.rules);
        let live = self.lives.of(configured, framework, types);
        let written = desk.write(&*self.log, &*live, now - AFTER_MIDNIGHT).map(|(settled, steps)| {
            if steps > 0 {
                tracing::info!(steps, "alerts moved");
                self.moved.fetch_add(steps as u64, Ordering::Relaxed);
            }
            self.settled.send_replace(settled);
        });
        answer(desk, written)
    }

    /// Up to where every moment has all of its steps in the log.
    pub(crate) fn settled(&self) -> u64 {
        *self.settled.borrow()
    }

    /// Steps appended since the start.
    pub(crate) fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    /// Answers from the outbox as of the log's head. It blocks.
    ///
    /// # Errors
    /// Whatever the log gives.
    pub(crate) fn outbox<T>(&self, question: impl FnOnce(&Outbox) -> T) -> Result<T, Error> {
        let mut outbox = self.outbox.lock().unwrap_or_else(|poisoned| {
            let mut held = poisoned.into_inner();
            *held = Outbox::default();
            self.outbox.clear_poison();
            held
        });
        self.log.read(outbox.seen().saturating_add(1), &mut |record| {
            outbox.fold(record);
            ControlFlow::Continue(())
        })?;
        outbox.close(self.settled());
        Ok(question(&outbox))
    }

    /// Counts for metrics, as of the last look; nothing is evaluated for them.
    pub(crate) fn glance<T>(&self, look: impl FnOnce(&Desk) -> T) -> Option<T> {
        let held = match self.desk.try_lock() {
            Ok(held) => held,
            Err(std::sync::TryLockError::Poisoned(poisoned)) => PoisonError::into_inner(poisoned),
            Err(std::sync::TryLockError::WouldBlock) => return None,
        };
        held.as_ref().map(look)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bellwether_alert::{AlertEvent, Follower, Payload, RuleSet};
    use bellwether_model::framework::Framework;
    use bellwether_model::{Basis, Decimal, Evidence, Fact, FactTypes, Op, Period, parse_moment};
    use bellwether_projection::Projector;
    use bellwether_store::{Append, FixedClock, Memory};

    use super::*;

    const RULE: &str = r#"
[[rule]]
id = "high"
title = "High"
when = 'indicator["commerce.settlement"].value > 0.5'
for = "12h"
severity = "warning"
summary = "s"
"#;

    fn configured() -> Configured {
        let file = |path: &str| {
            let root = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
            std::fs::read_to_string(root.join(path)).unwrap()
        };
        let types = Arc::new(FactTypes::parse("facts.toml", &file("config/facts.toml")).unwrap());
        let text = file("fixtures/dyads/xaa-xbb.toml");
        let framework = Framework::parse("xaa-xbb.toml", &text, &types, None).unwrap();
        Configured {
            questions: Arc::default(),
            name: "test".into(),
            types,
            frameworks: vec![Arc::new(framework)],
            feeds: BTreeMap::new(),
            rules: RuleSet::parse([("a.toml", RULE)]).unwrap(),
            receivers: Vec::new(),
        }
    }

    fn share(percent: i64) -> Fact {
        let mut fact = Fact {
            id: Default::default(),
            op: Op::Assert,
            kind: "finance.settlement_share".into(),
            source: "bank".into(),
            key: "share".into(),
            valid: Period::instant(parse_moment("2029-12-01").unwrap()),
            published_at: Some("2029-12-05".parse().unwrap()),
            published_basis: Basis::Stated,
            actors: vec!["XBB".into(), "XAA".into()],
            value: Some(Decimal::new(percent, 2)),
            unit: Some("share".into()),
            grade: "B2".parse().unwrap(),
            attributes: Default::default(),
            evidence: Evidence::default(),
            note: None,
        };
        fact.seal();
        fact
    }

    #[test]
    fn r31_what_was_dated_before_midnight_and_seen_after_it_is_evaluated_where_it_stands() {
        let moment = |text: &str| parse_moment(text).unwrap();
        let clock = Arc::new(FixedClock::new(moment("2030-01-01T09:00:00Z")));
        let log: Arc<dyn EventLog> = Arc::new(Memory::new(Arc::clone(&clock) as _));
        let (alerts, configured) = (Alerts::new(Arc::clone(&log), Arc::default()), configured());
        let ask = |now: &str| alerts.ask(&configured, moment(now), |_| ()).unwrap();
        ask("2030-01-01T09:00:00Z");
        clock.set(moment("2030-01-01T10:00:00Z"));
        log.append(Append::facts(vec![share(60)])).unwrap();
        ask("2030-01-01T10:00:00Z");
        // Midnight has come, and the log is still writing what it dated before.
        ask("2030-01-02T00:00:01Z");
        clock.set(moment("2030-01-01T23:59:59Z"));
        log.append(Append::facts(vec![share(30)])).unwrap();
        ask("2030-01-02T00:00:01.5Z");
        ask("2030-01-02T00:00:03Z");
        let mut steps = Vec::new();
        let mut projector =
            Projector::new(Arc::clone(&configured.frameworks[0]), Arc::clone(&configured.types));
        let mut replay = Follower::replaying();
        log.read(1, &mut |record| {
            steps.extend(AlertEvent::of(record));
            replay.push(record);
            projector.apply(record);
            ControlFlow::Continue(())
        })
        .unwrap();
        let said: Vec<_> = steps.iter().map(|s| (s.at.as_str(), format!("{:?}", s.happening))).collect();
        assert_eq!(
            said,
            [("2030-01-01T10:00:00Z", "Pending".into()), ("2030-01-01T23:59:59Z", "Lapsed".to_owned())]
        );
        assert_eq!(replay.settle(&projector, moment("2030-01-02T00:00:03Z")), steps);
    }
}
