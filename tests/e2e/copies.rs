//! `store backup`, `restore` and `salvage`.

use std::path::Path;

use bellwether_tests::{Daemon, Outcome, Store, bellwether};
use serde_json::json;

/// Runs a command on another store.
#[track_caller]
fn on(store: &Path, args: &[&str]) -> Outcome {
    bellwether(&[&["--store", store.to_str().unwrap()], args].concat())
}

fn visit(key: &str) -> String {
    json!({
        "type": "visit.held", "source": "test", "key": key, "valid": {"start": "2024-05-16T00:00:00Z"},
        "published_at": "2024-05-17", "actors": ["RUS", "CHN"], "grade": "B2",
        "attributes": {"level": "head of state", "place": "Beijing"},
    })
    .to_string()
        + "\n"
}

#[test]
fn r33_a_backup_beside_a_daemon_restored_elsewhere_answers_the_same() {
    let store = Store::with_history();
    store.fed(&["ingest", "--feed", "facts-ndjson", "-"], "no record\n").exits(0);
    let daemon = Daemon::start(&store);
    daemon.post("/v1/events", "application/x-ndjson", &visit("visit-one"));
    let copy = store.beside("copy");
    let told = store.run(&["store", "backup", copy.to_str().unwrap(), "--format", "json"]).exits(0).json();
    let asked = [
        ["replay", "--as-of", "2025-12-31", "--format", "json"].as_slice(),
        &["board", "--as-of", "2025-12-31", "--format", "json"],
        &["quarantine", "list", "--format", "json"],
    ];
    let before: Vec<String> = asked.iter().map(|args| store.run(args).exits(0).out).collect();
    daemon.post("/v1/events", "application/x-ndjson", &visit("visit-two"));
    daemon.stop().exits(0);
    let head = told["head"].as_u64().unwrap();
    let verified = on(&copy, &["store", "verify", "--format", "json"]).exits(0).json();
    assert_eq!(verified, json!({"events": head, "head": head, "chain": "ok", "first_bad": null}));

    let there = store.beside("there");
    let restored =
        on(&there, &["store", "restore", copy.to_str().unwrap(), "--format", "json"]).exits(0).json();
    assert_eq!(restored, told);
    let log = |store: &Path| on(store, &["events"]).exits(0).out;
    let (all, part) = (log(&store.path()), log(&there));
    assert!(all.starts_with(&part) && part.contains("visit-one") && !part.contains("visit-two"));
    for (args, before) in asked.iter().zip(&before) {
        assert_eq!(on(&there, args).exits(0).out, *before, "{args:?}");
    }
    assert_eq!(on(&there, &["quarantine", "list", "--format", "json"]).json().as_array().unwrap().len(), 1);

    // Never over a log, and never from what is none.
    let again = on(&there, &["store", "restore", copy.to_str().unwrap()]).exits(2);
    assert!(again.err.contains("already holds a log"), "{again}");
    store.run(&["store", "backup", copy.to_str().unwrap()]).exits(2);
    let new = store.beside("new");
    on(&new, &["store", "restore", new.to_str().unwrap()]).exits(4);
    on(&new, &["store", "backup", copy.to_str().unwrap()]).exits(4);
    store.run(&["--server", "http://127.0.0.1:1", "store", "backup", new.to_str().unwrap()]).exits(2);
    assert!(!new.exists());
}

#[test]
fn r05_a_damaged_store_is_salvaged_up_to_what_is_lost() {
    let store = Store::new();
    for n in 0..5 {
        store.fed(&["ingest", "--feed", "facts-ndjson", "-"], visit(&format!("v|{n}"))).exits(0);
    }
    let before = store.run(&["events"]).exits(0).ndjson();
    let segment = store.path().join("log/00000000000000000001.seg");
    let mut bytes = std::fs::read(&segment).unwrap();
    // Somewhere in the third visit.
    let at = bytes.windows(3).position(|w| w == b"v|2").unwrap();
    bytes[at] ^= 1;
    std::fs::write(&segment, &bytes).unwrap();
    let verified = store.run(&["store", "verify", "--format", "json"]).exits(5);
    let first_bad = verified.json()["first_bad"].as_u64().unwrap();
    assert!(verified.err.contains("store salvage"), "{verified}");
    let refused = store.run(&["store", "backup", store.beside("copy").to_str().unwrap()]).exits(5);
    assert!(refused.err.contains("store salvage"), "{refused}");

    let to = store.beside("salvaged");
    let found = store.run(&["store", "salvage", to.to_str().unwrap(), "--format", "json"]).exits(5);
    let salvaged = found.json();
    let lost = &salvaged["lost"].as_array().unwrap()[0];
    assert_eq!((salvaged["lost"].as_array().unwrap().len(), lost["from"].as_u64()), (1, Some(first_bad)));
    let gone = lost["from"].as_u64().unwrap()..=lost["to"].as_u64().unwrap();
    assert!(found.err.contains("ingest again"), "{found}");
    on(&to, &["store", "verify"]).exits(0);
    let after = on(&to, &["events"]).exits(0).ndjson();
    assert_eq!(after.len(), before.len());
    for (there, here) in after.iter().zip(&before) {
        let seq = here["seq"].as_u64().unwrap();
        assert_eq!(there["seq"], seq);
        match gone.contains(&seq) {
            true => assert_eq!(there["system"], "lost", "{there}"),
            false => assert_eq!(there, here),
        }
    }
    let said = store.run(&["store", "salvage", store.beside("again").to_str().unwrap()]).exits(5);
    assert!(said.out.contains(&format!("lost: {first_bad}")), "{said}");
    // What is ingested again comes back, and only that.
    let visits: String = (0..5).map(|n| visit(&format!("v|{n}"))).collect();
    std::fs::write(store.beside("visits.ndjson"), visits).unwrap();
    let file = store.beside("visits.ndjson");
    let report = on(&to, &["ingest", "--feed", "facts-ndjson", file.to_str().unwrap(), "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(report["facts"], json!({"stored": 1, "duplicate": 4}));
}
