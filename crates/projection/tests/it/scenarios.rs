//! Scenarios over facts: each figure once, revised in place, without hindsight.

use std::sync::Arc;

use bellwether_model::framework::Framework;
use bellwether_model::{Fact, View};
use bellwether_projection::{Assessment, Projector, WeightRow};

use crate::support::{at, framework, history, known, projector, read, records, types};

fn probabilities(a: &Assessment) -> Vec<f64> {
    a.scenarios.iter().map(|s| s.probability).collect()
}

/// So many quarters by the framework's transition alone, scenarios in file order.
fn drifted(mut p: Vec<f64>, quarters: usize) -> Vec<f64> {
    let f = framework();
    for _ in 0..quarters {
        p = f
            .scenarios
            .iter()
            .map(|to| f.scenarios.iter().zip(&p).map(|(from, p)| p * from.transition[&to.id]).sum())
            .collect();
    }
    p
}

fn near(a: &[f64], b: &[f64]) {
    assert!(a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12), "{a:?} {b:?}");
}

/// Trade of 2022 with a value of its own, as published on a day.
fn trade(value: &str, published: &str) -> Fact {
    let mut f =
        history().into_iter().find(|f| f.key == "trade.flow|CHN-RUS|total|USD|CHN-GACC|2022").unwrap();
    f.value = Some(value.parse().unwrap());
    f.published_at = Some(published.parse().unwrap());
    f.seal();
    f
}

/// What the norm of trade needs, and the trade of 2022.
fn with(mut trades: Vec<Fact>) -> Vec<Fact> {
    trades.extend(
        history()
            .into_iter()
            .filter(|f| f.kind == "trade.flow" && f.valid.start.to_rfc3339().as_str() < "2021"),
    );
    trades
}

#[test]
fn with_no_facts_the_prior_drifts_from_the_start_on() {
    let p = projector(&[]);
    let prior: Vec<f64> = framework().scenarios.iter().map(|s| s.prior).collect();
    assert_eq!(probabilities(&p.assess(&at("2013-12-31"))), prior, "before the start");
    for (day, quarters) in [("2014-03-31", 1), ("2014-12-31", 4), ("2025-06-30", 46)] {
        let a = p.assess(&at(day));
        near(&probabilities(&a), &drifted(prior.clone(), quarters));
        assert_eq!(a.fit, None);
        for s in &a.scenarios {
            assert_eq!(s.moved_by.iter().map(|m| m.indicator.as_str()).collect::<Vec<_>>(), ["transition"]);
        }
    }
    // Within a quarter, by whole months.
    let whole = drifted(prior.clone(), 1);
    let part = probabilities(&p.assess(&at("2014-02-14")));
    let want: Vec<f64> = prior.iter().zip(&whole).map(|(a, b)| a + (b - a) / 3.0).collect();
    near(&part, &want);
    assert_eq!(part, probabilities(&p.assess(&at("2014-02-27"))), "days alone move nothing");
}

#[test]
fn a_figure_counts_once_however_long_it_stands() {
    let p = projector(&with(vec![trade("240000000000", "2023-01-13")]));
    let then = probabilities(&p.assess(&at("2023-03-31")));
    assert!(then != probabilities(&projector(&with(vec![])).assess(&at("2023-03-31"))), "it does count");
    for (day, quarters) in [("2023-06-30", 1), ("2023-09-30", 2), ("2024-12-31", 7), ("2026-03-31", 12)] {
        near(&probabilities(&p.assess(&at(day))), &drifted(then.clone(), quarters));
    }
}

