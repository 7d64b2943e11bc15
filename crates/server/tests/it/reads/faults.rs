//! Reads of a log that is damaged, slow or panics, and questions that ask too much.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Condvar, Mutex};

use axum::body::{Body, to_bytes};
use axum::http::Request;
use bellwether_model::{Record, View};
use bellwether_store::{Append, Error, EventLog, FixedClock, Memory, Receipt};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{api, bundled, folded, get, history, line, now, post};

/// What a faulty log does when it is read.
type Reading =
    dyn Fn(&Memory, u64, &mut dyn FnMut(&Record) -> ControlFlow<()>) -> Result<(), Error> + Send + Sync;

/// A log whose reading is a test's own.
struct Faulty {
    log: Arc<Memory>,
    read: Box<Reading>,
}

impl EventLog for Faulty {
    fn read(&self, from: u64, visit: &mut dyn FnMut(&Record) -> ControlFlow<()>) -> Result<(), Error> {
        (self.read)(&self.log, from, visit)
    }
    fn append(&self, batch: Append) -> Result<Receipt, Error> {
        self.log.append(batch)
    }
    fn head(&self) -> u64 {
        self.log.head()
    }
    fn get(&self, seq: u64) -> Result<Option<Record>, Error> {
        self.log.get(seq)
    }
    fn keys_latest(&self, source: &str, key: &str) -> Result<Vec<u64>, Error> {
        self.log.keys_latest(source, key)
    }
    fn find_key(&self, key: &str) -> Result<Vec<(String, Vec<u64>)>, Error> {
        self.log.find_key(key)
    }
    fn checkpoint(&self, feed: &str) -> Result<Option<Value>, Error> {
        self.log.checkpoint(feed)
    }
    fn snapshot_put(&self, name: &str, seq: u64, bytes: &[u8]) -> Result<(), Error> {
        self.log.snapshot_put(name, seq, bytes)
    }
    fn snapshot_get(&self, name: &str, at_most: u64) -> Result<Option<(u64, Vec<u8>)>, Error> {
        self.log.snapshot_get(name, at_most)
    }
    fn subscribe(&self) -> tokio::sync::watch::Receiver<u64> {
        self.log.subscribe()
    }
    fn import(&self, records: &mut dyn Iterator<Item = Result<Record, Error>>) -> Result<Receipt, Error> {
        self.log.import(records)
    }
}

/// Damaged from sequence 600 on.
fn damaged() -> Faulty {
    const BAD: u64 = 600;
    let fault =
        || Error::Integrity { seq: BAD, what: "a block changed".into(), remedy: "restore a backup".into() };
    let read = move |log: &Memory, from: u64, visit: &mut dyn FnMut(&Record) -> ControlFlow<()>| {
        let (mut reached, mut left) = (from >= BAD, false);
        if !reached {
            log.read(from, &mut |record| {
                reached = record.seq >= BAD;
                if reached {
                    return ControlFlow::Break(());
                }
                let next = visit(record);
                left = next.is_break();
                next
            })?;
        }
        if reached && !left { Err(fault()) } else { Ok(()) }
    };
    Faulty { log: history(), read: Box::new(read) }
}

