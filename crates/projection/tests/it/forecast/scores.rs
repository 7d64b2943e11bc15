//! Scores against `scoringrules` and against what proper scores are by definition.

use bellwether_projection::forecast::score::*;
use proptest::prelude::*;
use serde::Deserialize;

#[test]
fn scores_agree_with_scoringrules() {
    #[derive(Deserialize)]
    struct Golden {
        by: String,
        cases: Vec<serde_json::Map<String, serde_json::Value>>,
    }
    let text = include_str!("../../../../../fixtures/scores/golden.json");
    let golden: Golden = serde_json::from_str(text).unwrap();
    assert_eq!(golden.by, "scoringrules 0.10.0");
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    for case in &golden.cases {
        let number = |name: &str| case[name].as_f64().unwrap();
        let list = |name: &str| -> Vec<f64> {
            case[name].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
        };
        let outcome = || case["outcome"].as_bool().unwrap();
        let pairs = |other: &str| -> Vec<(f64, f64)> { list("x").into_iter().zip(list(other)).collect() };
        let name = case["score"].as_str().unwrap();
        let got = match name {
            "brier_score" => brier_score(number("p"), outcome()),
            "log_score" => log_score(number("p"), outcome()),
            "rps_score" => {
                rps_score(&list("ps"), usize::try_from(case["category"].as_u64().unwrap()).unwrap()).unwrap()
            }
            "crps_ensemble" => crps_ensemble(number("y"), &list("x")).unwrap(),
            "crps_weighted" => crps_weighted(number("y"), &pairs("w")).unwrap(),
            "crps_quantile" => crps_quantile(number("y"), &pairs("alpha")).unwrap(),
            "quantile_score" => quantile_score(number("y"), number("q"), number("level")),
            "crps_normal" => crps_normal(number("y"), number("mu"), number("sigma")),
            "crps_lognormal" => crps_lognormal(number("y"), number("mu"), number("sigma")),
            other => panic!("a golden score that nothing computes: {other}"),
        };
        let want = number("value");
        assert!((got - want).abs() <= 1e-9 * want.abs().max(1.0), "{name}: {got} and not {want}: {case:?}");
        *seen.entry(name.to_owned()).or_default() += 1;
    }
    assert_eq!(seen.len(), 9, "{seen:?}");
}

#[test]
fn a_table_adds_up_to_the_brier_score() {
    let forecasts: Vec<(f64, bool)> =
        (0..200_u32).map(|i| (f64::from(i * 37 % 101) / 100.0, i * i % 7 < 3)).collect();
    let table = reliability(&forecasts, 10).unwrap();
    let brier = forecasts.iter().map(|(p, o)| brier_score(*p, *o)).sum::<f64>() / 200.0;
    let m = table.murphy;
    assert!((m.reliability - m.resolution + m.uncertainty + m.within - brier).abs() < 1e-12, "{m:?} {brier}");
    assert_eq!(table.bins.iter().map(|b| b.n).sum::<usize>(), 200);
    // What says just how often it comes true has neither error.
    let exact: Vec<(f64, bool)> = (0..10).map(|i| (0.3, i < 3)).collect();
    let table = reliability(&exact, 10).unwrap();
    assert!(table.ece < 1e-12 && table.murphy.reliability < 1e-12, "{table:?}");
    assert_eq!(reliability(&[], 10), None);
}

#[test]
fn the_interval_of_a_skill_is_seeded_and_widens_with_blocks() {
    // Two regimes: within each the forecasts are good or bad together.
    let groups: Vec<Vec<(f64, f64)>> =
        (0..48).map(|i| vec![(if i / 8 % 2 == 0 { 0.05 } else { 0.4 }, 0.25); 3]).collect();
    let one = skill_interval(&groups, 1).unwrap();
    assert_eq!(skill_interval(&groups, 1), Some(one));
    let eight = skill_interval(&groups, 8).unwrap();
    let width = |s: SkillInterval| s.interval.map(|i| i.high - i.low).unwrap();
    assert!((one.value - 0.1).abs() < 1e-9 && one.value == eight.value);
    assert!(width(eight) > 1.5 * width(one), "{one:?} {eight:?}");
    // Too little to say how sure it is.
    assert_eq!(skill_interval(&groups[..1], 4).unwrap().interval, None);
    assert_eq!(skill(0.1, 0.0), None);
}

proptest! {
    /// No other forecast has a better expected score than the truth.
    #[test]
    fn scores_are_proper(truth in 0.02..0.98_f64, other in 0.02..0.98_f64) {
        for score in [brier_score, log_score, log_score_clipped] {
            let expected = |p: f64| truth * score(p, true) + (1.0 - truth) * score(p, false);
            prop_assert!(expected(truth) <= expected(other) + 1e-12);
        }
    }

    #[test]
    fn multi_category_scores_are_proper(a in prop::collection::vec(0.01..1.0_f64, 4), b in prop::collection::vec(0.01..1.0_f64, 4)) {
        let norm = |v: &[f64]| -> Vec<f64> { let s: f64 = v.iter().sum(); v.iter().map(|x| x / s).collect() };
        let (truth, other) = (norm(&a), norm(&b));
        for score in [brier_multi, rps_score] {
            let expected = |p: &[f64]| (0..4).map(|k| truth[k] * score(p, k).unwrap()).sum::<f64>();
            prop_assert!(expected(&truth) <= expected(&other) + 1e-12);
        }
        let p = truth[0];
        let two = brier_multi(&[p, 1.0 - p], 0).unwrap();
        prop_assert!((two - 2.0 * brier_score(p, true)).abs() < 1e-12);
    }

    /// The expected score of an ensemble is least when it is the distribution that outcomes are drawn from.
    #[test]
    fn the_crps_is_proper(truth in prop::collection::vec(-5.0..5.0_f64, 1..12), other in prop::collection::vec(-5.0..5.0_f64, 1..12)) {
        let expected = |x: &[f64]| truth.iter().map(|y| crps_ensemble(*y, x).unwrap()).sum::<f64>();
        prop_assert!(expected(&truth) <= expected(&other) + 1e-9);
    }
}
