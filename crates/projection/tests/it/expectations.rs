//! Expectations and bounds: flagged at the moment that they could first be seen broken, taken back by a revision of
//! what they rest on, over when later periods say otherwise.

use std::sync::Arc;

use bellwether_model::framework::{Constraint, Expectation, Framework, Limit};
use bellwether_model::{Basis, Fact, Op, Period, Stamp, View, parse_moment};
use bellwether_projection::{Assessment, Projector, Shift};

use crate::shifts::{HIGH, flat_then, year};
use crate::support::*;

const ROW: &str = "expectation.economic.test";
const BOUND: &str = "constraint.test";

/// The framework with one expectation, and one upper bound on the trade of a year.
fn framework_with(when: &str, max: f64) -> Arc<Framework> {
    let mut f = (*framework()).clone();
    let domain = f.domains.iter_mut().find(|d| d.id == "economic").unwrap();
    domain.expectations = vec![Expectation { id: ROW.into(), when: when.into(), reason: "a test".into() }];
    let like = f.constraints[0].clone();
    f.constraints = vec![Constraint {
        id: BOUND.into(),
        of: "economic.trade-total".into(),
        bound: Limit { max: Some(max), min: None },
        ..like
    }];
    Arc::new(f)
}

fn with(when: &str, facts: &[Fact]) -> Projector {
    let mut p = Projector::new(framework_with(when, 150e9), types());
    records(facts).iter().for_each(|r| p.apply(r));
    p
}

fn holds(a: &Assessment) -> Option<bool> {
    a.domains.iter().flat_map(|d| &d.expectations).find(|e| e.id == ROW).unwrap().holds
}

fn of<'a>(a: &'a Assessment, row: &str) -> Vec<&'a Shift> {
    a.shifts.iter().filter(|s| s.indicator == row).collect()
}

/// A line a date: whether the expectation holds, and the flags on `row` that stand and were taken back.
fn check(p: &Projector, row: &str, want: &[(&str, &str)]) {
    for (date, line) in want {
        let a = p.assess(&at(date));
        let day = |text: &str| text.split('T').next().unwrap().to_owned();
        let mut shown = match holds(&a) {
            Some(true) => "holds",
            Some(false) => "broken",
            None => "unknown",
        }
        .to_owned();
        for s in of(&a, row) {
            shown += &format!(" known {} began {}", day(&s.known_at), s.onset.at);
        }
        for w in a.withdrawn.iter().filter(|w| w.indicator == row) {
            shown += &format!(" taken back {} of {}", day(&w.withdrawn_at), day(&w.known_at));
        }
        assert_eq!(shown, *line, "at {date}");
    }
}

const WHEN: &str = r#"indicator["economic.trade-total"].value >= 90000000000.0"#;

#[test]
fn an_expectation_is_flagged_when_it_could_first_be_known_broken_and_keeps_its_moment() {
    let facts = flat_then(&[(2018, 80), (2019, 82), (2020, 81)]);
    let p = with(WHEN, &facts);
    check(
        &p,
        ROW,
        &[
            ("2019-01-14", "holds"),
            ("2019-01-15", "broken known 2019-01-15 began 2018-01-01"),
            ("2021-06-30", "broken known 2019-01-15 began 2018-01-01"),
            ("2022-08-01", "unknown known 2019-01-15 began 2018-01-01"),
        ],
    );
    let (first, later) = (p.assess(&at("2019-01-15")), p.assess(&at("2021-06-30")));
    let ([first], [later]) = (&of(&first, ROW)[..], &of(&later, ROW)[..]) else { panic!("one each") };
    assert_eq!((&first.id, first.onset.high.as_str()), (&later.id, "2019-01-01"));
    assert_eq!(first.onset.low, "2018-01-01", "it held at the end of 2017");
    assert!(first.provisional && !later.provisional);
    let key = |seq: u64| facts[usize::try_from(seq).unwrap() - 1].key.as_str();
    assert_eq!(
        first.evidence.iter().map(|s| key(*s)).collect::<Vec<_>>(),
        ["trade.flow|CHN-RUS|total|USD|CHN-GACC|2018"]
    );
}

