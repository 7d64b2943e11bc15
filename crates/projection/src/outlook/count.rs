//! Happenings: Poisson or negative binomial, with a rate that is learnt from the windows and moved by the scenarios.
//!
//! - The rate has a Gamma posterior. A window a year older weighs [`RECENT`] of the next, so that a window of ten years
//!   ago counts a tenth (a discounted conjugate model; West and Harrison, Bayesian Forecasting and Dynamic Models, 10.8);
//!   the prior is half a year at the mean of the series.
//! - Where variance over mean is above [`BURSTS`], as in the rate detector, happenings come in bursts: the rate of any
//!   stretch of time is itself Gamma, which makes their number negative binomial.
//! - A scenario multiplies the rate, by at most e.

use super::course::{Courses, Pulled, Step, years};
use super::draw::Draw;

const RECENT: f64 = 0.8;
const PRIOR_YEARS: f64 = 0.5;
const BURSTS: f64 = 1.5;

/// A fitted rate.
#[derive(Clone, Debug)]
pub(super) struct Count {
    /// Gamma posterior of the rate a year: shape and years.
    pub(super) shape: f64,
    pub(super) exposure: f64,
    /// Shape of the bursts a year; `None` when Poisson.
    pub(super) bursts: Option<f64>,
    /// Logarithm of the factor that each scenario puts on the rate.
    pub(super) pulls: Vec<f64>,
}

