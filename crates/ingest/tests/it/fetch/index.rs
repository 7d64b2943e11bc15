//! A list that names sources.

use std::sync::{Arc, Mutex};

use bellwether_ingest::{Cursor, Poll, Polled};
use bellwether_model::Problem;

use super::server::{Asked, Do, Server, answer, ok};
use super::{Found, at, degraded, found, local, poller, unchanged};

const NOW: &str = "2026-11-25T12:00:00Z";

const LINES: &str = r#"
[connector.index]
kind = "lines"
pattern = '^(?<size>\d+) (?<md5>[0-9a-f]{32}) (?<url>\S+/(?<stamp>\d{14})\.export\.csv)$'
stamp = "%Y%m%d%H%M%S"
"#;

/// MD5 of `a\n`, which every source here holds.
const MD5: &str = "60b725f10c9c85c70d97880dfe8191b3";

/// A server whose index can be rewritten between polls; files answer `a\n` unless named otherwise.
struct Site {
    server: Server,
    index: Arc<Mutex<String>>,
}

impl Site {
    async fn new(file: impl Fn(&Asked) -> Vec<Do> + Send + Sync + 'static) -> Self {
        let index = Arc::new(Mutex::new(String::new()));
        let shown = Arc::clone(&index);
        let server = Server::start(move |asked: &Asked| {
            if asked.path == "/index" { ok(shown.lock().unwrap().as_bytes()) } else { file(asked) }
        })
        .await;
        Self { server, index }
    }

    /// Lists files by their stamps, among lines of other kinds.
    fn list(&self, stamps: &[&str]) {
        let lines = stamps.iter().map(|s| {
            format!(
                "2 {MD5} {}\n3 {MD5} http://x/{s}.mentions.csv\n",
                self.server.url(&format!("/{s}.export.csv"))
            )
        });
        *self.index.lock().unwrap() = lines.collect();
    }

    fn poller(&self, more: &str) -> Box<dyn Poll> {
        poller(&local(&self.server.url("/index"), &format!("published = \"stamp\"\n{LINES}{more}")))
    }
}

/// Polls until there is nothing more and answers what was found.
async fn drain(poll: &mut dyn Poll, cursor: &mut Cursor) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        match poll.poll(cursor, at(NOW)).await.unwrap() {
            Polled::Unchanged { cursor: new } => {
                *cursor = new;
                return names;
            }
            polled => {
                let Found { name, cursor: new, more, .. } = found(Ok(polled));
                names.push(name.replace(".export.csv", ""));
                *cursor = new;
                if !more {
                    return names;
                }
            }
        }
    }
}

const A: &str = "20261125000000";
const B: &str = "20261125001500";
const C: &str = "20261125003000";
const D: &str = "20261125004500";

#[tokio::test]
async fn sources_come_in_the_order_of_their_stamps_once_each() {
    let site = Site::new(|_| ok("a\n")).await;
    let mut poll = site.poller("");
    let mut cursor = Cursor::Null;
    site.list(&[C, A, B, B]);
    assert_eq!(drain(&mut *poll, &mut cursor).await, [A, B, C]);
    assert_eq!(
        site.server.paths(),
        ["/index", &format!("/{A}.export.csv"), &format!("/{B}.export.csv"), &format!("/{C}.export.csv")],
        "the index is asked once for all of them"
    );
    assert!(drain(&mut *poll, &mut cursor).await.is_empty());
    site.list(&[C, D]);
    assert_eq!(drain(&mut *poll, &mut cursor).await, [D]);
    // Back in time: nothing of it is new.
    site.list(&[A, B]);
    assert!(drain(&mut *poll, &mut cursor).await.is_empty());
    // A fresh start goes on where the cursor says.
    let mut restarted = site.poller("");
    site.list(&[A, B, C, D]);
    assert!(drain(&mut *restarted, &mut cursor).await.is_empty());
    assert!(poll.problems().is_empty());
}

#[tokio::test]
async fn equal_stamps_are_all_taken_also_one_that_comes_later() {
    let site = Site::new(|_| ok("a\n")).await;
    let mut poll = site.poller("");
    let mut cursor = Cursor::Null;
    let line = |part: &str| format!("2 {MD5} {}\n", site.server.url(&format!("/{part}/{A}.export.csv")));
    *site.index.lock().unwrap() = line("one") + &line("two");
    assert_eq!(drain(&mut *poll, &mut cursor).await, [A, A]);
    *site.index.lock().unwrap() = line("one") + &line("two") + &line("three");
    assert_eq!(drain(&mut *poll, &mut cursor).await, [A]);
    assert_eq!(site.server.paths().last().unwrap(), &format!("/three/{A}.export.csv"));
}

