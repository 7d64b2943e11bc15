//! Silence of the world and silence of a dead feed.

use std::sync::LazyLock;

use bellwether_model::{Basis, Fact, Op, Period, Record, Stamp, parse_moment};
use bellwether_projection::{Assessment, Projector, Shift};
use chrono::{DateTime, Days, Months, Utc};
use serde_json::json;

use crate::properties::canonical;
use crate::support::*;

/// A joint veto.
static VETO: LazyLock<Fact> =
    LazyLock::new(|| history().into_iter().find(|f| f.kind == "vote.veto").unwrap());

const VETOES: &str = "diplomatic.joint-vetoes";

fn day(text: &str) -> DateTime<Utc> {
    parse_moment(text).unwrap()
}

/// A joint veto every second month of 2010 to 2014 and none after.
pub(crate) fn vetoes() -> Vec<Fact> {
    (0..30)
        .map(|i| {
            let at = day("2010-01-10") + Months::new(2 * i);
            let mut fact = Fact { key: format!("veto|{i}"), valid: Period::instant(at), ..VETO.clone() };
            fact.published_at = Some(Stamp::Day(at.date_naive()));
            fact.published_basis = Basis::Stated;
            fact.seal();
            fact
        })
        .collect()
}

/// A heartbeat as the daemon makes it, known at `known`.
pub(crate) fn beat(feed: &str, at: DateTime<Utc>, known: DateTime<Utc>, covers: &[&str]) -> Fact {
    let mut fact = VETO.clone();
    fact.published_basis = Basis::Stated;
    fact.kind = "heartbeat.seen".into();
    (fact.source, fact.key) =
        ("bellwether".into(), format!("heartbeat|{feed}|{}", at.format("%Y-%m-%dT%HZ")));
    (fact.valid, fact.published_at) = (Period::instant(at), Some(Stamp::Instant(known)));
    (fact.actors, fact.value, fact.unit, fact.note) = (Vec::new(), None, None, None);
    fact.attributes = [("feed".to_owned(), json!(feed))].into();
    if !covers.is_empty() {
        fact.attributes.insert("covers".into(), json!(covers));
    }
    fact.evidence = Default::default();
    fact.seal();
    fact
}

/// A feed of vetoes that is heard every day at six from one day to another (exclusive).
fn live(feed: &str, from: &str, to: &str) -> Vec<Fact> {
    let mut at = day(from) + chrono::TimeDelta::hours(6);
    let template = beat(feed, at, at, &["news.coded", "vote.veto"]);
    let mut out = Vec::new();
    while at < day(to) {
        let mut fact = template.clone();
        fact.key = format!("heartbeat|{feed}|{}", at.format("%Y-%m-%dT%HZ"));
        (fact.valid, fact.published_at) = (Period::instant(at), Some(Stamp::Instant(at)));
        fact.seal();
        out.push(fact);
        at = at + Days::new(1);
    }
    out
}

fn with(beats: &[Vec<Fact>]) -> Projector {
    let mut facts = vetoes();
    facts.extend(beats.iter().flatten().cloned());
    projector(&facts)
}

fn silences(a: &Assessment) -> Vec<Shift> {
    a.shifts.iter().filter(|s| s.indicator == VETOES && s.kind == "silence").cloned().collect()
}

/// The silence that stands at the end, with the day from which it could be known.
fn first(p: &Projector) -> Option<(String, Shift)> {
    let found = silences(&p.assess(&at("2021-12-31"))).into_iter().next();
    found.map(|shift| (shift.known_at.split('T').next().unwrap().to_owned(), shift))
}

#[test]
fn a_quiet_world_behind_a_live_feed_is_a_silence_at_the_end_of_the_month_that_decides() {
    let p = with(&[live("roll", "2010-01-01", "2022-01-01")]);
    let (date, shift) = first(&p).unwrap();
    // Thirty vetoes in sixty months: nothing in ten months has a probability under .01, in nine it has not.
    assert_eq!((date.as_str(), shift.known_at.as_str()), ("2015-10-01", "2015-10-01T00:00:00Z"));
    assert_eq!((shift.detector.as_str(), shift.onset.at.as_str()), ("silence", "2014-12-01"));
    assert_eq!(silences(&p.assess(&at("2015-09-29"))), []);
    let later = silences(&p.assess(&at("2021-12-31")));
    assert_eq!(later.len(), 1, "{later:?}");
    assert_eq!((&later[0].known_at, later[0].provisional), (&shift.known_at, false));
    // First and last heartbeat of each of the ten months.
    assert_eq!(later[0].evidence.len(), 20);
    let why = p.why(&shift.id, &at("2021-12-31")).unwrap();
    let heard = why.figures.iter().find(|f| f.name == "heard through feed roll").unwrap();
    assert_eq!(heard.value.as_deref(), Some("on 304 days"));
    assert_eq!(why.facts.len(), 20);
}

