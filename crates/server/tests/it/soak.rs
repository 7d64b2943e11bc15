//! A daemon under load: many feeds at many times their pace, each with faults of its own; pushes beside them.
//!
//! First the world has news all the time, and memory may grow by what each new fact costs; then it says again what it has
//! said, under the same faults, and memory may not grow at all. Both run until every feed has met every fault, and for
//! some seconds; `BELLWETHER_SOAK_SECONDS=36` is an hour at a hundred times its pace (`just soak`).

mod memory;
mod world;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bellwether_ingest::{Facts, Records};
use bellwether_model::View;
use bellwether_projection::Projector;
use bellwether_store::{EventLog, Segments, SystemClock};
use serde_json::{Value, json};

use crate::kit::{Act, Daemon, configured, get, post, visit, visits};
use memory::{Use, flat, floor};
use world::{ROUND, World};

/// Feeds, each asked every 10 s by its file, a hundred times faster here.
const FEEDS: u64 = 12;
const SPEED: u32 = 100;
/// What a distinct fact may cost, bytes: its place in the table of ids (some 40), and some 300 in each projection, of which
/// there are two, the daemon's and the test's; twice that while a table has just doubled.
const FACT_BYTES: i64 = 1400;
/// What memory may grow by whatever is new: buffers, caches and tables that fill once. About 41 MB were seen.
const BASE_BYTES: i64 = 64 << 20;
/// Set where the soak has its process to itself.
const ALONE: &str = "BELLWETHER_SOAK_ALONE";

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
                ControlFlow::Continue(())
            })
        })
        .unwrap();
}

/// Keys of the visits in the log, in order; those of pushed ones apart.
fn stored(log: &dyn EventLog) -> (Vec<u64>, u64) {
    let (mut keys, mut pushed) = (Vec::new(), 0);
    let mut visit = |record: &bellwether_model::Record| {
        if let Some(key) = record.fact().and_then(|fact| fact.key.strip_prefix("visit|")) {
            match key.parse() {
                Ok(key) => keys.push(key),
                Err(_) => pushed += 1,
            }
        }
        ControlFlow::Continue(())
    };
    log.read(1, &mut visit).unwrap();
    keys.sort_unstable();
    (keys, pushed)
}

/// Other tests of this binary would be in the measured memory: the soak gets a process of its own.
#[test]
fn r36_soak() {
    if std::env::var_os(ALONE).is_some() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        return runtime.block_on(soak());
    }
    let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
    let output = alone.args(["soak::r36_soak", "--exact", "--nocapture"]).env(ALONE, "1").output().unwrap();
    let (said, told) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success() && told.contains("1 passed"), "{said}\n{told}");
    for line in said.lines().filter(|line| line.starts_with("soak:")) {
        eprintln!("{line}");
    }
}

