//! `watch`: the daemon as an operator sees it.

use std::path::Path;
use std::process::Command;

use bellwether_tests::{Daemon, Store, bellwether, root};
use serde_json::{Value, json};

const LINES: &str = "application/x-ndjson";
const EVENT: &str = "application/cloudevents+json";

/// One visit as a native record.
fn visit(key: &str) -> Value {
    json!({
        "type": "visit.held", "source": "test", "key": key, "valid": {"start": "2024-05-16T00:00:00Z"},
        "published_at": "2024-05-17", "actors": ["RUS", "CHN"], "grade": "B2",
        "attributes": {"level": "head of state", "place": "Beijing"},
    })
}

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let there = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &there);
        } else {
            std::fs::copy(&path, there).unwrap();
        }
    }
}

#[test]
fn events_come_in_are_counted_and_survive_the_stop() {
    let store = Store::new();
    let daemon = Daemon::start(&store);
    let event =
        json!({"specversion": "1.0", "id": "1", "source": "/t", "type": "visit.held", "data": visit("v|1")});
    let (status, report) = daemon.post("/v1/events", EVENT, &event.to_string());
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!((status, &report["facts"]["stored"]), (200, &json!(1)), "{report}");
    let lines: String = (1..=50).map(|n| visit(&format!("v|{n}")).to_string() + "\n").collect();
    let (status, report) = daemon.post("/v1/events", LINES, &lines);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!((status, &report["records"]["mapped"]), (200, &json!(50)), "{report}");
    let (_, metrics) = daemon.get("/metrics");
    for line in [
        "bellwether_feed_records_total{feed=\"cloudevents\",outcome=\"mapped\"} 1\n",
        "bellwether_log_failed 0\n",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    assert_eq!(daemon.get("/healthz"), (200, "{\"status\":\"ok\"}".to_owned()));
    let ended = daemon.stop().exits(0);
    assert!(ended.err.contains("SIGTERM") && ended.err.contains("stopped"), "{ended}");
    assert!(!store.path().join("daemon.json").exists());
    store.run(&["store", "verify"]).exits(0);
    let facts = store.run(&["events"]).exits(0).ndjson();
    assert_eq!(facts.iter().filter(|r| r["type"] == "visit.held").count(), 50, "{facts:?}");
}

#[test]
fn r01_what_was_acknowledged_survives_a_kill_and_the_address_left_behind_is_not_believed() {
    let store = Store::new();
    let daemon = Daemon::start(&store);
    let (status, _) = daemon.post("/v1/events", LINES, &visit("v|1").to_string());
    assert_eq!(status, 200);
    daemon.kill();
    assert!(store.path().join("daemon.json").exists());
    assert_eq!(store.run(&["events"]).exits(0).ndjson().iter().filter(|r| r["key"] == "v|1").count(), 1);
    let daemon = Daemon::start(&store);
    let (_, report) = daemon.post("/v1/events", LINES, &visit("v|1").to_string());
    assert!(report.contains("\"stored\":0,\"duplicate\":1"), "{report}");
    daemon.stop().exits(0);
}

#[test]
fn a_reload_takes_effect_and_a_bad_one_does_not() {
    let store = Store::new();
    let config = store.beside("config");
    copy(&root().join("config"), &config);
    let daemon = Daemon::start_with(&store, &["--config", config.to_str().unwrap()], &[]);
    let feeds = || serde_json::from_str::<Value>(&daemon.get("/v1/feeds").1).unwrap();
    let named = |name: &str| feeds().as_array().unwrap().iter().any(|f| f["feed"] == name);
    let problems = || {
        serde_json::from_str::<Value>(&daemon.get("/readyz").1).unwrap()["configuration"]["problems"].clone()
    };

    std::fs::write(config.join("feeds/mine.toml"), "name = \"mine\"\ntitle = ").unwrap();
    daemon.signal("HUP");
    daemon.until("the fault is told", || problems() != json!(0));
    assert!(!named("mine"));
    assert!(daemon.get("/metrics").1.contains("bellwether_config_last_reload_successful 0\n"));
    assert_eq!(daemon.post("/v1/events", LINES, &visit("v|1").to_string()).0, 200);

    let good = std::fs::read_to_string(config.join("feeds/facts-ndjson.toml")).unwrap();
    std::fs::write(
        config.join("feeds/mine.toml"),
        good.replace("\"facts-ndjson\"\ntitle", "\"mine\"\ntitle"),
    )
    .unwrap();
    daemon.signal("HUP");
    daemon.until("the feed is there", || named("mine"));
    assert_eq!(problems(), json!(0));
    let ended = daemon.stop().exits(0);
    assert!(ended.err.contains("mine.toml:2") && ended.err.contains("the old one stays in force"), "{ended}");
}

/// A configuration with a feed that looks into the folder `inbox` beside the store.
fn with_inbox(store: &Store) -> String {
    let (config, inbox) = (store.beside("config"), store.beside("inbox"));
    copy(&root().join("config"), &config);
    std::fs::create_dir(&inbox).unwrap();
    let feed = format!(
        "name = \"inbox\"\ntitle = \"Inbox\"\nlicence = \"CC0-1.0\"\ncadence = \"daily\"\nnative = \"facts-ndjson\"\n\
         [connector]\nkind = \"folder\"\npath = {:?}\nevery = \"100ms\"\nsettle = \"rename\"\n[decoder]\nkind = \"ndjson\"\n",
        inbox.to_str().unwrap()
    );
    std::fs::write(config.join("feeds/inbox.toml"), feed).unwrap();
    config.to_str().unwrap().to_owned()
}

/// Puts a file into the inbox as its feed wants it: whole at once.
fn drop_in(store: &Store, name: &str, text: &str) {
    std::fs::write(store.beside("partial"), text).unwrap();
    std::fs::rename(store.beside("partial"), store.beside("inbox").join(name)).unwrap();
}

#[test]
fn a_folder_is_watched_and_what_is_in_it_is_taken_once() {
    let store = Store::new();
    let config = with_inbox(&store);
    drop_in(&store, "one.ndjson", &(visit("v|1").to_string() + "\n"));
    let daemon = Daemon::start_with(&store, &["--config", &config], &[]);
    let stored = |n: u32| {
        let line = format!("bellwether_feed_facts_total{{feed=\"inbox\",outcome=\"stored\"}} {n}\n");
        daemon.get("/metrics").1.contains(&line)
    };
    daemon.until("the first file is taken", || stored(1));
    drop_in(&store, "two.ndjson", &format!("{}\nno record\n", visit("v|2")));
    daemon.until("the second file is taken", || stored(2));
    let feeds: Value = serde_json::from_str(&daemon.get("/v1/feeds").1).unwrap();
    let inbox = feeds.as_array().unwrap().iter().find(|f| f["feed"] == "inbox").unwrap();
    assert_eq!((&inbox["state"], &inbox["records"]["quarantined"]), (&json!("ok"), &json!(1)), "{inbox}");
    drop_in(&store, "three.ndjson", "");
    daemon.until("an empty file degrades the feed", || {
        daemon.get("/metrics").1.contains("bellwether_feed_degraded{feed=\"inbox\"} 1\n")
    });
    std::fs::remove_file(store.beside("inbox/three.ndjson")).unwrap();
    daemon.stop().exits(0);

    drop_in(&store, "four.ndjson", &(visit("v|4").to_string() + "\n"));
    let feeds = store.json(&["--config", &config, "watch", "--once"]);
    let inbox = feeds.as_array().unwrap().iter().find(|f| f["feed"] == "inbox").unwrap();
    assert_eq!((&inbox["state"], &inbox["facts"]["stored"]), (&json!("ok"), &json!(1)), "{inbox}");
    let facts = store.run(&["events"]).exits(0).ndjson();
    let count = |kind: &str| facts.iter().filter(|r| r["type"] == kind).count();
    assert_eq!(count("visit.held"), 3);
    assert!((1..=2).contains(&count("heartbeat.seen")), "one an hour, and an hour may have begun");
}

/// A file that lies still is taken by the first look at it: a run from cron has no second one.
#[test]
fn once_takes_a_file_that_lies_still_in_a_folder() {
    let store = Store::new();
    let config = with_inbox(&store);
    let path = store.beside("config").join("feeds/inbox.toml");
    let feed = std::fs::read_to_string(&path).unwrap();
    let set = |every: &str| {
        let feed = feed.replace("settle = \"rename\"", "settle = \"unchanged\"");
        std::fs::write(&path, feed.replace("every = \"100ms\"", &format!("every = \"{every}\""))).unwrap();
    };
    let stored = || {
        let feeds = store.json(&["--config", &config, "watch", "--once"]);
        let inbox = feeds.as_array().unwrap().iter().find(|f| f["feed"] == "inbox").unwrap().clone();
        assert_eq!(inbox["state"], "ok", "{inbox}");
        inbox["facts"]["stored"].as_u64().unwrap_or_default()
    };
    std::fs::write(store.beside("inbox/one.ndjson"), visit("v|1").to_string() + "\n").unwrap();
    set("1h");
    assert_eq!(stored(), 0, "it may still be written");
    set("1ms");
    assert_eq!(stored(), 1);
    assert_eq!(stored(), 0, "once");
}

#[test]
fn r08_whoever_writes_is_told_who_holds_the_store() {
    let store = Store::with_history();
    let daemon = Daemon::start(&store);
    let url = daemon.url();
    for args in [
        ["ingest", "--feed", "facts-csv", "fixtures/history/coverage.csv"].as_slice(),
        &["watch", "--listen", "127.0.0.1:0"],
        &["watch", "--once"],
    ] {
        let refused = store.run(args).exits(7);
        assert!(refused.err.contains("process "), "{refused}");
    }
    assert!(store.run(&["ingest", "--feed", "facts-csv", "fixtures/history/coverage.csv"]).err.contains(url));
    let rows = store.json(&["board"]);
    assert!(
        rows.as_array().unwrap().iter().any(|row| row["value"].is_string() || row["value"].is_number()),
        "{rows}"
    );
    daemon.stop().exits(0);
}

#[test]
fn r24_a_stranger_writes_no_line_of_the_log() {
    let store = Store::new();
    let daemon = Daemon::start_with(&store, &[], &[("BELLWETHER_LOG", "trace")]);
    let hostile = "x\\n2026-01-01T00:00:00Z ERROR forged\\u001b[2J\\u202e\\u009b31m";
    let event = format!(
        "{{\"specversion\":\"1.0\",\"id\":\"{hostile}\",\"source\":\"/{hostile}\",\"type\":\"{hostile}\",\"data\":{{}}}}"
    );
    assert_eq!(daemon.post("/v1/events", EVENT, &event).0, 200);
    daemon.get("/v1/series/a%0Ab%1b%5b2J?x=%0d%0aERROR");
    let ended = daemon.stop().exits(0);
    let steering = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!ended.err.chars().any(steering), "{ended}");
    for line in ended.err.lines() {
        let level = line.split_whitespace().nth(1).unwrap_or_default();
        assert!(["TRACE", "DEBUG", "INFO", "WARN", "ERROR"].contains(&level), "a line of its own: {line}");
        assert!(!line.starts_with("2026-01-01"), "{line}");
    }
}

