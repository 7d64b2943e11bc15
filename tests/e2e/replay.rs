//! `replay`: the shape that scripts rely on, sums that add up, and no hindsight.

use bellwether_tests::{HISTORY, Ordered, Store, root};
use serde_json::Value;

use crate::facts::{differences, without_sequences};

/// Fields of the document, in the contract's order. Further fields may stand among them.
const TOP: &[&str] = &[
    "framework",
    "engine",
    "as_of",
    "known_by",
    "clock",
    "facts",
    "head",
    "domains",
    "indicators",
    "characters",
    "roles",
    "drivers",
    "frictions",
    "implications",
    "asymmetries",
    "constraints",
    "scenarios",
    "fit",
    "balance",
    "divergences",
    "shifts",
];
const LEVEL: &[&str] = &["id", "level", "low", "high", "direction", "evidence"];
/// Fields of each list's rows.
const ROWS: &[(&str, &[&str])] = &[
    (
        "domains",
        &[
            "id",
            "index",
            "low",
            "high",
            "trajectory",
            "coverage",
            "confidence",
            "contributions",
            "expectations",
        ],
    ),
    (
        "indicators",
        &[
            "id",
            "domain",
            "unit",
            "value",
            "at_least",
            "period",
            "published_at",
            "published_basis",
            "vintages",
            "conflict",
            "change_on_year",
            "distance",
            "trend",
            "stale",
            "due",
            "detection_limit",
            "shifts",
            "evidence",
        ],
    ),
    ("characters", LEVEL),
    ("roles", LEVEL),
    ("drivers", LEVEL),
    ("frictions", LEVEL),
    ("implications", LEVEL),
    ("asymmetries", &["id", "value", "direction", "toward", "evidence"]),
    ("constraints", &["id", "value", "bound", "distance", "breached", "evidence"]),
    ("scenarios", &["id", "probability", "words", "moved_by"]),
    ("divergences", &["id", "kind", "value", "threshold"]),
    (
        "shifts",
        &[
            "id",
            "indicator",
            "detector",
            "kind",
            "direction",
            "known_at",
            "onset",
            "size",
            "sigmas",
            "statistic",
            "threshold",
            "provisional",
            "evidence",
        ],
    ),
];
/// Fields of objects within rows.
const WITHIN: &[(&str, &str, &[&str])] = &[
    ("domains", "contributions", &["indicator", "points"]),
    ("domains", "expectations", &["id", "holds", "why"]),
    ("indicators", "period", &["start", "end"]),
    ("scenarios", "moved_by", &["indicator", "log_odds"]),
    ("shifts", "onset", &["at", "low", "high"]),
];
/// Words that a field may hold.
const WORDS: &[(&str, &str, &[&str])] = &[
    ("domains", "trajectory", &["converging", "stable", "diverging", "unknown"]),
    ("domains", "confidence", &["low", "moderate", "high"]),
    ("indicators", "trend", &["up", "flat", "down", "unknown"]),
    ("roles", "direction", &["up", "flat", "down", "unknown"]),
    ("asymmetries", "direction", &["up", "flat", "down", "unknown"]),
    (
        "divergences",
        "kind",
        &["baseline", "asymmetry", "cross_domain", "cross_source", "scenario", "envelope"],
    ),
    ("shifts", "kind", &["level", "trend", "variance", "rate", "silence", "breach", "expectation", "fit"]),
    ("shifts", "direction", &["up", "flat", "down", "unknown"]),
];
const DOMAINS: [&str; 6] =
    ["military", "economic", "financial", "technological", "information", "diplomatic"];

