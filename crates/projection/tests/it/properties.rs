//! Properties over generated facts: order, duplicates, snapshots, hindsight.

use std::collections::BTreeMap;

use bellwether_model::{Basis, Clock, Fact, KnownBasis, Op, Period, Record, Stamp, View, parse_moment};
use bellwether_projection::Projector;
use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::*;

/// Facts that compete for a handful of keys, so that vintages, confirmations, rivals and withdrawals abound.
pub(crate) fn fact() -> impl Strategy<Value = Fact> {
    let templates: Vec<Fact> = history()
        .into_iter()
        .filter(|f| {
            [
                "trade.flow",
                "energy.flow",
                "exercise.held",
                "vote.veto",
                "finance.reserve_share",
                "coverage.declared",
            ]
            .contains(&f.kind.as_str())
        })
        .collect();
    let types = types();
    let published = prop_oneof![
        3 => (0_u64..5000).prop_map(|d| (Basis::Stated, Some(day(d)))),
        1 => Just((Basis::Assumed, None)),
    ];
    let value = prop_oneof![2 => Just(None), 1 => (1_i64..400).prop_map(|n| Some(n * 1_000_000_007))];
    (
        0..templates.len(),
        0_u8..8,
        published,
        value,
        0_u8..4,
        prop::sample::select(vec!["A1", "B2", "C3", "D4"]),
        0_u8..12,
    )
        .prop_map(move |(i, op, (basis, stamp), value, rival, grade, told)| {
            // One template in eight: many facts under few keys.
            let mut f = templates[i - i % 8].clone();
            f.op = if op == 0 { Op::Retract } else { Op::Assert };
            (f.published_basis, f.published_at) = (basis, stamp);
            if basis == Basis::Assumed {
                // An assumption is a rule, not content: one fact has one assumed date.
                types.settle_publication(&mut f, true);
            }
            f.grade = grade.parse().unwrap();
            if f.value.is_some()
                && let Some(value) = value
            {
                f.value = Some(value.into());
                if f.unit.as_deref() == Some("share") {
                    f.value = Some(bellwether_model::Decimal::new(value % 1000, 3));
                }
            }
            match rival {
                0 => f.key.push_str("|copy2"),
                1 => f.key.push_str("|alt"),
                _ => {}
            }
            // By three publishers or the template's, now and then of one of two events.
            if told < 9 {
                f.evidence.uri = Some(format!("https://paper{}.example/", told % 3));
            }
            if told % 5 == 0 {
                f.attributes.insert("event".to_owned(), format!("event {}", told % 2).into());
            }
            f.seal();
            f
        })
}

fn day(n: u64) -> Stamp {
    Stamp::Day(NaiveDate::from_ymd_opt(2012, 1, 1).unwrap() + Days::new(n))
}

fn view() -> impl Strategy<Value = View> {
    (0_u64..5500, 0_u64..5500, any::<bool>()).prop_map(|(a, k, stated)| View {
        as_of: day(a).start(),
        known_by: day(k).start(),
        clock: Clock::Published,
        basis: if stated { KnownBasis::Stated } else { KnownBasis::Any },
    })
}

/// Drops exact duplicates, as the log does, and numbers the rest.
fn log(facts: &[Fact]) -> Vec<Record> {
    let mut seen = std::collections::BTreeSet::new();
    let distinct: Vec<Fact> = facts.iter().filter(|f| seen.insert(f.id)).cloned().collect();
    records(&distinct)
}

fn fold(records: &[Record]) -> Projector {
    let mut p = Projector::new(framework(), types());
    records.iter().for_each(|r| p.apply(r));
    p
}

/// The assessment with sequences, which alone may follow the arrival order, replaced by fact ids.
pub(crate) fn canonical(p: &Projector, records: &[Record], view: &View) -> String {
    let ids: BTreeMap<u64, String> =
        records.iter().filter_map(|r| Some((r.seq, r.fact()?.id.to_string()))).collect();
    let mut value = serde_json::to_value(p.assess(view)).unwrap();
    value["head"] = Value::Null;
    replace(&mut value, &ids);
    value.to_string()
}

