//! A daemon under load: many feeds at many times their pace, each with faults of its own; pushes beside them.
//!
//! Runs for some seconds; `BELLWETHER_SOAK_SECONDS=36` is an hour at a hundred times its pace (`just soak`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bellwether_ingest::{Facts, Records};
use bellwether_model::View;
use bellwether_projection::Projector;
use bellwether_store::{EventLog, Segments, SystemClock};
use serde_json::{Value, json};

use crate::kit::{Act, Daemon, configured, get, post, visit, visits};

/// Feeds, each asked every 10 s by its file, a hundred times faster here.
const FEEDS: u64 = 12;
const SPEED: u32 = 100;

/// What the sources gave out.
#[derive(Default)]
struct Given {
    records: AtomicU64,
    held: AtomicU64,
}

/// A source that does something else every time, and is faulty two times in five.
fn script(feed: u64, given: Arc<Given>) -> impl Fn(u64, &Value) -> Act + Send + Sync {
    let found = move |given: &Given, text: String, held: u64, more: bool, n: u64| {
        given.records.fetch_add(text.lines().count() as u64, Ordering::SeqCst);
        given.held.fetch_add(held, Ordering::SeqCst);
        Act::Found { text, cursor: json!({"n": n}), more }
    };
    move |n, cursor| {
        // Each feed has a stretch of keys of its own; the numbers step through the faults in another order.
        let base = feed * 1_000_000_000 + n * 1_000;
        match (n + feed * 7) % 20 {
            0 => Act::Panic,
            1 => Act::Hang,
            2 | 3 => Act::Degraded("503 Service Unavailable", Some(Duration::from_millis(20))),
            4 => Act::Degraded("an HTML page under status 200", None),
            5 => found(&given, format!("<html>\n{}", visits(base, base + 5)), 1, false, n),
            6 => found(&given, visits(base, base + 10) + "{\"type\": \"no.such\"}\n", 1, false, n),
            // What was given before, again.
            7 | 8 => found(&given, visits(feed * 1_000_000_000, feed * 1_000_000_000 + 50), 0, false, n),
            9 => found(&given, visits(base, base + 900), 0, true, n),
            10..=12 => found(&given, visits(base, base + 20), 0, true, n),
            13 | 14 => Act::Unchanged(cursor.clone()),
            _ => found(&given, visits(base, base + 20), 0, false, n),
        }
    }
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").trim().parse().unwrap_or(0)
}

fn assess(projector: &Projector) -> String {
    let view = View::at("2026-11-26T00:00:00Z".parse().unwrap());
    serde_json::to_string(&projector.assess(&view)).unwrap()
}

fn empty() -> Projector {
    let configured = configured(&Default::default()).unwrap();
    Projector::new(Arc::clone(&configured.frameworks[0]), configured.types)
}

