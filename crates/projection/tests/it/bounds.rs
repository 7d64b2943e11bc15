//! Bounds that press: by their own figure, by scenarios and standing changes; and the balance that reads them.

use std::sync::Arc;

use bellwether_model::framework::{As, Framework, Input, Limit, Sign};
use bellwether_model::{Decimal, parse_moment};
use bellwether_projection::{Assessment, ConstraintState, Projector, Trend};

use crate::shifts::{HIGH, flat_then, year};
use crate::support::*;

const BOUND: &str = "constraint.test";
const TRADE: &str = "economic.trade-total";

fn input(of: &str, weight: f64, sign: Sign, reading: As) -> Input {
    Input { of: of.into(), weight, sign, reading, reason: "A test.".into() }
}

/// The bundled framework with one bound, on trade.
fn bounded(presses: f64, inputs: Vec<Input>) -> Framework {
    let mut f = Framework::clone(&framework());
    let like = f.constraints[0].clone();
    let bound = Limit { max: Some(200e9), min: None };
    f.constraints = vec![bellwether_model::framework::Constraint {
        id: BOUND.into(),
        title: "Trade".into(),
        of: TRADE.into(),
        bound,
        scale: 100e9,
        presses,
        inputs,
        ..like
    }];
    let balance = f.balance.as_mut().unwrap();
    balance.inputs = vec![
        input(TRADE, 0.4, Sign::Plus, As::Distance),
        input(BOUND, 0.5, Sign::Minus, As::Distance),
        input("scenario.c-divergence", 0.1, Sign::Minus, As::Probability),
    ];
    f
}

fn of(f: Framework, facts: &[bellwether_model::Fact]) -> Projector {
    let mut p = Projector::new(Arc::new(f), types());
    records(facts).iter().for_each(|r| p.apply(r));
    p
}

fn bound(a: &Assessment) -> &ConstraintState {
    a.constraints.iter().find(|c| c.id == BOUND).unwrap()
}

fn probability(a: &Assessment, id: &str) -> f64 {
    a.scenarios.iter().find(|s| s.id == id).unwrap().probability
}

/// Ten flat years around 100 bn and four around 183: a level shift that stands from 2022-01-15 for a year.
fn risen() -> Vec<bellwether_model::Fact> {
    flat_then(&HIGH)
}

#[test]
fn a_bound_presses_by_its_room_and_by_what_is_to_come() {
    let plain = of(bounded(1.0, Vec::new()), &risen()).assess(&at("2022-03-10"));
    // 184 of 200 bn with a scale of 100: tightness .84.
    assert!((bound(&plain).strength.unwrap() - 0.84).abs() < 1e-12);
    let inputs = vec![
        input("scenario.c-divergence", 0.2, Sign::Plus, As::Probability),
        input(TRADE, 0.1, Sign::Plus, As::Shift),
    ];
    let p = of(bounded(0.7, inputs), &risen());
    let a = p.assess(&at("2022-03-10"));
    let c = bound(&a);
    let want = 0.7 * 0.84 + 0.2 * probability(&a, "scenario.c-divergence") + 0.1;
    assert!((c.strength.unwrap() - want).abs() < 1e-12, "{c:?}");
    assert!(c.strength_low.unwrap() < want && want < c.strength_high.unwrap(), "{c:?}");
    // The change stands: it gives the direction, is named, and fades after a year.
    assert_eq!(c.direction, Trend::Up);
    assert_eq!(c.shifts, ["shift.economic.trade-total.level.up.2018-01-01"]);
    let later = p.assess(&at("2023-01-20"));
    let want = 0.7 * 0.84 + 0.2 * probability(&later, "scenario.c-divergence");
    assert!((bound(&later).strength.unwrap() - want).abs() < 1e-12);
    // Whether it is crossed asks the figure alone.
    let (x, y) = (bound(&plain), c);
    assert_eq!(
        (x.value, x.distance, x.breached, &x.evidence),
        (y.value, y.distance, y.breached, &y.evidence)
    );
    assert_eq!(c.breached, Some(false));
    let why = p.why(BOUND, &at("2022-03-10")).unwrap();
    let points: f64 = why.inputs.iter().map(|i| i.points.unwrap()).sum();
    assert!((points - 100.0 * c.strength.unwrap()).abs() < 1e-9, "{:?}", why.inputs);
    assert!(why.formula.contains("0.7 · tightness"), "{}", why.formula);
    assert!(why.facts.len() > c.evidence.len(), "facts of the scenario and of the change are named");
}

