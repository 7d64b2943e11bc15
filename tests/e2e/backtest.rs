//! `backtest`: the bundled rules over the bundled history, and what a sweep proposes.

use bellwether_tests::{Daemon, Outcome, Store, root};
use serde_json::Value;

const EVENTS: &str = "date,title,domain,expected_direction,source_url\n";

/// The fields of the contract, in its order.
const FIELDS: [&str; 9] = [
    "id",
    "firings",
    "matched",
    "precision",
    "recall",
    "median_lead_days",
    "false_alarms_per_year",
    "null_precision",
    "null_p",
];

fn rules(outcome: &Outcome) -> Vec<Value> {
    outcome.json()["rules"].as_array().unwrap().clone()
}

/// Without the time that it took.
fn told(outcome: &Outcome) -> (i32, String, Vec<String>) {
    let notes = outcome.err.lines().filter(|l| !l.contains(" of history in ")).map(str::to_owned);
    (outcome.code, outcome.out.clone(), notes.collect())
}

#[test]
fn the_bundled_rules_over_the_bundled_history() {
    let store = Store::with_history();
    let table = store.run(&["backtest"]).exits(0);
    let wanted = include_str!("backtest.txt");
    assert!(table.out.starts_with(wanted), "the table is\n{}\nand not\n{wanted}", table.out);
    assert!(table.out.contains("In-sample") && table.out.contains("by chance alone about"), "{table}");
    assert!(table.err.contains("of history in"), "{table}");

    let json = store.run(&["--format", "json", "backtest"]).exits(0);
    let all = rules(&json);
    for rule in &all {
        let n = |name: &str| rule[name].as_f64();
        let (firings, matched) = (n("firings").unwrap(), n("matched").unwrap());
        assert_eq!(n("precision"), (firings > 0.0).then(|| matched / firings), "{rule}");
        let events = n("events").unwrap();
        assert_eq!(n("recall"), (events > 0.0).then(|| matched / events), "{rule}");
        let pairs = rule["pairs"].as_array().unwrap();
        assert_eq!(pairs.len() as f64, matched, "{rule}");
        assert_eq!(rule["false_alarms"].as_array().unwrap().len() as f64, firings - matched, "{rule}");
        for pair in pairs {
            let lead = pair["lead_days"].as_i64().unwrap();
            assert!((-90..=30).contains(&lead), "{pair}");
        }
        assert_eq!(rule["null_p"].is_null(), firings == 0.0, "{rule}");
    }
    reasons_say_what_the_backtest_says(&all);
    // Fields stand in the order of the contract, unknown ones as null.
    let mut at = 0;
    for field in FIELDS {
        let name = format!("\"{field}\":");
        at += json.out[at..].find(&name).unwrap_or_else(|| panic!("{field} stands elsewhere: {}", json.out));
    }
    assert!(json.out.contains("\"precision\":null"), "{}", json.out);

    let csv = store.run(&["--format", "csv", "backtest"]).exits(0);
    assert_eq!(csv.out.lines().next(), Some(FIELDS.join(",").as_str()));
    assert_eq!(csv.out.lines().count(), all.len() + 1);
    assert_eq!(store.run(&["--format", "ndjson", "backtest"]).exits(0).ndjson(), all);
    // Equal input, equal bytes: chance is seeded.
    assert_eq!(store.run(&["--format", "json", "backtest"]).out, json.out);

    let daemon = Daemon::start(&store);
    assert_eq!(told(&store.run(&["backtest"])), told(&table));
    assert_eq!(store.run(&["--format", "json", "backtest"]).out, json.out);
    let elsewhere = Store::new();
    let asked = elsewhere.run(&["--server", daemon.url(), "--format", "json", "backtest"]).exits(0);
    assert_eq!(asked.out, json.out);
    daemon.stop().exits(0);
}

