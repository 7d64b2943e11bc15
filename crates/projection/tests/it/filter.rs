//! The scenario filter on plain numbers: properties under any input, and brute force where it can be had.

use bellwether_projection::scenario::{
    Filtered, Judgement, Model, Moment, Repeats, STATES, Seen, SignalRows, filter, fit, gain, logit,
    normalised, shares, smooth, swings, tempered,
};
use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use crate::support::framework;

const SOURCE: [f64; 6] = [0.95, 0.85, 0.70, 0.45, 0.20, 0.50];
const INFORMATION: [f64; 6] = [0.95, 0.80, 0.60, 0.35, 0.10, 0.50];
const A: usize = 0;
const B: usize = 1;
const C: usize = 2;
const D: usize = 3;

/// The bundled framework's own numbers, scenarios A to D.
fn bundled() -> Model {
    let f = framework();
    let e = f.evidence();
    let groups: Vec<&str> = f.signals.iter().map(|s| s.group.as_str()).collect();
    Model {
        prior: f.scenarios.iter().map(|s| s.prior).collect(),
        transition: f
            .scenarios
            .iter()
            .map(|s| f.scenarios.iter().map(|to| s.transition[&to.id]).collect())
            .collect(),
        signals: f
            .signals
            .iter()
            .map(|s| SignalRows {
                group: groups.iter().position(|g| *g == s.group).unwrap(),
                rows: f.scenarios.iter().map(|x| s.likelihood[&x.id]).collect(),
            })
            .collect(),
        source: ["A", "B", "C", "D", "E", "F"].map(|g| e.source[g]),
        information: ["1", "2", "3", "4", "5", "6"].map(|g| e.information[g]),
        clip: e.clip,
        repeats: Repeats {
            usual: e.repeats,
            of: e
                .groups
                .iter()
                .map(|g| (groups.iter().position(|x| *x == g.id).unwrap(), g.repeats))
                .collect(),
        },
    }
}

/// Of the best grade, from a publisher of its own.
fn seen(quarter: u32, signal: usize, state: usize) -> Seen {
    Seen { quarter, signal, state, source: 0, information: 0, cluster: signal, told: None }
}

fn end(quarter: u32) -> Option<Moment> {
    Some(Moment { quarter, share: 1.0 })
}

fn near(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12)
}

/// Bayes' rule over every path of scenarios through the quarters: `[quarter][scenario]`, smoothed.
fn brute(model: &Model, all: &[Seen], quarters: u32) -> Vec<Vec<f64>> {
    let n = model.len();
    let mut out = vec![vec![0.0; n]; quarters as usize];
    for path in 0..n.pow(quarters + 1) {
        let at = |q: u32| path / n.pow(q) % n;
        let mut p = model.prior[at(0)];
        for q in 0..quarters {
            p *= model.transition[at(q)][at(q + 1)];
            for s in all.iter().filter(|s| s.quarter == q) {
                p *= tempered(model, s)[at(q + 1)];
            }
        }
        (0..quarters).for_each(|q| out[q as usize][at(q + 1)] += p);
    }
    out.iter().map(|p| normalised(p)).collect()
}

#[test]
fn filter_and_smoother_agree_with_every_path_counted() {
    let mut model = bundled();
    // Each signal a witness of its own, so that no exponent hides the sum over paths.
    model.signals.iter_mut().enumerate().for_each(|(i, s)| s.group = i);
    let all = [seen(0, 0, 2), seen(0, 7, 0), seen(1, 3, 1), seen(3, 11, 2), seen(3, 0, 0)];
    for quarters in 1..=4 {
        let paths = brute(&model, &all[..], quarters);
        let until = Moment { quarter: quarters - 1, share: 1.0 };
        let visible: Vec<Seen> = all.iter().copied().filter(|s| s.quarter < quarters).collect();
        let paths_visible = brute(&model, &visible, quarters);
        let filtered = filter(&model, &all, Some(until));
        assert!(near(&filtered.posterior, paths_visible.last().unwrap()), "{quarters}");
        let smoothed = smooth(&model, &filtered, until);
        for (ours, paths) in smoothed.iter().zip(&paths_visible) {
            assert!(near(ours, paths), "{ours:?} {paths:?}");
        }
        assert!(quarters < 4 || near(paths.last().unwrap(), &filtered.posterior));
    }
}

