//! The scenario probabilities scored by the next readings of the signals.

use std::fmt::Write;
use std::sync::Arc;

use bellwether_model::Fact;
use bellwether_model::framework::Framework;
use bellwether_model::parse_moment;
use bellwether_model::question::Questions;
use bellwether_projection::Projector;
use bellwether_projection::forecast::{Beside, Ledger, Prequential, Steady};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::support::*;

const SIGNALS: usize = 5;
const QUARTERS: usize = 48;
/// States of a signal in the one course and in the other.
const ROWS: [[f64; 3]; 2] = [[0.05, 0.15, 0.80], [0.80, 0.15, 0.05]];

/// Two courses that last, and signals that tell them apart.
fn world() -> Arc<Framework> {
    let mut text = r#"
id = "world"
version = "1"
title = "A world"
description = "Made up."
parties = ["XAA", "XBB"]
horizon = [2024, 2028]
[rules]
baseline = { from = "2014-01-01", to = "2021-01-01" }
minimum_points = 5
minimum_coverage = 0.3
flat_change = 0.03
flat_points = 5.0
late_copy_days = 120
density = 0.6
confidence = [ { level = "low", coverage = 0.0, graded = 0.0, doubtful = 1.0 } ]
[divergence]
baseline = 2.0
asymmetry = 0.25
cross_domain = 60.0
cross_source = 0.05
scenario = 0.2
envelope = 0.0
reason = "Plain."
[[domain]]
id = "d"
title = "D"
character = "D."
[[scenario]]
id = "scenario.up"
title = "Up"
shape = "Up."
dynamics = "Lasts."
prior = 0.5
transition = { "scenario.up" = 0.95, "scenario.down" = 0.05 }
reason = "Made up."
[[scenario]]
id = "scenario.down"
title = "Down"
shape = "Down."
dynamics = "Lasts."
prior = 0.5
transition = { "scenario.up" = 0.05, "scenario.down" = 0.95 }
reason = "Made up."
[balance]
id = "balance.b"
title = "B"
meaning = "B."
inputs = [{ of = "d", weight = 1.0, reason = "all" }]
reason = "Made up."
"#
    .to_owned();
    for n in 0..SIGNALS {
        write!(
            text,
            r#"
[[indicator]]
id = "d.s{n}"
domain = "d"
title = "S{n}"
meaning = "S{n}."
kind = "level"
unit = "USD"
sign = "+"
weight = 0.2
reason = "Made up."
formula = "value"
cadence = "quarter"
stale_days = 400
baseline = {{ median = 100.0, spread = 10.0, reason = "Made up." }}
read = [{{ type = "trade.flow", from = "XAA", to = "XBB", unit = "USD", period = "quarter", where = {{ commodity = "c{n}" }}, label = "c{n}" }}]
[[signal]]
of = "d.s{n}"
group = "g{n}"
thresholds = [-1.0, 1.0]
likelihood = {{ "scenario.up" = {up:?}, "scenario.down" = {down:?} }}
reason = "Made up."
"#,
            up = ROWS[0],
            down = ROWS[1],
        )
        .unwrap();
    }
    Arc::new(Framework::parse("world.toml", &text, &types(), None).unwrap_or_else(|p| panic!("{p}")))
}

/// Days on which quarter `n` from 2014 begins and on which its figures are published.
fn begins(n: usize) -> String {
    format!("{}-{:02}-01", 2014 + n / 4, n % 4 * 3 + 1)
}

fn published(n: usize) -> String {
    format!("{}-{:02}-20", 2014 + (n + 1) / 4, (n + 1) % 4 * 3 + 1)
}

const HEADER: &str = "fact_type,key,valid_start,valid_end,published_at,assume,actor_from,actor_to,value,unit,attributes,\
                      source_name,source_url,source_grade,info_credibility,note\n";

fn figure(signal: usize, quarter: usize, state: usize, published: &str) -> String {
    let (from, to, value) = (begins(quarter), begins(quarter + 1), [80, 100, 120][state]);
    format!(
        "trade.flow,c{signal}|{from},{from},{to},{published},no,XAA,XBB,{value},USD,\
         \"{{\"\"commodity\"\": \"\"c{signal}\"\", \"\"direction\"\": \"\"XAA->XBB\"\"}}\",made up,,A,1,\n"
    )
}

