//! Lists that a connector finds: whole or not at all, with their side files, and with the cursor behind them.

use std::fs;
use std::io::Write;

use bellwether_ingest::{
    Cursor, Entry, FeedSpec, FileQuarantine, IngestError, Options, Poll, Polled, Quarantine, Report, Source,
    cursor, release, take,
};
use bellwether_model::{Fact, Stamp};
use bellwether_store::EventLog;
use serde_json::json;

use super::server::{Asked, Server, answer, ok};
use super::{at, degraded, poller};
use crate::documents::shipped;
use crate::support::{facts, memory, root};

const NOW: &str = "2033-01-01T00:00:00Z";

const DECODER: &str = r#"
[vintage]
from = ["option"]
[decoder]
kind = "delimited"
header = false
columns = ["id", "name"]
terminator = "\u001A"
[[join]]
file = "add.csv"
as = "addresses"
on = "id"
columns = ["id", "city"]
[[join]]
file = "alt.csv"
as = "aliases"
on = "id"
columns = ["id", "alias"]
[snapshot]
key = "record.id"
[[fact]]
type = "'sanction.listed'"
valid_start = "''"
actors = "['CHN', 'USA']"
[fact.attributes]
authority = "'MFA'"
name = "record.name"
addresses = "size(record.addresses) > 0 ? record.addresses : null"
"#;

fn list(connector: &str) -> FeedSpec {
    let text = format!(
        "name = \"wanted\"\ntitle = \"t\"\nlicence = \"t\"\ncadence = \"irregular\"\n[connector]\n{connector}{DECODER}"
    );
    FeedSpec::parse("feeds/wanted.toml", &text).unwrap_or_else(|p| panic!("{p}"))
}

fn source(text: &str, day: &str) -> Source {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Source {
        name: "s.csv".into(),
        uri: None,
        published_at: Some(day.parse().unwrap()),
        file,
        beside: Vec::new(),
    }
}

fn taken(
    log: &dyn EventLog,
    feed: &FeedSpec,
    source: &Source,
    cursor: Cursor,
    held: &mut dyn Quarantine,
) -> Result<Report, IngestError> {
    let options = Options { cursor: Some(cursor), ..Options::at(at(NOW)) };
    take(log, &shipped(), feed, source, held, &options)
}

/// Polls and takes; what was found, and the cursor that the log then has.
async fn turn(log: &dyn EventLog, feed: &FeedSpec, poll: &mut dyn Poll) -> Report {
    let known = cursor(log, &feed.name).unwrap();
    let Ok(Polled::Found { source, cursor, .. }) = poll.poll(&known, at(NOW)).await else {
        panic!("nothing was found")
    };
    taken(log, feed, &source, cursor, &mut Vec::<Entry>::new()).unwrap()
}

fn named<'f>(facts: &'f [Fact], name: &str) -> &'f Fact {
    facts.iter().find(|f| f.attribute("name").as_deref() == Some(name)).unwrap()
}

#[test]
fn r14_an_end_mark_is_no_cut_and_a_cut_list_is_refused() {
    let feed = list("kind = \"file\"\n");
    for (text, cut) in [
        ("1,Ann\r\n2,Bob\r\n\u{1a}", false),
        ("1,Ann\r\n2\r\n\u{1a}", false),
        ("1,Ann\n2,Bob", false),
        ("1,Ann\r\n2", true),
        ("1,Ann\r\n2,\"Bo", true),
    ] {
        let log = memory();
        let mut held: Vec<Entry> = Vec::new();
        let done = taken(&log, &feed, &source(text, "2032-01-01"), json!(1), &mut held);
        assert_eq!(done.is_err(), cut, "{text:?}: {done:?}");
        if let Err(error) = done {
            assert!(error.to_string().contains("in the middle of a record"), "{error}");
            assert_eq!((log.head(), held.len()), (0, 0));
        } else {
            assert_eq!(cursor(&log, "wanted").unwrap(), json!(1));
        }
    }
    let nothing =
        taken(&memory(), &feed, &source("1\n2\n", "2032-01-01"), json!(1), &mut Vec::<Entry>::new());
    assert!(nothing.unwrap_err().to_string().contains("not one record"));
}

