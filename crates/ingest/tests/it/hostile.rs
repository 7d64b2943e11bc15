//! Reliability rows 10, 16, 17, 21 and 23: every file of `fixtures/hostile` is refused or quarantined with
//! file, line, field and remedy, and its sound rows are stored.

use bellwether_ingest::{Cause, Options};
use bellwether_store::EventLog;

use crate::support::{facts, feed, memory, now, refused, root, run_with, types};
use bellwether_ingest::Input;

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(root().join("fixtures/hostile").join(name)).unwrap()
}

/// Ingests a hostile file and gives `(line, field, cause)` of what was held, and the keys stored.
fn outcome(feed_name: &str, name: &str) -> (Vec<(u64, String, Cause)>, Vec<String>) {
    let log = memory();
    let path = root().join("fixtures/hostile").join(name);
    let input = Input::open(path.to_str().unwrap()).unwrap();
    let run = run_with(&log, &types(), &feed(feed_name), input, &Options::at(now()));
    for entry in &run.held {
        assert_eq!(entry.file, name);
        assert!(!entry.remedy.is_empty() && entry.reason.contains(&entry.remedy), "{entry:?}");
        assert!(!entry.field.is_empty() && entry.reason.starts_with(&entry.field), "{entry:?}");
        assert!(!entry.reason.chars().any(char::is_control), "shown neutralised: {entry:?}");
    }
    let keys = facts(&log).into_iter().map(|f| f.key).collect();
    (run.held.into_iter().map(|e| (e.line, e.field, e.cause)).collect(), keys)
}

fn check(name: &str, held: &[(u64, &str)], others: &[&str]) {
    let (found, keys) = outcome("facts-csv", name);
    let found: Vec<(u64, &str)> = found.iter().map(|(l, f, _)| (*l, f.as_str())).collect();
    assert_eq!(found, held, "{name}");
    let mut want = vec!["trade.flow|CHN-RUS|total|2022"];
    want.extend(others);
    want.push("visit.held|Xi|2023-03");
    assert_eq!(keys, want, "{name}");
}

#[test]
fn r21_an_empty_source_is_refused_not_read_as_nothing_happened() {
    for (feed_name, name) in
        [("facts-csv", "empty.csv"), ("facts-ndjson", "blank.ndjson"), ("cloudevents", "empty.csv")]
    {
        let error = refused(&feed(feed_name), name, bytes(name));
        let problem = &error.problems()[0];
        assert_eq!((error.exit_code(), problem.file.as_str(), problem.line), (6, name, 1));
        assert!(problem.message.contains("empty") && !problem.remedy.is_empty());
    }
}

#[test]
fn a_header_without_a_needed_column_refuses_the_file() {
    let error = refused(&feed("facts-csv"), "header-lacks-value.csv", bytes("header-lacks-value.csv"));
    let p = &error.problems()[0];
    assert_eq!((p.file.as_str(), p.line, p.field.as_str()), ("header-lacks-value.csv", 1, "value"), "{p}");
    assert!(p.message.contains("value") && !p.remedy.is_empty(), "{p}");
}

#[test]
fn wrong_dates() {
    check(
        "wrong-date.csv",
        &[(3, "valid_start"), (4, "valid_start"), (5, "valid_end"), (6, "published_at")],
        &[],
    );
}

#[test]
fn r16_numbers_that_are_none_and_minus_zero() {
    let lines: Vec<(u64, &str)> = (3..12).map(|line| (line, "value")).collect();
    check("huge-numbers.csv", &lines, &[]);
    check("negative-share.csv", &[(3, "value"), (4, "value")], &["k|3"]);
    let (held, _) = outcome("facts-csv", "negative-share.csv");
    assert!(held.iter().all(|(_, _, cause)| *cause == Cause::Implausible));
    let log = memory();
    run_with(
        &log,
        &types(),
        &feed("facts-csv"),
        Input::bytes("f", bytes("negative-share.csv")),
        &Options::at(now()),
    );
    let zero = facts(&log).into_iter().find(|f| f.key == "k|3").unwrap().value.unwrap();
    assert_eq!((zero.to_string().as_str(), zero.is_sign_negative()), ("0", false));
    check("formula.csv", &[(3, "value"), (4, "value")], &["k|3"]);
}

