//! Backtests over a few facts: who is found by what, and what hindsight would change.

use bellwether_alert::backtest::{
    Question, ReferenceEvent, Report, Sweep, parse_reference, propose, run, swept, variants,
};
use bellwether_alert::{Rule, RuleSet};
use bellwether_model::{Body, Clock, Fact, KnownBasis, Period, Record, format_moment};
use chrono::TimeDelta;

use crate::support::*;

const EVENT: &str = "2020-06-01,The great exercise,defence,alignment_up,https://x.example/great\n";

/// A rule that fires at the second joint exercise within a year.
const SECOND: &str = r#"[[rule]]
id = "second"
title = "Two in a year"
when = 'indicator["defence.exercises"].at_least >= parameter.n'
severity = "info"
summary = "s"
backtest = { domain = '"defence"', directions = '["alignment_up"]' }
[rule.parameters]
n = 2.0
"#;

/// Facts `DAY KEY URL`: joint exercises, published on their day and so known from the next.
fn facts(lines: &[&str]) -> Vec<Record> {
    let mut records: Vec<Record> = lines
        .iter()
        .map(|line| {
            let [day, key, url] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let start = at(day);
            let mut fact = Fact {
                id: Default::default(),
                op: Default::default(),
                kind: "exercise.held".into(),
                source: "t".into(),
                key: key.into(),
                valid: Period::range(start, start + TimeDelta::days(1)).unwrap(),
                published_at: Some(day.parse().unwrap()),
                published_basis: bellwether_model::Basis::Stated,
                actors: vec!["XAA".into(), "XBB".into()],
                value: None,
                unit: None,
                grade: "B2".parse().unwrap(),
                attributes: [("form", "naval"), ("name", key)].map(|(k, v)| (k.to_owned(), v.into())).into(),
                evidence: bellwether_model::Evidence { uri: Some(url.into()), ..Default::default() },
                note: None,
            };
            fact.seal();
            Record { seq: 0, recorded_at: at("2029-01-01"), body: Body::Fact(fact) }
        })
        .collect();
    records.iter_mut().zip(1..).for_each(|(record, seq)| record.seq = seq);
    records
}

fn events(text: &str) -> Vec<ReferenceEvent> {
    let text = format!("date,title,domain,expected_direction,source_url\n{text}");
    parse_reference("e.csv", &text, &["commerce", "defence"]).unwrap()
}

fn ask(rules: &RuleSet, records: &[Record], events: &[ReferenceEvent], to: &str) -> Report {
    let question = Question {
        framework: dyad(),
        types: types(),
        rules,
        clock: Clock::Published,
        basis: KnownBasis::Any,
        events,
        from: "2018-01-01".parse().unwrap(),
        to: to.parse().unwrap(),
        luck: None,
    };
    run::<()>(&question, |visit| {
        records.iter().for_each(visit);
        Ok(())
    })
    .unwrap()
}

/// What the rule made of the facts: pairs, misses, false alarms.
#[track_caller]
fn check(lines: &[&str], want: &str) {
    let report = ask(&rules(SECOND), &facts(lines), &events(EVENT), "2020-12-31");
    let score = &report.rules[0];
    let pairs =
        score.pairs.iter().map(|p| format!("{} finds {} by {:+}", p.alarm.date, p.event.date, p.lead_days));
    let missed = score.missed.iter().map(|e| format!("{} missed", e.date));
    let alarms = score.false_alarms.iter().map(|a| format!("{} false", a.date));
    let all: Vec<String> = pairs.chain(missed).chain(alarms).collect();
    assert_eq!(all.join(", "), want);
}

const BEFORE: &str = "2020-02-01 spring https://x.example/spring";
const OWN: &str = "2020-06-01 great https://x.example/great";

#[test]
fn other_facts_find_an_event_before_it_comes() {
    check(&[BEFORE, "2020-05-11 may https://x.example/may", OWN], "2020-05-12 finds 2020-06-01 by +20");
}

#[test]
fn an_event_is_not_found_by_the_fact_that_it_is() {
    let nothing = "2020-06-01 missed, 2020-06-02 false";
    check(&[BEFORE, OWN], nothing);
    // By its page, whatever its day is said to be; or by its day, whoever tells of it; copies and restatements too.
    check(&[BEFORE, "2020-06-10 great https://x.example/great/"], "2020-06-01 missed, 2020-06-11 false");
    check(&[BEFORE, "2020-06-02 same https://y.example/1"], "2020-06-01 missed, 2020-06-03 false");
    check(
        &[BEFORE, "2020-06-01 great https://y.example/1", "2020-06-09 great|copy2 https://z.example/2"],
        nothing,
    );
}

#[test]
fn what_other_facts_say_later_counts_from_then() {
    check(&[BEFORE, OWN, "2020-06-29 summer https://x.example/summer"], "2020-06-30 finds 2020-06-01 by -29");
    // Too late to be about it.
    check(
        &[BEFORE, OWN, "2020-09-29 autumn https://x.example/autumn"],
        "2020-06-01 missed, 2020-06-02 false",
    );
}

