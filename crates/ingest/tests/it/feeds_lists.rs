//! Feeds of lists and of dated tables, as shipped, over fixtures with their quirks.

use std::fmt::Write;

use bellwether_ingest::{Input, Options, ingest};
use bellwether_model::{Fact, FactTypes};

use crate::support::{facts, feed, memory, now, root};

fn types() -> FactTypes {
    let text = std::fs::read_to_string(root().join("config/facts.toml")).unwrap();
    FactTypes::parse("config/facts.toml", &text).unwrap()
}

/// Reads files of `fixtures/feeds/FEED`, each with its publication where its name has none, and compares the facts
/// with `expected.ndjson` there. Answers read, mapped, skipped and quarantined, and the reasons of what was held.
fn check(name: &str, files: &[(&str, Option<&str>)]) -> ([u64; 4], Vec<String>) {
    let folder = root().join("fixtures/feeds").join(name);
    let run = |files: &[(&str, Option<&str>)]| {
        let log = memory();
        let (mut held, mut counts) = (Vec::new(), [0; 4]);
        for (file, published) in files {
            let input = Input::open(folder.join(file).to_str().unwrap()).unwrap();
            let published_at = published.map(|text| text.parse().unwrap());
            let options = Options { published_at, ..Options::at("2033-01-01T00:00:00Z".parse().unwrap()) };
            let report = ingest(&log, &types(), &feed(name), input, &mut held, &options).unwrap();
            let r = report.records;
            assert_eq!(r.read, r.mapped + r.skipped + r.quarantined, "{report:?}");
            for (sum, n) in counts.iter_mut().zip([r.read, r.mapped, r.skipped, r.quarantined]) {
                *sum += n;
            }
        }
        let reasons = held.iter().map(|e| format!("{}:{} {}", e.file, e.line, e.reason)).collect();
        (facts(&log), counts, reasons)
    };
    let (found, counts, reasons) = run(files);
    let lines = found.iter().fold(String::new(), |mut all, fact| {
        let _ = writeln!(all, "{}", serde_json::to_string(fact).unwrap());
        all
    });
    let expected = folder.join("expected.ndjson");
    if std::env::var_os("BELLWETHER_BLESS").is_some() {
        std::fs::write(&expected, &lines).unwrap();
    }
    assert_eq!(lines, std::fs::read_to_string(&expected).unwrap());
    // Twice stores nothing, and the other way round says the same of the last vintage.
    let again = run(&[files, files].concat()).0;
    assert_eq!(again.len(), found.len());
    (counts, reasons)
}

fn now_is_late_enough() -> bool {
    now() < "2033-01-01T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap()
}

#[test]
fn china_customs_vintages() {
    assert!(now_is_late_enough());
    let files = [
        "china_customs_wind_2031-08-15.csv",
        "china_customs_wind_2032-01-03.csv",
        "china_customs_wind_2032-04-04.csv",
    ];
    let (counts, reasons) = check("china-customs", &files.map(|f| (f, None)));
    assert_eq!(counts, [89, 36, 51, 2]);
    assert!(reasons[0].contains("2031-08-15.csv:11") && reasons[0].contains("12 000"), "{reasons:?}");
    assert!(reasons[1].contains("2032-01-03.csv:8") && reasons[1].contains("Atlantis"), "{reasons:?}");
}

#[test]
fn counter_sanctions_vintages() {
    let files = [
        "01_2031-06-29T155913_0000000a1.csv",
        "02_2031-06-29T160659_0000000a2.csv",
        "03_2031-07-07T215524Z_0000000a3.csv",
    ];
    let (counts, reasons) = check("cn-countersanctions", &files.map(|f| (f, None)));
    assert_eq!(counts, [15, 14, 0, 1]);
    assert!(reasons[0].contains("July 2031"), "{reasons:?}");
}

#[test]
fn ofac_lists_with_their_side_files() {
    let files = [("2031-01/sdn.csv", Some("2031-01-15")), ("2032-07/sdn.csv", Some("2032-07-07"))];
    let (counts, reasons) = check("ofac-sdn", &files);
    // The broken row of a side file is a record held.
    assert_eq!(counts, [13, 12, 0, 1]);
    assert!(reasons[0].contains("2 columns"), "{reasons:?}");
}

#[test]
fn eu_journal_acts() {
    let files = ["39990R0833_2031-07-01.csv", "39991R1848_2031-07-24.csv", "39990R0833_2031-08-30.csv"];
    let (counts, reasons) = check("eu-journal", &files.map(|f| (f, None)));
    assert_eq!(counts, [17, 16, 0, 1]);
    assert!(reasons[0].contains("soon"), "{reasons:?}");
}

#[test]
fn opensanctions_targets() {
    let files = ["20310601-targets.simple.csv", "targets.simple.csv"];
    let (counts, _) = check("opensanctions-targets", &files.map(|f| (f, None)));
    assert_eq!(counts, [5, 5, 0, 0]);
}

#[test]
fn opensanctions_entities_and_deltas() {
    let files = [
        "entities.ftm.json",
        "20310602134702-abc.delta.json",
        "20310602194702-abd.delta.json",
        "20310603074703-abe.delta.json",
        "20310603134729-abf.delta.json",
    ];
    let (counts, reasons) = check("opensanctions-ftm", &files.map(|f| (f, None)));
    assert_eq!(counts, [9, 6, 2, 1]);
    assert!(reasons[0].contains("UPS"), "{reasons:?}");
    let text =
        std::fs::read_to_string(root().join("fixtures/feeds/opensanctions-ftm/expected.ndjson")).unwrap();
    let facts: Vec<Fact> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &str| {
        facts
            .iter()
            .filter(|f| f.kind == kind)
            .map(|f| f.attribute("entry").unwrap_or_default().into_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("list.merged"), ["NK-two"]);
    assert_eq!(of("sanction.delisted"), ["NK-one"]);
}
