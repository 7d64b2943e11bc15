//! Reliability rows 16, 17, 21 and 24 through the binary: hostile files end in exit code, count and plain text.

use bellwether_tests::{Store, root};

fn feed(name: &str) -> &'static str {
    for (prefix, feed) in [("un-", "un-sc"), ("comtrade-", "comtrade"), ("rss-", "statements-rss")] {
        if name.starts_with(prefix) {
            return feed;
        }
    }
    match name.rsplit('.').next() {
        Some("csv") => "facts-csv",
        Some("ndjson") => "facts-ndjson",
        _ => "cloudevents",
    }
}

/// Files of which nothing may be taken.
const REFUSED: &[&str] = &[
    "empty.csv",
    "blank.ndjson",
    "header-lacks-value.csv",
    "page.html",
    "un-entity-bomb.xml",
    "un-external-entity.xml",
    "un-cut.xml",
    "un-junk.xml",
    "comtrade-cut.json",
    "comtrade-bomb.json",
    "comtrade-empty.json",
];

/// Control, direction and escape characters that a terminal would act upon.
fn acts_on_a_terminal(text: &str) -> Option<char> {
    let bidi =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().find(|c| (c.is_control() && *c != '\n') || bidi(*c))
}

#[test]
fn r16_r17_r21_every_hostile_file_is_counted_or_refused() {
    let mut seen = 0;
    for entry in std::fs::read_dir(root().join("fixtures/hostile")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name == "README.md" || path.is_dir() {
            continue;
        }
        seen += 1;
        let store = Store::new();
        let outcome =
            store.run(&["--format", "json", "ingest", "--feed", feed(&name), path.to_str().unwrap()]);
        let refused = REFUSED.contains(&name.as_str());
        if refused {
            let outcome = outcome.exits(6);
            assert!(outcome.err.contains(&name), "says which file: {outcome}");
        } else {
            let report = outcome.exits(0).json();
            let n = |part: &str, field: &str| report[part][field].as_u64().unwrap();
            let parts = n("records", "mapped") + n("records", "skipped") + n("records", "quarantined");
            assert_eq!(n("records", "read"), parts, "{name}: {report}");
            assert!(n("facts", "stored") > 0, "{name}: sound rows are stored: {report}");
            assert_eq!(n("records", "quarantined") == 0, name == "bom-crlf.csv", "{name}: {report}");
            let held = store.json(&["quarantine", "list"]);
            assert_eq!(held.as_array().unwrap().len() as u64, n("records", "quarantined"), "{name}: {held}");
        }
        store.run(&["store", "verify"]).exits(0);
        // Nothing of the file reaches a terminal unescaped, whichever command shows it.
        for args in [&["quarantine", "list"][..], &["replay"], &["board"], &["store", "verify"]] {
            let shown = store.run(args);
            for text in [&shown.out, &shown.err] {
                assert_eq!(acts_on_a_terminal(text), None, "{name}: {shown}");
            }
        }
    }
    assert!(seen > 15, "the fixtures are where they used to be");
}

/// Files and folders below a folder, with their sizes.
fn listing(folder: &std::path::Path) -> Vec<(std::path::PathBuf, u64)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                open.push(entry.path());
            }
            found.push((entry.path(), entry.metadata().unwrap().len()));
        }
    }
    found.sort();
    found
}

#[test]
fn r18_packed_sources_are_refused_by_name_and_write_nothing() {
    let mut seen = 0;
    for entry in std::fs::read_dir(root().join("fixtures/hostile/packed")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        seen += 1;
        let store = Store::new();
        // Where a path of the archive would lead if anybody followed it.
        let work = store.beside("work/a/b");
        std::fs::create_dir_all(&work).unwrap();
        let before = listing(&store.beside("work"));
        let args = ["--format", "json", "ingest", "--feed", "gdelt-events", path.to_str().unwrap()];
        let outcome = store.run_in(&work, &args, "");
        let facts = |store: &Store| store.run(&["events", "--type", "news.coded"]).ndjson().len();
        match name.as_str() {
            // Names are only names: the rows are read like any other.
            "names.zip" => {
                outcome.exits(0);
                assert_eq!(facts(&store), 4);
            }
            _ => {
                let outcome = outcome.exits(6);
                assert!(outcome.err.contains(&name), "says which file: {outcome}");
                assert!(facts(&store) <= 2, "{name}: at most what came before");
            }
        }
        assert_eq!(listing(&store.beside("work")), before, "{name}: nothing written");
        store.run(&["store", "verify"]).exits(0);
    }
    assert!(seen >= 10, "the fixtures are where they used to be");
}

#[test]
fn r16_r21_hostile_rows_of_coded_events_cost_only_themselves() {
    let store = Store::new();
    let path = root().join("fixtures/hostile/rows/gdelt-events.CSV");
    let report = store.json(&["ingest", "--feed", "gdelt-events", path.to_str().unwrap()]);
    let n = |field: &str| report["records"][field].as_u64().unwrap();
    assert_eq!((n("read"), n("mapped"), n("skipped"), n("quarantined")), (12, 2, 1, 9), "{report}");
    for args in [&["quarantine", "list"][..], &["board"], &["events"]] {
        let shown = store.run(args);
        assert_eq!(acts_on_a_terminal(&shown.out), None, "{shown}");
    }
    // A script is a text like any other; whoever shows it escapes it.
    let facts = store.run(&["events", "--type", "news.coded"]).exits(0).ndjson();
    assert!(facts.iter().any(|f| f["attributes"]["actor1"] == "<script>alert(1)</script>"));
}

#[test]
fn what_acts_on_a_terminal_is_seen() {
    assert_eq!(acts_on_a_terminal("plain\ntext – €"), None);
    for bad in ["\u{1b}[31m", "a\rb", "\u{202e}", "\0"] {
        assert!(acts_on_a_terminal(bad).is_some(), "{bad:?}");
    }
}