/// Twelve years of it: courses follow the framework, and figures the courses, or nothing at all.
fn drawn(seed: u64, informative: bool) -> Vec<String> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut unit = move || (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    let mut course = usize::from(unit() < 0.5);
    let mut rows = Vec::new();
    for quarter in 0..QUARTERS {
        if unit() < 0.05 {
            course = 1 - course;
        }
        for signal in 0..SIGNALS {
            let row = if informative { ROWS[course] } else { [1.0 / 3.0; 3] };
            let u = unit();
            let state = if u < row[0] { 0 } else { 1 + usize::from(u >= row[0] + row[1]) };
            rows.push(figure(signal, quarter, state, &published(quarter)));
        }
    }
    rows
}

fn projected(rows: &[String]) -> Projector {
    let mut projector = Projector::new(world(), types());
    let text = HEADER.to_owned() + &rows.concat();
    records(&facts(&text, &types())).iter().for_each(|r| projector.apply(r));
    projector
}

fn score(projector: &Projector, from: &str, to: &str) -> Prequential {
    let range = (parse_moment(from).unwrap(), parse_moment(to).unwrap());
    let beside = Beside { backcasts: false, scenarios: true };
    let report = Ledger::default().score(&Questions::default(), projector, &Steady, range, beside);
    assert!(report.headline.all.is_none() && report.backcasts.is_none());
    report.scenarios.unwrap()
}

fn of_world(rows: &[String]) -> Prequential {
    score(&projected(rows), "2014-01-01", "2026-11-01")
}

/// Without what the order of arrival decides.
fn unnumbered(mut scored: Prequential) -> Prequential {
    scored.readings.iter_mut().for_each(|r| r.evidence.clear());
    scored
}

/// Where signals tell courses apart, the posterior gains on the prior, and the interval says so.
#[test]
fn an_informative_world_shows_a_gain_over_the_prior() {
    let mut seen = Vec::new();
    for seed in 1..=5 {
        let scored = of_world(&drawn(seed, true));
        let all = scored.all.unwrap();
        assert_eq!(all.forecasts, QUARTERS * SIGNALS);
        let gain = all.gain_prior.unwrap();
        let skill = [&all.log, &all.brier, &all.rps].map(|s| s.skill_prior.unwrap().value);
        let past = all.gain_climatology.unwrap().value;
        // What is foreseen keeps its promise.
        let ece = scored.reliability.unwrap().ece;
        seen.push((seed, gain.value, gain.interval.unwrap().low, skill, past, ece));
    }
    for (_, gain, low, skill, past, ece) in &seen {
        assert!(*gain > 0.1 && *low > 0.0 && skill.iter().all(|s| *s > 0.05), "{seen:?}");
        assert!(*past > 0.0 && *ece < 0.12, "{seen:?}");
    }
}

/// Where signals are noise, whatever the posterior makes of them is no gain.
#[test]
fn a_world_of_noise_shows_none() {
    for seed in 1..=5 {
        let all = of_world(&drawn(seed, false)).all.unwrap();
        let gain = all.gain_prior.unwrap();
        assert!(gain.value < 0.0 && gain.interval.unwrap().low < 0.0, "{seed}: {gain:?}");
        assert!(all.gain_climatology.unwrap().value < 0.0, "{seed}: the past knows that they are even");
        assert!(all.brier.skill_prior.unwrap().interval.unwrap().low < 0.0, "{seed}");
    }
}

#[test]
fn the_first_quarter_is_the_prior_and_every_table_adds_up() {
    let scored = of_world(&drawn(1, true));
    let first = &scored.readings[0];
    assert_eq!((first.quarter.as_str(), first.signal.as_str()), ("2014-Q1", "d.s0"));
    // Of two even courses that change alike: the mean of their rows.
    for (p, (a, b)) in first.expected.iter().zip(ROWS[0].iter().zip(&ROWS[1])) {
        assert!((p - 0.5 * (a + b)).abs() < 1e-12, "{first:?}");
    }
    assert_eq!(first.expected, first.prior);
    assert_eq!((first.climatology, first.persistence), ([1.0 / 3.0; 3], [1.0 / 3.0; 3]));
    assert_eq!((first.known_at.as_str(), first.evidence.len()), ("2014-04-21T00:00:00Z", 1));
    assert_eq!((scored.quarters[0].nats, scored.quarters[0].forecasts), (Some(0.0), SIGNALS));
    let sum = |tables: &[bellwether_projection::forecast::StateScore]| -> usize {
        tables.iter().map(|t| t.forecasts).sum()
    };
    let n = scored.readings.len();
    assert_eq!((sum(&scored.years), sum(&scored.signals)), (n, n));
    assert_eq!(scored.quarters.iter().map(|q| q.forecasts).sum::<usize>(), n);
    assert_eq!(scored.reliability.unwrap().bins.iter().map(|b| b.n).sum::<usize>(), 3 * n);
    for reading in &scored.readings {
        for p in [reading.expected, reading.prior, reading.climatology, reading.persistence] {
            assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{reading:?}");
        }
    }
    // The total is that of the quarters, and none of one year's four has an interval.
    let nats: f64 = scored.quarters.iter().filter_map(|q| q.nats).sum();
    assert!((nats - n as f64 * scored.all.unwrap().gain_prior.unwrap().value).abs() < 1e-9);
    assert!(scored.years.iter().all(|y| y.gain_prior.unwrap().interval.is_none()));
}