#[test]
fn without_readings_the_transition_alone_moves() {
    let model = bundled();
    let mut p = model.prior.clone();
    for quarter in 0..40 {
        for share in [0.25, 0.5, 1.0] {
            let ours = filter(&model, &[], Some(Moment { quarter, share }));
            let stay: Vec<f64> = p.iter().map(|x| x * (1.0 - share)).collect();
            let want: Vec<f64> = (0..4)
                .map(|to| {
                    stay[to] + share * (0..4).map(|from| p[from] * model.transition[from][to]).sum::<f64>()
                })
                .collect();
            assert!(near(&ours.posterior, &want), "{quarter} {share}");
            for (moved, now) in ours.moved.iter().zip(&ours.posterior) {
                assert!(moved.signals.iter().all(|m| *m == 0.0), "nothing was seen");
                assert!(now.is_finite());
            }
        }
        p = (0..4).map(|to| (0..4).map(|from| p[from] * model.transition[from][to]).sum()).collect();
    }
}

#[test]
fn a_run_goes_on_from_any_quarter_as_if_it_had_not_stopped() {
    let model = bundled();
    let all = [seen(0, 0, 2), seen(2, 5, 0), seen(3, 9, 2), seen(5, 11, 0), seen(6, 2, 1)];
    let whole = filter(&model, &all, Some(Moment { quarter: 7, share: 0.4 })).posterior;
    for stop in 0..7_u32 {
        let first = filter(&model, &all, end(stop)).posterior;
        let rest: Vec<Seen> = all
            .iter()
            .filter(|s| s.quarter > stop)
            .map(|s| Seen { quarter: s.quarter - stop - 1, ..*s })
            .collect();
        let on = Model { prior: first, ..model.clone() };
        let ours = filter(&on, &rest, Some(Moment { quarter: 7 - stop - 1, share: 0.4 })).posterior;
        assert!(near(&ours, &whole), "stopped after {stop}");
    }
}

/// Ten signals of one publisher and one group.
#[test]
fn ten_echoes_of_one_report_move_the_odds_no_more_than_one() {
    let base = bundled();
    for kind in 0..base.signals.len() {
        // Ten signals that say the same as one, in its group.
        let mut model = base.clone();
        let group = model.signals[kind].group;
        model.signals = vec![SignalRows { group, rows: base.signals[kind].rows.clone() }; 10];
        for state in 0..STATES {
            for (source, information) in [(0, 0), (1, 1), (2, 2), (4, 4), (5, 5)] {
                let report =
                    |signal| Seen { quarter: 0, signal, state, source, information, cluster: 3, told: None };
                let one = filter(&model, &[report(0)], end(0)).posterior;
                let echoes: Vec<Seen> = (0..10).map(report).collect();
                assert!(near(&filter(&model, &echoes, end(0)).posterior, &one), "{kind} {state}");
                let same = vec![report(0); 10];
                assert_eq!(filter(&model, &same, end(0)).posterior, one, "the same reading twice is one");
                // Worse-graded echoes of a good report add nothing to it.
                let mut mixed = vec![report(0)];
                mixed.extend((1..10).map(|s| Seen { source: 4, information: 4, ..report(s) }));
                let odds = |p: &[f64]| p.iter().map(|x| logit(*x)).collect::<Vec<_>>();
                let (one, ten) = (odds(&one), odds(&filter(&model, &mixed, end(0)).posterior));
                let none = odds(&filter(&model, &[], end(0)).posterior);
                for ((one, ten), none) in one.iter().zip(ten).zip(none) {
                    assert!((ten - none).abs() <= (one - none).abs() + 1e-12, "{kind} {state} {source}");
                }
            }
        }
    }
}

/// Log-odds between each two scenarios.
fn ratios(p: &[f64]) -> Vec<f64> {
    p.iter().flat_map(|a| p.iter().map(move |b| libm::log(a / b))).collect()
}

