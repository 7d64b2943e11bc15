//! Reads, asked without a network.

mod faults;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use bellwether_ingest::{FeedSpec, Input, Options, ingest};
use bellwether_model::framework::Framework;
use bellwether_model::question::Questions;
use bellwether_model::{FactTypes, View};
use bellwether_projection::{Assessment, Projector};
use bellwether_server::api::{self, Explained};
use bellwether_server::{Configured, Reads};
use bellwether_store::{Append, EventLog, FixedClock, Memory};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tower::ServiceExt;

const NOW: &str = "2026-11-25T12:00:00Z";

fn file(path: &str) -> String {
    std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

fn now() -> DateTime<Utc> {
    NOW.parse().unwrap()
}

fn configured() -> Configured {
    let types = Arc::new(FactTypes::parse("facts.toml", &file("config/facts.toml")).unwrap());
    let (text, map) = bundled();
    let framework = Framework::parse("china-russia.toml", &text, &types, Some(&map)).unwrap();
    let text = file("config/questions/china-russia.toml");
    let questions = Questions::parse("questions/china-russia.toml", &text, [&framework]).unwrap();
    Configured {
        name: "config".into(),
        types,
        frameworks: vec![Arc::new(framework)],
        feeds: Default::default(),
        rules: Default::default(),
        receivers: Vec::new(),
        questions: Arc::new(questions),
    }
}

fn bundled() -> (String, String) {
    let text = file("config/frameworks/china-russia.toml");
    let map = file(&format!("config/frameworks/{}", Framework::map_name(&text).unwrap()));
    (text, map)
}

/// The bundled facts in a log of their own.
fn history() -> Arc<Memory> {
    let log = Memory::new(Arc::new(FixedClock::new(now())));
    take(&log, "fixtures/history/china-russia-facts.csv");
    take(&log, "fixtures/history/coverage.csv");
    Arc::new(log)
}

fn take(log: &dyn EventLog, path: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    let feed = FeedSpec::parse("facts-csv.toml", &file("config/feeds/facts-csv.toml")).unwrap();
    let input = Input::open(path.to_str().unwrap()).unwrap();
    ingest(log, &configured().types, &feed, input, &mut Vec::new(), &Options::at(now())).unwrap();
}

fn api(log: Arc<dyn EventLog>) -> Router {
    api::router(Arc::new(Reads::new(log, Arc::new(FixedClock::new(now())), Arc::new(configured()))))
}

struct Answer {
    status: u16,
    kind: String,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// A problem document that agrees with the status.
    #[track_caller]
    fn problem(&self) -> Value {
        assert_eq!(self.kind, "application/problem+json", "{}", String::from_utf8_lossy(&self.body));
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        for field in ["type", "title", "detail"] {
            assert!(problem[field].is_string(), "{field} is in {problem}");
        }
        problem
    }
}

async fn send(api: &Router, request: Request<Body>) -> Answer {
    let response = api.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers().get(header::CONTENT_TYPE).map(|v| v.to_str().unwrap().to_owned());
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec();
    Answer { status, kind: kind.unwrap_or_default(), body }
}

async fn get(api: &Router, target: &str) -> Answer {
    send(api, Request::get(target).body(Body::empty()).unwrap()).await
}

async fn post(api: &Router, target: &str, body: impl Into<Body>) -> Answer {
    send(api, Request::post(target).body(body.into()).unwrap()).await
}

fn folded(log: &dyn EventLog) -> Projector {
    let Configured { types, frameworks, .. } = configured();
    let mut projector = Projector::new(Arc::clone(&frameworks[0]), types);
    log.read(1, &mut |record| {
        projector.apply(record);
        ControlFlow::Continue(())
    })
    .unwrap();
    projector
}

fn line(value: &impl serde::Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).unwrap();
    line.push(b'\n');
    line
}

#[tokio::test]
async fn each_address_answers_what_the_projection_says() {
    let log = history();
    let (api, projector) = (api(Arc::clone(&log) as Arc<dyn EventLog>), folded(&*log));
    let day = View::at(View::parse_bound("2022-06-30").unwrap());
    let present = View::at(now());
    for (target, expected) in [
        ("/v1/assessment?as_of=2022-06-30", line(&projector.assess(&day))),
        ("/v1/assessment", line(&projector.assess(&present))),
        (
            "/v1/assessment?as_of=2022-06-30&known_by=now",
            line(&projector.assess(&View { as_of: day.as_of, ..present })),
        ),
        ("/v1/board?as_of=2022-06-30", line(&projector.board(&day))),
        ("/v1/gaps?as_of=2022-06-30", line(&projector.gaps(&day))),
        ("/v1/shifts", line(&projector.assess(&present).shifts)),
        (
            "/v1/series/economic.trade-total?vintages=true",
            line(&projector.series("economic.trade-total", &present, true)),
        ),
        ("/v1/framework", line(projector.framework())),
    ] {
        let answer = get(&api, target).await;
        assert_eq!((answer.status, answer.kind.as_str()), (200, "application/json"), "{target}");
        assert!(answer.body == expected, "{target} differs");
    }
}

