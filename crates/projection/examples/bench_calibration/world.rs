//! Worlds: a course of scenarios, and reports about it.

use bellwether_projection::scenario::{Model, STATES, Seen, normalised, reliability};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// Ten years.
pub(crate) const QUARTERS: u32 = 40;
/// How often a group is heard of in a quarter, the publisher shows the same by another signal of it, and the same event by a
/// signal of another group.
const REPORTED: f64 = 0.6;
const ECHOED: f64 = 0.5;
const ACROSS: f64 = 0.1;
/// How often a second publisher reports of the group: of another event, or (as often as the model says that reports of a
/// group repeat each other) of the first one after all.
const SECOND: f64 = 0.4;
/// Grades of reports, as the bundled history has them: most B2 to C3, some better, some bad.
const GRADES: [(usize, usize); 10] =
    [(0, 0), (1, 1), (1, 1), (1, 2), (2, 1), (2, 1), (2, 2), (3, 2), (4, 3), (5, 5)];

/// A generator of numbers.
pub(crate) struct Chance(ChaCha8Rng);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn of(&mut self, p: &[f64]) -> usize {
        let mut u = self.unit() * p.iter().sum::<f64>();
        for (i, p) in p.iter().enumerate() {
            u -= p;
            if u < 0.0 {
                return i;
            }
        }
        p.len() - 1
    }

    fn below(&mut self, n: usize) -> usize {
        ((self.unit() * n as f64) as usize).min(n - 1)
    }

    /// Standard normal, by Box and Muller.
    fn normal(&mut self) -> f64 {
        let (u, v) = (1.0 - self.unit(), self.unit());
        libm::sqrt(-2.0 * libm::log(u)) * libm::cos(2.0 * std::f64::consts::PI * v)
    }
}

/// One world.
pub(crate) struct World {
    pub(crate) seed: u64,
    /// Scenario of each quarter.
    pub(crate) path: Vec<usize>,
    /// Everything that is read.
    pub(crate) seen: Vec<Seen>,
    /// Without what repeats something, each a report of its own.
    pub(crate) first: Vec<Seen>,
}

impl World {
    /// `real` is how the world works, `judged` how echoes sound alike to its readers.
    pub(crate) fn draw(seed: u64, real: &Model, judged: &Model) -> Self {
        let mut chance = Chance::new(seed);
        let mut scenario = chance.of(&real.prior);
        let (mut path, mut seen, mut first) = (Vec::new(), Vec::new(), Vec::new());
        let groups = 1 + real.signals.iter().map(|s| s.group).max().unwrap_or_default();
        for quarter in 0..QUARTERS {
            scenario = chance.of(&real.transition[scenario]);
            path.push(scenario);
            let (mut here, mut own) = (Vec::<Seen>::new(), Vec::new());
            for group in 0..groups {
                let signals: Vec<usize> =
                    (0..real.signals.len()).filter(|s| real.signals[*s].group == group).collect();
                if signals.is_empty() || chance.unit() >= REPORTED {
                    continue;
                }
                let signal = signals[chance.below(signals.len())];
                if here.iter().any(|s| s.signal == signal) {
                    continue;
                }
                let report = told(&mut chance, real, scenario, (quarter, signal));
                own.push(report);
                here.push(report);
                // The same publisher, or the same event: one cluster.
                for other in 0..real.signals.len() {
                    let often = if signals.contains(&other) { ECHOED } else { ACROSS / groups as f64 };
                    if chance.unit() < often && !here.iter().any(|s| s.signal == other) {
                        here.push(Seen { signal: other, state: alike(judged, &report, other), ..report });
                    }
                }
                let free: Vec<usize> =
                    signals.into_iter().filter(|s| !here.iter().any(|h| h.signal == *s)).collect();
                if free.is_empty() || chance.unit() >= SECOND {
                    continue;
                }
                let other = free[chance.below(free.len())];
                let mut second = told(&mut chance, real, scenario, (quarter, other));
                if chance.unit() < real.repeats.within(group) {
                    second.state = alike(judged, &report, other);
                } else {
                    own.push(second);
                }
                here.push(second);
            }
            seen.extend(here);
            first.extend(own);
        }
        Self { seed, path, seen, first }
    }
}

/// A report of its own about a signal.
fn told(chance: &mut Chance, real: &Model, scenario: usize, (quarter, signal): (u32, usize)) -> Seen {
    let (source, information) = GRADES[chance.below(GRADES.len())];
    let mut report = Seen { quarter, signal, state: 0, source, information, cluster: signal, told: None };
    let rows = &real.signals[signal].rows;
    // Right, or about nothing at all.
    let right = chance.unit() < reliability(real, &report);
    let of = if right { scenario } else { chance.below(rows.len()) };
    report.state = chance.of(&rows[of]);
    report
}

/// State of another signal that says most nearly the same about the scenarios.
fn alike(model: &Model, report: &Seen, other: usize) -> usize {
    let profile = |signal: usize, state: usize| -> Vec<f64> {
        let logs: Vec<f64> = model.signals[signal].rows.iter().map(|row| libm::log(row[state])).collect();
        let mean = logs.iter().sum::<f64>() / logs.len() as f64;
        logs.iter().map(|l| l - mean).collect()
    };
    let own = profile(report.signal, report.state);
    let far = |state: usize| -> f64 {
        profile(other, state).iter().zip(&own).map(|(a, b)| (a - b) * (a - b)).sum()
    };
    (0..STATES).min_by(|a, b| far(*a).total_cmp(&far(*b))).unwrap_or(1)
}

/// The model with every number off by a log-normal factor.
pub(crate) fn jitter(seed: u64, model: &Model, sigma: f64) -> Model {
    let mut chance = Chance::new(!seed);
    let mut off = |row: &[f64]| -> Vec<f64> {
        normalised(&row.iter().map(|p| p * libm::exp(sigma * chance.normal())).collect::<Vec<_>>())
    };
    let mut out = model.clone();
    out.prior = off(&model.prior);
    out.transition = model.transition.iter().map(|row| off(row)).collect();
    for signal in &mut out.signals {
        for row in &mut signal.rows {
            let p = off(&*row);
            *row = [p[0], p[1], p[2]];
        }
    }
    let of = out.repeats.of.values_mut();
    for repeats in of.chain([&mut out.repeats.usual]) {
        *repeats = (*repeats * libm::exp(sigma * chance.normal())).min(1.0);
    }
    out
}

/// A world in which each signal mostly shows what all scenarios hold for unlikely.
pub(crate) fn odd(model: &Model) -> Model {
    let mut out = model.clone();
    for signal in &mut out.signals {
        let most = |state: usize| signal.rows.iter().map(|row| row[state]).fold(0.0, f64::max);
        let p = normalised(&[0, 1, 2].map(|s| 1.0 / (most(s) * most(s) * most(s))));
        signal.rows = vec![[p[0], p[1], p[2]]; signal.rows.len()];
    }
    out
}