/// Demands that the fields named stand in the object in this order.
#[track_caller]
fn fields(what: &str, object: &Ordered, wanted: &[&str]) {
    let found: Vec<&str> = object.keys().into_iter().filter(|k| wanted.contains(k)).collect();
    assert_eq!(found, wanted, "fields of {what}");
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

/// Sum of the points that are there.
fn points(parts: &Value) -> f64 {
    parts.as_array().unwrap().iter().filter_map(|p| p["points"].as_f64()).sum()
}

#[test]
fn the_document_stands_as_the_contract_has_it() {
    let store = Store::with_history();
    let outcome = store.run(&["--format", "json", "replay"]).exits(0);
    let document = outcome.ordered();
    fields("the document", &document, TOP);
    fields("framework", document.get("framework").unwrap(), &["id", "version", "hash"]);
    fields("balance", document.get("balance").unwrap(), &["id", "value", "low", "high", "parts"]);
    fields(
        "a part",
        &document.get("balance").unwrap().get("parts").unwrap().elements()[0],
        &["id", "points"],
    );
    for (list, wanted) in ROWS {
        for row in document.get(list).unwrap().elements() {
            fields(list, row, wanted);
        }
    }
    for (list, field, wanted) in WITHIN {
        let mut seen = 0;
        for row in document.get(list).unwrap().elements() {
            let inner = row.get(field).unwrap();
            let objects =
                if inner.elements().is_empty() { std::slice::from_ref(inner) } else { inner.elements() };
            for object in objects.iter().filter(|o| matches!(o, Ordered::Object(_))) {
                fields(&format!("{list}/{field}"), object, wanted);
                seen += 1;
            }
        }
        assert!(seen > 0, "no {list}/{field} to look at");
    }
    let document = outcome.json();
    let ids: Vec<&str> =
        document["domains"].as_array().unwrap().iter().map(|d| d["id"].as_str().unwrap()).collect();
    assert_eq!(ids, DOMAINS);
    for (list, field, words) in WORDS {
        for row in document[list].as_array().unwrap() {
            assert!(words.contains(&row[field].as_str().unwrap()), "{list}/{field}: {row}");
        }
    }
}

#[test]
fn what_should_add_up_does() {
    let store = Store::with_history();
    for day in ["2015-12-31", "2021-12-31", "2023-06-30", "2025-12-31", "2026-11-24"] {
        let document = store.json(&["replay", "--as-of", day]);
        let rows = |list: &str| document[list].as_array().unwrap().clone();
        let all: f64 = rows("scenarios").iter().map(|s| s["probability"].as_f64().unwrap()).sum();
        assert!(near(all, 1.0), "{day}: scenarios add to {all}");
        for scenario in rows("scenarios") {
            let p = scenario["probability"].as_f64().unwrap();
            assert!(p > 0.0 && p < 1.0, "{day}: never 0, never 1: {scenario}");
        }
        for domain in rows("domains") {
            let sum = points(&domain["contributions"]);
            let coverage = domain["coverage"].as_f64().unwrap();
            match domain["index"].as_f64() {
                Some(index) => {
                    assert!(near(index, sum), "{day}: {} is {index}, its parts add to {sum}", domain["id"])
                }
                None => assert!(coverage < 0.3, "{day}: an index is null under coverage .3 only: {domain}"),
            }
            assert!((0.0..=1.0).contains(&coverage), "{domain}");
        }
        let balance = &document["balance"];
        if let Some(value) = balance["value"].as_f64() {
            assert!(near(value, points(&balance["parts"])), "{day}: {balance}");
            assert!(
                balance["low"].as_f64() <= Some(value) && balance["high"].as_f64() >= Some(value),
                "{balance}"
            );
        }
    }
    let last = store.json(&["replay", "--as-of", "2026-11-24"]);
    let known = last["domains"].as_array().unwrap().iter().filter(|d| d["index"].is_f64()).count();
    assert!(known > 0 && last["balance"]["value"].is_f64(), "these sums were of something");
}

#[test]
fn nothing_known_later_is_in_a_view() {
    let store = Store::with_history();
    let document = store.json(&["replay", "--as-of", "2023-06-30"]);
    assert_eq!(
        (&document["as_of"], &document["known_by"]),
        (&document["known_by"], &"2023-07-01T00:00:00Z".into())
    );
    let mut seen = 0;
    for row in document["indicators"].as_array().unwrap() {
        if let Some(start) = row["period"]["start"].as_str() {
            assert!(start < "2023-07-01", "{row}");
            // A day counts as known from the next midnight on, an instant from itself.
            let published = row["published_at"].as_str().unwrap();
            let bound = if published.contains('T') { "2023-07-01" } else { "2023-06-30" };
            assert!(published < bound, "{row}");
            seen += 1;
        }
    }
    assert!(seen > 5, "some indicators have values by then");
    for shift in document["shifts"].as_array().unwrap() {
        assert!(shift["known_at"].as_str().unwrap() < "2023-07-01T00:00:00Z", "{shift}");
    }
}

/// Whatever was published after a day might as well not be in the store.
#[test]
fn r13_a_past_view_does_not_change_when_later_facts_arrive() {
    let cut = "2023-06-30";
    let mut reader = csv::Reader::from_path(root().join(HISTORY[0])).unwrap();
    let headers = reader.headers().unwrap().clone();
    let column = headers.iter().position(|h| h == "published_at").unwrap();
    let mut early = csv::Writer::from_writer(Vec::new());
    early.write_record(&headers).unwrap();
    let mut left_out = 0;
    for row in reader.records().map(Result::unwrap) {
        // Publication times stand as days or instants, so they sort as text.
        match row[column] > *cut {
            true => left_out += 1,
            false => early.write_record(&row).unwrap(),
        }
    }
    assert!(left_out > 100, "{left_out} rows were published after {cut}");
    let (past, full) = (Store::new(), Store::new());
    past.ingest("facts-csv", early.into_inner().unwrap());
    full.run(&["ingest", "--feed", "facts-csv", HISTORY[0]]).exits(0);
    let view = |store: &Store| {
        let mut document = store.json(&["replay", "--as-of", cut]);
        without_sequences(&mut document);
        document
    };
    assert_eq!(differences(&view(&past), &view(&full)), Vec::<String>::new());
}

#[test]
fn r12_the_order_of_arrival_does_not_matter() {
    let mut reader = csv::Reader::from_path(root().join(HISTORY[0])).unwrap();
    let headers = reader.headers().unwrap().clone();
    let mut rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    rows.reverse();
    let mut backwards = csv::Writer::from_writer(Vec::new());
    backwards.write_record(&headers).unwrap();
    rows.iter().for_each(|row| backwards.write_record(row).unwrap());
    let (there, back) = (Store::new(), Store::new());
    there.run(&["ingest", "--feed", "facts-csv", HISTORY[0]]).exits(0);
    back.ingest("facts-csv", backwards.into_inner().unwrap());
    for day in ["2022-06-30", "2026-06-30"] {
        let view = |store: &Store| {
            let mut document = store.json(&["replay", "--as-of", day]);
            without_sequences(&mut document);
            document
        };
        assert_eq!(differences(&view(&there), &view(&back)), Vec::<String>::new(), "{day}");
    }
}

#[test]
fn r11_two_replays_are_equal_to_the_byte() {
    let store = Store::with_history();
    let replay = || store.run(&["--format", "json", "replay", "--as-of", "2026-06-30"]).exits(0).out;
    assert_eq!(replay(), replay());
}

/// What each quarter looks like from the end: only on request, and it changes nothing else.
#[test]
fn scenarios_are_smoothed_only_with_hindsight() {
    let store = Store::with_history();
    let plain = store.json(&["replay", "--as-of", "2024-06-30"]);
    let mut smoothed = store.json(&["replay", "--as-of", "2024-06-30", "--hindsight"]);
    assert!(plain.get("smoothed").is_none());
    let quarters = smoothed.as_object_mut().unwrap().remove("smoothed").unwrap();
    assert_eq!(smoothed, plain);
    let quarters = quarters.as_array().unwrap();
    assert_eq!((&quarters[0]["quarter"], quarters.len()), (&serde_json::json!("2014-03-31"), 42));
    for quarter in quarters {
        let all: f64 =
            quarter["scenarios"].as_array().unwrap().iter().map(|s| s["probability"].as_f64().unwrap()).sum();
        assert!(near(all, 1.0), "{quarter}");
    }
    let table = store.run(&["replay", "--as-of", "2024-06-30", "--hindsight"]).exits(0).out;
    assert!(table.contains("Scenarios with hindsight"), "{table}");
}

/// The world could know in 2025 what this store, filled just now, could not.
#[test]
fn the_recorded_clock_counts_from_when_the_store_took_a_fact() {
    let store = Store::with_history();
    let facts = |more: &[&str]| {
        let mut args = vec!["replay", "--as-of", "2025-12-31"];
        args.extend(more);
        store.json(&args)["facts"].as_u64().unwrap()
    };
    assert!(facts(&[]) > 500);
    assert_eq!(facts(&["--clock", "recorded"]), 0);
    assert!(facts(&["--clock", "recorded", "--known-by", "now"]) > 500);
    assert!(facts(&["--known-basis", "stated"]) < facts(&[]), "some publications are assumed");
}

#[test]
fn what_is_not_known_is_null_and_never_zero() {
    let document = Store::new().run(&["--format", "json", "replay"]).json();
    for domain in document["domains"].as_array().unwrap() {
        assert!(domain["index"].is_null() && domain["coverage"] == 0.0, "{domain}");
        assert!(
            domain["contributions"].as_array().unwrap().iter().all(|c| c["points"].is_null()),
            "{domain}"
        );
    }
    for row in document["indicators"].as_array().unwrap() {
        assert!(row["value"].is_null() && row["at_least"].is_null() && row["distance"].is_null(), "{row}");
    }
    for list in ["characters", "roles", "drivers", "frictions", "implications"] {
        for row in document[list].as_array().unwrap() {
            assert!(row["level"].is_null(), "{row}");
        }
    }
    assert!(document["balance"]["value"].is_null(), "{}", document["balance"]);
}

#[test]
fn the_embedded_configuration_answers_as_the_files_do() {
    let store = Store::with_history();
    let args = ["--format", "json", "replay", "--as-of", "2025-12-31"];
    let here = store.run(&args).exits(0).out;
    let elsewhere = tempfile::tempdir().unwrap();
    let there = store.run_in(elsewhere.path(), &args, "").exits(0).out;
    assert_eq!(here, there, "config/ and what is built into the binary differ");
}

/// Every table of the page stays within a hundred columns, whatever the figures.
#[test]
fn the_page_is_a_hundred_columns_wide_at_most() {
    let store = Store::with_history();
    for day in ["2015-12-31", "2021-12-31", "2024-12-31", "2026-06-30", "2026-11-25"] {
        let page = store.run(&["replay", "--as-of", day]).exits(0).out;
        let wide: Vec<&str> = page.lines().filter(|line| line.chars().count() > 100).collect();
        assert!(wide.is_empty(), "{day}: {wide:#?}");
        assert!(page.contains("how hard each presses"), "{page}");
    }
}

/// What makes a bound press is there to be asked for: formula, numbers, inputs and the facts behind them.
#[test]
fn a_bound_answers_why_it_presses() {
    let store = Store::with_history();
    let day = "2026-06-30";
    let document = store.json(&["replay", "--as-of", day]);
    for state in document["constraints"].as_array().unwrap() {
        let why = store.json(&["why", state["id"].as_str().unwrap(), "--as-of", day]);
        let inputs = why["inputs"].as_array().unwrap();
        let points: f64 = inputs.iter().filter_map(|i| i["points"].as_f64()).sum();
        match state["strength"].as_f64() {
            Some(strength) => {
                assert!(near(100.0 * strength, points.clamp(0.0, 100.0)), "{state} {why}");
                let (low, high) = (&state["strength_low"], &state["strength_high"]);
                assert!(low.as_f64() <= Some(strength) && Some(strength) <= high.as_f64(), "{state}");
                assert!(!why["facts"].as_array().unwrap().is_empty(), "{why}");
            }
            None => assert!(inputs[0]["points"].is_null(), "{why}"),
        }
        assert!(why["formula"].as_str().unwrap().contains("tightness"), "{why}");
    }
}
