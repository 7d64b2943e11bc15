//! What an ingest does with options, duplicates and the fixed shapes.

use bellwether_ingest::{Entry, Input, Options, ingest};
use bellwether_model::{Basis, Op, Precision};
use bellwether_store::{EventLog, Segments, SystemClock};

use crate::support::{HEADER, facts, feed, memory, now, run, run_with, types};

fn csv(rows: &[&str]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

const VISIT: &str = "visit.held,v|1,2023-03-20,2023-03-23,,CHN,RUS,,,\"{\"\"place\"\": \"\"Moscow\"\"}\",Agency,https://example.org/a,A,1,remark";

#[test]
fn a_row_becomes_a_fact_with_its_evidence() {
    let log = memory();
    run(&log, &feed("facts-csv"), "f.csv", csv(&[VISIT]));
    let fact = facts(&log).remove(0);
    assert_eq!(
        (fact.kind.as_str(), fact.source.as_str(), fact.key.as_str()),
        ("visit.held", "facts-csv", "v|1")
    );
    assert_eq!(fact.actors, ["CHN", "RUS"]);
    assert_eq!(fact.attributes["publisher"], "Agency");
    assert_eq!(fact.grade.to_string(), "A1");
    assert_eq!((fact.evidence.uri.as_deref(), fact.evidence.line), (Some("https://example.org/a"), Some(2)));
    assert_eq!(fact.evidence.file.as_deref(), Some("f.csv"));
    assert_eq!(fact.evidence.digest, Some(blake3_of(VISIT)));
    assert_eq!(fact.note.as_deref(), Some("remark"));
    assert_eq!(
        (fact.published_basis, fact.published_at.unwrap().to_string()),
        (Basis::Assumed, "2023-03-27".into())
    );
    assert_eq!(fact.id, fact.content_id());
}

fn blake3_of(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

#[test]
fn publication_is_stated_assumed_or_recorded() {
    let header = format!("{HEADER},assume,op,seen_by");
    let text = format!(
        "{header}\n{VISIT},yes,,Li\n{},no,,\n{},no,retract,\n",
        VISIT.replace("v|1", "v|2"),
        VISIT.replace("v|1", "v|3")
    );
    let basis = |options: &Options| {
        let log = memory();
        run_with(&log, &types(), &feed("facts-csv"), Input::bytes("f", text.clone()), options);
        facts(&log)
    };
    let found = basis(&Options::at(now()));
    let bases: Vec<Basis> = found.iter().map(|f| f.published_basis).collect();
    assert_eq!(bases, [Basis::Assumed, Basis::Recorded, Basis::Recorded]);
    assert_eq!(found[2].op, Op::Retract);
    assert_eq!(found[0].attributes["seen_by"], "Li", "unknown columns are kept as attributes");
    let given = Options { published_at: Some("2024-01-01".parse().unwrap()), ..Options::at(now()) };
    assert!(basis(&given).iter().all(|f| f.published_basis == Basis::Stated));
}

#[test]
fn a_vague_date_of_a_happening_is_a_window() {
    let vague = VISIT.replace("{\"\"place\"\"", "{\"\"date_precision\"\": \"\"late March\"\", \"\"place\"\"");
    let flow =
        "trade.flow,t,2022-01-01,2023-01-01,,CHN,RUS,5,USD,\"{\"\"date_precision\"\": \"\"year\"\"}\",,,,,";
    let log = memory();
    run(&log, &feed("facts-csv"), "f", csv(&[&vague, flow]));
    let precision: Vec<Precision> = facts(&log).iter().map(|f| f.valid.precision).collect();
    assert_eq!(precision, [Precision::Window, Precision::Year]);
}

#[test]
fn the_second_run_stores_nothing_and_leaves_the_head() {
    let dir = tempfile::tempdir().unwrap();
    let log = Segments::open(dir.path(), std::sync::Arc::new(SystemClock)).unwrap();
    let rows: Vec<String> = (0..2500).map(|i| VISIT.replace("v|1", &format!("v|{i}"))).collect();
    let text = csv(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let first = run(&log, &feed("facts-csv"), "f.csv", text.clone()).report;
    assert_eq!((first.facts.stored, first.facts.duplicate), (2500, 0));
    assert_eq!(first.head, 2503, "three appends, a checkpoint each");
    assert_eq!(log.checkpoint("facts-csv").unwrap().unwrap()["line"], 2501);
    let second = run(&log, &feed("facts-csv"), "f.csv", text.clone()).report;
    assert_eq!((second.facts.stored, second.facts.duplicate, second.head), (0, 2500, first.head));
    let more = format!("{text}{}\n", VISIT.replace("v|1", "v|new"));
    let third = run(&log, &feed("facts-csv"), "f.csv", more).report;
    assert_eq!((third.facts.stored, third.facts.duplicate, third.head), (1, 2500, first.head + 2));
}

#[test]
fn a_dry_run_counts_and_stores_nothing() {
    let log = memory();
    let options = Options { dry_run: true, ..Options::at(now()) };
    let text = csv(&[VISIT, VISIT, "visit.held,broken"]);
    let mut held: Vec<Entry> = Vec::new();
    let input = Input::bytes("f", text);
    let report = ingest(&log, &types(), &feed("facts-csv"), input, &mut held, &options).unwrap();
    assert_eq!((report.facts.stored, report.facts.duplicate, report.records.quarantined), (1, 1, 1));
    assert_eq!((report.head, log.head(), held.len()), (0, 0, 0));
}

#[test]
fn the_report_has_the_shape_of_the_contract() {
    let log = memory();
    let report = run(&log, &feed("facts-csv"), "f", csv(&[VISIT, "x"])).report;
    assert_eq!(
        serde_json::to_string(&report).unwrap(),
        r#"{"feed":"facts-csv","records":{"read":2,"mapped":1,"skipped":0,"quarantined":1},"facts":{"stored":1,"duplicate":0},"head":2}"#
    );
}

#[test]
fn column_order_is_free() {
    let mut names: Vec<&str> = HEADER.split(',').collect();
    names.reverse();
    let text = format!("{}\n,2,B,,,{{}},,,RUS,CHN,,,2023-03-20,v|1,visit.held\n", names.join(","));
    let log = memory();
    assert_eq!(run(&log, &feed("facts-csv"), "f", text).report.facts.stored, 1);
    assert_eq!(facts(&log)[0].valid.precision, Precision::Instant);
}

#[test]
fn facts_go_out_as_native_records_and_come_back_equal() {
    let log = memory();
    run(
        &log,
        &feed("facts-csv"),
        "f.csv",
        csv(&[VISIT, &VISIT.replace("v|1", "v|2").replace(",,CHN", ",2023-03-24,CHN")]),
    );
    let before = facts(&log);
    let mut lines = String::new();
    for fact in &before {
        lines.push_str(&serde_json::to_string(fact).unwrap());
        lines.push('\n');
    }
    lines.push_str("{\"seq\":3,\"recorded_at\":\"2026-01-01T00:00:00Z\",\"system\":\"checkpoint\",\"name\":\"f\",\"data\":{}}\n");
    let other = memory();
    let report = run(&other, &feed("facts-ndjson"), "stdin", lines.clone()).report;
    assert_eq!((report.records.mapped, report.records.skipped), (2, 1));
    assert_eq!(facts(&other), before);
    let events: Vec<String> = before
        .iter()
        .map(|f| {
            format!(
                "{{\"specversion\":\"1.0\",\"id\":\"{}\",\"source\":\"/t\",\"type\":\"fact\",\"data\":{}}}",
                f.id,
                serde_json::to_string(f).unwrap()
            )
        })
        .collect();
    for text in [format!("[{}]", events.join(",")), events.join("\n")] {
        let third = memory();
        run(&third, &feed("cloudevents"), "e", text);
        assert_eq!(facts(&third), before);
    }
}

#[test]
fn a_failing_read_keeps_what_came_before() {
    struct Fails(std::io::Cursor<Vec<u8>>);
    impl std::io::Read for Fails {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(std::io::Error::other("the line went dead")),
                n => Ok(n),
            }
        }
    }
    let log = memory();
    let mut held: Vec<Entry> = Vec::new();
    let input = Input::reader("pipe", Fails(std::io::Cursor::new(csv(&[VISIT]).into_bytes())));
    let error =
        ingest(&log, &types(), &feed("facts-csv"), input, &mut held, &Options::at(now())).unwrap_err();
    assert_eq!(error.exit_code(), 6);
    assert!(error.to_string().contains("the line went dead"));
    assert_eq!(facts(&log).len(), 1);
}

#[test]
fn a_missing_file_is_source_unavailable() {
    let error = Input::open("/nowhere/at/all.csv").unwrap_err();
    assert_eq!(error.exit_code(), 6);
    assert!(error.to_string().contains("/nowhere/at/all.csv"));
    assert_eq!(Input::open("/").unwrap_err().exit_code(), 6);
}

#[test]
fn a_log_that_takes_nothing_stops_the_run_with_its_own_error() {
    let dir = tempfile::tempdir().unwrap();
    drop(Segments::open(dir.path(), std::sync::Arc::new(SystemClock)).unwrap());
    let log = Segments::open_read(dir.path(), std::sync::Arc::new(SystemClock)).unwrap();
    let rows: Vec<String> = (0..20_000).map(|i| VISIT.replace("v|1", &format!("v|{i}"))).collect();
    let text = csv(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    let mut held: Vec<Entry> = Vec::new();
    let options = Options { batch: 10, ..Options::at(now()) };
    let error =
        ingest(&log, &types(), &feed("facts-csv"), Input::bytes("f", text), &mut held, &options).unwrap_err();
    assert!(matches!(error, bellwether_ingest::IngestError::Store(_)), "{error}");
    assert!(error.problems().is_empty());
}