/// Equal bytes, or a failure that shows the first difference and not the whole of both.
fn same(a: &str, b: &str) -> Result<(), TestCaseError> {
    let at = a.bytes().zip(b.bytes()).position(|(x, y)| x != y).unwrap_or(a.len().min(b.len()));
    let near =
        |t: &str| t.get(at.saturating_sub(300)..(at + 100).min(t.len())).unwrap_or_default().to_owned();
    prop_assert!(a == b, "first difference at byte {at}:\n{}\n--\n{}", near(a), near(b));
    Ok(())
}

fn replace(value: &mut Value, ids: &BTreeMap<u64, String>) {
    match value {
        Value::Object(map) => {
            for (name, inner) in map.iter_mut() {
                if name == "evidence" {
                    let mut named: Vec<String> =
                        inner.as_array().unwrap().iter().map(|s| ids[&s.as_u64().unwrap()].clone()).collect();
                    named.sort();
                    *inner = serde_json::to_value(named).unwrap();
                } else {
                    replace(inner, ids);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|v| replace(v, ids)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn r12_any_order_and_any_duplicates_give_the_same_bytes(
        facts in prop::collection::vec(fact(), 1..120),
        keys in prop::collection::vec(any::<u32>(), 120),
        again in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        view in view(),
    ) {
        let first = log(&facts);
        let mut shuffled: Vec<(u32, Fact)> = keys.iter().copied().zip(facts.iter().cloned()).collect();
        shuffled.extend(again.iter().map(|i| (0, facts[i.index(facts.len())].clone())));
        shuffled.sort_by_key(|(k, _)| *k);
        let second = log(&shuffled.into_iter().map(|(_, f)| f).collect::<Vec<_>>());
        same(&canonical(&fold(&first), &first, &view), &canonical(&fold(&second), &second, &view))?;
    }

    #[test]
    fn r11_a_snapshot_anywhere_changes_nothing(
        facts in prop::collection::vec(fact(), 1..80),
        cut in any::<prop::sample::Index>(),
        view in view(),
    ) {
        let records = log(&facts);
        let cut = cut.index(records.len() + 1);
        let bytes = fold(&records[..cut]).snapshot().unwrap();
        let mut resumed = Projector::restore(framework(), types(), &bytes).unwrap();
        // A resumed replay may start before the snapshot: what was taken is passed over.
        records.iter().for_each(|r| resumed.apply(r));
        let bytes = |p: &Projector| serde_json::to_string(&p.assess(&view)).unwrap();
        same(&bytes(&fold(&records)), &bytes(&resumed))?;
    }

    #[test]
    fn r13_what_is_learnt_later_never_changes_an_older_view(
        facts in prop::collection::vec(fact(), 1..120),
        view in view(),
    ) {
        let all = log(&facts);
        let known: Vec<Record> = all
            .iter()
            .filter(|r| r.fact().is_some_and(|f| f.known_from(r.recorded_at) < view.known_by))
            .cloned()
            .collect();
        same(&canonical(&fold(&all), &all, &view), &canonical(&fold(&known), &known, &view))?;
    }

    #[test]
    fn parts_add_up_under_any_facts(facts in prop::collection::vec(fact(), 0..120), view in view()) {
        let a = fold(&log(&facts)).assess(&view);
        let total: f64 = a.scenarios.iter().map(|s| s.probability).sum();
        prop_assert!((total - 1.0).abs() < 1e-9);
        prop_assert!(a.scenarios.iter().all(|s| s.probability > 0.0 && s.probability < 1.0));
        for d in &a.domains {
            let sum: f64 = d.contributions.iter().filter_map(|c| c.points).sum();
            if let (Some(index), Some(low), Some(high)) = (d.index, d.low, d.high) {
                prop_assert!((sum - index).abs() < 1e-9, "{}: {sum} {index}", d.id);
                prop_assert!(low <= index + 1e-9 && index <= high + 1e-9, "{}: {low} {index} {high}", d.id);
            }
        }
        if let Some(b) = &a.balance && let Some(value) = b.value {
            let sum: f64 = b.parts.iter().filter_map(|p| p.points).sum();
            prop_assert!((sum - value).abs() < 1e-9);
        }
    }
}

#[test]
fn a_retraction_today_is_absent_tomorrow_and_still_there_yesterday() {
    let mut facts = history();
    let key = "trade.flow|CHN-RUS|total|USD|CHN-GACC|2025";
    let mut gone = facts.iter().find(|f| f.key == key).unwrap().clone();
    gone.op = Op::Retract;
    gone.published_at = Some("2026-11-20".parse().unwrap());
    gone.published_basis = Basis::Stated;
    gone.seal();
    let before = projector(&facts);
    facts.push(gone);
    let after = projector(&facts);
    let value = |p: &Projector, d: &str| indicator(&p.assess(&at(d)), "economic.trade-total").value;
    assert_eq!(value(&before, "2026-11-22"), Some(228_105_000_000.0));
    assert_eq!(value(&after, "2026-11-19"), Some(228_105_000_000.0), "yesterday's view keeps it");
    assert_ne!(value(&after, "2026-11-22"), Some(228_105_000_000.0), "tomorrow's view has not");
    assert_eq!(after.assess(&at("2026-11-22")).facts + 1, before.assess(&at("2026-11-22")).facts);
}

#[test]
fn only_a_later_statement_brings_a_withdrawn_key_back() {
    let template =
        history().into_iter().find(|f| f.key == "trade.flow|CHN-RUS|total|USD|CHN-GACC|2025").unwrap();
    let state = |ops: &[(Op, &str, Basis)]| {
        let facts: Vec<Fact> = ops
            .iter()
            .map(|(op, date, basis)| {
                let mut f = template.clone();
                (f.op, f.published_at, f.published_basis) = (*op, Some(date.parse().unwrap()), *basis);
                f.seal();
                f
            })
            .collect();
        indicator(&projector(&facts).assess(&at("2026-11-22")), "economic.trade-total").value.is_some()
    };
    use Basis::{Assumed, Stated};
    let (assert, retract) = (Op::Assert, Op::Retract);
    assert!(!state(&[(assert, "2026-01-14", Stated), (retract, "2026-02-01", Stated)]));
    assert!(
        !state(&[(retract, "2026-02-01", Stated), (assert, "2026-02-01", Stated)]),
        "the same day is not later"
    );
    assert!(
        !state(&[(retract, "2026-02-01", Stated), (assert, "2026-03-01", Assumed)]),
        "an assumed date is no statement"
    );
    assert!(state(&[(retract, "2026-02-01", Stated), (assert, "2026-03-01", Stated)]));
}

#[test]
fn a_period_counts_when_it_is_over_and_a_happening_when_it_starts() {
    let mut flow =
        history().into_iter().find(|f| f.key == "trade.flow|CHN-RUS|total|USD|CHN-GACC|2025").unwrap();
    flow.valid = Period::year(2025).unwrap();
    flow.published_at = Some("2025-06-01".parse().unwrap());
    flow.seal();
    let mut visit = history().into_iter().find(|f| f.kind == "visit.held").unwrap();
    visit.valid = Period::instant(parse_moment("2025-12-31").unwrap());
    visit.published_at = Some("2025-06-01".parse().unwrap());
    visit.published_basis = Basis::Stated;
    visit.seal();
    let count = |f: &Fact, d: &str| projector(std::slice::from_ref(f)).assess(&at(d)).facts;
    assert_eq!((count(&flow, "2025-12-30"), count(&flow, "2025-12-31")), (0, 1));
    assert_eq!(
        (count(&visit, "2025-12-30"), count(&visit, "2025-12-31")),
        (0, 1),
        "announced ahead is planned until then"
    );
}