#[tokio::test]
async fn damage_is_told_with_its_exit_code_and_never_passed_over() {
    let api = api(Arc::new(damaged()));
    for target in ["/v1/assessment", "/v1/board", "/v1/events?from=600", "/v1/events?from=590"] {
        let answer = get(&api, target).await;
        let problem = answer.problem();
        assert_eq!((answer.status, &problem["exit_code"]), (500, &json!(5)), "{target}");
        assert!(problem["detail"].as_str().unwrap().contains("600"), "{problem}");
    }
    // After a first part, all that is left is to end the answer where nobody takes it for whole.
    let response = api.oneshot(Request::get("/v1/events").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(to_bytes(response.into_body(), usize::MAX).await.is_err());
}

#[tokio::test]
async fn a_fold_that_panicked_is_begun_anew() {
    let log = history();
    let panics = std::sync::atomic::AtomicU64::new(2);
    let read = move |log: &Memory, from: u64, visit: &mut dyn FnMut(&Record) -> ControlFlow<()>| {
        log.read(from, &mut |record| {
            let once = record.seq == 300
                && panics.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok();
            assert!(!once, "a fault of this program");
            visit(record)
        })
    };
    let api = api(Arc::new(Faulty { log: Arc::clone(&log), read: Box::new(read) }));
    let expected = line(&folded(&*log).board(&View::at(now())));
    let mut faults = 0;
    let answer = loop {
        let answer = get(&api, "/v1/board").await;
        if answer.status == 200 {
            break answer;
        }
        assert_eq!((answer.status, &answer.problem()["exit_code"]), (500, &json!(1)));
        faults += 1;
    };
    // The task that follows the log may have met one of them.
    assert!((1..=2).contains(&faults), "{faults}");
    assert!(answer.body == expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r26_more_questions_than_can_wait_are_sent_away() {
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let held = Arc::clone(&gate);
    let read = move |log: &Memory, from: u64, visit: &mut dyn FnMut(&Record) -> ControlFlow<()>| {
        drop(held.1.wait_while(held.0.lock().unwrap(), |open| !*open).unwrap());
        log.read(from, visit)
    };
    let log = Arc::new(Memory::new(Arc::new(FixedClock::new(now()))));
    log.append(Append::default().checkpoint("x", json!(1))).unwrap();
    let api = api(Arc::new(Faulty { log, read: Box::new(read) }));
    let cores = std::thread::available_parallelism().unwrap().get().max(2);
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..cores + 64 + 5 {
        let api = api.clone();
        asked.spawn(async move { get(&api, "/v1/gaps").await });
    }
    // Nothing can be answered yet, so whoever comes back was sent away.
    for _ in 0..5 {
        let answer = asked.join_next().await.unwrap().unwrap();
        assert_eq!((answer.status, &answer.problem()["exit_code"]), (503, &json!(7)));
    }
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
    while let Some(answer) = asked.join_next().await {
        assert_eq!(answer.unwrap().status, 200);
    }
}

#[tokio::test]
async fn r26_streams_are_few_and_end_with_their_readers() {
    let api = api(history());
    let target = "/v1/events";
    let open = async || api.clone().oneshot(Request::get(target).body(Body::empty()).unwrap()).await.unwrap();
    let mut streams = Vec::new();
    for _ in 0..8 {
        streams.push(open().await);
    }
    assert_eq!(get(&api, target).await.status, 503);
    streams.clear();
    // Each ends as soon as its writer finds nobody there.
    let again = async {
        while get(&api, target).await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), again).await.unwrap();
}

#[tokio::test]
async fn r26_long_and_deep_questions_are_refused() {
    let api = api(history());
    let long = get(&api, &format!("/v1/assessment?as_of={}", "2".repeat(5000))).await;
    assert_eq!((long.status, &long.problem()["exit_code"]), (414, &json!(2)));
    let large = post(&api, "/v1/assessment", vec![b'#'; (1 << 20) + 1]).await;
    assert_eq!((large.status, &large.problem()["exit_code"]), (413, &json!(2)));
    let deep = post(&api, "/v1/assessment", format!("{{\"framework\":{}", "[".repeat(100_000))).await;
    assert_eq!((deep.status, &deep.problem()["exit_code"]), (400, &json!(2)));
    let nested = post(&api, "/v1/assessment", format!("a = {}", "[".repeat(100_000))).await;
    assert_eq!((nested.status, &nested.problem()["exit_code"]), (422, &json!(3)));
    let binary = post(&api, "/v1/assessment", vec![0xff, 0xfe, 0]).await;
    assert_eq!(binary.status, 400);
    // It goes on answering.
    assert_eq!(get(&api, "/v1/gaps").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn r26_a_body_that_stops_ends_the_question() {
    let api = api(Arc::new(Memory::new(Arc::new(FixedClock::new(now())))));
    let (mut sender, body) = http_body_util::channel::Channel::<axum::body::Bytes>::new(1);
    sender.send_data("id = ".into()).await.unwrap();
    let answer = post(&api, "/v1/assessment", Body::new(body)).await;
    assert_eq!((answer.status, &answer.problem()["exit_code"]), (408, &json!(2)));
    drop(sender);
}

#[tokio::test]
async fn r25_an_outlook_asked_from_outside_has_bounds() {
    let api = api(history());
    let (text, _) = bundled();
    for horizon in ["[2026, 9999]", "[2026, 2100]"] {
        let far = text.replacen("horizon = [2026, 2035]", &format!("horizon = {horizon}"), 1);
        assert!(far != text);
        let answer = post(&api, "/v1/scenarios?paths=100", far).await;
        let problem = answer.problem();
        assert_eq!((answer.status, &problem["exit_code"]), (422, &json!(3)));
        assert!(problem["problems"][0]["message"].as_str().unwrap().contains("the horizon"), "{problem}");
    }
    let many = get(&api, "/v1/scenarios?paths=20001").await;
    let problem = many.problem();
    assert_eq!((many.status, &problem["exit_code"]), (400, &json!(2)));
    assert!(problem["remedy"].as_str().unwrap().contains("100 to 20000"), "{problem}");
    assert_eq!(get(&api, "/v1/scenarios?paths=100").await.status, 200);
}

#[tokio::test]
async fn r25_a_framework_from_outside_costs_no_more_than_it_is_long() {
    let api = api(history());
    let (text, _) = bundled();
    let line = text.lines().find(|l| l.starts_with("when = ")).unwrap();
    let nested = "when = 'indicator.all(a, indicator.all(b, indicator.all(c, indicator.all(d, a != b))))'";
    let answer = post(&api, "/v1/assessment", text.replacen(line, nested, 1)).await;
    let problem = answer.problem();
    assert_eq!((answer.status, &problem["exit_code"]), (422, &json!(3)));
    assert!(problem["problems"][0]["message"].as_str().unwrap().contains("macro"), "{problem}");
}
