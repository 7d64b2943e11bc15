//! Steps through time give what each view gives by itself, and say what they touch.

use std::collections::BTreeSet;

use bellwether_model::{Basis, Clock, Fact, KnownBasis, Op, Record, Stamp};
use bellwether_projection::{Assessment, MeasureState, Projector, Stepper};
use chrono::{DateTime, Days, TimeDelta, Utc};
use proptest::prelude::*;

use crate::properties::fact;
use crate::silence::{beat, vetoes};
use crate::support::*;

fn midnight(day: u64) -> DateTime<Utc> {
    bellwether_model::parse_moment("2012-01-01").unwrap() + Days::new(day)
}

/// Without the dates that slide: those of the view, and of trailing windows.
fn fixed(projector: &Projector, a: &Assessment) -> Assessment {
    let mut a = a.clone();
    (a.as_of, a.known_by) = (String::new(), String::new());
    let windowed: BTreeSet<&str> = projector
        .framework()
        .all_measures()
        .filter(|m| m.formula.windowed())
        .map(|m| m.id.as_str())
        .collect();
    for m in a.indicators.iter_mut().chain(&mut a.measures).filter(|m| windowed.contains(m.id.as_str())) {
        m.period = None;
    }
    a
}

/// Rows by id as text: the slow and plain way to compare.
fn rows(a: &Assessment) -> BTreeSet<(String, String)> {
    let value = serde_json::to_value(a).unwrap();
    let mut out = BTreeSet::new();
    for list in value.as_object().unwrap().values().filter_map(|v| v.as_array()) {
        out.extend(list.iter().map(|row| (row["id"].as_str().unwrap().to_owned(), row.to_string())));
    }
    if let Some(balance) = value["balance"].as_object() {
        out.insert((balance["id"].as_str().unwrap().to_owned(), format!("{balance:?}")));
    }
    out.insert(("fit".to_owned(), value["fit"].to_string()));
    out
}

fn differ(projector: &Projector, before: &Assessment, now: &Assessment) -> BTreeSet<String> {
    let (before, now) = (rows(&fixed(projector, before)), rows(&fixed(projector, now)));
    before.symmetric_difference(&now).map(|(id, _)| id.clone()).collect()
}

/// Names the first row that differs, and not the whole of both.
fn same(got: &Assessment, want: &Assessment, at: DateTime<Utc>) {
    let by_id = |a: &[MeasureState], b: &[MeasureState]| {
        a.iter().zip(b).find(|(a, b)| a != b).map(|(a, b)| format!("{a:?}\n{b:?}"))
    };
    if got != want {
        let measures = by_id(&got.indicators, &want.indicators).or(by_id(&got.measures, &want.measures));
        let (a, b) = (rows(got), rows(want));
        let rows: Vec<_> = a.symmetric_difference(&b).take(4).collect();
        panic!(
            "{at}: facts {} {}, head {} {}\n{measures:?}\n{rows:#?}",
            got.facts, want.facts, got.head, want.head
        );
    }
}

/// One step against the view itself, and what it touched against the rows that differ.
fn check(stepper: &mut Stepper, projector: &Projector, last: &mut Option<Assessment>, at: DateTime<Utc>) {
    let want = projector.assess(&stepper.view(at));
    let step = stepper.step(projector, at);
    same(step.assessment, &want, at);
    if let Some(before) = last {
        assert_eq!(step.touched, differ(projector, before, &want), "touched at {at}");
    }
    *last = Some(want);
}

/// Everything of the log at one moment, as a backtest has it.
fn published() -> Stepper {
    Stepper::new(Clock::Published, KnownBasis::Any)
}

#[test]
fn every_step_through_the_history_is_the_view_of_its_moment() {
    let projector = projector(&history());
    let (mut stepper, mut last, mut n) = (published(), None::<Assessment>, 0_u32);
    let (mut at, end) = (midnight(731), midnight(5439));
    let mut skipped: Option<Assessment> = None;
    while at < end {
        n += 1;
        // The plain way costs a hundred times a step.
        if n.is_multiple_of(11) {
            let want = projector.assess(&stepper.view(at));
            let step = stepper.step(&projector, at);
            same(step.assessment, &want, at);
            if let Some(before) = &skipped {
                assert_eq!(step.touched, differ(&projector, before, &want), "touched at {at}");
            }
            last = Some(want);
        } else {
            skipped = Some(stepper.step(&projector, at).assessment.clone());
        }
        at = stepper.next(&projector, at).unwrap_or(end);
    }
    assert!(n > 300, "{n} moments of change");
    assert!(last.is_some_and(|a| a.facts > 400));
}

#[test]
fn between_the_moments_named_nothing_but_dates_differs() {
    let projector = projector(&history());
    let (mut stepper, mut dense) = (published(), published());
    let (mut at, end) = (midnight(3650), midnight(4750));
    let mut now = stepper.step(&projector, at).assessment.clone();
    let mut next = stepper.next(&projector, at).unwrap();
    let mut passed = 0;
    while at < end {
        at = at + Days::new(1);
        while next <= at {
            now = stepper.step(&projector, next).assessment.clone();
            next = stepper.next(&projector, next).unwrap_or(end + Days::new(9));
        }
        let view = dense.view(at);
        let plain = dense.step(&projector, at).assessment;
        if plain.as_of.contains("-01T") || plain.as_of.contains("-29T") {
            same(plain, &projector.assess(&view), at);
        }
        assert_eq!(fixed(&projector, plain), fixed(&projector, &now), "{at}");
        passed += 1;
    }
    assert!(passed > 1000);
}

/// When a record arrived, in days: on the recorded clock that is when it becomes known.
fn arrival() -> impl Strategy<Value = u64> {
    0_u64..1500
}

