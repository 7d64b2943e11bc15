//! A source that was found goes into the log whole or not at all, with the cursor behind it.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use bellwether_ingest::{
    Cursor, Entry, IngestError, Input, Options, Report, Source, cursor, ingest, remember, take,
};
use bellwether_model::{Basis, Body, Record};
use bellwether_store::{Append, Error, EventLog, Memory, Receipt};
use serde_json::json;

use super::at;
use crate::support::{HEADER, facts, feed, memory, now, types};

fn rows(n: std::ops::Range<u32>) -> String {
    let row = |i| format!("visit.held,v|{i},2023-03-20,2023-03-23,,CHN,RUS,,,,Agency,,B,2,\n");
    format!("{HEADER}\n{}", n.map(row).collect::<String>())
}

fn source(text: impl AsRef<[u8]>) -> Source {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_ref()).unwrap();
    Source { name: "s.csv".into(), uri: None, published_at: None, file, beside: Vec::new() }
}

fn with(cursor: Cursor) -> Options {
    Options { cursor: Some(cursor), batch: 10, ..Options::at(now()) }
}

fn taken(log: &dyn EventLog, text: impl AsRef<[u8]>, cursor: Cursor) -> Result<(Report, usize), IngestError> {
    let mut held: Vec<Entry> = Vec::new();
    let report = take(log, &types(), &feed("facts-csv"), &source(text), &mut held, &with(cursor))?;
    let r = report.records;
    assert_eq!(r.read, r.mapped + r.skipped + r.quarantined);
    assert_eq!(r.quarantined, held.len() as u64);
    Ok((report, held.len()))
}

