//! `doctor`: what is missing, and what to do about it.

use std::io::Write;

use bellwether_tests::{Daemon, Store, spawn};
use serde_json::Value;

/// Status and text of a check.
#[track_caller]
fn found(checks: &Value, name: &str) -> (String, String) {
    let all = checks.as_array().unwrap();
    let check =
        all.iter().find(|c| c["check"] == name).unwrap_or_else(|| panic!("no check {name}: {checks}"));
    let text = |field: &str| check[field].as_str().unwrap().to_owned();
    (text("status"), format!("{}; {}", text("message"), text("remedy")))
}

const JSON: [&str; 3] = ["--format", "json", "doctor"];

#[test]
fn a_newcomer_is_told_what_to_do() {
    let store = Store::new();
    let checks = store.run(&JSON).exits(0).json();
    let (status, text) = found(&checks, "store");
    assert!(status == "warn" && text.contains("bellwether ingest"), "{text}");
    assert_eq!(found(&checks, "configuration").0, "ok");
    assert_eq!(found(&checks, "inputs").0, "warn");
    assert!(!store.path().exists(), "looking makes nothing");
    let page = store.run(&["doctor"]).exits(0);
    let begun = page.out.lines().filter(|line| !line.starts_with(' ')).count();
    assert_eq!(begun, checks.as_array().unwrap().len(), "{page}");
}

#[test]
fn a_store_with_history_lacks_less() {
    let store = Store::with_history();
    let checks = store.run(&JSON).exits(0).json();
    assert_eq!(found(&checks, "store").0, "ok");
    assert_eq!(found(&checks, "quarantine").0, "ok");
    store.ingest("facts-ndjson", "no record\n");
    let (status, text) = found(&store.run(&JSON).exits(0).json(), "quarantine");
    assert!(status == "warn" && text.contains("1 record is held back, of facts-ndjson"), "{text}");
    let daemon = Daemon::start(&store);
    let (status, text) = found(&store.run(&JSON).exits(0).json(), "daemon");
    assert!(status == "ok" && text.contains(daemon.url()), "{text}");
    // What lies here may not be what the daemon reads by.
    let kept = |checks: &Value| found(checks, "daemon's configuration");
    let (status, text) = kept(&store.run(&JSON).exits(0).json());
    assert!(status == "ok" && text.contains("reads by the fact types and frameworks here"), "{text}");
    let config = store.beside("own");
    let config = config.to_str().unwrap();
    store.run(&["init", config]).exits(0);
    let framework = store.beside("own/frameworks/china-russia.toml");
    let text = std::fs::read_to_string(&framework).unwrap();
    std::fs::write(&framework, text.replacen("version = \"", "version = \"0.", 1)).unwrap();
    let (status, text) = kept(&store.run(&[&["--config", config][..], &JSON[..]].concat()).exits(0).json());
    assert!(status == "warn" && text.contains("reads not by china-russia as it is here"), "{text}");
    daemon.stop().exits(0);
}

#[test]
fn each_kind_of_fault_has_its_exit_code() {
    let store = Store::with_history();
    let config = store.beside("config");
    std::fs::create_dir(&config).unwrap();
    let broken = store.run(&["--config", config.to_str().unwrap(), "--format", "json", "doctor"]).exits(3);
    assert_eq!(found(&broken.json(), "configuration").0, "fail");

    // Holds the store for as long as its input is open.
    let path = store.path();
    let mut holder = spawn(&["--store", path.to_str().unwrap(), "ingest", "--feed", "facts-ndjson", "-"]);
    let mut held = store.run(&JSON);
    for _ in 0..1_000 {
        if held.code == 7 {
            break;
        }
        held = store.run(&JSON);
    }
    let (status, text) = found(&held.exits(7).json(), "daemon");
    assert!(status == "fail" && text.contains(&format!("process {}", holder.id())), "{text}");
    holder.stdin.take().unwrap().flush().unwrap();
    holder.wait().unwrap();

    let daemon = Daemon::start(&store);
    daemon.signal("STOP");
    let (status, text) = found(&store.run(&JSON).exits(7).json(), "daemon");
    assert!(status == "fail" && text.contains("does not answer"), "{text}");
    daemon.signal("CONT");
    daemon.stop().exits(0);

    let segment = std::fs::read_dir(path.join("log")).unwrap().map(|e| e.unwrap().path());
    let segment = segment.filter(|p| p.extension().is_some_and(|e| e == "seg")).min().unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let (status, text) = found(&store.run(&JSON).exits(5).json(), "store");
    assert!(status == "fail" && text.contains("store verify"), "{text}");
}