#[test]
fn a_revision_replaces_what_it_revises_and_old_views_do_not_know_it() {
    let first = trade("60000000000", "2023-01-13");
    let second = trade("240000000000", "2023-07-18");
    let revised = projector(&with(vec![first.clone(), second.clone()]));
    let only_first = projector(&with(vec![first]));
    let only_second = projector(&with(vec![second]));
    let scenarios = |p: &Projector, view| probabilities(&p.assess(&view));
    assert_eq!(
        scenarios(&revised, at("2023-06-30")),
        scenarios(&only_first, at("2023-06-30")),
        "not known yet"
    );
    assert_eq!(
        scenarios(&revised, at("2023-12-31")),
        scenarios(&only_second, at("2023-12-31")),
        "as if never said"
    );
    // The past as it is known later reads the revision where its period ended.
    let later = known("2023-03-31", "2023-12-31");
    assert_eq!(scenarios(&revised, later), scenarios(&only_second, later));
    assert!(scenarios(&revised, later) != scenarios(&revised, at("2023-03-31")));
}

#[test]
fn ten_copies_of_a_report_are_one_and_a_poor_rival_changes_nothing() {
    let report = trade("60000000000", "2023-01-13");
    let view = at("2023-03-31");
    let alone = probabilities(&projector(&with(vec![report.clone()])).assess(&view));
    let copy = |n: u32, change: &dyn Fn(&mut Fact)| {
        let mut f = report.clone();
        f.key = format!("{}|copy{n}", f.key);
        f.source = format!("feed-{n}");
        f.evidence.uri = Some(format!("https://copy{n}.example/"));
        change(&mut f);
        f.seal();
        f
    };
    let mut echoes = vec![report.clone()];
    echoes.extend((2..=10).map(|n| copy(n, &|_| {})));
    assert_eq!(probabilities(&projector(&with(echoes)).assess(&view)), alone);
    // Ten poor sources say the opposite.
    let mut rivals = vec![report.clone()];
    rivals.extend((2..=11).map(|n| {
        copy(n, &|f| {
            f.value = Some("400000000000".parse().unwrap());
            f.grade = "E3".parse().unwrap();
        })
    }));
    assert_eq!(probabilities(&projector(&with(rivals)).assess(&view)), alone);
    // On their own they say little, and the same way as a good source would.
    let say = |grade: &str| {
        let mut f = report.clone();
        f.grade = grade.parse().unwrap();
        f.seal();
        probabilities(&projector(&with(vec![f])).assess(&view))
    };
    let none = probabilities(&projector(&with(vec![])).assess(&view));
    let (good, poor) = (say("A1"), say("E3"));
    for ((good, poor), none) in good.iter().zip(&poor).zip(&none) {
        assert!((good - none) * (poor - none) > 0.0 && (poor - none).abs() < 0.3 * (good - none).abs());
    }
}

/// Trade of one year collapses, told by the best of sources: divergence gains, and no more than an eighth.
#[test]
fn one_collapse_of_trade_does_not_make_divergence() {
    let mut facts = history();
    let view = at("2026-06-30");
    let divergence = |facts: &[Fact]| {
        let a = projector(facts).assess(&view);
        a.scenarios.iter().find(|s| s.id == "scenario.c-divergence").unwrap().probability
    };
    let before = divergence(&facts);
    let of_2025 = |f: &Fact| {
        f.key.starts_with("trade.flow|CHN-RUS|total|USD|CHN-GACC|2025")
            && f.valid.start.to_rfc3339().starts_with("2025-01-01")
    };
    let mut collapse = facts.iter().rfind(|f| of_2025(f)).unwrap().clone();
    facts.retain(|f| !of_2025(f));
    collapse.valid = trade("1", "2026-01-14").valid;
    for end in [&mut collapse.valid.start, collapse.valid.end.as_mut().unwrap()] {
        *end = end.checked_add_months(chrono::Months::new(36)).unwrap();
    }
    collapse.key = "trade.flow|CHN-RUS|total|USD|CHN-GACC|2025".to_owned();
    (collapse.value, collapse.grade) = (Some("40000000000".parse().unwrap()), "A1".parse().unwrap());
    collapse.published_at = Some("2026-01-14".parse().unwrap());
    collapse.seal();
    facts.push(collapse);
    let after = divergence(&facts);
    assert!(after > before + 0.005 && after < before + 0.125, "{before} {after}");
}

