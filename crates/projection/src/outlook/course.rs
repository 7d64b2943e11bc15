//! The way from the last known value to the dates asked: steps in time, and the scenario that holds during each.

use super::chain::Quarters;
use super::tilt::LAG;

/// Microseconds in a year of 365.25 days.
pub(super) const YEAR: f64 = 31_557_600e6;

/// Years between two moments.
pub(super) fn years(from: i64, to: i64) -> f64 {
    (to - from) as f64 / YEAR
}

/// Possible courses of the scenarios: what holds during each quarter, path by path.
#[derive(Clone, Debug)]
pub(crate) struct Courses {
    pub(super) quarters: Quarters,
    /// Path after path, one scenario a quarter.
    pub(super) states: Vec<u8>,
    pub(super) paths: usize,
}

impl Courses {
    /// Scenario of each path during a quarter; none before the view.
    pub(super) fn during(&self, quarter: Option<usize>) -> impl Iterator<Item = usize> {
        let width = self.quarters.ends.len().max(1);
        let first = quarter.unwrap_or(self.states.len());
        let drawn = self.states.iter().skip(first).step_by(width).map(|s| usize::from(*s));
        drawn.chain(std::iter::repeat(usize::MAX)).take(self.paths)
    }
}

/// One step, with the part of it that lies in each quarter.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) years: f64,
    pub(super) parts: Vec<Stay>,
}

/// Time within one quarter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stay {
    /// Quarter ahead; `None` before the view.
    pub(super) quarter: Option<usize>,
    pub(super) years: f64,
    /// Share of the way to a scenario's pull that the time brings.
    pub(super) blend: f64,
}

/// Steps from `from` to the last of `stops`, one to each of them.
pub(super) fn steps(from: i64, stops: impl Iterator<Item = i64>, quarters: &Quarters) -> Vec<Step> {
    let mut stops: Vec<i64> = stops.filter(|s| *s > from).collect();
    stops.sort_unstable();
    stops.dedup();
    let mut at = from;
    stops
        .into_iter()
        .map(|to| {
            let from = std::mem::replace(&mut at, to);
            Step { from, to, years: years(from, to), parts: parts(from, to, quarters) }
        })
        .collect()
}

fn parts(from: i64, to: i64, quarters: &Quarters) -> Vec<Stay> {
    let edges = std::iter::once(quarters.from).chain(quarters.ends.iter().copied());
    let cuts = edges.filter(|c| from < *c && *c < to).chain([to]);
    let mut at = from;
    cuts.map(|cut| {
        let from = std::mem::replace(&mut at, cut);
        let t = years(from, cut);
        Stay {
            quarter: (from >= quarters.from).then(|| quarters.ends.partition_point(|end| *end <= from)),
            years: t,
            blend: 1.0 - libm::exp(-t / LAG),
        }
    })
    .collect()
}

/// What each scenario pulls at, followed by each path with a lag.
pub(super) struct Pulled<'a> {
    pulls: &'a [f64],
    /// Where each path is; empty when nothing pulls.
    pub(super) at: Vec<f64>,
}

impl<'a> Pulled<'a> {
    pub(super) fn new(pulls: &'a [f64], paths: usize) -> Self {
        let any = pulls.iter().any(|p| *p != 0.0);
        Self { pulls, at: if any { vec![0.0; paths] } else { Vec::new() } }
    }

    /// Moves every path by a stay in a quarter.
    pub(super) fn stay(&mut self, courses: &Courses, stay: &Stay) {
        if stay.quarter.is_none() {
            return;
        }
        for (at, scenario) in self.at.iter_mut().zip(courses.during(stay.quarter)) {
            *at += (self.pulls.get(scenario).copied().unwrap_or_default() - *at) * stay.blend;
        }
    }
}
