//! What is withdrawn is gone from then on, and still there in every view of before.

use bellwether_tests::Store;
use serde_json::Value;

use crate::facts::{csv, no_trade, row, trade};

const TRADE: &str = "economic.trade-total";

fn value(store: &Store, known_by: &str) -> Value {
    let document = store.json(&["replay", "--as-of", "2026-06-30", "--known-by", known_by]);
    row(&document, "indicators", TRADE)["value"].clone()
}

#[test]
fn r13_a_dated_retraction_leaves_earlier_views_alone() {
    let store = Store::new();
    store.ingest("facts-csv", csv(&[trade(2020, "1000", "2021-02-01"), trade(2021, "1200", "2022-02-01")]));
    let before = store.run(&["--format", "json", "replay", "--as-of", "2023-12-31"]).exits(0).out;
    store.ingest("facts-csv", csv(&[no_trade(2021, "2024-05-10")]));
    let after = store.run(&["--format", "json", "replay", "--as-of", "2023-12-31"]).exits(0).out;
    assert_eq!(before, after, "a view of before the retraction");
    assert_eq!((value(&store, "2024-05-10"), value(&store, "2024-05-11")), (1200.0.into(), 1000.0.into()));
    // The last statement withdrawn, nothing is known: null, not zero.
    store.ingest("facts-csv", csv(&[no_trade(2020, "2024-07-01")]));
    assert_eq!(value(&store, "2024-07-02"), Value::Null);
}

#[test]
fn a_statement_made_again_counts_again() {
    let store = Store::new();
    store.ingest("facts-csv", csv(&[trade(2021, "1200", "2022-02-01")]));
    store.ingest("facts-csv", csv(&[no_trade(2021, "2024-05-10")]));
    store.ingest("facts-csv", csv(&[trade(2021, "1250", "2024-08-01")]));
    assert_eq!((value(&store, "2024-07-31"), value(&store, "2024-08-02")), (Value::Null, 1250.0.into()));
}

#[test]
fn a_retraction_by_hand_is_signed_says_why_and_is_named_by_diff() {
    let store = Store::new();
    store.ingest("facts-csv", csv(&[trade(2020, "1000", "2021-02-01"), trade(2021, "1200", "2022-02-01")]));
    let retract = |key: &str, reason: &str| {
        store.run(&["fact", "retract", key, "--reason", reason, "--operator", "Li Wei"])
    };
    retract("trade|2021", "printed in error").exits(0);
    let records = store.run(&["events", "--type", "trade.flow"]).exits(0).ndjson();
    let last = records.last().unwrap();
    assert_eq!((&last["op"], &last["key"]), (&"retract".into(), &"trade|2021".into()), "{last}");
    assert_eq!(
        (&last["attributes"]["reason"], &last["attributes"]["operator"]),
        (&"printed in error".into(), &"Li Wei".into())
    );
    let now = store.json(&["replay", "--known-by", "now"]);
    assert_eq!(row(&now, "indicators", TRADE)["value"], 1000.0, "the year before is the last one known");
    let diff = store.json(&["diff", "--from", "2025-12-31", "--to", "now"]);
    let change = diff["changed"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["id"] == TRADE && c["path"] == "value")
        .unwrap();
    assert_eq!(
        (change["before"].as_f64(), change["after"].as_f64()),
        (Some(1200.0), Some(1000.0)),
        "{change}"
    );
    assert!(change["because"].as_array().unwrap().contains(&last["seq"]), "{change}");
    retract("trade|2021", "twice").exits(2);
    retract("no such key", "none").exits(4);
}