#[test]
fn r28_no_token_is_shown_anywhere() {
    let secret = "s3cr3t-s3cr3t-s3cr3t";
    let store = Store::new();
    let file = store.beside("token");
    std::fs::write(&file, "0perat0r-0perat0r-0perat0r\n").unwrap();
    let env = [
        ("BELLWETHER_LOG", "trace"),
        ("BELLWETHER_TOKEN_READ", secret),
        ("BELLWETHER_TOKEN_OPERATE_FILE", file.to_str().unwrap()),
    ];
    let daemon = Daemon::start_with(&store, &[], &env);
    assert_eq!(daemon.get("/v1/feeds").0, 401);
    let (status, body) = daemon.get(&format!("/v1/feeds?token={secret}"));
    assert_eq!(status, 401);
    assert!(!body.contains(secret), "{body}");
    let ended = daemon.stop().exits(0);
    assert!(!ended.err.contains("s3cr3t") && !ended.err.contains("0perat0r"), "{ended}");
    let short = store.run_env(&["watch", "--once"], &[("BELLWETHER_TOKEN_READ", "s3cr3t")]).exits(3);
    assert!(!short.err.contains("s3cr3t") && short.err.contains("16 characters"), "{short}");
}

#[test]
fn an_address_that_others_reach_needs_tokens() {
    let store = Store::new();
    let refused = store.run(&["watch", "--listen", "0.0.0.0:0"]).exits(2);
    assert!(refused.err.contains("BELLWETHER_TOKEN_READ"), "{refused}");
    assert!(!store.path().exists(), "nothing was made");
}

