//! Poll and take together: whatever happens on the way, every source ends up in the log once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bellwether_ingest::{Entry, IngestError, Options, Polled, Report, cursor, take};
use bellwether_store::EventLog;

use super::server::{Asked, Do, Server, answer, head, ok};
use super::{at, local, poller};
use crate::support::{HEADER, facts, memory, types};

const SOURCES: usize = 40;

/// Rows of the nth source: one that overlaps the source before, two of its own and one that is held.
fn rows(n: usize) -> String {
    let row = |i: usize| format!("visit.held,v|{i},2023-03-20,2023-03-23,,CHN,RUS,,,,Agency,,B,2,\n");
    let bad = format!("visit.held,bad|{n},no date,,,CHN,RUS,,,,Agency,,B,2,\n");
    format!("{HEADER}\n{}{}{}{bad}", row(2 * n), row(2 * n + 1), row(2 * n + 2))
}

fn stamp(n: usize) -> String {
    let at = at("2026-11-01T00:00:00Z") + chrono::Duration::minutes(15 * i64::try_from(n).unwrap());
    at.format("%Y%m%d%H%M%S").to_string()
}

/// The nth fault; each is met once before the same thing is answered soundly.
fn fault(n: usize, body: &str) -> Vec<Do> {
    match n % 8 {
        0 => answer("503 Service Unavailable", &["Retry-After: 1"], ""),
        1 => ok("<!doctype html><title>maintenance</title>"),
        2 => ok(""),
        3 => vec![
            Do::Send(head("200 OK", &[], Some(body.len()))),
            Do::Send(body.bytes().take(body.len() / 2).collect()),
        ],
        4 => answer("404 Not Found", &[], ""),
        // Whole by its length, cut by its content: only the judging sees it.
        5 => ok(body.chars().take(body.len() - 30).collect::<String>()),
        6 => answer("302 Found", &["Location: http://169.254.169.254/"], ""),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn r35_every_source_is_taken_once_through_every_fault() {
    let faults = Arc::new(AtomicUsize::new(0));
    let failed = Mutex::new(std::collections::BTreeSet::new());
    let counted = Arc::clone(&faults);
    let server = Server::start(move |asked: &Asked| {
        let host = asked.head.split("host: ").nth(1).and_then(|h| h.split('\r').next()).unwrap();
        let body = match asked.path.trim_start_matches("/s/").strip_suffix(".csv") {
            Some(n) => rows((0..SOURCES).find(|i| stamp(*i) == n).unwrap()),
            None => (0..SOURCES).map(|n| format!("http://{host}/s/{}.csv\n", stamp(n))).collect(),
        };
        // Everything fails the first time, the index each third time.
        let first = failed.lock().unwrap().insert(asked.path.clone());
        if first || (asked.path == "/index" && asked.nth.is_multiple_of(3)) {
            return fault(counted.fetch_add(1, Ordering::SeqCst), &body);
        }
        ok(body)
    })
    .await;
    let feed = local(
        &server.url("/index"),
        "[connector.index]\nkind = \"lines\"\npattern = '(?<url>.*/(?<stamp>\\d{14})\\.csv)'\nstamp = \"%Y%m%d%H%M%S\"\n",
    );
    let log = memory();
    let (types, now) = (types(), at("2026-11-25T12:00:00Z"));
    let mut held: Vec<Entry> = Vec::new();
    let mut total = Report::default();
    let mut poll = poller(&feed);
    let (mut degraded, mut taken, mut turns) = (0, 0, 0);
    while taken < SOURCES {
        turns += 1;
        assert!(turns < 1000, "it comes to an end: {taken} taken");
        if turns % 7 == 0 {
            // The process starts anew: what it knows is what the log says.
            poll = poller(&feed);
        }
        let known = cursor(&log, &feed.name).unwrap();
        let Ok(polled) = poll.poll(&known, now).await else {
            degraded += 1;
            continue;
        };
        let Polled::Found { source, cursor, .. } = polled else {
            panic!("something is always left: {taken}")
        };
        let head = log.head();
        let options = Options { cursor: Some(cursor), ..Options::at(now) };
        match take(&log, &types, &feed, &source, &mut held, &options) {
            Ok(report) => {
                total.absorb(&report);
                taken += 1;
            }
            Err(IngestError::Source(problems)) => {
                assert_eq!(log.head(), head, "nothing of a refused source is in the log");
                poll.refused(&problems.0[0]);
                degraded += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    let (r, f) = (total.records, total.facts);
    let sources = SOURCES as u64;
    assert_eq!((r.read, r.mapped, r.skipped, r.quarantined), (4 * sources, 3 * sources, 0, sources));
    assert_eq!((f.stored, f.duplicate), (2 * sources + 1, sources - 1));
    let mut keys: Vec<String> = facts(&log).into_iter().map(|f| f.key).collect();
    keys.sort();
    keys.dedup();
    assert_eq!((keys.len(), facts(&log).len(), held.len()), (2 * SOURCES + 1, 2 * SOURCES + 1, SOURCES));
    assert_eq!(degraded, faults.load(Ordering::SeqCst), "each fault was seen, and none twice");
    assert!(degraded >= SOURCES, "{degraded}");
    assert!(poll.problems().is_empty(), "nothing was given up");
}

#[tokio::test]
async fn the_bundled_feed_of_coded_events_fetches_what_its_index_lists() {
    use md5::{Digest, Md5};
    let root = crate::support::root();
    let fixture = std::fs::read(root.join("fixtures/feeds/gdelt-events/20260302101500.export.CSV")).unwrap();
    let zip = crate::unpack::zipped(&[("20260302101500.export.CSV", &fixture)]);
    let sum: String = Md5::digest(&zip).iter().map(|b| format!("{b:02x}")).collect();
    let size = zip.len();
    let server = Server::start(move |asked: &Asked| {
        let host = "data.gdeltproject.org";
        match asked.path.strip_prefix("/gdeltv2/").unwrap() {
            "lastupdate.txt" => ok(format!(
                "{size} {sum} http://{host}/gdeltv2/20260302101500.export.CSV.zip\n\
                 9 {sum} http://{host}/gdeltv2/20260302101500.mentions.CSV.zip\n\
                 9 {sum} http://{host}/gdeltv2/20260302101500.gkg.csv.zip\n"
            )),
            _ => ok(&zip),
        }
    })
    .await;
    let text = std::fs::read_to_string(root.join("config/feeds/gdelt-events.toml")).unwrap();
    let here = format!("http://127.0.0.1:{}", server.port);
    let text = text
        .replace("https://storage.googleapis.com/data.gdeltproject.org", &here)
        .replace("kind = \"http\"\n", "kind = \"http\"\ninsecure = true\nallow = [\"127.0.0.1\"]\n");
    let feed =
        bellwether_ingest::FeedSpec::parse("gdelt-events.toml", &text).unwrap_or_else(|p| panic!("{p}"));
    let types = std::fs::read_to_string(root.join("config/facts.toml")).unwrap();
    let types = bellwether_model::FactTypes::parse("facts.toml", &types).unwrap();
    let (log, now) = (memory(), at("2026-03-02T10:20:00Z"));
    let mut poll = poller(&feed);
    let Ok(Polled::Found { source, cursor, more: false }) = poll.poll(&serde_json::Value::Null, now).await
    else {
        panic!("nothing was found")
    };
    let mut held: Vec<Entry> = Vec::new();
    let options = Options { cursor: Some(cursor.clone()), ..Options::at(now) };
    let report = take(&log, &types, &feed, &source, &mut held, &options).unwrap();
    let by_file = include_str!("../../../../../fixtures/feeds/gdelt-events/expected.ndjson");
    let facts_by_file = by_file.lines().filter(|l| l.contains("\"key\"")).count() as u64;
    assert!(report.facts.stored > 0, "{report:?}");
    assert_eq!(report.facts.stored, facts_by_file, "{report:?}");
    assert!(matches!(poll.poll(&cursor, now).await, Ok(Polled::Unchanged { .. })));
}
