//! Exit codes that scripts rely on, one test each.

use bellwether_tests::{Store, bellwether};

use crate::facts::{csv, trade};

/// A failing command says why on standard error.
#[track_caller]
fn fails(store: &Store, args: &[&str], code: i32) {
    let outcome = store.run(args).exits(code);
    assert!(!outcome.err.trim().is_empty(), "{outcome}");
    assert!(!outcome.err.contains("panicked"), "{outcome}");
}

#[test]
fn help_and_version_are_0() {
    let help = bellwether(&["--help"]).exits(0);
    for command in ["demo", "ingest", "replay", "board", "gaps", "why", "diff", "series", "events", "store"] {
        assert!(help.out.contains(command), "{command} is in {help}");
    }
    bellwether(&["--version"]).exits(0);
    bellwether(&["replay", "--help"]).exits(0);
}

#[test]
fn usage_is_2() {
    let store = Store::new();
    for args in [
        &["no-such-command"][..],
        &["replay", "--no-such-option"],
        &["replay", "--as-of", "yesterday"],
        &["replay", "--as-of", "2023-02-30"],
        &["replay", "--clock", "sundial"],
        &["ingest"],
        &["--format", "yaml", "replay"],
        &["ingest", "--feed", "no-such-feed", "-"],
        &["diff", "--from", "2023-01-31", "--to", "2022-01-31"],
        &["diff", "--from", "now", "--to", "2022-01-31", "--as-of", "2022-01-01"],
    ] {
        fails(&store, args, 2);
    }
    let backwards = store.run(&["diff", "--from", "2023-01-31", "--to", "2022-01-31"]);
    assert!(
        backwards.err.contains("--from comes after --to") && backwards.err.contains("exchange"),
        "{backwards}"
    );
}

#[test]
fn configuration_is_3() {
    let store = Store::new();
    let empty = store.beside("nothing-here");
    fails(&store, &["--config", empty.to_str().unwrap(), "replay"], 3);
    let broken = store.beside("broken.toml");
    std::fs::write(&broken, "id = \"x\"\nthis is no toml").unwrap();
    fails(&store, &["replay", "--framework", broken.to_str().unwrap()], 3);
    let outcome = store.run(&["replay", "--framework", broken.to_str().unwrap()]);
    assert!(
        outcome.err.contains("broken.toml") && outcome.err.contains('2'),
        "names file and line: {outcome}"
    );
}

#[test]
fn nothing_matched_is_4_with_one_document() {
    let store = Store::with_history();
    let outcome = store.run(&["--format", "json", "why", "no.such-id"]).exits(4);
    outcome.json();
    let outcome = store.run(&["--format", "json", "series", "no.such-indicator"]).exits(4);
    outcome.json();
    store.run(&["events", "--type", "no.such-type"]).exits(4);
}

#[test]
fn integrity_is_5() {
    let store = Store::with_history();
    let folder = store.path().join("log");
    let segment =
        std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).find(|p| p.extension().is_some());
    let segment = segment.unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(&segment, bytes).unwrap();
    fails(&store, &["replay"], 5);
}

#[test]
fn source_unavailable_is_6() {
    fails(&Store::new(), &["ingest", "--feed", "facts-csv", "no/such/file.csv"], 6);
    fails(&Store::new(), &["ingest", "--feed", "facts-csv", "-"], 6);
}

#[test]
fn r08_a_store_that_someone_holds_is_7() {
    let store = Store::new();
    store.ingest("facts-csv", csv(&[trade(2020, "5", "2021-02-01")]));
    let lock = std::fs::File::options().read(true).write(true).open(store.path().join("LOCK")).unwrap();
    lock.try_lock().unwrap();
    let args = ["ingest", "--feed", "facts-csv", bellwether_tests::HISTORY[0]];
    fails(&store, &args, 7);
    // Reading goes on beside the owner.
    store.json(&["replay"]);
    drop(lock);
    store.run(&args).exits(0);
}