/// Checkpoints of the log in order.
fn checkpoints(log: &dyn EventLog) -> Vec<serde_json::Value> {
    let mut found = Vec::new();
    log.read(1, &mut |record: &Record| {
        if let Body::System(system) = &record.body {
            found.push(system.data.clone());
        }
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    found
}

#[test]
fn the_last_append_carries_the_cursor_and_no_other() {
    let log = memory();
    let (report, _) = taken(&log, rows(0..25), json!({"n": 1})).unwrap();
    assert_eq!((report.facts.stored, report.head), (25, 28));
    assert_eq!(
        checkpoints(&log),
        [
            json!({"file": "s.csv", "line": 11}),
            json!({"file": "s.csv", "line": 21}),
            json!({"file": "s.csv", "line": 26, "cursor": {"n": 1}}),
        ]
    );
    assert_eq!(cursor(&log, "facts-csv").unwrap(), json!({"n": 1}));
    assert_eq!(cursor(&log, "other").unwrap(), Cursor::Null);
    taken(&log, rows(25..45), json!({"n": 2})).unwrap();
    let last = checkpoints(&log).split_off(3);
    let cursors: Vec<&Cursor> = last.iter().map(|c| &c["cursor"]).collect();
    assert_eq!(cursors, [&json!({"n": 1}), &json!({"n": 2})]);
}

#[test]
fn a_cursor_moves_also_where_every_fact_was_there() {
    let log = memory();
    taken(&log, rows(0..5), json!(1)).unwrap();
    let (report, _) = taken(&log, rows(0..5), json!(2)).unwrap();
    assert_eq!((report.facts.duplicate, report.head), (5, 7));
    assert_eq!(cursor(&log, "facts-csv").unwrap(), json!(2));
    // The same cursor again: nothing is written.
    let (report, _) = taken(&log, rows(0..5), json!(2)).unwrap();
    assert_eq!(report.head, 7);
    // A source of which everything was held.
    let text = format!("{HEADER}\nvisit.held,v,not a date,,,CHN,RUS,,,,A,,B,2,\n");
    let (report, held) = taken(&log, text, json!(3)).unwrap();
    assert_eq!((report.head, held, cursor(&log, "facts-csv").unwrap()), (8, 1, json!(3)));
}

#[test]
fn by_hand_the_cursor_stays() {
    let log = memory();
    taken(&log, rows(0..5), json!({"n": 1})).unwrap();
    let mut held: Vec<Entry> = Vec::new();
    let options = with(json!("not used"));
    ingest(&log, &types(), &feed("facts-csv"), Input::bytes("x.csv", rows(5..6)), &mut held, &options)
        .unwrap();
    assert_eq!(cursor(&log, "facts-csv").unwrap(), json!({"n": 1}));
    assert_eq!(checkpoints(&log)[1], json!({"file": "x.csv", "line": 2, "cursor": {"n": 1}}));
    ingest(&log, &types(), &feed("facts-csv"), Input::bytes("x.csv", rows(5..6)), &mut held, &options)
        .unwrap();
    assert_eq!(checkpoints(&log).len(), 2);
}

#[test]
fn r20_a_source_that_is_cut_or_of_another_form_is_refused_whole() {
    let good = rows(0..40);
    let cases: &[(&str, String)] = &[
        ("ends in the middle of a record", good.chars().take(good.len() - 20).collect()),
        ("ends in the middle of a record", format!("{good}visit.held,\"v|1")),
        ("the source is empty", String::new()),
        ("the source is empty", "\n \n".into()),
        ("column", good.replacen("valid_start", "start", 1)),
        ("not one record of the source can be read", format!("{HEADER}\nService is down.\nTry later.\n")),
    ];
    for (expected, text) in cases {
        let log = memory();
        let mut held: Vec<Entry> = Vec::new();
        let feed = feed("facts-csv");
        let error = take(&log, &types(), &feed, &source(text), &mut held, &with(json!(1))).unwrap_err();
        assert!(matches!(error, IngestError::Source(_)), "{error}");
        assert!(error.to_string().contains(expected) && error.to_string().contains("s.csv"), "{error}");
        assert_eq!((log.head(), held.len()), (0, 0), "{error}");
    }
    // What an operator gives by hand is taken as far as it goes.
    let log = memory();
    let mut held: Vec<Entry> = Vec::new();
    let input = Input::bytes("s.csv", cases[0].1.clone());
    ingest(&log, &types(), &feed("facts-csv"), input, &mut held, &Options::at(now())).unwrap();
    assert_eq!((facts(&log).len(), held.len()), (39, 1));
}

#[test]
fn r20_a_cut_is_seen_also_in_a_record_that_a_rule_leaves_out() {
    let text = "name = \"f\"\ntitle = \"F\"\nlicence = \"MIT\"\ncadence = \"daily\"\n[connector]\nkind = \"file\"\n\
        [decoder]\nkind = \"delimited\"\nheader = false\nquoting = false\ndelimiter = \"\\t\"\ncolumns = [\"who\", \"day\", \"more\"]\n\
        [[prefilter]]\ncolumn = \"who\"\nequals = \"CHN\"\n\
        [[fact]]\ntype = \"'visit.held'\"\nkey = \"record.day\"\nvalid_start = \"record.day\"\n";
    let feed = bellwether_ingest::FeedSpec::parse("f.toml", text).unwrap();
    let log = memory();
    let mut held: Vec<Entry> = Vec::new();
    let whole = "CHN\t2023-03-20\tx\nUSA\t2023-03-20\tx";
    let cut = "CHN\t2023-03-21\tx\nUSA\t2023-";
    let report = take(&log, &types(), &feed, &source(whole), &mut held, &with(json!(1))).unwrap();
    assert_eq!((report.records.mapped, report.records.skipped), (1, 1));
    let error = take(&log, &types(), &feed, &source(cut), &mut held, &with(json!(2))).unwrap_err();
    assert!(error.to_string().contains("in the middle of a record"), "{error}");
    assert_eq!(facts(&log).len(), 1);
}

#[test]
fn a_last_line_without_its_end_is_whole_when_it_fits_and_a_bad_record_costs_itself() {
    let log = memory();
    let good = rows(0..3);
    let (report, _) = taken(&log, good.trim_end(), json!(1)).unwrap();
    assert_eq!(report.facts.stored, 3);
    // Ragged in the middle, and ragged at the end with its line end.
    for text in [good.replacen("Agency", "Ag,ency", 1), format!("{good}visit.held,v\n")] {
        let (report, held) = taken(&memory(), text, json!(1)).unwrap();
        assert_eq!((report.records.quarantined, held), (1, 1));
    }
}

#[test]
fn publication_of_the_transport_counts_where_the_record_has_none() {
    let stated = |options: Options| {
        let log = memory();
        let source =
            Source { published_at: Some("2024-02-03T04:05:06Z".parse().unwrap()), ..source(rows(0..1)) };
        let mut held: Vec<Entry> = Vec::new();
        take(&log, &types(), &feed("facts-csv"), &source, &mut held, &options).unwrap();
        let fact = facts(&log).remove(0);
        assert_eq!(fact.published_basis, Basis::Stated);
        fact.published_at.unwrap().to_string()
    };
    assert_eq!(stated(with(json!(1))), "2024-02-03T04:05:06Z");
    let given = Options { published_at: Some("2025-01-01".parse().unwrap()), ..with(json!(1)) };
    assert_eq!(stated(given), "2025-01-01");
}

#[test]
fn a_dry_run_judges_and_stores_nothing() {
    let log = memory();
    let mut held: Vec<Entry> = Vec::new();
    let options = Options { dry_run: true, ..with(json!(1)) };
    let report = take(&log, &types(), &feed("facts-csv"), &source(rows(0..3)), &mut held, &options).unwrap();
    assert_eq!((report.facts.stored, log.head()), (3, 0));
}

/// A log that fails from its nth append on.
struct Fails<'l> {
    log: &'l Memory,
    left: AtomicU64,
}

impl EventLog for Fails<'_> {
    fn append(&self, batch: Append) -> Result<Receipt, Error> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        if left.is_err() {
            return Err(Error::DiskFull { path: "log".into() });
        }
        self.log.append(batch)
    }
    fn read(
        &self,
        from: u64,
        visit: &mut dyn FnMut(&Record) -> std::ops::ControlFlow<()>,
    ) -> Result<(), Error> {
        self.log.read(from, visit)
    }
    fn head(&self) -> u64 {
        self.log.head()
    }
    fn get(&self, seq: u64) -> Result<Option<Record>, Error> {
        self.log.get(seq)
    }
    fn keys_latest(&self, source: &str, key: &str) -> Result<Vec<u64>, Error> {
        self.log.keys_latest(source, key)
    }
    fn find_key(&self, key: &str) -> Result<Vec<(String, Vec<u64>)>, Error> {
        self.log.find_key(key)
    }
    fn checkpoint(&self, feed: &str) -> Result<Option<serde_json::Value>, Error> {
        self.log.checkpoint(feed)
    }
    fn snapshot_put(&self, name: &str, seq: u64, bytes: &[u8]) -> Result<(), Error> {
        self.log.snapshot_put(name, seq, bytes)
    }
    fn snapshot_get(&self, name: &str, at_most: u64) -> Result<Option<(u64, Vec<u8>)>, Error> {
        self.log.snapshot_get(name, at_most)
    }
    fn subscribe(&self) -> tokio::sync::watch::Receiver<u64> {
        self.log.subscribe()
    }
    fn import(&self, records: &mut dyn Iterator<Item = Result<Record, Error>>) -> Result<Receipt, Error> {
        self.log.import(records)
    }
}

