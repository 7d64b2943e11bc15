//! `ingest`: the sums hold, twice is once, a bad record costs itself only.

use bellwether_tests::{HISTORY, Store, root};
use serde_json::Value;

use crate::facts::{csv, trade};

/// `read = mapped + skipped + quarantined`, and each row of these feeds makes one fact.
#[track_caller]
fn conserved(report: &Value) {
    let n = |part: &str, name: &str| report[part][name].as_u64().unwrap();
    let parts = n("records", "mapped") + n("records", "skipped") + n("records", "quarantined");
    assert_eq!(n("records", "read"), parts, "{report}");
    assert_eq!(n("records", "mapped"), n("facts", "stored") + n("facts", "duplicate"), "{report}");
}

#[test]
fn r35_the_bundled_facts_are_counted_to_the_last_row() {
    for file in HISTORY {
        let store = Store::new();
        let report = store.json(&["ingest", "--feed", "facts-csv", file]);
        conserved(&report);
        let rows = csv::Reader::from_path(root().join(file)).unwrap().into_records().count();
        assert_eq!(report["records"]["read"], rows, "{file}");
        assert_eq!(report["records"]["quarantined"], 0, "{file}: {report}");
    }
}

#[test]
fn the_second_run_stores_nothing() {
    let store = Store::new();
    let mut args = vec!["ingest", "--feed", "facts-csv"];
    args.extend(HISTORY);
    let first = store.json(&args);
    let second = store.json(&args);
    conserved(&first);
    conserved(&second);
    assert_eq!(second["facts"]["stored"], 0, "{second}");
    assert_eq!((&second["head"], &second["records"]), (&first["head"], &first["records"]));
}

#[test]
fn the_report_stands_as_the_contract_has_it() {
    let store = Store::new();
    let outcome = store.fed(
        &["--format", "json", "ingest", "--feed", "facts-csv", "-"],
        csv(&[trade(2020, "5", "2021-02-01"), "cut short".into()]),
    );
    let report = outcome.exits(0).ordered();
    assert_eq!(report.keys(), ["feed", "records", "facts", "head"]);
    let part = |name: &str| report.get(name).unwrap().keys();
    assert_eq!(part("records"), ["read", "mapped", "skipped", "quarantined"]);
    assert_eq!(part("facts"), ["stored", "duplicate"]);
}

#[test]
fn a_dry_run_leaves_nothing_behind() {
    let store = Store::new();
    let report = store.json(&["ingest", "--feed", "facts-csv", "--dry-run", HISTORY[0]]);
    conserved(&report);
    assert!(report["facts"]["stored"].as_u64().unwrap() > 500, "{report}");
    assert_eq!(report["head"], 0);
    let after = store.json(&["ingest", "--feed", "facts-csv", HISTORY[0]]);
    assert_eq!(after["facts"], report["facts"], "what the dry run foretold");
}

#[test]
fn a_bad_row_is_held_with_its_place_and_the_rest_is_stored() {
    let store = Store::new();
    let file = store.beside("some.csv");
    let rows =
        [trade(2020, "5", "2021-02-01"), trade(2021, "plenty", "2022-02-01"), trade(2022, "7", "2023-02-01")];
    std::fs::write(&file, csv(&rows)).unwrap();
    let report = store.json(&["ingest", "--feed", "facts-csv", file.to_str().unwrap()]);
    conserved(&report);
    assert_eq!(
        (&report["facts"]["stored"], &report["records"]["quarantined"]),
        (&2.into(), &1.into()),
        "{report}"
    );
    let held = store.json(&["quarantine", "list"]);
    let entry = &held.as_array().unwrap()[0];
    let keys: Vec<&String> = entry.as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 6, "id, feed, file, line, reason, at: {entry}");
    assert_eq!((&entry["feed"], &entry["line"]), (&"facts-csv".into(), &3.into()), "{entry}");
    assert!(entry["file"].as_str().unwrap().ends_with("some.csv"), "{entry}");
    assert!(entry["reason"].as_str().unwrap().contains("plenty"), "{entry}");
}

#[test]
fn a_native_record_from_standard_input_equals_the_row() {
    let store = Store::new();
    store.ingest("facts-csv", csv(&[trade(2020, "5", "2021-02-01")]));
    let native = store.run(&["events", "--type", "trade.flow"]).exits(0).out;
    let other = Store::new();
    let report = other.ingest("facts-ndjson", native.clone());
    assert_eq!(report["facts"]["stored"], 1, "{report}");
    let again = other.run(&["events", "--type", "trade.flow"]).exits(0).ndjson();
    let mut first: Value = serde_json::from_str(native.trim()).unwrap();
    let mut second = again[0].clone();
    for name in ["seq", "recorded_at"] {
        first.as_object_mut().unwrap().remove(name);
        second.as_object_mut().unwrap().remove(name);
    }
    assert_eq!(first, second, "same fact, same id, whichever way it came");
}