fn absorb(projector: &mut Projector, log: &dyn EventLog) {
    let from = projector.head() + 1;
    projector
        .absorb(|each| {
            log.read(from, &mut |record| {
                each(record);
                std::ops::ControlFlow::Continue(())
            })
        })
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r36_soak() {
    let seconds: u64 =
        std::env::var("BELLWETHER_SOAK_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(3);
    let names: Vec<String> = (0..FEEDS).map(|n| format!("feed-{n}")).collect();
    let mut daemon = Daemon::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    daemon.settings.every = Duration::from_secs(10);
    *daemon.sources.wait.lock().unwrap() = Duration::from_secs(5);
    daemon.settings.speed = SPEED;
    daemon.settings.budget = Duration::from_millis(500);
    daemon.settings.patience = Duration::from_secs(10);
    daemon.settings.grace = Duration::from_secs(20);
    let given = Arc::new(Given::default());
    for (n, name) in (0..).zip(&names) {
        daemon.sources.set(name, script(n, Arc::clone(&given)));
    }
    let address = daemon.start().await;
    let log = Arc::clone(daemon.app().reads().unwrap().log());

    // One that reads along, as a live view does.
    let done = Arc::new(AtomicBool::new(false));
    let (follow, theirs) = (Arc::clone(&log), Arc::clone(&done));
    let mut head = log.subscribe();
    let live = tokio::spawn(async move {
        let mut projector = empty();
        while head.changed().await.is_ok() {
            let log = Arc::clone(&follow);
            projector = tokio::task::spawn_blocking(move || {
                absorb(&mut projector, &*log);
                projector
            })
            .await
            .unwrap();
            if theirs.load(Ordering::SeqCst) {
                break;
            }
        }
        absorb(&mut projector, &*follow);
        assess(&projector)
    });

    let mut pushed = Records::default();
    let mut pushed_facts = Facts::default();
    let mut memory = Vec::new();
    let steps = seconds * 10;
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    for step in 0..steps {
        ticks.tick().await;
        let event = |n: u64| -> Value { serde_json::from_str(&visit(&format!("pushed|{n}"))).unwrap() };
        let batch: Vec<Value> = (step * 2..step * 2 + 4)
            .map(|n| json!({"specversion": "1.0", "id": n.to_string(), "source": "/soak", "type": "visit.held", "data": event(n)}))
            .collect();
        let kind = "Content-Type: application/cloudevents-batch+json";
        let answer = post(address, "/v1/events", &[kind], &json!(batch).to_string()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let report = answer.json();
        pushed.read += 4;
        pushed.mapped += report["records"]["mapped"].as_u64().unwrap();
        pushed_facts.stored += report["facts"]["stored"].as_u64().unwrap();
        pushed_facts.duplicate += report["facts"]["duplicate"].as_u64().unwrap();
        memory.push(resident());
    }
    assert_eq!(get(address, "/healthz").await.status, 200);
    let metrics = get(address, "/metrics").await.body;

    // No new turn begins; then what was given out is what was taken.
    for name in &names {
        daemon.sources.set(name, |_, cursor| Act::Unchanged(cursor.clone()));
    }
    for name in &names {
        let polls = daemon.health(name).polls;
        daemon.feed(name, "comes to rest", |f| f.polls > polls + 2 && f.problem.is_none()).await;
    }
    let health: Vec<_> = names.iter().map(|name| daemon.health(name)).collect();
    let (mut records, mut facts) = (Records::default(), Facts::default());
    for f in &health {
        assert!(f.failures > 0 || seconds < 3, "{f:?}");
        records.read += f.records.read;
        records.mapped += f.records.mapped;
        records.skipped += f.records.skipped;
        records.quarantined += f.records.quarantined;
        facts.stored += f.facts.stored;
        facts.duplicate += f.facts.duplicate;
    }
    assert_eq!(records.read, given.records.load(Ordering::SeqCst), "every record given out was read, once");
    assert_eq!(records.read, records.mapped + records.skipped + records.quarantined);
    assert_eq!(records.quarantined, given.held.load(Ordering::SeqCst));
    assert_eq!(records.mapped, facts.stored + facts.duplicate, "each record makes one fact");
    assert_eq!(pushed.mapped, pushed_facts.stored + pushed_facts.duplicate);
    assert_eq!((pushed.read, pushed_facts.stored), (pushed.mapped, steps * 2 + 2));
    let beats = daemon.facts("heartbeat.seen").len() as u64;
    let stored = daemon.facts("visit.held").len() as u64;
    assert_eq!(stored, facts.stored + pushed_facts.stored, "what was stored is in the log");
    assert_eq!(beats, FEEDS, "the clock stands: one hour, one heartbeat a feed");

    done.store(true, Ordering::SeqCst);
    let last = "Content-Type: application/x-ndjson";
    post(address, "/v1/events", &[last], &visits(999_999_999_999, 1_000_000_000_000)).await;
    let live = live.await.unwrap();
    drop(log);
    daemon.stop().await;
    let reopened = Segments::open(&daemon.settings.store, Arc::new(SystemClock)).unwrap();
    let mut replayed = empty();
    absorb(&mut replayed, &reopened);
    assert_eq!(live, assess(&replayed), "live and replayed answers are equal");
    let failures: u64 = health.iter().map(|f| f.failures).sum();
    let panics: u64 = health.iter().map(|f| f.panics).sum();
    let polls: u64 = health.iter().map(|f| f.polls).sum();
    let (early, late) = (peak(&memory, 0.4, 0.6), peak(&memory, 0.8, 1.0));
    eprintln!(
        "soak: {seconds} s, {polls} polls, {failures} failures ({panics} panics), {} records, {} stored, {} duplicate, \
         {} quarantined, head {}, resident {early} kB in the middle, {late} kB at the end",
        records.read + pushed.read,
        facts.stored + pushed_facts.stored,
        facts.duplicate + pushed_facts.duplicate,
        records.quarantined,
        reopened.head()
    );
    assert!(metrics.contains("bellwether_appends_total"));
    // What grows with the log is its table of ids and the projection: some 300 bytes a fact, far below a leak of records.
    let allowed = 24 * 1024 + facts.stored * 400 / 1024;
    assert!(late < early + allowed, "memory grew from {early} to {late} kB: {memory:?}");
}

/// Highest value in a stretch of the run.
fn peak(values: &[u64], from: f64, to: f64) -> u64 {
    let at = |share: f64| (values.len() as f64 * share) as usize;
    values[at(from)..at(to)].iter().copied().max().unwrap_or(0)
}
