//! `forecast list|record|score` on the bundled history.

use std::path::PathBuf;

use bellwether_tests::{Daemon, Store};
use serde_json::Value;

/// A question far enough ahead to be open whenever this runs.
const QUESTION: &str = r#"framework = "china-russia"

[[question]]
id = "far"
title = "More than a thousand billion in 2090?"
about = "economic.trade-total"
rule = "value > 1e12 in 2090"
filed = "2020-01-01"
settle = "2091-06-30"
reason = "a test"
"#;

/// A configuration with that question alone.
fn config(store: &Store) -> PathBuf {
    let config = store.beside("config");
    store.run(&["init", config.to_str().unwrap()]).exits(0);
    for file in std::fs::read_dir(config.join("questions")).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    std::fs::write(config.join("questions/far.toml"), QUESTION).unwrap();
    config
}

/// Records of a kind, as the log has them.
fn kept(store: &Store, kind: &str) -> Vec<Value> {
    let log = store.run(&["events"]).exits(0).out;
    let records = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.filter(|r| r["system"] == kind).collect()
}

#[test]
fn the_bundled_questions_have_probabilities_and_references() {
    let store = Store::with_history();
    let rows = store.json(&["forecast", "list", "--as-of", "2026-12-01"]);
    let rows = rows.as_array().unwrap();
    assert!(rows.len() >= 25);
    for row in rows {
        let p = row["probability"].as_f64().unwrap();
        assert!((0.01..=0.99).contains(&p), "{row}");
        assert_eq!((&row["standing"], row["words"].is_string()), (&"unfiled".into(), true), "{row}");
        // A past as long as what is asked about may be missing; of scenarios none is reckoned.
        assert!(row["climatology"].is_number() || row["climatology"].is_null(), "{row}");
        assert!(row["persistence"].is_number(), "{row}");
        if row["about"].as_str().unwrap().starts_with("scenario.") {
            assert!(row["climatology"].is_null() && row["low"].as_f64() <= row["high"].as_f64(), "{row}");
        }
        assert!(row["horizon"].as_str() < row["settle"].as_str(), "{row}");
    }
    let table = store.run(&["forecast", "list", "--as-of", "2026-12-01"]).exits(0).out;
    assert!(
        table.contains("trade-2027-260 · economic.trade-total · value >= 2.6e11 in 2027 · unfiled"),
        "{table}"
    );
    let csv = store.run(&["--format", "csv", "forecast", "list", "--as-of", "2026-12-01"]).exits(0).out;
    assert_eq!(csv.lines().count(), rows.len() + 1);
    assert_eq!(store.json(&["forecast", "list", "--as-of", "2020-12-31"]).as_array().unwrap().len(), 0);
}

#[test]
fn a_day_is_recorded_once_and_a_changed_file_changes_nothing_that_is_on_record() {
    let store = Store::with_history();
    let config = config(&store);
    let record = || store.json(&["--config", config.to_str().unwrap(), "forecast", "record"]);
    let list = || store.json(&["--config", config.to_str().unwrap(), "forecast", "list"]);
    let first = record();
    assert_eq!((&first["questions"], &first["forecasts"]), (&1.into(), &1.into()), "{first}");
    let again = record();
    // Midnight may have passed between the two.
    assert_eq!((&again["questions"], &again["resolutions"]), (&0.into(), &0.into()), "{again}");
    assert!(again["forecasts"].as_u64().unwrap() <= 1);
    let filed = kept(&store, "question");
    assert_eq!(list()[0]["standing"], "open");
    std::fs::write(config.join("questions/far.toml"), QUESTION.replace("1e12", "2e12")).unwrap();
    assert_eq!(record()["questions"], 1);
    let now = kept(&store, "question");
    assert_eq!((now.len(), &now[0]), (2, &filed[0]));
    assert_eq!(now[1]["data"]["question"]["rule"], "value > 2e12 in 2090");
    assert_eq!(list().as_array().unwrap().len(), 2, "both versions are asked");
    // Without the file they are still asked: what is filed cannot be taken back.
    std::fs::remove_file(config.join("questions/far.toml")).unwrap();
    assert_eq!(list().as_array().unwrap().len(), 2);
    // An exported log is the same record.
    let copy = Store::new();
    copy.fed(&["import", "-"], store.run(&["events"]).exits(0).out).exits(0);
    assert_eq!(kept(&copy, "forecast"), kept(&store, "forecast"));
}