#[tokio::test]
async fn an_answer_read_and_written_again_keeps_every_byte() {
    let api = api(history());
    let answer = get(&api, "/v1/assessment?as_of=2023-12-31").await;
    let again: Assessment = serde_json::from_slice(&answer.body).unwrap();
    assert!(line(&again) == answer.body);
    let answer = get(&api, "/v1/why/economic.trade-total").await;
    let again: Explained = serde_json::from_slice(&answer.body).unwrap();
    assert!(!again.facts.is_empty());
    assert!(line(&again) == answer.body);
    let answer = get(&api, "/v1/framework").await;
    let again: Framework = serde_json::from_slice(&answer.body).unwrap();
    assert!(line(&again) == answer.body);
}

#[tokio::test]
async fn a_read_sees_what_was_acknowledged_before_it() {
    let log = Arc::new(Memory::new(Arc::new(FixedClock::new(now()))));
    let api = api(Arc::clone(&log) as Arc<dyn EventLog>);
    assert_eq!(get(&api, "/v1/assessment").await.json()["head"], 0);
    take(&*log, "fixtures/history/china-russia-facts.csv");
    for n in 0..20 {
        let said = log.append(Append::default().checkpoint("x", json!(n))).unwrap();
        assert_eq!(said.head, log.head());
        let rows = get(&api, &format!("/v1/events?from={}", said.head)).await;
        assert_eq!(rows.json()["data"], n);
        let board = get(&api, "/v1/board").await;
        assert!(board.body == line(&folded(&*log).board(&View::at(now()))));
    }
}

#[tokio::test]
async fn faults_in_a_query_are_named() {
    let api = api(history());
    for (target, status, exit, words) in [
        ("/v1/assessment?as-of=2022-01-01", 400, 2, vec!["as-of", "as_of"]),
        ("/v1/board?vintages=true", 400, 2, vec!["vintages", "known are as_of"]),
        ("/v1/assessment?as_of=yesterday", 400, 2, vec!["as_of", "yesterday", "YYYY-MM-DD"]),
        ("/v1/assessment?as_of=2023-02-30", 400, 2, vec!["as_of"]),
        ("/v1/assessment?clock=sundial", 400, 2, vec!["clock", "published or recorded"]),
        ("/v1/assessment?known_basis=rumour", 400, 2, vec!["known_basis", "any or stated"]),
        ("/v1/assessment?as_of=2022-01-01&as_of=2023-01-01", 400, 2, vec!["twice"]),
        ("/v1/assessment?as_of=%ff", 400, 2, vec![]),
        ("/v1/assessment?framework=china-rusia", 404, 2, vec!["did you mean china-russia"]),
        ("/v1/diff?from=2022-01-01", 400, 2, vec!["`to` is missing"]),
        ("/v1/diff?from=2022-01-01&to=now&known_by=now", 400, 2, vec!["known_by"]),
        ("/v1/diff?from=2023-01-01&to=2022-01-01", 400, 2, vec!["`from` comes after `to`"]),
        ("/v1/events?from=first", 400, 2, vec!["from", "whole number"]),
        ("/v1/events?type=x&page=2", 400, 2, vec!["page"]),
        ("/v1/series/economic.trade-totl", 404, 4, vec!["economic.trade-total"]),
        ("/v1/series/economic.trade-total?vintages=yes", 400, 2, vec!["true or false"]),
        ("/v1/why/no.such-id", 404, 4, vec!["no row no.such-id in this view"]),
        ("/v1/quarantine?x=1", 400, 2, vec!["takes no query"]),
        ("/v1/quarantine/0000", 404, 4, vec!["no held record 0000"]),
    ] {
        let answer = get(&api, target).await;
        let problem = answer.problem();
        assert_eq!((answer.status, &problem["exit_code"]), (status, &json!(exit)), "{target}: {problem}");
        let text = format!("{} {}", problem["detail"], problem["remedy"]);
        for word in words {
            assert!(text.contains(word), "{target}: {word} is in {text}");
        }
    }
}

