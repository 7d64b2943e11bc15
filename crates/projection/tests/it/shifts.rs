//! Shifts as they become known: flagged once, provisional at first, taken back by a revision.

use bellwether_model::{Basis, Decimal, Fact, Op, Period, Stamp};
use bellwether_projection::{Assessment, Shift};

use crate::support::*;

/// Total trade of a year in billions, published in mid-January of the next.
pub(crate) fn year(year: i32, value: i64, published: Option<&str>) -> Fact {
    let template =
        history().into_iter().find(|f| f.key == "trade.flow|CHN-RUS|total|USD|CHN-GACC|2018").unwrap();
    let stamp = published.map_or_else(|| format!("{}-01-14", year + 1), str::to_owned);
    let mut fact = Fact {
        key: format!("trade.flow|CHN-RUS|total|USD|CHN-GACC|{year}"),
        valid: Period::year(year).unwrap(),
        value: Some(Decimal::new(value, 0) * Decimal::new(1_000_000_000, 0)),
        published_at: Some(stamp.parse::<Stamp>().unwrap()),
        published_basis: Basis::Stated,
        ..template
    };
    fact.seal();
    fact
}

pub(crate) fn flat_then(values: &[(i32, i64)]) -> Vec<Fact> {
    let flat = [100, 103, 98, 101, 99, 102, 100, 97, 103, 100];
    let mut facts: Vec<Fact> = (2008..).zip(flat).map(|(y, v)| year(y, v, None)).collect();
    facts.extend(values.iter().map(|(y, v)| year(*y, *v, None)));
    facts
}

pub(crate) fn of_trade(a: &Assessment) -> Vec<&Shift> {
    a.shifts.iter().filter(|s| s.indicator == "economic.trade-total").collect()
}

pub(crate) const HIGH: [(i32, i64); 4] = [(2018, 180), (2019, 185), (2020, 182), (2021, 184)];

#[test]
fn a_step_is_flagged_when_it_could_be_known_and_confirmed_by_what_follows() {
    let mut facts = flat_then(&HIGH);
    facts.extend([year(2022, 181, None), year(2023, 183, None), year(2024, 186, None)]);
    let p = projector(&facts);
    assert_eq!(of_trade(&p.assess(&at("2022-01-13"))).len(), 0, "three high years are not enough");
    let first = p.assess(&at("2022-01-15"));
    let [shift] = of_trade(&first)[..] else { panic!("{:?}", first.shifts) };
    assert_eq!((shift.known_at.as_str(), shift.onset.at.as_str()), ("2022-01-15T00:00:00Z", "2018-01-01"));
    assert_eq!((shift.detector.as_str(), shift.kind.as_str()), ("gls-scan", "level"));
    assert!((shift.size.unwrap() - 82.5e9).abs() < 5e9, "{:?}", shift.size);
    assert!(shift.provisional, "first releases only");
    let later = p.assess(&at("2025-06-30"));
    let [same] = of_trade(&later)[..] else { panic!("fired twice: {:?}", later.shifts) };
    assert_eq!((&same.id, &same.known_at), (&shift.id, &shift.known_at));
    assert!(!same.provisional);
}

#[test]
fn a_revision_takes_a_shift_back_and_says_so() {
    let mut facts = flat_then(&HIGH);
    facts.extend((2018..).zip([101, 104, 99, 102]).map(|(y, v)| year(y, v, Some("2022-09-01"))));
    let p = projector(&facts);
    let flagged = p.assess(&at("2022-08-31"));
    assert_eq!((of_trade(&flagged).len(), flagged.withdrawn.len()), (1, 0));
    let after = p.assess(&at("2022-09-02"));
    assert_eq!(of_trade(&after).len(), 0, "{:?}", after.shifts);
    let [gone] = &after.withdrawn[..] else { panic!("{:?}", after.withdrawn) };
    assert_eq!(
        (gone.known_at.as_str(), gone.withdrawn_at.as_str()),
        ("2022-01-15T00:00:00Z", "2022-09-02T00:00:00Z")
    );
    assert_eq!(of_trade(&p.assess(&at("2022-08-31"))).len(), 1, "the older view keeps its flag");
}

#[test]
fn a_revision_that_keeps_a_shift_confirms_it_and_does_not_fire_it_again() {
    let mut facts = flat_then(&HIGH);
    facts.push(year(2020, 176, Some("2022-09-01")));
    let after = projector(&facts).assess(&at("2022-09-02"));
    let [shift] = of_trade(&after)[..] else { panic!("{:?}", after.shifts) };
    assert_eq!(shift.known_at, "2022-01-15T00:00:00Z");
    assert!(!shift.provisional, "a value that is no first release stands behind it");
    assert!(after.withdrawn.is_empty());
}

#[test]
fn a_withdrawn_fact_takes_its_shift_with_it() {
    let mut facts = flat_then(&HIGH);
    let mut gone = year(2021, 184, Some("2022-05-01"));
    gone.op = Op::Retract;
    gone.seal();
    facts.push(gone);
    let after = projector(&facts).assess(&at("2022-05-02"));
    assert_eq!((of_trade(&after).len(), after.withdrawn.len()), (0, 1));
}

#[test]
fn first_releases_whose_sign_flips_raise_at_most_a_provisional_flag() {
    // Four quarters of a year are first stated as a jump and each revised to the other side a month later.
    let mut facts = flat_then(&[]);
    for (y, first, revised) in [(2018, 150, 60), (2019, 152, 58), (2020, 149, 61), (2021, 151, 59)] {
        facts.push(year(y, first, None));
        facts.push(year(y, revised, Some(&format!("{}-02-14", y + 1))));
    }
    let p = projector(&facts);
    for month in 1..=60 {
        let date = format!("{}-{:02}-28", 2018 + (month - 1) / 12, (month - 1) % 12 + 1);
        for shift in of_trade(&p.assess(&at(&date))) {
            assert!(shift.provisional || shift.size.unwrap() < 0.0, "{date}: {shift:?}");
        }
    }
}