#[test]
fn hearing_makes_no_zero() {
    let (heard, deaf) = (with(&[live("roll", "2010-01-01", "2022-01-01")]), with(&[]));
    for date in ["2013-06-30", "2016-06-30", "2021-12-31"] {
        let (a, b) = (heard.assess(&at(date)), deaf.assess(&at(date)));
        let (mut x, y) = (indicator(&a, VETOES).clone(), indicator(&b, VETOES).clone());
        assert_eq!(x.value, None, "{date}");
        (x.trend, x.shifts) = (y.trend, y.shifts.clone());
        assert_eq!(x, y, "{date}: a silence is a shift and may move the trend, nothing else");
    }
}

#[test]
fn a_dead_feed_is_no_silence() {
    assert_eq!(first(&with(&[])), None, "never heard");
    assert_eq!(first(&with(&[live("roll", "2010-01-01", "2014-12-20")])), None, "dead before the quiet");
    let half = with(&[live("roll", "2010-01-01", "2015-06-15")]);
    assert_eq!(first(&half), None, "dead halfway through");
    // Seven months were heard; it takes ten, and the dead ones do not count.
    let mut again = live("roll", "2010-01-01", "2015-06-15");
    again.extend(live("roll", "2017-01-01", "2019-01-01"));
    let (date, shift) = first(&with(&[again])).unwrap();
    assert_eq!((date.as_str(), shift.onset.at.as_str()), ("2017-05-01", "2014-12-01"));
}

#[test]
fn gaps_of_three_days_pass_and_longer_ones_do_not() {
    for (gap, found) in [(3, true), (4, false)] {
        let beats = live("roll", "2010-01-01", "2022-01-01").into_iter().filter(|f| {
            let n = f.valid.start.format("%d").to_string().parse::<u32>().unwrap();
            // At the month's end and within it.
            f.valid.start < day("2015-01-01") || !(10..10 + gap).contains(&n)
        });
        assert_eq!(first(&with(&[beats.collect()])).is_some(), found, "{gap}");
    }
    let end = live("roll", "2010-01-01", "2022-01-01").into_iter();
    let end = end.filter(|f| f.valid.start.format("%d").to_string().as_str() <= "25");
    assert_eq!(first(&with(&[end.collect()])), None, "the last days are days too");
}

#[test]
fn heartbeats_known_later_are_heard_only_then() {
    let mut beats = live("roll", "2010-01-01", "2017-01-01");
    for fact in beats.iter_mut().filter(|f| f.valid.start >= day("2015-03-01")) {
        fact.published_at = Some(Stamp::Instant(day("2018-05-03")));
        fact.seal();
    }
    let p = with(&[beats]);
    assert_eq!(silences(&p.assess(&at("2018-05-02"))), []);
    let shift = silences(&p.assess(&at("2018-05-03"))).remove(0);
    assert_eq!((shift.known_at.as_str(), shift.onset.at.as_str()), ("2018-05-03T00:00:00Z", "2014-12-01"));
    assert_eq!(silences(&p.assess(&known("2017-12-31", "2018-05-02"))), [], "no hindsight");
}

#[test]
fn heartbeats_taken_back_take_the_silence_with_them() {
    let beats = live("roll", "2010-01-01", "2016-01-01");
    let gone = beats.iter().filter(|f| f.valid.start.format("%Y-%m").to_string() == "2015-05");
    let gone = gone.map(|f| {
        let mut fact = f.clone();
        (fact.op, fact.published_at) = (Op::Retract, Some(Stamp::Instant(day("2016-02-10"))));
        fact.seal();
        fact
    });
    let p = with(&[beats.clone(), gone.collect()]);
    assert_eq!(silences(&p.assess(&at("2015-12-31"))).len(), 1);
    let after = p.assess(&at("2016-02-10"));
    assert_eq!(silences(&after).len(), 1, "November and December stand in for May: {:?}", after.withdrawn);
    let short = live("roll", "2010-01-01", "2015-10-01");
    let p = with(&[short, p_retracted(&beats)]);
    assert_eq!(silences(&p.assess(&at("2016-02-09"))).len(), 1);
    let after = p.assess(&at("2016-02-10"));
    assert_eq!(silences(&after), []);
    assert!(
        after.withdrawn.iter().any(|w| w.withdrawn_at == "2016-02-10T00:00:00Z"),
        "{:?}",
        after.withdrawn
    );
}