/// What readings of the first quarter move, over what one of them does: the same for every two scenarios.
fn times(model: &Model, all: &[Seen]) -> f64 {
    let none = ratios(&filter(model, &[], end(0)).posterior);
    let moved = |all: &[Seen]| -> Vec<f64> {
        ratios(&filter(model, all, end(0)).posterior).iter().zip(&none).map(|(a, b)| a - b).collect()
    };
    let (one, all) = (moved(&all[..1]), moved(all));
    let total = |moved: &[f64]| moved.iter().map(|m| m.abs()).sum::<f64>();
    let times = total(&all) / total(&one);
    assert!(one.iter().zip(&all).all(|(one, all)| (all - times * one).abs() < 1e-9), "{one:?} {all:?}");
    times
}

/// Signals that all say what one of the framework's says, in groups as given.
fn alike(groups: &[usize]) -> Model {
    let mut model = bundled();
    let rows = model.signals[0].rows.clone();
    model.signals = groups.iter().map(|group| SignalRows { group: *group, rows: rows.clone() }).collect();
    model.repeats = Repeats { usual: 0.5, of: [(7, 1.0), (8, 0.0)].into() };
    model
}

#[test]
fn one_event_told_by_ten_families_of_ten_groups_is_one_report() {
    let model = alike(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let told: Vec<Seen> = (0..10).map(|signal| Seen { cluster: 4, ..seen(0, signal, 2) }).collect();
    assert!((times(&model, &told) - 1.0).abs() < 1e-9);
    // Ten events are ten reports.
    let apart: Vec<Seen> = (0..10).map(|signal| seen(0, signal, 2)).collect();
    assert!((times(&model, &apart) - 10.0).abs() < 1e-9);
}

#[test]
fn a_second_publisher_with_another_event_adds_something_but_not_as_much_again() {
    let of = |group: usize, n: usize| {
        let told: Vec<Seen> = (0..n).map(|signal| seen(0, signal, 2)).collect();
        times(&alike(&vec![group; n]), &told)
    };
    // The design effect: n / (1 + (n − 1) ρ).
    assert!((of(0, 2) - 4.0 / 3.0).abs() < 1e-9);
    assert!((of(0, 10) - 10.0 / 5.5).abs() < 1e-9, "never as much as 1 / ρ of them");
    assert!((of(7, 10) - 1.0).abs() < 1e-9, "a group that repeats itself wholly");
    assert!((of(8, 10) - 10.0).abs() < 1e-9, "and one that does not");
    // Two publishers, one with five signals: still two reports.
    let mut told: Vec<Seen> = (0..6).map(|signal| Seen { cluster: 0, ..seen(0, signal, 2) }).collect();
    told[5].cluster = 5;
    assert!((times(&alike(&[0; 6]), &told) - 4.0 / 3.0).abs() < 1e-9);
    // One event in two groups beside another one: nothing of it counts twice.
    let model = alike(&[0, 0, 1]);
    let told = [seen(0, 0, 2), Seen { cluster: 9, ..seen(0, 1, 2) }, Seen { cluster: 9, ..seen(0, 2, 2) }];
    let share = shares(&model, &told);
    for (share, want) in share.iter().zip([1.0 / 1.5, 0.5 / 1.5, 0.5]) {
        assert!((share - want).abs() < 1e-12, "{share} {want}");
    }
}

/// Two who agree move more than the better of them, and less than both apart, whatever their grades.
#[test]
fn a_report_that_agrees_takes_nothing_away() {
    let base = bundled();
    for signal in 0..base.signals.len() {
        let mut model = alike(&[0, 0]);
        model.signals.iter_mut().for_each(|s| s.rows = base.signals[signal].rows.clone());
        for (state, source, information) in
            (0..STATES).flat_map(|x| (0..6).flat_map(move |s| (0..6).map(move |i| (x, s, i))))
        {
            let told = [seen(0, 0, state), Seen { source, information, ..seen(0, 1, state) }];
            let moved = |all: &[Seen]| -> f64 {
                let none = ratios(&filter(&model, &[], end(0)).posterior);
                let some = ratios(&filter(&model, all, end(0)).posterior);
                some.iter().zip(none).map(|(a, b)| (a - b).abs()).sum()
            };
            let (best, other, both) = (moved(&told[..1]), moved(&told[1..]), moved(&told));
            assert!(
                both >= best - 1e-12 && both < best + other + 1e-12,
                "{signal} {state} {source} {information}"
            );
        }
    }
}

/// Ten publishers graded E who say the opposite neither drown a good one nor count as others.
#[test]
fn poor_publishers_do_not_dilute_a_good_one() {
    let model = alike(&[0; 11]);
    let good = seen(0, 0, 2);
    let mut told = vec![good];
    told.extend((1..11).map(|signal| Seen { source: 4, ..seen(0, signal, 0) }));
    let alone = filter(&model, &[good], end(0)).posterior;
    assert_eq!(filter(&model, &told, end(0)).posterior, alone);
    // Among themselves they count.
    assert!(shares(&model, &told[1..]).iter().all(|share| (share - 1.0 / 5.5).abs() < 1e-12));
}

#[test]
fn a_source_graded_e_never_turns_evidence_around() {
    let model = bundled();
    for signal in 0..model.signals.len() {
        for state in 0..STATES {
            let at = |source, information| {
                tempered(
                    &model,
                    &Seen { quarter: 0, signal, state, source, information, cluster: 0, told: None },
                )
            };
            let best = at(0, 0);
            for source in 0..6 {
                for information in 0..6 {
                    let worse = at(source, information);
                    for a in 0..4 {
                        for b in 0..4 {
                            let (strong, weak) =
                                (libm::log(best[a] / best[b]), libm::log(worse[a] / worse[b]));
                            assert!(weak * strong >= -1e-15 && weak.abs() <= strong.abs() + 1e-12);
                        }
                    }
                }
            }
        }
    }
    // What a good source says of a group stands, however many poor ones say the opposite.
    let trade: Vec<usize> =
        (0..model.signals.len()).filter(|s| model.signals[*s].group == model.signals[0].group).collect();
    let good = seen(0, trade[0], 2);
    let alone = filter(&model, &[good], end(0)).posterior;
    let poor = Seen { source: 4, state: 0, ..seen(0, trade[1], 0) };
    assert_eq!(filter(&model, &[good, poor], end(0)).posterior, alone);
}

#[test]
fn no_report_shows_more_than_five_to_one() {
    let mut model = bundled();
    model.signals[0].rows = vec![[0.98, 0.01, 0.01], [0.01, 0.98, 0.01], [0.01, 0.01, 0.98], [0.4, 0.3, 0.3]];
    model.source[0] = 1.0;
    model.information[0] = 1.0;
    for state in 0..STATES {
        let l = tempered(&model, &seen(0, 0, state));
        let (most, least) = (l.iter().copied().fold(0.0, f64::max), l.iter().copied().fold(1.0, f64::min));
        assert!((most / least - 5.0).abs() < 1e-12, "{l:?}");
    }
}

/// One report of the best grade at most doubles the odds of divergence, from a settled course by a little more. From its prior it stays far from even, from a
/// course of some years not to one in five, and the most probable scenario stays it.
#[test]
fn divergence_does_not_jump_on_one_event() {
    let model = bundled();
    // A year of what stable alignment makes most likely, every year for five years.
    let usual = |signal: usize| {
        let row = model.signals[signal].rows[A];
        (0..STATES).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap()
    };
    let course: Vec<Seen> = (0..5)
        .flat_map(|year| (0..model.signals.len()).map(move |s| (year * 4 + 3, s)))
        .map(|(quarter, signal)| seen(quarter, signal, usual(signal)))
        .collect();
    let mut most = [0.0_f64; 2];
    for (before, (quarter, most)) in [vec![], course].iter().zip([0, 20].into_iter().zip(&mut most)) {
        let rest = filter(&model, before, end(quarter)).posterior;
        for signal in 0..model.signals.len() {
            for state in 0..STATES {
                let mut all = before.clone();
                all.push(seen(quarter, signal, state));
                let p = filter(&model, &all, end(quarter)).posterior;
                *most = most.max(p[C]);
                let times = if quarter == 0 { 2.0 } else { 2.5 };
                assert!(logit(p[C]) - logit(rest[C]) < libm::log(times), "{signal} {state}");
                assert!(p[A] > 0.35 && p[A] > 1.4 * p[C], "{signal} {state}: {p:?}");
            }
        }
    }
    assert!((0.2..0.3).contains(&most[0]) && (0.02..0.2).contains(&most[1]), "{most:?}");
}

#[test]
fn a_shock_fades_within_months() {
    let model = bundled();
    // Everything that can be read speaks for a shock.
    let loud: Vec<Seen> = (0..model.signals.len())
        .map(|signal| {
            let rows = &model.signals[signal].rows;
            let lift = |x: usize| rows[D][x] / (0..4).map(|s| rows[s][x]).sum::<f64>();
            let state = (0..STATES).max_by(|a, b| lift(*a).total_cmp(&lift(*b))).unwrap();
            seen(8, signal, state)
        })
        .collect();
    let at = |q: u32, seen: &[Seen]| filter(&model, seen, end(q)).posterior[D];
    let (calm, peak) = (at(8, &[]), at(8, &loud));
    assert!(peak > calm + 0.1, "{peak} {calm}");
    // Half of it is gone after a quarter or a little more, nearly all within a year.
    assert!(at(9, &loud) - at(9, &[]) < 0.6 * (peak - calm));
    assert!(at(12, &loud) - at(12, &[]) < 0.1 * (peak - calm));
    let mut certain = model.clone();
    certain.prior = vec![0.02, 0.02, 0.02, 0.94];
    let p = |q| filter(&certain, &[], end(q)).posterior[D];
    assert!(p(0) < 0.5 && p(1) < 0.28 && p(3) < 0.12, "{} {} {}", p(0), p(1), p(3));
}

struct Chance(ChaCha8Rng);

impl Chance {
    fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn of(&mut self, p: &[f64]) -> usize {
        let mut u = self.unit();
        for (i, p) in p.iter().enumerate() {
            u -= p;
            if u < 0.0 {
                return i;
            }
        }
        p.len() - 1
    }
}

/// A year of readings, one a signal, drawn by `row`.
fn year(chance: &mut Chance, model: &Model, row: impl Fn(usize) -> [f64; STATES]) -> Vec<Seen> {
    (0..model.signals.len())
        .map(|signal| seen((signal % 4) as u32, signal, chance.of(&row(signal))))
        .collect()
}

#[test]
fn fit_falls_on_a_world_that_no_scenario_describes_and_on_no_other() {
    let model = bundled();
    let mut chance = Chance(ChaCha8Rng::seed_from_u64(7));
    let mut share = |row: &dyn Fn(usize) -> [f64; STATES]| {
        let low = (0..400).filter(|_| fit(&model, &year(&mut chance, &model, row), 3, 4).unwrap().0 < 0.01);
        low.count() as f64 / 400.0
    };
    for scenario in [A, B, C, D] {
        let false_alarms = share(&|signal| model.signals[signal].rows[scenario]);
        assert!(false_alarms <= 0.02, "{scenario}: {false_alarms}");
    }
    // Each state as likely as the four say it is not.
    let strange = share(&|signal| {
        let mean = |x: usize| model.signals[signal].rows.iter().map(|r| r[x]).fold(0.0, f64::max);
        let odd = [0, 1, 2].map(|x| 1.0 / (mean(x) * mean(x) * mean(x)));
        let total: f64 = odd.iter().sum();
        odd.map(|p| p / total)
    });
    assert!(strange >= 0.6, "found {strange}");
}

#[test]
fn fit_is_exact_on_one_reading() {
    let model = bundled();
    // P(more surprising) + half of ties, surprise cut to a thirty-second of a nat, under the better of the four, by hand.
    let rows = &model.signals[0].rows;
    let (reading, r) = (seen(0, 0, 0), 0.95 * 0.95);
    let mean = |x: usize| rows.iter().map(|row| row[x]).sum::<f64>() / 4.0;
    let want = rows
        .iter()
        .map(|row| {
            let p = [0, 1, 2].map(|x| r * row[x] + (1.0 - r) * mean(x));
            let step = |x: usize| (-32.0 * libm::log(p[x])).round();
            let tie = |x: usize| if step(x) > step(0) { 1.0 } else { 0.5 };
            (0..3).filter(|x| step(*x) >= step(0)).map(|x| tie(x) * p[x]).sum::<f64>()
        })
        .fold(0.0, f64::max);
    let (ours, _, readings) = fit(&model, &[reading], 0, 4).unwrap();
    assert!((ours - want).abs() < 1e-9, "{ours} {want}");
    assert_eq!(readings, 1);
    assert_eq!(fit(&model, &[], 0, 4), None);
    assert_eq!(fit(&model, &[reading], 4, 4), None, "a year later nothing of it is looked at");
}

#[test]
fn a_reading_is_worth_what_it_tells() {
    let model = bundled();
    let p = [0.25; 4];
    let worth = gain(&model, &p, &seen(0, 0, 0));
    assert!((worth.chances.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    // Mutual information by its other formula: H(state) − Σ p H(state | scenario).
    let entropy = |row: &[f64]| -row.iter().map(|x| x * libm::log2(*x)).sum::<f64>();
    let r = 0.95 * 0.95;
    let mean: Vec<f64> =
        (0..3).map(|x| model.signals[0].rows.iter().map(|row| row[x]).sum::<f64>() / 4.0).collect();
    let rows: Vec<Vec<f64>> = model.signals[0]
        .rows
        .iter()
        .map(|row| (0..3).map(|x| r * row[x] + (1.0 - r) * mean[x]).collect())
        .collect();
    let want = entropy(&worth.chances) - rows.iter().map(|row| 0.25 * entropy(row)).sum::<f64>();
    assert!((worth.bits - want).abs() < 1e-9, "{} {want}", worth.bits);
    let poor = gain(&model, &p, &Seen { source: 4, information: 4, ..seen(0, 0, 0) });
    assert!(poor.bits < 0.01 * worth.bits, "a source graded E5 tells next to nothing");
}

#[test]
fn sensitivity_names_each_number_once_and_orders_by_what_it_moves() {
    let model = bundled();
    // Two reports of one group in the last quarter.
    let all = [seen(0, 0, 2), seen(1, 8, 2), seen(1, 11, 2), seen(1, 9, 2)];
    let rows = swings(&model, &all, end(2));
    let count = 4 + 12 + model.signals.len() * 12 + 12 + 2 + 1;
    assert_eq!(rows.len(), count);
    assert!(rows.windows(2).all(|w| w[0].change >= w[1].change));
    assert!(rows[0].change > 0.01 && !rows[count - 1].flips);
    for row in &rows {
        for p in [&row.low, &row.high] {
            assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{row:?}");
        }
    }
    // Signals that were not read do not matter.
    let moved = |k: usize| {
        rows.iter().any(|r| matches!(r.judgement, Judgement::Likelihood(s, ..) if s == k) && r.change > 0.0)
    };
    assert!(moved(0) && moved(8) && !moved(3));
    let change = |judgement| rows.iter().find(|r| r.judgement == judgement).unwrap().change;
    assert!(change(Judgement::Repeats(None)) > 0.0);
    assert!(change(Judgement::Clip) > 0.0);
    let trade = model.signals[0].group;
    assert_eq!(change(Judgement::Repeats(Some(trade))), 0.0, "one report of it repeats nothing");
}

fn share() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(1e-300), Just(1.0), 0.0..1.0]
}

fn row(n: usize) -> impl Strategy<Value = Vec<f64>> {
    proptest::collection::vec(share(), n).prop_map(|row| normalised(&row))
}

fn model() -> impl Strategy<Value = Model> {
    (1_usize..5, 1_usize..5).prop_flat_map(|(n, k)| {
        let signals = proptest::collection::vec((0_usize..3, proptest::collection::vec(row(3), n)), k);
        let repeats = (0.0_f64..=1.0, 0.0_f64..=1.0);
        (row(n), proptest::collection::vec(row(n), n), signals, 1.0001_f64..20.0, repeats).prop_map(
            |(prior, transition, signals, clip, (usual, own))| Model {
                prior,
                transition,
                signals: signals
                    .into_iter()
                    .map(|(group, rows)| SignalRows {
                        group,
                        rows: rows.iter().map(|r| [r[0], r[1], r[2]]).collect(),
                    })
                    .collect(),
                source: SOURCE,
                information: INFORMATION,
                clip,
                repeats: Repeats { usual, of: [(1, own)].into() },
            },
        )
    })
}

fn readings() -> impl Strategy<Value = Vec<Seen>> {
    let told = proptest::option::weighted(0.2, (0_usize..6, 0_usize..6));
    let one = (0_u32..12, 0_usize..5, 0_usize..3, 0_usize..6, 0_usize..6, 0_usize..4, told).prop_map(
        |(quarter, signal, state, source, information, cluster, told)| Seen {
            quarter,
            signal,
            state,
            source,
            information,
            cluster,
            told,
        },
    );
    proptest::collection::vec(one, 0..60)
}

fn sound(model: &Model, f: &Filtered) -> Result<(), TestCaseError> {
    for p in f.quarters.iter().flat_map(|q| [&q.predicted, &q.posterior]).chain([&f.posterior]) {
        prop_assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{:?}", p);
        prop_assert!(model.len() == 1 || p.iter().all(|x| *x > 0.0 && *x < 1.0), "{:?}", p);
    }
    if model.len() > 1 {
        for ((moved, now), prior) in f.moved.iter().zip(&f.posterior).zip(normalised(&model.prior)) {
            let sum = moved.transition + moved.signals.iter().sum::<f64>();
            prop_assert!((sum - (logit(*now) - logit(prior))).abs() < 1e-6, "{:?}", moved);
        }
    }
    Ok(())
}

/// A cluster weighs one report at most, a group less than each of its clusters whole: none counts less than half.
fn weighed(model: &Model, inside: &[Seen]) -> Result<(), TestCaseError> {
    let shares = shares(model, inside);
    let group = |s: &Seen| model.signals.get(s.signal).map_or(usize::MAX, |x| x.group);
    for own in inside {
        let total = |same: &dyn Fn(&Seen) -> bool| -> f64 {
            inside.iter().zip(&shares).filter(|(s, _)| same(s)).map(|(_, share)| share).sum()
        };
        prop_assert!(total(&|s| s.cluster == own.cluster) <= 1.0 + 1e-9);
        let mut clusters: Vec<usize> =
            inside.iter().filter(|s| group(s) == group(own)).map(|s| s.cluster).collect();
        clusters.sort_unstable();
        clusters.dedup();
        let n = clusters.len() as f64;
        let most = n / (1.0 + (n - 1.0) / 2.0 * model.repeats.within(group(own)));
        prop_assert!(total(&|s| group(s) == group(own)) <= most + 1e-9);
    }
    Ok(())
}

proptest! {
    #[test]
    fn probabilities_add_to_one_and_log_odds_to_the_move_whatever_comes(
        model in model(), mut all in readings(), quarter in 0_u32..14, share in 0.001_f64..1.0
    ) {
        let until = Moment { quarter, share };
        let ours = filter(&model, &all, Some(until));
        sound(&model, &ours)?;
        for p in smooth(&model, &ours, until) {
            prop_assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
        if let Some((p, best, _)) = fit(&model, &all, quarter, 4) {
            prop_assert!((0.0..=1.0).contains(&p) && best < model.len());
        }
        for quarter in 0..12 {
            let mut inside: Vec<Seen> = all.iter().copied().filter(|s| s.quarter == quarter).collect();
            inside.sort_unstable();
            inside.dedup_by_key(|s| s.signal);
            weighed(&model, &inside)?;
        }
        // The numbers of clusters mean nothing but which are the same.
        let renamed: Vec<Seen> = all.iter().map(|s| Seen { cluster: 2 * s.cluster + 7, ..*s }).collect();
        prop_assert_eq!(&filter(&model, &renamed, Some(until)).posterior, &ours.posterior);
        all.reverse();
        prop_assert_eq!(&filter(&model, &all, Some(until)), &ours, "order of arrival");
        // What is read later changes nothing before.
        all.retain(|s| s.quarter <= quarter);
        prop_assert_eq!(filter(&model, &all, Some(until)), ours);
    }
}
