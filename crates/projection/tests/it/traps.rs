//! Selector traps of the framework, one by one, on the bundled rows.

use bellwether_model::parse_moment;
use bellwether_projection::{Assessment, FactRole, GapKind, Projector, Trend};
use chrono::{DateTime, Utc};

use crate::support::*;

fn history_projector() -> Projector {
    projector(&history())
}

/// Keys of the facts that set a measure's value in a view.
fn keys(p: &Projector, id: &str, date: &str) -> Vec<String> {
    let records = records(&history());
    indicator(&p.assess(&at(date)), id)
        .evidence
        .iter()
        .map(|seq| records.iter().find(|r| r.seq == *seq).unwrap().fact().unwrap().key.clone())
        .collect()
}

fn values(p: &Projector, id: &str, date: &str) -> Vec<(String, Option<f64>, Option<f64>)> {
    p.series(id, &at(date), false)
        .unwrap()
        .into_iter()
        .map(|r| (r.period_start, r.value, r.at_least))
        .collect()
}

#[test]
fn one_series_never_mixes_period_lengths() {
    let p = history_projector();
    let rows = p.series("economic.trade-total", &at("2026-11-24"), false).unwrap();
    assert!(rows.len() >= 13, "{}", rows.len());
    for row in &rows {
        assert!(row.period_start.ends_with("-01-01") && row.period_end.ends_with("-01-01"), "{row:?}");
    }
    let starts: std::collections::BTreeSet<&str> = rows.iter().map(|r| r.period_start.as_str()).collect();
    assert_eq!(starts.len(), rows.len(), "one point a year");
}

#[test]
fn cumulative_growth_compares_equal_months() {
    let p = history_projector();
    let a = p.assess(&at("2026-11-24"));
    let crude = indicator(&a, "economic.crude-imports");
    assert_eq!(crude.value, Some(57_710_000.0), "January to July 2025");
    let change = crude.change_on_year.unwrap();
    assert!((change - (57.71 / 62.57 - 1.0)).abs() < 1e-12, "{change}");
    assert_eq!(crude.distance, None, "seven months are not measured against a norm of years");
}

#[test]
fn a_series_with_gaps_is_not_read_by_a_detector() {
    let a = history_projector().assess(&at("2026-11-24"));
    let swift = indicator(&a, "measure.swift-rmb");
    assert!(swift.value.is_some());
    assert_eq!(swift.shifts, Vec::<String>::new(), "19 months of eleven years");
}

#[test]
fn tariffs_price_caps_and_a_truce_are_no_export_controls() {
    let a = history_projector().assess(&at("2026-11-24"));
    let controls = indicator(&a, "technological.export-controls");
    assert_eq!((controls.value, controls.at_least, controls.evidence.len()), (None, None, 0));
}

#[test]
fn a_pledge_to_a_third_country_is_not_one_between_the_parties() {
    let p = history_projector();
    assert_eq!(
        keys(&p, "military.defence-commitment", "2026-11-24"),
        ["judgement|military.defence-commitment|2026"]
    );
    let others: Vec<_> = history().into_iter().filter(|f| !f.key.contains("defence-commitment")).collect();
    let a = projector(&others).assess(&at("2026-11-24"));
    let pledge = indicator(&a, "military.defence-commitment");
    assert_eq!((pledge.value, pledge.evidence.len()), (None, 0), "the treaty of 2024 concerns RUS and PRK");
}

#[test]
fn exercise_scale_counts_the_contingent_and_not_the_manoeuvre() {
    let p = history_projector();
    let scale = |d: &str| indicator(&p.assess(&at(d)), "military.exercise-scale").at_least;
    assert_eq!(scale("2018-12-31"), Some(3_200.0), "not the 300 000 of the whole exercise");
    assert_eq!(scale("2021-12-31"), Some(558.0), "neither the 10 000 of Zapad nor the doubtful 588");
}

#[test]
fn floors_have_no_trend() {
    let a = history_projector().assess(&at("2024-12-31"));
    let dual = indicator(&a, "technological.dual-use-exports");
    assert_eq!((dual.value, dual.trend), (None, Trend::Unknown));
    assert!(dual.at_least.is_some());
}

