//! Lists that come whole: what follows from a set of vintages, in whatever order they come.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_ingest::{
    Cause, FeedSpec, FileQuarantine, Input, Options, Report, Resolved, drop_entry, ingest, release, retry,
};
use bellwether_model::{Basis, Fact, FactTypes, Op, base_key};
use bellwether_store::{EventLog, Memory};
use chrono::{DateTime, Utc};
use proptest::prelude::*;

use crate::support::{facts, memory, now};

const LIST: &str = r#"
name = "wanted"
title = "t"
licence = "t"
cadence = "irregular"
empty = "genuine"
[connector]
kind = "file"
[vintage]
from = ["file-name"]
pattern = '_(\d{4}-\d{2}-\d{2})'
format = "%Y-%m-%d"
[decoder]
kind = "delimited"
columns = ["id", "op", "name", "date", "former"]
[snapshot]
key = "record.id"
change = "record.op"
shrink = 0.5
[[fact]]
type = "'sanction.listed'"
valid_start = "record.date"
actors = "['CHN', 'USA']"
[fact.attributes]
authority = "'MFA'"
name = "record.name"
referents = "record.former == '' ? null : [record.former]"
"#;

fn spec(shrink: &str) -> FeedSpec {
    FeedSpec::parse("feeds/wanted.toml", &LIST.replace("shrink = 0.5", &format!("shrink = {shrink}")))
        .unwrap_or_else(|p| panic!("{p}"))
}

fn types() -> FactTypes {
    let text = std::fs::read_to_string(crate::support::root().join("config/facts.toml")).unwrap();
    FactTypes::parse("config/facts.toml", &text).unwrap()
}

fn take(
    log: &dyn EventLog,
    feed: &FeedSpec,
    day: u32,
    rows: &str,
    held: &mut dyn bellwether_ingest::Quarantine,
) -> Report {
    let name = format!("list_2026-01-{day:02}.csv");
    let text = if rows.is_empty() { String::new() } else { format!("id,op,name,date,former\n{rows}") };
    let report = ingest(log, &types(), feed, Input::bytes(name, text), held, &Options::at(now())).unwrap();
    let r = report.records;
    assert_eq!(r.read, r.mapped + r.skipped + r.quarantined, "{report:?}");
    report
}

/// A log of vintages, each `(day, rows)`, ingested in the order given.
fn log_of(vintages: &[(u32, &str)]) -> Memory {
    let (log, feed) = (memory(), spec("1.0"));
    for (day, rows) in vintages {
        take(&log, &feed, *day, rows, &mut Vec::new());
    }
    log
}

/// What is visible at a known time, by key: the latest known vintage, a withdrawal winning a tie.
///
/// What a statement repeats, and where it stood, is left out: a repetition confirms.
fn visible(log: &dyn EventLog, known_by: DateTime<Utc>) -> BTreeMap<String, Fact> {
    let mut by_key: BTreeMap<String, Vec<Fact>> = BTreeMap::new();
    for fact in facts(log) {
        assert_eq!(fact.published_basis, Basis::Stated);
        if fact.known_from(now()) <= known_by {
            by_key.entry(fact.key.clone()).or_default().push(fact);
        }
    }
    let mut seen = BTreeMap::new();
    for (key, mut chain) in by_key {
        chain.sort_by_key(|f| (f.known_from(now()), f.op, f.id));
        let (mut current, mut withdrawn) = (None, None);
        for mut fact in chain {
            let known = fact.known_from(now());
            if fact.op == Op::Retract {
                (current, withdrawn) = (None, Some(known));
            } else if withdrawn.is_none_or(|since| known > since) {
                withdrawn = None;
                fact.published_at = None;
                fact.evidence = Default::default();
                fact.id = uuid::Uuid::nil();
                fact.note = None;
                current = Some(fact);
            }
        }
        if let Some(mut fact) = current {
            // Copies of a key are one happening, and none is said twice.
            fact.key = base_key(&key).to_owned();
            let twice = seen.insert(fact.key.clone(), fact);
            assert_eq!(twice, None, "said under two keys at once");
        }
    }
    seen
}

fn midnight(day: u32) -> DateTime<Utc> {
    format!("2026-01-{day:02}T00:00:00Z").parse().unwrap()
}

