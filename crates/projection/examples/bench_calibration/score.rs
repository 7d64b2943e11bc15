//! Scores of probabilities against what was so.

use bellwether_projection::scenario::{Model, Moment, STATES, Seen, filter, fit, reliability};

use crate::readers::Reader;
use crate::world::{Chance, QUARTERS, World};

const BINS: usize = 10;
/// Quarters that a forecast looks ahead, and those from which it does.
const AHEAD: u32 = 4;
const FROM: [u32; 3] = [11, 23, 35];

/// Scores of one reader over worlds.
#[derive(Default)]
pub(crate) struct Score {
    brier: f64,
    log: f64,
    quarters: f64,
    /// By probability: how many, their sum, how often it was so.
    bins: [(f64, f64, f64); BINS],
}

impl Score {
    pub(crate) fn of(reader: Reader, judged: &Model, real: &Model, worlds: &[World]) -> Self {
        let mut out = Self::default();
        worlds.iter().for_each(|world| out.add(reader, judged, real, world));
        out
    }

    pub(crate) fn add(&mut self, reader: Reader, judged: &Model, real: &Model, world: &World) {
        for (p, so) in reader.read(judged, real, world).iter().zip(&world.path) {
            self.quarters += 1.0;
            self.log -= libm::log(p[*so]);
            for (scenario, p) in p.iter().enumerate() {
                let hit = if scenario == *so { 1.0 } else { 0.0 };
                self.brier += (p - hit) * (p - hit);
                let bin = &mut self.bins[((p * BINS as f64) as usize).min(BINS - 1)];
                *bin = (bin.0 + 1.0, bin.1 + p, bin.2 + hit);
            }
        }
    }

    /// Multi-category Brier score (Brier 1950), 0 to 2.
    pub(crate) fn brier(&self) -> f64 {
        self.brier / self.quarters
    }

    /// Mean −ln of the probability of what was so.
    pub(crate) fn log(&self) -> f64 {
        self.log / self.quarters
    }

    /// Expected calibration error over ten bins, each scenario against the rest (Naeini, Cooper & Hauskrecht 2015).
    pub(crate) fn ece(&self) -> f64 {
        let all: f64 = self.bins.iter().map(|b| b.0).sum();
        self.bins.iter().map(|b| (b.1 - b.2).abs()).sum::<f64>() / all
    }
}

/// How often the 90 % interval of the number of "high" reports in the year ahead, forecast from the filter's posterior,
/// holds what came. Which signals will be reported and their grades are taken as known; ties at the ends of the interval
/// are split by chance, without which a count could not be covered by just 90 % (randomised PIT, Czado, Gneiting & Held
/// 2009).
pub(crate) fn coverage(model: &Model, worlds: &[World]) -> f64 {
    let (mut inside, mut all) = (0.0, 0.0);
    for world in worlds {
        let mut chance = Chance::new(world.seed ^ 0xc0de);
        for from in FROM {
            let now = filter(model, &world.seen, Some(Moment { quarter: from, share: 1.0 })).posterior;
            let next = |q: u32| world.first.iter().filter(move |s| s.quarter == q);
            let came = (1..=AHEAD).flat_map(|n| next(from + n)).filter(|s| s.state == 2).count();
            let p = forecast(model, &now, &(1..=AHEAD).map(|n| next(from + n).collect()).collect::<Vec<_>>());
            let below: f64 = p.iter().take(came).sum();
            let pit = below + chance.unit() * p.get(came).copied().unwrap_or_default();
            all += 1.0;
            inside += if (0.05..=0.95).contains(&pit) { 1.0 } else { 0.0 };
        }
    }
    inside / all
}

/// Distribution of the number of "high" reports: all paths of scenarios, exactly.
fn forecast(model: &Model, now: &[f64], quarters: &[Vec<&Seen>]) -> Vec<f64> {
    // Of each scenario, how probable it is together with each count.
    let mut joint: Vec<Vec<f64>> = now.iter().map(|p| vec![*p]).collect();
    for reports in quarters {
        let counts = joint[0].len();
        let mut next = vec![vec![0.0; counts + reports.len()]; joint.len()];
        for (from, row) in joint.iter().enumerate() {
            for (to, target) in next.iter_mut().enumerate() {
                for (sum, p) in target.iter_mut().zip(row) {
                    *sum += p * model.transition[from][to];
                }
            }
        }
        for report in reports {
            for (scenario, row) in next.iter_mut().enumerate() {
                let high = chances(model, report, scenario)[2];
                for n in (0..row.len()).rev() {
                    let before = if n > 0 { row[n - 1] } else { 0.0 };
                    row[n] = row[n] * (1.0 - high) + before * high;
                }
            }
        }
        joint = next;
    }
    (0..joint[0].len()).map(|n| joint.iter().map(|row| row[n]).sum()).collect()
}

fn chances(model: &Model, report: &Seen, scenario: usize) -> [f64; STATES] {
    let rows = &model.signals[report.signal].rows;
    let r = reliability(model, report);
    [0, 1, 2].map(|state| {
        let mean = rows.iter().map(|row| row[state]).sum::<f64>() / rows.len() as f64;
        r * rows[scenario][state] + (1.0 - r) * mean
    })
}

/// Share of years that are flagged as misfits by the bundled floor, and the median fit.
pub(crate) fn misfits(model: &Model, worlds: &[World]) -> (f64, f64) {
    let mut all: Vec<f64> = worlds
        .iter()
        .flat_map(|world| (3..QUARTERS).step_by(4).filter_map(|q| fit(model, &world.seen, q, 4).map(|f| f.0)))
        .collect();
    all.sort_by(f64::total_cmp);
    let low = all.iter().filter(|p| **p < 0.01).count();
    (low as f64 / all.len() as f64, all[all.len() / 2])
}
