//! Coded scales: a Markov chain that moves one step at a time.
//!
//! The rates of steps up and down have Gamma posteriors over the years since the first judgement, with Jeffreys' prior of
//! half a step. A scenario multiplies them by how much likelier the table makes a high or a low state under it than now.

use super::course::{Courses, Step, years};
use super::draw::Draw;

const JEFFREYS: f64 = 0.5;

/// A fitted chain.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    pub(super) start: f64,
    pub(super) scale: [f64; 2],
    /// Steps down and up that were seen, and the years of watching.
    pub(super) down: f64,
    pub(super) up: f64,
    pub(super) watched: f64,
    /// Factors on the rates down and up, by scenario.
    pub(super) ratios: Vec<[f64; 2]>,
}

impl Ladder {
    /// Fits judgements, each with its date and its step; the last holds until `now`.
    pub(super) fn fit(points: &[(i64, f64)], now: i64, scale: [f64; 2]) -> Option<Self> {
        let (first, _) = *points.first()?;
        let (_, start) = *points.last()?;
        let (mut down, mut up) = (0.0, 0.0);
        for ((_, a), (_, b)) in points.iter().zip(points.iter().skip(1)) {
            up += (b - a).max(0.0);
            down += (a - b).max(0.0);
        }
        let watched = years(first, now);
        (watched > 0.0).then_some(Self { start, scale, down, up, watched, ratios: Vec::new() })
    }

    /// Simulates: for each target the step at it, the highest and the lowest since the view, path by path.
    pub(super) fn simulate(
        &self,
        courses: &Courses,
        steps: &[Step],
        targets: &[i64],
        draw: &mut Draw,
    ) -> Vec<[Vec<f64>; 3]> {
        let [bottom, top] = self.scale;
        let mut paths: Vec<Rung> = (0..courses.paths)
            .map(|_| Rung {
                down: draw.gamma(self.down + JEFFREYS) / self.watched,
                up: draw.gamma(self.up + JEFFREYS) / self.watched,
                at: self.start,
                highest: self.start,
                lowest: self.start,
            })
            .collect();
        let mut out: Vec<[Vec<f64>; 3]> = vec![Default::default(); targets.len()];
        for step in steps {
            for stay in &step.parts {
                for (path, scenario) in paths.iter_mut().zip(courses.during(stay.quarter)) {
                    let [fall, rise] = self.ratios.get(scenario).copied().unwrap_or([1.0, 1.0]);
                    let (fall, rise) = (path.down * fall, path.up * rise);
                    if draw.uniform() < 1.0 - libm::exp(-(fall + rise) * stay.years) {
                        let way = if draw.uniform() * (fall + rise) < rise { 1.0 } else { -1.0 };
                        path.at = (path.at + way).clamp(bottom, top);
                        path.highest = path.highest.max(path.at);
                        path.lowest = path.lowest.min(path.at);
                    }
                }
            }
            let target = targets.iter().position(|t| *t == step.to);
            if let Some([at, high, low]) = target.and_then(|t| out.get_mut(t)) {
                at.extend(paths.iter().map(|p| p.at));
                high.extend(paths.iter().map(|p| p.highest));
                low.extend(paths.iter().map(|p| p.lowest));
            }
        }
        out
    }
}

struct Rung {
    down: f64,
    up: f64,
    at: f64,
    highest: f64,
    lowest: f64,
}
