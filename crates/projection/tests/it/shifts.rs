//! Shifts as they become known: flagged once, provisional at first, taken back by a revision.

use bellwether_model::{Basis, Decimal, Fact, Op, Period, Stamp};
use bellwether_projection::{Assessment, Shift};

use crate::support::*;

/// Total trade of a year in billions, published in mid-January of the next.
fn year(year: i32, value: i64, published: Option<&str>) -> Fact {
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

fn flat_then(values: &[(i32, i64)]) -> Vec<Fact> {
    let flat = [100, 103, 98, 101, 99, 102, 100, 97, 103, 100];
    let mut facts: Vec<Fact> = (2008..).zip(flat).map(|(y, v)| year(y, v, None)).collect();
    facts.extend(values.iter().map(|(y, v)| year(*y, *v, None)));
    facts
}

fn of_trade(a: &Assessment) -> Vec<&Shift> {
    a.shifts.iter().filter(|s| s.indicator == "economic.trade-total").collect()
}

#[test]
fn a_step_is_flagged_when_it_could_be_known_and_confirmed_by_what_follows() {
    let facts = flat_then(&[(2018, 180), (2019, 185), (2020, 182), (2021, 184)]);
    let p = projector(&facts);
    assert_eq!(of_trade(&p.assess(&at("2020-01-13"))).len(), 0, "one high year is not enough");
    let first = p.assess(&at("2020-01-15"));
    let [shift] = of_trade(&first)[..] else { panic!("{:?}", first.shifts) };
    assert_eq!((shift.known_at.as_str(), shift.onset.at.as_str()), ("2020-01-15T00:00:00Z", "2018-01-01"));
    assert!(shift.provisional, "first releases only");
    let later = p.assess(&at("2022-06-30"));
    let [same] = of_trade(&later)[..] else { panic!("fired twice: {:?}", later.shifts) };
    assert_eq!((&same.id, &same.known_at), (&shift.id, &shift.known_at));
    assert!(!same.provisional);
}

#[test]
fn a_revision_takes_a_shift_back_and_says_so() {
    let mut facts = flat_then(&[(2018, 180), (2019, 185)]);
    facts.push(year(2018, 101, Some("2020-09-01")));
    facts.push(year(2019, 104, Some("2020-09-01")));
    let p = projector(&facts);
    let flagged = p.assess(&at("2020-08-31"));
    assert_eq!((of_trade(&flagged).len(), flagged.withdrawn.len()), (1, 0));
    let after = p.assess(&at("2020-09-02"));
    assert_eq!(of_trade(&after).len(), 0, "{:?}", after.shifts);
    let [gone] = &after.withdrawn[..] else { panic!("{:?}", after.withdrawn) };
    assert_eq!(
        (gone.known_at.as_str(), gone.withdrawn_at.as_str()),
        ("2020-01-15T00:00:00Z", "2020-09-02T00:00:00Z")
    );
    assert_eq!(of_trade(&p.assess(&at("2020-08-31"))).len(), 1, "the older view keeps its flag");
}

#[test]
fn a_revision_that_keeps_a_shift_confirms_it_and_does_not_fire_it_again() {
    let mut facts = flat_then(&[(2018, 180), (2019, 185)]);
    facts.push(year(2019, 176, Some("2020-09-01")));
    let after = projector(&facts).assess(&at("2020-09-02"));
    let [shift] = of_trade(&after)[..] else { panic!("{:?}", after.shifts) };
    assert_eq!(shift.known_at, "2020-01-15T00:00:00Z");
    assert!(!shift.provisional, "a value that is no first release stands behind it");
    assert!(after.withdrawn.is_empty());
}

#[test]
fn a_withdrawn_fact_takes_its_shift_with_it() {
    let mut facts = flat_then(&[(2018, 180), (2019, 185)]);
    let mut gone = year(2019, 185, Some("2020-05-01"));
    gone.op = Op::Retract;
    gone.seal();
    facts.push(gone);
    let after = projector(&facts).assess(&at("2020-05-02"));
    assert_eq!((of_trade(&after).len(), after.withdrawn.len()), (0, 1));
}
