//! One address, one source.

use std::time::Duration;

use bellwether_ingest::{Cursor, changed_at, fetched_at};

use super::server::{Asked, Do, Server, answer, head, ok, redirect};
use super::{at, degraded, found, local, poller, unchanged};

const NOW: &str = "2026-11-25T12:00:00Z";
/// Waits that end soon: every test that meets one waits for exactly this.
const SHORT: &str =
    "timeout = { connect = \"2s\", first_byte = \"200ms\", idle = \"200ms\", total = \"5s\" }\n";

fn chunked(pieces: &[u8]) -> Vec<Do> {
    let mut bytes = head("200 OK", &["Transfer-Encoding: chunked"], None);
    bytes.extend_from_slice(pieces);
    vec![Do::Send(bytes)]
}

fn cut(length: usize, body: &str) -> Vec<Do> {
    let mut bytes = head("200 OK", &[], Some(length));
    bytes.extend_from_slice(body.as_bytes());
    vec![Do::Send(bytes)]
}

fn hangs(length: usize, body: &str) -> Vec<Do> {
    let mut steps = cut(length, body);
    steps.push(Do::Hang);
    steps
}

#[tokio::test]
async fn r20_answers_that_cannot_be_trusted_degrade_and_the_next_good_one_is_taken() {
    type Case = (&'static str, fn() -> Vec<Do>);
    let cases: &[Case] = &[
        ("an HTML page in place of data", || ok("<!DOCTYPE html>\n<html><body>Please log in</body></html>")),
        ("an empty answer", || ok("")),
        ("cut short", || cut(1000, "half a file\n")),
        ("cut short", || chunked(b"5\r\nhello\r\n")),
        ("cut short", || chunked(b"zz\r\nhello\r\n")),
        ("cannot be reached", || vec![Do::Send(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())]),
        ("cannot be reached", Vec::new),
        ("no answer within 200ms", || vec![Do::Hang]),
        ("nothing came for 200ms", || hangs(1000, "half a file\n")),
        ("cannot be reached", || {
            let line = b"X-Pad: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n".to_vec();
            vec![Do::Send(b"HTTP/1.1 200 OK\r\n".to_vec()), Do::Endless(line)]
        }),
        ("answered 204", || answer("204 No Content", &[], "")),
        ("answered 206", || answer("206 Partial Content", &[], "part\n")),
        ("answered 304", || answer("304 Not Modified", &[], "")),
        ("answered 404 Not Found", || answer("404 Not Found", &[], "gone\n")),
        ("answered 401 Unauthorized", || answer("401 Unauthorized", &[], "who?\n")),
        ("answered 429", || answer("429 Too Many Requests", &["Retry-After: 120"], "slow down\n")),
        ("answered 500", || answer("500 Internal Server Error", &[], "oh\n")),
        ("answered 503", || answer("503 Service Unavailable", &[], "later\n")),
        ("in a coding that was not asked for", || {
            answer("200 OK", &["Content-Encoding: gzip"], "\x1f\u{8b}")
        }),
        ("longer than 2000 bytes", || ok("x".repeat(2001))),
        ("longer than 2000 bytes", || vec![Do::Send(head("200 OK", &[], Some(usize::MAX >> 2))), Do::Hang]),
        ("longer than 2000 bytes", || {
            vec![Do::Send(head("200 OK", &[], None)), Do::Endless(vec![b'x'; 500])]
        }),
    ];
    for (expected, script) in cases {
        let server = Server::start(move |asked: &Asked| match asked.nth {
            0 => ok("first\n"),
            1 => script(),
            _ => ok("second\n"),
        })
        .await;
        let feed = local(&server.url("/list.csv?key=s3cret"), &format!("max_bytes = 2000\n{SHORT}"));
        let mut poll = poller(&feed);
        let first = found(poll.poll(&Cursor::Null, at(NOW)).await);
        // Nothing conditional is asked, for no answer so far had a mark.
        let bad = degraded(poll.poll(&first.cursor, at(NOW)).await);
        let said = bad.problem.to_string();
        assert!(said.contains(expected), "{expected}: {said}");
        assert!(said.starts_with("fetched: connector.url: "), "{said}");
        assert!(said.contains("/list.csv?…") && !said.contains("s3cret"), "{said}");
        let asks = expected.contains("429").then(|| Duration::from_secs(120));
        assert_eq!(bad.retry_after, asks, "{expected}");
        let second = found(poll.poll(&first.cursor, at(NOW)).await);
        assert_eq!(
            (second.text.as_str(), second.name.as_str(), second.more),
            ("second\n", "list.csv", false)
        );
    }
}

#[tokio::test]
async fn r20_an_endless_body_ends_with_the_total_time() {
    let server =
        Server::start(|_| vec![Do::Send(head("200 OK", &[], None)), Do::Endless(vec![b'x'; 10])]).await;
    let mut poll = poller(&local(&server.url("/"), "timeout = { total = \"300ms\" }\n"));
    let said = degraded(poll.poll(&Cursor::Null, at(NOW)).await).problem.to_string();
    assert!(said.contains("not done within 300ms"), "{said}");
}

#[tokio::test]
async fn r20_a_source_that_is_not_there_is_degraded() {
    let server = Server::start(|_| ok("x")).await;
    let url = server.url("/");
    drop(server);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = format!("http://127.0.0.1:{}/", free.local_addr().unwrap().port());
    drop(free);
    let mut poll = poller(&local(&gone, SHORT));
    let said = degraded(poll.poll(&Cursor::Null, at(NOW)).await).problem.to_string();
    assert!(said.contains("Connection refused") && !said.contains(&url), "{said}");
    let mut poll = poller(&local("http://nowhere.invalid/", SHORT));
    let said = degraded(poll.poll(&Cursor::Null, at(NOW)).await).problem.to_string();
    assert!(said.contains("cannot be reached"), "{said}");
}

#[tokio::test]
async fn r20_retry_after_may_be_a_date() {
    let server = Server::start(|_| {
        let headers = ["Date: Wed, 25 Nov 2026 13:00:00 GMT", "Retry-After: Wed, 25 Nov 2026 13:05:00 GMT"];
        answer("503 Service Unavailable", &headers, "")
    })
    .await;
    let mut poll = poller(&local(&server.url("/"), ""));
    let bad = degraded(poll.poll(&Cursor::Null, at(NOW)).await);
    assert_eq!(bad.retry_after, Some(Duration::from_secs(300)));
}

#[tokio::test]
async fn what_was_not_changed_is_not_taken_and_ages() {
    let server = Server::start(|asked: &Asked| {
        let marks = ["ETag: \"v1\"", "Last-Modified: Tue, 24 Nov 2026 00:00:00 GMT"];
        match asked.nth {
            0 => answer("200 OK", &marks, "same\n"),
            1 => answer("304 Not Modified", &marks, ""),
            // New marks on old bytes: fresh transport is not fresh content.
            2 => answer("200 OK", &["ETag: \"v2\""], "same\n"),
            _ => answer("200 OK", &["ETag: \"v3\""], "other\n"),
        }
    })
    .await;
    let mut poll = poller(&local(&server.url("/f"), ""));
    let [t0, t1, t2, t3] = [1, 2, 3, 4].map(|day| at(&format!("2026-11-0{day}T00:00:00Z")));
    let first = found(poll.poll(&Cursor::Null, t0).await).cursor;
    let second = unchanged(poll.poll(&first, t1).await);
    let third = unchanged(poll.poll(&second, t2).await);
    assert_eq!((changed_at(&third), fetched_at(&third)), (Some(t0), Some(t2)));
    let fourth = found(poll.poll(&third, t3).await);
    assert_eq!((fourth.text.as_str(), changed_at(&fourth.cursor)), ("other\n", Some(t3)));
    let asked = server.asked();
    let says = |n: usize, what: &str| asked[n].head.contains(what);
    assert!(!says(0, "if-none-match") && says(0, "accept-encoding: identity"));
    assert!(says(1, "if-none-match: \"v1\"") && says(1, "if-modified-since: tue, 24 nov 2026"));
    assert!(says(3, "if-none-match: \"v2\"") && !says(3, "if-modified-since"));
    // Another address has another past.
    let mut other = poller(&local(&server.url("/g"), ""));
    found(other.poll(&fourth.cursor, t3).await);
    assert!(!server.asked()[4].head.contains("if-none-match"));
}

#[tokio::test]
async fn a_cursor_that_makes_no_sense_is_no_cursor() {
    let server = Server::start(|_| ok("x\n")).await;
    for cursor in
        [serde_json::json!(7), serde_json::json!({"of": 1}), serde_json::json!({"file": "f", "line": 2})]
    {
        found(poller(&local(&server.url("/"), "")).poll(&cursor, at(NOW)).await);
    }
}

#[tokio::test]
async fn r19_redirects_are_checked_at_each_hop() {
    let cases = [
        ("http://127.0.0.2:PORT/x", "127.0.0.2 is 127.0.0.2, no public address"),
        ("http://169.254.169.254/latest/meta-data/", "169.254.169.254, no public address"),
        ("http://10.1.2.3/", "10.1.2.3, no public address"),
        ("http://192.168.0.1/", "192.168.0.1, no public address"),
        ("http://100.100.100.200/", "100.100.100.200, no public address"),
        ("http://[::1]:PORT/", "::1, no public address"),
        ("http://[fd00:ec2::254]/", "fd00:ec2::254, no public address"),
        ("http://[::ffff:10.0.0.1]/", "10.0.0.1, no public address"),
        ("http://0x0a.1/", "10.0.0.1, no public address"),
        ("http://0/", "0.0.0.0, no public address"),
        ("file:///etc/passwd", "neither http nor https"),
        ("ftp://127.0.0.1/", "neither http nor https"),
        ("gopher://127.0.0.1:PORT/_GET", "neither http nor https"),
        ("http://me:pw@127.0.0.1:PORT/x", "a name or password in the address"),
        ("http://[", "a redirect without an address"),
        ("", "a redirect without an address"),
        ("/again", "more than 3 redirects"),
    ];
    for (to, expected) in cases {
        let server = Server::start(move |asked: &Asked| {
            let port =
                asked.head.split("host: 127.0.0.1:").nth(1).and_then(|h| h.split('\r').next()).unwrap_or("1");
            redirect(&to.replace("PORT", port))
        })
        .await;
        let mut poll = poller(&local(&server.url("/x"), "max_redirects = 3\n"));
        let said = degraded(poll.poll(&Cursor::Null, at(NOW)).await).problem.to_string();
        assert!(said.contains(expected), "{to}: {said}");
        assert!(!said.contains("pw"), "{said}");
        let hops = if to == "/again" { 4 } else { 1 };
        assert_eq!(server.asked().len(), hops, "{to}");
    }
}

#[tokio::test]
async fn r19_a_redirect_to_an_allowed_place_is_followed() {
    let server = Server::start(|asked: &Asked| match asked.path.as_str() {
        "/a" => redirect("b"),
        "/b" => answer("308 Permanent Redirect", &["Location: /c?token=1"], ""),
        _ => ok("there\n"),
    })
    .await;
    let got = found(poller(&local(&server.url("/a"), "")).poll(&Cursor::Null, at(NOW)).await);
    assert_eq!((got.text.as_str(), got.name.as_str()), ("there\n", "a"), "named after what was asked for");
}

#[tokio::test]
async fn r19_nothing_private_is_asked_unless_the_feed_allows_it() {
    let server = Server::start(|_| ok("x\n")).await;
    for host in ["127.0.0.1", "localhost", "127.1", "2130706433"] {
        let feed = super::feed(&format!(
            "kind = \"http\"\nurl = \"http://{host}:{}/\"\ninsecure = true\n",
            server.port
        ));
        let said = degraded(poller(&feed).poll(&Cursor::Null, at(NOW)).await).problem.to_string();
        assert!(said.contains("no public address") && said.contains("allow = "), "{host}: {said}");
    }
    assert_eq!(server.asked().len(), 0);
}

#[tokio::test]
async fn r28_secrets_go_to_their_origin_and_nowhere_else() {
    let other = Server::start(|_| ok("x\n")).await;
    let to = other.url("/elsewhere");
    let server = Server::start(move |asked: &Asked| match asked.path.as_str() {
        "/a" => redirect("/b"),
        _ => redirect(&to),
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    std::fs::write(&path, "hunter2\n").unwrap();
    let more = format!(
        "[connector.headers]\nAuthorization = {{ file = \"{}\", prefix = \"Bearer \" }}\n",
        path.display()
    );
    let feed = local(&server.url("/a"), &more);
    let mut poll = poller(&feed);
    let got = found(poll.poll(&Cursor::Null, at(NOW)).await);
    let heads: Vec<bool> =
        server.asked().iter().map(|a| a.head.contains("authorization: bearer hunter2")).collect();
    assert_eq!(heads, [true, true]);
    assert!(!other.asked()[0].head.contains("hunter2"));
    assert!(!format!("{feed:?} {got:?}").contains("hunter2"));
    std::fs::remove_file(&path).unwrap();
    let said = degraded(poll.poll(&Cursor::Null, at(NOW)).await).problem.to_string();
    assert!(said.contains("holds no secret"), "{said}");
}

#[tokio::test]
async fn publication_may_come_from_the_transport() {
    use bellwether_ingest::Polled;
    let server =
        Server::start(|_| answer("200 OK", &["Last-Modified: Tue, 24 Nov 2026 01:02:03 GMT"], "x")).await;
    for (more, expected) in [("published = \"last-modified\"\n", Some("2026-11-24T01:02:03Z")), ("", None)] {
        let mut poll = poller(&local(&server.url("/d/e.csv?q=1"), more));
        let Ok(Polled::Found { source, .. }) = poll.poll(&Cursor::Null, at(NOW)).await else {
            panic!("not found")
        };
        assert_eq!(source.published_at.map(|p| p.to_string()).as_deref(), expected);
        assert_eq!(source.uri, Some(server.url("/d/e.csv")));
    }
}

#[tokio::test]
async fn an_empty_answer_may_mean_nothing_new() {
    let server = Server::start(|_| ok("")).await;
    let mut poll = poller(&local(&server.url("/"), "allow_empty = true\n"));
    unchanged(poll.poll(&Cursor::Null, at(NOW)).await);
}
