//! Reads through a daemon: the same output as from the store itself.

use bellwether_tests::{Daemon, HISTORY, Outcome, Store, bellwether};

use crate::facts::{HEADER, csv, trade};

const FORMATS: [&str; 4] = ["table", "json", "csv", "ndjson"];

/// Reads with explicit dates, so that two runs mean the same.
const READS: &[&[&str]] = &[
    &["replay", "--as-of", "2022-06-30"],
    &["replay", "--as-of", "2022-06-30", "--known-by", "2026-06-30"],
    &["replay", "--as-of", "2023-12-31", "--known-by", "2099-01-01", "--clock", "recorded"],
    &["replay", "--as-of", "2023-12-31T18:30:00.123456Z", "--known-basis", "stated"],
    &["replay", "--as-of", "2022-06-30", "--framework", "config/frameworks/china-russia.toml"],
    &["replay", "--as-of", "2022-06-30", "--framework", "china-russia"],
    &["board", "--as-of", "2024-12-31"],
    &["gaps", "--as-of", "2024-12-31"],
    &["shifts", "--as-of", "2025-06-30"],
    &["diff", "--from", "2022-01-31", "--to", "2023-01-31"],
    &["diff", "--from", "2023-02-28", "--to", "2026-01-01", "--as-of", "2022-12-31", "--all"],
    &["series", "economic.trade-total", "--as-of", "2025-12-31"],
    &["series", "economic.trade-total", "--as-of", "2025-12-31", "--vintages"],
    &["why", "economic.trade-total", "--as-of", "2025-12-31"],
    &["why", "economic", "--as-of", "2025-12-31"],
    &["why", "balance.net-incentive", "--as-of", "2025-12-31"],
    &["scenarios", "--as-of", "2024-12-31", "--paths", "200"],
    &["scenarios", "--as-of", "2024-12-31", "--paths", "300", "--horizon", "2028", "--sensitivity"],
    &["scenarios", "--as-of", "2024-12-31", "--horizon", "2090"],
    &["replay", "--as-of", "2022-06-30", "--framework", "china-russia", "--against", "china-russia"],
    &["events"],
    &["events", "--type", "trade.flow", "--from", "10", "--until", "500"],
    &["events", "--cloudevents", "--until", "50"],
    &["quarantine", "list"],
    // What ends with a complaint ends with the same one.
    &["series", "economic.trade-totl", "--as-of", "2025-12-31"],
    &["series", "economic.trade-total", "--as-of", "1999-12-31"],
    &["why", "economic.trade-totl", "--as-of", "2025-12-31"],
    &["why", "no/such?id", "--as-of", "2025-12-31"],
    &["events", "--type", "no.such-type"],
    &["quarantine", "show", "0000"],
    &["replay", "--as-of", "2023-02-30"],
    &["replay", "--framework", "no-such-framework"],
    &["replay", "--framework", "no/such/file.toml"],
];

fn all(store: &Store, reads: &[&[&str]]) -> Vec<Outcome> {
    let run = |format: &str, args: &[&str]| store.run(&[&["--format", format], args].concat());
    FORMATS.iter().flat_map(|format| reads.iter().map(|args| run(format, args))).collect()
}

#[track_caller]
fn same(before: &[Outcome], after: &[Outcome]) {
    assert_eq!(before.len(), after.len());
    for (a, b) in before.iter().zip(after) {
        assert!((a.code, &a.out, &a.err) == (b.code, &b.out, &b.err), "{a}\n--- through the daemon\n{b}");
    }
}

/// The bundled facts, and one record that is held back.
fn store() -> Store {
    let store = Store::with_history();
    let report = store.ingest(
        "facts-csv",
        format!("{HEADER}\n{}\n", "trade.flow,k,no date,,,no,CHN,RUS,1,USD,,x,,B,2,,assert"),
    );
    assert_eq!(report["records"]["quarantined"], 1);
    // A daemon that looks for the first time puts its rules and what they say into the log.
    let daemon = Daemon::start(&store);
    assert_ne!(daemon.get("/v1/alerts").1, "[]\n");
    daemon.until("everybody is told", || daemon.get("/v1/notifications").1 == "[]\n");
    daemon.until("forecasts are on record", || !daemon.get("/v1/events?type=forecast").1.is_empty());
    daemon.stop().exits(0);
    store
}

#[test]
fn each_read_says_the_same_through_a_daemon() {
    let store = store();
    let held = store.json(&["quarantine", "list"])[0]["id"].as_str().unwrap().to_owned();
    let show = ["quarantine", "show", &held];
    let reads: Vec<&[&str]> = READS.iter().copied().chain([&show[..]]).collect();
    let before = all(&store, &reads);
    assert!(before.iter().filter(|o| o.code == 0).count() > 70, "most of it answers");
    let daemon = Daemon::start(&store);
    same(&before, &all(&store, &reads));
    let log = daemon.stop().exits(0);
    // And the same from the store again.
    assert!(!store.path().join("daemon.json").exists());
    same(&before[..1], &all(&store, &reads[..1])[..1]);
    assert!(!log.err.contains("ERROR"), "{log}");
}