#[test]
fn later_facts_change_no_earlier_view_and_arrival_no_view() {
    let all = history();
    let whole = projector(&all);
    let backwards = projector(&all.iter().rev().cloned().collect::<Vec<_>>());
    for day in ["2016-06-30", "2019-12-31", "2022-05-15", "2024-11-30"] {
        let view = at(day);
        let early: Vec<Fact> = all
            .iter()
            .filter(|f| f.known_from(crate::support::recorded()) < view.known_by)
            .cloned()
            .collect();
        let (now, then) = (whole.assess(&view), projector(&early).assess(&view));
        assert_eq!((&now.scenarios, now.fit), (&then.scenarios, then.fit), "{day}");
        assert_eq!(backwards.assess(&view).scenarios, now.scenarios, "{day}");
        for s in &now.scenarios {
            let prior = framework().scenarios.iter().find(|r| r.id == s.id).unwrap().prior;
            let logit = |p: f64| libm::log(p / (1.0 - p));
            let moved: f64 = s.moved_by.iter().map(|m| m.log_odds).sum();
            assert!((moved - (logit(s.probability) - logit(prior))).abs() < 1e-9, "{day} {}", s.id);
        }
    }
}

#[test]
fn hindsight_is_there_only_when_asked_for() {
    let p = projector(&history());
    let view = at("2024-06-30");
    let plain = serde_json::to_value(p.assess(&view)).unwrap();
    assert!(plain.get("smoothed").is_none());
    let smoothed = p.assess_with_hindsight(&view);
    let quarters = smoothed.smoothed.clone().unwrap();
    assert_eq!((quarters[0].quarter.as_str(), quarters.len()), ("2014-03-31", 42));
    let last = quarters.last().unwrap();
    for s in &smoothed.scenarios {
        let p = last.scenarios.iter().find(|x| x.id == s.id).unwrap().probability;
        assert!((p - s.probability).abs() < 1e-12, "the last quarter has nothing to look back from");
    }
    let mut rest = serde_json::to_value(&smoothed).unwrap();
    rest.as_object_mut().unwrap().remove("smoothed");
    assert_eq!(rest, plain, "nothing else reads it");
    // A quarter of 2016 looks otherwise from 2024 than it did then.
    let then = probabilities(&p.assess(&at("2016-06-30")));
    let from_later = quarters.iter().find(|q| q.quarter == "2016-06-30").unwrap();
    let a = from_later.scenarios.iter().find(|s| s.id == "scenario.a-stable-alignment").unwrap();
    assert!((a.probability - then[0]).abs() > 0.01);
}

fn strict() -> Arc<Framework> {
    let text = read("config/frameworks/china-russia.toml").replace("fit_floor = 0.01", "fit_floor = 0.332");
    let map = Framework::map_name(&text).map(|name| read(&format!("config/frameworks/{name}")));
    Arc::new(Framework::parse("strict.toml", &text, &types(), map.as_deref()).unwrap())
}