#[test]
fn r10_types_units_and_grades_that_the_registry_does_not_know() {
    check("unknown-type.csv", &[(3, "fact_type"), (4, "fact_type")], &[]);
    check("unit-misfit.csv", &[(3, "unit"), (4, "unit"), (5, "value")], &[]);
    check("grade.csv", &[(3, "source_grade"), (4, "info_credibility")], &["k|3"]);
}

#[test]
fn r21_encodings_nul_and_hidden_characters() {
    check("not-utf8.csv", &[(3, "record"), (4, "record")], &[]);
    check("nul.csv", &[(3, "record"), (4, "record")], &[]);
    check("bidi.csv", &[(3, "key"), (4, "key")], &["k|3"]);
    check("bom-crlf.csv", &[], &[]);
}

#[test]
fn r17_json_that_nests_repeats_or_ends_early() {
    let fields: Vec<(u64, &str)> = (3..8).map(|line| (line, "attributes")).collect();
    check("deep-json.csv", &fields, &[]);
    let (held, keys) = outcome("facts-ndjson", "deep.ndjson");
    let places: Vec<(u64, &str)> = held.iter().map(|(l, f, _)| (*l, f.as_str())).collect();
    assert_eq!(places, [(1, "record"), (3, "record"), (4, "record"), (5, "value"), (6, "record")]);
    assert_eq!(keys, ["v|1"]);
    let (held, keys) = outcome("cloudevents", "events.json");
    let places: Vec<(u64, &str)> = held.iter().map(|(l, f, _)| (*l, f.as_str())).collect();
    assert_eq!(places, [(3, "specversion"), (4, "data_base64"), (5, "record"), (6, "record")]);
    assert_eq!(keys, ["v|1"]);
}

#[test]
fn one_open_quote_or_ragged_row_costs_only_itself() {
    check("open-quote.csv", &[(3, "record")], &["k|2"]);
    check("ragged.csv", &[(3, "record"), (4, "record"), (5, "record")], &[]);
}

/// A file whose every row opens a quote must not be read over and over.
#[test]
fn r17_quotes_left_open_by_the_thousand_stay_linear() {
    let mut text = format!("{}\n", crate::support::HEADER);
    for _ in 0..400_000 {
        text.push_str("a\",b,\"c\n");
    }
    let log = memory();
    let run = run_with(&log, &types(), &feed("facts-csv"), Input::bytes("f", text), &Options::at(now()));
    assert!(run.report.records.quarantined > 50);
    assert_eq!(log.head(), 0);
}

#[test]
fn a_record_without_end_is_held_whole_and_bounded() {
    for (feed_name, line) in
        [("facts-ndjson", "[".repeat(3 << 20)), ("cloudevents", "{\"a\":".repeat(1 << 19))]
    {
        let log = memory();
        let run = run_with(&log, &types(), &feed(feed_name), Input::bytes("f", line), &Options::at(now()));
        assert!(run.report.records.quarantined >= 1, "{feed_name}");
    }
}

/// Reliability row 24: what a stranger wrote reaches a terminal or a log only as an escape.
#[test]
fn r24_findings_are_neutralised() {
    let log = memory();
    let line = "{\"type\":\"visit.held\",\"key\":\"k\",\"valid\":{\"start\":\"2020-01-01\"},\"\\u001b[31m\\u202e\\n\":1}\n";
    let run = run_with(
        &log,
        &types(),
        &feed("facts-ndjson"),
        Input::bytes("f\u{1b}.csv", line),
        &Options::at(now()),
    );
    let reason = &run.held[0].reason;
    assert!(!reason.chars().any(|c| c.is_control() || c == '\u{202e}'), "{reason}");
    assert!(reason.contains("\\u{1b}"), "{reason}");
    let error = refused(&feed("facts-csv"), "f", "\u{202e}a,\u{202e}a\n");
    assert!(!error.to_string().contains('\u{202e}'), "{error}");
}

#[test]
fn a_fact_that_carries_a_whole_document_is_held() {
    let log = memory();
    let line = format!(
        "{{\"type\":\"visit.held\",\"key\":\"k\",\"valid\":{{\"start\":\"2020-01-01\"}},\"note\":\"{}\"}}\n",
        "x".repeat(300_000)
    );
    let run = run_with(&log, &types(), &feed("facts-ndjson"), Input::bytes("f", line), &Options::at(now()));
    assert!(run.held[0].reason.contains("bytes of text"), "{}", run.held[0].reason);
}
