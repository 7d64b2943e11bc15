//! The other pages: `board`, `gaps`, `series`, `why`, `events`.

use bellwether_tests::Store;
use serde_json::Value;

#[test]
fn the_board_has_a_line_for_every_indicator() {
    let store = Store::with_history();
    let board = store.json(&["board"]);
    let document = store.json(&["replay"]);
    let ids = |rows: &Value| rows.as_array().unwrap().iter().map(|r| r["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&board), ids(&document["indicators"]));
    let table = store.run(&["board"]).exits(0).out;
    for id in ids(&board) {
        // The domain is a heading of its own.
        let name = id.as_str().unwrap().split_once('.').unwrap().1;
        assert!(
            table.lines().any(|line| line.trim_start().starts_with(name)),
            "{id} is on the page:\n{table}"
        );
    }
}

#[test]
fn gaps_lists_what_is_null() {
    let store = Store::with_history();
    let gaps = store.json(&["gaps"]);
    let document = store.json(&["replay"]);
    let named: Vec<&Value> = gaps.as_array().unwrap().iter().map(|g| &g["id"]).collect();
    for row in document["indicators"].as_array().unwrap() {
        let unknown = row["value"].is_null() && row["at_least"].is_null();
        assert!(!unknown || named.contains(&&row["id"]), "{} is null and in no gap", row["id"]);
    }
}

#[test]
fn a_series_stands_as_the_contract_has_it() {
    let store = Store::with_history();
    let outcome = store.run(&["--format", "json", "series", "economic.trade-total"]).exits(0);
    let wanted = ["period_start", "period_end", "value", "published_at", "seq", "vintage"];
    let document = outcome.ordered();
    assert!(document.elements().len() > 5, "{outcome}");
    for row in document.elements() {
        let keys: Vec<&str> = row.keys().into_iter().filter(|k| wanted.contains(k)).collect();
        assert_eq!(keys, wanted);
    }
    let rows = outcome.json();
    let starts: Vec<&str> =
        rows.as_array().unwrap().iter().map(|r| r["period_start"].as_str().unwrap()).collect();
    assert!(starts.is_sorted(), "{starts:?}");
}

#[test]
fn why_leads_from_a_domain_to_its_sources() {
    let store = Store::with_history();
    for id in ["economic", "economic.trade-total", "scenario.a-stable-alignment", "balance.net-incentive"] {
        let page = store.run(&["why", id]).exits(0).out;
        assert!(page.contains(id), "{page}");
        store.json(&["why", id]);
    }
    let page = store.run(&["why", "economic.trade-total"]).exits(0).out;
    assert!(page.contains("http"), "the sources are named: {page}");
}

/// Nobody says how wide the window is: pages keep to a hundred columns. A line of one word is an address to follow.
#[test]
fn no_page_is_wider_than_a_hundred_columns() {
    let store = Store::with_history();
    let shift = store.json(&["shifts"])[0]["id"].as_str().unwrap().to_owned();
    for args in [
        &["board"][..],
        &["gaps"],
        &["shifts"],
        &["replay"],
        &["replay", "--as-of", "2022-06-30", "--hindsight"],
        &["diff", "--from", "2024-01-01", "--to", "2026-01-01", "--all"],
        &["scenarios", "--sensitivity"],
        &["forecast", "list", "--all"],
        &["alerts"],
        &["doctor"],
        &["check"],
        &["why", "economic.trade-total"],
        &["why", "diplomatic"],
        &["why", "scenario.c-divergence"],
        &["why", &shift],
        &["series", "military.exercises"],
        &["backtest", "--rule", "envelope-breach"],
    ] {
        let page = store.run(args).exits(0);
        let lines = page.out.lines().filter(|line| line.trim().contains(' '));
        assert!(page.out.lines().count() > 1, "{page}");
        for line in lines {
            assert!(line.chars().count() <= 100, "{args:?}: {line}");
        }
    }
    let page = store.run(&["shifts"]).exits(0).out;
    assert!(page.split_whitespace().any(|word| word == shift), "ids stand whole: {page}");
}

#[test]
fn every_number_names_records_that_exist() {
    let store = Store::with_history();
    let records = store.run(&["events"]).exits(0).ndjson();
    let document = store.json(&["replay"]);
    let head = document["head"].as_u64().unwrap();
    let mut seen = 0;
    for row in document["indicators"].as_array().unwrap() {
        let evidence = row["evidence"].as_array().unwrap();
        assert!(row["value"].is_null() || !evidence.is_empty(), "{row}");
        for seq in evidence.iter().map(|s| s.as_u64().unwrap()) {
            assert!(seq <= head, "{seq} in {row}");
            assert!(records[seq as usize - 1]["type"].is_string(), "record {seq} is a fact");
            seen += 1;
        }
    }
    assert!(seen > 20);
}

#[test]
fn events_can_be_picked() {
    let store = Store::with_history();
    let all = store.run(&["events"]).exits(0).ndjson();
    let vetoes = store.run(&["events", "--type", "vote.veto"]).exits(0).ndjson();
    assert!(!vetoes.is_empty() && vetoes.iter().all(|r| r["type"] == "vote.veto"));
    let tail = store.run(&["events", "--from", "600"]).exits(0).ndjson();
    assert_eq!(tail, all[599..]);
    let clouds = store.run(&["events", "--type", "vote.veto", "--cloudevents"]).exits(0).ndjson();
    assert_eq!(clouds.len(), vetoes.len());
    for (cloud, native) in clouds.iter().zip(&vetoes) {
        assert_eq!(cloud["specversion"], "1.0");
        for field in ["id", "source", "type"] {
            assert!(cloud[field].is_string(), "{cloud}");
        }
        // The native record as a feed sends it: what the log assigned stays outside.
        let mut data = native.clone();
        for name in ["seq", "recorded_at"] {
            data.as_object_mut().unwrap().remove(name);
        }
        assert_eq!(cloud["data"], data);
    }
}