#[tokio::test]
async fn a_stamp_ahead_waits_until_it_is_due() {
    let site = Site::new(|_| ok("a\n")).await;
    let mut poll = site.poller("");
    site.list(&[A, "20261125120001"]);
    let mut cursor = Cursor::Null;
    assert_eq!(drain(&mut *poll, &mut cursor).await, [A]);
    let due = found(poll.poll(&cursor, at("2026-11-25T12:00:01Z")).await);
    assert_eq!(due.name, "20261125120001.export.csv");
}

#[tokio::test]
async fn r20_a_missing_or_damaged_source_is_tried_again_then_given_up_and_the_others_go_on() {
    for (expected, bad) in [
        ("answered 404", (|| answer("404 Not Found", &[], "no")) as fn() -> Vec<Do>),
        ("not the MD5 that the index states", || ok("b\n")),
        ("3 bytes where the index says 2", || ok("abc")),
        ("an HTML page", || ok("<html>")),
    ] {
        let site = Site::new(move |asked| if asked.path.contains(B) { bad() } else { ok("a\n") }).await;
        site.list(&[A, B, C]);
        let mut poll = site.poller("tries = 3\n");
        let first = found(poll.poll(&Cursor::Null, at(NOW)).await);
        for _ in 0..2 {
            let said = degraded(poll.poll(&first.cursor, at(NOW)).await).problem.to_string();
            assert!(said.contains(expected), "{said}");
            assert!(poll.problems().is_empty());
        }
        // The index forgets it meanwhile: it is still owed.
        site.list(&[C]);
        let next = found(poll.poll(&first.cursor, at(NOW)).await);
        assert_eq!(next.name, format!("{C}.export.csv"));
        assert_eq!(next.cursor["skipped"], 1);
        let problems = poll.problems();
        let said = problems[0].to_string();
        assert!(problems.len() == 1 && said.contains("given up after 3 tries") && said.contains(B), "{said}");
        assert!(said.contains(expected), "{said}");
        assert!(poll.problems().is_empty());
    }
}

#[tokio::test]
async fn r20_a_server_that_is_busy_costs_no_source() {
    let site = Site::new(|asked| match asked.nth {
        n if n < 12 => answer("503 Service Unavailable", &["Retry-After: 7"], ""),
        _ => ok("a\n"),
    })
    .await;
    site.list(&[A]);
    let mut poll = site.poller("tries = 1\n");
    for _ in 0..6 {
        let bad = degraded(poll.poll(&Cursor::Null, at(NOW)).await);
        assert_eq!(bad.retry_after.map(|d| d.as_secs()), Some(7));
    }
    assert_eq!(drain(&mut *poll, &mut Cursor::Null).await, [A]);
    assert!(poll.problems().is_empty());
}

#[tokio::test]
async fn a_source_that_was_refused_when_it_was_taken_is_given_up_after_its_tries() {
    let site = Site::new(|_| ok("a\n")).await;
    site.list(&[A, B]);
    let mut poll = site.poller("tries = 2\n");
    let why = Problem::new("the header lacks a column", "look");
    for _ in 0..2 {
        assert_eq!(found(poll.poll(&Cursor::Null, at(NOW)).await).name, format!("{A}.export.csv"));
        poll.refused(&why);
    }
    assert_eq!(found(poll.poll(&Cursor::Null, at(NOW)).await).name, format!("{B}.export.csv"));
    assert!(poll.problems()[0].to_string().contains("the header lacks a column"));
    // Without being told, as when the log took nothing, the same one comes again.
    for _ in 0..5 {
        assert_eq!(found(poll.poll(&Cursor::Null, at(NOW)).await).name, format!("{B}.export.csv"));
    }
}

#[tokio::test]
async fn a_long_absence_is_caught_up_to_a_limit_and_the_gap_is_stated() {
    let site = Site::new(|_| ok("a\n")).await;
    let mut poll = site.poller("newest = 2\n");
    let mut cursor = Cursor::Null;
    site.list(&[A, B, C]);
    // At the start there is nothing to miss.
    assert_eq!(drain(&mut *poll, &mut cursor).await, [B, C]);
    assert!(poll.problems().is_empty());
    let later = ["20261125010000", "20261125011500", "20261125013000", "20261125014500"];
    site.list(&later);
    assert_eq!(drain(&mut *poll, &mut cursor).await, later[2..]);
    let said = poll.problems()[0].to_string();
    let gap = "2 sources of 2026-11-25 01:00:00 UTC to 2026-11-25 01:15:00 UTC are given up";
    assert!(said.contains(gap), "{said}");
}

