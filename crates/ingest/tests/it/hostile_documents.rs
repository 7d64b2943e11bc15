//! Reliability row 17 for documents: bombs of entities, depth, attributes and length end in bounded time and memory,
//! and cost a record or the document, never more.

use std::io::Read;

use bellwether_ingest::{Entry, Input, Options, ingest};
use bellwether_store::EventLog;

use crate::documents::{outcome, refuses, shipped, visits};
use crate::support::{Run, facts, feed, memory, now, refused, root, run_with, types};

const XML: &str = "kind = \"xml\"\nrecords = [\"v\"]";
const JSON: &str = "kind = \"json\"\nrecords = \"d\"";
const RSS: &str = "kind = \"syndication\"";

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(root().join("fixtures/hostile").join(name)).unwrap()
}

/// Lines held and facts stored of a hostile fixture.
fn held(feed_name: &str, name: &str) -> (Vec<(u64, String)>, Run, Vec<bellwether_model::Fact>) {
    let log = memory();
    let run =
        run_with(&log, &shipped(), &feed(feed_name), Input::bytes(name, bytes(name)), &Options::at(now()));
    let held = run.held.iter().map(|e| (e.line, e.reason.clone())).collect();
    let mut facts = facts(&log);
    facts.retain(|fact| fact.kind != "list.vintage");
    (held, run, facts)
}

/// One sound record is stored, and each of the others is held for a reason that says this.
#[track_caller]
fn check(feed_name: &str, name: &str, reasons: &[(u64, &str)]) {
    let (held, _, facts) = held(feed_name, name);
    assert_eq!(facts.len(), 1, "{name}: {held:?}");
    assert_eq!(held.len(), reasons.len(), "{name}: {held:?}");
    for ((line, reason), (want_line, says)) in held.iter().zip(reasons) {
        assert!(line == want_line && reason.contains(says), "{name}: line {line}: {reason}");
    }
}

#[test]
fn r17_entity_bombs_and_external_entities_are_refused_or_inert() {
    for name in ["un-entity-bomb.xml", "un-external-entity.xml"] {
        let error = refused(&feed("un-sc"), name, bytes(name));
        let problem = &error.problems()[0];
        assert_eq!(
            (problem.file.as_str(), problem.line, problem.field.as_str()),
            (name, 2, "DOCTYPE"),
            "{problem}"
        );
    }
    check("un-sc", "un-external-dtd.xml", &[(11, "unknown entity"), (17, "U+0008")]);
    // A declaration that hides: in another case, far away, behind a comment, never closed.
    let xml = visits(XML, "");
    let tail = "<l><v><k>&a;</k></v></l>";
    for doctype in [
        "<!doctype l [<!ENTITY a 'x'>]>".to_owned(),
        format!("<!-- {} --><!DOCTYPE l\n{}[<!ENTITY a 'x'>]>", "-".repeat(3), " ".repeat(3_000)),
        format!("<!DOCTYPE l PUBLIC \"{}\">", "x".repeat(100_000)),
        "<!DOCTYPE l SYSTEM \"a[b\" [<!ENTITY a 'x'>]>".to_owned(),
        "<!DOCTYPE l".to_owned(),
        "<!ENTITY a 'x'>".to_owned(),
    ] {
        refuses(&xml, format!("{doctype}{tail}"), "");
    }
    let inert =
        "<!DOCTYPE l SYSTEM \"file:///etc/passwd\"><l><v><k>&#x31;&lt;&gt;&amp;&apos;&quot;</k></v></l>";
    assert_eq!(outcome(&xml, inert).0, ["1<>&'\""]);
    for reference in [
        "&a;",
        "&nbsp;",
        "&#0;",
        "&#xD800;",
        "&#x110000;",
        "&#-1;",
        "&#;",
        "&;",
        "&",
        "&lt",
        "&#99999999999999999999;",
    ] {
        let text = format!("<l><v><k>{reference}</k></v><v><k>2</k></v><v x='{reference}'><k>3</k></v></l>");
        let (keys, lines) = outcome(&xml, text);
        assert_eq!(keys.first().map(String::as_str), Some("2"), "{reference}");
        assert!(!lines.is_empty(), "{reference}");
    }
    // Neither is a document type in the middle of a feed.
    refuses(&visits(RSS, ""), "<rss><item><!DOCTYPE x [<!ENTITY a 'x'>]></item></rss>", "declarations");
}

