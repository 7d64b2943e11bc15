//! The scenarios page: every form of it, its golden bytes, what would turn the balance, and two readings side by side.

use bellwether_tests::{Store, root};
use serde_json::Value;

const DAY: [&str; 3] = ["scenarios", "--as-of", "2024-12-31"];

fn asked(more: &[&str]) -> Vec<String> {
    DAY.iter().chain(more).map(|s| (*s).to_owned()).collect()
}

fn json(store: &Store, more: &[&str]) -> Value {
    let args = asked(more);
    store.json(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

fn list<'a>(value: &'a Value, name: &str) -> &'a Vec<Value> {
    value[name].as_array().unwrap_or_else(|| panic!("no list {name}"))
}

/// To renew after a change of framework or engine: BELLWETHER_GOLDEN=write, and read what differs.
#[test]
fn the_bundled_history_gives_the_same_bytes_everywhere() {
    let store = Store::with_history();
    let args = asked(&["--paths", "500", "--horizon", "2030"]);
    let args: Vec<&str> = ["--format", "json"].into_iter().chain(args.iter().map(String::as_str)).collect();
    let made = store.run(&args).exits(0).out;
    let golden = root().join("fixtures/golden/scenarios-2024-12-31.json");
    if std::env::var("BELLWETHER_GOLDEN").is_ok_and(|v| v == "write") {
        std::fs::write(&golden, &made).unwrap();
    }
    let want = std::fs::read_to_string(&golden).unwrap();
    assert!(made == want, "scenarios of 2024-12-31 differ from {}:\n{made}", golden.display());
}

#[test]
fn probabilities_add_up_and_fans_reach_the_horizon() {
    let store = Store::with_history();
    let all = json(&store, &["--paths", "500"]);
    let sum = |rows: &Vec<Value>| rows.iter().map(|s| s["probability"].as_f64().unwrap()).sum::<f64>();
    assert!((sum(list(&all, "scenarios")) - 1.0).abs() < 1e-9);
    let years = list(&all, "year_ends");
    assert_eq!((years[0]["year"].as_i64(), years.last().unwrap()["year"].as_i64()), (Some(2025), Some(2035)));
    for year in years {
        assert!((sum(list(year, "scenarios")) - 1.0).abs() < 1e-12, "{year}");
    }
    let document = store.json(&["replay", "--as-of", "2024-12-31"]);
    assert_eq!(document["scenarios"], all["scenarios"]);
    assert_eq!(document["balance"], all["balance"]);
    let count = list(&document, "indicators").len() + list(&document, "measures").len();
    assert_eq!(list(&all, "fans").len() + list(&all, "refused").len(), count);
    for fan in list(&all, "fans") {
        assert_eq!(list(fan, "year_ends").last().unwrap()["year"], 2035, "{fan}");
    }
    for refused in list(&all, "refused") {
        assert!(!refused["reason"].as_str().unwrap().is_empty());
    }
    let signposts = list(&all, "signposts");
    assert_eq!(signposts.len(), 4);
    assert_eq!(signposts.iter().filter(|s| s["leads"] == true).count(), 1);
    let known: Vec<&Value> =
        list(&document, "indicators").iter().chain(list(&document, "measures")).collect();
    for signal in signposts.iter().flat_map(|s| list(s, "signals")) {
        assert!(known.iter().any(|k| k["id"] == signal["indicator"]), "{signal}");
    }
}

