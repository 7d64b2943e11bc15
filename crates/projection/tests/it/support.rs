//! The bundled configuration and history as records.

use std::path::PathBuf;
use std::sync::Arc;

use bellwether_model::framework::Framework;
use bellwether_model::{
    Attributes, Basis, Body, Evidence, Fact, FactTypes, Grade, Op, Period, Precision, Record, Stamp,
    Temporal, View, parse_moment,
};
use bellwether_projection::{Assessment, MeasureState, Projector};
use chrono::{DateTime, Utc};

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

pub(crate) fn types() -> Arc<FactTypes> {
    Arc::new(FactTypes::parse("config/facts.toml", &read("config/facts.toml")).unwrap())
}

pub(crate) fn framework() -> Arc<Framework> {
    let text = read("config/frameworks/china-russia.toml");
    let map = Framework::map_name(&text).map(|name| read(&format!("config/frameworks/{name}")));
    Arc::new(
        Framework::parse("china-russia.toml", &text, &types(), map.as_deref())
            .unwrap_or_else(|p| panic!("{p}")),
    )
}

/// When the test log took everything: after every bundled publication.
pub(crate) fn recorded() -> DateTime<Utc> {
    parse_moment("2026-11-25T12:00:00Z").unwrap()
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

/// The bundled history, duplicates dropped as the log would.
pub(crate) fn history() -> Vec<Fact> {
    let types = types();
    let mut seen = std::collections::BTreeSet::new();
    ["china-russia-facts.csv", "assessment-judgements.csv", "coverage.csv"]
        .iter()
        .flat_map(|file| facts(&read(&format!("fixtures/history/{file}")), &types))
        .filter(|f| seen.insert(f.id))
        .collect()
}

pub(crate) fn records(facts: &[Fact]) -> Vec<Record> {
    (1..)
        .zip(facts)
        .map(|(seq, fact)| Record { seq, recorded_at: recorded(), body: Body::Fact(fact.clone()) })
        .collect()
}

pub(crate) fn projector(facts: &[Fact]) -> Projector {
    let mut projector = Projector::new(framework(), types());
    for record in records(facts) {
        projector.apply(&record);
    }
    projector
}

/// Both dates at one command-line bound.
pub(crate) fn at(date: &str) -> View {
    View::at(View::parse_bound(date).unwrap())
}

/// A world date seen with the knowledge of another date.
pub(crate) fn known(as_of: &str, known_by: &str) -> View {
    View { known_by: View::parse_bound(known_by).unwrap(), ..at(as_of) }
}

pub(crate) fn indicator<'a>(a: &'a Assessment, id: &str) -> &'a MeasureState {
    a.indicators.iter().chain(&a.measures).find(|m| m.id == id).unwrap_or_else(|| panic!("no {id}"))
}
