//! The supervisor: feeds that fail, hang, panic and recover, each for itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use bellwether_server::{FeedState, Reason};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::kit::{Act, Daemon, NOW, get, ndjson_feed, visits};

#[tokio::test]
async fn r32_panic_in_one_feed() {
    let mut daemon = Daemon::new(&["bad", "good"]);
    let mended = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&mended);
    daemon.sources.set("bad", move |_, _| match seen.load(Ordering::SeqCst) {
        false => Act::Panic,
        true => Act::found(visits(100, 101)),
    });
    daemon.sources.set("good", |n, _| Act::found(visits(n, n + 1)));
    let address = daemon.start().await;

    let bad = daemon.feed("bad", "panics twice", |f| f.panics >= 2).await;
    assert_eq!((bad.state, bad.reason), (FeedState::Degraded, Some(Reason::Panic)));
    let problem = bad.problem.unwrap();
    assert!(problem.contains("told to\\u{1b}[2J"), "{problem}");
    let before = daemon.health("good").polls;
    let good = daemon.feed("good", "goes on", |f| f.polls > before + 3 && f.facts.stored > 3).await;
    assert_eq!((good.state, good.failures), (FeedState::Ok, 0));
    let metrics = get(address, "/metrics").await.body;
    assert!(metrics.contains("bellwether_feed_degraded{feed=\"bad\"} 1\n"), "{metrics}");
    assert!(!metrics.contains("bellwether_feed_panics_total{feed=\"bad\"} 0\n"), "{metrics}");
    assert!(metrics.contains("bellwether_feed_panics_total{feed=\"good\"} 0\n"), "{metrics}");

    mended.store(true, Ordering::SeqCst);
    let bad = daemon.feed("bad", "recovers", |f| f.state == FeedState::Ok).await;
    assert_eq!((bad.reason, bad.problem, bad.facts.stored), (None, None, 1));
    daemon.stop().await;
}

#[tokio::test]
async fn r20_a_feed_that_hangs_is_given_up_and_asked_again() {
    let mut daemon = Daemon::new(&["hangs", "blocks", "good"]);
    let gate = Arc::new(Barrier::new(2));
    let theirs = Arc::clone(&gate);
    daemon.sources.set("hangs", |n, _| if n == 0 { Act::Hang } else { Act::Unchanged(json!(n)) });
    daemon.sources.set("blocks", move |n, _| match n {
        0 => Act::Block(Arc::clone(&theirs)),
        _ => Act::Unchanged(Value::Null),
    });
    daemon.sources.set("good", |n, _| Act::found(visits(n, n + 1)));
    daemon.start().await;
    daemon.feed("good", "is not held up", |f| f.polls > 5).await;
    for feed in ["hangs", "blocks"] {
        let health = daemon.feed(feed, "recovers", |f| f.state == FeedState::Ok).await;
        assert_eq!(health.failures, 1, "{health:?}");
    }
    gate.wait();
    daemon.stop().await;
}

#[tokio::test]
async fn r20_polls_that_block_for_ever_do_not_pile_up() {
    let mut daemon = Daemon::new(&["blocks"]);
    daemon.settings.budget = Duration::from_millis(1);
    let gate = Arc::new(Barrier::new(5));
    let theirs = Arc::clone(&gate);
    daemon.sources.set("blocks", move |n, _| match n {
        0..4 => Act::Block(Arc::clone(&theirs)),
        _ => Act::Unchanged(Value::Null),
    });
    daemon.start().await;
    let health = daemon.feed("blocks", "is left alone", |f| f.failures > 6).await;
    assert_eq!(daemon.sources.asked("blocks"), 4, "{health:?}");
    assert!(health.problem.unwrap().contains("4 earlier polls hang"));
    gate.wait();
    daemon.feed("blocks", "recovers", |f| f.state == FeedState::Ok).await;
    daemon.stop().await;
}

#[tokio::test]
async fn r20_a_degraded_feed_keeps_its_last_good_and_its_wait() {
    let mut daemon = Daemon::new(&["feed"]);
    daemon.sources.set("feed", |n, _| match n {
        0 => Act::Found { text: visits(0, 3), cursor: json!("first"), more: false },
        1 => Act::Degraded("an HTML page\nunder status 200", Some(Duration::from_secs(3_600))),
        _ => unreachable!("asked again before the hour was over"),
    });
    daemon.start().await;
    let health = daemon.feed("feed", "degrades", |f| f.state == FeedState::Degraded).await;
    assert_eq!(health.reason, Some(Reason::Source));
    assert!(health.problem.unwrap().starts_with("an HTML page\\nunder status 200"));
    assert_eq!(health.since, Some(NOW.parse().unwrap()));
    let health = daemon
        .feed("feed", "waits", |f| {
            f.next_due.is_some_and(|due| due > NOW.parse::<chrono::DateTime<chrono::Utc>>().unwrap())
        })
        .await;
    assert_eq!(
        health.next_due.unwrap() - NOW.parse::<chrono::DateTime<chrono::Utc>>().unwrap(),
        TimeDelta::hours(1)
    );
    let reads = daemon.app().reads().unwrap();
    assert_eq!(bellwether_ingest::cursor(&**reads.log(), "feed").unwrap(), json!("first"));
    assert_eq!(daemon.facts("visit.held").len(), 3);
    daemon.stop().await;
}

