//! One number stated more than once: revisions have their day, confirmations change nothing.

use bellwether_tests::Store;
use serde_json::Value;

use crate::facts::{differences, row};

/// On 2025-12-05 Gazprom restated its deliveries to China: 2022 became 15.4 instead of 15.5 billion m³.
const RESTATED: &str = "2025-12-05";
const AFTER: &str = "2025-12-06";
const GAS: &str = "economic.gas-imports";
const TRADE: &str = "economic.trade-total";

/// Two states of knowledge about the world up to the end of 2025, on stated publications alone: an assumed day of
/// some other fact may fall anywhere.
fn view(store: &Store, known_by: &str) -> Value {
    store.json(&["replay", "--as-of", "2025-12-31", "--known-by", known_by, "--known-basis", "stated"])
}

/// Sequences of what Gazprom stated on that day.
fn restatement(store: &Store) -> Vec<Value> {
    let records = store.run(&["events", "--type", "energy.flow"]).exits(0).ndjson();
    let ours = |r: &&Value| r["published_at"] == RESTATED && r["key"].as_str().unwrap().contains("Gazprom");
    records.iter().filter(ours).map(|r| r["seq"].clone()).collect()
}

/// Rows of a series for a period that starts on `start`.
fn period(store: &Store, indicator: &str, start: &str, more: &[&str]) -> Vec<Value> {
    let mut args = vec!["series", indicator];
    args.extend(more);
    let rows = store.json(&args);
    let starts = |row: &&Value| row["period_start"].as_str().unwrap().starts_with(start);
    rows.as_array().unwrap().iter().filter(starts).cloned().collect()
}

#[test]
fn r13_a_restatement_moves_its_indicator_and_what_rests_on_it_and_nothing_else() {
    let store = Store::with_history();
    let seqs = restatement(&store);
    assert_eq!(seqs.len(), 5, "the years 2020 to 2024");
    let between =
        ["diff", "--from", RESTATED, "--to", AFTER, "--as-of", "2025-12-31", "--known-basis", "stated"];
    let diff = store.json(&between);
    let changed = diff["changed"].as_array().unwrap();
    for change in changed {
        let because = change["because"].as_array().unwrap();
        assert_eq!(change["cause"], "facts", "one date, two states of knowledge: {change}");
        assert!(!because.is_empty() && because.iter().all(|seq| seqs.contains(seq)), "{change}");
    }
    let moved: Vec<&str> = changed.iter().map(|c| c["id"].as_str().unwrap()).collect();
    assert!(moved.contains(&GAS) && moved.contains(&"economic"), "{moved:?}");
    // What diff says is what differs, and among indicators that is the one alone.
    let paths = differences(&view(&store, RESTATED), &view(&store, AFTER));
    assert!(paths.contains(&format!("/indicators/{GAS}/value")), "{paths:?}");
    // Evidence is left out of a diff: what changed in it is `because`.
    for path in paths.iter().filter(|path| !path.ends_with("/evidence")) {
        let mut parts = path.split('/').skip(1);
        let (list, id) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        match list {
            "known_by" | "facts" | "head" => {}
            "indicators" => assert_eq!(id, GAS, "{path}"),
            "fit" | "balance" => {
                assert!(moved.iter().any(|m| m.starts_with(list)), "{path} is not in the diff")
            }
            _ => assert!(moved.contains(&id), "{path} is not in the diff: {moved:?}"),
        }
    }
}

#[test]
fn r13_a_year_keeps_the_value_that_was_known_then() {
    let store = Store::with_history();
    let at = |known_by: &str| {
        let rows = period(&store, GAS, "2022", &["--as-of", "2025-12-31", "--known-by", known_by]);
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows[0]["value"].as_f64().unwrap()
    };
    assert_eq!((at(RESTATED), at(AFTER)), (15.5e9, 15.4e9));
    let all = period(&store, GAS, "2022", &["--as-of", "2025-12-31", "--vintages"]);
    let values: Vec<f64> = all.iter().map(|row| row["value"].as_f64().unwrap()).collect();
    assert_eq!(values, [15.5e9, 15.4e9]);
    let vintages: Vec<&Value> = all.iter().map(|row| &row["vintage"]).collect();
    assert_ne!(vintages[0], vintages[1], "{all:?}");
}

#[test]
fn diff_names_the_record_behind_a_change() {
    let store = Store::with_history();
    let diff = store.json(&["diff", "--from", RESTATED, "--to", AFTER]);
    let keys: Vec<&String> = diff.as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 3, "from, to, changed: {keys:?}");
    let changed = diff["changed"].as_array().unwrap();
    for change in changed {
        let because = change["because"].as_array().unwrap();
        assert!(!because.is_empty() || change["cause"] == "time", "{change}");
        assert_ne!(change["before"], change["after"], "{change}");
    }
    let gas = changed.iter().find(|c| c["id"] == GAS && c["path"] == "value").unwrap();
    assert_eq!((&gas["cause"], gas["after"].as_f64()), (&"facts".into(), Some(31.12e9)), "{gas}");
    for seq in restatement(&store) {
        assert!(gas["because"].as_array().unwrap().contains(&seq), "{seq} in {gas}");
    }
}

/// 190.27 in January, 190.271 in May, 190.3 billion dollars in June: one number, said more and less precisely.
#[test]
fn a_number_said_again_within_rounding_is_no_revision() {
    let store = Store::with_history();
    let at =
        |known_by: &str| period(&store, TRADE, "2022", &["--as-of", "2023-06-30", "--known-by", known_by]);
    let first = at("2023-04-30");
    assert_eq!((first.len(), first[0]["value"].as_f64()), (1, Some(190.27e9)), "{first:?}");
    assert_eq!((at("2023-05-31"), at("2023-06-30")), (first.clone(), first));
    let all = period(&store, TRADE, "2022", &["--as-of", "2023-06-30", "--vintages"]);
    assert_eq!(all.len(), 1, "no further vintage: {all:?}");
    let document = store.json(&["replay", "--as-of", "2023-06-30"]);
    let row = row(&document, "indicators", TRADE);
    assert_eq!((&row["vintages"], &row["conflict"]), (&1.into(), &false.into()), "{row}");
}
