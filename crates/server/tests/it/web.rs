//! HTTP from outside: who is let in, what is taken, what is told.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bellwether_server::Role;
use serde_json::{Value, json};

use crate::kit::{Act, Daemon, get, post, raw, visit, visits};

const EVENT: &str = "Content-Type: application/cloudevents+json; charset=utf-8";
const BATCH: &str = "Content-Type: application/cloudevents-batch+json";
const LINES: &str = "Content-Type: application/x-ndjson";

fn event(n: u32) -> Value {
    let data: Value = serde_json::from_str(&visit(&format!("visit|{n}"))).unwrap();
    json!({"specversion": "1.0", "id": n.to_string(), "source": "/test", "type": "visit.held", "data": data})
}

#[tokio::test]
async fn events_are_pushed_through_the_pipeline() {
    let mut daemon = Daemon::new(&[]);
    let address = daemon.start().await;
    let check = async |kind: &str, body: &str, expected: Value| {
        let answer = post(address, "/v1/events", &[kind], body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let report = answer.json();
        let found = json!([
            report["feed"],
            report["records"]["mapped"],
            report["records"]["quarantined"],
            report["facts"]["stored"],
            report["facts"]["duplicate"]
        ]);
        assert_eq!(found, expected, "{report}");
    };
    check(EVENT, &event(1).to_string(), json!(["cloudevents", 1, 0, 1, 0])).await;
    check(BATCH, &json!([event(1), event(2), event(3)]).to_string(), json!(["cloudevents", 3, 0, 2, 1]))
        .await;
    check(LINES, &visits(10, 15), json!(["facts-ndjson", 5, 0, 5, 0])).await;
    check(LINES, &(visits(10, 15) + "no record\n"), json!(["facts-ndjson", 5, 1, 0, 5])).await;
    let held = json!({"specversion": "1.0", "id": "x", "source": "/test", "type": "no.such", "data": {}});
    check(EVENT, &held.to_string(), json!(["cloudevents", 0, 1, 0, 0])).await;
    let metrics = get(address, "/metrics").await.body;
    for line in [
        "bellwether_feed_records_total{feed=\"facts-ndjson\",outcome=\"mapped\"} 10",
        "bellwether_feed_records_total{feed=\"facts-ndjson\",outcome=\"quarantined\"} 1",
        "bellwether_feed_facts_total{feed=\"cloudevents\",outcome=\"duplicate\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    daemon.stop().await;
}

#[tokio::test]
async fn r26_bodies_that_are_too_much_are_refused() {
    let mut daemon = Daemon::new(&[]);
    let address = daemon.start().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let big = "x".repeat((8 << 20) + 1);
    for (status, lines, body) in [
        (413, vec![LINES], big.as_str()),
        (400, vec![EVENT], deep.as_str()),
        (400, vec![LINES], deep.as_str()),
        (400, vec![EVENT], "{\"specversion\": "),
        (400, vec![EVENT], "{} {}"),
        (400, vec![BATCH], ""),
        (415, vec![], "{}"),
        (415, vec!["Content-Type: application/json"], "{}"),
        (415, vec!["Content-Type: text/plain"], "{}"),
        (415, vec!["Content-Type: application/x-www-form-urlencoded"], "{}"),
        (415, vec!["Content-Type: application/x-ndjson; charset=utf-16"], "{}"),
        (415, vec![LINES, "Content-Encoding: gzip"], "{}"),
        (403, vec![LINES, "Origin: https://evil.example"], "{}"),
        (403, vec![LINES, "Sec-Fetch-Site: cross-site"], "{}"),
    ] {
        let answer = post(address, "/v1/events", &lines, body).await;
        assert_eq!(answer.status, status, "{lines:?} {answer:?}");
        assert!(answer.head.contains("content-type: application/problem+json"), "{answer:?}");
        assert_eq!(answer.json()["status"], status, "{answer:?}");
    }
    let endless = format!(
        "POST /v1/events HTTP/1.1\r\nHost: {address}\r\n{LINES}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let chunk = format!("100000\r\n{}\r\n", " ".repeat(1 << 20));
    let answer = raw(address, endless + &chunk.repeat(9)).await;
    assert_eq!(answer.status, 413, "{}", answer.head);
    assert_eq!(get(address, "/nowhere").await.status, 404);
    assert_eq!(post(address, "/healthz", &[], "").await.status, 405);
    assert_eq!(daemon.app().reads().unwrap().log().head(), 0);
    daemon.stop().await;
}

#[tokio::test]
async fn r26_slow_clients_are_cut_off() {
    let mut daemon = Daemon::new(&[]);
    let address = daemon.start().await;
    let slow = |bytes: String| {
        tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            stream.write_all(bytes.as_bytes()).unwrap();
            let mut answer = Vec::new();
            // The end of the connection is the event that is waited for.
            let _ = stream.read_to_end(&mut answer);
            String::from_utf8_lossy(&answer).into_owned()
        })
    };
    let head = slow("GET /healthz HTTP/1.1\r\nHost: x".to_owned());
    let body = slow(format!(
        "POST /v1/events HTTP/1.1\r\nHost: {address}\r\n{LINES}\r\nContent-Length: 10\r\n\r\n{{"
    ));
    assert!(!head.await.unwrap().contains("200 OK"));
    let answer = body.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(get(address, "/healthz").await.status, 200);
    daemon.stop().await;
}

#[tokio::test]
async fn r27_wrong_token_token_in_url_cross_site_post() {
    let mut daemon = Daemon::new(&[]);
    for role in Role::ALL {
        daemon.settings.tokens.add(role, &format!("{0}-{0}-{0}-{0}", role.name())).unwrap();
    }
    let address = daemon.start().await;
    let read = "Authorization: Bearer read-read-read-read";
    let ingest = "Authorization: Bearer ingest-ingest-ingest-ingest";
    let check = async |status: u16, request: &str, lines: &[&str]| {
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let bytes = format!("{request} HTTP/1.0\r\nHost: {address}\r\nContent-Length: 0\r\n{lines}\r\n");
        let answer = raw(address, bytes).await;
        assert_eq!(answer.status, status, "{request}: {answer:?}");
        assert!(!answer.body.contains("read-read"), "{answer:?}");
        assert_eq!(answer.head.contains("www-authenticate: bearer"), status == 401, "{answer:?}");
    };
    check(200, "GET /v1/feeds", &[read]).await;
    check(401, "GET /v1/feeds", &[]).await;
    check(401, "GET /v1/feeds", &["Authorization: Bearer read-read-read-reax"]).await;
    check(401, "GET /v1/feeds?token=read-read-read-read", &[]).await;
    check(401, "GET /v1/feeds?access_token=read-read-read-read", &[read]).await;
    check(403, "POST /v1/events", &[LINES, read]).await;
    check(400, "POST /v1/events", &[LINES, ingest]).await;
    check(403, "POST /v1/events", &[LINES, ingest, "Origin: http://evil.example"]).await;
    check(200, "GET /readyz", &[]).await;
    daemon.stop().await;
}

#[tokio::test]
async fn the_metrics_keep_the_rules_of_prometheus() {
    let mut daemon = Daemon::new(&["good", "bad"]);
    daemon.sources.set("good", |n, _| Act::found(visits(n, n + 1)));
    daemon.sources.set("bad", |_, _| Act::Degraded("no \"answer\"\n", None));
    let address = daemon.start().await;
    daemon.feed("good", "is asked", |f| f.facts.stored > 1).await;
    daemon.feed("bad", "is asked", |f| f.failures > 1).await;
    let answer = get(address, "/metrics").await;
    assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{}", answer.head);
    lint(&answer.body);
    promtool(&answer.body);
    for name in [
        "bellwether_build_info",
        "bellwether_log_head",
        "bellwether_appends_total",
        "process_resident_memory_bytes",
    ] {
        assert!(answer.body.contains(&format!("\n{name}")), "{name}");
    }
    daemon.stop().await;
}

/// Help and type before the samples, once a family; counters end in `_total`; no sample twice; base units.
fn lint(text: &str) {
    let (mut types, mut seen) = (BTreeMap::new(), BTreeSet::new());
    let mut help = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, what) = rest.split_once(' ').unwrap();
            assert!(what.ends_with('.'), "{line}");
            help = name.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(help, name, "help and type stand together");
            assert!(types.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} twice");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
            assert!(name.starts_with("bellwether_") || name.starts_with("process_"), "{name}");
            for unit in ["_ms", "_milliseconds", "_kb", "_minutes", "_percent"] {
                assert!(!name.contains(unit), "{name}");
            }
        } else {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let name = sample.split('{').next().unwrap();
            assert_eq!(help, name, "samples stand under their family");
            assert!(value.parse::<f64>().unwrap().is_finite(), "{line}");
            assert!(seen.insert(sample.to_owned()), "{sample} twice");
        }
    }
    assert!(types.len() > 15);
}

fn promtool(text: &str) {
    let piped = std::process::Stdio::piped;
    let started = std::process::Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(piped())
        .stderr(piped())
        .spawn();
    let Ok(mut child) = started else {
        eprintln!("skipped: promtool is not installed");
        return;
    };
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
}