/// A rule's reason cites its own figures, or says that there are none.
#[track_caller]
fn reasons_say_what_the_backtest_says(scores: &[Value]) {
    let mut seen = 0;
    for file in std::fs::read_dir(root().join("config/rules")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let parsed: toml::Table = text.parse().unwrap();
        for rule in parsed["rule"].as_array().unwrap() {
            let (id, reason) = (rule["id"].as_str().unwrap(), rule["reason"].as_str().unwrap());
            let says = match scores.iter().find(|s| s["id"] == id) {
                Some(score) => {
                    let n = score["firings"].as_u64().unwrap();
                    format!("{n} firing{}, {} matched", if n == 1 { "" } else { "s" }, score["matched"])
                }
                None => "no backtest speaks for it".to_owned(),
            };
            assert!(reason.contains(&says), "{id}: the reason must say {says:?}: {reason}");
            seen += 1;
        }
    }
    assert!(seen > scores.len());
}

#[test]
fn what_became_known_later_changes_nothing_before() {
    let whole = Store::with_history();
    let cut = "2022-06-30";
    let told = whole.run(&["events"]).exits(0).ndjson();
    let early =
        told.iter().filter(|record| record["published_at"].as_str().is_some_and(|at| at[..10] <= *cut));
    let lines = early.map(|record| {
        let mut fact = record.clone();
        let fields = fact.as_object_mut().unwrap();
        // A date that was assumed is assumed again.
        if fields["published_basis"] == "assumed" {
            fields["published_at"] = Value::Null;
        }
        for name in ["seq", "recorded_at", "id"] {
            fields.remove(name);
        }
        format!("{fact}\n")
    });
    let part = Store::new();
    let report = part.ingest("facts-ndjson", lines.collect::<String>());
    let stored = report["facts"]["stored"].as_u64().unwrap();
    assert!(stored > 200 && stored < 600, "{report}");
    let args = ["--format", "json", "backtest", "--to", cut];
    let (then, now) = (part.run(&args).exits(0), whole.run(&args).exits(0));
    assert_eq!(then.json(), now.json());
    assert!(rules(&now).iter().any(|r| r["firings"].as_u64().unwrap() > 3), "{now}");
}

#[test]
fn one_rule_shows_what_it_found_and_missed() {
    let store = Store::with_history();
    let page = store.run(&["backtest", "--rule", "divergence-baseline"]).exits(0);
    for part in ["Matched", "Missed", "False alarms"] {
        assert!(page.out.contains(part), "{page}");
    }
    let unknown = store.run(&["--format", "json", "backtest", "--rule", "divergence-basline"]).exits(4);
    assert_eq!(unknown.out, "{\"rules\":[]}\n");
    assert!(unknown.err.contains("divergence-baseline"), "{unknown}");
    let silent = store.run(&["backtest", "--rule", "indicator-stale"]).exits(4);
    assert!(silent.err.contains("claims nothing about events"), "{silent}");
}

