//! Quarantine: held once, listed, retried, released, dropped, and never lost.

use std::io::Write;
use std::sync::Arc;

use bellwether_ingest::{
    Cause, FileQuarantine, Input, Options, Quarantine, QuarantineCopy, Resolved, drop_entry, ingest, release,
    retry,
};
use bellwether_model::FactTypes;
use bellwether_store::{EventLog, FixedClock, Memory};

use crate::support::{HEADER, TYPES, facts, feed, memory, now, types};

const IMPLAUSIBLE: &str =
    "trade.flow,t|2018,2018-01-01,2019-01-01,2019-01-14,CHN,RUS,433000000000,USD,,Panel,,D,4,";
const UNKNOWN: &str = "arms.deal,a|1,2018-01-01,2018-01-02,,RUS,CHN,,,,Agency,,B,2,";

fn bytes() -> Vec<u8> {
    let mut bytes = format!("{HEADER}\n{IMPLAUSIBLE}\n{UNKNOWN}\n").into_bytes();
    bytes.extend(b"\xff\xfe,not a row\n");
    bytes
}

fn fill(folder: &std::path::Path, log: &dyn EventLog) -> FileQuarantine {
    let mut quarantine = FileQuarantine::open(folder).unwrap();
    let options = Options::at(now());
    let report =
        ingest(log, &types(), &feed("facts-csv"), Input::bytes("f.csv", bytes()), &mut quarantine, &options)
            .unwrap();
    assert_eq!(report.records.quarantined, 3);
    quarantine
}

#[test]
fn ingesting_twice_holds_once_and_survives_a_reopen() {
    let dir = tempfile::tempdir().unwrap();
    let log = memory();
    drop(fill(dir.path(), &log));
    drop(fill(dir.path(), &log));
    let quarantine = FileQuarantine::open(dir.path()).unwrap();
    let list = quarantine.list().unwrap();
    assert_eq!(list.iter().map(|e| e.line).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(
        list.iter().map(|e| e.cause).collect::<Vec<_>>(),
        [Cause::Implausible, Cause::Invalid, Cause::Undecodable]
    );
    assert_eq!(list[2].raw.bytes().unwrap(), b"\xff\xfe,not a row");
    assert_eq!(list[0].raw.bytes().unwrap(), IMPLAUSIBLE.as_bytes());
    let json = serde_json::to_value(list[1].summary()).unwrap();
    let names: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["at", "feed", "file", "id", "line", "reason"]);
    assert_eq!(quarantine.show(&list[1].id).unwrap(), list[1]);
}

/// A copy of the log is made between the beginning and the end.
#[test]
fn r33_a_copy_has_what_was_held_until_its_end_and_what_was_resolved_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("from"), dir.path().join("to"));
    let log = memory();
    let mut quarantine = fill(&from, &log);
    let ids: Vec<String> = quarantine.list().unwrap().into_iter().map(|e| e.id).collect();
    let drop_one = |quarantine: &mut FileQuarantine, n: usize| {
        drop_entry(quarantine, &ids[n], "Li", "wrong", now()).unwrap();
    };
    drop_one(&mut quarantine, 0);
    let copy = QuarantineCopy::begin(&from).unwrap();
    drop_one(&mut quarantine, 1);
    let later = format!("{HEADER}\nlater,t|9,,,,,,,,,,,,\n");
    let options = Options::at(now());
    let input = Input::bytes("g.csv", later.as_bytes());
    ingest(&log, &types(), &feed("facts-csv"), input, &mut quarantine, &options).unwrap();
    let whole = quarantine.list().unwrap().pop().unwrap();
    let held = bellwether_ingest::Entry { id: "0123456789abcdef".into(), ..whole.clone() };
    quarantine.hold_whole(held.clone(), b"a list", &[("beside", b"b")]).unwrap();
    quarantine.sync().unwrap();
    let mut torn = std::fs::OpenOptions::new().append(true).open(from.join("entries.ndjson")).unwrap();
    torn.write_all(b"{\"do\":\"hold\"").unwrap();
    copy.finish(&to).unwrap();

    let copied = FileQuarantine::open(&to).unwrap();
    let there: Vec<String> = copied.list().unwrap().into_iter().map(|e| e.id).collect();
    assert_eq!(there, [ids[1].as_str(), &ids[2], &whole.id, &held.id]);
    assert_eq!(copied.damaged(), 0);
    assert_eq!(copied.whole(&copied.show(&held.id).unwrap()).unwrap().bytes, b"a list");
    // One that is there stays, and none is made of nothing.
    QuarantineCopy::begin(&dir.path().join("none")).unwrap().finish(&to).unwrap();
    QuarantineCopy::begin(&from).unwrap().finish(&to).unwrap();
    assert_eq!(FileQuarantine::open(&to).unwrap().list().unwrap().len(), 4);
    QuarantineCopy::begin(&dir.path().join("none")).unwrap().finish(&dir.path().join("new")).unwrap();
    assert!(!dir.path().join("new").exists());
}