#[test]
fn settlement_reads_roubles_and_yuan_between_the_two_only() {
    let p = history_projector();
    let records = records(&history());
    for row in p.series("financial.local-settlement", &at("2026-11-24"), false).unwrap() {
        let key = &records.iter().find(|r| Some(r.seq) == row.seq).unwrap().fact().unwrap().key;
        assert!(key.starts_with("finance.settlement_share|RUB+CNY-bilateral|"), "{key}");
    }
}

#[test]
fn statements_count_as_events_and_pages_do_not() {
    let a = history_projector().assess(&at("2026-11-24"));
    assert_eq!(
        indicator(&a, "diplomatic.joint-statements").at_least,
        Some(1.0),
        "47 pages are one statement"
    );
}

#[test]
fn agreements_of_others_are_not_counted() {
    let p = history_projector();
    let records = records(&history());
    for date in ["2022-12-31", "2024-12-31", "2026-11-24"] {
        for seq in &indicator(&p.assess(&at(date)), "technological.agreements").evidence {
            let fact = records.iter().find(|r| r.seq == *seq).unwrap().fact().unwrap();
            assert!(fact.actors.iter().all(|a| a == "CHN" || a == "RUS"), "{}", fact.key);
        }
    }
}

#[test]
fn visits_in_third_countries_and_by_video_are_no_visits() {
    let p = history_projector();
    let by_year = values(&p, "diplomatic.leader-visits", "2026-11-24");
    let year = |y: &str| by_year.iter().find(|r| r.0.starts_with(y)).and_then(|r| r.2);
    assert_eq!(year("2013"), Some(2.0), "Moscow and St Petersburg, not Durban");
    assert_eq!(year("2017"), Some(2.0), "Beijing and Moscow, not Astana");
    assert_eq!(year("2021"), None, "two video summits");
}

#[test]
fn the_discount_reads_one_grade_with_its_sign() {
    let p = history_projector();
    let a = p.assess(&at("2026-04-15"));
    let discount = indicator(&a, "economic.crude-discount");
    assert_eq!(discount.value, Some(-7.0), "ESPO for March 2026, not the Urals at -11");
    assert_eq!(
        keys(&p, "economic.crude-discount", "2026-04-15"),
        ["price.differential|ESPO-Brent|China DES|2026-03"]
    );
}

#[test]
fn gas_is_in_cubic_metres_and_liquefied_gas_beside_it() {
    let a = history_projector().assess(&at("2023-12-31"));
    let gas = indicator(&a, "economic.gas-imports");
    assert_eq!(
        (gas.unit.as_str(), gas.value),
        ("m3", Some(15_500_000_000.0)),
        "as published in November 2023"
    );
    let liquefied = gas.also.iter().find(|x| x.unit == "m3").unwrap();
    assert!(liquefied.value.unwrap() > 5e9, "{liquefied:?}");
}

#[test]
fn one_package_is_one_listing_and_a_re_marking_none() {
    let p = history_projector();
    let a = p.assess(&at("2025-01-14"));
    let listings = indicator(&a, "financial.secondary-listings");
    let keys = keys(&p, "financial.secondary-listings", "2025-01-14");
    let package = keys.iter().filter(|k| k.contains("package-13")).count();
    assert!(package >= 1, "{keys:?}");
    assert_eq!(listings.at_least, Some((keys.len() - (package - 1)) as f64), "{keys:?}");
    assert!(!keys.iter().any(|k| k.contains("2024-10-30")), "{keys:?}");
}

#[test]
fn restatements_of_delivered_aircraft_are_not_deliveries() {
    let p = history_projector();
    let by_year = values(&p, "military.arms-transfers", "2026-11-24");
    let total: f64 = by_year.iter().filter_map(|r| r.2.or(r.1)).sum();
    assert_eq!(total, 4.0, "two batches of Su-35, two sets of S-400: {by_year:?}");
}

