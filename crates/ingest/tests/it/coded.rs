//! Coded events, roll calls and the arms register: each feed over a made-up file with the quirks of the real ones.

use bellwether_ingest::{
    Cause, Entry, FeedSpec, FileQuarantine, Input, Options, Resolved, ingest, release, retry,
};
use bellwether_model::FactTypes;

use crate::feeds::as_lines;
use crate::support::{facts, feed, memory, now, root, run_with};

/// The fact types as shipped: these feeds are made for them.
fn types() -> FactTypes {
    let text = std::fs::read_to_string(root().join("config/facts.toml")).unwrap();
    FactTypes::parse("facts.toml", &text).unwrap()
}

/// Ingests the fixture of a feed, compares its facts with the expected ones, and its counts (read, mapped, skipped,
/// quarantined; stored, duplicate) and what was held with those given.
fn check(name: &str, file: &str, counts: [u64; 6], held: &[(u64, &str, Cause)]) -> Vec<Entry> {
    let folder = root().join("fixtures/feeds").join(name);
    let log = memory();
    let input = Input::open(folder.join(file).to_str().unwrap()).unwrap();
    let done = run_with(&log, &types(), &feed(name), input, &Options::at(now()));
    let found = as_lines(&facts(&log));
    if std::env::var_os("BELLWETHER_BLESS").is_some() {
        std::fs::write(folder.join("expected.ndjson"), &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(folder.join("expected.ndjson")).unwrap());
    let (r, f) = (done.report.records, done.report.facts);
    assert_eq!(
        [r.read, r.mapped, r.skipped, r.quarantined, f.stored, f.duplicate],
        counts,
        "{:#?}",
        done.held
    );
    let places: Vec<(u64, &str, Cause)> =
        done.held.iter().map(|e| (e.line, e.field.as_str(), e.cause)).collect();
    assert_eq!(places, held, "{:#?}", done.held);
    assert!(done.held.iter().all(|e| !e.remedy.is_empty()));
    // The same source again brings nothing.
    let input = Input::open(folder.join(file).to_str().unwrap()).unwrap();
    let again = run_with(&log, &types(), &feed(name), input, &Options::at(now()));
    assert_eq!((again.report.facts.stored, again.report.head), (0, done.report.head));
    done.held
}

#[test]
fn gdelt_rows_between_tracked_countries_become_facts() {
    let held = check(
        "gdelt-events",
        "20260302101500.export.CSV",
        [15, 6, 4, 5, 9, 2],
        &[
            (6, "SQLDATE", Cause::Suspect),
            (8, "hold[0].when", Cause::Invalid),
            (9, "record", Cause::Undecodable),
            (11, "value", Cause::Implausible),
            (12, "published_at", Cause::Invalid),
        ],
    );
    assert!(held[0].reason.contains("suspect valid time"), "{}", held[0].reason);
}

#[test]
fn gdelt_version_1_rows_have_57_or_58_columns() {
    check(
        "gdelt-events-v1",
        "20130502.export.CSV",
        [5, 2, 1, 2, 4, 0],
        &[(3, "SQLDATE", Cause::Suspect), (5, "record", Cause::Undecodable)],
    );
}

#[test]
fn icews_ids_repeat_and_a_reissue_writes_its_dates_otherwise() {
    check(
        "icews-events",
        "events.2016.sample.tab",
        [9, 5, 2, 2, 4, 1],
        &[(8, "key", Cause::Invalid), (9, "value", Cause::Invalid)],
    );
}

#[test]
fn polecat_headers_repeat_and_tabs_trail() {
    check(
        "polecat-events",
        "ngecEvents.DV.2025-02-03.txt",
        [10, 3, 4, 3, 3, 0],
        &[
            (8, "record", Cause::Undecodable),
            (9, "valid_start", Cause::Invalid),
            (11, "record", Cause::Undecodable),
        ],
    );
}

#[test]
fn acled_updates_are_vintages_and_the_year_25_is_held() {
    let held = check(
        "acled-events",
        "acled.csv",
        [11, 5, 2, 4, 5, 0],
        &[
            (4, "event_date", Cause::Suspect),
            (9, "valid_start", Cause::Invalid),
            (10, "hold[0].when", Cause::Invalid),
            (11, "published_at", Cause::Invalid),
        ],
    );
    assert_eq!(held.len(), 4);
}

#[test]
fn an_empty_vote_is_no_choice() {
    check(
        "unga-rollcalls",
        "rollcalls.csv",
        [7, 4, 1, 2, 13, 0],
        &[(7, "attributes.choice", Cause::Invalid), (8, "valid_end", Cause::Invalid)],
    );
}

#[test]
fn arms_totals_are_skipped_and_an_unknown_name_is_held() {
    check(
        "arms-register",
        "tiv.csv",
        [12, 5, 4, 3, 5, 0],
        &[(10, "key", Cause::Invalid), (11, "value", Cause::Invalid), (12, "valid_start", Cause::Invalid)],
    );
}

/// What a hold rule holds comes in on an operator's word, and not by trying again.
#[test]
fn a_suspect_record_is_released_not_retried() {
    let dir = tempfile::tempdir().unwrap();
    let mut quarantine = FileQuarantine::open(dir.path()).unwrap();
    let log = memory();
    let path = root().join("fixtures/feeds/gdelt-events/20260302101500.export.CSV");
    let spec = feed("gdelt-events");
    let input = Input::open(path.to_str().unwrap()).unwrap();
    ingest(&log, &types(), &spec, input, &mut quarantine, &Options::at(now())).unwrap();
    let entries = quarantine.list().unwrap();
    let suspect = entries.iter().find(|e| e.cause == Cause::Suspect).unwrap();
    let again = retry(&mut quarantine, &suspect.id, &log, &types(), &spec, now()).unwrap();
    assert!(matches!(again, Resolved::Held { .. }), "{again:?}");
    let before = facts(&log).len();
    let done =
        release(&mut quarantine, &suspect.id, &log, &types(), &spec, "A. Analyst", "read it", now()).unwrap();
    assert!(matches!(done, Resolved::Stored { facts, .. } if facts.stored == 2), "{done:?}");
    let all = facts(&log);
    assert_eq!(all.len(), before + 2);
    assert_eq!(all[before].valid.start.to_rfc3339(), "2025-03-02T00:00:00+00:00");
    let undecodable = entries.iter().find(|e| e.cause == Cause::Undecodable).unwrap();
    let refused = release(&mut quarantine, &undecodable.id, &log, &types(), &spec, "A. Analyst", "so", now())
        .unwrap_err();
    assert_eq!(refused.exit_code(), 2);
}

/// The bundled file without its prefilter, so that the hold rule sees every row.
fn unfiltered() -> FeedSpec {
    let text = std::fs::read_to_string(root().join("config/feeds/gdelt-events.toml")).unwrap();
    let mut file: toml::Table = text.parse().unwrap();
    file.remove("prefilter");
    // Which facts the rows would make is of no interest here.
    for fact in file.get_mut("fact").and_then(toml::Value::as_array_mut).unwrap() {
        fact.as_table_mut().unwrap().insert("when".into(), "false".into());
    }
    FeedSpec::parse("unfiltered.toml", &file.to_string()).unwrap()
}

/// Reads real rows, which are not part of the project, where they are at hand.
#[test]
fn of_200_real_gdelt_rows_35_are_dated_a_year_back_and_held() {
    let folder = root().join("../shared/data/gdelt/sample");
    if !folder.exists() {
        eprintln!("skipped: {} is not there", folder.display());
        return;
    }
    let (mut read, mut held) = (0, 0);
    for name in ["gdelt_v2_events.export.tsv", "gdelt_v2_events_translation.export.tsv"] {
        let input = Input::open(folder.join(name).to_str().unwrap()).unwrap();
        let done = run_with(&memory(), &types(), &unfiltered(), input, &Options::at(now()));
        read += done.report.records.read;
        held += done.held.iter().filter(|e| e.cause == Cause::Suspect).count();
        assert_eq!(done.report.records.skipped + done.report.records.quarantined, 100);
        assert!(done.held.iter().all(|e| e.cause == Cause::Suspect && e.field == "SQLDATE"));
    }
    assert_eq!((read, held), (200, 35));
}

/// A hold rule runs after the prefilter: what is not wanted is skipped, not held.
#[test]
fn what_the_prefilter_leaves_out_is_not_held() {
    let text = std::fs::read_to_string(root().join("fixtures/feeds/gdelt-events/20260302101500.export.CSV"))
        .unwrap();
    let old = text.lines().nth(5).unwrap().replace("\tRUS\t", "\tFRA\t");
    assert!(old.contains("\t20250302\t"));
    let done =
        run_with(&memory(), &types(), &feed("gdelt-events"), Input::bytes("f", old), &Options::at(now()));
    assert_eq!((done.report.records.skipped, done.held.len()), (1, 0));
}

#[test]
fn hold_rules_are_checked_at_load() {
    let text = std::fs::read_to_string(root().join("config/feeds/gdelt-events.toml")).unwrap();
    let broken = text.replace("> 90\"", "> \"").replace("in_table = \"tracked\"", "in_table = \"trakced\"");
    let problems = FeedSpec::parse("f.toml", &broken).unwrap_err();
    let fields: Vec<&str> = problems.0.iter().map(|p| p.field.as_str()).collect();
    assert_eq!(fields, ["prefilter[0].in_table", "prefilter[1].in_table", "hold[0].when"], "{problems}");
    assert!(problems.0.iter().all(|p| p.line > 0));
    let unknown = text.replace("hold]]\nwhen", "hold]]\nwhenever = \"\"\nwhen");
    assert!(FeedSpec::parse("f.toml", &unknown).is_err());
}
