//! `demo`: the first command that anyone runs.

use bellwether_tests::{Store, bellwether_in};

#[test]
fn the_demo_shows_every_domain_and_leaves_a_sound_store() {
    let place = tempfile::tempdir().unwrap();
    let store = place.path().join("demo");
    let args = ["demo", "--dir", store.to_str().unwrap(), "--no-serve"];
    // From an empty folder: what is embedded must be enough.
    let outcome = bellwether_in(place.path(), &args, "").exits(0);
    let shown = outcome.out.to_lowercase();
    for domain in ["military", "economic", "financial", "technological", "information", "diplomatic"] {
        assert!(shown.contains(domain), "{domain} is in {outcome}");
    }
    for part in ["shift", "scenario", "gap", "bellwether "] {
        assert!(shown.contains(part), "{part} is in {outcome}");
    }
    // Some facts are known only since they were recorded: the demo has just recorded them.
    assert!(outcome.err.contains("619 facts new") && outcome.out.contains(": 619 facts"), "{outcome}");
    assert!(!outcome.out.contains('\u{1b}'), "no colours into a pipe: {outcome}");
    let verified =
        bellwether_in(place.path(), &["--store", args[2], "--format", "json", "store", "verify"], "");
    assert!(verified.exits(0).json()["events"].as_u64().unwrap() > 500);
    // A second time over the same folder is no error.
    bellwether_in(place.path(), &args, "").exits(0);
}

#[test]
fn the_demo_shows_what_replay_over_the_same_facts_does() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("demo");
    bellwether_in(place.path(), &["demo", "--dir", dir.to_str().unwrap(), "--no-serve"], "").exits(0);
    let args = ["--store", dir.to_str().unwrap(), "--format", "json", "replay", "--as-of", "2026-06-30"];
    let mut demo = bellwether_in(place.path(), &args, "").exits(0).json();
    let mut ours = Store::with_history().json(&["replay", "--as-of", "2026-06-30"]);
    crate::facts::without_sequences(&mut demo);
    crate::facts::without_sequences(&mut ours);
    assert_eq!(crate::facts::differences(&demo, &ours), Vec::<String>::new());
}