#[tokio::test]
async fn an_index_of_another_form_degrades() {
    let site = Site::new(|_| ok("a\n")).await;
    let long = "x".repeat(70_000);
    for (text, expected) in [
        ("moved to another place\n", "the index names no source"),
        (long.as_str(), "a line too long"),
        ("<html>", "an HTML page"),
        ("", "an empty answer"),
    ] {
        text.clone_into(&mut site.index.lock().unwrap());
        let said = degraded(site.poller("").poll(&Cursor::Null, at(NOW)).await).problem.to_string();
        assert!(said.contains(expected), "{said}");
    }
}

#[tokio::test]
async fn r19_sources_of_an_index_are_checked_like_any_address() {
    let site = Site::new(|_| ok("a\n")).await;
    for (url, expected) in [
        ("file:///etc", "neither http nor https"),
        ("http://169.254.169.254", "no public address"),
        ("http://127.0.0.3", "no public address"),
    ] {
        *site.index.lock().unwrap() = format!("2 {MD5} {url}/{A}.export.csv\n");
        let said = degraded(site.poller("").poll(&Cursor::Null, at(NOW)).await).problem.to_string();
        assert!(said.contains(expected), "{said}");
    }
    assert!(site.server.paths().iter().all(|p| p == "/index"));
}

#[tokio::test]
async fn odd_lines_are_told_once_and_cost_only_themselves() {
    let site = Site::new(|_| ok("a\n")).await;
    site.list(&["20261399000000", A]);
    let mut poll = site.poller("");
    let mut cursor = Cursor::Null;
    assert_eq!(drain(&mut *poll, &mut cursor).await, [A]);
    assert!(poll.problems()[0].to_string().contains("not a stamp (found `20261399000000`)"));
    assert!(drain(&mut *poll, &mut cursor).await.is_empty());
    assert!(poll.problems().is_empty());
}

#[tokio::test]
async fn a_json_map_names_sources_and_empty_ones_are_genuine() {
    let server = Server::start(|asked: &Asked| match asked.path.as_str() {
        "/delta.json" => ok(
            r#"{"versions": {"20261124120000-abc": "deltas/2.json", "20261123120000-xyz": "/deltas/1.json",
            "20261125130000-new": "deltas/3.json"}}"#,
        ),
        "/deltas/1.json" => ok("{\"op\":\"ADD\"}\n"),
        _ => ok(""),
    })
    .await;
    let index = "allow_empty = true\n[connector.index]\nkind = \"json-map\"\nat = \"/versions\"\nstamp = \"%Y%m%d%H%M%S\"\n";
    let mut poll = poller(&local(&server.url("/delta.json"), index));
    let first = found(poll.poll(&Cursor::Null, at(NOW)).await);
    assert_eq!((first.name.as_str(), first.more), ("1.json", true));
    let cursor = unchanged(poll.poll(&first.cursor, at(NOW)).await);
    assert_eq!(cursor["last"], "2026-11-24T12:00:00Z");
    assert_eq!(server.paths(), ["/delta.json", "/deltas/1.json", "/deltas/2.json"]);
    for (text, expected) in
        [("{}", "no object at \"/versions\""), ("[", "no JSON"), ("{\"versions\":{}}", "names no source")]
    {
        let server = Server::start(move |_| ok(text)).await;
        let mut poll = poller(&local(&server.url("/delta.json"), index));
        let said = degraded(poll.poll(&Cursor::Null, at(NOW)).await).problem.to_string();
        assert!(said.contains(expected), "{said}");
    }
}

#[tokio::test]
async fn an_index_that_did_not_change_is_not_sent_again() {
    let server = Server::start(|asked: &Asked| {
        let mark = ["ETag: \"i\""];
        match asked.path.as_str() {
            "/index" if asked.head.contains("if-none-match: \"i\"") => answer("304 Not Modified", &mark, ""),
            "/index" => {
                let host = asked.head.split("host: ").nth(1).and_then(|h| h.split('\r').next()).unwrap();
                answer("200 OK", &mark, format!("2 {MD5} http://{host}/{A}.export.csv\n"))
            }
            _ => ok("a\n"),
        }
    })
    .await;
    let mut poll = poller(&local(&server.url("/index"), LINES));
    let first = found(poll.poll(&Cursor::Null, at(NOW)).await);
    unchanged(poll.poll(&first.cursor, at(NOW)).await);
    // A cursor that went back, as after a restore: the whole list is asked for again.
    assert_eq!(found(poll.poll(&Cursor::Null, at(NOW)).await).text, "a\n");
}