#[test]
fn a_minimum_is_neared_from_above() {
    let mut f = bounded(1.0, Vec::new());
    f.constraints[0].bound = Limit { max: None, min: Some(150e9) };
    let a = of(f, &risen()).assess(&at("2022-03-10"));
    let c = bound(&a);
    assert_eq!((c.direction, c.breached), (Trend::Down, Some(false)), "trade rose: away from a minimum");
    assert!((c.strength.unwrap() - 0.66).abs() < 1e-12, "34 of 100 bn are left: {c:?}");
    // A higher figure is less pressing: the ends of the band change sides.
    assert!(c.strength_low.unwrap() <= 0.66 && c.strength_high.unwrap() >= 0.66);
}

#[test]
fn the_band_grows_by_the_month_and_never_leaves_the_figure() {
    let p = of(bounded(1.0, Vec::new()), &risen());
    let width = |day: &str| {
        let a = p.assess(&at(day));
        let c = bound(&a).clone();
        let (low, high) = (c.low.unwrap(), c.high.unwrap());
        assert!(low <= c.value.unwrap() && c.value.unwrap() <= high, "{c:?}");
        libm::log(high / low)
    };
    // An exclusive bound: the last of a month ends with the first of the next.
    let days = ["2022-02-02", "2022-02-27", "2022-02-28", "2022-06-15", "2023-02-02"].map(width);
    assert_eq!(days[0], days[1], "within a month nothing moves");
    assert!(days[1] < days[2] && days[2] < days[3] && days[3] < days[4], "{days:?}");
    // Nine tenths of a walk whose changes of thirteen years were small but for one step of .6.
    assert!((0.2..1.5).contains(&days[4]), "{days:?}");
    // Two changes say something, one does not.
    let two = of(bounded(1.0, Vec::new()), &[year(2019, 100, None), year(2020, 110, None)]);
    let a = two.assess(&at("2021-06-30"));
    let c = bound(&a);
    assert_eq!((c.low, c.high), (None, None), "{c:?}");
    assert_eq!((c.strength_low, c.strength_high), (Some(0.0), Some(1.0)), "unknown is not zero width");
    let why = two.why(BOUND, &at("2021-06-30")).unwrap();
    let by = why.figures.iter().find(|f| f.name == "by").unwrap();
    assert!(by.value.as_ref().unwrap().contains("under 2 past changes"), "{by:?}");
}

/// Of worlds that walk, nine tenths of the bands hold the figure of a year later.
#[test]
fn the_band_holds_nine_tenths_of_what_comes() {
    // A small generator: the test must not depend on a library's stream.
    let mut state = 7_u64;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    };
    let mut normal = || (-2.0 * libm::log(uniform())).sqrt() * libm::cos(std::f64::consts::TAU * uniform());
    let (mut held, worlds) = (0, 400);
    let (framework, types) = (Arc::new(bounded(1.0, Vec::new())), types());
    let template = year(2010, 1, None);
    for _ in 0..worlds {
        let sigma = 0.05 + 0.1 * normal().abs();
        let mut x = libm::log(100.0);
        let values: Vec<f64> = (0..9)
            .map(|_| {
                x += sigma * normal();
                libm::exp(x)
            })
            .collect();
        let fact = |n: usize| {
            let mut fact = template.clone();
            let year = 2010 + i32::try_from(n).unwrap();
            fact.key = format!("trade.flow|CHN-RUS|total|USD|CHN-GACC|{year}");
            fact.valid = bellwether_model::Period::year(year).unwrap();
            fact.published_at = Some(format!("{}-01-14", year + 1).parse().unwrap());
            fact.value = Some(Decimal::try_from((values[n] * 1e9).round()).unwrap());
            fact.seal();
            fact
        };
        let facts: Vec<_> = (0..8).map(fact).collect();
        let mut p = Projector::new(framework.clone(), types.clone());
        records(&facts).iter().for_each(|r| p.apply(r));
        let a = p.assess(&at("2018-12-31"));
        let c = bound(&a);
        let truth = values[8] * 1e9;
        held += i32::from(c.low.unwrap() <= truth && truth <= c.high.unwrap());
    }
    let share = f64::from(held) / f64::from(worlds);
    assert!((0.85..=0.95).contains(&share), "{share}");
}

