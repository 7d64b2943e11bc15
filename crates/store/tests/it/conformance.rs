//! One suite for every backend.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use bellwether_model::{Body, Record, System};
use bellwether_store::{Append, Error, EventLog, FixedClock, Memory, Options, Segments};
use serde_json::json;

use crate::common::*;

/// Makes an empty log that tells time by the given clock.
type Make<'a> = &'a dyn Fn(Arc<FixedClock>) -> Box<dyn EventLog>;

fn on_memory(test: fn(Make<'_>)) {
    test(&|clock| Box::new(Memory::new(clock)));
}

fn on_segments(test: fn(Make<'_>)) {
    for options in [small(), Options::default()] {
        let dir = tempfile::tempdir().unwrap();
        let n = std::cell::Cell::new(0);
        test(&|clock| {
            n.set(n.get() + 1);
            let folder = dir.path().join(n.get().to_string());
            Box::new(Segments::open_with(&folder, clock, &options).unwrap())
        });
    }
}

macro_rules! conform {
    ($($name:ident),* $(,)?) => {
        mod memory { $(#[test] fn $name() { super::on_memory(super::$name); })* }
        mod segments { $(#[test] fn $name() { super::on_segments(super::$name); })* }
    };
}

conform!(
    an_empty_log_answers,
    r12_duplicates_are_dropped_and_counted,
    an_equal_id_alone_is_no_duplicate,
    a_wrong_expected_head_is_refused,
    records_come_back_as_they_went_in,
    reading_starts_anywhere_and_stops_when_told,
    keys_are_found_by_source_and_across_sources,
    r14_a_checkpoint_shares_the_append_of_its_facts,
    snapshots_give_the_newest_not_after,
    subscribers_see_the_durable_head,
    r15_recorded_at_grows_with_every_append,
    one_append_has_one_recorded_at,
    r10_unknown_types_and_attributes_are_kept,
    an_import_gives_an_equal_log,
    a_bad_import_leaves_nothing,
    appends_from_many_threads_leave_no_gap,
    a_visitor_may_append,
);

fn an_empty_log_answers(make: Make<'_>) {
    let log = make(clock());
    assert_eq!(log.head(), 0);
    assert!(all(&*log).is_empty());
    assert_eq!(log.get(0).unwrap(), None);
    assert_eq!(log.get(1).unwrap(), None);
    assert!(log.keys_latest("a", "b").unwrap().is_empty());
    assert!(log.find_key("b").unwrap().is_empty());
    assert_eq!(log.checkpoint("f").unwrap(), None);
    assert_eq!(log.snapshot_get("s", u64::MAX).unwrap(), None);
    let nothing = log.append(Append::default()).unwrap();
    assert_eq!((nothing.stored, nothing.duplicate, nothing.head), (0, 0, 0));
}

fn r12_duplicates_are_dropped_and_counted(make: Make<'_>) {
    let log = make(clock());
    let mut twice = facts(0..3);
    twice.extend(facts(1..4));
    let first = log.append(Append::facts(twice)).unwrap();
    assert_eq!((first.stored, first.duplicate, first.head), (4, 2, 4));
    assert_eq!(first.seqs, [1, 2, 3, 4]);

    let mut again = facts(0..5);
    again[0].note = Some("another note".into());
    again[1].evidence.line = Some(99);
    let second = log.append(Append::facts(again)).unwrap();
    assert_eq!((second.stored, second.duplicate, second.head), (1, 4, 5));
    assert_eq!(second.seqs, [5]);
    assert_eq!(log.append(Append::facts(facts(0..5))).unwrap().head, 5);

    // Any order, any batch size: the same set.
    let other = make(clock());
    for n in [4, 2, 0, 3, 1, 2] {
        other.append(Append::facts(vec![fact(n)])).unwrap();
    }
    let ids = |log: &dyn EventLog| {
        let mut ids: Vec<_> = all(log).iter().map(|r| r.fact().unwrap().id).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&*log), ids(&*other));
}

fn an_equal_id_alone_is_no_duplicate(make: Make<'_>) {
    let log = make(clock());
    let mut forged = fact(2);
    forged.id = fact(1).id;
    log.append(Append::facts(vec![fact(1)])).unwrap();
    let receipt = log.append(Append::facts(vec![forged.clone(), forged.clone(), fact(1)])).unwrap();
    assert_eq!((receipt.stored, receipt.duplicate), (1, 2));
    let receipt = log.append(Append::facts(vec![forged, fact(1)])).unwrap();
    assert_eq!((receipt.stored, receipt.duplicate), (0, 2));

    let mut unsealed = fact(3);
    unsealed.id = uuid::Uuid::nil();
    assert_eq!(log.append(Append::facts(vec![unsealed, fact(3)])).unwrap().duplicate, 1);
    assert_eq!(log.get(3).unwrap().unwrap().fact(), Some(&fact(3)));
}

fn a_wrong_expected_head_is_refused(make: Make<'_>) {
    let log = make(clock());
    log.append(Append::facts(facts(0..2)).at_head(0)).unwrap();
    let refused = log.append(Append::facts(facts(2..3)).at_head(1)).unwrap_err();
    assert!(matches!(refused, Error::HeadMoved { expected: 1, head: 2 }), "{refused}");
    assert_eq!(refused.exit_code(), 1);
    assert_eq!(log.head(), 2);
    assert_eq!(log.append(Append::facts(facts(2..3)).at_head(2)).unwrap().head, 3);
}

fn records_come_back_as_they_went_in(make: Make<'_>) {
    let log = make(clock());
    for batch in [0..1, 1..40, 40..41, 41..300] {
        log.append(Append::facts(facts(batch))).unwrap();
    }
    let records = all(&*log);
    assert_eq!(records.len(), 300);
    for (n, record) in (0..).zip(&records) {
        assert_eq!(record.seq, n + 1);
        assert_eq!(record.fact(), Some(&fact(n)));
        // Equality of decimals is numeric; the text must be the same too.
        assert_eq!(
            serde_json::to_string(record.fact().unwrap()).unwrap(),
            serde_json::to_string(&fact(n)).unwrap()
        );
        assert_eq!(log.get(n + 1).unwrap().as_ref(), Some(record));
    }
    assert_eq!(log.get(301).unwrap(), None);
}

fn reading_starts_anywhere_and_stops_when_told(make: Make<'_>) {
    let log = make(clock());
    log.append(Append::facts(facts(0..50))).unwrap();
    log.append(Append::facts(facts(50..53))).unwrap();
    for start in [0, 1, 2, 8, 9, 17, 49, 50, 51, 53] {
        let expected: Vec<u64> = (start.max(1)..=53).collect();
        assert_eq!(from(&*log, start).iter().map(|r| r.seq).collect::<Vec<_>>(), expected);
    }
    assert!(from(&*log, 54).is_empty());
    assert!(from(&*log, u64::MAX).is_empty());
    let mut seen = Vec::new();
    log.read(7, &mut |record| {
        seen.push(record.seq);
        if seen.len() == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    assert_eq!(seen, [7, 8, 9]);
}

fn keys_are_found_by_source_and_across_sources(make: Make<'_>) {
    let log = make(clock());
    for batch in [0..30, 30..31, 31..60] {
        log.append(Append::facts(facts(batch))).unwrap();
    }
    for key in (0..7).map(|n| format!("k{n}")) {
        let mut expected = Vec::new();
        for source in ["customs", "events"] {
            let seqs: Vec<u64> = all(&*log)
                .iter()
                .filter(|r| r.fact().is_some_and(|f| f.source == source && f.key == key))
                .map(|r| r.seq)
                .collect();
            assert_eq!(log.keys_latest(source, &key).unwrap(), seqs);
            expected.push((source.to_owned(), seqs));
        }
        assert_eq!(log.find_key(&key).unwrap(), expected);
    }
    assert!(log.keys_latest("customs", "k").unwrap().is_empty(), "a prefix is not the key");
    assert!(log.find_key("").unwrap().is_empty());
}

fn r14_a_checkpoint_shares_the_append_of_its_facts(make: Make<'_>) {
    let log = make(clock());
    let receipt = log.append(Append::facts(facts(0..2)).checkpoint("f", json!({"line": 2}))).unwrap();
    assert_eq!((receipt.stored, receipt.head), (2, 3));
    assert_eq!(receipt.seqs, [1, 2], "system records are not among them");
    let last = log.get(3).unwrap().unwrap();
    assert!(
        matches!(&last.body, Body::System(System { system, name, .. }) if system == "checkpoint" && name == "f")
    );
    assert_eq!(last.recorded_at, log.get(1).unwrap().unwrap().recorded_at);
    assert_eq!(log.checkpoint("f").unwrap(), Some(json!({"line": 2})));
    assert_eq!(log.checkpoint("g").unwrap(), None);

    // A refused batch moves neither.
    let refused = log.append(Append::facts(facts(2..4)).checkpoint("f", json!({"line": 4})).at_head(9));
    assert!(refused.is_err());
    assert_eq!((log.head(), log.checkpoint("f").unwrap()), (3, Some(json!({"line": 2}))));

    // Sent again after a crash before the caller learned: facts once, checkpoint moved.
    let again = log.append(Append::facts(facts(0..2)).checkpoint("f", json!({"line": 2}))).unwrap();
    assert_eq!((again.stored, again.duplicate, again.head), (0, 2, 4));

    let other = System { system: "delivery".into(), name: "f".into(), data: json!(1) };
    log.append(Append::systems(vec![other])).unwrap();
    assert_eq!(log.checkpoint("f").unwrap(), Some(json!({"line": 2})), "only checkpoints count");
}

fn snapshots_give_the_newest_not_after(make: Make<'_>) {
    let log = make(clock());
    log.append(Append::facts(facts(0..20))).unwrap();
    for seq in [3, 10, 20] {
        log.snapshot_put("s", seq, format!("at {seq}").as_bytes()).unwrap();
    }
    log.snapshot_put("s2", 5, b"another").unwrap();
    log.snapshot_put("s", 10, b"replaced").unwrap();
    log.snapshot_put("s", 21, b"beyond the head").unwrap();
    assert_eq!(log.snapshot_get("s", 2).unwrap(), None);
    assert_eq!(log.snapshot_get("s", 3).unwrap(), Some((3, b"at 3".to_vec())));
    assert_eq!(log.snapshot_get("s", 19).unwrap(), Some((10, b"replaced".to_vec())));
    assert_eq!(log.snapshot_get("s", u64::MAX).unwrap(), Some((20, b"at 20".to_vec())));
    assert_eq!(log.snapshot_get("", u64::MAX).unwrap(), None);
    log.snapshot_put("s", 15, b"at 15").unwrap();
    assert_eq!(log.snapshot_get("s", 9).unwrap(), None, "the newest three stay");
    assert_eq!(log.snapshot_get("s", 19).unwrap(), Some((15, b"at 15".to_vec())));
    assert_eq!(log.snapshot_get("s2", u64::MAX).unwrap(), Some((5, b"another".to_vec())));
}

fn subscribers_see_the_durable_head(make: Make<'_>) {
    let log = make(clock());
    let mut head = log.subscribe();
    assert_eq!(*head.borrow_and_update(), 0);
    log.append(Append::facts(facts(0..3))).unwrap();
    assert!(head.has_changed().unwrap());
    assert_eq!(*head.borrow_and_update(), 3);
}

fn r15_recorded_at_grows_with_every_append(make: Make<'_>) {
    let clock = clock();
    let log = make(clock.clone());
    let mut expected = Vec::new();
    for (n, (at, recorded)) in (0..).zip([
        ("2026-01-01T12:00:00.123456Z", "2026-01-01T12:00:00.123456Z"),
        // Back, and standing still: each append is a moment of its own all the same.
        ("2025-06-01", "2026-01-01T12:00:00.123457Z"),
        ("2026-01-01T12:00:00.123456Z", "2026-01-01T12:00:00.123458Z"),
        ("2028-02-29T23:59:59.9999999Z", "2028-02-29T23:59:59.999999Z"),
        ("1969-12-31", "2028-03-01"),
        ("2028-03-02", "2028-03-02"),
    ]) {
        clock.set(moment(at));
        log.append(Append::facts(vec![fact(n)])).unwrap();
        expected.push(moment(recorded));
    }
    let got: Vec<_> = all(&*log).iter().map(|r| r.recorded_at).collect();
    assert_eq!(got, expected);
    assert_eq!(all(&*log).iter().map(|r| r.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
}

fn one_append_has_one_recorded_at(make: Make<'_>) {
    let log = make(clock());
    log.append(Append::facts(facts(0..40))).unwrap();
    let records = all(&*log);
    assert!(records.iter().all(|r| r.recorded_at == records[0].recorded_at));
}

fn r10_unknown_types_and_attributes_are_kept(make: Make<'_>) {
    let log = make(clock());
    let mut odd = fact(1);
    odd.kind = "never.heard.of".into();
    odd.attributes.insert("nobody knows".into(), json!({"deep": [1, 2.5, "x", null]}));
    odd.seal();
    log.append(Append::facts(vec![odd.clone()])).unwrap();
    assert_eq!(log.get(1).unwrap().unwrap().fact(), Some(&odd));
}

fn an_import_gives_an_equal_log(make: Make<'_>) {
    let clock = clock();
    let log = make(clock.clone());
    for (n, day) in (0..).zip(["2026-01-02", "2026-01-03T00:00:00.000000001Z", "2027-01-01"]) {
        clock.set(moment(day));
        log.append(Append::facts(facts(n * 20..n * 20 + 20)).checkpoint("f", json!(n))).unwrap();
    }
    let text = ndjson(&*log);
    let copy = make(crate::common::clock());
    let mut records = text.lines().map(|line| Ok(serde_json::from_str::<Record>(line).unwrap()));
    let receipt = copy.import(&mut records).unwrap();
    assert_eq!((receipt.stored, receipt.duplicate, receipt.head), (60, 0, 63));
    assert_eq!(ndjson(&*copy), text);
    assert_eq!(copy.checkpoint("f").unwrap(), log.checkpoint("f").unwrap());
    for key in (0..7).map(|n| format!("k{n}")) {
        assert_eq!(copy.find_key(&key).unwrap(), log.find_key(&key).unwrap());
    }
    assert_eq!(*copy.subscribe().borrow(), 63);
    // It goes on where the other stopped, knows what it has, and time does not run back.
    let more = copy.append(Append::facts(facts(59..61))).unwrap();
    assert_eq!((more.stored, more.duplicate, more.head), (1, 1, 64));
    assert_eq!(copy.get(64).unwrap().unwrap().recorded_at, moment("2027-01-01T00:00:00.000001Z"));
    let full = copy.import(&mut std::iter::empty()).unwrap_err();
    assert!(matches!(full, Error::NotEmpty { head: 64 }), "{full}");
}

fn a_bad_import_leaves_nothing(make: Make<'_>) {
    let source = make(clock());
    source.append(Append::facts(facts(0..200))).unwrap();
    let records = all(&*source);
    let log = make(clock());

    let mut gap = records.clone();
    gap.remove(100);
    let mut backwards = records.clone();
    backwards[150].recorded_at -= chrono::TimeDelta::days(1);
    for bad in [gap, backwards] {
        let refused = log.import(&mut bad.into_iter().map(Ok)).unwrap_err();
        assert!(matches!(refused, Error::Input { .. }), "{refused}");
        assert_eq!(refused.exit_code(), 5);
        assert_eq!((log.head(), all(&*log).len()), (0, 0));
    }
    let mut broken = records.clone().into_iter().map(Ok).take(120).chain([Err(Error::ReadOnly)]);
    assert!(matches!(log.import(&mut broken), Err(Error::ReadOnly)));
    assert_eq!(log.import(&mut std::iter::empty()).unwrap().head, 0);
    log.import(&mut records.clone().into_iter().map(Ok)).unwrap();
    assert_eq!(all(&*log), records);
}

fn appends_from_many_threads_leave_no_gap(make: Make<'_>) {
    let log = make(clock());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let log = &log;
            scope.spawn(move || {
                for n in 0..20 {
                    log.append(Append::facts(vec![fact(thread * 100 + n), fact(9000 + n)])).unwrap();
                }
            });
        }
    });
    let records = all(&*log);
    assert_eq!(records.len(), 4 * 20 + 20);
    assert!((1..).zip(&records).all(|(seq, record)| record.seq == seq));
}

fn a_visitor_may_append(make: Make<'_>) {
    let log = make(clock());
    log.append(Append::facts(facts(0..10))).unwrap();
    let mut seen = 0;
    log.read(1, &mut |record| {
        seen += 1;
        log.append(Append::facts(vec![fact(1000 + record.seq)])).unwrap();
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!((seen, log.head()), (10, 20));
}

/// Reopening answers everything as before; only for what outlives its handle.
#[test]
fn reopening_changes_no_answer() {
    fn answers(log: &dyn EventLog) -> [String; 3] {
        let key = log.find_key("k3").unwrap();
        [ndjson(log), format!("{key:?}"), format!("{:?}", log.checkpoint("f").unwrap())]
    }
    let dir = tempfile::tempdir().unwrap();
    let path: &Path = dir.path();
    let mut before = None;
    for n in 0..6 {
        let log = open(path);
        if let Some(before) = &before {
            assert_eq!(&answers(&log), before);
            assert!(!log.opened().index_rebuilt && log.opened().index_caught_up == 0, "the index is warm");
        }
        let receipt =
            log.append(Append::facts(facts(n * 30..n * 30 + 40)).checkpoint("f", json!(n))).unwrap();
        assert_eq!(receipt.duplicate, if n == 0 { 0 } else { 10 });
        before = Some(answers(&log));
        log.close().unwrap();
    }
    let reader = Segments::open_read(path, clock()).unwrap();
    assert_eq!(Some(answers(&reader)), before, "a reader sees the same");
    assert!(matches!(reader.append(Append::default()), Err(Error::ReadOnly)));
}

/// Closing is over when it returns: whoever opens next finds no lock held.
#[test]
fn closing_leaves_nothing_held() {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..40 {
        let log = open(dir.path());
        log.append(Append::facts(facts(n * 10..n * 10 + 10))).unwrap();
        log.close().unwrap();
        for file in ["LOCK", "sled/db"] {
            std::fs::File::open(dir.path().join(file)).unwrap().try_lock().unwrap();
        }
    }
}

/// The locks of an owner that died go one after the other: the index is waited for, not thrown away.
#[test]
fn an_index_that_is_still_held_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(Append::facts(facts(0..10))).unwrap();
    log.close().unwrap();
    let held = std::fs::File::open(dir.path().join("sled/db")).unwrap();
    held.lock().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let path = dir.path().to_owned();
    let opening = std::thread::spawn(move || tell.send(open(&path)).unwrap());
    assert!(told.recv_timeout(std::time::Duration::from_millis(300)).is_err(), "it opens what is held");
    held.unlock().unwrap();
    let log = told.recv().unwrap();
    opening.join().unwrap();
    assert!(!log.opened().index_rebuilt);
}
