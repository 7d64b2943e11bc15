//! The bundled history: vintages, sensitivity, and the whole framework answering.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::framework::Framework;
use bellwether_model::{Fact, View};
use bellwether_projection::{Assessment, Cause, Projector};
use serde_json::Value;

use crate::support::*;

/// Rows by id, evidence left out: what a reader compares.
fn rows(a: &Assessment) -> BTreeMap<String, Value> {
    let all = serde_json::to_value(a).unwrap();
    let mut out = BTreeMap::new();
    for value in all.as_object().unwrap().values() {
        for row in value.as_array().into_iter().flatten().chain(Some(value).filter(|v| v.is_object())) {
            if let Some(id) = row.get("id").and_then(Value::as_str) {
                let mut row = row.clone();
                strip(&mut row);
                out.insert(id.to_owned(), row);
            }
        }
    }
    out.remove("china-russia");
    out
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.remove("evidence");
            map.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

fn changed(a: &Assessment, b: &Assessment) -> BTreeSet<String> {
    let (a, b) = (rows(a), rows(b));
    a.keys().chain(b.keys()).filter(|id| a.get(*id) != b.get(*id)).cloned().collect()
}

/// Every row that reads one of the measures, directly or through other rows, found from the framework alone.
fn dependants(f: &Framework, measures: &BTreeSet<String>) -> BTreeSet<String> {
    let mut reads: Vec<(String, Vec<String>)> = Vec::new();
    for d in &f.domains {
        let own = f.indicators.iter().filter(|m| m.domain.as_ref() == Some(&d.id)).map(|m| m.id.clone());
        let named =
            d.expectations.iter().flat_map(|e| e.when.split('"').skip(1).step_by(2).map(str::to_owned));
        reads.push((d.id.clone(), own.chain(named).collect()));
        for e in &d.expectations {
            reads.push((e.id.clone(), e.when.split('"').skip(1).step_by(2).map(str::to_owned).collect()));
        }
    }
    for c in [&f.characters, &f.roles, &f.drivers, &f.frictions, &f.implications].into_iter().flatten() {
        reads.push((c.id.clone(), c.inputs.iter().map(|i| i.of.clone()).collect()));
    }
    for a in &f.asymmetries {
        reads.push((a.id.clone(), a.pairs.iter().flat_map(|p| [p.a.clone(), p.b.clone()]).collect()));
    }
    for c in &f.constraints {
        reads.push((
            c.id.clone(),
            std::iter::once(&c.of).chain(c.inputs.iter().map(|i| &i.of)).cloned().collect(),
        ));
    }
    for s in &f.scenarios {
        reads.push((s.id.clone(), f.signals.iter().map(|x| x.of.clone()).collect()));
    }
    let balance = f.balance.as_ref().unwrap();
    reads.push((balance.id.clone(), balance.inputs.iter().map(|i| i.of.clone()).collect()));
    let mut found = measures.clone();
    loop {
        let more: Vec<String> = reads
            .iter()
            .filter(|(id, of)| !found.contains(id) && of.iter().any(|x| found.contains(x)))
            .map(|(id, _)| id.clone())
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// Whether a changed row is a dependant, or a divergence or shift of one.
fn expected(id: &str, allowed: &BTreeSet<String>) -> bool {
    allowed.contains(id)
        || id == "divergence.cross_domain.domains"
        || allowed.iter().any(|row| {
            id.starts_with(&format!("shift.{row}."))
                || id
                    .split_once('.')
                    .and_then(|(_, rest)| rest.split_once('.'))
                    .is_some_and(|(_, of)| of == row)
        })
}

fn readers(f: &Framework, facts: &[&Fact]) -> BTreeSet<String> {
    f.all_measures()
        .filter(|m| m.reads().any(|r| facts.iter().any(|fact| r.takes(fact, f))))
        .map(|m| m.id.clone())
        .collect()
}

#[test]
fn dropping_a_fact_type_moves_its_dependants_and_nothing_else() {
    let (f, all, view) = (framework(), history(), at("2026-11-24"));
    let full = projector(&all).assess(&view);
    let kinds: BTreeSet<&str> = all.iter().map(|x| x.kind.as_str()).collect();
    for kind in kinds {
        let rest: Vec<Fact> = all.iter().filter(|x| x.kind != kind).cloned().collect();
        let without = projector(&rest).assess(&view);
        let gone: Vec<&Fact> = all.iter().filter(|x| x.kind == kind).collect();
        let mut read = readers(&f, &gone);
        if kind == "coverage.declared" {
            read.extend(f.all_measures().filter(|m| m.formula.windowed()).map(|m| m.id.clone()));
        }
        let allowed = dependants(&f, &read);
        let moved = changed(&full, &without);
        let stray: Vec<&String> = moved.iter().filter(|id| !expected(id, &allowed)).collect();
        assert!(stray.is_empty(), "without {kind}: {stray:?}");
        for m in full.indicators.iter().chain(&full.measures).filter(|m| !m.evidence.is_empty()) {
            let only = f.all_measures().find(|x| x.id == m.id).unwrap().reads().all(|r| r.kind == kind);
            assert!(!only || moved.contains(&m.id), "without {kind}, {} stands unchanged", m.id);
        }
    }
}

#[test]
fn a_joint_veto_that_two_sources_state_is_one() {
    let (mut all, view) = (history(), at("2022-12-31"));
    let once = projector(&all).assess(&view);
    let again: Vec<Fact> = all
        .iter()
        .filter(|x| x.kind == "vote.veto" && x.attribute("form").as_deref() == Some("joint veto"))
        .map(|x| {
            let mut x = Fact { source: "unsc-vetoes".into(), ..x.clone() };
            x.seal();
            x
        })
        .collect();
    assert!(again.len() > 5, "{}", again.len());
    all.extend(again);
    assert_eq!(changed(&once, &projector(&all).assess(&view)), BTreeSet::new());
}

#[test]
fn doubling_trade_moves_only_what_reads_trade() {
    let (f, all, view) = (framework(), history(), at("2026-11-24"));
    let doubled: Vec<Fact> = all
        .iter()
        .cloned()
        .map(|mut x| {
            if x.kind == "trade.flow" {
                x.value = x.value.map(|v| v * bellwether_model::Decimal::TWO);
                x.seal();
            }
            x
        })
        .collect();
    let trade: Vec<&Fact> = all.iter().filter(|x| x.kind == "trade.flow").collect();
    let allowed = dependants(&f, &readers(&f, &trade));
    let moved = changed(&projector(&all).assess(&view), &projector(&doubled).assess(&view));
    assert!(moved.contains("economic.trade-total"), "{moved:?}");
    let stray: Vec<&String> = moved.iter().filter(|id| !expected(id, &allowed)).collect();
    assert!(stray.is_empty(), "{stray:?}");
}

/// Moves exactly the rows that read `id` between two known-by dates, and the diff names `keys`.
fn vintage(facts: &[Fact], id: &str, before: &View, after: &View, keys: &[&str]) -> Projector {
    let p = projector(facts);
    let f = framework();
    let allowed = dependants(&f, &BTreeSet::from([id.to_owned()]));
    let moved = changed(&p.assess(before), &p.assess(after));
    assert!(moved.contains(id), "{moved:?}");
    let stray: Vec<&String> = moved.iter().filter(|x| !expected(x, &allowed)).collect();
    assert!(stray.is_empty(), "{stray:?}");
    let diff = p.diff(before, after);
    let records = records(facts);
    for change in diff.changed.iter().filter(|c| c.id == id) {
        assert_eq!(change.cause, Cause::Facts);
        let because: Vec<&str> = change
            .because
            .iter()
            .map(|seq| records.iter().find(|r| r.seq == *seq).unwrap().fact().unwrap().key.as_str())
            .collect();
        for key in keys {
            assert!(because.contains(key), "{because:?}");
        }
    }
    p
}

#[test]
fn the_pipeline_volume_of_2022_was_restated_in_december_2025() {
    let key = "energy.flow|RUS-CHN|pipeline gas|volume|m3|Gazprom|2022";
    let (before, after) = (known("2022-12-31", "2025-12-05"), known("2022-12-31", "2025-12-06"));
    let p = vintage(&history(), "economic.gas-imports", &before, &after, &[key]);
    let value = |v: &View| indicator(&p.assess(v), "economic.gas-imports").value;
    assert_eq!((value(&before), value(&after)), (Some(15_500_000_000.0), Some(15_400_000_000.0)));
    let vintages = p.series("economic.gas-imports", &after, true).unwrap();
    let of_2022: Vec<Option<f64>> =
        vintages.iter().filter(|r| r.period_start == "2022-01-01").map(|r| r.value).collect();
    assert_eq!(of_2022, [Some(15_500_000_000.0), Some(15_400_000_000.0)]);
}

#[test]
fn roundings_of_the_trade_of_2022_change_nothing() {
    let p = projector(&history());
    let state = |known_by: &str| {
        let a = p.assess(&known("2022-12-31", known_by));
        indicator(&a, "economic.trade-total").clone()
    };
    let first = state("2023-01-14");
    assert_eq!((first.value, first.vintages), (Some(190_270_000_000.0), 1));
    for later in ["2023-05-10", "2023-06-10", "2024-08-08"] {
        assert_eq!(state(later), first, "{later}");
    }
}

#[test]
fn the_crude_value_of_may_2022_was_revised_between_two_customs_vintages() {
    let path = root().join("../shared/data/facts/restricted-facts.csv");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {} is not there; it may not be bundled", path.display());
        return;
    };
    let mut facts = history();
    facts.extend(
        self::facts(&text, &types()).into_iter().filter(|f| f.key.contains("|crude|value|USD|GACC-Wind|")),
    );
    let key = "energy.flow|RUS-CHN|crude|value|USD|GACC-Wind|2022-05";
    let (before, after) = (known("2022-06-15", "2023-04-04"), known("2022-06-15", "2023-04-05"));
    let p = vintage(&facts, "economic.crude-imports", &before, &after, &[key]);
    let value = |v: &View| {
        let a = p.assess(v);
        let crude = indicator(&a, "economic.crude-imports").clone();
        crude
            .also
            .into_iter()
            .find(|x| x.unit == "USD")
            .and_then(|x| x.value)
            .map(|v| (v / 1e6).round() / 1e3)
    };
    assert_eq!((value(&before), value(&after)), (Some(5.847), Some(6.097)));
}

#[test]
fn the_framework_answers_as_of_november_2026() {
    let p = projector(&history());
    let a = p.assess(&at("2026-11-24"));
    let levels = [&a.characters, &a.roles, &a.drivers, &a.frictions, &a.implications];
    let mut answered =
        levels.iter().flat_map(|l| l.iter()).filter(|l| l.level.is_some() && !l.evidence.is_empty()).count();
    answered += a.asymmetries.iter().filter(|x| x.value.is_some() && !x.evidence.is_empty()).count();
    answered += a.constraints.iter().filter(|x| x.value.is_some() && !x.evidence.is_empty()).count();
    answered += a.scenarios.len();
    answered += usize::from(a.balance.as_ref().unwrap().value.is_some());
    assert!(answered >= 25, "{answered}");
    let gaps: BTreeSet<String> = p.gaps(&at("2026-11-24")).into_iter().map(|g| g.id).collect();
    for l in levels.iter().flat_map(|l| l.iter()).filter(|l| l.level.is_none()) {
        assert!(gaps.contains(&l.id), "{} is null and no gap says why", l.id);
    }
    for m in a.indicators.iter().filter(|m| m.value.is_none() && m.at_least.is_none()) {
        assert!(gaps.contains(&m.id), "{} is null and no gap says why", m.id);
    }
}

#[test]
fn every_row_can_say_why() {
    let p = projector(&history());
    let view = at("2026-11-24");
    let a = p.assess(&view);
    let f = framework();
    let mut ids: Vec<String> = f.ids().into_iter().map(str::to_owned).collect();
    ids.extend(f.domains.iter().map(|d| d.id.clone()));
    ids.extend(f.domains.iter().flat_map(|d| &d.expectations).map(|e| e.id.clone()));
    ids.extend(a.shifts.iter().map(|s| s.id.clone()));
    ids.extend(a.divergences.iter().map(|d| d.id.clone()));
    for id in ids {
        let why = p.why(&id, &view).unwrap_or_else(|| panic!("no reason for {id}"));
        assert!(!why.formula.is_empty() && !why.figures.is_empty(), "{id}");
    }
    assert!(p.why("no.such-row", &view).is_none());
}

#[test]
fn an_empty_log_answers_null_and_never_zero() {
    let a = projector(&[]).assess(&at("2026-11-24"));
    assert_eq!(a.facts, 0);
    assert!(a.domains.iter().all(|d| d.index.is_none() && d.coverage == 0.0));
    assert!(a.indicators.iter().all(|m| m.value.is_none() && m.at_least.is_none() && m.distance.is_none()));
    assert!(a.constraints.iter().all(|c| c.value.is_none() && c.breached.is_none()));
    let total: f64 = a.scenarios.iter().map(|s| s.probability).sum();
    assert!((total - 1.0).abs() < 1e-12);
}