#[test]
fn r35_a_list_that_shrinks_degrades_its_feed_until_it_is_released_or_whole_again() {
    let dir = tempfile::tempdir().unwrap();
    let (log, feed) = (memory(), list("kind = \"file\"\n"));
    let mut quarantine = FileQuarantine::open(dir.path()).unwrap();
    let full = "1,Ann\n2,Bob\n3,Cy\n4,Di\n";
    taken(&log, &feed, &source(full, "2032-01-01"), json!(1), &mut quarantine).unwrap();
    let head = log.head();
    let short = source("1,Ann\n", "2032-01-02");
    for _ in 0..3 {
        let refused = taken(&log, &feed, &short, json!(2), &mut quarantine).unwrap_err();
        assert!(matches!(refused, IngestError::Source(_)), "{refused}");
        assert!(refused.to_string().contains("3 of 4 entries are gone"), "{refused}");
        assert_eq!((log.head(), cursor(&log, "wanted").unwrap()), (head, json!(1)));
    }
    let held = quarantine.list().unwrap();
    assert_eq!(held.len(), 1, "held once, however often it comes");
    // Whole again, it is taken without anybody's help.
    let whole = source("1,Ann\n2,Bob\n3,Cy\n4,Di\n5,Ed\n", "2032-01-03");
    taken(&log, &feed, &whole, json!(3), &mut quarantine).unwrap();
    assert_eq!(cursor(&log, "wanted").unwrap(), json!(3));
    assert_eq!(quarantine.list().unwrap().len(), 1);

    let shorter = source("5,Ed\n", "2032-01-04");
    taken(&log, &feed, &shorter, json!(4), &mut quarantine).unwrap_err();
    let id = quarantine.list().unwrap().iter().map(|e| e.id.clone()).find(|id| *id != held[0].id).unwrap();
    release(&mut quarantine, &id, &log, &shipped(), &feed, "Li", "it is so", at(NOW)).unwrap();
    assert_eq!(cursor(&log, "wanted").unwrap(), json!(3), "a release is no fetch");
    let gone = facts(&log).iter().filter(|f| f.kind == "sanction.delisted").count();
    assert_eq!(gone, 4);
    // The next poll finds the same, and the cursor moves at last.
    let report = taken(&log, &feed, &shorter, json!(4), &mut quarantine).unwrap();
    assert_eq!((report.facts.stored, cursor(&log, "wanted").unwrap()), (0, json!(4)));
}

#[tokio::test]
async fn side_files_are_fetched_with_a_new_list_and_a_missing_one_is_stated() {
    let server = Server::start(|asked: &Asked| match asked.path.as_str() {
        "/x/SDN.CSV" => answer(
            "200 OK",
            &["ETag: \"1\"", "Last-Modified: Thu, 01 Jan 2032 10:00:00 GMT"],
            if asked.head.contains("if-none-match") { "1,Ann\n2,Bob\n" } else { "1,Ann\n" },
        ),
        "/x/ADD.CSV" => ok("1,Moscow\n"),
        _ => answer("404 Not Found", &[], ""),
    })
    .await;
    let feed = list(&format!(
        "kind = \"http\"\nurl = \"{}\"\ninsecure = true\nallow = [\"127.0.0.1\"]\nbeside = [\"ADD.CSV\", \"ALT.CSV\"]\n\
         published = \"last-modified\"\n",
        server.url("/x/SDN.CSV")
    ));
    let log = memory();
    let mut poll = poller(&feed);
    let report = turn(&log, &feed, &mut *poll).await;
    assert_eq!(report.notes, ["SDN.CSV: alt.csv is not beside it, so what it adds is missing"]);
    assert_eq!(server.paths(), ["/x/SDN.CSV", "/x/ADD.CSV", "/x/ALT.CSV"]);
    let said: Vec<String> = poll.problems().iter().map(ToString::to_string).collect();
    assert!(said.len() == 1 && said[0].contains("ALT.CSV is not there"), "{said:?}");
    let found = facts(&log);
    let ann = named(&found, "Ann");
    assert_eq!(ann.attributes["addresses"][0]["city"], "Moscow");
    assert_eq!(ann.published_at, Some(Stamp::Instant(at("2032-01-01T10:00:00Z"))), "as the server states");
    let vintage = found.iter().find(|f| f.kind == "list.vintage").unwrap();
    assert_eq!(vintage.attributes["missing"], json!(["alt.csv"]));
}

#[tokio::test]
async fn a_side_file_that_cannot_be_had_for_now_costs_the_poll() {
    let server = Server::start(|asked: &Asked| match (asked.path.as_str(), asked.nth) {
        ("/a.csv", _) => answer("200 OK", &["Last-Modified: Thu, 01 Jan 2032 10:00:00 GMT"], "1,Ann\n"),
        ("/add.csv", 0..3) => answer("503 Service Unavailable", &["Retry-After: 7"], ""),
        ("/add.csv", 3..5) => ok("<!doctype html><title>wait</title>"),
        _ => ok("1,Moscow\n"),
    })
    .await;
    let feed = list(&format!(
        "kind = \"http\"\nurl = \"{}\"\ninsecure = true\nallow = [\"127.0.0.1\"]\nbeside = [\"add.csv\", \"alt.csv\"]\n\
         published = \"last-modified\"\n",
        server.url("/a.csv")
    ));
    let log = memory();
    let mut poll = poller(&feed);
    let busy = degraded(poll.poll(&Cursor::Null, at(NOW)).await);
    assert_eq!(busy.retry_after, Some(std::time::Duration::from_secs(7)));
    assert!(busy.problem.to_string().contains("/add.csv"), "{}", busy.problem);
    let page = degraded(poll.poll(&Cursor::Null, at(NOW)).await).problem.to_string();
    assert!(page.contains("HTML"), "{page}");
    turn(&log, &feed, &mut *poll).await;
    assert_eq!(named(&facts(&log), "Ann").attributes["addresses"][0]["city"], "Moscow");
    assert!(poll.problems().is_empty());
}