/// Entries on the list as of a day: listed and not ended, with name and date.
fn members(log: &dyn EventLog, day: u32) -> BTreeSet<(String, String, String)> {
    let seen = visible(log, midnight(day + 1));
    let ended: BTreeSet<&str> =
        seen.values().filter_map(|f| f.attributes.get("ends").and_then(|v| v.as_str())).collect();
    let listed = seen.values().filter(|f| f.kind == "sanction.listed" && !ended.contains(f.key.as_str()));
    let text = |f: &Fact, name: &str| f.attribute(name).unwrap_or_default().into_owned();
    listed.map(|f| (text(f, "entry"), text(f, "name"), f.valid.start.format("%m-%d").to_string())).collect()
}

/// The facts of a log in short: `day op type key date`.
fn shown(log: &dyn EventLog) -> Vec<String> {
    let mut lines: Vec<String> = facts(log)
        .iter()
        .filter(|f| f.kind != "list.vintage")
        .map(|f| {
            let op = if f.op == Op::Retract { "-" } else { "+" };
            format!("{} {op} {} {}", f.published_at.unwrap(), f.key, f.valid.start.format("%m-%d"))
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn a_list_is_stored_as_its_changes() {
    let log = log_of(&[
        (1, "a,,Ann,2025-03-01,\nb,,Bob,,\nc,,Cy,,\n"),
        (2, "a,,Ann,2025-03-02,\nb,,Bob,,\n"),
        (3, "a,,Ann,2025-03-02,\nb,,Bob,,\n"),
        (4, "a,,Ann,2025-03-02,\nb,,Rob,,\nc,,Cy,,\n"),
    ]);
    let lines = shown(&log);
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(
        lines,
        [
            "2026-01-01 + wanted|a#2026-01-01 03-01",
            "2026-01-01 + wanted|b#2026-01-01 01-01",
            "2026-01-01 + wanted|c#2026-01-01 01-01",
            "2026-01-02 + wanted|a#2026-01-01 03-02",
            "2026-01-02 + wanted|c#2026-01-01|delisted 01-02",
            // First seen on the first day, whatever its name is now.
            "2026-01-04 + wanted|b#2026-01-01 01-01",
            // On the list again: another spell.
            "2026-01-04 + wanted|c#2026-01-04 01-04",
        ]
    );
    let vintages: Vec<String> = facts(&log)
        .iter()
        .filter(|f| f.kind == "list.vintage")
        .map(|f| f.value.unwrap().to_string())
        .collect();
    assert_eq!(vintages, ["3", "2", "2", "3"]);
}

#[test]
fn the_same_vintage_twice_stores_nothing() {
    let (log, feed) = (memory(), spec("0.5"));
    let rows = "a,,Ann,,\nb,,Bob,,\n";
    let first = take(&log, &feed, 1, rows, &mut Vec::new());
    let again = take(&log, &feed, 1, "b,,Bob,,\na,,Ann,,\n", &mut Vec::new());
    assert_eq!((first.facts.stored, again.facts.stored, again.facts.duplicate), (3, 0, 2));
    assert_eq!(first.head, again.head);
}

#[test]
fn a_vintage_between_two_known_ones_rederives_its_neighbours() {
    // A new spell starts later than thought: nothing that was visible then is.
    let log = log_of(&[(1, "a,,Ann,,\n"), (5, "a,,Ann,,\nb,,Bob,,\n"), (3, "a,,Ann,,\nb,,Bob,,\n")]);
    assert_eq!(members(&log, 2).len(), 1);
    assert_eq!(members(&log, 3).len(), 2);
    assert_eq!(members(&log, 5), members(&log, 3), "first seen on the third, in both");
    let lines = shown(&log);
    assert!(lines.contains(&"2026-01-05 - wanted|b#2026-01-05 01-05".to_owned()), "{lines:#?}");
    // One that was off the list in between has two spells.
    let log = log_of(&[(1, "a,,Ann,,\nb,,Bob,,\n"), (5, "a,,Ann,,\nb,,Bob,,\n"), (3, "a,,Ann,,\n")]);
    assert_eq!([members(&log, 1).len(), members(&log, 3).len(), members(&log, 5).len()], [2, 1, 2]);
}

#[test]
fn what_cannot_be_read_is_unknown_and_never_removed() {
    let log = log_of(&[
        (1, "a,,Ann,,\nb,,Bob,,\nc,,Cy,,\n"),
        // A date that is none, and a row that is none: neither b nor c is gone.
        (2, "a,,Ann,,\nb,,Bob,31 June,\n"),
        (3, "a,,Ann,,\n\"broken\n"),
        (4, "a,,Ann,,\nb,,Bob,,\n"),
    ]);
    let names = |day| members(&log, day).into_iter().map(|m| m.0).collect::<String>();
    assert_eq!([names(1), names(2), names(3), names(4)], ["abc", "ab", "ab", "ab"].map(str::to_owned));
}

#[test]
fn entries_of_one_key_are_kept_apart_whatever_their_order() {
    let rows = ["a,,Ann,2020-01-01,\n", "a,,Ann,2021-01-01,\n", "b,,Bob,,\n"];
    let one = log_of(&[(1, &rows.concat())]);
    let other = log_of(&[(1, &[rows[2], rows[1], rows[0]].concat())]);
    assert_eq!(members(&one, 1), members(&other, 1));
    assert_eq!(members(&one, 1).len(), 3);
    // A third one, of another day, is one listing more and changes neither.
    let log = log_of(&[(1, &rows.concat()), (2, &format!("{}a,,Ann,2022-01-01,\n", rows.concat()))]);
    assert_eq!(facts(&log).len(), 3 + 1 + 1 + 1);
}

#[test]
fn increments_add_change_and_take_out() {
    let log = log_of(&[
        (1, "a,,Ann,,\nb,,Bob,,\n"),
        (2, ""),
        (3, "c,ADD,Cy,,\na,MOD,Anne,,\n"),
        (4, "b,DEL,,,\n"),
        (5, "b,DEL,,,\n"),
    ]);
    let names = |day| members(&log, day).into_iter().map(|m| m.1).collect::<Vec<_>>().join(" ");
    assert_eq!(
        [names(1), names(2), names(3), names(4), names(5)].map(|n| n),
        ["Ann Bob", "Ann Bob", "Anne Bob Cy", "Anne Cy", "Anne Cy"].map(str::to_owned)
    );
    let of = |kind: &str| facts(&log).iter().filter(|f| f.kind == kind).count();
    assert_eq!((of("list.vintage"), of("sanction.delisted")), (5, 1));
}

#[test]
fn a_merged_entry_goes_on_and_is_not_removed() {
    let log = log_of(&[(1, "a,,Ann,,\nb,,Bob,,\n"), (2, "b,DEL,,,\nx,ADD,Bob,,b\n")]);
    assert_eq!(members(&log, 2).into_iter().map(|m| m.0).collect::<String>(), "ax");
    let found = facts(&log);
    assert!(found.iter().all(|f| f.kind != "sanction.delisted"));
    let merged: Vec<&Fact> = found.iter().filter(|f| f.kind == "list.merged").collect();
    assert_eq!(merged.len(), 1);
    assert_eq!(
        (merged[0].attribute("entry").unwrap(), merged[0].attribute("into").unwrap()),
        ("b".into(), "x".into())
    );
}

#[test]
fn r35_a_list_that_shrinks_past_its_limit_is_held_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (log, feed) = (memory(), spec("0.5"));
    let mut quarantine = FileQuarantine::open(dir.path()).unwrap();
    let full = "a,,Ann,,\nb,,Bob,,\nc,,Cy,,\nd,,Di,,\n";
    take(&log, &feed, 1, full, &mut quarantine);
    let head = log.head();
    for rows in ["a,,Ann,,\n", "z,,Zoe,,\n"] {
        let report = take(&log, &feed, 2, rows, &mut quarantine);
        assert_eq!((report.records.quarantined, report.facts.stored, log.head()), (1, 0, head));
    }
    let list = quarantine.list().unwrap();
    assert_eq!(list.iter().map(|e| e.cause).collect::<Vec<_>>(), [Cause::Shrunk, Cause::Shrunk]);
    assert!(list[0].reason.contains("3 of 4 entries are gone"), "{}", list[0].reason);
    // Held once, however often it comes; the bytes are kept.
    take(&log, &feed, 2, "a,,Ann,,\n", &mut quarantine);
    assert_eq!(quarantine.list().unwrap().len(), 2);
    assert!(quarantine.whole(&list[0]).unwrap().bytes.ends_with(b"a,,Ann,,\n"));
    let again = retry(&mut quarantine, &list[0].id, &log, &types(), &feed, now()).unwrap();
    assert!(matches!(again, Resolved::Held { .. }), "{again:?}");
    assert_eq!(log.head(), head);
    let done =
        release(&mut quarantine, &list[0].id, &log, &types(), &feed, "Li", "the ministry says so", now());
    assert!(matches!(done.unwrap(), Resolved::Stored { facts, .. } if facts.stored == 4));
    assert_eq!((members(&log, 1).len(), members(&log, 2).len()), (4, 1));
    // Taken: the same list again is known.
    assert_eq!(take(&log, &feed, 2, "a,,Ann,,\n", &mut quarantine).facts.stored, 0);
    drop_entry(&mut quarantine, &list[1].id, "Li", "a page of errors", now()).unwrap();
    assert!(quarantine.list().unwrap().is_empty());
}

#[test]
fn an_empty_list_and_a_rival_are_held() {
    let (log, feed) = (memory(), spec("1.0"));
    let mut held = Vec::new();
    let header = |rows: &str| Input::bytes("list_2026-01-01.csv", format!("id,op,name,date,former\n{rows}"));
    let mut go = |rows: &str| {
        ingest(&log, &types(), &feed, header(rows), &mut held, &Options::at(now())).unwrap().facts.stored
    };
    assert_eq!([go(""), go("a,,Ann,,\n"), go("b,,Bob,,\n")], [0, 2, 0]);
    assert_eq!(held.iter().map(|e| e.cause).collect::<Vec<_>>(), [Cause::Shrunk, Cause::Rival]);
}

#[test]
fn r13_an_entry_held_joins_the_vintage_that_it_came_with() {
    let dir = tempfile::tempdir().unwrap();
    let (log, feed) = (memory(), spec("1.0"));
    let mut quarantine = FileQuarantine::open(dir.path()).unwrap();
    take(&log, &feed, 1, "a,,Ann,,\nb,,Bob,1.2.2020,\n", &mut quarantine);
    take(&log, &feed, 2, "a,,Ann,,\n", &mut quarantine);
    let id = quarantine.list().unwrap()[0].id.clone();
    assert!(matches!(
        retry(&mut quarantine, &id, &log, &types(), &feed, now()).unwrap(),
        Resolved::Held { .. }
    ));
    let corrected = LIST.replace(
        "valid_start = \"record.date\"",
        "valid_start = \"record.date == '' ? '' : date(record.date, '%d.%m.%Y')\"",
    );
    let corrected = FeedSpec::parse("feeds/wanted.toml", &corrected).unwrap();
    let done = retry(&mut quarantine, &id, &log, &types(), &corrected, now()).unwrap();
    // The listing, and the removal that the second vintage makes of it.
    assert!(matches!(done, Resolved::Stored { facts, .. } if facts.stored == 2), "{done:?}");
    assert_eq!((members(&log, 1).len(), members(&log, 2).len()), (2, 1));
    assert!(quarantine.list().unwrap().is_empty());
}

#[test]
fn the_same_bytes_are_the_same_vintage_under_another_mapping() {
    let (log, feed) = (memory(), spec("1.0"));
    let rows = "a,,Ann,,\nb,,Bob,,\n";
    let first = take(&log, &feed, 1, rows, &mut Vec::new());
    let other = LIST.replace("name = \"record.name\"\n", "name = \"record.name\"\nform = \"'list entry'\"\n");
    let other = FeedSpec::parse("feeds/wanted.toml", &other).unwrap();
    let mut held = Vec::new();
    let again = take(&log, &other, 1, rows, &mut held);
    assert_eq!((again.head, again.facts.stored, held.len()), (first.head, 0, 0));
}

#[test]
fn a_missing_side_file_is_said() {
    let folder = crate::support::root().join("fixtures/feeds/ofac-sdn/2031-01/sdn.csv");
    let options = Options {
        published_at: Some("2031-01-15".parse().unwrap()),
        ..Options::at("2033-01-01T00:00:00Z".parse().unwrap())
    };
    let log = memory();
    let input = Input::open(folder.to_str().unwrap()).unwrap();
    let feed = crate::support::feed("ofac-sdn");
    let report = ingest(&log, &types(), &feed, input, &mut Vec::new(), &options).unwrap();
    assert_eq!(report.notes, ["sdn.csv: sdn_comments.csv is not beside it, so what it adds is missing"]);
    let vintage = facts(&log).into_iter().find(|f| f.kind == "list.vintage").unwrap();
    assert_eq!(vintage.attributes["missing"], serde_json::json!(["sdn_comments.csv"]));
}

#[test]
fn a_list_of_unknown_age_is_refused() {
    let mut held = Vec::new();
    let bytes = Input::bytes("list.csv", "id,op,name,date,former\na,,Ann,,\n");
    let error = ingest(&memory(), &types(), &spec("1.0"), bytes, &mut held, &Options::at(now())).unwrap_err();
    assert!(error.to_string().contains("--published-at"), "{error}");
    assert_eq!(error.exit_code(), 6);
}

/// One row of a vintage: entry, name, and what is odd about it.
type Line = (u8, u8, u8);

/// Vintages of a few entries: whole lists, some rows unreadable, and increments.
fn vintages() -> impl Strategy<Value = Vec<(u32, String)>> {
    let line = (0..4_u8, 0..2_u8, 0..12_u8);
    let vintage = (any::<bool>(), prop::collection::vec(line, 1..5), 0..10_u8);
    prop::collection::btree_map(1..9_u32, vintage, 2..8).prop_map(|all| {
        all.into_iter()
            .map(|(day, (increment, lines, broken))| (day, text(increment && day > 2, &lines, broken)))
            .collect()
    })
}

fn text(increment: bool, lines: &[Line], broken: u8) -> String {
    let mut rows = BTreeMap::new();
    for (entry, name, odd) in lines {
        let id = char::from(b'a' + entry);
        let (op, date) = match (increment, odd) {
            (true, 0..3) => ("DEL", ""),
            (true, _) => ("MOD", ""),
            (false, 0) => ("", "no date"),
            (false, 1..4) => ("", "2025-05-05"),
            (false, _) => ("", ""),
        };
        let former = if *odd == 11 { "d" } else { "" };
        rows.insert(id, format!("{id},{op},N{name},{date},{former}\n"));
    }
    let mut text: String = rows.into_values().collect();
    if broken == 0 && !increment {
        text.push_str("\"broken\n");
    }
    text
}

proptest! {
    /// Any order of arrival gives the same visible facts at every known time, and each list is what it was.
    #[test]
    fn r12_any_order_of_vintages_gives_the_same_facts(
        (all, order) in vintages().prop_flat_map(|all| {
            let order = Just((0..all.len()).collect::<Vec<_>>()).prop_shuffle();
            (Just(all), order)
        }),
    ) {
        let named = |at: &usize| (all[*at].0, all[*at].1.as_str());
        let sorted = log_of(&all.iter().map(|(day, rows)| (*day, rows.as_str())).collect::<Vec<_>>());
        let shuffled = log_of(&order.iter().map(named).collect::<Vec<_>>());
        for day in 1..11 {
            let (a, b) = (visible(&sorted, midnight(day)), visible(&shuffled, midnight(day)));
            prop_assert_eq!(a, b, "known by {} of {:#?}\nin order {:?}\n{:#?}\n{:#?}", day, all, order, shown(&sorted), shown(&shuffled));
        }
        for (day, rows) in &all {
            if rows.contains("no date") || rows.contains("broken") || rows.contains("MOD") || rows.contains("DEL") {
                continue;
            }
            let ids: String = rows.lines().filter_map(|row| row.chars().next()).collect();
            let found: String = members(&shuffled, *day).into_iter().map(|m| m.0).collect();
            prop_assert_eq!(ids, found);
        }
    }
}

#[test]
fn a_list_in_another_encoding_is_decoded_and_its_repeated_header_is_no_entry() {
    let text = LIST
        .replace("cadence = \"irregular\"", "cadence = \"irregular\"\nencoding = \"gbk\"")
        .replace("kind = \"delimited\"", "kind = \"delimited\"\nrepeated_header = \"skip\"");
    let feed = FeedSpec::parse("feeds/wanted.toml", &text).unwrap_or_else(|p| panic!("{p}"));
    let rows = "id,op,name,date,former\n1,,\u{56fd}\u{9632},2025-01-01,\nid,op,name,date,former\n";
    let (bytes, _, lossy) = encoding_rs::GBK.encode(rows);
    assert!(!lossy);
    let (log, mut held) = (memory(), Vec::new());
    let input = Input::bytes("list_2026-01-01.csv", bytes.into_owned());
    let report = ingest(&log, &types(), &feed, input, &mut held, &Options::at(now())).unwrap();
    assert_eq!((report.records.mapped, report.records.skipped, held.len()), (1, 1, 0), "{held:?}");
    let names: Vec<_> = facts(&log).into_iter().filter_map(|f| f.attributes.get("name").cloned()).collect();
    assert_eq!(names, ["\u{56fd}\u{9632}"]);
}
