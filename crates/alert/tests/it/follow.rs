//! The log followed, restarted, replayed, and passed through moment by moment.

use bellwether_alert::{
    AlertEvent, Follower, Happening, Machine, Matchers, Payload, RuleSet, RulesInForce, Silence, published,
};
use bellwether_model::{Body, Clock, Fact, KnownBasis, Record, System};
use bellwether_projection::{Projector, Stepper};
use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use proptest::prelude::*;

use crate::support::*;

/// A log with the one owner that appends to it, and the projector that it lends.
struct Owner {
    log: Vec<Record>,
    projector: Projector,
    follower: Follower,
    now: DateTime<Utc>,
}

fn empty() -> Projector {
    Projector::new(dyad(), types())
}

impl Owner {
    fn new() -> Self {
        let now = at("2024-01-01T07:30:00.000001Z");
        Self { log: Vec::new(), projector: empty(), follower: Follower::live(), now }
    }

    fn append(&mut self, bodies: Vec<Body>) {
        for body in bodies {
            let seq = u64::try_from(self.log.len()).unwrap() + 1;
            self.log.push(Record { seq, recorded_at: self.now, body });
        }
        self.now += TimeDelta::seconds(3);
    }

    fn say(&mut self, system: System) {
        self.append(vec![Body::System(system)]);
    }

    fn take(&mut self) {
        self.log.iter().for_each(|r| self.projector.apply(r));
        self.log.iter().for_each(|r| self.follower.push(r));
    }

    /// Follows the log to the present and appends what happened, unless it dies before that. Others append meanwhile.
    fn follow(&mut self, dies: bool, meanwhile: Vec<Body>) {
        self.take();
        let (now, mut events, mut more) = (self.now, Vec::new(), meanwhile.into_iter());
        self.now += TimeDelta::seconds(2);
        while self.follower.advance(&self.projector, now, &mut events) {
            if let Some(body) = more.next() {
                self.append(vec![body]);
                self.take();
            }
        }
        if dies {
            self.follower = Follower::live();
        } else if !events.is_empty() {
            self.append(events.iter().map(|e| Body::System(e.record())).collect());
        }
    }

    /// Everything but the log is gone, and the projector comes from a snapshot.
    fn restart(&mut self) {
        self.follower = Follower::live();
        let snapshot = self.projector.snapshot().unwrap();
        self.projector = Projector::restore(dyad(), types(), &snapshot).unwrap();
    }

    fn events(&self) -> Vec<AlertEvent> {
        self.log.iter().filter_map(AlertEvent::of).collect()
    }
}

/// All grid moments, none passed over.
fn dense(log: &[Record], now: DateTime<Utc>) -> Vec<AlertEvent> {
    let mut projector = empty();
    log.iter().for_each(|r| projector.apply(r));
    let mut stepper = Stepper::new(Clock::Recorded, KnownBasis::Any);
    let mut machine = Machine::new(&RuleSet::default());
    let framework = dyad();
    let mut out = Vec::new();
    let mut step = |at: DateTime<Utc>, machine: &mut Machine| {
        let step = stepper.step(&projector, at);
        out.extend(machine.step(at, step.assessment, &step.touched, &framework));
    };
    let mut midnight = log[0].recorded_at.date_naive().and_time(NaiveTime::MIN).and_utc() + Days::new(1);
    let mut last = None;
    for record in log {
        while midnight < record.recorded_at {
            step(midnight, &mut machine);
            midnight = midnight + Days::new(1);
        }
        match &record.body {
            Body::Fact(_) if last != Some(record.recorded_at) => {
                last = Some(record.recorded_at);
                step(record.recorded_at, &mut machine);
            }
            Body::System(s) if s.system != AlertEvent::KIND => {
                machine.told(record);
                // Rules, silences and windows take effect where they stand.
                step(record.recorded_at, &mut machine);
            }
            _ => {}
        }
    }
    while midnight <= now {
        step(midnight, &mut machine);
        midnight = midnight + Days::new(1);
    }
    out
}

