//! Starting and stopping: one owner, found by others, nothing lost at the end.

use std::sync::Arc;

use bellwether_ingest::FileQuarantine;
use bellwether_server::{Address, App, FeedState, Role, ServerError};
use bellwether_store::{EventLog, Segments, StoreClock, SystemClock};
use serde_json::json;

use crate::kit::{Act, Daemon, get, visits};

#[tokio::test]
async fn r08_a_second_daemon_is_told_who_holds_the_store() {
    let mut daemon = Daemon::new(&[]);
    let address = daemon.start().await;
    let found = Address::find(&daemon.settings.store).unwrap();
    assert_eq!((found.url, found.pid), (format!("http://{address}"), std::process::id()));
    let mut second = daemon.build();
    let error = second.start().await.unwrap_err();
    assert_eq!(error.exit_code(), 7);
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    second.stop().await.unwrap();
    daemon.stop().await;
    assert_eq!(Address::find(&daemon.settings.store), None);
    assert!(!daemon.settings.store.join("daemon.json").exists());
}

#[tokio::test]
async fn a_stale_address_is_not_believed() {
    let mut daemon = Daemon::new(&[]);
    let store = daemon.settings.store.clone();
    std::fs::create_dir_all(&store).unwrap();
    let stale = r#"{"url":"http://127.0.0.1:1","pid":4294967294,"started":"2026-11-25T12:00:00Z"}"#;
    std::fs::write(store.join("daemon.json"), stale).unwrap();
    assert_eq!(Address::find(&store), None, "nobody holds the store");
    let held = Segments::open(&store, Arc::new(SystemClock)).unwrap();
    assert_eq!(Address::find(&store), None, "somebody else holds the store");
    held.close().unwrap();
    daemon.start().await;
    assert_eq!(Address::find(&store).unwrap().pid, std::process::id());
    daemon.stop().await;
}

#[tokio::test]
async fn r27_an_address_that_others_reach_needs_tokens() {
    let mut daemon = Daemon::new(&[]);
    daemon.settings.listen = "0.0.0.0:0".parse().unwrap();
    let clock = Arc::clone(&daemon.clock) as Arc<dyn StoreClock>;
    let refused = App::new(daemon.settings.clone(), Arc::clone(&clock)).unwrap_err();
    assert!(matches!(refused, ServerError::Refused(_)), "{refused}");
    assert!(refused.to_string().contains("BELLWETHER_TOKEN_READ"), "{refused}");
    daemon.settings.tokens.add(Role::Read, "read-read-read-read").unwrap();
    let address = daemon.start().await;
    let there = std::net::SocketAddr::new([127, 0, 0, 1].into(), address.port());
    assert_eq!(get(there, "/healthz").await.status, 200);
    assert_eq!(get(there, "/v1/feeds").await.status, 401);
    assert_eq!(Address::find(&daemon.settings.store).unwrap().url, format!("http://{there}"));
    daemon.stop().await;
}

#[tokio::test]
async fn a_stop_finishes_what_is_being_written() {
    let mut daemon = Daemon::new(&["feed", "bad"]);
    let many = visits(0, 5_000);
    daemon.sources.set("feed", move |n, _| match n {
        0 => Act::Found { text: many.clone() + "no record\n", cursor: json!("done"), more: false },
        _ => Act::Hang,
    });
    daemon.sources.set("bad", |_, _| Act::Hang);
    daemon.settings.budget = std::time::Duration::from_secs(60);
    daemon.start().await;
    let appends = daemon.app().reads().unwrap().log().subscribe();
    crate::kit::until("the first append", appends, || {
        let head = daemon.app().reads().unwrap().log().head();
        (head > 0).then_some(())
    })
    .await;
    daemon.stop().await;
    let store = &daemon.settings.store;
    let log = Segments::open(store, Arc::new(SystemClock)).unwrap();
    assert_eq!(log.opened().cut_bytes, 0);
    assert_eq!(bellwether_ingest::cursor(&log, "feed").unwrap(), json!("done"));
    // Facts, a checkpoint with each of the five appends, and the heartbeat.
    assert_eq!(log.head(), 5_000 + 5 + 1);
    log.close().unwrap();
    assert_eq!(FileQuarantine::open(&store.join("quarantine")).unwrap().list().unwrap().len(), 1);
    let found = Segments::verify(store).unwrap();
    assert!(format!("{found:?}").contains("5006"), "{found:?}");
}

#[tokio::test]
async fn once_asks_every_feed_once_and_listens_nowhere() {
    let daemon = Daemon::new(&["good", "bad", "off"]);
    daemon
        .feeds
        .lock()
        .unwrap()
        .insert("off".into(), format!("enabled = false\n{}", crate::kit::ndjson_feed("off")));
    daemon.sources.set("good", |_, _| Act::found(visits(0, 3)));
    daemon.sources.set("bad", |_, _| Act::Panic);
    daemon.sources.set("off", |_, _| unreachable!("it is switched off"));
    let mut app = daemon.build();
    let feeds = app.once().await.unwrap().feeds;
    assert_eq!(app.address(), None);
    app.stop().await.unwrap();
    let states: Vec<_> = feeds.iter().map(|f| (f.feed.as_str(), f.state, f.polls, f.facts.stored)).collect();
    assert_eq!(
        states,
        [
            ("bad", FeedState::Degraded, 1, 0),
            ("cloudevents", FeedState::Passive, 0, 0),
            ("facts-ndjson", FeedState::Passive, 0, 0),
            ("good", FeedState::Ok, 1, 3),
            ("off", FeedState::Disabled, 0, 0),
        ]
    );
}

#[tokio::test]
async fn r33_a_backup_beside_a_daemon_that_writes_is_whole() {
    let mut daemon = Daemon::new(&["feed"]);
    daemon.sources.set("feed", |n, _| Act::found(visits(n * 10, n * 10 + 10)));
    daemon.start().await;
    let (store, copy) = (daemon.settings.store.clone(), tempfile::tempdir().unwrap());
    let mut heads = Vec::new();
    for n in 0..5 {
        let polls = daemon.health("feed").polls;
        daemon.feed("feed", "writes", |f| f.polls > polls + 2).await;
        let beside = Segments::open_read(&store, Arc::new(SystemClock)).unwrap();
        let to = copy.path().join(n.to_string());
        heads.push((beside.backup(&to).unwrap(), to));
    }
    daemon.stop().await;
    let original = Segments::open(&store, Arc::new(SystemClock)).unwrap();
    for (head, to) in heads {
        let restored = Segments::open(&to, Arc::new(SystemClock)).unwrap();
        assert_eq!(restored.head(), head);
        for seq in [1, head / 2, head] {
            assert_eq!(restored.get(seq).unwrap(), original.get(seq).unwrap());
        }
        restored.close().unwrap();
        assert_eq!(Segments::verify(&to).unwrap().exit_code(), 0, "{to:?}");
    }
}
