//! State is a pure function of the facts: through feed, log and fold, whatever happens on the way.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_ingest::{Entry, FeedSpec, Input, Options, ingest};
use bellwether_model::framework::Framework;
use bellwether_model::{Basis, Fact, FactTypes, Op, Stamp, View, parse_moment};
use bellwether_projection::Projector;
use bellwether_store::{Append, EventLog, FixedClock, Memory, Segments};
use chrono::{Days, NaiveDate};
use proptest::prelude::*;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn types() -> Arc<FactTypes> {
    Arc::new(FactTypes::parse("facts.toml", &read("config/facts.toml")).unwrap())
}

fn framework() -> Arc<Framework> {
    let map = read("config/frameworks/china-russia.ids.txt");
    let text = read("config/frameworks/china-russia.toml");
    Arc::new(Framework::parse("china-russia.toml", &text, &types(), Some(&map)).unwrap())
}

fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::new(parse_moment("2026-11-25T12:00:00Z").unwrap()))
}

/// The bundled history through its feed.
fn history() -> Vec<Fact> {
    let log = Memory::new(clock());
    let feed = FeedSpec::parse("facts-csv.toml", &read("config/feeds/facts-csv.toml")).unwrap();
    for file in ["china-russia-facts.csv", "assessment-judgements.csv", "coverage.csv"] {
        let path = root().join("fixtures/history").join(file);
        let input = Input::open(path.to_str().unwrap()).unwrap();
        let mut held: Vec<Entry> = Vec::new();
        let options = Options::at(parse_moment("2026-11-25T12:00:00Z").unwrap());
        ingest(&log, &types(), &feed, input, &mut held, &options).unwrap();
        assert!(held.is_empty(), "{file}: {} held", held.len());
    }
    let mut facts = Vec::new();
    log.read(1, &mut |record| {
        facts.extend(record.fact().cloned());
        ControlFlow::Continue(())
    })
    .unwrap();
    facts
}

fn fold(log: &dyn EventLog, mut projector: Projector) -> Projector {
    let from = projector.head() + 1;
    projector
        .absorb(|each| {
            log.read(from, &mut |record| {
                each(record);
                ControlFlow::Continue(())
            })
        })
        .unwrap();
    projector
}

fn bytes(projector: &Projector, view: &View) -> String {
    serde_json::to_string(&projector.assess(view)).unwrap()
}

/// What happens to the store between two batches.
#[derive(Clone, Copy, Debug)]
enum Event {
    Nothing,
    Restart,
    IndexLost,
    Snapshot,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => Just(Event::Nothing),
        1 => Just(Event::Restart),
        1 => Just(Event::IndexLost),
        1 => Just(Event::Snapshot),
    ]
}

fn open(dir: &Path) -> Segments {
    Segments::open(dir, clock()).unwrap()
}

/// Facts of the history, some of them twice, revised or withdrawn.
fn facts() -> impl Strategy<Value = Vec<Fact>> {
    let history = history();
    let one = (any::<prop::sample::Index>(), 0_u8..10, 0_u64..4000).prop_map(move |(i, what, day)| {
        let mut fact = i.get(&history).clone();
        let at = NaiveDate::from_ymd_opt(2014, 1, 1).unwrap() + Days::new(day);
        match what {
            0 => fact.op = Op::Retract,
            1..4 => fact.value = fact.value.map(|v| v + bellwether_model::Decimal::ONE),
            _ => return fact,
        }
        (fact.published_at, fact.published_basis) = (Some(Stamp::Day(at)), Basis::Stated);
        fact.seal();
        fact
    });
    prop::collection::vec(one, 1..150)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn batches_restarts_lost_indexes_and_snapshots_change_no_byte(
        facts in facts(),
        steps in prop::collection::vec((1_usize..40, event()), 1..12),
        day in 0_u64..4700,
    ) {
        let whole = Memory::new(clock());
        whole.append(Append::facts(facts.clone())).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut log = open(dir.path());
        let mut rest = facts.as_slice();
        for (size, event) in steps.iter().cycle() {
            let (batch, after) = rest.split_at((*size).min(rest.len()));
            log.append(Append::facts(batch.to_vec())).unwrap();
            rest = after;
            match event {
                Event::Nothing => {}
                Event::Restart => {
                    log.close().unwrap();
                    log = open(dir.path());
                }
                Event::IndexLost => {
                    log.close().unwrap();
                    std::fs::remove_dir_all(dir.path().join("sled")).unwrap();
                    log = open(dir.path());
                }
                Event::Snapshot => {
                    let p = fold(&log, Projector::new(framework(), types()));
                    log.snapshot_put(&p.snapshot_name(), p.head(), &p.snapshot().unwrap()).unwrap();
                }
            }
            if rest.is_empty() {
                break;
            }
        }
        let view = View::at((NaiveDate::from_ymd_opt(2014, 1, 1).unwrap() + Days::new(day))
            .and_hms_opt(0, 0, 0).unwrap().and_utc());
        let expected = bytes(&fold(&whole, Projector::new(framework(), types())), &view);
        let empty = Projector::new(framework(), types());
        let kept = log.snapshot_get(&empty.snapshot_name(), log.head()).unwrap();
        if let Some((_, snapshot)) = kept {
            let resumed = Projector::restore(framework(), types(), &snapshot).unwrap();
            prop_assert!(expected == bytes(&fold(&log, resumed), &view), "resumed from a snapshot");
        }
        prop_assert!(expected == bytes(&fold(&log, empty), &view), "replayed from the start");
    }
}

#[test]
fn a_snapshot_of_another_framework_is_refused() {
    let p = Projector::new(framework(), types());
    let mut other = (*framework()).clone();
    other.version = "other".into();
    let foreign = Projector::restore(Arc::new(other), types(), &p.snapshot().unwrap());
    assert!(foreign.is_err());
}