#[tokio::test]
async fn what_the_short_list_lacks_is_looked_up_in_the_long_one() {
    let lists = Arc::new(Mutex::new([vec![A], vec![]]));
    let shown = Arc::clone(&lists);
    let server = Server::start(move |asked: &Asked| {
        let host = asked.head.split("host: ").nth(1).and_then(|h| h.split('\r').next()).unwrap();
        let which = match asked.path.as_str() {
            "/short" => 0,
            "/long" => 1,
            _ => return ok("a\n"),
        };
        let lines = shown.lock().unwrap()[which]
            .iter()
            .map(|s| format!("2 {MD5} http://{host}/{s}.export.csv\n"))
            .collect::<String>();
        ok(lines)
    })
    .await;
    for catch_up in [true, false] {
        *lists.lock().unwrap() = [vec![A], vec![]];
        let more = if catch_up { format!("catch_up = \"{}\"\n", server.url("/long")) } else { String::new() };
        let mut poll = poller(&local(&server.url("/short"), &format!("{LINES}step = \"15m\"\n{more}")));
        let mut cursor = Cursor::Null;
        assert_eq!(drain(&mut *poll, &mut cursor).await, [A]);
        // Two turns were slept through.
        *lists.lock().unwrap() = [vec![D], vec![A, B, C, D]];
        server.paths();
        let expected: &[&str] = if catch_up { &[B, C, D] } else { &[D] };
        assert_eq!(drain(&mut *poll, &mut cursor).await, expected);
        let said: Vec<String> = poll.problems().iter().map(ToString::to_string).collect();
        assert_eq!(server.paths().contains(&"/long".to_owned()), catch_up);
        if catch_up {
            assert_eq!(said, Vec::<String>::new());
        } else {
            let gap = "no source between 2026-11-25 00:00:00 UTC and 2026-11-25 00:45:00 UTC is listed";
            assert!(said.len() == 1 && said[0].contains(gap), "{said:?}");
        }
    }
}

/// On the manifests and deltas that a publisher's own client is tested with, read in place: their addresses alone are
/// turned to the server of this test.
#[tokio::test]
async fn real_manifests_and_deltas_some_of_them_empty() {
    let folder = crate::support::root().join("../shared/data/opensanctions/ftm_delta_fixture");
    if !folder.exists() {
        eprintln!("skipped: {} is not there", folder.display());
        return;
    }
    let vintage = Arc::new(Mutex::new("t1"));
    let shown = Arc::clone(&vintage);
    let server = Server::start(move |asked: &Asked| {
        let folder = folder.join(*shown.lock().unwrap());
        if asked.path == "/delta.json" {
            let host = asked.head.split("host: ").nth(1).and_then(|h| h.split('\r').next()).unwrap();
            let text = std::fs::read_to_string(folder.join("delta.json")).unwrap();
            let here = format!("http://{host}/");
            ok(text.replace("https://data.opensanctions.org/artifacts/sanctions/", &here))
        } else {
            ok(std::fs::read(folder.join(asked.path.trim_start_matches('/'))).unwrap())
        }
    })
    .await;
    let index = "allow_empty = true\n[connector.index]\nkind = \"json-map\"\nat = \"/versions\"\nstamp = \"%Y%m%d%H%M%S\"\n";
    let mut poll = poller(&local(&server.url("/delta.json"), index));
    let mut cursor = Cursor::Null;
    assert!(drain(&mut *poll, &mut cursor).await.is_empty(), "the only delta holds nothing");
    *vintage.lock().unwrap() = "t2";
    assert_eq!(
        drain(&mut *poll, &mut cursor).await,
        ["20240527194702-wnk", "20240528014702-pfh", "20240528074703-npf", "20240528134729-3iv"]
            .map(|version| format!("{version}/entities.delta.json"))
    );
    *vintage.lock().unwrap() = "t1";
    assert!(drain(&mut *poll, &mut cursor).await.is_empty(), "a manifest that goes back is harmless");
}
