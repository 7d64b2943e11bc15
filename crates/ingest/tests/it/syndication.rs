//! Items of feeds: ids, dates, links and titles.

use bellwether_ingest::FeedSpec;

use crate::documents::{outcome, refuses};
use crate::support::{facts, memory, run};

const FEED: &str = r#"
name = "t"
title = "t"
licence = "t"
cadence = "daily"
[connector]
kind = "file"
[decoder]
kind = "syndication"
ZONE
[[fact]]
type = "'visit.held'"
key = "record.id"
valid_start = "record.day == '' ? '2020-01-01' : record.day"
note = "phrase([record.title, record.published, record.summary, record.link], ' | ')"
"#;

fn spec(zone: &str) -> FeedSpec {
    let zone = if zone.is_empty() { String::new() } else { format!("zone = \"{zone}\"") };
    FeedSpec::parse("t.toml", &FEED.replace("ZONE", &zone)).unwrap_or_else(|p| panic!("{p}"))
}

/// Note and day of one item, or why it is held.
fn read(spec: &FeedSpec, document: &str) -> Result<(String, String), String> {
    let log = memory();
    let done = run(&log, spec, "f", document);
    match (facts(&log).pop(), done.held.first()) {
        (Some(fact), None) => {
            Ok((fact.note.unwrap_or_default(), fact.valid.start.format("%Y-%m-%d").to_string()))
        }
        (_, held) => Err(held.map(|e| e.reason.clone()).unwrap_or_default()),
    }
}

fn rss(inside: &str) -> String {
    format!("<rss version='2.0'><channel><title>c</title><item>{inside}</item></channel></rss>")
}

/// The moment and the day of a date, with a zone in the feed file or without.
fn date(written: &str, zone: &str) -> Result<(String, String), String> {
    read(&spec(zone), &rss(&format!("<guid>g</guid><pubDate>{written}</pubDate>")))
}

#[test]
fn dates_count_as_written_or_hold_their_item() {
    for (written, at, day) in [
        ("Sat, 31 Jan 2026 10:00:00 +0800", "2026-01-31T02:00:00Z", "2026-01-31"),
        ("Sat, 31 Jan 2026 10:00 GMT", "2026-01-31T10:00:00Z", "2026-01-31"),
        ("31 Jan 2026 10:00:00 UT", "2026-01-31T10:00:00Z", "2026-01-31"),
        ("Sat,  31 Jan\n 2026 10:00:00 Z", "2026-01-31T10:00:00Z", "2026-01-31"),
        ("Sat, 31 Jan 2026 22:00:00 EST", "2026-02-01T03:00:00Z", "2026-01-31"),
        ("2026-01-31T23:30:00+08:00", "2026-01-31T15:30:00Z", "2026-01-31"),
        ("2026-01-31T23:30:00.5Z", "2026-01-31T23:30:00.500Z", "2026-01-31"),
        ("2026-01-31 23:30:00 +0800", "2026-01-31T15:30:00Z", "2026-01-31"),
        ("2026-01-31T10:00Z", "2026-01-31T10:00:00Z", "2026-01-31"),
        ("2026-01-31", "2026-01-31", "2026-01-31"),
        // The end of the day, which is the next.
        ("Sat, 31 Jan 2026 24:00:00 GMT", "2026-02-01", "2026-02-01"),
        ("Sat, 31 Jan 2026 24:00:00 +0800", "2026-01-31T16:00:00Z", "2026-02-01"),
        ("2026-12-31T24:00:00-05:00", "2027-01-01T05:00:00Z", "2027-01-01"),
        ("2028-02-28T24:00Z", "2028-02-29", "2028-02-29"),
    ] {
        assert_eq!(date(written, ""), Ok((at.to_owned(), day.to_owned())), "{written}");
    }
    for (written, says) in [
        ("Sat, 31 Jan 2026 10:00:00", "without a zone"),
        ("2026-01-31T10:00:00", "without a zone"),
        ("2026-01-31 24:00:00", "without a zone"),
        ("Sat, 31 Jan 2026 10:00:00 MSK", "zone that is not known"),
        ("Sat, 31 Jan 2026 10:00:00 A", "zone that is not known"),
        ("Sun, 31 Jan 2026 10:00:00 GMT", "not a date"),
        ("31/01/2026", "not a date"),
        ("Sat, 31 Jan 2026 24:00:01 GMT", "not a date"),
        ("Sat, 31 Jan 2026 25:00:00 GMT", "not a date"),
        ("30 Feb 2026 10:00:00 GMT", "not a date"),
        ("yesterday", "not a date"),
        ("1769850000", "not a date"),
    ] {
        let held = date(written, "").unwrap_err();
        assert!(held.contains(says) && held.starts_with("published"), "{written}: {held}");
    }
}