#[tokio::test]
async fn the_cursor_survives_a_restart_and_moves_with_its_source() {
    let mut daemon = Daemon::new(&["feed"]);
    let seen: Arc<Mutex<Vec<Value>>> = Arc::default();
    let told = Arc::clone(&seen);
    daemon.sources.set("feed", move |n, cursor| {
        told.lock().unwrap().push(cursor.clone());
        match n {
            0 | 1 => Act::Found { text: visits(n * 10, n * 10 + 10), cursor: json!({"page": n}), more: true },
            2 => Act::Found { text: visits(20, 25), cursor: json!({"page": 2}), more: false },
            _ => Act::Unchanged(cursor.clone()),
        }
    });
    daemon.start().await;
    daemon.feed("feed", "is drained", |f| f.facts.stored == 25 && f.polls > 4).await;
    let head = daemon.app().reads().unwrap().log().head();
    assert_eq!(
        *seen.lock().unwrap().get(..4).unwrap(),
        [json!(null), json!({"page": 0}), json!({"page": 1}), json!({"page": 2})]
    );
    daemon.stop().await;
    seen.lock().unwrap().clear();
    daemon.start().await;
    daemon.feed("feed", "is asked again", |f| f.polls > 3).await;
    assert_eq!(seen.lock().unwrap().first(), Some(&json!({"page": 2})));
    assert_eq!(daemon.app().reads().unwrap().log().head(), head, "nothing new, nothing written");
    let health = daemon.feed("feed", "remembers", |f| f.last_new.is_some()).await;
    assert_eq!(health.facts.stored, 0);
    daemon.stop().await;
}

#[tokio::test]
async fn a_heartbeat_an_hour_and_none_from_a_degraded_feed() {
    let mut daemon = Daemon::new(&["alive", "dead"]);
    daemon.sources.set("alive", |_, cursor| Act::Unchanged(cursor.clone()));
    daemon.sources.set("dead", |_, _| Act::Degraded("no answer", None));
    daemon.start().await;
    daemon.feed("alive", "is asked", |f| f.polls > 5).await;
    daemon.feed("dead", "is asked", |f| f.polls > 5).await;
    let beats = daemon.facts("heartbeat.seen");
    let [beat] = beats.as_slice() else { panic!("{beats:?}") };
    assert_eq!(beat.attribute("feed").as_deref(), Some("alive"));
    assert_eq!(beat.key, "heartbeat|alive|2026-11-25T12Z");
    let next = NOW.parse::<chrono::DateTime<chrono::Utc>>().unwrap() + TimeDelta::minutes(61);
    daemon.clock.set(next);
    let appends = daemon.app().reads().unwrap().log().subscribe();
    crate::kit::until("the next beat", appends, || {
        Some(()).filter(|()| daemon.facts("heartbeat.seen").len() == 2)
    })
    .await;
    let polls = daemon.health("alive").polls;
    daemon.feed("alive", "goes on", |f| f.polls > polls + 5).await;
    assert_eq!(daemon.facts("heartbeat.seen").len(), 2);
    daemon.stop().await;
}

#[tokio::test]
async fn a_heartbeat_says_what_its_feed_covers() {
    let mut daemon = Daemon::new(&["bare"]);
    let text = crate::kit::ndjson_feed("wide");
    let text = text.replace("native", "covers = [\"visit.held\", \"news.coded\", \"visit.held\"]\nnative");
    daemon.feeds.lock().unwrap().insert("wide".into(), text);
    for name in ["bare", "wide"] {
        daemon.sources.set(name, |_, cursor| Act::Unchanged(cursor.clone()));
    }
    daemon.start().await;
    for name in ["bare", "wide"] {
        daemon.feed(name, "is asked", |f| f.polls > 1).await;
    }
    let mut beats = daemon.facts("heartbeat.seen");
    beats.sort_by(|a, b| a.key.cmp(&b.key));
    let said: Vec<_> = beats.iter().map(|f| json!(f.attributes)).collect();
    assert_eq!(
        said,
        [json!({"feed": "bare"}), json!({"covers": ["news.coded", "visit.held"], "feed": "wide"})]
    );
    daemon.stop().await;
}

#[tokio::test]
async fn a_source_that_is_not_what_its_feed_promises_degrades_that_feed() {
    let mut daemon = Daemon::new(&[]);
    let csv = crate::kit::file("config/feeds/facts-csv.toml");
    daemon.feeds.lock().unwrap().insert("facts-csv".into(), csv);
    daemon.sources.set("facts-csv", |_, _| Act::found("<html><body>Sorry</body></html>\n"));
    daemon.start().await;
    let health = daemon.feed("facts-csv", "degrades", |f| f.state == FeedState::Degraded).await;
    assert_eq!(health.reason, Some(Reason::Content), "{health:?}");
    assert_eq!(daemon.app().reads().unwrap().log().head(), 0);
    daemon.stop().await;
}

