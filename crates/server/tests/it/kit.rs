//! A daemon on a store of its own, with sources that do as they are told.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellwether_ingest::{Cursor, Degraded, FeedSpec, Poll, Polled, Polling, Source};
use bellwether_model::framework::Framework;
use bellwether_model::{FactTypes, Problem, Problems};
use bellwether_server::{App, Configured, Connect, FeedHealth, Settings};
use bellwether_store::{FixedClock, StoreClock};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

pub(crate) const NOW: &str = "2026-11-25T12:00:00Z";

/// What a source does when it is asked.
pub(crate) enum Act {
    Found {
        text: String,
        cursor: Value,
        more: bool,
    },
    Unchanged(Value),
    Degraded(&'static str, Option<Duration>),
    Panic,
    /// Never answers, and can be dropped.
    Hang,
    /// Blocks its thread until the gate is opened.
    Block(Arc<std::sync::Barrier>),
}

impl Act {
    pub(crate) fn found(text: impl Into<String>) -> Self {
        Act::Found { text: text.into(), cursor: Value::Null, more: false }
    }
}

type Script = Arc<dyn Fn(u64, &Cursor) -> Act + Send + Sync>;

/// Sources by feed; each is told how often it was asked before.
#[derive(Clone, Default)]
pub(crate) struct Sources {
    scripts: Arc<Mutex<BTreeMap<String, Script>>>,
    asked: Arc<Mutex<BTreeMap<String, u64>>>,
    /// Wait after a failure that asks for none.
    pub(crate) wait: Arc<Mutex<Duration>>,
}

impl Sources {
    pub(crate) fn set(&self, feed: &str, script: impl Fn(u64, &Cursor) -> Act + Send + Sync + 'static) {
        self.scripts.lock().unwrap().insert(feed.to_owned(), Arc::new(script));
    }

    pub(crate) fn asked(&self, feed: &str) -> u64 {
        self.asked.lock().unwrap().get(feed).copied().unwrap_or_default()
    }
}

impl Connect for Sources {
    fn polls(&self, feed: &FeedSpec) -> bool {
        self.scripts.lock().unwrap().contains_key(&feed.name)
    }

    fn every(&self, _: &FeedSpec) -> Option<Duration> {
        None
    }

    fn backoff(&self, _: &FeedSpec, _: u32, asked: Option<Duration>) -> Duration {
        (*self.wait.lock().unwrap()).max(asked.unwrap_or_default())
    }

    fn connect(&self, feed: &FeedSpec) -> Result<Box<dyn Poll>, Problem> {
        Ok(Box::new(Told { feed: feed.name.clone(), sources: self.clone() }))
    }
}

struct Told {
    feed: String,
    sources: Sources,
}

impl Poll for Told {
    fn poll<'p>(&'p mut self, cursor: &'p Cursor, _now: DateTime<Utc>) -> Polling<'p> {
        Box::pin(async move {
            let n = {
                let mut asked = self.sources.asked.lock().unwrap();
                let n = asked.entry(self.feed.clone()).or_default();
                *n += 1;
                *n - 1
            };
            let script = Arc::clone(&self.sources.scripts.lock().unwrap()[&self.feed]);
            match script(n, cursor) {
                Act::Found { text, cursor, more } => {
                    let mut file = tempfile::tempfile().unwrap();
                    file.write_all(text.as_bytes()).unwrap();
                    let source = Source {
                        name: format!("{}-{n}", self.feed),
                        uri: None,
                        published_at: None,
                        file,
                        beside: Vec::new(),
                    };
                    Ok(Polled::Found { source, cursor, more })
                }
                Act::Unchanged(cursor) => Ok(Polled::Unchanged { cursor }),
                Act::Degraded(what, retry_after) => {
                    Err(Degraded { problem: Problem::new(what, "wait"), retry_after })
                }
                Act::Panic => panic!("told to\u{1b}[2J"),
                Act::Hang => std::future::pending().await,
                Act::Block(gate) => {
                    gate.wait();
                    Ok(Polled::Unchanged { cursor: Value::Null })
                }
            }
        })
    }
}

/// Feed file of native records.
pub(crate) fn ndjson_feed(name: &str) -> String {
    format!(
        "name = \"{name}\"\ntitle = \"{name}\"\nlicence = \"CC0-1.0\"\ncadence = \"daily\"\nnative = \"facts-ndjson\"\n\
         [connector]\nkind = \"stdin\"\n[decoder]\nkind = \"ndjson\"\n"
    )
}

pub(crate) fn file(path: &str) -> String {
    std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

/// The project's fact types and framework, and these feeds; a fault in one is a fault of the whole.
pub(crate) fn configured(feeds: &BTreeMap<String, String>) -> Result<Configured, Problems> {
    let types = Arc::new(FactTypes::parse("facts.toml", &file("config/facts.toml"))?);
    let text = file("config/frameworks/china-russia.toml");
    let map = file(&format!("config/frameworks/{}", Framework::map_name(&text).unwrap()));
    let framework = Framework::parse("china-russia.toml", &text, &types, Some(&map))?;
    let mut parsed = BTreeMap::new();
    for (name, text) in feeds {
        parsed.insert(name.clone(), Arc::new(FeedSpec::parse(&format!("feeds/{name}.toml"), text)?));
    }
    let questions = Arc::default();
    Ok(Configured {
        name: "test".into(),
        types,
        frameworks: vec![Arc::new(framework)],
        feeds: parsed,
        rules: Default::default(),
        receivers: Vec::new(),
        questions,
    })
}

/// One visit as a native record.
pub(crate) fn visit(key: &str) -> String {
    json!({
        "type": "visit.held", "source": "x", "key": key, "valid": {"start": "2024-05-16T00:00:00Z", "end": null},
        "published_at": "2024-05-17", "actors": ["RUS", "CHN"], "grade": "B2",
        "attributes": {"level": "head of state", "place": "Beijing"},
    })
    .to_string()
}

/// Visits `from..to`, a line each.
pub(crate) fn visits(from: u64, to: u64) -> String {
    (from..to).map(|n| visit(&format!("visit|{n}")) + "\n").collect()
}

/// What a test starts.
pub(crate) struct Daemon {
    _dir: tempfile::TempDir,
    pub(crate) sources: Sources,
    pub(crate) feeds: Arc<Mutex<BTreeMap<String, String>>>,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) settings: Settings,
    app: Option<App>,
}

impl Daemon {
    /// With native feeds of these names, asked every few milliseconds once it is started.
    pub(crate) fn new(feeds: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut texts: BTreeMap<_, _> = feeds.iter().map(|f| ((*f).to_owned(), ndjson_feed(f))).collect();
        for bundled in ["cloudevents", "facts-ndjson"] {
            texts.insert(bundled.to_owned(), file(&format!("config/feeds/{bundled}.toml")));
        }
        let texts = Arc::new(Mutex::new(texts));
        let theirs = Arc::clone(&texts);
        let load = move || configured(&theirs.lock().unwrap());
        let mut settings = Settings::new(dir.path().join("store"), Arc::new(load));
        let sources = Sources::default();
        *sources.wait.lock().unwrap() = Duration::from_millis(5);
        settings.listen.set_port(0);
        settings.connect = Arc::new(sources.clone());
        settings.every = Duration::from_millis(5);
        settings.budget = Duration::from_millis(300);
        settings.patience = Duration::from_millis(500);
        settings.grace = Duration::from_secs(5);
        let clock = Arc::new(FixedClock::new(NOW.parse().unwrap()));
        Self { _dir: dir, sources, feeds: texts, clock, settings, app: None }
    }

