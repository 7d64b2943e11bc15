//! Older and newer stores.

use std::path::{Path, PathBuf};

use bellwether_store::{Append, Chain, Error, EventLog, Segments};
use serde_json::json;

use crate::common::*;

fn frozen() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/stores/v1")
}

/// Writes the frozen store anew when `BELLWETHER_FREEZE` is set. Only for a new format: an old one is never
/// written again.
#[test]
fn freeze() {
    if std::env::var_os("BELLWETHER_FREEZE").is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for n in 0..4 {
        log.append(Append::facts(facts(n * 9..n * 9 + 9)).checkpoint("f", json!({ "line": n }))).unwrap();
    }
    let text = ndjson(&log);
    log.close().unwrap();
    // One compressed block too.
    let log = Segments::open(dir.path(), clock()).unwrap();
    log.append(Append::facts(facts(36..120))).unwrap();
    assert!(ndjson(&log).starts_with(&text));
    let text = ndjson(&log);
    log.close().unwrap();
    drop(std::fs::remove_dir_all(frozen()));
    copy_log(dir.path(), &frozen());
    std::fs::write(frozen().join("records.ndjson"), text).unwrap();
}

#[test]
fn r09_the_frozen_store_reads_as_it_did() {
    let expected = std::fs::read_to_string(frozen().join("records.ndjson")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    copy_log(&frozen(), dir.path());
    let verified = Segments::verify(dir.path()).unwrap();
    assert_eq!((verified.chain, verified.events), (Chain::Ok, expected.lines().count() as u64));
    let log = open(dir.path());
    assert_eq!(ndjson(&log), expected);
    // It goes on being written, and what it holds is still known.
    let receipt = log.append(Append::facts(facts(0..121))).unwrap();
    assert_eq!((receipt.stored, receipt.duplicate), (1, 120));
}

#[test]
fn r09_a_newer_store_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(Append::facts(facts(0..3))).unwrap();
    log.close().unwrap();
    let segment = segments(dir.path()).remove(0);
    for path in [segment, dir.path().join("log/HEAD")] {
        let good = std::fs::read(&path).unwrap();
        let mut newer = good.clone();
        newer[8..12].copy_from_slice(&7_u32.to_le_bytes());
        let sum = crc32fast::hash(&newer[..52]);
        newer[52..56].copy_from_slice(&sum.to_le_bytes());
        std::fs::write(&path, &newer).unwrap();
        let refused = Segments::open(dir.path(), clock()).err().unwrap();
        assert!(matches!(refused, Error::NewerFormat { found: 7, supported: 1, .. }), "{refused}");
        assert_eq!(refused.exit_code(), 5);
        assert!(refused.to_string().contains("format 7"), "{refused}");
        assert!(matches!(Segments::verify(dir.path()), Err(Error::NewerFormat { .. })));
        std::fs::write(&path, &good).unwrap();
    }
    assert_eq!(open(dir.path()).head(), 3);
}