fn small(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<(Fact, u64)>> {
    prop::collection::vec((fact(), arrival()), n)
}

/// Hours between steps: mostly some days, now and then within one day.
fn gaps() -> impl Strategy<Value = Vec<i64>> {
    prop::collection::vec(prop_oneof![4 => 1_i64..60, 1 => Just(0_i64)].prop_map(|d| d * 24), 8..24)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn steps_equal_views_on_either_clock_whatever_comes_in_between(
        facts in small(1..100),
        gaps in gaps(),
        first in 0_u64..3500,
        hours in prop::collection::vec(0_i64..24, 24),
        recorded in any::<bool>(),
        stated in any::<bool>(),
        at_once in any::<bool>(),
    ) {
        let clock = if recorded { Clock::Recorded } else { Clock::Published };
        let basis = if stated { KnownBasis::Stated } else { KnownBasis::Any };
        let mut stepper = Stepper::new(clock, basis);
        let mut seen = BTreeSet::new();
        let facts: Vec<_> = facts.into_iter().filter(|(f, _)| seen.insert(f.id)).collect();
        let mut records: std::collections::VecDeque<Record> = (1..)
            .zip(facts)
            .map(|(seq, (fact, day))| Record {
                seq,
                recorded_at: midnight(first + day % 800) + TimeDelta::minutes(i64::try_from(day).unwrap()),
                body: bellwether_model::Body::Fact(fact),
            })
            .collect();
        let mut projector = Projector::new(framework(), types());
        if at_once {
            records.drain(..).for_each(|r| projector.apply(&r));
        }
        let (mut at, mut last) = (midnight(first), None);
        for (gap, hour) in gaps.iter().zip(&hours) {
            // Late ones among them: what was known long ago arrives now.
            for record in records.drain(..records.len().min(7)) {
                projector.apply(&record);
            }
            at += TimeDelta::hours(*gap);
            let odd = if hour % 3 == 0 { TimeDelta::hours(*hour) } else { TimeDelta::zero() };
            at += odd;
            check(&mut stepper, &projector, &mut last, at);
        }
    }

    #[test]
    fn small_worlds_change_only_at_the_moments_named(facts in small(1..60), first in 0_u64..3000) {
        let mut seen = BTreeSet::new();
        let facts: Vec<Fact> = facts.into_iter().map(|(f, _)| f).filter(|f| seen.insert(f.id)).collect();
        let projector = projector(&facts);
        let (mut stepper, mut dense) = (published(), published());
        let mut at = midnight(first);
        let mut now = stepper.step(&projector, at).assessment.clone();
        let mut next = stepper.next(&projector, at);
        for day in 0..760 {
            at = at + Days::new(1);
            while next.is_some_and(|next| next <= at) {
                now = stepper.step(&projector, next.unwrap()).assessment.clone();
                next = stepper.next(&projector, next.unwrap());
            }
            let view = dense.view(at);
            let plain = dense.step(&projector, at).assessment;
            if day % 97 == 0 {
                same(plain, &projector.assess(&view), at);
            }
            prop_assert!(fixed(&projector, plain) == fixed(&projector, &now), "{at}: {:?}", differ(&projector, &now, plain));
        }
    }

    /// The whole history, of which parts come to the log long after they could be known.
    #[test]
    fn steps_equal_views_when_history_arrives_late(
        order in prop::collection::vec(any::<u32>(), 700),
        gaps in gaps(),
        first in 1800_u64..4000,
        early in 0_usize..600,
    ) {
        let mut keyed: Vec<(u32, Fact)> = order.into_iter().zip(history()).collect();
        keyed.sort_by_key(|(key, _)| *key);
        let facts: Vec<Fact> = keyed.into_iter().map(|(_, fact)| fact).collect();
        let mut records: std::collections::VecDeque<Record> = records(&facts).into();
        let (mut projector, mut stepper) = (Projector::new(framework(), types()), published());
        records.drain(..early.min(records.len())).for_each(|r| projector.apply(&r));
        let (mut at, mut last) = (midnight(first), None);
        for gap in gaps {
            check(&mut stepper, &projector, &mut last, at);
            at += TimeDelta::hours(gap);
            records.drain(..records.len().min(9)).for_each(|r| projector.apply(&r));
        }
    }

    /// Heartbeats that are missing, late or taken back.
    #[test]
    fn steps_equal_views_behind_a_feed_that_is_heard(
        days in prop::collection::vec(0_u8..40, 500),
        gaps in gaps(),
        late in 0_usize..300,
    ) {
        let mut facts = vetoes();
        for (n, what) in (0_u64..).zip(days) {
            let at = bellwether_model::parse_moment("2014-06-01T06:00:00Z").unwrap() + Days::new(n);
            let known = at + Days::new(if what == 2 { 10 } else { 0 });
            let heard = beat("roll", at, known, &["vote.veto"]);
            if what == 1 {
                let mut gone = heard.clone();
                (gone.op, gone.published_basis) = (Op::Retract, Basis::Stated);
                gone.published_at = Some(Stamp::Instant(at + Days::new(20)));
                gone.seal();
                facts.push(gone);
            }
            if what > 0 {
                facts.push(heard);
            }
        }
        let mut records: std::collections::VecDeque<Record> = records(&facts).into();
        let mut held = records.split_off(records.len() - late);
        let (mut projector, mut stepper) = (Projector::new(framework(), types()), published());
        records.iter().for_each(|r| projector.apply(r));
        let (mut at, mut last) = (midnight(1250), None);
        for gap in gaps {
            check(&mut stepper, &projector, &mut last, at);
            at += TimeDelta::hours(gap);
            held.drain(..held.len().min(15)).for_each(|r| projector.apply(&r));
        }
    }
}