#[test]
fn backcasts_are_apart_and_headed() {
    let store = Store::with_history();
    let dates = ["--from", "2019-01-01", "--to", "2022-06-30"];
    let run = |more: &[&str]| store.json(&[&["forecast", "score"][..], &dates, more].concat());
    let plain = run(&[]);
    assert!(plain["headline"]["all"].is_null() && plain["backcasts"].is_null());
    let report = run(&["--backcasts"]);
    assert_eq!(report["headline"], plain["headline"], "backcasts are never in it");
    let past = &report["backcasts"];
    assert!(past["heading"].as_str().unwrap().starts_with("in-sample"));
    assert!(past["all"]["forecasts"].as_u64().unwrap() > 100);
    assert!(past["all"]["brier"]["skill_climatology"]["interval"]["low"].is_number());
    assert_eq!(past["all"]["reliability"]["bins"].as_array().unwrap().len(), 10);
    let run = |format: &str| {
        store
            .run(&[&["--format", format, "forecast", "score", "--backcasts"][..], &dates].concat())
            .exits(0)
            .out
    };
    let table = run("table");
    let (head, rest) = table.split_once("Backcasts").unwrap();
    assert!(head.contains("No forecast of an answered question yet."), "{table}");
    assert!(rest.contains("in-sample: questions written today about the past"), "{table}");
    assert!(run("csv").lines().skip(1).all(|line| line.starts_with("backcasts,")));
}

/// In every format, and no line of a page wider than what nobody's window is.
#[test]
fn the_scenario_probabilities_are_scored_by_the_signals() {
    let store = Store::with_history();
    let dates = ["--from", "2014-01-01", "--to", "2026-06-30"];
    let run = |format: &str| {
        let more = ["--format", format, "forecast", "score", "--scenarios", "--backcasts"];
        store.run(&[&more[..], &dates].concat()).exits(0).out
    };
    let report: Value = serde_json::from_str(&run("json")).unwrap();
    let scored = &report["scenarios"];
    assert!(scored["heading"].as_str().unwrap().starts_with("in-sample"));
    let count = |rows: &Value| -> u64 {
        rows.as_array().unwrap().iter().map(|row| row["forecasts"].as_u64().unwrap()).sum()
    };
    let all = scored["all"]["forecasts"].as_u64().unwrap();
    assert!(all > 40, "{all}");
    assert_eq!([&scored["quarters"], &scored["years"], &scored["signals"]].map(count), [all; 3]);
    let first = &scored["quarters"][0];
    assert_eq!((&first["name"], first["scenarios"].as_array().unwrap().len()), (&"2014-Q1".into(), 4));
    assert!(scored["all"]["gain_prior"]["interval"]["low"].is_number());
    // Every reading names the facts behind it.
    assert!(scored["readings"][0]["evidence"][0].is_u64(), "{}", scored["readings"][0]);
    // The same questions by the same model on the prior, paired.
    let brier = &report["backcasts"]["all"]["brier"];
    assert!(brier["prior"].is_f64() && brier["skill_prior"]["interval"]["low"].is_number(), "{brier}");
    let csv = run("csv");
    for by in ["all,all", "year,2022", "signal,economic.trade-total", "quarter,2022-Q4"] {
        assert!(csv.contains(&format!("\nscenarios,{by},")), "{by} in {csv}");
    }
    assert!(csv.contains("scenario.a-stable-alignment=0."), "{csv}");
    assert_eq!(run("ndjson").lines().count(), 1);
    let table = run("table");
    for part in ["gain on the prior", "What the scenario probabilities add", "2022-Q4", "Not scored: "] {
        assert!(table.contains(part), "{part} in {table}");
    }
    for page in [table, store.run(&["forecast", "list", "--as-of", "2026-12-01"]).exits(0).out] {
        let widest = page.lines().max_by_key(|line| line.chars().count()).unwrap();
        assert!(widest.chars().count() <= 100, "{widest}");
    }
    // Unless asked for, they are not there.
    assert!(store.json(&["forecast", "score"])["scenarios"].is_null());
}

