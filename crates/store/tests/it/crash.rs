//! Processes killed in the middle of their work.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use bellwether_store::{Append, Chain, EventLog, Segments};
use serde_json::json;

use crate::common::*;

const DIR: &str = "BELLWETHER_STORE_CRASH_DIR";

/// Not a test by itself: the process that `r01` kills. Tells every acknowledged head on its standard output.
#[test]
fn appends_until_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let log = open(std::path::Path::new(&dir));
    let mut out = std::io::stdout();
    for n in log.head().. {
        let batch = Append::facts(facts(n * 3..n * 3 + 1 + n % 20)).checkpoint("f", json!(n));
        let head = log.append(batch).unwrap().head;
        writeln!(out, "ack {head}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn r01_kill_loses_nothing_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for round in 0..12_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["crash::appends_until_killed", "--exact", "--nocapture", "--test-threads=1"])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut left = 1 + round * 7 % 23;
        while left > 0 {
            let line = lines.next().expect("the child goes on until killed").unwrap();
            // The test harness writes its own words before the first one.
            if let Some(head) = line.split("ack ").nth(1) {
                acknowledged = head.trim().parse().unwrap();
                left -= 1;
            }
        }
        child.kill().unwrap();
        for line in lines.map_while(Result::ok) {
            if let Some(head) = line.strip_prefix("ack ").and_then(|head| head.parse().ok()) {
                acknowledged = head;
            }
        }
        child.wait().unwrap();

        assert_eq!(Segments::verify(dir.path()).unwrap().chain, Chain::Ok);
        let log = open(dir.path());
        assert!(log.head() >= acknowledged, "round {round}: {} of {acknowledged}", log.head());
        let records = all(&log);
        assert!((1..=log.head()).eq(records.iter().map(|r| r.seq)));
        // Facts and their checkpoint came together or not at all.
        assert!(records.last().unwrap().fact().is_none());
        assert_eq!(log.keys_latest("customs", "k0").unwrap(), {
            let reader = Segments::open_read(dir.path(), clock()).unwrap();
            reader.keys_latest("customs", "k0").unwrap()
        });
        log.close().unwrap();
    }
}