#[test]
fn once_asks_and_ends() {
    let store = Store::new();
    let feeds = store.json(&["watch", "--once"]);
    assert!(
        feeds.as_array().unwrap().iter().any(|f| f["feed"] == "facts-csv" && f["state"] == "passive"),
        "{feeds}"
    );
    let logged = store.run(&["watch", "--once", "--log-format", "json"]).exits(0);
    for line in logged.err.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    }
    assert!(logged.out.contains("were not asked"), "{logged}");
    let fault = store.beside("config");
    std::fs::create_dir(&fault).unwrap();
    let refused = bellwether(&[
        "--store",
        store.path().to_str().unwrap(),
        "--config",
        fault.to_str().unwrap(),
        "watch",
        "--once",
    ]);
    refused.exits(3);
}

#[test]
fn the_systemd_unit_is_sound() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return;
    }
    let store = Store::new();
    let unit = std::fs::read_to_string(root().join("config/systemd/bellwether.service")).unwrap();
    // The program is not installed where tests run.
    let unit = unit.replace("/usr/local/bin/bellwether", "/bin/true");
    let path = store.beside("bellwether.service");
    std::fs::write(&path, unit).unwrap();
    let output = Command::new("systemd-analyze").arg("verify").arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("bellwether")).collect();
    assert!(ours.is_empty(), "{said}");
}
