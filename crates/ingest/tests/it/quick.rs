//! Expressions answered without the interpreter give what the interpreter gives, findings included.

use bellwether_ingest::{FeedSpec, Input, Options};

use crate::support::{facts, memory, now, run_with, types};

const FEED: &str = r#"
name = "quick"
title = "quick"
licence = "CC0-1.0"
cadence = "daily"
[connector]
kind = "file"
[decoder]
kind = "delimited"
delimiter = ";"
[tables.who]
a = "CHN"
b = "RUS"
blank = ""
[[hold]]
when = "record.from != '' && days_between(date(record.from, '%Y%m%d'), instant(record.until, '%Y%m%d%H%M%S')) > 90"
field = "from"
reason = "old"
remedy = "look"
[[fact]]
when = "record.who == 'a' || tables.who[record.who] != record.other"
type = "'visit.held'"
key = "'v|' + record.key + '|' + record.who"
valid_start = "date(record.from, '%Y%m%d')"
valid_end = "add_days(date(record.from, '%Y%m%d'), 1)"
published_at = "instant(record.until, '%Y%m%d%H%M%S')"
actors = "[tables.who[record.who], tables.who[record.other]]"
uri = "'https://example.org/' + record.key"
note = "record.note"
[fact.attributes]
late = "add_days(record.day, 40)"
day = "date(record.day, '%Y-%m-%d')"
said = "record.note + record.who"
"#;

/// Dates as they come, and as they should not.
const FROM: [&str; 12] = [
    "20240516",
    " 20240516 ",
    "",
    "20240230",
    "2024051",
    "202405160",
    "+0240516",
    "2024-516",
    "00000101",
    "20240516\u{a0}",
    "99991231",
    "２0240516",
];
const UNTIL: [&str; 8] = [
    "20240517081500",
    "20240517000000",
    "20161231235960",
    "20240517240000",
    "2024051708150",
    "20250517081500",
    "",
    "x",
];
const WHO: [(&str, &str); 5] = [("a", "b"), ("b", "RUS"), ("b", "a"), ("blank", "a"), ("c", "b")];
const DAY: [&str; 5] = ["2024-05-16", "2024-05-16T10:00:00Z", "9998-12-30", "0000-01-01", "soon"];
const NOTE: [&str; 3] = ["", "  two  words ", "中文"];

#[test]
fn quick_answers_are_those_of_the_interpreter() {
    let mut text = String::from("key;from;until;who;other;day;note\n");
    let mut n = 0;
    for from in FROM {
        for until in UNTIL {
            for (who, other) in WHO {
                let (day, note) = (DAY[n % 5], NOTE[n % 3]);
                text += &format!("{n};{from};{until};{who};{other};{day};{note}\n");
                n += 1;
            }
        }
    }
    // `record['x']` is the same to the interpreter, and no form that is answered without it.
    let columns = ["key", "from", "until", "who", "other", "day", "note"];
    let slow = columns.iter().fold(FEED.to_owned(), |feed, name| {
        feed.replace(&format!("record.{name}"), &format!("record['{name}']"))
    });
    assert!(!slow.contains("record."));
    let [quick, slow] = [FEED, slow.as_str()].map(|feed| {
        let spec = FeedSpec::parse("quick.toml", feed).unwrap_or_else(|p| panic!("{p}"));
        let log = memory();
        let done = run_with(&log, &types(), &spec, Input::bytes("q.csv", text.clone()), &Options::at(now()));
        // A finding that shows the expression shows it as it is written.
        let found = |text: &str| {
            columns.iter().fold(text.to_owned(), |text, name| {
                text.replace(&format!("record['{name}']"), &format!("record.{name}"))
            })
        };
        let held: Vec<String> =
            done.held.iter().map(|e| found(&format!("{} {} {}", e.line, e.field, e.reason))).collect();
        (done.report.records, done.report.facts, facts(&log), held)
    });
    assert_eq!(quick, slow);
    let (records, ..) = quick;
    assert!(records.mapped > 15 && records.quarantined > 100 && records.skipped > 5, "{records:?}");
}
