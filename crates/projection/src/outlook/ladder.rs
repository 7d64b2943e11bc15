//! Coded scales: a Markov chain that moves one step at a time.
//!
//! The rates of steps up and down have Gamma posteriors over the years since the first judgement; the prior is half a step
//! in five years, a step in ten years on average and, by its shape, anything from none to one in two (half a step is
//! Jeffreys' prior; the years make it proper, so that one judgement has a model too, a wide one). A scenario multiplies them by how much likelier the table makes a high or a low state under it than now.

use super::course::{Courses, Step, years};
use super::draw::Draw;

const JEFFREYS: f64 = 0.5;
const PRIOR_YEARS: f64 = 5.0;

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
        let watched = years(first, now).max(0.0);
        Some(Self { start, scale, down, up, watched, ratios: Vec::new() })
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
                down: draw.gamma(self.down + JEFFREYS) / (self.watched + PRIOR_YEARS),
                up: draw.gamma(self.up + JEFFREYS) / (self.watched + PRIOR_YEARS),
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

#[cfg(test)]
mod tests {
    use super::super::chain::Quarters;
    use super::super::course::steps;
    use super::*;
    use crate::state::time::shift_months;

    fn micros(text: &str) -> i64 {
        bellwether_model::parse_moment(text).unwrap().timestamp_micros()
    }

    fn courses(from: i64, until: i64, paths: usize, state: impl Fn(usize) -> u8) -> Courses {
        let quarters = Quarters::new(from, until);
        let states = (0..paths).flat_map(|p| vec![state(p); quarters.ends.len()]).collect();
        Courses { quarters, states, paths }
    }

    /// Worlds of single steps: the share of them that end at or below the band's upper end, and at or above its lower.
    #[test]
    fn bands_hold_what_comes() {
        let now = micros("2020-01-01");
        let target = shift_months(now, 36);
        let all = courses(now, target, 300, |_| 0);
        let steps = steps(now, [target].into_iter(), &all.quarters);
        let (mut held, worlds) = (0, 600);
        for seed in 0..worlds {
            let mut d = Draw::named(&format!("ladder world {seed}"));
            let rate = 0.5 * d.gamma(2.0) / 2.0;
            let mut at: f64 = 3.0;
            let mut points = vec![(shift_months(now, -120), at)];
            let mut year = |at: &mut f64| {
                for way in [1.0, -1.0] {
                    if d.uniform() < 1.0 - libm::exp(-rate) {
                        *at = (*at + way).clamp(0.0, 6.0);
                    }
                }
            };
            for y in -9..=0 {
                year(&mut at);
                points.push((shift_months(now, 12 * y), at));
            }
            let ladder = Ladder::fit(&points, now, [0.0, 6.0]).unwrap();
            (0..3).for_each(|_| year(&mut at));
            let mut sample =
                ladder.simulate(&all, &steps, &[target], &mut Draw::named("x")).remove(0)[0].clone();
            sample.sort_unstable_by(f64::total_cmp);
            let q = |p| super::super::predictive::quantile(&sample, p);
            held += i32::from((q(0.05)..=q(0.95)).contains(&at));
        }
        let share = f64::from(held) / f64::from(worlds);
        // Whole steps: the band holds a little more than its name says.
        assert!((0.88..=0.99).contains(&share), "{share}");
    }

    #[test]
    fn a_scenario_that_makes_steps_up_likelier_gets_more_of_them() {
        let now = micros("2020-01-01");
        let target = shift_months(now, 60);
        let points = [(shift_months(now, -96), 1.0), (shift_months(now, -48), 2.0), (now, 2.0)];
        let mut ladder = Ladder::fit(&points, now, [0.0, 4.0]).unwrap();
        ladder.ratios = vec![[1.0, 0.2], [1.0, 5.0]];
        let all = courses(now, target, 2000, |path| u8::from(path % 2 == 1));
        let steps = steps(now, [target].into_iter(), &all.quarters);
        let [at, high, low] = ladder.simulate(&all, &steps, &[target], &mut Draw::named("x")).remove(0);
        let mean = |first: usize| at.iter().skip(first).step_by(2).sum::<f64>() / 1000.0;
        assert!(mean(1) > mean(0) + 0.5, "{} {}", mean(0), mean(1));
        for ((a, h), l) in at.iter().zip(&high).zip(&low) {
            assert!(l <= a && a <= h && (0.0..=4.0).contains(a));
        }
    }
}