    pub(crate) fn build(&self) -> App {
        App::new(self.settings.clone(), Arc::clone(&self.clock) as Arc<dyn StoreClock>).unwrap()
    }

    pub(crate) async fn start(&mut self) -> SocketAddr {
        let mut app = self.build();
        let address = app.start().await.unwrap();
        self.app = Some(app);
        address
    }

    pub(crate) fn app(&mut self) -> &mut App {
        self.app.as_mut().unwrap()
    }

    pub(crate) async fn stop(&mut self) {
        self.app.take().unwrap().stop().await.unwrap();
    }

    /// Stops one that cannot stop in good order.
    pub(crate) async fn stop_badly(&mut self) -> bellwether_server::ServerError {
        self.app.take().unwrap().stop().await.unwrap_err()
    }

    pub(crate) fn health(&self, feed: &str) -> FeedHealth {
        let reads = self.app.as_ref().unwrap().reads().unwrap();
        reads.feeds().into_iter().find(|f| f.feed == feed).unwrap()
    }

    /// Waits until the feed's health is as wanted.
    pub(crate) async fn feed(
        &self,
        feed: &str,
        what: &str,
        wanted: impl Fn(&FeedHealth) -> bool,
    ) -> FeedHealth {
        let changes = self.app.as_ref().unwrap().reads().unwrap().feeds_changed();
        until(&format!("{feed}: {what}"), changes, || Some(self.health(feed)).filter(&wanted)).await
    }

    /// All facts of a type in the log.
    pub(crate) fn facts(&self, kind: &str) -> Vec<bellwether_model::Fact> {
        let mut facts = Vec::new();
        let reads = self.app.as_ref().unwrap().reads().unwrap();
        let mut visit = |record: &bellwether_model::Record| {
            facts.extend(record.fact().filter(|f| f.kind == kind).cloned());
            std::ops::ControlFlow::Continue(())
        };
        reads.log().read(1, &mut visit).unwrap();
        facts
    }
}

/// Looks after each event until there is an answer; a deadline turns waiting for ever into a failure.
pub(crate) async fn until<E, T>(
    what: &str,
    mut events: tokio::sync::watch::Receiver<E>,
    mut look: impl FnMut() -> Option<T>,
) -> T {
    let wait = async {
        loop {
            events.borrow_and_update();
            if let Some(found) = look() {
                return found;
            }
            events.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap_or_else(|_| panic!("never came: {what}"))
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

/// Sends these bytes and reads to the end.
pub(crate) async fn raw(address: SocketAddr, bytes: impl Into<Vec<u8>>) -> Answer {
    let bytes = bytes.into();
    tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        // A server that has heard enough may close before everything is sent.
        let _ = stream.write_all(&bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        Answer { status, head: head.to_lowercase(), body: body.to_owned() }
    })
    .await
    .unwrap()
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> Answer {
    raw(address, format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")).await
}

/// Posts a body with further header lines.
pub(crate) async fn post(address: SocketAddr, path: &str, lines: &[&str], body: &str) -> Answer {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let length = body.len();
    raw(
        address,
        format!("POST {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {length}\r\n{lines}\r\n{body}"),
    )
    .await
}