#[test]
fn r17_depth_and_attributes_beyond_reason_cost_their_record() {
    check("un-sc", "un-deep.xml", &[(10, "nested deeper")]);
    check("un-sc", "un-attributes.xml", &[(10, "attributes in one element"), (16, "appears twice")]);
    check("comtrade", "comtrade-deep.json", &[(3, "nested deeper"), (4, "nested deeper")]);
    check(
        "statements-rss",
        "rss-broken.xml",
        &[(11, "well-formed"), (15, "never closed"), (18, "well-formed")],
    );
}

#[test]
fn r17_a_hundred_thousand_levels_are_refused_in_bounded_time() {
    const N: usize = 100_000;
    let xml = visits(XML, "");
    let deep = format!("{}{}", "<a>".repeat(N), "</a>".repeat(N));
    refuses(&xml, format!("<l>{deep}</l>"), "nested deeper");
    refuses(&xml, format!("<l><v>{deep}</v></l>"), "nested deeper");
    refuses(&xml, "<v>".repeat(N), "");
    // A broken feed bears it, and holds the item.
    let rss = visits(RSS, "");
    assert_eq!(outcome(&rss, format!("<rss><item>{deep}</item></rss>")).1.len(), 1);
    let json = visits(JSON, "");
    let (open, close) = ("[".repeat(N), "]".repeat(N));
    refuses(&json, format!("{{\"a\":{open}{close},\"d\":[]}}"), "nested deeper");
    refuses(&json, format!("{{\"d\":[{{\"k\":{open}{close}}}]}}"), "nested deeper");
    refuses(&json, format!("{{\"d\":[{}", "{\"d\":".repeat(N)), "nested deeper");
    refuses(&json, "[".repeat(N * 10), "nested deeper");
}

#[test]
fn r17_a_hundred_thousand_attributes_or_elements_are_bounded() {
    let attributes = |n: usize| (0..n).map(|i| format!(" a{i}='{i}'")).collect::<String>();
    let xml = visits(XML, "");
    let rss = visits(RSS, "");
    refuses(&xml, format!("<l><v{}/></l>", attributes(100_000)), "not closed");
    refuses(&xml, format!("<l{}><v/></l>", attributes(100_000)), "not closed");
    assert_eq!(
        outcome(&xml, format!("<l><v{}/><v><k>2</k></v></l>", attributes(15_000))),
        (vec!["2".into()], vec![1])
    );
    assert_eq!(outcome(&rss, format!("<rss><item{}></item></rss>", attributes(15_000))).1.len(), 1);
    let many = format!("<l><v>{}</v><v><k>2</k></v></l>", "<k/>".repeat(100_000));
    assert_eq!(outcome(&xml, many), (vec!["2".into()], vec![1]));
    let many = format!("{{\"d\":[{{\"k\":[{}1]}},{{\"k\":\"2\"}}]}}", "1,".repeat(100_000));
    assert_eq!(outcome(&visits(JSON, ""), many), (vec!["2".into()], vec![1]));
    // Names by the hundred thousand around the records.
    let names: String = (0..100_000).map(|i| format!("\"a{i}\":{i},")).collect();
    assert_eq!(outcome(&visits(JSON, ""), format!("{{{names}\"d\":[{{\"k\":\"1\"}}]}}")).0, ["1"]);
}

