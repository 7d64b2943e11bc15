//! The years ahead, on the bundled history.

use std::collections::BTreeMap;

use bellwether_model::parse_moment;
use bellwether_projection::Projector;
use chrono::{DateTime, Utc};

use crate::support::*;

const PATHS: usize = 2000;

fn bundled() -> Projector {
    projector(&history())
}

fn day(text: &str) -> DateTime<Utc> {
    parse_moment(text).unwrap()
}

#[test]
fn year_ends_add_to_one_and_go_on_from_each_other() {
    let p = bundled();
    let outlook = p.outlook(&at("2026-06-30"), PATHS);
    let ends = outlook.year_ends(2035);
    assert_eq!(ends.iter().map(|y| y.year).collect::<Vec<_>>(), (2026..=2035).collect::<Vec<_>>());
    for year in &ends {
        let total: f64 = year.scenarios.iter().map(|s| s.probability).sum();
        assert!((total - 1.0).abs() < 1e-12, "{}: {total}", year.year);
    }
    // Dates of the same course: the end of a year, and a date within a quarter between its ends.
    let of =
        |at: &str| outlook.scenarios_at(day(at)).unwrap().iter().map(|s| s.probability).collect::<Vec<_>>();
    let first: Vec<f64> = ends[0].scenarios.iter().map(|s| s.probability).collect();
    assert_eq!(of("2027-01-01"), first);
    let (a, b, c) = (of("2026-10-01"), of("2026-11-16"), of("2027-01-01"));
    for k in 0..a.len() {
        assert!((a[k] + (c[k] - a[k]) * 46.0 / 92.0 - b[k]).abs() < 1e-12);
    }
    assert!(outlook.scenarios_at(day("2037-02-01")).is_none());
}

#[test]
fn fans_are_in_order_equal_to_questions_and_to_themselves() {
    let p = bundled();
    let make = || serde_json::to_string(&p.outlook(&at("2026-06-30"), PATHS).fans(2035)).unwrap();
    assert_eq!(make(), make());
    let outlook = p.outlook(&at("2026-06-30"), PATHS);
    let (fans, refused) = outlook.fans(2035);
    assert_eq!(fans.len() + refused.len(), p.framework().all_measures().count());
    // A shorter horizon changes nothing before it.
    let (short, _) = outlook.fans(2028);
    for (fan, short) in fans.iter().zip(&short) {
        assert_eq!(fan.year_ends[..short.year_ends.len()], short.year_ends[..], "{}", fan.id);
        let last = fan.year_ends.last().unwrap();
        assert_eq!(last.year, 2035, "{}", fan.id);
        for y in &fan.year_ends {
            assert!(y.p05 <= y.p25 && y.p25 <= y.p50 && y.p50 <= y.p75 && y.p75 <= y.p95, "{}", fan.id);
            let question = outlook.predictive(&fan.id, day(&format!("{}-01-01", y.year + 1))).unwrap();
            assert_eq!((question.quantile(0.05), question.quantile(0.95)), (y.p05, y.p95), "{}", fan.id);
        }
        assert!(fan.model.points >= 5);
    }
}

#[test]
fn a_higher_threshold_is_never_more_probable_nor_an_earlier_date() {
    let p = bundled();
    let outlook = p.outlook(&at("2026-06-30"), PATHS);
    for id in ["economic.trade-total", "military.exercises", "financial.local-settlement"] {
        let at = |year: i32| outlook.predictive(id, day(&format!("{year}-01-01"))).unwrap();
        let now = at(2031);
        let sample = now.sample();
        let mut last = [1.0, 1.0];
        for threshold in sample {
            let here = [now.at_least(*threshold), now.ever_at_least(*threshold)];
            assert!(here[0] <= last[0] && here[1] <= last[1] && here[0] <= here[1], "{id} {threshold}");
            assert!(here[0] > 0.0 && here[1] < 1.0);
            last = here;
        }
        let threshold = now.quantile(0.8);
        let by: Vec<f64> = (2027..=2035).map(|year| at(year).ever_at_least(threshold)).collect();
        assert!(by.windows(2).all(|w| w[0] <= w[1]), "{id} {by:?}");
    }
}

#[test]
fn what_has_no_model_says_why() {
    let p = bundled();
    let outlook = p.outlook(&at("2026-06-30"), 100);
    let why = |id: &str, at: &str| outlook.predictive(id, day(at)).unwrap_err().reason;
    for (id, at, words) in [
        ("military.exercise-scale", "2027-01-01", "floor"),
        ("military.arms-transfers", "2027-01-01", "4 periods with a number, 5 are needed"),
        ("financial.yuan-turnover", "2027-01-01", "1 comparable values"),
        ("military.command-integration", "2027-01-01", "judgements, 3 are needed"),
        ("financial.yuan-reserves", "2027-01-01", "more than 3 years ago"),
        ("economic.trade-total", "2060-01-01", "the outlook ends with 2036"),
        ("military.exercises", "2026-01-01", "not after the view"),
        ("military.exercices", "2027-01-01", "no indicator or measure"),
    ] {
        assert!(why(id, at).contains(words), "{id}: {}", why(id, at));
    }
}

#[test]
fn a_period_that_is_over_and_known_is_no_forecast() {
    let p = bundled();
    let outlook = p.outlook(&at("2026-06-30"), 100);
    let known = outlook.predictive("economic.trade-total", day("2026-03-01")).unwrap();
    assert!(known.known && known.sample().iter().all(|v| *v == 228_105_000_000.0));
    // Three exercises of the year were known by then; the year cannot have fewer.
    let year = outlook.predictive("military.exercises", day("2027-01-01")).unwrap();
    assert!(!year.known && year.floor && year.sample()[0] >= 1.0);
}

/// What came, against what could be foretold two years before: bands of 90 % may miss some, not most.
#[test]
fn bands_of_the_past_hold_what_came() {
    let p = bundled();
    let now = p.outlook(&at("2026-06-30"), 100);
    let (mut held, mut all) = (0, 0);
    for year in 2019..=2024 {
        let outlook = p.outlook(&at(&format!("{year}-06-30")), PATHS);
        let (fans, _) = outlook.fans(year + 1);
        for fan in fans {
            let Ok(came) = now.predictive(&fan.id, day(&format!("{}-01-01", year + 2))) else { continue };
            let Some(band) = fan.year_ends.iter().find(|y| y.year == year + 1 && came.known) else {
                continue;
            };
            all += 1;
            held += i32::from((band.p05..=band.p95).contains(&came.sample()[0]));
        }
    }
    assert!(all >= 10 && held * 10 >= all * 7, "{held} of {all}");
}

#[test]
fn scenarios_move_what_their_tables_say() {
    let p = bundled();
    let outlook = p.outlook(&at("2026-06-30"), PATHS);
    let (fans, _) = outlook.fans(2030);
    let by: BTreeMap<&str, bool> = fans.iter().map(|f| (f.id.as_str(), f.model.by_scenario)).collect();
    assert!(by["military.exercises"] && by["economic.trade-total"] && !by["measure.swift-rmb"], "{by:?}");
}