#[test]
fn a_sweep_draws_a_curve_and_a_budget_proposes_a_rule() {
    let store = Store::with_history();
    let svg = store.beside("curve.svg");
    let sweep = ["--rule", "divergence-baseline", "--sweep", "factor=1..2/5", "--svg", svg.to_str().unwrap()];
    let json = store.json(&[&["backtest"], &sweep[..], &["--budget", "2"]].concat());
    let values = json["sweep"]["values"].as_array().unwrap();
    assert_eq!(
        values.iter().map(|v| v["value"].as_f64().unwrap()).collect::<Vec<_>>(),
        [1.0, 1.25, 1.5, 1.75, 2.0]
    );
    // The second value is the one that stands in the rule's file.
    let plain = store.json(&["backtest", "--rule", "divergence-baseline"])["rules"][0].clone();
    assert_eq!(json["rules"][0], plain);
    for field in &FIELDS[1..] {
        let same = values[1].get(field).is_none_or(|v| *v == plain[field]);
        assert!(same, "{field}: {} and {plain}", values[1]);
    }
    let drawn = std::fs::read_to_string(&svg).unwrap();
    assert!(
        drawn.starts_with("<svg ") && drawn.contains("<title id=\"title\">Backtest of divergence-baseline"),
        "{drawn}"
    );

    // The proposal is a rule as it stands in a file, and does what was promised.
    let proposal = &json["sweep"]["proposal"];
    assert!(proposal["why"].as_str().unwrap().contains("In-sample"), "{proposal}");
    let config = store.beside("config");
    store.run(&["init", "--dir", config.to_str().unwrap()]);
    let rules_dir = config.join("rules");
    std::fs::create_dir_all(&rules_dir).unwrap();
    for file in std::fs::read_dir(&rules_dir).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    std::fs::write(rules_dir.join("own.toml"), proposal["toml"].as_str().unwrap()).unwrap();
    for name in ["facts.toml", "frameworks/china-russia.toml", "frameworks/china-russia.ids.txt"] {
        std::fs::create_dir_all(config.join(name).parent().unwrap()).unwrap();
        std::fs::copy(root().join("config").join(name), config.join(name)).unwrap();
    }
    let own = store.json(&["--config", config.to_str().unwrap(), "backtest"])["rules"][0].clone();
    let promised = values.iter().find(|v| v["value"] == proposal["value"]).unwrap();
    for field in ["firings", "matched", "recall", "false_alarms_per_year", "null_precision"] {
        assert_eq!(own[field], promised[field], "{field}");
    }

    let page = store.run(&[&["backtest"], &sweep[..], &["--budget", "2"]].concat()).exits(0);
    assert!(page.out.contains("[[rule]]") && page.out.contains("proposed"), "{page}");
    let csv = store.run(&[&["--format", "csv", "backtest"], &sweep[..]].concat()).exits(0);
    assert_eq!(csv.out.lines().count(), 6, "{csv}");
    let poor = store.run(&[&["backtest"], &sweep[..], &["--budget", "0"]].concat()).exits(4);
    assert!(poor.err.contains("keeps within 0 false alarms a year"), "{poor}");
}

#[test]
fn what_cannot_be_asked_is_said_with_a_remedy() {
    let store = Store::with_history();
    let check = |args: &[&str], code: i32, says: &str| {
        let outcome = store.run(&[&["backtest"], args].concat()).exits(code);
        assert!(outcome.err.contains(says), "{says:?} is not in {outcome}");
    };
    check(&["--sweep", "x=1..2/3"], 2, "--rule");
    check(&["--rule", "divergence-baseline", "--sweep", "factor"], 2, "PARAM=A..B/N");
    check(&["--rule", "divergence-baseline", "--sweep", "nothing=1..2/3"], 2, "it has for, keep, factor");
    check(&["--from", "2024-01-01", "--to", "2023-01-01"], 2, "comes after");
    check(&["--reference", "no/such.csv"], 6, "no/such.csv");
    let odd = store.beside("odd.csv");
    std::fs::write(&odd, format!("{EVENTS}2020-02-30,A,space,sideways,\n")).unwrap();
    check(&["--reference", odd.to_str().unwrap()], 3, "odd.csv:2: date");
    // Turning points of one pair are none of another.
    check(&["--framework", "fixtures/dyads/xaa-xbb.toml"], 2, "no reference events of XAA and XBB");
    let own = store.beside("own.csv");
    std::fs::write(&own, format!("{EVENTS}2020-02-20,A,defence,shock,\n")).unwrap();
    let other = ["--framework", "fixtures/dyads/xaa-xbb.toml", "--reference", own.to_str().unwrap()];
    check(&other, 0, "rules over 121 days");
    // Without facts nothing fires, and that is no hit.
    let none = rules(&Store::new().run(&["--format", "json", "backtest"]).exits(0));
    assert!(none.iter().all(|r| r["firings"] == 0 && r["precision"].is_null()), "{none:?}");
}