/// A number that is asked: what was known of its window, and the window's part that lies ahead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) known: f64,
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Count {
    /// Fits windows, each with its end, its length in years and its number of happenings; `now` ends the discounting.
    pub(super) fn fit(windows: &[(i64, f64, f64)], now: i64) -> Option<Self> {
        let (years_seen, seen) = windows.iter().fold((0.0, 0.0), |(t, n), w| (t + w.1, n + w.2));
        if years_seen <= 0.0 {
            return None;
        }
        let mean = (seen + 0.5) / years_seen;
        let (mut shape, mut exposure) = (PRIOR_YEARS * mean, PRIOR_YEARS);
        for (end, length, number) in windows {
            let weight = libm::pow(RECENT, years(*end, now).max(0.0));
            shape += weight * number;
            exposure += weight * length;
        }
        let n = windows.len() as f64;
        let per = seen / n;
        let variance = windows.iter().map(|w| (w.2 - per) * (w.2 - per)).sum::<f64>() / (n - 1.0).max(1.0);
        let length = years_seen / n;
        let bursts =
            (per > 0.0 && variance / per > BURSTS).then(|| (per * per / (variance - per) / length).max(0.25));
        Some(Self { shape, exposure, bursts, pulls: Vec::new() })
    }

    /// Expected happenings a year.
    pub(super) fn rate(&self) -> f64 {
        self.shape / self.exposure
    }

    /// Simulates: for each target window its number and the highest and lowest of it and of the `others` that end no
    /// later, path by path. Every window is a run of whole steps.
    pub(super) fn simulate(
        &self,
        courses: &Courses,
        steps: &[Step],
        targets: &[Window],
        others: &[Window],
        draw: &mut Draw,
    ) -> Vec<[Vec<f64>; 3]> {
        let rates: Vec<f64> = (0..courses.paths).map(|_| draw.gamma(self.shape) / self.exposure).collect();
        let mut pulled = Pulled::new(&self.pulls, courses.paths);
        let all: Vec<&Window> = targets.iter().chain(others).collect();
        let mut numbers: Vec<Vec<f64>> = all.iter().map(|w| vec![w.known; courses.paths]).collect();
        for step in steps {
            // Years of the step, each weighed by what the scenario makes of the rate.
            let mut exposure: Vec<f64> = vec![0.0; courses.paths];
            for stay in &step.parts {
                pulled.stay(courses, stay);
                if !pulled.at.is_empty() {
                    exposure.iter_mut().zip(&pulled.at).for_each(|(e, p)| *e += stay.years * libm::exp(*p));
                }
            }
            if pulled.at.is_empty() {
                exposure.fill(step.years);
            }
            let burst = self.bursts.map(|k| k * step.years);
            let drawn: Vec<f64> = rates
                .iter()
                .zip(&exposure)
                .map(|(rate, t)| {
                    let burst = burst.map_or(1.0, |shape| draw.gamma(shape) / shape);
                    draw.poisson(rate * t * burst)
                })
                .collect();
            let within = |w: &Window| w.from <= step.from && step.to <= w.to;
            for (sums, _) in numbers.iter_mut().zip(&all).filter(|(_, w)| within(w)) {
                sums.iter_mut().zip(&drawn).for_each(|(sum, n)| *sum += n);
            }
        }
        let beside: Vec<(&Window, &Vec<f64>)> =
            others.iter().zip(numbers.iter().skip(targets.len())).collect();
        targets
            .iter()
            .zip(&numbers)
            .map(|(w, at)| {
                let (mut high, mut low) = (at.clone(), at.clone());
                for (_, other) in beside.iter().filter(|(o, _)| o.to <= w.to) {
                    high.iter_mut().zip(*other).for_each(|(h, n)| *h = h.max(*n));
                    low.iter_mut().zip(*other).for_each(|(l, n)| *l = l.min(*n));
                }
                [at.clone(), high, low]
            })
            .collect()
    }
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

    fn covered(mean: f64, bursts: Option<f64>, n: i32) -> (f64, f64) {
        let now = micros("2020-01-01");
        let end = shift_months(now, 12);
        let courses = {
            let quarters = Quarters::new(now, end);
            Courses { states: vec![0; 400 * quarters.ends.len()], quarters, paths: 400 }
        };
        let steps = steps(now, [end].into_iter(), &courses.quarters);
        let worlds = 1200;
        let (mut wide, mut narrow) = (0, 0);
        for seed in 0..worlds {
            let mut d = Draw::named(&format!("count world {mean} {seed}"));
            let rate = mean * d.gamma(4.0) / 4.0;
            let mut year = || {
                let burst = bursts.map_or(1.0, |k| d.gamma(k) / k);
                d.poisson(rate * burst)
            };
            let windows: Vec<(i64, f64, f64)> =
                (0..n).map(|k| (shift_months(now, -12 * k), 1.0, year())).collect();
            let truth = year();
            let count = Count::fit(&windows, now).unwrap();
            let target = Window { known: 0.0, from: now, to: end };
            let mut sample =
                count.simulate(&courses, &steps, &[target], &[], &mut Draw::named("x")).remove(0)[0].clone();
            sample.sort_unstable_by(f64::total_cmp);
            let q = |p| super::super::predictive::quantile(&sample, p);
            let (low, high) = (q(0.05), q(0.95));
            wide += i32::from(low <= truth && truth <= high);
            // A discrete band holds more than its name says: without its ends it must hold less.
            narrow += i32::from(low < truth && truth < high);
        }
        (f64::from(wide) / f64::from(worlds), f64::from(narrow) / f64::from(worlds))
    }

    #[test]
    fn bands_cover_what_comes() {
        for (mean, bursts, n) in [(2.0, None, 6), (8.0, None, 10), (40.0, None, 12), (30.0, Some(3.0), 12)] {
            let (wide, narrow) = covered(mean, bursts, n);
            assert!(wide >= 0.86 && narrow <= 0.93, "{mean} {bursts:?}: {wide} {narrow}");
            assert!(mean < 30.0 || wide <= 0.96, "{mean} {bursts:?}: {wide}");
        }
    }

    #[test]
    fn what_is_known_of_a_window_counts_and_windows_add_up() {
        let now = micros("2020-07-01");
        let (mid, end) = (micros("2021-01-01"), micros("2021-07-01"));
        let quarters = Quarters::new(now, end);
        let courses = Courses { states: vec![0; 50 * quarters.ends.len()], quarters, paths: 50 };
        let count = Count::fit(&[(now, 1.0, 30.0), (now, 1.0, 31.0)], now).unwrap();
        let windows = [
            Window { known: 7.0, from: now, to: mid },
            Window { known: 0.0, from: mid, to: end },
            Window { known: 1.0, from: now, to: end },
        ];
        let steps = steps(now, [mid, end].into_iter(), &courses.quarters);
        let out = count.simulate(&courses, &steps, &windows, &[], &mut Draw::named("x"));
        for ((a, b), both) in out[0][0].iter().zip(&out[1][0]).zip(&out[2][0]) {
            assert_eq!(a - 7.0 + b, both - 1.0);
        }
        assert!(out[0][0].iter().all(|n| *n >= 7.0));
    }
}