#[test]
fn sizes_say_the_same_and_who_holds_the_store() {
    let store = store();
    let before = store.json(&["store", "stats"]);
    let _daemon = Daemon::start(&store);
    let after = store.json(&["store", "stats"]);
    for field in ["head", "segments", "log_bytes"] {
        assert_eq!(before[field], after[field], "{field}");
    }
    let table = store.run(&["store", "stats"]).exits(0);
    assert!(table.out.contains("held by       process "), "{table}");
}

#[test]
fn a_framework_of_one_s_own_reads_through_a_daemon_too() {
    let store = store();
    // Another configuration than the daemon's: its framework, and its fact types.
    let config = store.beside("config");
    store.run(&["init", config.to_str().unwrap()]).exits(0);
    let file = std::fs::read_dir(config.join("frameworks")).unwrap().map(|e| e.unwrap().path());
    let file = file.into_iter().find(|p| p.extension().is_some_and(|e| e == "toml")).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("minimum_coverage = 0.3", "minimum_coverage = 0.45", 1)).unwrap();
    let (config, file) = (config.to_str().unwrap(), file.to_str().unwrap());
    let day = ["--as-of", "2024-12-31"];
    let reads: Vec<Vec<&str>> = [
        &["--config", config, "replay"][..],
        &["--config", config, "board"],
        &["--config", config, "why", "economic"],
        &["--config", config, "series", "economic.trade-total"],
        &["replay", "--framework", file],
        &["gaps", "--framework", file],
    ]
    .iter()
    .map(|args| [*args, &day].concat())
    .collect();
    let reads: Vec<&[&str]> = reads.iter().map(Vec::as_slice).collect();
    let before = all(&store, &reads);
    let hash = |o: &Outcome| o.json()["framework"]["hash"].clone();
    let plain = store.run(&["--format", "json", "replay", "--as-of", "2024-12-31"]);
    assert_ne!(hash(&before[reads.len()]), hash(&plain), "it is another framework");
    let _daemon = Daemon::start(&store);
    same(&before, &all(&store, &reads));
}

#[test]
fn what_a_daemon_acknowledged_is_seen_by_the_next_read() {
    let store = store();
    let daemon = Daemon::start(&store);
    let head = store.json(&["store", "stats"])["head"].as_u64().unwrap();
    for n in 1..=3 {
        let fact = serde_json::json!({
            "type": "visit.held", "source": "by-test", "key": format!("visit|{n}"), "op": "assert",
            "valid": {"start": "2024-05-16", "end": "2024-05-17", "precision": "day"},
            "published_at": "2024-05-17", "published_basis": "stated", "actors": ["RUS", "CHN"],
            "grade": "B2", "attributes": {"level": "head of state", "place": "Beijing"}, "evidence": {},
        });
        let (status, said) = daemon.post("/v1/events", "application/x-ndjson", &format!("{fact}\n"));
        assert_eq!(status / 100, 2, "{said}");
        let rows = store.run(&["events", "--type", "visit.held", "--from", &(head + 1).to_string()]).exits(0);
        assert_eq!(rows.ndjson().len(), n, "{rows}");
        let seen = store.json(&["replay", "--as-of", "2024-12-31"])["head"].as_u64().unwrap();
        assert_eq!(seen, rows.ndjson()[n - 1]["seq"].as_u64().unwrap());
    }
}

#[test]
fn r08_a_daemon_keeps_the_store_and_says_where_it_listens() {
    let store = store();
    let daemon = Daemon::start(&store);
    for args in [
        &["ingest", "--feed", "facts-csv", HISTORY[0]][..],
        &["fact", "retract", "some key", "--reason", "x", "--operator", "a test"],
        &["quarantine", "retry"],
        &["watch", "--listen", "127.0.0.1:0"],
    ] {
        let outcome = store.run(args).exits(7);
        assert!(outcome.err.contains("process ") && outcome.out.is_empty(), "{outcome}");
        assert!(outcome.err.contains(daemon.url()) || args[0] == "watch", "{outcome}");
    }
    drop(daemon);
    store.run(&["ingest", "--feed", "facts-csv", HISTORY[0]]).exits(0);
}

#[test]
fn r08_a_daemon_that_does_not_answer_is_busy() {
    let store = store();
    let daemon = Daemon::start(&store);
    daemon.signal("STOP");
    // Every read asks the daemon, so every read finds out.
    std::thread::scope(|scope| {
        for args in [
            &["replay"][..],
            &["board"],
            &["gaps"],
            &["shifts"],
            &["diff", "--from", "2022-01-31", "--to", "2023-01-31"],
            &["series", "economic.trade-total"],
            &["why", "economic"],
            &["events"],
            &["quarantine", "list"],
            &["quarantine", "show", "0000"],
            &["store", "stats"],
        ] {
            let (store, daemon) = (&store, &daemon);
            scope.spawn(move || {
                let outcome = store.run(args).exits(7);
                assert!(outcome.err.contains(daemon.url()) && outcome.err.contains("process "), "{outcome}");
                assert!(outcome.out.is_empty(), "{outcome}");
            });
        }
    });
    daemon.signal("CONT");
    store.run(&["replay"]).exits(0);
}