fn p_retracted(beats: &[Fact]) -> Vec<Fact> {
    let may = beats.iter().filter(|f| f.valid.start.format("%Y-%m").to_string() == "2015-05");
    may.map(|f| {
        let mut fact = f.clone();
        (fact.op, fact.published_at) = (Op::Retract, Some(Stamp::Instant(day("2016-02-10"))));
        fact.seal();
        fact
    })
    .collect()
}

#[test]
fn a_second_feed_does_not_vouch_for_one_that_died() {
    let both = |until: &str| [live("china", "2010-01-01", "2022-01-01"), live("russia", "2010-01-01", until)];
    let p = with(&both("2022-01-01"));
    let (_, shift) = first(&p).unwrap();
    let why = p.why(&shift.id, &at("2021-12-31")).unwrap();
    assert_eq!(why.figures.iter().filter(|f| f.name.starts_with("heard through feed")).count(), 2);
    assert_eq!(first(&with(&both("2015-02-01"))), None, "what it would have brought is missing");
    let tried = live("russia", "2012-04-10", "2012-04-12");
    assert!(first(&with(&[live("china", "2010-01-01", "2022-01-01"), tried])).is_some(), "never regular");
}

#[test]
fn hearing_before_the_first_record_counts_as_time_without_any() {
    let late: Vec<Fact> = vetoes().into_iter().filter(|f| f.valid.start >= day("2014-03-01")).collect();
    let silent_from = |from: &str| {
        let mut facts = late.clone();
        facts.extend(live("roll", from, "2022-01-01"));
        first(&projector(&facts)).map(|(date, _)| date)
    };
    let (short, long) = (silent_from("2014-03-01").unwrap(), silent_from("2010-01-01").unwrap());
    assert!(short < long, "five vetoes in ten months are due sooner than five in five years: {short} {long}");
}

#[test]
fn a_measure_without_a_covering_feed_is_unchanged() {
    let (mut facts, view) = (history(), at("2026-11-24"));
    let before = serde_json::to_value(projector(&facts).assess(&view)).unwrap();
    let mut beats = live("other", "2014-01-01", "2026-11-01");
    for fact in &mut beats {
        fact.attributes.insert("covers".into(), json!(["statement.unheard"]));
        fact.seal();
    }
    beats.extend(live("mute", "2014-01-01", "2026-11-01").into_iter().map(|mut f| {
        f.attributes.remove("covers");
        f.seal();
        f
    }));
    facts.extend(beats);
    let mut after = serde_json::to_value(projector(&facts).assess(&view)).unwrap();
    for field in ["facts", "head"] {
        after[field] = before[field].clone();
    }
    assert_eq!(after, before);
}

#[test]
fn order_and_snapshots_change_nothing() {
    let mut facts = vetoes();
    facts.extend(live("roll", "2010-01-01", "2017-01-01"));
    // Two on each day that were learnt of at once: content breaks the tie.
    for hour in [7, 8] {
        facts.extend(live("other", "2012-01-01", "2017-01-01").into_iter().map(|f| {
            let at = f.valid.start + chrono::TimeDelta::hours(hour);
            beat("other", at, day("2017-02-01"), &["vote.veto"])
        }));
    }
    let view = at("2018-12-31");
    let numbered = records(&facts);
    let fold = |order: Vec<usize>| {
        let mut p = Projector::new(framework(), types());
        for (seq, i) in (1..).zip(order) {
            p.apply(&Record { seq, ..numbered[i].clone() });
        }
        p
    };
    let bytes = |order: &[usize]| {
        let taken: Vec<Record> =
            (1..).zip(order).map(|(seq, i)| Record { seq, ..numbered[*i].clone() }).collect();
        canonical(&fold(order.to_vec()), &taken, &view)
    };
    let n = facts.len();
    let straight = fold((0..n).collect());
    assert_eq!(silences(&straight.assess(&view)).len(), 1);
    for order in [(0..n).rev().collect::<Vec<_>>(), (0..n).map(|i| i * 4801 % n).collect()] {
        let mut all = order.clone();
        all.sort_unstable();
        assert_eq!(all, (0..n).collect::<Vec<_>>(), "a permutation");
        assert_eq!(bytes(&order), bytes(&(0..n).collect::<Vec<_>>()));
    }
    let kept = Projector::restore(framework(), types(), &straight.snapshot().unwrap()).unwrap();
    assert_eq!(
        serde_json::to_string(&kept.assess(&view)).unwrap(),
        serde_json::to_string(&straight.assess(&view)).unwrap()
    );
}