#[test]
fn every_form_shows_it_and_a_horizon_out_of_reach_is_refused() {
    let store = Store::with_history();
    let args = asked(&["--paths", "200", "--sensitivity"]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let table = store.run(&args).exits(0).out;
    for heading in [
        "Scenarios",
        "Year ends",
        "Signposts",
        "Balance",
        "Bounds ahead",
        "Indicators ahead",
        "Judgements it hangs on",
        "What the balance hangs on",
    ] {
        assert!(table.contains(heading), "{heading} is missing:\n{table}");
    }
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
    let csv = store.run(&[&["--format", "csv"], &args[..]].concat()).exits(0).out;
    assert!(csv.starts_with("list,id,year,probability,p05,p25,p50,p75,p95,number,words\n"), "{csv}");
    let rows = store.run(&[&["--format", "ndjson"], &args[..]].concat()).exits(0).ndjson();
    assert_eq!(rows.len() + 1, csv.lines().count());
    for named in [
        "scenarios",
        "year_ends",
        "signposts",
        "diagnosticity",
        "balance",
        "balance_under",
        "balance_ahead",
        "bounds",
        "fans",
        "refused",
        "sensitivity",
    ] {
        assert!(rows.iter().any(|r| r["list"] == named), "no {named}");
    }
    assert!(json(&store, &["--paths", "200"]).get("sensitivity").is_none());
    let late = store.run(&["scenarios", "--as-of", "2024-12-31", "--horizon", "2090"]).exits(2);
    assert!(late.err.contains("from 2025 to 2035"), "{late}");
    store.run(&["scenarios", "--paths", "3"]).exits(2);
}

/// The facts end in spring, the view is of November: what the year will have is open, unless somebody declares to have
/// looked until then.
#[test]
fn a_gap_before_the_view_is_not_read_as_empty() {
    let store = Store::with_history();
    let fan = || {
        let all = store.json(&["scenarios", "--as-of", "2026-11-24", "--paths", "2000"]);
        let found = list(&all, "fans").iter().find(|f| f["id"] == "military.exercises").cloned().unwrap();
        let year = found["year_ends"][0].clone();
        assert_eq!(year["year"], 2026);
        let width = year["p95"].as_f64().unwrap() - year["p05"].as_f64().unwrap();
        (width, year["p50"].as_f64().unwrap(), found["model"]["notes"].to_string())
    };
    let (open, middle, notes) = fan();
    assert!(open >= 6.0 && notes.contains("drawn from 2026-"), "{open} {notes}");
    let row = "coverage.declared,coverage|exercise.held|2010-2026,2010-01-01,2026-11-25,2026-11-23,no,CHN,RUS,,,\
               \"{\"\"covers\"\": \"\"exercise.held\"\"}\",a register,https://example.org/register,B,2,,assert";
    let report = store.ingest("facts-csv", crate::facts::csv(&[row.to_owned()]));
    assert_eq!(report["facts"]["stored"], 1, "{report}");
    let (heard, then, notes) = fan();
    assert!(heard <= 3.0 && then < middle && notes == "null", "{heard} {then} {notes}");
}

/// The page writes thresholds as it writes all figures, and whole percentages of one date add to a hundred.
#[test]
fn the_page_writes_figures_as_the_tables_do() {
    let store = Store::with_history();
    let table = store.run(&["scenarios", "--as-of", "2026-06-30", "--paths", "200"]).exits(0).out;
    let words = table.split_whitespace().collect::<Vec<_>>().join(" ");
    let signposts = words.split("Signposts").nth(1).unwrap().split("What the next").next().unwrap();
    assert!(signposts.contains("would lead by") && signposts.contains(" USD/bbl)"), "{signposts}");
    for raw in ["million", "USD_per_barrel", "0.5 share"] {
        assert!(!signposts.contains(raw), "{raw}: {signposts}");
    }
    let ends = words.split("Year ends").nth(1).unwrap().split("Signposts").next().unwrap();
    let shares: Vec<u32> = ends
        .split([' ', ','])
        .filter_map(|word| word.strip_suffix('%'))
        .map(|p| p.parse().unwrap_or(0))
        .collect();
    assert_eq!(shares.len(), 40, "{ends}");
    assert!(shares.chunks(4).all(|year| year.iter().sum::<u32>() == 100), "{ends}");
}

/// What is said to turn the balance does turn it, when it is put in place of the parts.
#[test]
fn what_would_turn_the_balance_turns_it() {
    let store = Store::with_history();
    for day in ["2022-12-31", "2024-12-31", "2026-06-30"] {
        let balance = store.json(&["replay", "--as-of", day])["balance"].clone();
        let Some(value) = balance["value"].as_f64() else { continue };
        let parts = list(&balance, "parts");
        let sum = |moved: &[&Value]| -> f64 {
            parts
                .iter()
                .filter_map(|p| {
                    let to = moved.iter().find(|t| t["id"] == p["id"]).map(|t| &t["to"]);
                    to.unwrap_or(&p["points"]).as_f64()
                })
                .sum()
        };
        assert!((sum(&[]) - value).abs() < 1e-9);
        let alone = list(&balance, "alone");
        assert_eq!(alone.len(), parts.iter().filter(|p| !p["points"].is_null()).count());
        for turn in alone.iter().filter(|t| !t["to"].is_null()) {
            assert!(sum(&[turn]).abs() < 1e-9, "{day}: {turn}");
            assert!((-100.0..=100.0).contains(&turn["level_to"].as_f64().unwrap()), "{turn}");
        }
        let together: Vec<&Value> = list(&balance, "together").iter().collect();
        assert!(sum(&together).abs() < 1e-9, "{day}: {together:?}");
        // When one part is enough, one is named.
        assert_eq!(together.len() == 1, alone.iter().any(|t| !t["to"].is_null()), "{day}");
        let why = store.run(&["why", "balance.net-incentive", "--as-of", day]).exits(0).out;
        let first = together[0]["id"].as_str().unwrap();
        // One part that does it alone is not said twice.
        assert_eq!(why.contains("together: "), together.len() > 1, "{why}");
        assert!(why.contains(first), "{why}");
    }
}

#[test]
fn two_readings_stand_side_by_side() {
    let store = Store::with_history();
    let folder = root().join("config/frameworks");
    let text = std::fs::read_to_string(folder.join("china-russia.toml")).unwrap();
    let other = store.beside("other.toml");
    std::fs::copy(folder.join("china-russia.ids.txt"), store.beside("china-russia.ids.txt")).unwrap();
    // Trade weighs less, scale of exercises more.
    let heavier = text
        .replacen("id = \"economic.trade-total\"", "id = \"economic.trade-total\" # less", 1)
        .replacen(
            "of = \"role.rus.channel\", weight = 0.35, sign = \"-\"",
            "of = \"role.rus.channel\", weight = 0.30, sign = \"-\"",
            1,
        )
        .replacen(
            "{ of = \"role.rus.offset\", weight = 0.25, sign = \"-\"",
            "{ of = \"role.rus.offset\", weight = 0.30, sign = \"-\"",
            1,
        );
    assert_ne!(heavier, text);
    std::fs::write(&other, &heavier).unwrap();
    let other = other.to_str().unwrap();
    let args = ["replay", "--as-of", "2024-12-31", "--framework", other, "--against", "china-russia"];
    let compared = store.json(&args);
    let (base, changed) = (store.json(&["replay", "--as-of", "2024-12-31"]), store.json(&args[..5]));
    assert_eq!(compared["base"], base["framework"]);
    assert_eq!(compared["other"], changed["framework"]);
    let rows = list(&compared, "changed");
    assert!(!rows.is_empty());
    for row in rows {
        assert_eq!(
            row["id"], "implication.sanctions-effectiveness",
            "only what reads the weights differs: {row}"
        );
    }
    let level = |document: &Value| {
        list(document, "implications").iter().find(|i| i["id"] == rows[0]["id"]).unwrap()["level"].clone()
    };
    let row = rows.iter().find(|r| r["path"] == "level").unwrap();
    assert_eq!((&row["base"], &row["other"]), (&level(&base), &level(&changed)));
    let table = store.run(&args).exits(0).out;
    assert!(table.contains("implication.sanctions-effectiveness") && table.contains(" beside "), "{table}");
    // Without a name the other reading is compared with the configuration's, in the table alone.
    assert_eq!(store.run(&args[..5]).exits(0).out, table);
    assert_eq!(changed["framework"]["id"], "china-russia");
    // Both have the same id and version: the file names the column, and what prints alike is no row.
    let heads = table.lines().find(|line| line.trim_start().starts_with("row ")).unwrap();
    assert!(heads.ends_with("other.toml") && heads.contains("china-russia "), "{table}");
    for line in table.lines().filter(|line| line.contains("implication.")) {
        let cells: Vec<&str> = line.split_whitespace().rev().take(2).collect();
        assert_ne!(cells[0], cells[1], "{line}");
    }
    // A file that reads as the configuration does shows what that says.
    std::fs::copy(folder.join("china-russia.toml"), store.beside("same.toml")).unwrap();
    let same = store.beside("same.toml");
    let page =
        store.run(&["replay", "--as-of", "2024-12-31", "--framework", same.to_str().unwrap()]).exits(0);
    assert!(page.err.contains("reads as china-russia of the configuration does"), "{page}");
    assert_eq!(page.out, store.run(&["replay", "--as-of", "2024-12-31"]).exits(0).out);
    let csv = store.run(&[&["--format", "csv"], &args[..]].concat()).exits(0).out;
    assert!(csv.starts_with("id,path,base,other\n"), "{csv}");
    let same = store.json(&[
        "replay",
        "--as-of",
        "2024-12-31",
        "--framework",
        "china-russia",
        "--against",
        "china-russia",
    ]);
    assert!(list(&same, "changed").is_empty());
    store.run(&["replay", "--against", "china-russia"]).exits(2);
}