fn replay(log: &[Record], now: DateTime<Utc>) -> Vec<AlertEvent> {
    let (mut follower, mut projector) = (Follower::replaying(), empty());
    log.iter().for_each(|r| projector.apply(r));
    log.iter().for_each(|r| follower.push(r));
    follower.settle(&projector, now)
}

fn lines(events: &[AlertEvent]) -> String {
    events.iter().map(|e| format!("{} {}\n", line(e), serde_json::to_string(e).unwrap())).collect()
}

/// The first line that only one of the two says.
fn same(a: &str, b: &str) -> Result<(), String> {
    if a == b {
        return Ok(());
    }
    let (mut a, mut b) = (a.lines(), b.lines());
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Ok(()),
            (a, b) if a != b => return Err(format!("{a:?}\n{b:?}")),
            _ => {}
        }
    }
}

/// Rules that live shortly, so that a test meets all of a life.
const BRISK: &str = r#"
[[rule]]
id = "high"
title = "High"
each = "indicators"
when = 'row.distance > 1.0'
until = 'row.distance < 0.5'
for = "2d"
keep = "3d"
severity = "warning"
summary = "{row.id} {row.distance}"

[[rule]]
id = "any"
title = "Any"
each = "divergences"
when = 'row.tripped'
expires = "20d"
severity = "info"
summary = "{row.id} {row.value}"

[[rule]]
id = "shift"
title = "Shift"
each = "shifts"
when = '!row.late || row.age_days < 5.0'
severity = "info"
summary = "{row.id} {row.age_days}"

[[rule]]
id = "level"
title = "Level"
when = 'balance.value > 0.0 && domain["commerce"].index > 0.0'
severity = "info"
summary = "{balance.value}"

[[rule]]
id = "stale"
title = "Stale"
each = "indicators"
when = 'row.stale'
severity = "info"
summary = "{row.id}"

[[inhibit]]
source = { rule = "high" }
target = { rule = "any" }
equal = ["domain"]
"#;

