//! Random histories against a model.

use std::collections::HashSet;

use bellwether_model::Body;
use bellwether_store::{Append, Chain, EventLog, Options, Segments};
use proptest::prelude::*;
use serde_json::json;

use crate::common::*;

#[derive(Clone, Debug)]
enum Step {
    Append {
        facts: Vec<u64>,
        checkpoint: bool,
        right_head: Option<bool>,
    },
    Close,
    /// Without close: what a killed process leaves.
    Crash,
    DropIndex,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (prop::collection::vec(0..120_u64, 0..30), any::<bool>(), prop::option::weighted(0.3, any::<bool>()))
            .prop_map(|(facts, checkpoint, right_head)| Step::Append { facts, checkpoint, right_head }),
        1 => Just(Step::Close),
        1 => Just(Step::Crash),
        1 => Just(Step::DropIndex),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn r12_the_log_equals_its_model(
        steps in prop::collection::vec(step(), 1..25),
        block_records in 1..9_u16,
        segment_bytes in prop_oneof![Just(100_u64), Just(3000), Just(1 << 20)],
    ) {
        let root = tempfile::tempdir().unwrap();
        let mut dir = root.path().join("0");
        let options = Options { block_records, segment_bytes, index_lag: 7, ..Options::default() };
        let open = |dir: &std::path::Path| Segments::open_with(dir, clock(), &options).unwrap();
        let mut log = Some(open(&dir));
        let mut model: Vec<Option<u64>> = Vec::new();
        let mut known = HashSet::new();
        let mut checkpoint = None;
        for (n, step) in steps.into_iter().enumerate() {
            match step {
                Step::Append { facts, checkpoint: with, right_head } => {
                    let head = model.len() as u64;
                    let mut batch = Append::facts(facts.iter().map(|n| fact(*n)).collect());
                    if with {
                        batch = batch.checkpoint("f", json!(n));
                    }
                    if let Some(right) = right_head {
                        batch = batch.at_head(if right { head } else { head + 1 });
                    }
                    let got = log.as_ref().unwrap().append(batch);
                    if right_head == Some(false) {
                        prop_assert!(got.is_err());
                        continue;
                    }
                    let new: Vec<u64> = facts.iter().copied().filter(|n| known.insert(*n)).collect();
                    let got = got.unwrap();
                    prop_assert_eq!(got.stored, new.len() as u64);
                    prop_assert_eq!(got.duplicate, (facts.len() - new.len()) as u64);
                    model.extend(new.into_iter().map(Some));
                    if with {
                        model.push(None);
                        checkpoint = Some(json!(n));
                    }
                    prop_assert_eq!(got.head, model.len() as u64);
                }
                Step::Close => {
                    log.take().unwrap().close().unwrap();
                    log = Some(open(&dir));
                }
                Step::Crash => {
                    let copied = root.path().join((n + 1).to_string());
                    copy(&dir, &copied);
                    dir = copied;
                    log = Some(open(&dir));
                }
                Step::DropIndex => {
                    log = None;
                    std::fs::remove_dir_all(dir.join("sled")).unwrap();
                    log = log.or_else(|| Some(open(&dir)));
                }
            }
        }
        let log = log.unwrap();
        let records = all(&log);
        prop_assert_eq!(records.len(), model.len());
        for (record, expected) in records.iter().zip(&model) {
            match (&record.body, expected) {
                (Body::Fact(got), Some(n)) => prop_assert_eq!(got, &fact(*n)),
                (Body::System(_), None) => {}
                other => prop_assert!(false, "{:?}", other),
            }
        }
        prop_assert_eq!(log.checkpoint("f").unwrap(), checkpoint);
        for key in (0..7).map(|n| format!("k{n}")) {
            let expected: Vec<u64> = (1..).zip(&model)
                .filter(|(_, n)| n.is_some_and(|n| fact(n).key == key && fact(n).source == "events"))
                .map(|(seq, _)| seq)
                .collect();
            prop_assert_eq!(log.keys_latest("events", &key).unwrap(), expected);
        }
        drop(log);
        let verified = Segments::verify(&dir).unwrap();
        prop_assert_eq!((verified.events, verified.chain), (model.len() as u64, Chain::Ok));
    }
}
