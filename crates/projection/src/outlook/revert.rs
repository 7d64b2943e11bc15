//! Differences and balances, values that can have either sign: they come back to a level of their own.
//!
//! An autoregression of order one in continuous time (Ornstein and Uhlenbeck), so that months may be missing: over t years
//! the distance from the level m shrinks to e^(−κt) of itself, and N(0, q (1 − e^(−2κt)) / 2κ) is added. A walk would take
//! the band of a price differential to sums that no trade bears.
//!
//! Few points say little of κ, and their estimate of φ = e^(−κ) is biased (Marriott and Pope, Biometrika 41, 1954). So no
//! estimate is plugged in: κ is drawn a path from its posterior on a grid, under the exact likelihood, the first point as
//! one of the stationary course (Uhlig, Econometric Theory 10, 1994), m and q integrated out by the flat prior 1/q. The
//! half-life has a log-normal prior about [`HALF_LIFE`] with a factor of e either way, which draws short series neither to
//! a walk nor to white noise; m and q are then drawn from their posterior given κ.

use super::course::{Courses, Pulled, Step, years};
use super::draw::Draw;

/// Years in which half of a distance is gone, before anything is seen.
const HALF_LIFE: f64 = 1.0;
/// Half-lives of the grid: powers of the root of two, from a month to a generation.
const GRID: std::ops::RangeInclusive<i32> = -7..=10;

/// One rate of return with what the series makes of it.
#[derive(Clone, Debug)]
struct Rate {
    kappa: f64,
    weight: f64,
    /// Level, and information about it in units of 1 / q.
    level: f64,
    information: f64,
    /// Sum of squares of what is left.
    rest: f64,
}

/// A fitted course.
#[derive(Clone, Debug)]
pub(super) struct Revert {
    rates: Vec<Rate>,
    freedom: f64,
    start: f64,
    pub(super) last: i64,
    /// Where each scenario pulls.
    pub(super) pulls: Vec<f64>,
}

impl Revert {
    /// Fits ends of periods with their values, ascending. Needs three that differ in time, and not all equal.
    pub(super) fn fit(points: &[(i64, f64)]) -> Option<Self> {
        let (last, start) = *points.last()?;
        let gaps: Vec<(f64, f64, f64)> = points
            .iter()
            .zip(points.iter().skip(1))
            .map(|((a, x), (b, y))| (years(*a, *b), *x, *y))
            .filter(|(t, ..)| *t > 0.0)
            .collect();
        let first = gaps.first()?.1;
        if gaps.len() < 2 || gaps.iter().all(|(_, x, y)| x == y) {
            return None;
        }
        let freedom = gaps.len() as f64;
        let mut rates: Vec<Rate> = GRID
            .map(|power| {
                let half_life = libm::exp2(f64::from(power) / 2.0);
                rate(std::f64::consts::LN_2 / half_life, first, &gaps, freedom)
            })
            .collect();
        let most = rates.iter().map(|r| r.weight).fold(f64::NEG_INFINITY, f64::max);
        rates.iter_mut().for_each(|r| r.weight = libm::exp(r.weight - most));
        let total: f64 = rates.iter().map(|r| r.weight).sum();
        rates.iter_mut().for_each(|r| r.weight /= total);
        Some(Self { rates, freedom, start, last, pulls: Vec::new() })
    }

    /// Posterior means: level, half-life in years (of its logarithm), spread of the stationary course.
    pub(super) fn parameters(&self) -> [f64; 3] {
        let mean = |f: &dyn Fn(&Rate) -> f64| self.rates.iter().map(|r| r.weight * f(r)).sum::<f64>();
        let half = mean(&|r| libm::log(std::f64::consts::LN_2 / r.kappa));
        let spread = mean(&|r| (r.rest / self.freedom / (2.0 * r.kappa)).sqrt());
        [mean(&|r| r.level), libm::exp(half), spread]
    }

    pub(super) fn freedom(&self) -> f64 {
        self.freedom
    }

    /// Simulates as a walk does: for each target the values at it and the highest and lowest at any of `periods` up to it.
    pub(super) fn simulate(
        &self,
        courses: &Courses,
        steps: &[Step],
        targets: &[i64],
        periods: &[i64],
        draw: &mut Draw,
    ) -> Vec<[Vec<f64>; 3]> {
        let mut paths: Vec<Path> = (0..courses.paths)
            .filter_map(|_| {
                let at = draw.pick(self.rates.iter().map(|r| r.weight));
                let rate = self.rates.get(at)?;
                let q = rate.rest / (2.0 * draw.gamma(self.freedom / 2.0));
                let level = rate.level + (q / rate.information).sqrt() * draw.normal();
                let (highest, lowest) = (f64::NEG_INFINITY, f64::INFINITY);
                Some(Path { x: self.start - level, level, q, at, highest, lowest })
            })
            .collect();
        let mut pulled = Pulled::new(&self.pulls, courses.paths);
        let mut out: Vec<[Vec<f64>; 3]> = vec![Default::default(); targets.len()];
        for step in steps {
            let kept: Vec<[f64; 2]> = self.rates.iter().map(|r| over(r.kappa, step.years)).collect();
            for stay in &step.parts {
                pulled.stay(courses, stay);
            }
            let (counts, target) = (periods.contains(&step.to), targets.iter().position(|t| *t == step.to));
            let mut found = target.and_then(|t| out.get_mut(t));
            let pulls = pulled.at.iter().copied().chain(std::iter::repeat(0.0));
            for (path, pull) in paths.iter_mut().zip(pulls) {
                let [phi, variance] = kept.get(path.at).copied().unwrap_or([1.0, 0.0]);
                path.x = phi * path.x + (path.q * variance).sqrt() * draw.normal();
                let value = path.level + path.x + pull;
                if counts {
                    path.highest = path.highest.max(value);
                    path.lowest = path.lowest.min(value);
                }
                if let Some([at, high, low]) = &mut found {
                    at.push(value);
                    high.push(path.highest.max(value));
                    low.push(path.lowest.min(value));
                }
            }
        }
        out
    }
}