#[tokio::test]
async fn a_reload_touches_only_what_changed() {
    let mut daemon = Daemon::new(&["same", "changed", "gone"]);
    for feed in ["same", "changed", "gone", "new"] {
        daemon.sources.set(feed, |_, cursor| Act::Unchanged(cursor.clone()));
    }
    let address = daemon.start().await;
    for feed in ["same", "changed", "gone"] {
        daemon.feed(feed, "is asked", |f| f.polls > 1).await;
    }
    {
        let mut feeds = daemon.feeds.lock().unwrap();
        feeds.remove("gone");
        feeds.insert("new".into(), ndjson_feed("new"));
        feeds.insert("changed".into(), format!("enabled = false\n{}", ndjson_feed("changed")));
    }
    let changes = daemon.app().reload().await.unwrap();
    assert_eq!(
        (changes.added, changes.removed, changes.changed),
        (vec!["new".into()], vec!["gone".into()], vec!["changed".into()])
    );
    daemon.feed("new", "is asked", |f| f.polls > 1).await;
    assert_eq!(daemon.health("changed").state, FeedState::Disabled);
    let asked = daemon.sources.asked("changed");
    let polls = daemon.health("same").polls;
    daemon.feed("same", "goes on", |f| f.polls > polls + 3).await;
    assert_eq!(daemon.sources.asked("changed"), asked);

    daemon.feeds.lock().unwrap().insert("new".into(), "name = ".into());
    let problems = daemon.app().reload().await.unwrap_err();
    assert_eq!(problems.0[0].file, "feeds/new.toml");
    let ready = get(address, "/readyz").await;
    assert_eq!((ready.status, &ready.json()["configuration"]["problems"]), (200, &json!(1)));
    let metrics = get(address, "/metrics").await.body;
    assert!(metrics.contains("\nbellwether_config_last_reload_successful 0\n"), "{metrics}");
    let polls = daemon.health("new").polls;
    daemon.feed("new", "goes on as before", |f| f.polls > polls + 3).await;

    daemon.feeds.lock().unwrap().insert("new".into(), ndjson_feed("new"));
    assert_eq!(daemon.app().reload().await.unwrap(), Default::default());
    assert_eq!(get(address, "/readyz").await.json()["configuration"]["problems"], 0);
    daemon.stop().await;
}

/// What connectors do beside answering, and what they are told.
mod connector {
    use std::io::Write;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use bellwether_ingest::{Cursor, FeedSpec, Poll, Polled, Polling, Source};
    use bellwether_model::Problem;
    use bellwether_server::Connect;
    use chrono::{DateTime, Utc};

    use super::*;

    /// Offers an empty source until it is told that it is refused, then says what it gave up.
    #[derive(Clone, Default)]
    struct Stubborn(Arc<AtomicU64>);

    impl Connect for Stubborn {
        fn polls(&self, feed: &FeedSpec) -> bool {
            feed.name == "feed"
        }

        fn connect(&self, _: &FeedSpec) -> Result<Box<dyn Poll>, Problem> {
            Ok(Box::new(self.clone()))
        }

        fn every(&self, _: &FeedSpec) -> Option<Duration> {
            None
        }

        fn backoff(&self, _: &FeedSpec, _: u32, _: Option<Duration>) -> Duration {
            Duration::from_millis(5)
        }
    }

    impl Poll for Stubborn {
        fn poll<'p>(&'p mut self, _: &'p Cursor, _: DateTime<Utc>) -> Polling<'p> {
            let refused = self.0.load(Ordering::SeqCst) > 0;
            Box::pin(async move {
                let mut file = tempfile::tempfile().unwrap();
                if refused {
                    file.write_all(visits(0, 2).as_bytes()).unwrap();
                }
                let source =
                    Source { name: "s".into(), uri: None, published_at: None, file, beside: Vec::new() };
                Ok(Polled::Found { source, cursor: json!(refused), more: false })
            })
        }

        fn refused(&mut self, _: &Problem) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }

        fn problems(&mut self) -> Vec<Problem> {
            let given_up = self.0.load(Ordering::SeqCst) == 1 && self.0.fetch_add(1, Ordering::SeqCst) == 1;
            if given_up {
                vec![Problem::new("an empty source was given up", "look at it")]
            } else {
                Vec::new()
            }
        }
    }

    #[tokio::test]
    async fn is_told_of_refusals_and_heard_when_it_goes_on_without() {
        let mut daemon = Daemon::new(&["feed"]);
        daemon.settings.connect = Arc::new(Stubborn::default());
        let address = daemon.start().await;
        let health = daemon.feed("feed", "goes on", |f| f.facts.stored == 2).await;
        assert_eq!((health.failures, health.passed_over), (1, 1), "{health:?}");
        assert!(health.last_passed_over.unwrap().contains("given up"));
        let metrics = get(address, "/metrics").await.body;
        assert!(metrics.contains("bellwether_feed_passed_over_total{feed=\"feed\"} 1\n"), "{metrics}");
        daemon.stop().await;
    }
}