#[test]
fn a_misfit_is_a_shift_from_the_quarter_that_showed_it_until_it_is_taken_back() {
    let mut p = Projector::new(strict(), types());
    let facts = history();
    records(&facts).iter().for_each(|r| p.apply(r));
    let misfits = |a: &Assessment| {
        a.shifts
            .iter()
            .filter(|s| s.kind == "fit")
            .map(|s| (s.id.clone(), s.known_at.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(misfits(&p.assess(&at("2016-12-30"))), []);
    let a = p.assess(&at("2016-12-31"));
    assert!(a.fit.unwrap() < 0.332, "{:?}", a.fit);
    assert_eq!(misfits(&a), [("shift.fit.2016-10-01".to_owned(), "2017-01-01T00:00:00Z".to_owned())]);
    let shift = a.shifts.iter().find(|s| s.kind == "fit").unwrap();
    assert_eq!((shift.detector.as_str(), shift.indicator.as_str()), ("posterior-predictive", "fit"));
    assert_eq!(shift.statistic, a.fit);
    assert!(!shift.evidence.is_empty());
    let why = p.why(&shift.id, &at("2016-12-31")).unwrap();
    assert_eq!(why.facts.len(), shift.evidence.len());
    assert_eq!(misfits(&p.assess(&at("2017-03-30"))), misfits(&a), "as long as no more is known of it");
    // By the end of the next quarter the year's own figures are out: it fits after all. The old view stays.
    let later = p.assess(&at("2017-03-31"));
    assert_eq!(misfits(&later), []);
    let back: Vec<_> = later.withdrawn.iter().filter(|w| w.indicator == "fit").collect();
    assert_eq!((back.len(), back[0].id.as_str()), (1, "shift.fit.2016-10-01"));
    assert_eq!(back[0].withdrawn_at, "2017-04-01T00:00:00Z");
    assert_eq!(misfits(&p.assess(&known("2016-12-31", "2016-12-31"))).len(), 1);
}

#[test]
fn why_a_scenario_shows_every_recent_reading_with_its_weight() {
    let p = projector(&history());
    let why = p.why("scenario.a-stable-alignment", &at("2023-12-31")).unwrap();
    let line = |name: &str| why.figures.iter().find(|f| f.name == name).and_then(|f| f.value.clone());
    let text = line("2022-Q4 economic.trade-total").unwrap();
    for part in [
        "2022-01-01 to 2023-01-01: high",
        "graded ",
        "believed 0.",
        "a-stable-alignment 0.",
        "group trade",
        "log-odds +",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(line("log-odds by transition").is_some() && line("prior").unwrap().contains("2014-01-01"));
    assert!(why.facts.len() > 10);
    let fit = p.why("fit", &at("2023-12-31")).unwrap();
    let fitted = fit.figures.iter().find(|f| f.name == "fit").unwrap().value.clone().unwrap();
    assert_eq!(fitted, p.assess(&at("2023-12-31")).fit.unwrap().to_string());
    assert!(fit.facts.len() < why.facts.len(), "a year of them");
}

#[test]
fn the_most_telling_signal_comes_first_and_every_judgement_has_a_name() {
    let p = projector(&history());
    let view = at("2025-12-31");
    let rows = p.diagnosticity(&view);
    assert_eq!(rows.len(), framework().signals.len());
    assert!(rows.windows(2).all(|w| w[0].bits >= w[1].bits) && rows[0].bits > 0.005, "{rows:?}");
    assert!(rows.iter().all(|r| (0.0..=1.0).contains(&r.believed) && r.most.before != r.most.after));
    let s = p.sensitivity(&view).unwrap();
    let names: std::collections::BTreeSet<(&str, &str)> =
        s.judgements.iter().map(|j| (j.kind.as_str(), j.of.as_str())).collect();
    assert_eq!(names.len(), s.judgements.len());
    assert!(s.judgements[0].change > 0.02, "{:?}", s.judgements[0]);
    let now = probabilities(&p.assess(&view));
    for row in &s.judgements {
        let base = s.scenarios.iter().find(|x| x.id == row.scenario).unwrap().probability;
        assert!((row.change - (row.low - base).abs().max((row.high - base).abs())).abs() < 1e-12, "{row:?}");
        assert!(now.contains(&base));
    }
}

/// The balance of a framework in which one weight was scaled and the others of its row share what is left.
fn reassessed(w: &WeightRow, by: f64) -> Option<f64> {
    let mut f = Framework::clone(&framework());
    let mut row: Vec<(String, &mut f64)> = Vec::new();
    if let Some(balance) = f.balance.as_mut().filter(|b| b.id == w.row) {
        row.extend(balance.inputs.iter_mut().map(|i| (i.of.clone(), &mut i.weight)));
    }
    for c in f.constraints.iter_mut().filter(|c| c.id == w.row) {
        row.push((c.of.clone(), &mut c.presses));
        row.extend(c.inputs.iter_mut().map(|i| (i.of.clone(), &mut i.weight)));
    }
    for c in [&mut f.roles, &mut f.drivers, &mut f.frictions].into_iter().flatten().filter(|c| c.id == w.row)
    {
        row.extend(c.inputs.iter_mut().map(|i| (i.of.clone(), &mut i.weight)));
    }
    for m in f.indicators.iter_mut().filter(|m| m.domain.as_ref() == Some(&w.row)) {
        row.push((m.id.clone(), &mut m.weight));
    }
    let at = row.iter().position(|(id, weight)| *id == w.input && **weight == w.value).unwrap();
    let (new, others) = (w.value * by, 1.0 - w.value);
    for (i, (_, weight)) in row.iter_mut().enumerate() {
        **weight = if i == at { new } else { **weight * (1.0 - new) / others };
    }
    let mut p = Projector::new(Arc::new(f), types());
    records(&history()).iter().for_each(|r| p.apply(r));
    p.assess(&at_end()).balance.unwrap().value
}

fn at_end() -> View {
    at("2025-12-31")
}

#[test]
fn a_weight_moves_the_balance_as_a_framework_edited_by_hand_does() {
    let p = projector(&history());
    let s = p.sensitivity(&at_end()).unwrap();
    let before = p.assess(&at_end()).balance.unwrap().value.unwrap();
    let far = |w: &WeightRow| w.change.unwrap_or(f64::INFINITY);
    assert!(s.weights.windows(2).all(|w| far(&w[0]) >= far(&w[1])));
    assert!(s.weights.iter().all(|w| w.before == before && w.kind == "weight"));
    for kind in ["balance.", "driver.", "friction.", "role.", "constraint."] {
        let mut of = s.weights.iter().filter(|w| w.row.starts_with(kind) && w.value < 0.66);
        let w = of.next().unwrap_or_else(|| panic!("no weight of a {kind}"));
        assert!(w.change.unwrap() > 0.0, "{w:?}");
        for (by, ours) in [(0.5, w.low), (1.5, w.high)] {
            let theirs = reassessed(w, by).unwrap();
            assert!((ours.unwrap() - theirs).abs() < 1e-9, "{w:?} {theirs}");
        }
    }
}

#[test]
fn a_framework_without_the_table_reads_the_usual_one() {
    let text = read("fixtures/dyads/xaa-xbb.toml");
    let parse = |text: &str| Framework::parse("x.toml", text, &types(), None);
    let (before, rest) = text.split_once("[evidence]").unwrap();
    let (_, after) = rest.split_once("[[signal]]").unwrap();
    let without = format!("{before}[[signal]]{after}");
    assert_eq!(parse(&without).unwrap().evidence().source, parse(&text).unwrap().evidence().source);
    assert_eq!(parse(&without).unwrap().evidence().start.to_string(), "2014-01-01", "where the norm begins");
    let bad = text
        .replace("start = \"2014-01-01\"", "start = \"2014-02-01\"")
        .replace("E = 0.20", "G = 1.20")
        .replace("clip = 5.0", "clip = 0.5\nrepeats = 1.5");
    let problems = parse(&bad).unwrap_err().to_string();
    for part in ["does not begin a quarter", "no share for E", "G is no grade", "must be above 1", "by 1.5"] {
        assert!(problems.contains(part), "{part} in {problems}");
    }
    let group = |id: &str, repeats: &str, reason: &str| {
        format!("[[evidence.group]]\nid = \"{id}\"\nrepeats = {repeats}\nreason = \"{reason}\"\n")
    };
    let with = |groups: &str| parse(&text.replacen("[[signal]]", &format!("{groups}[[signal]]"), 1));
    let own = parse(&text).unwrap().signals[0].group.clone();
    let evidence = with(&group(&own, "0.8", "R")).unwrap().evidence();
    assert_eq!((evidence.repeats, evidence.groups[0].repeats), (0.5, 0.8));
    let bad = group(&own, "-1.0", "") + &group(&own, "1.0", "R") + &group("grain", "0.0", "R");
    let problems = with(&bad).unwrap_err().to_string();
    for part in ["reason is missing", "stands here twice", "by -1", "no signal is of the group grain"] {
        assert!(problems.contains(part), "{part} in {problems}");
    }
}