#[test]
fn the_balance_carries_the_bands_and_says_what_they_come_from() {
    let inputs = vec![input("scenario.c-divergence", 0.2, Sign::Plus, As::Probability)];
    let a = of(bounded(0.8, inputs), &risen()).assess(&at("2022-03-10"));
    let balance = a.balance.as_ref().unwrap();
    let part = |from: &str| balance.band.iter().find(|p| p.from == from).unwrap().points;
    let width = balance.high.unwrap() - balance.low.unwrap();
    let total: f64 = balance.band.iter().map(|p| p.points).sum();
    assert!((total - width).abs() < 1e-9, "{balance:?}");
    let c = bound(&a);
    let spread = 50.0 * (c.strength_high.unwrap() - c.strength_low.unwrap());
    assert!(part("bounds") > 1.0 && part("bounds") < spread, "{balance:?}");
    // One deviation of whether divergence holds, by a tenth of the balance and a fifth of half of it.
    let p = probability(&a, "scenario.c-divergence");
    let deviation = (p * (1.0 - p)).sqrt();
    let both = (p + deviation).min(1.0) - (p - deviation).max(0.0);
    assert!(part("scenarios") <= 20.0 * both + 1e-9 && part("scenarios") > 10.0 * both, "{balance:?}");
    assert_eq!(part("missing"), 0.0);
}

/// The balance is linear in what reads scenarios: its mean over the scenarios is the balance itself.
#[test]
fn each_scenario_has_its_balance_and_together_they_make_it() {
    let p = projector(&history());
    for day in ["2022-12-31", "2024-12-31", "2026-06-30", "2026-11-25"] {
        let a = p.assess(&at(day));
        let balance = a.balance.as_ref().unwrap();
        let Some(value) = balance.value else { continue };
        assert_eq!(balance.under.len(), a.scenarios.len());
        let mean: f64 = balance.under.iter().map(|u| u.value.unwrap() * probability(&a, &u.id)).sum();
        assert!((mean - value).abs() < 0.05, "{day}: {mean} {value}");
        let under = |id: &str| balance.under.iter().find(|u| u.id == id).unwrap().value.unwrap();
        assert!(under("scenario.c-divergence") < under("scenario.a-stable-alignment") - 1.0, "{balance:?}");
        let words = balance.by_scenario().unwrap();
        assert!(words.contains("under c-divergence, ") && words.contains("figures as they stand"), "{words}");
    }
}

#[test]
fn what_would_turn_it_is_said_in_the_unit_of_the_figure() {
    let inputs = vec![input("scenario.c-divergence", 0.2, Sign::Plus, As::Probability)];
    let p = |f: Framework, last: i64| {
        let mut facts = risen();
        facts.push(year(2021, last, Some("2022-02-01")));
        of(f, &facts).assess(&at("2022-03-10"))
    };
    // The balance is below zero or above by the bound alone: move its figure to where it is said to turn.
    let a = p(bounded(0.8, inputs.clone()), 184);
    let balance = a.balance.as_ref().unwrap();
    let turn = balance.alone.iter().find(|t| t.id == BOUND).unwrap();
    assert_eq!((turn.unit.as_deref(), turn.value, turn.title.as_str()), (Some("USD"), Some(184e9), "Trade"));
    let to = turn.value_to.expect("the bound can turn it");
    // Only the bound's figure: the constraint's own measure is also a part, which is held by what it is now.
    let c = bound(&a);
    let tight = (1.0 - (200e9 - to) / 100e9).clamp(0.0, 1.0);
    let strength = 0.8 * tight + (c.strength.unwrap() - 0.8 * 0.84);
    assert!((balance.value.unwrap() - turn.points - 50.0 * strength).abs() < 1e-6, "{turn:?}");
    assert!((turn.level_to.unwrap() - 100.0 * strength).abs() < 1e-6);
    let words = balance.turning().join("\n");
    assert!(words.contains("Trade (constraint.test) from 184 bn USD to "), "{words}");
    // A measure read by its distance, in its unit too; a scenario as a probability.
    let measure = balance.alone.iter().find(|t| t.id == TRADE).unwrap();
    assert_eq!((measure.unit.as_deref(), measure.value), (Some("USD"), Some(184e9)));
    let scenario = balance.alone.iter().find(|t| t.id == "scenario.c-divergence").unwrap();
    assert_eq!(scenario.unit.as_deref(), Some("probability"));
    assert_eq!(scenario.value, Some(probability(&a, "scenario.c-divergence")));
}