/// The first vintage answers; what is revised later moves the posterior of later quarters and rewrites no answer.
#[test]
fn a_revision_rewrites_no_answer_and_what_never_came_is_not_scored() {
    let rows = drawn(2, true);
    let plain = of_world(&rows);
    let at = 20 * SIGNALS;
    let was = plain.readings[at].clone();
    assert_eq!((was.quarter.as_str(), was.signal.as_str()), ("2019-Q1", "d.s0"));
    let mut revised = rows.clone();
    let other = if was.state == "low" { 2 } else { 0 };
    revised.push(figure(0, 20, other, "2020-07-01"));
    let later = of_world(&revised);
    assert_eq!(later.readings[at].state, was.state);
    assert_eq!(later.readings[at].known_at, was.known_at);
    let said = |p: &Prequential, quarter: &str| -> Vec<[f64; 3]> {
        p.readings.iter().filter(|r| r.quarter == quarter).map(|r| r.expected).collect()
    };
    for (quarter, same) in [("2020-Q3", true), ("2020-Q4", false)] {
        assert_eq!(said(&later, quarter) == said(&plain, quarter), same, "{quarter}");
    }
    let mut without = rows.clone();
    without.remove(at);
    let fewer = of_world(&without);
    assert_eq!(fewer.readings.len(), plain.readings.len() - 1);
    assert!(!fewer.readings.iter().any(|r| r.quarter == "2019-Q1" && r.signal == "d.s0"));
}

#[test]
fn nothing_published_later_changes_what_was_said() {
    let until = parse_moment("2021-01-20").unwrap();
    let kept: Vec<Fact> =
        history().into_iter().filter(|f| f.published_at.is_some_and(|p| p.known_from() <= until)).collect();
    // Sequences are those of the arrival.
    let of = |facts: &[Fact]| unnumbered(score(&projector(facts), "2014-01-01", "2021-01-20"));
    let whole = of(&history());
    assert!(whole.readings.len() >= 10, "{}", whole.readings.len());
    assert!(whole == of(&kept));
}

/// The bundled history: few readings, headed in-sample, floors apart; answers are known after the quarter began.
#[test]
fn the_bundled_scenarios_are_scored_from_2014() {
    let scored = score(&projector(&history()), "2014-01-01", "2026-11-25");
    assert!(scored.heading.starts_with("in-sample"));
    assert_eq!((scored.quarters.len(), scored.quarters[0].name.as_str()), (52, "2014-Q1"));
    assert!(scored.readings.len() > 40 && scored.floors > 0);
    let floors: Vec<String> =
        framework().all_measures().filter(|m| m.lower_bound).map(|m| m.id.clone()).collect();
    for reading in &scored.readings {
        assert!(!floors.contains(&reading.signal), "{reading:?}");
        // Only of a year in which nothing happened there is no fact.
        assert!(!reading.evidence.is_empty() || reading.signal == "diplomatic.joint-vetoes", "{reading:?}");
        let (year, quarter) = reading.quarter.split_once("-Q").unwrap();
        let month = quarter.parse::<usize>().unwrap() * 3 - 2;
        assert!(reading.known_at >= format!("{year}-{month:02}-01"), "{reading:?}");
    }
    for quarter in &scored.quarters {
        let sum: f64 = quarter.scenarios.iter().map(|s| s.probability).sum();
        assert!((sum - 1.0).abs() < 1e-12 && quarter.scenarios.len() == 4, "{quarter:?}");
    }
    // The posterior of a quarter is that of the assessment of its first moment.
    let then = projector(&history()).assess(&at("2022-12-31"));
    let first = scored.quarters.iter().find(|q| q.name == "2023-Q1").unwrap();
    for s in &then.scenarios {
        let shown = first.scenarios.iter().find(|x| x.id == s.id).unwrap();
        assert!((shown.probability - s.probability).abs() < 1e-12, "{}", s.id);
    }
}

#[test]
fn the_order_of_arrival_changes_nothing() {
    let rows = drawn(3, true);
    let turned: Vec<String> = rows.iter().rev().cloned().collect();
    let shown = |rows: &[String]| serde_json::to_string(&unnumbered(of_world(rows))).unwrap();
    assert!(shown(&rows) == shown(&turned));
}