#[test]
fn what_is_not_on_record_says_how_it_gets_there() {
    let store = Store::with_history();
    let list = |day: &str| store.run(&["forecast", "list", "--as-of", day]).exits(0).out;
    let table = list("2026-12-01");
    assert!(table.contains("`bellwether forecast record` files them"), "{table}");
    // The title has a line of its own, before its figures.
    let lines: Vec<&str> = table.lines().collect();
    let at = lines
        .iter()
        .position(|l| l.starts_with(" Will trade between China and Russia in 2027 be 260"))
        .unwrap();
    assert!(lines[at + 1].starts_with("  2027-12-31") && lines[at + 2].contains("trade-2027-260"), "{table}");
    let empty = list("2020-12-31");
    assert!(empty.contains("No open question on that day") && empty.contains("`bellwether init`"), "{empty}");
    let why = store.run(&["why", "trade-2027-260", "--as-of", "2026-12-01"]).exits(0).out;
    assert!(
        why.contains("not yet on record") && why.contains("`bellwether forecast record` files it"),
        "{why}"
    );
    let near = store.run(&["why", "trade-2027-261"]).exits(4);
    assert!(near.err.contains("did you mean trade-2027-260"), "{near}");
}

#[test]
fn a_wrong_question_is_found_by_check_with_its_line() {
    let store = Store::with_history();
    let config = config(&store);
    std::fs::write(config.join("questions/far.toml"), QUESTION.replace("trade-total", "trade-totl")).unwrap();
    for args in [&["check"][..], &["forecast", "list"], &["forecast", "record"]] {
        let outcome = store.run(&[&["--config", config.to_str().unwrap()], args].concat()).exits(3);
        assert!(outcome.err.contains("far.toml:6: question[0].about: no such indicator"), "{outcome}");
        assert!(outcome.err.contains("did you mean economic.trade-total?"), "{outcome}");
    }
    assert!(store.run(&["check"]).exits(0).out.contains("to be filed"));
}

#[test]
fn a_daemon_says_the_same() {
    let store = Store::with_history();
    store.run(&["forecast", "record"]).exits(0);
    let reads = [
        &["forecast", "list", "--as-of", "2027-02-01"][..],
        &["forecast", "list", "--as-of", "2027-02-01", "--all"],
        &["forecast", "score", "--from", "2020-01-01", "--to", "2021-06-30", "--backcasts"],
        &["forecast", "score", "--to", "2027-02-01", "--scenarios"],
        &["why", "trade-2027-260", "--as-of", "2027-02-01"],
    ];
    let all = || -> Vec<(String, i32)> {
        ["table", "json", "csv", "ndjson"]
            .iter()
            .flat_map(|format| reads.iter().map(|args| store.run(&[&["--format", format], *args].concat())))
            .map(|o| (o.out.clone(), o.code))
            .collect()
    };
    let before = all();
    assert!(store.run(reads[4]).out.contains("value >= 2.6e11 in 2027"));
    // Only `why` has no CSV form.
    assert_eq!(before.iter().filter(|(_, code)| *code != 0).count(), 1);
    let daemon = Daemon::start(&store);
    assert!(before == all());
    // The address itself, and a name that it does not know.
    let rows = store.json(&["forecast", "list", "--as-of", "2027-02-01"]);
    let (status, body) = daemon.get("/v1/forecasts?as_of=2027-02-01");
    assert_eq!((status, serde_json::from_str::<Value>(&body).unwrap()), (200, rows));
    assert_eq!(daemon.get("/v1/forecasts?al=true").0, 400);
    assert_eq!(daemon.get("/v1/forecasts?known_by=2020-01-01").0, 400);
    let refused = store.run(&["forecast", "record"]).exits(7);
    assert!(refused.err.contains("held by a daemon"), "{refused}");
}
