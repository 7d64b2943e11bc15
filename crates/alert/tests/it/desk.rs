//! The desk over a log that refuses, and over rules whose words change.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bellwether_alert::{AlertEvent, Desk, Folded, Follower, Payload, RuleSet, RulesInForce};
use bellwether_model::{Body, Decimal, Fact, Record};
use bellwether_projection::Projector;
use bellwether_store::{Append, Error, EventLog, FixedClock, Memory, Receipt};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

use crate::support::*;

/// A log in memory whose disk may be full.
struct Full {
    log: Memory,
    full: AtomicBool,
}

impl EventLog for Full {
    fn append(&self, batch: Append) -> Result<Receipt, Error> {
        if self.full.load(Ordering::SeqCst) {
            let source = std::io::ErrorKind::StorageFull.into();
            return Err(Error::Io { path: "log".into(), source });
        }
        self.log.append(batch)
    }

    fn read(&self, from: u64, visit: &mut dyn FnMut(&Record) -> ControlFlow<()>) -> Result<(), Error> {
        self.log.read(from, visit)
    }

    fn head(&self) -> u64 {
        self.log.head()
    }

    fn get(&self, seq: u64) -> Result<Option<Record>, Error> {
        self.log.get(seq)
    }

    fn keys_latest(&self, source: &str, key: &str) -> Result<Vec<u64>, Error> {
        self.log.keys_latest(source, key)
    }

    fn find_key(&self, key: &str) -> Result<Vec<(String, Vec<u64>)>, Error> {
        self.log.find_key(key)
    }

    fn checkpoint(&self, feed: &str) -> Result<Option<serde_json::Value>, Error> {
        self.log.checkpoint(feed)
    }

    fn snapshot_put(&self, name: &str, seq: u64, bytes: &[u8]) -> Result<(), Error> {
        self.log.snapshot_put(name, seq, bytes)
    }

    fn snapshot_get(&self, name: &str, at_most: u64) -> Result<Option<(u64, Vec<u8>)>, Error> {
        self.log.snapshot_get(name, at_most)
    }

    fn subscribe(&self) -> watch::Receiver<u64> {
        self.log.subscribe()
    }

    fn import(&self, records: &mut dyn Iterator<Item = Result<Record, Error>>) -> Result<Receipt, Error> {
        self.log.import(records)
    }
}

/// A projector that follows the log when it is asked.
struct Lent(Mutex<Projector>);

impl Folded for Lent {
    fn lend<T>(&self, log: &dyn EventLog, look: impl FnOnce(&Projector) -> T) -> Result<T, Error> {
        let mut projector = self.0.lock().unwrap();
        log.read(projector.head() + 1, &mut |record| {
            projector.apply(record);
            ControlFlow::Continue(())
        })?;
        Ok(look(&projector))
    }
}

/// A log with its clock, folded once.
struct World {
    log: Full,
    lent: Lent,
    clock: Arc<FixedClock>,
    now: DateTime<Utc>,
}

const HIGH: &str = r#"
[[rule]]
id = "high"
title = "High"
when = 'indicator["commerce.settlement"].value > 0.5'
until = 'indicator["commerce.settlement"].value < 0.4'
severity = "warning"
summary = '{indicator["commerce.settlement"].value}'
runbook = "Look."
"#;

impl World {
    fn new() -> Self {
        let now = at("2030-01-01T09:00:00Z");
        let clock = Arc::new(FixedClock::new(now));
        let log = Full { log: Memory::new(clock.clone()), full: AtomicBool::new(false) };
        Self { log, lent: Lent(Projector::new(dyad(), types()).into()), clock, now }
    }

    fn desk(&self, rules: &str) -> Desk {
        Desk::new(dyad(), types(), &set(rules))
    }

    /// A second later.
    fn tick(&mut self) -> DateTime<Utc> {
        self.now += TimeDelta::seconds(1);
        self.clock.set(self.now);
        self.now
    }

    /// One figure, stated again; that gets in although the disk is full.
    fn share(&mut self, percent: i64) {
        self.tick();
        self.log.log.append(Append::facts(vec![share(percent)])).unwrap();
    }

