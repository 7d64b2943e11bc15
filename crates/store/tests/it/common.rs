//! Facts, clocks, folders.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_model::{Basis, Evidence, Fact, Op, Period, Record, Stamp};
use bellwether_store::{EventLog, FixedClock, Options, Segments};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

pub(crate) fn moment(text: &str) -> DateTime<Utc> {
    bellwether_model::parse_moment(text).unwrap()
}

pub(crate) fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::new(moment("2026-01-01T12:00:00.123456Z")))
}

/// A fact that differs in every field with `n`, some of them odd.
pub(crate) fn fact(n: u64) -> Fact {
    let start = moment("2020-01-01") + TimeDelta::days((n % 2000) as i64);
    let mut fact = Fact {
        id: uuid::Uuid::nil(),
        op: if n % 11 == 10 { Op::Retract } else { Op::Assert },
        kind: ["trade.flow", "exercise.held", "типа.неизвестного"][(n % 3) as usize].into(),
        source: ["customs", "events"][(n % 2) as usize].into(),
        key: format!("k{}", n % 7),
        valid: match n % 3 {
            0 => Period::instant(start + TimeDelta::nanoseconds(n as i64)),
            1 => Period::range(start, start + TimeDelta::days(1)).unwrap(),
            _ => Period {
                start,
                end: Some(start + TimeDelta::days(9)),
                precision: bellwether_model::Precision::Window,
            },
        },
        published_at: match n % 4 {
            0 => None,
            1 => Some(Stamp::Day(NaiveDate::from_ymd_opt(2024, 2, 29).unwrap())),
            _ => Some(Stamp::Instant(start + TimeDelta::microseconds(1))),
        },
        published_basis: [Basis::Recorded, Basis::Stated, Basis::Assumed][(n % 4).min(2) as usize],
        actors: [vec![], vec!["CHN".into()], vec!["CHN".into(), "RUS".into()]][(n % 3) as usize].clone(),
        value: [None, Some("-0.00"), Some("190270000000.50"), Some("-79228162514264337593543950335")]
            [(n % 4) as usize]
            .map(|text| text.parse().unwrap()),
        unit: (!n.is_multiple_of(4)).then(|| "USD".into()),
        grade: ["A1", "B2", "F6"][(n % 3) as usize].parse().unwrap(),
        attributes: [
            ("n".to_owned(), serde_json::json!(n)),
            ("text".to_owned(), serde_json::json!(format!("значение \u{0} {n}"))),
            ("odd".to_owned(), serde_json::json!([null, true, 0.1, 1e308, {"a": -1}])),
        ]
        .into(),
        evidence: Evidence {
            uri: n.is_multiple_of(2).then(|| format!("https://example.org/{n}")),
            file: Some("a.csv".into()),
            line: Some(n),
            digest: None,
        },
        note: n.is_multiple_of(5).then(|| "seen".into()),
    };
    fact.seal();
    fact
}

pub(crate) fn facts(range: std::ops::Range<u64>) -> Vec<Fact> {
    range.map(fact).collect()
}

/// Everything in the log.
pub(crate) fn all(log: &dyn EventLog) -> Vec<Record> {
    from(log, 1)
}

pub(crate) fn from(log: &dyn EventLog, seq: u64) -> Vec<Record> {
    let mut records = Vec::new();
    log.read(seq, &mut |record| {
        records.push(record.clone());
        ControlFlow::Continue(())
    })
    .unwrap();
    records
}

/// Native NDJSON of the log: what must not change by a byte.
pub(crate) fn ndjson(log: &dyn EventLog) -> String {
    all(log).iter().map(|record| serde_json::to_string(record).unwrap() + "\n").collect()
}

/// Small blocks and segments, so that a few records cross every boundary.
pub(crate) fn small() -> Options {
    Options { segment_bytes: 4096, block_records: 8, index_lag: 5, ..Options::default() }
}

pub(crate) fn open(dir: &Path) -> Segments {
    Segments::open_with(dir, clock(), &small()).unwrap()
}

/// Segment files in order.
pub(crate) fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(dir.join("log"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "seg"))
        .collect();
    found.sort();
    found
}

/// Copies a store folder: what a crash at this moment would leave.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Copies the log alone: the index is to be rebuilt.
pub(crate) fn copy_log(from: &Path, to: &Path) {
    copy(&from.join("log"), &to.join("log"));
}