struct Path {
    /// Distance from the level.
    x: f64,
    level: f64,
    q: f64,
    at: usize,
    highest: f64,
    lowest: f64,
}

/// What is kept of a distance after t years, and the variance that they add in units of q.
fn over(kappa: f64, t: f64) -> [f64; 2] {
    let phi = libm::exp(-kappa * t);
    [phi, -libm::expm1(-2.0 * kappa * t) / (2.0 * kappa)]
}

/// What the series makes of one rate; the weight is the logarithm of prior times marginal likelihood.
fn rate(kappa: f64, first: f64, gaps: &[(f64, f64, f64)], freedom: f64) -> Rate {
    let still = 1.0 / (2.0 * kappa);
    // Regression of each surprise on the share of the level in it, the stationary first point included.
    let all: Vec<(f64, f64, f64)> = std::iter::once((first, 1.0, still))
        .chain(gaps.iter().map(|(t, x, y)| {
            let [phi, variance] = over(kappa, *t);
            (y - phi * x, 1.0 - phi, variance)
        }))
        .collect();
    let sum = |f: &dyn Fn(f64, f64) -> f64| all.iter().map(|(y, z, v)| f(*y, *z) / v).sum::<f64>();
    let information = sum(&|_, z| z * z);
    let level = sum(&|y, z| y * z) / information;
    let rest = sum(&|y, z| (y - level * z) * (y - level * z)).max(f64::MIN_POSITIVE);
    let widths: f64 = all.iter().map(|(.., v)| libm::log(*v)).sum();
    let off = libm::log(std::f64::consts::LN_2 / kappa / HALF_LIFE);
    let weight = -0.5 * (widths + libm::log(information) + freedom * libm::log(rest) + off * off);
    Rate { kappa, weight, level, information, rest }
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

    fn no_scenarios(from: i64, until: i64, paths: usize) -> Courses {
        let quarters = Quarters::new(from, until);
        let states = vec![0; paths * quarters.ends.len()];
        Courses { quarters, states, paths }
    }

    /// A world of some half-life: scattered months, and the value some months later.
    fn world(seed: u32, half_life: f64, n: usize, ahead: i32) -> (Vec<(i64, f64)>, i64, f64) {
        let mut d = Draw::named(&format!("revert world {half_life} {seed}"));
        let kappa = std::f64::consts::LN_2 / half_life;
        let (level, q) = (6.0 * d.normal(), 20.0 * d.gamma(2.0));
        let mut x = (q / (2.0 * kappa)).sqrt() * d.normal();
        let mut end = micros("2010-01-01");
        let mut walk = |x: &mut f64, months: i32| {
            let [phi, variance] = over(kappa, f64::from(months) / 12.0);
            *x = phi * *x + (q * variance).sqrt() * d.normal();
            if d.uniform() < 0.5 { 1 } else { 4 }
        };
        let (mut points, mut gap) = (Vec::new(), 1);
        for _ in 0..n {
            let next = walk(&mut x, gap);
            points.push((end, level + x));
            gap = next;
            end = shift_months(end, gap);
        }
        let last = points.last().unwrap().0;
        walk(&mut x, ahead);
        (points, shift_months(last, ahead), level + x)
    }

    fn covered(half_life: f64, n: usize, ahead: i32) -> (f64, f64) {
        let (mut inside, mut width, worlds) = (0, 0.0, 400);
        for seed in 0..worlds {
            let (points, target, truth) = world(seed, half_life, n, ahead);
            let fitted = Revert::fit(&points).unwrap();
            let courses = no_scenarios(fitted.last, target, 300);
            let steps = steps(fitted.last, [target].into_iter(), &courses.quarters);
            let mut sample =
                fitted.simulate(&courses, &steps, &[target], &[], &mut Draw::named("x")).remove(0)[0].clone();
            sample.sort_unstable_by(f64::total_cmp);
            let q = |p| super::super::predictive::quantile(&sample, p);
            inside += i32::from((q(0.05)..=q(0.95)).contains(&truth));
            width += q(0.95) - q(0.05);
        }
        (f64::from(inside) / f64::from(worlds), width / f64::from(worlds))
    }

    /// Worlds with half-lives like the prior's: a band of nine tenths holds nine in ten, of short series and of long ones.
    #[test]
    fn bands_cover_what_comes() {
        let half_lives = [0.2, 0.4, 0.7, 1.4, 2.5, 5.0];
        for (n, ahead) in [(5, 12), (8, 1), (8, 12), (8, 108), (30, 12), (30, 108)] {
            let each = half_lives.map(|half_life| covered(half_life, n, ahead).0);
            // Weights of the prior in six parts.
            let share = 0.07 * (each[0] + each[5]) + 0.17 * (each[1] + each[4]) + 0.26 * (each[2] + each[3]);
            assert!((0.86..=0.94).contains(&share), "{n} points, {ahead} ahead: {share} {each:?}");
        }
    }

    /// Far ahead the band is that of the level, not of a sum of steps.
    #[test]
    fn a_band_stops_growing() {
        let (_, near) = covered(0.5, 10, 36);
        let (_, far) = covered(0.5, 10, 120);
        assert!(far < 1.4 * near, "{near} {far}");
    }

    #[test]
    fn a_series_that_never_moves_has_no_course() {
        let flat: Vec<(i64, f64)> = (0..8).map(|m| (shift_months(micros("2020-01-01"), m), 3.0)).collect();
        assert!(Revert::fit(&flat).is_none());
    }
}
