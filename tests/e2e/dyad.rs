//! Another pair of countries is another file: an invented one, which nothing in the code knows.

use bellwether_tests::{HISTORY, Store, root};
use serde_json::Value;

use crate::facts::{differences, without_sequences};

const FRAMEWORK: &str = "fixtures/dyads/xaa-xbb.toml";
const FACTS: &str = "fixtures/dyads/xaa-xbb-facts.csv";

fn assessment(store: &Store) -> Value {
    let mut document = store.json(&["replay", "--framework", FRAMEWORK, "--as-of", "2023-06-30"]);
    without_sequences(&mut document);
    document
}

#[test]
fn an_invented_dyad_is_assessed_from_files_alone() {
    let store = Store::new();
    let report = store.json(&["ingest", "--feed", "facts-csv", FACTS]);
    assert_eq!(report["records"]["quarantined"], 0, "{report}");
    let document = assessment(&store);
    assert_eq!(document["framework"]["id"], "xaa-xbb");
    for list in [
        "domains",
        "indicators",
        "roles",
        "drivers",
        "constraints",
        "asymmetries",
        "implications",
        "scenarios",
    ] {
        assert!(!document[list].as_array().unwrap().is_empty(), "{list} has a row");
    }
    let known = |list: &str, field: &str| {
        document[list].as_array().unwrap().iter().filter(|row| row[field].is_f64()).count()
    };
    assert!(known("domains", "index") > 0 && known("indicators", "value") > 0, "{document}");
    let text = document.to_string();
    assert!(!text.contains("CHN") && !text.contains("RUS"), "no country of another framework is in it");
}

/// `init` writes the files for a pair that nobody has thought of yet, and they work as written.
#[test]
fn a_new_pair_starts_from_a_folder() {
    let place = tempfile::tempdir().unwrap();
    let store = Store::new();
    let there = |args: &[&str]| store.run_in(place.path(), args, "");
    there(&["init", "--dyad", "XCC-XDD"]).exits(0);
    there(&["init", "--dyad", "XCC-XDD"]).exits(2);
    there(&["check"]).exits(0);
    there(&["ingest", "--feed", "facts-csv", "config/example-facts.csv"]).exits(0);
    let document = there(&["--format", "json", "replay", "--as-of", "2026-06-30"]).exits(0).json();
    assert_eq!(document["framework"]["id"], "xcc-xdd");
    assert!(document["domains"].as_array().unwrap().iter().any(|d| d["index"].is_f64()), "{document}");
}

/// Scenarios and forecasts of that pair, from the files that `init` wrote: listed, put on record, scored.
#[test]
fn a_new_pair_has_scenarios_and_forecasts_of_its_own() {
    let place = tempfile::tempdir().unwrap();
    let store = Store::new();
    let there = |args: &[&str]| store.run_in(place.path(), args, "").exits(0);
    let json = |args: &[&str]| there(&[&["--format", "json"], args].concat()).json();
    there(&["init", "--dyad", "XCC-XDD"]);
    assert!(there(&["check"]).out.contains("ok  questions: 4 to be filed, 4 about the past from templates"));
    // Without facts there is nothing to compare with yet.
    let empty = there(&["forecast", "list"]).out;
    assert!(empty.contains("4 not filed"), "{empty}");
    there(&["ingest", "--feed", "facts-csv", "config/example-facts.csv"]);
    let scenarios = json(&["scenarios", "--as-of", "2026-06-30"]);
    let p: Vec<f64> = scenarios["scenarios"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["probability"].as_f64().unwrap())
        .collect();
    assert!(p.len() == 2 && (p.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{p:?}");
    let listed = |standing: &str| {
        let rows = json(&["forecast", "list"]);
        for row in rows.as_array().unwrap() {
            assert_eq!(row["standing"], standing, "{row}");
            assert!(row["probability"].is_f64() && row["title"].as_str().unwrap().len() > 20, "{row}");
        }
        rows.as_array().unwrap().len()
    };
    assert_eq!(listed("unfiled"), 4);
    let recorded = json(&["forecast", "record"]);
    assert_eq!((&recorded["questions"], &recorded["forecasts"]), (&4.into(), &4.into()), "{recorded}");
    assert_eq!(listed("open"), 4);
    let score = json(&["forecast", "score", "--backcasts", "--scenarios"]);
    assert!(score["headline"]["all"].is_null(), "nothing is answered yet");
    // The example facts: trade rose in each of the years that the template asks about.
    assert_eq!(score["backcasts"]["all"]["came_true"], 1.0, "{score}");
    assert_eq!(score["scenarios"]["all"]["forecasts"], 5, "{score}");
    assert_eq!(score["scenarios"]["signals"][0]["name"], "economic.trade-total");
    let text = there(&["--format", "table", "forecast", "list"]).out + &score.to_string();
    assert!(!text.contains("CHN") && !text.contains("China"), "no other pair is in it: {text}");
}

#[test]
fn one_store_serves_two_frameworks() {
    let (alone, both) = (Store::new(), Store::with_history());
    for store in [&alone, &both] {
        store.run(&["ingest", "--feed", "facts-csv", FACTS]).exits(0);
    }
    let (mut a, mut b) = (assessment(&alone), assessment(&both));
    // The count of visible facts is of the store, the rest of the dyad.
    for document in [&mut a, &mut b] {
        document.as_object_mut().unwrap().remove("facts");
    }
    assert_eq!(differences(&a, &b), Vec::<String>::new());
    let bundled = |store: &Store| {
        let mut document = store.json(&["replay", "--as-of", "2025-12-31"]);
        without_sequences(&mut document);
        document.as_object_mut().unwrap().remove("facts");
        document
    };
    assert_eq!(differences(&bundled(&both), &bundled(&Store::with_history())), Vec::<String>::new());
}

#[test]
fn the_invented_facts_are_no_copy_of_the_bundled_ones() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let invented = read(FACTS);
    assert!(!invented.contains("CHN") && !read(HISTORY[0]).contains("XAA"));
}
