//! Feeds whose source is one document, through the binary and on real data.

use bellwether_tests::{Store, root, shared};
use serde_json::Value;

/// Records and facts of a report, as `[read, mapped, skipped, quarantined, stored, duplicate]`.
fn counts(report: &Value) -> [u64; 6] {
    let n = |part: &str, name: &str| report[part][name].as_u64().unwrap();
    [
        n("records", "read"),
        n("records", "mapped"),
        n("records", "skipped"),
        n("records", "quarantined"),
        n("facts", "stored"),
        n("facts", "duplicate"),
    ]
}

fn ingest(store: &Store, feed: &str, path: &std::path::Path) -> Value {
    store.json(&["ingest", "--feed", feed, path.to_str().unwrap()])
}

#[test]
fn r35_the_real_security_council_list_is_stored_to_the_last_entry_and_once() {
    let Some(path) = shared("data/un_sc/UN_consolidated_2026-02.xml") else { return };
    let store = Store::new();
    // One more: that the list of that day was read.
    assert_eq!(counts(&ingest(&store, "un-sc", &path)), [1003, 1003, 0, 0, 1004, 0]);
    assert_eq!(counts(&ingest(&store, "un-sc", &path)), [1003, 1003, 0, 0, 0, 1003]);
    let records = store.run(&["events", "--type", "sanction.listed"]).exits(0).ndjson();
    let subjects = |what: &str| records.iter().filter(|r| r["attributes"]["subject"] == what).count();
    assert_eq!((subjects("person"), subjects("entity")), (730, 273));
    store.run(&["store", "verify"]).exits(0);
}

/// A list of which the last bytes are missing is not a list with fewer entries.
#[test]
fn a_cut_list_stores_nothing_and_leaves_the_last_good_one() {
    let Some(path) = shared("data/un_sc/UN_consolidated_2026-02.xml") else { return };
    let store = Store::new();
    let whole = std::fs::read(&path).unwrap();
    let cut = store.beside("cut.xml");
    for end in [whole.len() - 30, whole.len() / 2] {
        std::fs::write(&cut, &whole[..end]).unwrap();
        let outcome = store.run(&["ingest", "--feed", "un-sc", cut.to_str().unwrap()]).exits(6);
        assert!(outcome.err.contains("cut short") && outcome.err.contains("cut.xml"), "{outcome}");
    }
    store.run(&["events", "--type", "sanction.listed"]).exits(4);
    // What is known already stays as it was.
    ingest(&store, "un-sc", &path);
    let before = store.run(&["events"]).exits(0).out;
    store.run(&["ingest", "--feed", "un-sc", cut.to_str().unwrap()]).exits(6);
    assert_eq!(store.run(&["events"]).exits(0).out, before);
}

#[test]
fn the_real_comtrade_reply_is_trade_from_seller_to_buyer() {
    let Some(path) = shared("data/comtrade/sample_v1_get_C_A_HS.json") else { return };
    let store = Store::new();
    assert_eq!(counts(&ingest(&store, "comtrade", &path)), [4, 4, 0, 0, 4, 0]);
    let records = store.run(&["events", "--type", "trade.flow"]).exits(0).ndjson();
    let rows: Vec<(&str, &str)> = records
        .iter()
        .map(|r| (r["actors"][0].as_str().unwrap(), r["actors"][1].as_str().unwrap()))
        .collect();
    assert_eq!(rows, [("ARG", "CHN"), ("DEU", "CHN"), ("CHN", "ARG"), ("CHN", "DEU")]);
}

/// Breakdown rows beside the totals, as a request without them asked for brings: their sum would treble trade.
#[test]
fn a_reply_with_breakdown_rows_counts_trade_once() {
    let Some(path) = shared("data/comtrade/sample_v1_get_C_A_HS.json") else { return };
    let mut reply: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let rows = reply["data"].as_array().unwrap().clone();
    let mut all = rows.clone();
    for (field, value) in [
        ("motCode", Value::from(1000)),
        ("motCode", 2100.into()),
        ("customsCode", "C01".into()),
        ("partner2Code", 276.into()),
    ] {
        for row in &rows {
            let mut row = row.clone();
            row[field] = value.clone();
            all.push(row);
        }
    }
    reply["count"] = all.len().into();
    reply["data"] = all.into();
    let store = Store::new();
    let file = store.beside("reply.json");
    std::fs::write(&file, reply.to_string()).unwrap();
    assert_eq!(counts(&ingest(&store, "comtrade", &file)), [20, 4, 16, 0, 4, 0]);
}

/// A published panel has 433 billion dollars for 2018; an operator may still have it, under his name.
#[test]
fn trade_of_433_billion_is_held_and_released_by_name() {
    let Some(path) = shared("data/rmb/russia_rows_subset_2010_2023.csv") else { return };
    let mut panel = csv::Reader::from_path(path).unwrap();
    let at = |name: &str, headers: &csv::StringRecord| headers.iter().position(|h| h == name).unwrap();
    let headers = panel.headers().unwrap().clone();
    let (year, value) = (at("year", &headers), at("china_bilateral_usd", &headers));
    let mut rows = Vec::new();
    for row in panel.records() {
        let row = row.unwrap();
        let y: u32 = row[year].parse().unwrap();
        if !row[value].is_empty() {
            rows.push(format!(
                "trade.flow,panel|{y},{y}-01-01,{}-01-01,,yes,CHN,RUS,{},USD,\"{{\"\"direction\"\": \"\"two-way\"\"}}\",Panel,,D,4,,",
                y + 1,
                &row[value]
            ));
        }
    }
    let store = Store::new();
    let report = store.ingest("facts-csv", crate::facts::csv(&rows));
    let n = rows.len() as u64;
    assert_eq!(counts(&report), [n, n - 1, 0, 1, n - 1, 0]);
    let held = store.json(&["quarantine", "list"]);
    let entry = &held.as_array().unwrap()[0];
    assert!(entry["reason"].as_str().unwrap().contains("432950164609.36"), "{entry}");
    let id = entry["id"].as_str().unwrap();
    let act = ["quarantine", "release", id, "--reason", "kept to show the panel", "--operator", "A. Nalyst"];
    store.run(&act).exits(0);
    let records = store.run(&["events", "--type", "trade.flow"]).exits(0).ndjson();
    assert_eq!(records.iter().filter(|r| r["key"] == "panel|2018").count(), 1);
}

#[test]
fn a_web_page_is_refused_by_every_feed() {
    let page = root().join("fixtures/hostile/page.html");
    for entry in std::fs::read_dir(root().join("config/feeds")).unwrap() {
        let path = entry.unwrap().path();
        let feed = path.file_stem().unwrap().to_str().unwrap();
        let store = Store::new();
        // A dated file is asked for its date first.
        let args = ["ingest", "--feed", feed, "--published-at", "2026-01-02", page.to_str().unwrap()];
        let outcome = store.run(&args).exits(6);
        assert!(outcome.err.contains("web page"), "{feed}: {outcome}");
    }
}
