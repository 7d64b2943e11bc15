//! A disk that fails under a daemon.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use bellwether_alert::RuleSet;
use bellwether_server::{FeedState, Reason};
use bellwether_store::disk::{Disk, LogFile, OsDisk};
use serde_json::json;

use crate::kit::{Act, Daemon, configured, get, post, visits};

const SOUND: u8 = 0;
const FULL: u8 = 1;
const BROKEN: u8 = 2;

/// Does what the switch says.
#[derive(Clone, Default)]
struct Switched(Arc<AtomicU8>);

struct File(Box<dyn LogFile>, Arc<AtomicU8>);

impl Disk for Switched {
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn LogFile>> {
        Ok(Box::new(File(OsDisk.open(path, create)?, Arc::clone(&self.0))))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        OsDisk.sync_dir(dir)
    }
}

impl LogFile for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.1.load(Ordering::SeqCst) {
            FULL => Err(io::ErrorKind::StorageFull.into()),
            _ => self.0.append(bytes),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        match self.1.load(Ordering::SeqCst) {
            BROKEN => Err(io::Error::other("the disk is gone")),
            _ => self.0.sync(),
        }
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.0.cut(len)
    }
}

const LINES: &str = "Content-Type: application/x-ndjson";

const RULE: &str = "[[rule]]\nid = \"low\"\ntitle = \"Low\"\nwhen = 'balance.value < -90.0'\nseverity = \"info\"\nsummary = 's'\n";

/// Alerts whose rules cannot be written down are looked at all the same; what is said of them is refused.
#[tokio::test]
async fn r07_a_full_disk_does_not_hide_the_alerts() {
    let mut daemon = Daemon::new(&[]);
    let disk = Switched::default();
    daemon.settings.log.disk = Arc::new(disk.clone());
    let (feeds, switch) = (Arc::clone(&daemon.feeds), disk.clone());
    daemon.settings.configuration = Arc::new(move || {
        let mut configured = configured(&feeds.lock().unwrap())?;
        if switch.0.load(Ordering::SeqCst) == FULL {
            configured.rules = RuleSet::parse([("rules/a.toml", RULE)])?;
        }
        Ok(configured)
    });
    let address = daemon.start().await;
    disk.0.store(FULL, Ordering::SeqCst);
    daemon.app().reload().await.unwrap();
    for path in ["/v1/alerts", "/v1/silences", "/v1/notifications", "/v1/receivers"] {
        let answer = get(address, path).await;
        assert_eq!((answer.status, answer.body.trim()), (200, "[]"), "{path}");
    }
    let said = r#"{"matchers":{"rule":"low"},"for":"1d","who":"Ann"}"#;
    let refused = post(address, "/v1/silences", &["Content-Type: application/json"], said).await;
    assert_eq!(refused.status, 507, "{refused:?}");
    disk.0.store(SOUND, Ordering::SeqCst);
    let taken = post(address, "/v1/silences", &["Content-Type: application/json"], said).await;
    assert_eq!(taken.status, 201, "{taken:?}");
    daemon.stop().await;
}

#[tokio::test]
async fn r07_a_full_disk_degrades_the_feed_until_there_is_room() {
    let mut daemon = Daemon::new(&["feed"]);
    let disk = Switched::default();
    daemon.settings.log.disk = Arc::new(disk.clone());
    daemon.sources.set("feed", |n, _| Act::Found { text: visits(n, n + 1), cursor: json!(n), more: false });
    let address = daemon.start().await;
    daemon.feed("feed", "writes", |f| f.facts.stored > 1).await;
    disk.0.store(FULL, Ordering::SeqCst);
    let health = daemon.feed("feed", "degrades", |f| f.state == FeedState::Degraded).await;
    assert_eq!(health.reason, Some(Reason::Store));
    assert!(health.problem.unwrap().contains("make room"));
    let refused = post(address, "/v1/events", &[LINES], &visits(1_000_000, 1_000_001)).await;
    assert_eq!(refused.status, 507, "{refused:?}");
    assert_eq!(get(address, "/healthz").await.status, 200, "it goes on by itself");
    disk.0.store(SOUND, Ordering::SeqCst);
    daemon.feed("feed", "recovers", |f| f.state == FeedState::Ok).await;
    assert_eq!(post(address, "/v1/events", &[LINES], &visits(1_000_000, 1_000_001)).await.status, 200);
    daemon.stop().await;
}

#[tokio::test]
async fn r03_a_failed_sync_ends_the_daemon_and_says_so() {
    let mut daemon = Daemon::new(&["feed"]);
    let disk = Switched::default();
    daemon.settings.log.disk = Arc::new(disk.clone());
    daemon.sources.set("feed", |n, _| Act::Found { text: visits(n, n + 1), cursor: json!(n), more: false });
    let address = daemon.start().await;
    daemon.feed("feed", "writes", |f| f.facts.stored > 1).await;
    disk.0.store(BROKEN, Ordering::SeqCst);
    let why = daemon.app().failed().await;
    assert!(why.contains("failed sync"), "{why}");
    let acknowledged = daemon.app().reads().unwrap().log().head();
    let health = get(address, "/healthz").await;
    assert_eq!((health.status, &health.json()["status"]), (503, &json!("failed")), "{health:?}");
    assert_eq!(get(address, "/readyz").await.status, 503);
    assert!(get(address, "/metrics").await.body.contains("\nbellwether_log_failed 1\n"));
    assert_eq!(post(address, "/v1/events", &[LINES], &visits(1_000_000, 1_000_001)).await.status, 503);
    let error = daemon.stop_badly().await;
    assert_eq!(error.exit_code(), 5, "{error}");
    disk.0.store(SOUND, Ordering::SeqCst);
    daemon.start().await;
    let head = daemon.app().reads().unwrap().log().head();
    assert!(head >= acknowledged, "{head} < {acknowledged}");
    daemon.stop().await;
}