#[test]
fn a_fact_that_an_alarm_could_not_know_is_no_excuse() {
    // Known only after the alarm: the history without it is the same up to there.
    let lines =
        [BEFORE, "2020-06-20 june https://x.example/june", "2020-08-01 great https://x.example/great"];
    check(&lines, "2020-06-21 finds 2020-06-01 by -20");
}

/// A few years of exercises, in no order.
fn years(n: u64) -> Vec<Record> {
    let lines: Vec<String> = (0..n)
        .map(|i| {
            let day = at("2017-01-01") + TimeDelta::days(i64::try_from(i * i * 37 % 1700).unwrap());
            format!("{} e{i} https://x.example/{i}", format_moment(day))
        })
        .collect();
    facts(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn what_came_later_changes_no_firing() {
    let records = years(60);
    let rules = variants(&first(SECOND), &Sweep::parse("n=2..14/7").unwrap()).unwrap();
    let events = events(
        "2018-03-01,A,defence,alignment_up,\n2019-05-01,B,defence,alignment_up,\n2020-02-11,C,defence,alignment_up,\n",
    );
    let mut fired = 0;
    for to in ["2018-06-30", "2019-02-14", "2019-12-31", "2020-12-31"] {
        let bound = at(to) + TimeDelta::days(1);
        let known = |r: &&Record| r.fact().unwrap().known_from(r.recorded_at) < bound;
        let mut told: Vec<Record> = records.iter().filter(known).cloned().collect();
        told.iter_mut().zip(1..).for_each(|(record, seq)| record.seq = seq);
        let then = ask(&rules, &told, &events, to);
        assert_eq!(then, ask(&rules, &records, &events, to), "{to}");
        fired += then.rules.iter().map(|s| s.firings).sum::<usize>();
    }
    assert!(fired > 20, "{fired} firings say little");
}

#[test]
fn the_order_of_the_facts_changes_nothing() {
    let mut records = years(40);
    let events = events(EVENT);
    let rules = rules(SECOND);
    let once = ask(&rules, &records, &events, "2021-12-31");
    records.reverse();
    records.iter_mut().zip(1..).for_each(|(record, seq)| record.seq = seq);
    assert_eq!(ask(&rules, &records, &events, "2021-12-31"), once);
}

fn first(text: &str) -> Rule {
    rules(text).rules()[0].clone()
}

#[test]
fn a_sweep_is_the_rule_at_every_value_and_a_budget_takes_the_least_strict() {
    let (records, events) = (years(60), events("2019-05-01,B,defence,alignment_up,\n"));
    let rule = first(SECOND);
    let sweep = Sweep::parse("n=2..20/10").unwrap();
    let report = ask(&variants(&rule, &sweep).unwrap(), &records, &events, "2021-12-31");
    let mut curve = swept(&rule, &sweep, &report.rules[1..]);
    assert_eq!((curve.values.len(), curve.present), (10, Some(2.0)));
    // The first value is the rule's own.
    assert_eq!(curve.values[0].firings, report.rules[0].firings);
    let at_four = rules(&SECOND.replace("n = 2.0", "n = 4.0"));
    assert_eq!(curve.values[1].firings, ask(&at_four, &records, &events, "2021-12-31").rules[0].firings);
    let budget = 1.0;
    curve.proposal = propose(&rule, &curve, budget).unwrap();
    let proposal = curve.proposal.as_ref().unwrap();
    let within =
        |v: &&bellwether_alert::backtest::Tried| v.firings > 0 && v.false_alarms_per_year.unwrap() <= budget;
    let most = curve.values.iter().filter(within).map(|v| v.firings).max().unwrap();
    let taken = curve.values.iter().find(|v| v.value == proposal.value).unwrap();
    assert_eq!(taken.firings, most);
    assert!(taken.false_alarms_per_year.unwrap() <= budget, "{taken:?}");
    assert!(proposal.why.contains("In-sample"), "{}", proposal.why);
    // What it proposes is a rule as it stands.
    let proposed = &rules(&proposal.toml).rules()[0].clone();
    assert_eq!((proposed.id.as_str(), proposed.parameters["n"]), ("second", proposal.value));
    assert_eq!(propose(&rule, &curve, -1.0).unwrap(), None);
}

#[test]
fn parameters_are_numbers_with_names() {
    let refused = |text: &str| RuleSet::parse([("r.toml", text)]).unwrap_err().to_string();
    let unknown = refused(&SECOND.replace("parameter.n", "parameter.m"));
    assert!(unknown.contains("r.toml:4") && unknown.contains("the rule has no parameter m"), "{unknown}");
    let odd = refused(&SECOND.replace("n = 2.0", "n = 2.0\nkeep = 1.0"));
    assert!(odd.contains("a parameter cannot be called keep"), "{odd}");
    let whole = refused(&SECOND.replace("parameter.n", "parameter"));
    assert!(whole.contains("write parameter.NAME"), "{whole}");
    // A whole number is one too, and a changed one is another rule.
    assert_eq!(first(&SECOND.replace("n = 2.0", "n = 2")).parameters["n"], 2.0);
    assert_ne!(first(&SECOND.replace("n = 2.0", "n = 3.0")).version, first(SECOND).version);
}