#[tokio::test]
async fn what_states_no_date_counts_from_its_fetch_where_the_feed_file_says_so() {
    let server = Server::start(|_: &Asked| ok("1,Ann\n")).await;
    let connector = |published: &str| {
        list(&format!(
            "kind = \"http\"\nurl = \"{}\"\ninsecure = true\nallow = [\"127.0.0.1\"]\n{published}",
            server.url("/a.csv")
        ))
    };
    let log = memory();
    let feed = connector("published = \"fetched\"\n");
    turn(&log, &feed, &mut *poller(&feed)).await;
    assert_eq!(named(&facts(&log), "Ann").published_at, Some(Stamp::Instant(at(NOW))));
    // No date anywhere: refused, with what to do.
    let feed = connector("published = \"last-modified\"\n");
    let Ok(Polled::Found { source, cursor, .. }) = poller(&feed).poll(&Cursor::Null, at(NOW)).await else {
        panic!("found")
    };
    let refused = taken(&memory(), &feed, &source, cursor, &mut Vec::<Entry>::new()).unwrap_err();
    assert!(refused.to_string().contains("nothing says when"), "{refused}");
}

#[tokio::test]
async fn side_files_in_a_folder_come_with_their_list_and_are_no_lists() {
    let dir = tempfile::tempdir().unwrap();
    let feed = list(&format!(
        "kind = \"folder\"\npath = \"{}\"\npattern = \"*.csv\"\nsettle = \"rename\"\n",
        dir.path().display()
    ));
    for (name, text) in [("sdn.csv", "1,Ann\n"), ("ADD.csv", "1,Moscow\n")] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let mut poll = poller(&feed);
    let Ok(Polled::Found { mut source, cursor: next, more: false }) = poll.poll(&Cursor::Null, at(NOW)).await
    else {
        panic!("one list")
    };
    assert_eq!(source.name, "sdn.csv");
    // What is beside it may change from now on.
    fs::write(dir.path().join("ADD.csv"), "1,Omsk\n").unwrap();
    source.published_at = Some("2032-01-01".parse().unwrap());
    let log = memory();
    taken(&log, &feed, &source, next, &mut Vec::<Entry>::new()).unwrap();
    assert_eq!(named(&facts(&log), "Ann").attributes["addresses"][0]["city"], "Moscow");
    let known = cursor(&log, "wanted").unwrap();
    assert!(matches!(poll.poll(&known, at(NOW)).await, Ok(Polled::Unchanged { .. })));
}

#[test]
fn a_side_file_that_nobody_reads_is_a_finding() {
    let text = format!(
        "name = \"wanted\"\ntitle = \"t\"\nlicence = \"t\"\ncadence = \"irregular\"\n[connector]\nkind = \"http\"\n\
         url = \"https://example.org/a.csv\"\nbeside = [\"ADD.CSV\", \"other.csv\", \"../x\", \"add.csv\"]\n{DECODER}"
    );
    let problems = FeedSpec::parse("f.toml", &text).unwrap_err();
    let said: Vec<&str> = problems.0.iter().map(|p| p.message.as_str()).collect();
    assert!(said.contains(&"no [[join]] reads this file"), "{said:?}");
    assert!(said.contains(&"not the plain name of a file"), "{said:?}");
    assert!(said.contains(&"a file named twice"), "{said:?}");
}

#[tokio::test]
async fn the_bundled_us_list_is_fetched_with_its_side_files() {
    let fixture = |name: &str| fs::read(root().join("fixtures/feeds/ofac-sdn/2032-07").join(name)).unwrap();
    let server = Server::start(move |asked: &Asked| {
        let name = asked.path.rsplit('/').next().unwrap().to_lowercase();
        answer("200 OK", &["Last-Modified: Wed, 07 Jul 2032 12:00:00 GMT"], fixture(&name))
    })
    .await;
    let text = fs::read_to_string(root().join("config/feeds/ofac-sdn.toml")).unwrap();
    let here = format!("http://127.0.0.1:{}/exports", server.port);
    let text = text
        .replace("https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports", &here)
        .replace("kind = \"http\"\n", "kind = \"http\"\ninsecure = true\nallow = [\"127.0.0.1\"]\n");
    let feed = FeedSpec::parse("ofac-sdn.toml", &text).unwrap_or_else(|p| panic!("{p}"));
    let log = memory();
    let mut poll = poller(&feed);
    let report = turn(&log, &feed, &mut *poll).await;
    assert_eq!((report.records.mapped, report.records.quarantined, report.notes.len()), (6, 0, 0));
    assert_eq!(server.paths().len(), 4);
    assert_eq!(cursor(&log, "ofac-sdn").unwrap()["last_modified"], "Wed, 07 Jul 2032 12:00:00 GMT");
}
