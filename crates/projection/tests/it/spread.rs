//! Changes of spread in monthly series, of pattern in dense feeds, and what they do not do.

use std::sync::Arc;

use bellwether_model::framework::{Cadence, PeriodKind};
use bellwether_model::{Decimal, Fact, Period, parse_moment};
use bellwether_projection::{Assessment, Projector, Shift, Trajectory};
use chrono::{DateTime, Days, Months, Utc};

use crate::shifts::{HIGH, flat_then, of_trade, year};
use crate::support::*;

/// Numbers near 0 in a bell, the same on every machine: Knuth's MMIX multiplier with its bits mixed, twelve at a time.
fn noise(n: usize) -> Vec<f64> {
    let mut state: u64 = 3;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (state ^ (state >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed >> 33) as f64 / (1_u64 << 31) as f64
    };
    (0..n).map(|_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0).collect()
}

fn start() -> DateTime<Utc> {
    parse_moment("2008-01-01").unwrap()
}

/// Trade by the given calendar, one point a period, known twelve days after it.
fn feed(cadence: Cadence, values: &[f64]) -> Projector {
    let mut framework = (*framework()).clone();
    let trade = framework.indicators.iter_mut().find(|m| m.id == "economic.trade-total").unwrap();
    trade.cadence = cadence;
    trade.read.truncate(1);
    let month = cadence == Cadence::Month;
    trade.read[0].period = if month { PeriodKind::Month } else { PeriodKind::Days };
    let template = year(2010, 1, None);
    let facts: Vec<Fact> = (0_u32..)
        .zip(values)
        .map(|(i, value)| {
            let at = |i: u32| if month { start() + Months::new(i) } else { start() + Days::new(i.into()) };
            let mut fact = Fact {
                key: format!("trade.flow|{i}"),
                valid: Period::range(at(i), at(i + 1)).unwrap(),
                value: Some(Decimal::new((value * 1e6).round() as i64, 0)),
                published_at: Some(bellwether_model::Stamp::Day((at(i + 1) + Days::new(11)).date_naive())),
                ..template.clone()
            };
            fact.seal();
            fact
        })
        .collect();
    let mut p = Projector::new(Arc::new(framework), types());
    records(&facts).iter().for_each(|r| p.apply(r));
    p
}

/// Twenty years of months around 100 whose spread triples after 130.
fn wider() -> Vec<f64> {
    let width = |i: usize| if i < 130 { 2.0 } else { 6.0 };
    noise(240).into_iter().enumerate().map(|(i, z)| 100.0 + width(i) * z).collect()
}

fn variance(a: &Assessment) -> Vec<Shift> {
    of_trade(a).into_iter().filter(|s| s.kind == "variance").cloned().collect()
}

#[test]
fn a_spread_that_triples_is_one_shift_with_its_onset_and_none_before() {
    let p = feed(Cadence::Month, &wider());
    for date in ["2013-12-31", "2016-12-31", "2018-11-30"] {
        assert_eq!(variance(&p.assess(&at(date))), [], "{date}");
    }
    let view = at("2028-02-28");
    let a = p.assess(&view);
    let [shift] = &variance(&a)[..] else { panic!("{:?}", of_trade(&a)) };
    assert_eq!(shift.detector, "variance");
    assert!(shift.size.unwrap() > 0.0 && shift.sigmas.unwrap() > 0.5, "{shift:?}");
    assert!(
        shift.onset.low.as_str() <= "2018-11-01" && "2018-11-01" <= shift.onset.high.as_str(),
        "{shift:?}"
    );
    let why = p.why(&shift.id, &view).unwrap();
    let told = why.figures.iter().find(|f| f.name.starts_with("false alarms")).unwrap();
    assert!(told.value.as_ref().unwrap().contains("0.003"), "{told:?}");
    assert!(why.figures.iter().all(|f| !f.name.starts_with("posterior")), "it reads levels alone");
}

fn trajectory(a: &Assessment) -> Trajectory {
    a.domains.iter().find(|d| d.id == "economic").unwrap().trajectory
}

#[test]
fn a_wider_spread_pulls_a_domain_neither_way() {
    let p = feed(Cadence::Month, &wider());
    let known = variance(&p.assess(&at("2028-02-28"))).remove(0).known_at;
    let wide = p.assess(&bellwether_model::View::at(parse_moment(&known).unwrap() + Days::new(1)));
    let kinds: Vec<String> = of_trade(&wide).into_iter().map(|s| s.kind.clone()).collect();
    assert_eq!(kinds, ["variance"]);
    assert!(
        !matches!(trajectory(&wide), Trajectory::Converging | Trajectory::Diverging),
        "{:?}",
        trajectory(&wide)
    );
    // The same series with a step: the step pulls, whatever the spread does.
    let stepped: Vec<f64> =
        wider().into_iter().enumerate().map(|(i, v)| if i < 128 { v } else { v + 80.0 }).collect();
    let step = feed(Cadence::Month, &stepped).assess(&at("2019-09-30"));
    assert!(of_trade(&step).iter().any(|s| s.kind == "level"), "{:?}", of_trade(&step));
    assert_eq!(trajectory(&step), Trajectory::Converging);
}

#[test]
fn a_dense_feed_that_changes_its_regime_is_flagged() {
    let width = |i: usize| if i < 2400 { 1.0 } else { 4.0 };
    let values: Vec<f64> = noise(2600).into_iter().enumerate().map(|(i, z)| 100.0 + width(i) * z).collect();
    let p = feed(Cadence::Irregular, &values);
    let until = |n: u64| of_regime(&p.assess(&bellwether_model::View::at(start() + Days::new(n + 12))));
    assert_eq!(until(2400), Vec::<Shift>::new(), "the feed as it was");
    let found = until(2600);
    let first = found.first().unwrap_or_else(|| panic!("none"));
    let changed = (start() + Days::new(2400)).format("%Y-%m-%d").to_string();
    assert_eq!(first.kind, "variance");
    assert!(first.onset.at <= changed && changed < first.known_at, "{first:?} {changed}");
}

fn of_regime(a: &Assessment) -> Vec<Shift> {
    of_trade(a).into_iter().filter(|s| s.detector == "regime").cloned().collect()
}

#[test]
fn the_posterior_explains_a_step_beside_the_detector() {
    let mut facts = flat_then(&HIGH);
    facts.push(year(2022, 181, None));
    let p = projector(&facts);
    let view = at("2023-06-30");
    let a = p.assess(&view);
    let [shift] = of_trade(&a)[..] else { panic!("{:?}", of_trade(&a)) };
    let why = p.why(&shift.id, &view).unwrap();
    let figure = |name: &str| why.figures.iter().find(|f| f.name == name).unwrap().value.clone().unwrap();
    assert!(figure("posterior, most probable onset").starts_with("2018-01-01, "), "{:?}", why.figures);
    assert!(figure("posterior, 90 % of onsets").contains(" to 2018-01-01"), "{:?}", why.figures);
    assert_eq!(shift.onset.at, "2018-01-01");
}