#[test]
fn a_refused_series_says_why() {
    let a = projector(&history()).assess(&at("2026-11-24"));
    let gas = indicator(&a, "economic.gas-imports");
    assert_eq!(
        gas.detection_limit.as_deref(),
        Some("6 of the 10 observations needed before a change can be told from noise")
    );
    let swift = indicator(&a, "measure.swift-rmb").detection_limit.clone().unwrap();
    assert!(swift.contains("periods are there"), "{swift}");
}

#[test]
fn the_history_shows_the_sanctions_of_2022_and_more_exercises_after_2021() {
    let p = projector(&history());
    let shift = |id: &str| {
        let a = p.assess(&at("2026-11-24"));
        a.shifts
            .into_iter()
            .find(|s| s.indicator == id && s.kind == "rate")
            .unwrap_or_else(|| panic!("none of {id}"))
    };
    let sanctions = shift("measure.sanctions-rus-rate");
    assert!(
        sanctions.onset.at.starts_with("2022-02") && sanctions.known_at.as_str() < "2022-06",
        "{sanctions:?}"
    );
    let exercises = shift("military.exercises");
    assert!(
        exercises.onset.at.starts_with("2021") || exercises.onset.at.starts_with("2022"),
        "{exercises:?}"
    );
}

/// Months of trade whose January and February trade places with the New Year, read as the framework says.
fn moving_new_year(joined: bool) -> Vec<String> {
    use bellwether_model::framework::{Cadence, PeriodKind};
    let mut framework = (*framework()).clone();
    let trade = framework.indicators.iter_mut().find(|m| m.id == "economic.trade-total").unwrap();
    (trade.cadence, trade.new_year) = (Cadence::Month, joined);
    trade.read.truncate(1);
    trade.read[0].period = PeriodKind::Month;
    let template = year(2010, 1, None);
    let facts: Vec<Fact> = (0..120_i32)
        .map(|i| {
            let (y, m) = (2012 + i / 12, i % 12 + 1);
            let (ny, nm) = (2012 + (i + 1) / 12, (i + 1) % 12 + 1);
            // Early and late years alternate in runs, as the calendar does not.
            let early = matches!(y, 2012..=2016);
            let value = match (m, early) {
                (1, true) | (2, false) => 60,
                (1 | 2, _) => 100,
                _ => 100 + (i * 7) % 5,
            };
            let at = |y: i32, m: i32| bellwether_model::parse_moment(&format!("{y}-{m:02}-01")).unwrap();
            let mut fact = Fact {
                key: format!("trade.flow|month|{y}-{m:02}"),
                valid: Period::range(at(y, m), at(ny, nm)).unwrap(),
                value: Some(Decimal::new(value.into(), 0)),
                published_at: Some(format!("{ny}-{nm:02}-14").parse().unwrap()),
                ..template.clone()
            };
            fact.seal();
            fact
        })
        .collect();
    let mut p = bellwether_projection::Projector::new(std::sync::Arc::new(framework), types());
    records(&facts).iter().for_each(|r| p.apply(r));
    of_trade(&p.assess(&at("2022-06-30"))).into_iter().map(|s| s.id.clone()).collect()
}

#[test]
fn a_new_year_that_moves_between_january_and_february_raises_nothing() {
    assert_eq!(moving_new_year(true), Vec::<String>::new());
    assert!(!moving_new_year(false).is_empty(), "read month by month, the same series alarms");
}

/// A joint veto every second month from 2010 to 2014 and none after, with or without declared coverage to 2021.
fn vetoes_that_stop(covered: bool) -> Vec<Shift> {
    let template = history().into_iter().find(|f| f.kind == "vote.veto").unwrap();
    let mut facts: Vec<Fact> = (0..30)
        .map(|i| {
            let at = |m: i32| {
                bellwether_model::parse_moment(&format!("{}-{:02}-10", 2010 + m / 12, m % 12 + 1)).unwrap()
            };
            let mut fact =
                Fact { key: format!("veto|{i}"), valid: Period::instant(at(2 * i)), ..template.clone() };
            fact.published_at = Some(Stamp::Day(at(2 * i).date_naive()));
            fact.published_basis = Basis::Stated;
            fact.seal();
            fact
        })
        .collect();
    if covered {
        let mut coverage = history().into_iter().find(|f| f.kind == "coverage.declared").unwrap();
        coverage.published_at = Some("2012-01-01".parse().unwrap());
        coverage.seal();
        facts.push(coverage);
    }
    let a = projector(&facts).assess(&at("2021-12-31"));
    a.shifts.into_iter().filter(|s| s.indicator == "diplomatic.joint-vetoes").collect()
}

#[test]
fn silence_is_heard_only_where_somebody_listened() {
    let heard = vetoes_that_stop(true);
    let silence = heard.iter().find(|s| s.kind == "silence").unwrap_or_else(|| panic!("{heard:?}"));
    assert_eq!(silence.detector, "silence");
    assert!(silence.onset.at.starts_with("2014-12") || silence.onset.at.starts_with("2015"), "{silence:?}");
    assert!(heard.iter().any(|s| s.kind == "rate" && s.size.unwrap() < 0.0), "{heard:?}");
    assert_eq!(vetoes_that_stop(false).iter().map(|s| &s.id).collect::<Vec<_>>(), Vec::<&String>::new());
}