#[test]
fn retry_takes_the_record_once_the_type_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let log = memory();
    let mut quarantine = fill(dir.path(), &log);
    let id = quarantine.list().unwrap()[1].id.clone();
    let spec = feed("facts-csv");
    let still = retry(&mut quarantine, &id, &log, &types(), &spec, now()).unwrap();
    assert!(matches!(still, Resolved::Held { reason } if reason.contains("unknown fact type")));
    let wider = format!("{TYPES}\n[[fact]]\ntype = \"arms.deal\"\nmeaning = \"m\"\ntemporal = \"instant\"\n");
    let wider = FactTypes::parse("facts.toml", &wider).unwrap();
    let done = retry(&mut quarantine, &id, &log, &wider, &spec, now()).unwrap();
    assert!(matches!(done, Resolved::Stored { facts, head: 1 } if facts.stored == 1), "{done:?}");
    assert_eq!(facts(&log)[0].evidence.line, Some(3));
    assert_eq!(quarantine.list().unwrap().len(), 2);
    assert!(quarantine.show(&id).unwrap_err().to_string().contains("already resolved"));
    assert_eq!(quarantine.show("feed").unwrap_err().exit_code(), 2);
}

#[test]
fn release_is_for_implausible_values_only() {
    let dir = tempfile::tempdir().unwrap();
    let log = memory();
    let mut quarantine = fill(dir.path(), &log);
    let ids: Vec<String> = quarantine.list().unwrap().into_iter().map(|e| e.id).collect();
    let spec = feed("facts-csv");
    for id in &ids[1..] {
        assert!(release(&mut quarantine, id, &log, &types(), &spec, "Li", "checked", now()).is_err());
    }
    assert!(release(&mut quarantine, &ids[0], &log, &types(), &spec, "Li", " ", now()).is_err());
    let done = release(&mut quarantine, &ids[0], &log, &types(), &spec, "Li", "checked", now()).unwrap();
    assert!(matches!(done, Resolved::Stored { .. }));
    assert_eq!(facts(&log)[0].value.unwrap().to_string(), "433000000000");
    assert_eq!(quarantine.list().unwrap().len(), 2);
    // Ingested again it is known: not listed again.
    drop(quarantine);
    assert_eq!(fill(dir.path(), &log).list().unwrap().len(), 2);
}

#[test]
fn a_dropped_entry_leaves_a_tombstone_and_stays_away() {
    let dir = tempfile::tempdir().unwrap();
    let log = memory();
    let mut quarantine = fill(dir.path(), &log);
    let id = quarantine.list().unwrap()[2].id.clone();
    assert!(drop_entry(&mut quarantine, &id, "Li", "", now()).is_err());
    drop_entry(&mut quarantine, &id, "Li", "noise", now()).unwrap();
    drop(quarantine);
    assert_eq!(fill(dir.path(), &log).list().unwrap().len(), 2);
    let text = std::fs::read_to_string(dir.path().join("entries.ndjson")).unwrap();
    assert!(text.contains("Li: noise"), "{text}");
}

#[test]
fn r14_a_line_torn_by_a_crash_costs_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let log = memory();
    drop(fill(dir.path(), &log));
    let path = dir.path().join("entries.ndjson");
    let text = std::fs::read(&path).unwrap();
    std::fs::write(&path, &text[..text.len() - 30]).unwrap();
    let torn = FileQuarantine::open(dir.path()).unwrap();
    assert_eq!((torn.list().unwrap().len(), torn.damaged()), (2, 1));
    drop(torn);
    let again = fill(dir.path(), &log);
    assert_eq!(again.list().unwrap().len(), 3);
    drop(again);
    assert_eq!(FileQuarantine::open(dir.path()).unwrap().list().unwrap().len(), 3);
}

#[test]
fn entries_can_be_read_before_they_are_synced() {
    let dir = tempfile::tempdir().unwrap();
    let mut held = Vec::new();
    let log = Memory::new(Arc::new(FixedClock::new(now())));
    ingest(&log, &types(), &feed("facts-csv"), Input::bytes("f", bytes()), &mut held, &Options::at(now()))
        .unwrap();
    std::fs::File::create(dir.path().join("entries.ndjson")).unwrap().write_all(b"{\"do\":\"hold\"").unwrap();
    let mut quarantine = FileQuarantine::open(dir.path()).unwrap();
    for entry in held.clone() {
        quarantine.hold(entry).unwrap();
    }
    assert_eq!(quarantine.list().unwrap(), held);
    quarantine.sync().unwrap();
    assert_eq!(quarantine.list().unwrap(), held);
}
