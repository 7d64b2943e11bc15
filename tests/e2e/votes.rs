//! Votes in the United Nations through the binary, on the real lists where they lie beside the project.

use bellwether_tests::{Store, root, shared};
use serde_json::Value;

const STRICT: &str = "diplomatic.vote-agreement";
const HALF: &str = "measure.assembly-agreement-half";

/// Roll calls of a calendar year on which both voted, and how often they chose the same, or one abstained alone: from
/// the text alone.
fn by_hand(path: &std::path::Path, year: &str) -> (u32, u32, u32) {
    let (mut both, mut same, mut half) = (0, 0, 0);
    let mut reader = csv::Reader::from_path(path).unwrap();
    let names = reader.headers().unwrap().clone();
    let at = |name: &str| names.iter().position(|n| n == name).unwrap();
    let (date, cn, ru) = (at("date"), at("CN"), at("RU"));
    for row in reader.records().map(Result::unwrap) {
        if !row[date].starts_with(year) || row[cn].is_empty() || row[ru].is_empty() {
            continue;
        }
        both += 1;
        same += u32::from(row[cn] == row[ru]);
        half += u32::from(row[cn] != row[ru] && (&row[cn] == "abstain" || &row[ru] == "abstain"));
    }
    (both, same, half)
}

fn value(store: &Store, id: &str, start: &str) -> f64 {
    let rows = store.json(&["series", id, "--as-of", "2020-03-01"]);
    let row = rows.as_array().unwrap().iter().find(|r| r["period_start"] == start).cloned();
    row.unwrap_or_else(|| panic!("{id} has no {start}: {rows}"))["value"].as_f64().unwrap()
}

#[test]
fn agreement_in_the_assembly_depends_on_its_definition() {
    let Some(path) = shared("data/unga/unga_rollcalls_cn_ru_us_in_1946_2019.csv") else { return };
    let store = Store::new();
    let report = store.json(&["ingest", "--feed", "unga-rollcalls", path.to_str().unwrap()]);
    let n = |field: &str| report["records"][field].as_u64().unwrap();
    assert_eq!((n("read"), n("quarantined")), (6203, 0), "{report}");
    for year in ["1975", "1991", "2008", "2019"] {
        let (both, same, half) = by_hand(&path, year);
        let both = f64::from(both);
        let start = format!("{year}-01-01");
        let (strict, halves) = (f64::from(same) / both, (f64::from(same) + f64::from(half) / 2.0) / both);
        assert!((value(&store, STRICT, &start) - strict).abs() < 1e-12, "{year}");
        assert!((value(&store, HALF, &start) - halves).abs() < 1e-12, "{year}");
    }
    assert_eq!(by_hand(&path, "2019"), (86, 68, 14));
    assert_eq!(format!("{:.3}", value(&store, STRICT, "2019-01-01")), "0.791");
    assert_eq!(format!("{:.2}", value(&store, HALF, "2019-01-01")), "0.87");
}

#[test]
fn each_number_says_its_definition_and_its_votes() {
    let Some(path) = shared("data/unga/unga_rollcalls_cn_ru_us_in_1946_2019.csv") else { return };
    let store = Store::new();
    store.json(&["ingest", "--feed", "unga-rollcalls", path.to_str().unwrap()]);
    // Known by then: what was cast in 2019. The year that ends there is the calendar year.
    let ask = |id: &str| store.json(&["why", id, "--as-of", "2020-01-01", "--known-by", "2020-02-01"]);
    let (strict, half) = (ask(STRICT), ask(HALF));
    assert!(strict["formula"].as_str().unwrap().contains("the same choice"), "{}", strict["formula"]);
    assert!(half["formula"].as_str().unwrap().contains("one half"), "{}", half["formula"]);
    for why in [&strict, &half] {
        let facts = why["facts"].as_array().unwrap();
        let votes: Vec<&Value> = facts.iter().filter(|f| f["type"] == "vote.cast").collect();
        // 88 of China's 90 roll calls and 86 of Russia's: what one of them cast alone is shown and not counted.
        assert!(votes.len() >= 172, "{} votes behind the number", votes.len());
        let all = why.to_string();
        assert!(all.contains("calendar year"), "the year is named");
    }
}

/// A vote of one state as a native record.
fn vote(roll_call: &str, state: &str, choice: &str) -> String {
    serde_json::json!({
        "type": "vote.cast", "key": format!("vote.cast|UNGA|{roll_call}|{state}"), "valid": { "start": "2025-11-01" },
        "actors": [state],
        "attributes": { "choice": choice, "forum": "UNGA", "resolution": "A/RES/80/1", "roll_call": roll_call },
    })
    .to_string()
}

#[test]
fn roll_calls_on_one_resolution_are_told_apart_and_absence_is_no_choice() {
    let store = Store::new();
    let path = root().join("fixtures/feeds/unga-rollcalls/rollcalls.csv");
    store.run(&["ingest", "--feed", "unga-rollcalls", path.to_str().unwrap()]).exits(0);
    let value = |id: &str| {
        let rows = store.json(&["series", id, "--as-of", "2026-02-01"]);
        let row = rows.as_array().unwrap().iter().find(|r| r["period_start"] == "2025-01-01").cloned();
        row.unwrap()["value"].as_f64().unwrap()
    };
    // Three roll calls are too few to speak of a year: the rest of it may have gone another way.
    store.run(&["series", STRICT, "--as-of", "2026-02-01"]).exits(4);
    // Both absent agree on nothing, and one absent neither; on three they agree.
    let cast = [
        ("a", "absent", "absent"),
        ("b", "absent", "yes"),
        ("c", "yes", "yes"),
        ("d", "no", "no"),
        ("e", "yes", "yes"),
    ];
    let lines = cast.iter().flat_map(|(call, chn, rus)| [vote(call, "CHN", chn), vote(call, "RUS", rus)]);
    let report = store.ingest("facts-ndjson", lines.collect::<Vec<_>>().join("\n"));
    assert_eq!(report["facts"]["stored"], 10, "{report}");
    // Before these: both yes; yes and an abstention on a paragraph of the same text; no against yes.
    assert!((value(STRICT) - 4.0 / 6.0).abs() < 1e-12);
    assert!((value(HALF) - 4.5 / 6.0).abs() < 1e-12);
}

#[test]
fn the_fourteen_joint_vetoes() {
    let Some(path) = shared("data/un_sc/unsc_vetoes_1946_sept2022.csv") else { return };
    let store = Store::new();
    let report = store.json(&["ingest", "--feed", "unsc-vetoes", path.to_str().unwrap()]);
    assert_eq!(report["records"]["quarantined"], 0, "{report}");
    let vetoes = store.run(&["events", "--type", "vote.veto"]).exits(0).ndjson();
    let joint = vetoes.iter().filter(|v| {
        let actors: Vec<&str> = v["actors"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        actors == ["CHN", "RUS"] && v["attributes"]["form"] == "joint veto"
    });
    assert_eq!(joint.count(), 14);
}