async fn soak() {
    let seconds: u64 =
        std::env::var("BELLWETHER_SOAK_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(3);
    let names: Vec<String> = (0..FEEDS).map(|n| format!("feed-{n}")).collect();
    let mut daemon = Daemon::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    daemon.settings.every = Duration::from_secs(10);
    *daemon.sources.wait.lock().unwrap() = Duration::from_secs(5);
    daemon.settings.speed = SPEED;
    daemon.settings.budget = Duration::from_millis(500);
    // However slow the machine is, nothing but the told faults may end anything.
    daemon.settings.patience = Duration::from_secs(60);
    daemon.settings.grace = Duration::from_secs(60);
    let worlds: Vec<Arc<World>> = (0..FEEDS).map(|n| Arc::new(World::new(n))).collect();
    for (name, world) in names.iter().zip(&worlds) {
        let world = Arc::clone(world);
        daemon.sources.set(name, move |_, cursor| world.act(cursor));
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

    let mut pushed = Pushed { address, ..Pushed::default() };
    let half = seconds * 5;
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    let (start, mut news, mut again) = (Use::now(), Vec::new(), Vec::new());
    let reached = |asks: u64| worlds.iter().all(|world| world.asked() >= asks);
    let mut steps = 0;
    while steps < half || !reached(ROUND) {
        ticks.tick().await;
        pushed.push(steps * 2..steps * 2 + 4).await;
        news.push(Use::now());
        steps += 1;
    }
    // What is under way is finished first; then every feed meets every fault again, twice at least.
    for world in &worlds {
        world.repeat();
    }
    let settled = worlds.iter().map(|world| world.asked()).max().unwrap_or(0) + 5;
    let mut step = 0;
    while step < half || !reached(settled + 2 * ROUND) {
        ticks.tick().await;
        pushed.push(0..4).await;
        if reached(settled) {
            again.push(Use::now());
            step += 1;
        }
    }
    assert_eq!(get(address, "/healthz").await.status, 200);
    let metrics = get(address, "/metrics").await.body;

    // No new turn begins; then what the cursors stand behind is what was taken.
    for name in &names {
        daemon.sources.set(name, |_, cursor| Act::Unchanged(cursor.clone()));
    }
    for name in &names {
        let polls = daemon.health(name).polls;
        daemon.feed(name, "comes to rest", |f| f.polls > polls + 2 && f.problem.is_none()).await;
    }
    let health: Vec<_> = names.iter().map(|name| daemon.health(name)).collect();
    let (mut records, mut facts) = (Records::default(), Facts::default());
    let (mut given, mut held, mut keys) = (0, 0, Vec::new());
    for (f, world) in health.iter().zip(&worlds) {
        assert!(f.failures >= 6 && f.panics > 0, "{f:?}");
        records.read += f.records.read;
        records.mapped += f.records.mapped;
        records.skipped += f.records.skipped;
        records.quarantined += f.records.quarantined;
        facts.stored += f.facts.stored;
        facts.duplicate += f.facts.duplicate;
        for page in world.until(&bellwether_ingest::cursor(&*log, &f.feed).unwrap()) {
            given += page.records();
            held += page.held;
            keys.extend(page.keys);
        }
    }
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(records.read, given, "every record that a cursor stands behind was read, once");
    assert_eq!(records.read, records.mapped + records.skipped + records.quarantined);
    assert_eq!(records.quarantined, held);
    assert_eq!(records.mapped, facts.stored + facts.duplicate, "each record makes one fact");
    assert_eq!(facts.stored, keys.len() as u64);
    assert_eq!(pushed.facts.stored + pushed.facts.duplicate, pushed.records);
    assert_eq!(pushed.facts.stored, steps * 2 + 2);
    assert!(stored(&*log) == (keys, pushed.facts.stored), "every fact is in the log, once, and no other");
    let beats = daemon.facts("heartbeat.seen").len() as u64;
    assert_eq!(beats, FEEDS, "the clock stands: one hour, one heartbeat a feed");
    assert!(metrics.contains("bellwether_appends_total"));

    done.store(true, Ordering::SeqCst);
    let last = "Content-Type: application/x-ndjson";
    post(address, "/v1/events", &[last], &visits(999_999_999_999, 1_000_000_000_000)).await;
    let live = live.await.unwrap();
    drop(log);
    daemon.stop().await;
    let (mut replayed, before) = (empty(), Use::now());
    let reopened = Segments::open(&daemon.settings.store, Arc::new(SystemClock)).unwrap();
    let store = Use::now();
    absorb(&mut replayed, &reopened);
    let projection = Use::now();
    assert_eq!(live, assess(&replayed), "live and replayed answers are equal");

    let sum = |count: fn(&bellwether_server::FeedHealth) -> u64| health.iter().map(count).sum::<u64>();
    let distinct = facts.stored + pushed.facts.stored;
    eprintln!(
        "soak: {} polls, {} failures ({} panics), {} records, {distinct} stored, {} duplicate, {} quarantined, head {}",
        sum(|f| f.polls),
        sum(|f| f.failures),
        sum(|f| f.panics),
        records.read + pushed.records,
        facts.duplicate + pushed.facts.duplicate,
        records.quarantined,
        reopened.head()
    );
    let a_fact = |from: i64, to: i64| (to - from) / distinct as i64;
    let grown = floor(&again[..again.len().div_ceil(3)]);
    let row = |name: &str, from: i64, to: i64| {
        eprintln!("soak: {name:<46} {:>8} kB {:>6} bytes a fact", (to - from) / 1024, a_fact(from, to));
    };
    row("heap while all is new", start.heap, grown);
    row("resident while all is new", start.resident, again[0].resident);
    row("heap of the store alone, opened anew", before.heap, store.heap);
    row("heap of one projection alone, replayed", store.heap, projection.heap);
    let kept = flat(&again).unwrap_or_else(|why| panic!("memory grew while nothing new was said: {why}"));
    eprintln!(
        "soak: while all is said again: heap {:+} kB, resident {:+} kB over {} samples",
        kept.0 / 1024,
        kept.1 / 1024,
        again.len()
    );
    let cost = grown - start.heap - BASE_BYTES;
    assert!(
        cost <= FACT_BYTES * distinct as i64,
        "{distinct} facts take {cost} bytes: {} samples",
        news.len()
    );
}

/// What was pushed over HTTP.
struct Pushed {
    address: std::net::SocketAddr,
    records: u64,
    facts: Facts,
}

impl Default for Pushed {
    fn default() -> Self {
        Self { address: ([127, 0, 0, 1], 0).into(), records: 0, facts: Facts::default() }
    }
}

impl Pushed {
    /// Pushes these visits; all of them must be taken.
    async fn push(&mut self, keys: std::ops::Range<u64>) {
        let event = |n: u64| -> Value { serde_json::from_str(&visit(&format!("visit|pushed|{n}"))).unwrap() };
        let batch: Vec<Value> = keys
            .map(|n| json!({"specversion": "1.0", "id": n.to_string(), "source": "/soak", "type": "visit.held", "data": event(n)}))
            .collect();
        let kind = "Content-Type: application/cloudevents-batch+json";
        let answer = post(self.address, "/v1/events", &[kind], &json!(batch).to_string()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let report = answer.json();
        let count = |of: &str, what: &str| report[of][what].as_u64().unwrap();
        assert_eq!(count("records", "mapped"), batch.len() as u64, "{report}");
        self.records += batch.len() as u64;
        self.facts.stored += count("facts", "stored");
        self.facts.duplicate += count("facts", "duplicate");
    }
}