#[test]
fn r08_what_a_killed_daemon_leaves_behind_holds_nobody_up() {
    let store = store();
    let read = ["--format", "json", "replay", "--as-of", "2022-06-30"];
    let before = store.run(&read).exits(0);
    Daemon::start(&store).kill();
    assert!(store.path().join("daemon.json").is_file());
    assert_eq!(store.run(&read).exits(0).out, before.out);
    // Nor does it when somebody else has the store by then: its address is nobody's.
    let lock = std::fs::File::options().read(true).write(true).open(store.path().join("LOCK")).unwrap();
    lock.try_lock().unwrap();
    std::fs::write(store.path().join("LOCK"), "pid=1\nhost=here\nboot=x\n").unwrap();
    assert_eq!(store.run(&read).exits(0).out, before.out);
    let outcome = store.run(&["ingest", "--feed", "facts-csv", HISTORY[0]]).exits(7);
    assert!(outcome.err.contains("process 1 on here"), "{outcome}");
    drop(lock);
    store.ingest("facts-csv", csv(&[trade(2020, "5", "2021-02-01")]));
}

#[test]
fn a_server_that_is_named_reads_by_its_own_configuration() {
    let store = store();
    let elsewhere = tempfile::tempdir().unwrap();
    let before: Vec<Outcome> = FORMATS
        .iter()
        .map(|format| store.run(&["--format", format, "replay", "--as-of", "2022-06-30"]).exits(0))
        .collect();
    let daemon = Daemon::start(&store);
    for (format, before) in FORMATS.iter().zip(&before) {
        let args = ["--server", daemon.url(), "--format", format, "replay", "--as-of", "2022-06-30"];
        let there = bellwether_tests::bellwether_in(elsewhere.path(), &args, "").exits(0);
        assert!(there.out == before.out, "{there}");
    }
    let ask = |args: &[&str]| bellwether(&[&["--server", daemon.url()], args].concat());
    ask(&["why", "no.such-id"]).exits(4);
    ask(&["replay", "--framework", "china-rusia"]).exits(2);
    ask(&["quarantine", "list"]).exits(0);
    ask(&["events", "--until", "5"]).exits(0);
    ask(&["store", "stats"]).exits(0);
    // What writes, or looks at files, is not for a daemon.
    let refused = ask(&["ingest", "--feed", "facts-csv", HISTORY[0]]).exits(2);
    assert!(refused.err.contains("--server"), "{refused}");
    ask(&["store", "verify"]).exits(2);
}

#[test]
fn a_server_that_is_not_there_is_6() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let outcome = bellwether(&["--server", &url, "replay"]).exits(6);
    assert!(outcome.err.contains(&url) && outcome.out.is_empty(), "{outcome}");
    for url in [
        "127.0.0.1:7410",
        "ftp://127.0.0.1",
        "http://user:secret@127.0.0.1",
        "http://127.0.0.1/?token=secret",
    ] {
        let outcome = bellwether(&["--server", url, "replay"]).exits(2);
        assert!(!outcome.err.contains("secret"), "{outcome}");
    }
}

#[test]
fn r28_a_token_is_sent_and_never_shown() {
    const TOKEN: &str = "a-token-of-this-test-0123456789";
    let store = store();
    let daemon = Daemon::start_with(&store, &[], &[("BELLWETHER_TOKEN_READ", TOKEN)]);
    let read = ["board", "--as-of", "2022-06-30"];
    let without = store.run(&read).exits(2);
    assert!(without.err.contains("BELLWETHER_TOKEN"), "{without}");
    let wrong = store.run_env(&read, &[("BELLWETHER_TOKEN", "another-token-9876543210")]).exits(2);
    assert!(!wrong.err.contains("another-token"), "{wrong}");
    let right = store.run_env(&read, &[("BELLWETHER_TOKEN", TOKEN)]).exits(0);
    let log = daemon.stop().exits(0);
    assert_eq!(store.run(&read).exits(0).out, right.out);
    for outcome in [&right, &log] {
        assert!(!format!("{outcome}").contains(TOKEN));
    }
    // Broken ones are refused by name alone.
    let broken =
        store.run_env(&["--server", "http://127.0.0.1:9", "board"], &[("BELLWETHER_TOKEN", "two words")]);
    assert!(!broken.exits(2).err.contains("two words"));
}

#[test]
fn the_options_are_in_the_help() {
    let help = bellwether(&["replay", "--help"]).exits(0);
    assert!(help.out.contains("--server") && help.out.contains("BELLWETHER_TOKEN"), "{help}");
}