/// Each of these made some scanner go over the same bytes again and again.
#[test]
fn r17_marks_left_open_by_the_hundred_thousand_stay_linear() {
    const N: usize = 300_000;
    let (xml, rss, json) = (visits(XML, ""), visits(RSS, ""), visits(JSON, ""));
    for open in [
        "<a ",
        "<!--",
        "<![CDATA[",
        "<?",
        "<a b='",
        "<a b=\"",
        "</a ",
        "<",
        "&",
        "<v>",
        "<item>",
        "<!DOCTYPE ",
    ] {
        refuses(&xml, format!("<l>{}", open.repeat(N)), "");
        refuses(&rss, format!("<rss>{}", open.repeat(N)), "");
        refuses(&rss, format!("<rss><item>{}", open.repeat(N)), "");
    }
    assert_eq!(
        outcome(&rss, format!("<rss><item><title>{}</title></item></rss>", "<a b='".repeat(N / 3))).1.len(),
        1
    );
    for open in ["\"", "{\"a\":\"", "\\", "[{", "\"\\", "1", "- "] {
        refuses(&json, format!("{{\"d\":[{}", open.repeat(N)), "");
    }
    let html =
        "&lt;".repeat(N / 10) + &"<script>".repeat(1000) + &"</b".repeat(N / 10) + &"<!--".repeat(1000);
    let item = format!("<rss><item><guid>g</guid><title><![CDATA[{html}]]></title></item></rss>");
    assert_eq!(outcome(&rss, item).1.len(), 1);
}

#[test]
fn a_record_longer_than_the_limit_is_held_in_pieces_without_loss() {
    let long = "x".repeat(3 << 20);
    for (decoder, text, record) in [
        (XML, format!("<l>\n<v><k>{long}</k></v><v><k>2</k></v></l>"), format!("<v><k>{long}</k></v>")),
        (
            JSON,
            format!("{{\"d\":[\n{{\"k\":\"{long}\"}},{{\"k\":\"2\"}}]}}"),
            format!("{{\"k\":\"{long}\"}}"),
        ),
        (
            XML,
            format!("<l>\n<v>{}</v><v><k>2</k></v></l>", "<k>y</k>\n".repeat(300_000)),
            format!("<v>{}</v>", "<k>y</k>\n".repeat(300_000)),
        ),
    ] {
        let log = memory();
        let mut held: Vec<Entry> = Vec::new();
        let spec = visits(decoder, "");
        let report =
            ingest(&log, &types(), &spec, Input::bytes("f", text), &mut held, &Options::at(now())).unwrap();
        assert_eq!(facts(&log).len(), 1);
        assert_eq!(report.records.read, 1 + held.len() as u64);
        let raw: Vec<u8> = held.iter().flat_map(|e| e.raw.bytes().unwrap()).collect();
        assert!(raw == record.into_bytes(), "{} bytes", raw.len());
        assert!(held.iter().all(|e| e.reason.contains("longer than") && e.line >= 2), "{}", held[0].reason);
    }
}

/// An endless body is refused at the limit of documents.
#[test]
fn r20_a_document_without_end_is_refused() {
    struct Endless(&'static [u8]);
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            buffer.fill(b' ');
            let n = buffer.len().min(self.0.len());
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0 = b"";
            Ok(buffer.len())
        }
    }
    let log = memory();
    let mut held: Vec<Entry> = Vec::new();
    let input = Input::reader("f", Endless(b"{\"d\":[{\"k\":\"1\"}]"));
    let error = ingest(&log, &types(), &visits(JSON, ""), input, &mut held, &Options::at(now())).unwrap_err();
    assert!(error.to_string().contains("longer than"), "{error}");
    assert_eq!((error.exit_code(), log.head()), (6, 0));
}

/// A source that fails in the middle brings nothing, whatever had come before.
#[test]
fn r20_a_document_whose_source_breaks_brings_nothing() {
    struct Breaks;
    impl Read for Breaks {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("reset by peer"))
        }
    }
    let log = memory();
    let mut held: Vec<Entry> = Vec::new();
    let error = ingest(
        &log,
        &types(),
        &visits(JSON, ""),
        Input::reader("f", b"{\"d\":[{\"k\":\"1\"},".chain(Breaks)),
        &mut held,
        &Options::at(now()),
    )
    .unwrap_err();
    assert!(error.to_string().contains("reset by peer"), "{error}");
    assert_eq!(log.head(), 0);
}