#[derive(Clone, Debug)]
enum Act {
    Facts(Vec<(usize, u8)>),
    Silence(&'static str, u64),
    Rules(&'static str, &'static str),
    Days(u64),
    Follow(Vec<(usize, u8)>),
    Die,
    Restart,
}

fn act(facts: usize) -> impl Strategy<Value = Act> {
    let batch = prop::collection::vec((0..facts, 0..4_u8), 1..12);
    let meanwhile = prop::collection::vec((0..facts, 0..4_u8), 0..4);
    prop_oneof![
        5 => batch.prop_map(Act::Facts),
        1 => (prop::sample::select(vec!["rule=high", "rule=*", "domain=commerce"]), 1..40_u64)
            .prop_map(|(m, d)| Act::Silence(m, d)),
        1 => prop::sample::select(vec![("> 1.0", "> 0.6"), ("\"20d\"", "\"9d\""), ("id = \"level\"", "id = \"other\"")])
            .prop_map(|(a, b)| Act::Rules(a, b)),
        4 => (1..60_u64).prop_map(Act::Days),
        4 => meanwhile.prop_map(Act::Follow),
        1 => Just(Act::Die),
        1 => Just(Act::Restart),
    ]
}

/// The fact, its value changed: a revision where it was stated before.
fn stated(fact: &Fact, times: u8) -> Body {
    let mut fact = fact.clone();
    let factor: bellwether_model::Decimal = ["1", "1.3", "2", "0.7"][usize::from(times)].parse().unwrap();
    fact.value = fact.value.map(|v| v * factor);
    fact.seal();
    Body::Fact(fact)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn r31_restarted_crashed_replayed_and_dense_runs_say_the_same(acts in prop::collection::vec(act(19), 4..26)) {
        let all = dyad_facts();
        let mut owner = Owner::new();
        owner.append(all.iter().take(8).map(|f| Body::Fact(f.clone())).collect());
        owner.say(RulesInForce::new(&rules(BRISK), "f").record());
        let bodies = |batch: Vec<(usize, u8)>| -> Vec<Body> {
            batch.into_iter().filter_map(|(n, times)| Some(stated(all.get(n)?, times))).collect()
        };
        for act in acts {
            match act {
                Act::Facts(batch) => owner.append(bodies(batch)),
                Act::Silence(matcher, days) => {
                    let until = owner.now + Days::new(days);
                    let matchers = Matchers::parse([matcher]).unwrap();
                    owner.say(Silence::new(matchers, owner.now, until, "ann", "").unwrap().record());
                }
                Act::Rules(old, new) => {
                    owner.say(RulesInForce::new(&rules(&BRISK.replace(old, new)), "f").record());
                }
                Act::Days(days) => owner.now = owner.now + Days::new(days),
                Act::Follow(meanwhile) => owner.follow(false, bodies(meanwhile)),
                Act::Die => owner.follow(true, Vec::new()),
                Act::Restart => owner.restart(),
            }
        }
        owner.follow(false, Vec::new());
        owner.now += TimeDelta::days(100);
        owner.follow(false, Vec::new());
        let said = lines(&owner.events());
        prop_assert_eq!(same(&said, &lines(&replay(&owner.log, owner.now))), Ok(()), "live and replay");
        prop_assert_eq!(same(&said, &lines(&dense(&owner.log, owner.now))), Ok(()), "live and every moment of the grid");
    }
}

/// The history of the invented pair, appended year by year.
fn history() -> Owner {
    let mut owner = Owner::new();
    owner.now = at("2014-06-01T07:30:00Z");
    owner.say(RulesInForce::new(&bundled_rules(), "f").record());
    let mut facts = dyad_facts();
    facts.sort_by_key(|f| f.known_from(owner.now));
    for year in 2015..2024 {
        owner.now = at(&format!("{year}-06-01T07:30:00Z"));
        let (now, rest): (Vec<Fact>, Vec<Fact>) =
            facts.into_iter().partition(|f| f.known_from(owner.now) <= owner.now);
        facts = rest;
        owner.append(now.into_iter().map(Body::Fact).collect());
        owner.follow(false, Vec::new());
    }
    owner
}

#[test]
fn the_bundled_rules_say_something_of_the_invented_pair_and_replay_says_the_same() {
    let owner = history();
    let said = owner.events();
    assert!(said.iter().any(|e| e.happening == Happening::Firing), "{}", lines(&said));
    assert_eq!(same(&lines(&said), &lines(&replay(&owner.log, owner.now))), Ok(()));
    for e in said.iter().filter(|e| e.happening == Happening::Firing) {
        assert!(!e.evidence.is_empty() || e.coverage == Some(0.0) || e.at.starts_with("2014"), "{}", line(e));
        assert!(!e.summary.contains("unknown"), "{}", e.summary);
    }
}

#[test]
fn r31_a_crash_before_the_append_says_the_same_once() {
    let mut owner = history();
    owner.now += TimeDelta::days(400);
    let before = owner.events().len();
    owner.follow(true, Vec::new());
    assert_eq!(owner.events().len(), before);
    owner.follow(false, Vec::new());
    let once = lines(&owner.events());
    assert!(owner.events().len() > before, "nothing happened in 400 days");
    owner.follow(false, Vec::new());
    owner.restart();
    owner.follow(false, Vec::new());
    assert_eq!(same(&once, &lines(&owner.events())), Ok(()));
    assert_eq!(same(&once, &lines(&replay(&owner.log, owner.now))), Ok(()));
}

#[test]
fn the_published_clock_says_what_could_have_been_said() {
    let mut projector = empty();
    for (seq, fact) in (1..).zip(dyad_facts()) {
        projector.apply(&Record { seq, recorded_at: at("2026-01-01"), body: Body::Fact(fact) });
    }
    let (from, to) = (at("2016-01-01"), at("2025-01-01"));
    let claims = published(&bundled_rules(), &projector, from, to);
    let moments: Vec<&str> = claims.iter().map(|c| c.event.at.as_str()).collect();
    assert!(moments.is_sorted() && !moments.is_empty());
    let claimed = |c: &&bellwether_alert::Claim| c.event.happening == Happening::Firing && c.domain.is_some();
    assert!(claims.iter().any(|c| claimed(&c) && !c.directions.is_empty()));
    // What is learned later changes nothing that was said before.
    let early = published(&bundled_rules(), &projector, from, at("2020-01-01"));
    assert_eq!(early, claims[..early.len()]);
}