#[test]
fn r14_a_crash_between_appends_and_cursor_loses_and_doubles_nothing() {
    // Four appends; the process ends before each of them in turn, then starts anew.
    for survive in 0..=4 {
        let log = memory();
        let fails = Fails { log: &log, left: AtomicU64::new(survive) };
        let mut held: Vec<Entry> = Vec::new();
        let (types, feed, source) = (types(), feed("facts-csv"), source(rows(0..35)));
        let first = take(&fails, &types, &feed, &source, &mut held, &with(json!(1)));
        assert_eq!(first.is_ok(), survive == 4);
        let moved = cursor(&log, "facts-csv").unwrap();
        assert_eq!(moved, if survive == 4 { json!(1) } else { Cursor::Null }, "{survive}");
        let second = take(&log, &types, &feed, &source, &mut held, &with(json!(1))).unwrap();
        let stored = (survive * 10).min(35);
        assert_eq!((second.facts.stored, second.facts.duplicate), (35 - stored, stored), "{survive}");
        let mut keys: Vec<String> = facts(&log).into_iter().map(|f| f.key).collect();
        keys.sort();
        keys.dedup();
        assert_eq!((keys.len(), facts(&log).len()), (35, 35));
        assert_eq!(cursor(&log, "facts-csv").unwrap(), json!(1));
    }
}

#[test]
fn polls_without_news_are_remembered_once_a_day() {
    let log = memory();
    let seen = |text: &str| json!({"fetched_at": at(text), "changed_at": at("2026-11-01T00:00:00Z")});
    taken(&log, rows(0..1), seen("2026-11-01T00:00:00Z")).unwrap();
    let head = log.head();
    assert!(!remember(&log, "facts-csv", &seen("2026-11-01T23:59:59Z")).unwrap());
    assert!(!remember(&log, "facts-csv", &Cursor::Null).unwrap());
    assert_eq!(log.head(), head);
    assert!(remember(&log, "facts-csv", &seen("2026-11-02T00:00:00Z")).unwrap());
    assert!(!remember(&log, "facts-csv", &seen("2026-11-02T00:00:00Z")).unwrap());
    assert_eq!(log.head(), head + 1);
    let last = log.checkpoint("facts-csv").unwrap().unwrap();
    assert_eq!((&last["file"], &last["cursor"]), (&json!("s.csv"), &seen("2026-11-02T00:00:00Z")));
}