#[test]
fn a_zone_of_the_feed_file_is_for_dates_that_state_none() {
    for (written, at, day) in [
        ("Sat, 31 Jan 2026 02:00:00", "2026-01-30T18:00:00Z", "2026-01-31"),
        ("2026-01-31 24:00:00", "2026-01-31T16:00:00Z", "2026-02-01"),
        // China Standard Time is not that of Chicago.
        ("Sat, 31 Jan 2026 02:00:00 CST", "2026-01-30T18:00:00Z", "2026-01-31"),
        ("Sat, 31 Jan 2026 02:00:00 GMT", "2026-01-31T02:00:00Z", "2026-01-31"),
        ("Sat, 31 Jan 2026 02:00:00 +0300", "2026-01-30T23:00:00Z", "2026-01-31"),
    ] {
        assert_eq!(date(written, "+08:00"), Ok((at.to_owned(), day.to_owned())), "{written}");
    }
    let bad = FeedSpec::parse("t.toml", &FEED.replace("ZONE", "zone = \"Moscow\"")).unwrap_err();
    assert_eq!((bad.0[0].line, bad.0.len()), (10, 1), "{bad}");
}

/// Reliability row 22: what a title holds is text, decoded once, and never markup.
#[test]
fn r22_titles_are_plain_text() {
    for (written, shown) in [
        ("A &amp;amp; B", "A & B"),
        ("&lt;b&gt;Bold&lt;/b&gt;face &lt;br/&gt;next", "Boldface next"),
        ("<![CDATA[x <i>y</i> &laquo;z&raquo; &#8212; &nbsp;w]]>", "x y «z» — w"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;after", "after"),
        ("&lt;SCRIPT src=x&gt;alert(1)", ""),
        ("&lt;img src=x onerror=alert(1)&gt;after", "after"),
        ("&lt;!-- &lt;b&gt; --&gt;after", "after"),
        ("5 &lt; 6 &amp;lt; 7", "5 < 6 < 7"),
        // Twice in disguise: the second layer is text that says so.
        ("&amp;lt;b&amp;gt;", "<b>"),
        ("&amp;amp;lt;b&amp;amp;gt;", "&lt;b&gt;"),
        ("line\n  two\t&#9;three", "line two three"),
        ("&lt;style&gt;b{}&lt;/style&gt;&lt;p&gt;one&lt;/p&gt;&lt;p&gt;two&lt;/p&gt;", "one two"),
        ("&lt;scripture&gt;kept", "kept"),
        ("unclosed &lt;b", "unclosed"),
        ("Россия и Китай 俄罗斯", "Россия и Китай 俄罗斯"),
    ] {
        let (note, _) = read(&spec(""), &rss(&format!("<guid>g</guid><title>{written}</title>"))).unwrap();
        assert_eq!(note, shown, "{written}");
    }
    // Atom says what it is.
    let atom = |title: &str| format!("<feed><entry><id>g</id>{title}</entry></feed>");
    for (title, shown) in [
        ("<title>a &lt;b&gt; &amp;amp; c</title>", "a <b> &amp; c"),
        ("<title type='text'>a &lt;b&gt;</title>", "a <b>"),
        ("<title type='html'>a &lt;b&gt;x&lt;/b&gt; &amp;amp; c</title>", "a x & c"),
        ("<title type='xhtml'><div>a <b>x <i>y</i></b> z</div></title>", "a x y z"),
    ] {
        assert_eq!(read(&spec(""), &atom(title)).unwrap().0, shown, "{title}");
    }
}

#[test]
fn r22_only_web_links_are_links_and_only_they_stand_in_for_an_id() {
    for link in [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "//example.org/x",
        "/x",
        "ftp://example.org/x",
    ] {
        let (note, _) = read(&spec(""), &rss(&format!("<guid>g</guid><link>{link}</link>"))).unwrap();
        assert_eq!(note, "", "{link}");
        let held = read(&spec(""), &rss(&format!("<title>t</title><link>{link}</link>"))).unwrap_err();
        assert!(held.contains("neither an id nor a web link"), "{link}: {held}");
    }
    let (note, _) = read(&spec(""), &rss("<link> HTTPS://example.org/x?a=1&amp;b=2 </link>")).unwrap();
    assert_eq!(note, "HTTPS://example.org/x?a=1&b=2");
    assert_eq!(outcome(&spec(""), rss("<link>https://example.org/x</link>")).0, ["https://example.org/x"]);
    assert_eq!(
        outcome(
            &spec(""),
            rss("<guid isPermaLink='false'>https://example.org/g</guid><link>https://example.org/x</link>")
        )
        .0,
        ["https://example.org/g"]
    );
    assert_eq!(
        outcome(&spec(""), rss("<guid/><link>https://example.org/x</link>")).0,
        ["https://example.org/x"]
    );
    let held = read(&spec(""), &rss("")).unwrap_err();
    assert!(held.contains("neither an id"), "{held}");
}

/// The same feed twice gives the same ids: nothing comes from a clock or at random.
#[test]
fn items_are_the_same_whenever_they_are_read() {
    let document = rss("<title>t</title><link>https://example.org/x</link>");
    let ids = || {
        let log = memory();
        run(&log, &spec(""), "f", document.clone());
        facts(&log).into_iter().map(|f| f.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(), ids());
}

#[test]
fn one_broken_item_loses_itself_only() {
    for broken in [
        "<item><title>a <b>open</title><guid>x</guid></item>",
        "<item><title>a & b</title><guid>x</guid></item>",
        "<item><title>a < b</title><guid>x</guid></item>",
        "<item><title>a <\"b</title><guid>x</guid></item>",
        "<item><title>a</title><guid>x</guid>",
        "<item></guid></title></item>",
        "<item><title a=>x</title><guid>x</guid></item>",
        "<item><guid>x</guid><title>&nbsp;</title></item>",
        "<item><guid>x</guid><title>]]></title></x></item>",
    ] {
        let document = format!(
            "<rss><channel><title>c</title><item><guid>1</guid></item>{broken}<item><guid>2</guid></item></channel></rss>"
        );
        let (keys, held) = outcome(&spec(""), document);
        assert_eq!((keys, held.len()), (vec!["1".to_owned(), "2".to_owned()], 1), "{broken}");
    }
    // The last one without its end: what closes the channel is not swallowed.
    let document = "<rss><channel><item><guid>1</guid></item><item><guid>x</guid></channel></rss>";
    assert_eq!(outcome(&spec(""), document), (vec!["1".to_owned()], vec![1]));
    let mut bytes = rss("<guid>1</guid><title>\u{fffd}</title>").replace('\u{fffd}', "\x01").into_bytes();
    assert_eq!(outcome(&spec(""), bytes.clone()).1, [1]);
    for byte in &mut bytes {
        if *byte == 1 {
            *byte = 0xff;
        }
    }
    assert_eq!(outcome(&spec(""), bytes).1, [1], "one byte in another encoding");
}

#[test]
fn what_is_no_feed_is_refused() {
    refuses(&spec(""), "<opml><body><outline/></body></opml>", "the root is not rss or RDF or feed");
    refuses(&spec(""), "title,link\na,b\n", "no XML");
    refuses(&spec(""), "{\"version\":\"x\"}", "nothing at items");
    refuses(&spec(""), "[]", "not a list");
    refuses(&spec(""), "<!DOCTYPE html><html></html>", "web page");
}