    fn records(&self) -> Vec<Record> {
        let mut all = Vec::new();
        self.log
            .read(1, &mut |record| {
                all.push(record.clone());
                ControlFlow::Continue(())
            })
            .unwrap();
        all
    }

    fn steps(&self) -> Vec<AlertEvent> {
        self.records().iter().filter_map(AlertEvent::of).collect()
    }

    fn replay(&self, now: DateTime<Utc>) -> Vec<AlertEvent> {
        let mut replay = Follower::replaying();
        self.records().iter().for_each(|r| replay.push(r));
        self.lent.lend(&self.log, |projector| replay.settle(projector, now)).unwrap()
    }
}

/// The settlement share in per cent.
fn share(percent: i64) -> Fact {
    let template = dyad_facts().into_iter().find(|f| f.kind == "finance.settlement_share").unwrap();
    let mut fact = Fact { value: Some(Decimal::new(percent, 2)), ..template };
    fact.seal();
    fact
}

fn set(text: &str) -> RuleSet {
    RuleSet::parse([("rules/a.toml", text)]).unwrap()
}

#[test]
fn r07_what_a_full_disk_refused_is_written_later_once_and_as_a_replay_has_it() {
    let mut world = World::new();
    let mut desk = world.desk(HIGH);
    desk.write(&world.log, &world.lent, world.now).unwrap();
    world.log.full.store(true, Ordering::SeqCst);
    // It fires and is over while the disk is full; facts of others still get in.
    for value in [60, 30, 70] {
        world.share(value);
        let now = world.tick();
        desk.write(&world.log, &world.lent, now).unwrap_err();
    }
    assert!(world.steps().is_empty());
    world.log.full.store(false, Ordering::SeqCst);
    let now = world.tick();
    desk.write(&world.log, &world.lent, now).unwrap();
    desk.write(&world.log, &world.lent, now).unwrap();
    let steps = world.steps();
    let words: Vec<String> = steps.iter().map(line).collect();
    assert_eq!(steps.len(), 3, "{words:?}");
    // A desk that was begun anew, and a replay, know the same and have nothing to add.
    let mut again = world.desk(HIGH);
    let now = world.tick();
    assert_eq!(again.write(&world.log, &world.lent, now).unwrap().1, 0);
    assert_eq!(again.alerts(Default::default(), now), desk.alerts(Default::default(), now));
    assert_eq!(world.replay(now), steps);
}

#[test]
fn r15_appends_of_a_clock_that_stands_still_replay_as_they_were_evaluated() {
    let world = World::new();
    let mut desk = world.desk(HIGH);
    desk.write(&world.log, &world.lent, world.now).unwrap();
    for value in [60, 30, 70] {
        world.log.append(Append::facts(vec![share(value)])).unwrap();
        desk.write(&world.log, &world.lent, world.now).unwrap();
    }
    let steps = world.steps();
    assert_eq!(steps.len(), 3);
    assert_eq!(world.replay(world.now + TimeDelta::seconds(1)), steps);
}

#[test]
fn other_words_of_a_rule_are_in_force_and_re_fire_nothing() {
    let mut world = World::new();
    let mut desk = world.desk(HIGH);
    world.share(60);
    let now = world.tick();
    desk.write(&world.log, &world.lent, now).unwrap();
    assert_eq!(world.steps().len(), 1);
    let other = HIGH.replace("Look.", "Look twice.").replace("\"High\"", "\"Very high\"");
    desk.want(&set(&other));
    for _ in 0..2 {
        let now = world.tick();
        desk.write(&world.log, &world.lent, now).unwrap();
    }
    let alert = desk.alerts(Default::default(), now).pop().unwrap();
    assert_eq!((alert.title.as_str(), alert.runbook.as_str()), ("Very high", "Look twice."));
    assert_eq!(world.steps().len(), 1);
    let rules = world.records().iter().filter(|r| RulesInForce::of(r).is_some()).count();
    assert_eq!(rules, 2, "written once");
    assert!(world.records().iter().all(|r| matches!(r.body, Body::Fact(_) | Body::System(_))));
}