#[test]
fn faults_of_what_a_bound_reads() {
    let text = read("config/frameworks/china-russia.toml");
    let line = r#"inputs = [{ of = "scenario.c-divergence", weight = 0.1, as = "probability", reason = "Who may part looks"#;
    assert_eq!(text.matches(line).count(), 1);
    for (to, words) in [
        (
            r#"inputs = [{ of = "scenario.c-divergense", weight = 0.1, as = "probability", reason = "Who may part looks"#,
            "did you mean scenario.c-divergence?",
        ),
        (
            r#"inputs = [{ of = "scenario.c-divergence", weight = 0.2, as = "probability", reason = "Who may part looks"#,
            "presses and the input weights add to 1.100000, not 1",
        ),
        (
            r#"inputs = [{ of = "economic.gas-imports", weight = 0.1, reason = "Who may part looks"#,
            "beside its figure a constraint reads scenarios and shifts only",
        ),
        (
            r#"inputs = [{ of = "economic.gas-imports", weight = 0.1, as = "probability", reason = "Who may part looks"#,
            "only a scenario has a probability",
        ),
    ] {
        let map = read("config/frameworks/china-russia.ids.txt");
        let fault = Framework::parse("x.toml", &text.replacen(line, to, 1), &types(), Some(&map))
            .map(|_| ())
            .unwrap_err()
            .to_string();
        assert!(fault.contains(words) && fault.contains("x.toml:"), "{fault}");
    }
    let mut half = text.replacen("presses = 0.85\n", "presses = 0.4\n", 1);
    half = half.replacen(
        r#"{ of = "measure.sanctions-rus-rate", weight = 0.1,"#,
        r#"{ of = "measure.sanctions-rus-rate", weight = 0.55,"#,
        1,
    );
    let map = read("config/frameworks/china-russia.ids.txt");
    let fault = Framework::parse("x.toml", &half, &types(), Some(&map)).map(|_| ()).unwrap_err().to_string();
    assert!(fault.contains("the bound's own figure is the main part of it"), "{fault}");
    assert!(fault.contains("at most at a half"), "{fault}");
}

/// Chances of a breach are those of the predictive sample, rise with time, and mix from the scenarios.
#[test]
fn bounds_ahead_are_read_off_the_same_paths_as_the_fans() {
    let p = projector(&history());
    let outlook = p.outlook(&at("2026-06-30"), 4000);
    let bounds = outlook.bounds(2035);
    assert_eq!(bounds.len(), p.framework().constraints.len());
    let mut with = 0;
    for b in &bounds {
        assert_eq!(b.year_ends.is_some(), b.reason.is_none(), "{b:?}");
        let Some(years) = &b.year_ends else {
            assert!(outlook.predictive(&b.of, parse_moment("2031-01-01").unwrap()).is_err() || !b.maximum);
            continue;
        };
        with += 1;
        assert_eq!(years.last().unwrap().year, 2035);
        let mut before = 0.0;
        for y in years {
            let day = parse_moment(&format!("{}-01-01", y.year + 1)).unwrap();
            let sample = outlook.predictive(&b.of, day).unwrap();
            // The bound itself is not beyond it: of counts some paths end there.
            let beyond =
                if b.maximum { 1.0 - sample.at_most(b.bound) } else { 1.0 - sample.at_least(b.bound) };
            assert!((y.at.probability - beyond).abs() < 1e-12, "{} {}", b.id, y.year);
            assert!(y.at.probability <= y.ever.probability && before <= y.ever.probability, "{y:?}");
            before = y.ever.probability;
            let low = y.given.iter().filter_map(|g| Some(g.at.as_ref()?.probability)).fold(1.0, f64::min);
            let high = y.given.iter().filter_map(|g| Some(g.at.as_ref()?.probability)).fold(0.0, f64::max);
            assert!(low <= y.at.probability + 0.01 && y.at.probability <= high + 0.01, "{y:?}");
            assert_eq!(y.at.words.is_none(), b.floor, "no words for a lower bound: {y:?}");
        }
    }
    assert!(with >= 1, "{bounds:#?}");
    let ahead = outlook.balance_ahead(2035);
    let under = p.assess(&at("2026-06-30")).balance.unwrap().under;
    let ends = |f: fn(f64, f64) -> f64, from: f64| under.iter().filter_map(|u| u.value).fold(from, f);
    for y in &ahead {
        let v = y.value.unwrap();
        assert!(
            ends(f64::min, f64::MAX) - 0.1 <= v && v <= ends(f64::max, f64::MIN) + 0.1,
            "{ahead:?} {under:?}"
        );
    }
    assert_eq!(ahead.len(), 10);
}