#[tokio::test]
async fn a_framework_in_the_body_is_a_what_if() {
    let log = history();
    let api = api(Arc::clone(&log) as Arc<dyn EventLog>);
    let (text, map) = bundled();
    let other = text.replacen("id = \"china-russia\"", "id = \"what-if\"", 1);
    assert_ne!(other, text);
    let head = log.head();
    let plain = get(&api, "/v1/assessment").await.json();
    for body in [
        other.clone(),
        json!({"framework": other, "map": map, "types": file("config/facts.toml")}).to_string(),
    ] {
        let answer = post(&api, "/v1/assessment", body).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let said = answer.json();
        assert_eq!(said["framework"]["id"], "what-if");
        assert_ne!(said["framework"]["hash"], plain["framework"]["hash"]);
        assert_eq!(said["indicators"], plain["indicators"]);
        // It answers to its hash now.
        let hash = said["framework"]["hash"].as_str().unwrap();
        let again = get(&api, &format!("/v1/assessment?framework={hash}")).await;
        assert!(again.body == answer.body);
    }
    assert_eq!(log.head(), head, "nothing of it is stored");
    let answer = post(&api, "/v1/board", text.replacen("weight = ", "wait = ", 1)).await;
    let problem = answer.problem();
    assert_eq!((answer.status, &problem["exit_code"]), (422, &json!(3)));
    assert!(problem["problems"][0]["line"].as_u64().unwrap() > 0, "{problem}");
    let both = post(&api, "/v1/gaps?framework=china-russia", text).await;
    assert_eq!(both.status, 400);
}

#[tokio::test]
async fn a_reading_is_found_by_its_hashes_only_when_both_fit() {
    let api = api(history());
    let Configured { types, frameworks, .. } = configured();
    let (hash, types) = (frameworks[0].hash(&types), types.hash());
    let of = async |query: String| get(&api, &format!("/v1/gaps?{query}")).await.status;
    assert_eq!(of(format!("framework={hash}&types={types}")).await, 200);
    assert_eq!(of(format!("framework=china-russia&types={types}")).await, 200);
    assert_eq!(of(format!("framework={hash}&types={hash}")).await, 404);
    assert_eq!(of(format!("framework={types}&types={types}")).await, 404);
    assert_eq!(of(format!("types={hash}")).await, 404);
}

#[tokio::test]
async fn the_log_streams_as_lines() {
    let log = history();
    let api = api(Arc::clone(&log) as Arc<dyn EventLog>);
    let mut expected = Vec::new();
    log.read(1, &mut |record| {
        expected.extend(line(record));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(expected.len() > 300_000, "more than one part");
    let answer = get(&api, "/v1/events").await;
    assert_eq!((answer.status, answer.kind.as_str()), (200, "application/x-ndjson"));
    assert!(answer.body == expected);
    let some = get(&api, "/v1/events?type=trade.flow&from=10&until=500").await;
    let rows: Vec<Value> =
        String::from_utf8(some.body).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(!rows.is_empty());
    assert!(
        rows.iter().all(|r| r["type"] == "trade.flow" && (10..=500).contains(&r["seq"].as_u64().unwrap()))
    );
    let none = get(&api, "/v1/events?type=no.such-type").await;
    assert_eq!((none.status, none.body.len()), (200, 0));
    let events = get(&api, "/v1/events?until=3&cloudevents=true").await;
    assert!(String::from_utf8(events.body).unwrap().lines().all(|l| l.contains("\"specversion\":\"1.0\"")));
}

#[tokio::test]
async fn a_reload_reads_by_the_new_configuration_at_once() {
    let log = history();
    let reads = Arc::new(Reads::new(log, Arc::new(FixedClock::new(now())), Arc::new(configured())));
    let api = api::router(Arc::clone(&reads));
    let before = get(&api, "/v1/assessment").await.json();
    let mut other = configured();
    let framework = Framework { id: "reloaded".into(), ..(*other.frameworks[0]).clone() };
    other.frameworks = vec![Arc::new(framework)];
    reads.configure(Arc::new(other));
    let after = get(&api, "/v1/assessment").await.json();
    assert_eq!(after["framework"]["id"], "reloaded");
    assert_eq!(after["indicators"], before["indicators"]);
    assert_eq!(get(&api, "/v1/assessment?framework=china-russia").await.status, 404);
}
