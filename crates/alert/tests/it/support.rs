//! Scenarios as text: a rule, the values of a row by date, and what happens.

use std::path::PathBuf;
use std::sync::Arc;

use bellwether_alert::{AlertEvent, Happening, RuleSet};
use bellwether_model::framework::Framework;
use bellwether_model::{
    Attributes, Basis, Evidence, Fact, FactTypes, Grade, Op, Period, Precision, Stamp, Temporal, parse_moment,
};
use chrono::{DateTime, NaiveTime, Utc};

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

pub(crate) fn types() -> Arc<FactTypes> {
    Arc::new(FactTypes::parse("config/facts.toml", &read("config/facts.toml")).unwrap())
}

/// The invented pair of countries.
pub(crate) fn dyad() -> Arc<Framework> {
    let text = read("fixtures/dyads/xaa-xbb.toml");
    Arc::new(Framework::parse("xaa-xbb.toml", &text, &types(), None).unwrap_or_else(|p| panic!("{p}")))
}

/// The bundled framework.
pub(crate) fn bundled() -> Arc<Framework> {
    let text = read("config/frameworks/china-russia.toml");
    let map = Framework::map_name(&text).map(|name| read(&format!("config/frameworks/{name}")));
    let parsed = Framework::parse("china-russia.toml", &text, &types(), map.as_deref());
    Arc::new(parsed.unwrap_or_else(|p| panic!("{p}")))
}

/// The bundled rule files by name.
pub(crate) fn bundled_files() -> Vec<(String, String)> {
    let mut names: Vec<String> = std::fs::read_dir(root().join("config/rules"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names.into_iter().map(|name| (format!("rules/{name}"), read(&format!("config/rules/{name}")))).collect()
}

pub(crate) fn bundled_rules() -> RuleSet {
    let files = bundled_files();
    let parsed = RuleSet::parse(files.iter().map(|(f, t)| (f.as_str(), t.as_str())));
    parsed.unwrap_or_else(|p| panic!("{p}"))
}

/// A file with one rule: the lines given, and what every rule must have.
pub(crate) fn rule(id: &str, lines: &str) -> String {
    format!(
        "[[rule]]\nid = \"{id}\"\ntitle = \"T\"\nseverity = \"info\"\nsummary = \"now {{row.value}}\"\n{lines}\n"
    )
}

/// Rules of one text.
pub(crate) fn rules(text: &str) -> RuleSet {
    RuleSet::parse([("r.toml", text)]).unwrap_or_else(|p| panic!("{p}"))
}

/// A day, or a moment.
pub(crate) fn at(text: &str) -> DateTime<Utc> {
    match text.parse::<chrono::NaiveDate>() {
        Ok(day) => day.and_time(NaiveTime::MIN).and_utc(),
        Err(_) => DateTime::parse_from_rfc3339(text).unwrap().to_utc(),
    }
}

/// One event on a line: moment, alert, what happened, why, muted by.
pub(crate) fn line(e: &AlertEvent) -> String {
    let what = match &e.happening {
        Happening::Resolved { reason } => format!("resolved ({reason})"),
        other => format!("{other:?}").to_lowercase(),
    };
    let muted =
        if e.muted_by.is_empty() { String::new() } else { format!(" muted by {}", e.muted_by.join(", ")) };
    format!("{} {} {what}{muted}", e.at.replace("T00:00:00Z", ""), e.alert.trim_start_matches("alert."))
}

/// Facts of a file in the bundled CSV format, as the feed makes them.
pub(crate) fn facts(text: &str, types: &FactTypes) -> Vec<Fact> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    reader
        .records()
        .map(|row| {
            let row = row.unwrap();
            let cell = |name: &str| {
                let at = header.iter().position(|h| h == name);
                at.and_then(|i| row.get(i)).map(str::trim).filter(|c| !c.is_empty()).map(str::to_owned)
            };
            let start = parse_moment(&cell("valid_start").unwrap()).unwrap();
            let mut valid = match cell("valid_end") {
                Some(end) => Period::range(start, parse_moment(&end).unwrap()).unwrap(),
                None => Period::instant(start),
            };
            let attributes: Attributes =
                cell("attributes").map(|a| serde_json::from_str(&a).unwrap()).unwrap_or_default();
            let kind = cell("fact_type").unwrap();
            let flow = types.get(&kind).is_some_and(|t| t.temporal == Temporal::Flow);
            if attributes.contains_key("date_precision") && !flow {
                valid.precision = Precision::Window;
            }
            let information: u8 = cell("info_credibility").unwrap().parse().unwrap();
            let mut fact = Fact {
                id: Default::default(),
                op: Op::Assert,
                kind,
                source: "facts-csv".into(),
                key: cell("key").unwrap(),
                valid,
                published_at: cell("published_at").map(|p| p.parse::<Stamp>().unwrap()),
                published_basis: if cell("published_at").is_some() { Basis::Stated } else { Basis::Recorded },
                actors: [cell("actor_from"), cell("actor_to")].into_iter().flatten().collect(),
                value: cell("value").map(|v| v.parse().unwrap()),
                unit: cell("unit"),
                grade: Grade::new(cell("source_grade").unwrap().chars().next().unwrap(), information)
                    .unwrap(),
                attributes,
                evidence: Evidence { uri: cell("source_url"), ..Evidence::default() },
                note: cell("note"),
            };
            types.settle_publication(&mut fact, cell("assume").as_deref() != Some("no"));
            fact.seal();
            fact
        })
        .collect()
}

/// The facts of the invented pair.
pub(crate) fn dyad_facts() -> Vec<Fact> {
    facts(&read("fixtures/dyads/xaa-xbb-facts.csv"), &types())
}