#[test]
fn a_revision_of_its_period_takes_it_back_and_another_brings_the_same_flag_again() {
    let mut facts = flat_then(&[(2018, 80)]);
    facts.push(year(2018, 96, Some("2019-09-01")));
    facts.push(year(2018, 79, Some("2019-11-01")));
    check(
        &with(WHEN, &facts),
        ROW,
        &[
            ("2019-08-31", "broken known 2019-01-15 began 2018-01-01"),
            ("2019-09-02", "holds taken back 2019-09-02 of 2019-01-15"),
            ("2019-11-02", "broken known 2019-01-15 began 2018-01-01"),
        ],
    );
}

#[test]
fn a_withdrawn_figure_takes_its_flag_with_it() {
    let mut facts = flat_then(&[(2018, 80)]);
    let mut gone = year(2018, 80, Some("2019-05-01"));
    gone.op = Op::Retract;
    gone.seal();
    facts.push(gone);
    check(
        &with(WHEN, &facts),
        ROW,
        &[
            ("2019-04-30", "broken known 2019-01-15 began 2018-01-01"),
            ("2019-05-02", "holds taken back 2019-05-02 of 2019-01-15"),
        ],
    );
}

#[test]
fn a_later_period_ends_it_and_a_later_break_is_another_flag() {
    let p = with(WHEN, &flat_then(&[(2018, 80), (2019, 95), (2020, 70)]));
    check(
        &p,
        ROW,
        &[
            ("2019-12-31", "broken known 2019-01-15 began 2018-01-01"),
            ("2020-01-15", "holds"),
            ("2021-01-15", "broken known 2021-01-15 began 2020-01-01"),
        ],
    );
}

#[test]
fn not_knowing_in_between_hides_nothing_and_at_the_start_is_no_break() {
    // Nothing is published of 2018 to 2020.
    check(
        &with(WHEN, &flat_then(&[(2021, 80)])),
        ROW,
        &[
            ("2018-06-30", "holds"),
            ("2020-12-31", "unknown"),
            ("2022-01-15", "broken known 2022-01-15 began 2021-01-01"),
        ],
    );
    check(&with(WHEN, &[year(2021, 80, None)]), ROW, &[("2021-12-31", "unknown"), ("2022-01-15", "broken")]);
}