#[test]
fn zero_needs_declared_coverage() {
    let p = history_projector();
    let vetoes = |as_of: &str, known_by: &str| {
        let a = p.assess(&known(as_of, known_by));
        let m = indicator(&a, "diplomatic.joint-vetoes");
        (m.value, m.at_least)
    };
    assert_eq!(vetoes("2018-12-31", "2022-10-02"), (Some(0.0), None), "looked for and not there");
    assert_eq!(vetoes("2019-12-31", "2022-10-02"), (Some(3.0), None));
    assert_eq!(vetoes("2019-12-31", "2022-09-15"), (None, Some(3.0)), "before the coverage was known");
    let exercises = indicator(&p.assess(&at("2013-12-31")), "military.exercises").clone();
    assert_eq!(exercises.value, None, "nobody declared to have looked for all exercises");
}

/// Time alone lets go of happenings and brings none back: a floor rises by what happened since, and is of its own period.
#[test]
fn a_floor_does_not_come_back_when_its_window_has_passed() {
    let (p, records, framework) = (history_projector(), records(&history()), framework());
    let windowed: Vec<&str> =
        framework.all_measures().filter(|m| m.formula.windowed()).map(|m| m.id.as_str()).collect();
    // Flows count once they are over.
    let counts = |seq: &u64| {
        let valid = &records.iter().find(|r| r.seq == *seq).unwrap().fact().unwrap().valid;
        valid.end.unwrap_or(valid.start)
    };
    let quarters =
        (2014..2027).flat_map(|year| ["03-31", "06-30", "09-30"].map(|day| format!("{year}-{day}")));
    let (mut before, mut let_go) = (None::<(Assessment, DateTime<Utc>)>, 0);
    for day in quarters.take_while(|day| day.as_str() < "2026-11-24") {
        let view = known(&day, "2026-11-24");
        let now = p.assess(&view);
        for id in &windowed {
            let m = indicator(&now, id);
            let Some((was, then)) = before.as_ref().map(|(a, at)| (indicator(a, id), *at)) else { continue };
            // Where coverage was declared a figure stood, and a floor takes its place.
            if was.value.is_none() && m.at_least > was.at_least {
                assert!(m.evidence.iter().any(|seq| counts(seq) >= then), "{id} on {day}: {m:?}");
            }
            if m.at_least.is_some() {
                let end = parse_moment(&m.period.as_ref().unwrap().end).unwrap();
                assert_eq!(end, view.as_of, "{id} on {day}");
            } else if m.value.is_none() && was.at_least.is_some() {
                let_go += 1;
                assert_eq!((m.stale, &m.period), (Some(true), &None), "{id} on {day}");
                assert!(!m.evidence.is_empty(), "by what it was known last: {id} on {day}");
                let gap = p.gaps(&view).into_iter().find(|g| g.id == **id).unwrap();
                assert!(gap.kind == GapKind::Stale && gap.last.is_some(), "{gap:?}");
            }
        }
        before = Some((now, view.as_of));
    }
    assert!(let_go > 5, "{let_go}");
}

#[test]
fn doubtful_information_informs_and_never_sets_a_value() {
    let p = history_projector();
    let a = p.assess(&at("2016-12-31"));
    let trade = indicator(&a, "economic.trade-total");
    assert_eq!(trade.value, Some(95_280_000_000.0), "2014; the dollar figure of 2015 is graded 4");
    let dated = values(&p, "economic.trade-total", "2026-11-24");
    assert!(!dated.iter().any(|r| r.0.starts_with("2015")), "{dated:?}");
}

#[test]
fn the_better_graded_rival_wins_and_the_other_is_shown() {
    let p = history_projector();
    let view = at("2015-06-30");
    let a = p.assess(&view);
    let trade = indicator(&a, "economic.trade-total");
    assert_eq!((trade.value, trade.conflict), (Some(95_280_000_000.0), true), "95.28 (B2) against 95.4 (C2)");
    let why = p.why("economic.trade-total", &view).unwrap();
    assert_eq!(why.facts.iter().filter(|f| f.role == FactRole::Rival).count(), 1, "{:?}", why.facts);
}
