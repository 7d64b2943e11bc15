//! The bundled history: whole, and once only.

use bellwether_ingest::{Input, Options};
use bellwether_model::FactTypes;
use bellwether_store::EventLog;

use crate::support::{Run, feed, memory, now, root, run_with};

pub(crate) const FILES: [(&str, u64); 3] =
    [("china-russia-facts.csv", 606), ("assessment-judgements.csv", 12), ("coverage.csv", 1)];

pub(crate) fn ingest_file(log: &dyn EventLog, types: &FactTypes, name: &str) -> Run {
    let path = root().join("fixtures/history").join(name);
    run_with(
        log,
        types,
        &feed("facts-csv"),
        Input::open(path.to_str().unwrap()).unwrap(),
        &Options::at(now()),
    )
}

#[test]
fn all_of_it_is_stored_and_a_second_run_stores_nothing() {
    let path = root().join("config/facts.toml");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: config/facts.toml is not there yet");
        return;
    };
    let types = FactTypes::parse("config/facts.toml", &text).unwrap_or_else(|p| panic!("{p}"));
    let log = memory();
    for (name, rows) in FILES {
        let done = ingest_file(&log, &types, name);
        assert!(
            done.held.is_empty(),
            "{name}: {:#?}",
            done.held.iter().map(|e| &e.reason).collect::<Vec<_>>()
        );
        assert_eq!((done.report.records.mapped, done.report.facts.duplicate), (rows, 0), "{name}");
    }
    let head = log.head();
    for (name, rows) in FILES {
        let again = ingest_file(&log, &types, name).report;
        assert_eq!((again.facts.stored, again.facts.duplicate, again.head), (0, rows, head), "{name}");
    }
}

/// The registry does not matter here: no row may fail for any reason but an unknown type.
#[test]
fn every_row_reads_whatever_the_registry() {
    for (name, rows) in FILES {
        let log = memory();
        let done = ingest_file(&log, &FactTypes::default(), name);
        assert_eq!(done.report.records.read, rows, "{name}");
        let others: Vec<_> = done.held.iter().filter(|e| e.field != "fact_type").collect();
        assert!(others.is_empty(), "{name}: {others:#?}");
    }
}