#[test]
fn what_time_alone_breaks_is_flagged_the_next_midnight() {
    // The last figure is of 2017 and counts for 550 days.
    check(
        &with(r#"domain["economic"].coverage > 0.0"#, &flat_then(&[])),
        ROW,
        &[
            ("2019-07-04", "holds"),
            ("2019-07-05", "broken known 2019-07-06 began 2017-01-01"),
            ("2024-01-01", "broken known 2019-07-06 began 2017-01-01"),
        ],
    );
}

#[test]
fn a_trend_in_a_condition_is_what_the_detector_vouched_for_at_the_time() {
    let when = r#"indicator["economic.trade-total"].trend != "up""#;
    let mut facts = flat_then(&HIGH);
    // Nearly twice the trade of a year before is no trend yet, whatever the change on the year says.
    check(
        &with(when, &facts),
        ROW,
        &[
            ("2019-06-30", "holds"),
            ("2022-01-14", "holds"),
            ("2022-01-15", "broken known 2022-01-15 began 2021-01-01"),
            ("2022-12-31", "broken known 2022-01-15 began 2021-01-01"),
        ],
    );
    // A step counts for a year.
    facts.push(year(2022, 183, None));
    check(&with(when, &facts), ROW, &[("2023-01-20", "holds")]);
    // Revisions take the step back, and the flag with it.
    facts.extend((2018..).zip([101, 104, 99, 102]).map(|(y, v)| year(y, v, Some("2022-09-01"))));
    check(&with(when, &facts), ROW, &[("2022-09-02", "holds taken back 2022-09-02 of 2022-01-15")]);
}

/// A joint exercise of a day, published when it was held or later.
fn exercise(date: &str, published: &str) -> Fact {
    let template = history().into_iter().find(|f| f.kind == "exercise.held").unwrap();
    let mut fact = Fact {
        key: format!("exercise.held|{date}"),
        valid: Period::instant(parse_moment(date).unwrap()),
        published_at: Some(published.parse::<Stamp>().unwrap()),
        published_basis: Basis::Stated,
        ..template
    };
    fact.seal();
    fact
}

#[test]
fn a_window_that_slides_breaks_an_expectation_and_a_late_report_mends_it() {
    let when = r#"indicator["military.exercises"].at_least >= 2.0"#;
    let mut facts = vec![exercise("2015-03-10", "2015-03-10"), exercise("2015-06-10", "2015-06-10")];
    let slid = ("2016-03-10", "broken known 2016-03-11 began 2015-03-11");
    check(&with(when, &facts), ROW, &[("2015-12-31", "holds"), ("2016-03-09", "holds"), slid]);
    facts.push(exercise("2016-04-01", "2016-04-02"));
    check(&with(when, &facts), ROW, &[slid, ("2016-04-03", "holds")]);
    facts.push(exercise("2015-09-01", "2016-03-20"));
    check(&with(when, &facts), ROW, &[slid, ("2016-03-21", "holds taken back 2016-03-21 of 2016-03-11")]);
}

#[test]
fn a_bound_is_crossed_when_it_could_first_be_known_and_a_revision_uncrosses_it() {
    let mut facts = flat_then(&[(2018, 180), (2019, 185)]);
    facts.push(year(2018, 140, Some("2019-06-01")));
    check(
        &with(WHEN, &facts),
        BOUND,
        &[
            ("2019-01-14", "holds"),
            ("2019-01-15", "holds known 2019-01-15 began 2018-01-01"),
            ("2019-06-02", "holds taken back 2019-06-02 of 2019-01-15"),
            ("2020-01-15", "holds known 2020-01-15 began 2019-01-01 taken back 2019-06-02 of 2019-01-15"),
        ],
    );
    let mut lasting = flat_then(&HIGH);
    // A later revision of the first year past the bound moves neither moment nor id.
    lasting.push(year(2018, 170, Some("2020-06-01")));
    lasting.push(year(2022, 120, None));
    check(
        &with(WHEN, &lasting),
        BOUND,
        &[("2022-12-31", "holds known 2019-01-15 began 2018-01-01"), ("2023-01-15", "holds")],
    );
}

/// Every flag of every view is in the view of its own moment already, and any arrival order gives the same bytes.
#[test]
fn flags_keep_their_moment_and_order_does_not_matter() {
    let all = history();
    let mut turned = all.clone();
    turned.reverse();
    let f = framework_with(r#"indicator["economic.trade-total"].change > 0.1"#, 120e9);
    let fold = |facts: &[Fact]| {
        let mut p = Projector::new(f.clone(), types());
        records(facts).iter().for_each(|r| p.apply(r));
        p
    };
    let (p, q) = (fold(&all), fold(&turned));
    let mut seen = 0;
    for date in ["2012-06-30", "2016-06-30", "2020-06-30", "2021-06-30", "2023-06-30", "2026-11-24"] {
        let view = at(date);
        let plain = |a: &Assessment| -> Vec<Shift> {
            a.shifts.iter().map(|s| Shift { evidence: Vec::new(), ..s.clone() }).collect()
        };
        let a = p.assess(&view);
        let b = q.assess(&view);
        assert_eq!((plain(&a), &a.withdrawn), (plain(&b), &b.withdrawn), "{date}");
        for s in a.shifts.iter().filter(|s| s.kind == "expectation" || s.kind == "breach") {
            seen += 1;
            let known = parse_moment(&s.known_at).unwrap();
            let then = View {
                as_of: known.min(view.as_of),
                known_by: (known + chrono::TimeDelta::microseconds(1)).min(view.known_by),
                ..view
            };
            let first = p.assess(&then);
            assert!(
                first.shifts.iter().any(|x| (&x.id, &x.known_at) == (&s.id, &s.known_at)),
                "{date} {s:?}"
            );
        }
    }
    assert!(seen > 2, "{seen}");
}
