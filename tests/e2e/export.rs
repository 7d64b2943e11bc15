//! The log goes out, comes in and survives what may happen to its folder.

use std::path::{Path, PathBuf};

use bellwether_tests::{Store, root};

use crate::facts::{csv, trade};

fn assessment(store: &Store) -> String {
    store.run(&["--format", "json", "replay", "--as-of", "2026-06-30"]).exits(0).out
}

/// Segment files of a store, which are the truth.
fn segments(store: &Store) -> Vec<PathBuf> {
    let log = std::fs::read_dir(store.path().join("log")).unwrap();
    log.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "seg")).collect()
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn an_exported_log_comes_in_equal() {
    let store = Store::with_history();
    let events = store.run(&["events"]).exits(0);
    let records = events.ndjson();
    let seqs: Vec<u64> = records.iter().map(|r| r["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=records.len() as u64).collect::<Vec<_>>(), "gapless, in log order");
    for copy in [Store::new(), Store::new()] {
        copy.fed(&["import", "-"], events.out.clone()).exits(0);
        assert_eq!(copy.run(&["events"]).exits(0).out, events.out, "seq and recorded_at are kept");
        assert_eq!(assessment(&copy), assessment(&store));
        copy.run(&["store", "verify"]).exits(0);
    }
}

/// A store as an earlier version left it, with what it must read as.
#[test]
fn r09_a_frozen_store_reads_as_it_did() {
    let frozen = root().join("fixtures/stores/v1");
    let store = Store::new();
    let log = store.path().join("log");
    std::fs::create_dir_all(&log).unwrap();
    for entry in std::fs::read_dir(frozen.join("log")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), log.join(entry.file_name())).unwrap();
    }
    store.run(&["store", "verify"]).exits(0);
    let records = std::fs::read_to_string(frozen.join("records.ndjson")).unwrap();
    assert_eq!(store.run(&["events"]).exits(0).out, records);
    // And it goes on from there.
    store.ingest("facts-csv", csv(&[trade(2020, "5", "2021-02-01")]));
    store.run(&["store", "verify"]).exits(0);
    assert!(store.run(&["events"]).exits(0).out.starts_with(&records));
}

#[test]
fn r23_a_cell_that_a_spreadsheet_would_run_is_escaped() {
    let store = Store::new();
    let row = trade(2020, "5", "2021-02-01").replace("A,1,,", "A,1,=1+cmd|' /C calc'!A0,");
    store.ingest("facts-csv", csv(&[row]));
    let notes = |args: &[&str]| -> String {
        let text = store.run(args).exits(0).out;
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let column = reader.headers().unwrap().iter().position(|h| h == "note").unwrap();
        reader.records().map(|r| r.unwrap()[column].to_owned()).collect()
    };
    let escaped = notes(&["--format", "csv", "events"]);
    assert!(escaped.ends_with("=1+cmd|' /C calc'!A0") && !escaped.starts_with('='), "{escaped}");
    assert_eq!(notes(&["--format", "csv", "--raw", "events"]), "=1+cmd|' /C calc'!A0");
}

#[test]
fn r11_the_index_can_go_and_nothing_changes() {
    let store = Store::with_history();
    let before = assessment(&store);
    std::fs::remove_dir_all(store.path().join("sled")).unwrap();
    assert_eq!(assessment(&store), before);
    let again = store.json(&["ingest", "--feed", "facts-csv", bellwether_tests::HISTORY[0]]);
    assert_eq!(again["facts"]["stored"], 0, "duplicates are still known: {again}");
    std::fs::remove_dir_all(store.path().join("sled")).unwrap();
    store.run(&["store", "rebuild-index"]).exits(0);
    assert_eq!(assessment(&store), before);
}

#[test]
fn verify_answers_0_on_a_sound_and_on_an_empty_store() {
    let empty = Store::new().run(&["--format", "json", "store", "verify"]).exits(0).json();
    assert_eq!((&empty["events"], &empty["chain"]), (&0.into(), &"ok".into()), "{empty}");
    let store = Store::with_history();
    let outcome = store.run(&["--format", "json", "store", "verify"]).exits(0);
    assert_eq!(outcome.ordered().keys(), ["events", "head", "chain", "first_bad"]);
    let sound = outcome.json();
    assert_eq!((&sound["chain"], &sound["first_bad"]), (&"ok".into(), &serde_json::Value::Null));
    assert_eq!(sound["events"], sound["head"]);
}

#[test]
fn r05_a_flipped_bit_is_an_integrity_error() {
    let store = Store::with_history();
    let segment = segments(&store).remove(0);
    let length = std::fs::metadata(&segment).unwrap().len() as usize;
    // The head of the file, the middle and the last frame.
    for at in [20, length / 2, length - 40] {
        flip(&segment, at);
        let broken = store.run(&["--format", "json", "store", "verify"]).exits(5).json();
        assert_eq!(broken["chain"], "broken", "byte {at}: {broken}");
        assert!(broken["first_bad"].is_u64(), "byte {at}: {broken}");
        flip(&segment, at);
        store.run(&["store", "verify"]).exits(0);
    }
}

#[test]
fn r06_a_tail_that_is_gone_is_missed() {
    let store = Store::with_history();
    let segment = segments(&store).remove(0);
    let bytes = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, &bytes[..bytes.len() * 2 / 3]).unwrap();
    store.run(&["--format", "json", "store", "verify"]).exits(5);
    store.run(&["--format", "json", "replay"]).exits(5);
}
