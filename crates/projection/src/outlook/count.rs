//! Happenings: Poisson or negative binomial, with a rate that is learnt from the windows, moved by the scenarios and adrift.
//!
//! - The rate has a Gamma posterior. A window a year older weighs [`RECENT`] of the next, so that a window of ten years
//!   ago counts a tenth (a discounted conjugate model; West and Harrison, Bayesian Forecasting and Dynamic Models, 10.8);
//!   the prior is half a year at the mean of the series.
//! - Where variance over mean is above [`BURSTS`], as in the rate detector, happenings come in bursts: the rate of any
//!   stretch of time is itself Gamma, which makes their number negative binomial.
//! - A window without declared coverage and without a record had no happening or was not looked for, nobody knows which.
//!   Its chance is 1 − c + c P(0), that of a window with n records c P(n), where c is how often somebody looks (zero-inflated
//!   counts; Lambert, Technometrics 34, 1992), of which nothing is known before: records in every year say that quiet years
//!   are rare, years without any leave the rate as unsure as it is. Where such windows or bursts are, the posterior is
//!   summed over a grid of rate and c, and matched by a Gamma.
//! - Who forgets the past expects a future that differs: the discount means that the rate moves by a Beta factor a year
//!   (Smith and Miller, JRSS B 48, 1986). Ahead it keeps moving by as much, as a log-normal factor of mean 1, and by the
//!   [`ADRIFT`] a year besides that logarithms of levels are given too: what the factor makes of a large number is next to
//!   nothing.
//! - A scenario multiplies the rate, by at most e.

use super::course::{Courses, Pulled, Step, years};
use super::draw::Draw;

const RECENT: f64 = 0.8;
const PRIOR_YEARS: f64 = 0.5;
const BURSTS: f64 = 1.5;
const ADRIFT: f64 = 0.1;
/// Points of the grid, and how often it is drawn closer.
const GRID: u32 = 64;
const CLOSER: usize = 3;
const LOOKS: u32 = 10;

/// A fitted rate.
#[derive(Clone, Debug)]
pub(super) struct Count {
    /// Gamma posterior of the rate a year: shape and years.
    pub(super) shape: f64,
    pub(super) exposure: f64,
    /// Shape of the bursts a year; `None` when Poisson.
    pub(super) bursts: Option<f64>,
    /// Standard deviation of what the logarithm of the rate moves in a year.
    pub(super) adrift: f64,
    /// Logarithm of the factor that each scenario puts on the rate.
    pub(super) pulls: Vec<f64>,
}

/// A window of the past.
#[derive(Clone, Copy, Debug)]
pub(super) struct Past {
    /// End of what was heard of it.
    pub(super) end: i64,
    /// Length of that.
    pub(super) years: f64,
    pub(super) number: f64,
    pub(super) seen: Seen,
}

/// What is known of a window of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Its number: coverage is declared.
    Whole,
    /// What was recorded.
    Records,
    /// Nothing: quiet, or not looked for.
    Nothing,
}

/// A number that is asked: what was known of its window, and the window's part that lies ahead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) known: f64,
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Count {
    /// Fits windows; `now` ends the discounting.
    pub(super) fn fit(all: &[Past], now: i64) -> Option<Self> {
        let windows: Vec<&Past> = all.iter().filter(|w| w.seen != Seen::Nothing).collect();
        let (years_seen, seen) = windows.iter().fold((0.0, 0.0), |(t, n), w| (t + w.years, n + w.number));
        if years_seen <= 0.0 {
            return None;
        }
        let mean = (seen + 0.5) / years_seen;
        let weigh = |w: &Past| libm::pow(RECENT, years(w.end, now).max(0.0));
        let (mut shape, mut exposure) = (PRIOR_YEARS * mean, PRIOR_YEARS);
        for w in &windows {
            shape += weigh(w) * w.number;
            exposure += weigh(w) * w.years;
        }
        let n = windows.len() as f64;
        let per = seen / n;
        let variance =
            windows.iter().map(|w| (w.number - per) * (w.number - per)).sum::<f64>() / (n - 1.0).max(1.0);
        let length = years_seen / n;
        let bursts =
            (per > 0.0 && variance / per > BURSTS).then(|| (per * per / (variance - per) / length).max(0.25));
        if bursts.is_some() || windows.len() < all.len() {
            let weighed: Vec<(f64, &Past)> = all.iter().map(|w| (weigh(w), w)).collect();
            (shape, exposure) = matched(mean, &weighed, bursts);
        }
        let forgotten = libm::log1p((1.0 - RECENT) / (RECENT * (shape + 1.0)));
        let adrift = (forgotten + ADRIFT * ADRIFT).sqrt();
        Some(Self { shape, exposure, bursts, adrift, pulls: Vec::new() })
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
        let mut rates: Vec<f64> =
            (0..courses.paths).map(|_| draw.gamma(self.shape) / self.exposure).collect();
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
            let sigma = self.adrift * step.years.sqrt();
            if sigma > 0.0 {
                let centre = -0.5 * sigma * sigma;
                rates.iter_mut().for_each(|rate| *rate *= libm::exp(centre + sigma * draw.normal()));
            }
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

/// Gamma with mean and variance of the posterior, summed over a grid of logarithms of the rate that is drawn closer about
/// where it is, and over how often somebody looks. The prior is half a year at `mean`.
fn matched(mean: f64, windows: &[(f64, &Past)], bursts: Option<f64>) -> (f64, f64) {
    // Logarithms of the chance of a number and of none at a rate, up to what does not depend on the rate.
    let chance = |rate: f64, w: &Past| {
        let expected = rate * w.years;
        match bursts.map(|k| k * w.years) {
            None => (w.number * libm::log(expected) - expected, -expected),
            Some(k) => {
                let none = -k * libm::log1p(expected / k);
                (w.number * (libm::log(expected) - libm::log(k + expected)) + none, none)
            }
        }
    };
    let records: f64 =
        windows.iter().filter(|(_, w)| w.seen == Seen::Records).map(|(weight, _)| weight).sum();
    let likelihood = |rate: f64| {
        let all = || windows.iter().map(|(weight, w)| (weight, w, chance(rate, w)));
        let numbers: f64 = all()
            .filter(|(_, w, _)| w.seen != Seen::Nothing)
            .map(|(weight, _, (seen, _))| weight * seen)
            .sum();
        let nothing: Vec<(f64, f64)> = all()
            .filter(|(_, w, _)| w.seen == Seen::Nothing)
            .map(|(weight, _, (_, none))| (*weight, libm::exp(none)))
            .collect();
        let looked = (0..LOOKS).map(|at| (f64::from(at) + 0.5) / f64::from(LOOKS));
        let parts = looked.map(|c| {
            let nothing: f64 =
                nothing.iter().map(|(weight, none)| weight * libm::log(1.0 - c + c * none)).sum();
            libm::exp(records * libm::log(c) + nothing)
        });
        numbers + libm::log(parts.sum::<f64>())
    };
    let (mut centre, mut reach) = (libm::log(mean), 6.0);
    let mut moments = (mean, mean);
    for _ in 0..CLOSER {
        let step = 2.0 * reach / f64::from(GRID);
        let grid: Vec<(f64, f64)> = (0..=GRID)
            .map(|at| {
                let x = centre - reach + step * f64::from(at);
                let rate = libm::exp(x);
                let prior = PRIOR_YEARS * (mean * x - rate);
                (x, prior + likelihood(rate))
            })
            .collect();
        let most = grid.iter().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
        let mass: Vec<(f64, f64)> = grid.iter().map(|(x, p)| (*x, libm::exp(p - most))).collect();
        let total: f64 = mass.iter().map(|p| p.1).sum();
        let of = |f: &dyn Fn(f64) -> f64| mass.iter().map(|(x, p)| p * f(*x)).sum::<f64>() / total;
        let rate = of(&libm::exp);
        moments = (rate, of(&|x| (libm::exp(x) - rate) * (libm::exp(x) - rate)));
        centre = of(&|x| x);
        let spread = of(&|x| (x - centre) * (x - centre)).sqrt();
        reach = (6.0 * spread.max(0.5 * step)).min(reach);
    }
    let (rate, variance) = moments;
    (rate * rate / variance, rate / variance)
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

    fn past(end: i64, number: f64, floor: bool) -> Past {
        let seen = match (floor, number > 0.0) {
            (false, _) => Seen::Whole,
            (true, true) => Seen::Records,
            (true, false) => Seen::Nothing,
        };
        Past { end, years: 1.0, number, seen }
    }

    /// A kind of world: mean number a year, shape of bursts, years seen, deviation of what the logarithm of the rate moves
    /// in a year, and whether years without a record are unknown.
    #[derive(Clone, Copy, Debug)]
    struct World {
        mean: f64,
        bursts: Option<f64>,
        years: i32,
        adrift: f64,
        floor: bool,
    }

    /// How often a band of nine tenths holds the year `ahead`, with its ends and without them, and how often the truth is
    /// above it.
    fn covered(world: World, ahead: i32) -> [f64; 3] {
        let World { mean, bursts, years, adrift, floor } = world;
        let now = micros("2020-01-01");
        let (from, end) = (shift_months(now, 12 * (ahead - 1)), shift_months(now, 12 * ahead));
        let courses = {
            let quarters = Quarters::new(now, end);
            Courses { states: vec![0; 400 * quarters.ends.len()], quarters, paths: 400 }
        };
        let stops = (1..=ahead).map(|y| shift_months(now, 12 * y));
        let steps = steps(now, stops, &courses.quarters);
        let (mut worlds, mut held) = (0, [0; 3]);
        for seed in 0..1200 {
            let mut d = Draw::named(&format!("count world {mean} {adrift} {seed}"));
            let mut rate = mean * d.gamma(4.0) / 4.0;
            let mut year = || {
                rate *= libm::exp(adrift * d.normal() - 0.5 * adrift * adrift);
                let burst = bursts.map_or(1.0, |k| d.gamma(k) / k);
                d.poisson(rate * burst)
            };
            let windows: Vec<Past> =
                (0..years).map(|k| past(shift_months(now, 12 * (k + 1 - years)), year(), floor)).collect();
            let truth = (0..ahead).map(|_| year()).last().unwrap();
            if windows.iter().filter(|w| w.seen != Seen::Nothing).count() < 2 {
                continue;
            }
            worlds += 1;
            let count = Count::fit(&windows, now).unwrap();
            let target = Window { known: 0.0, from, to: end };
            let mut sample =
                count.simulate(&courses, &steps, &[target], &[], &mut Draw::named("x")).remove(0)[0].clone();
            sample.sort_unstable_by(f64::total_cmp);
            let q = |p| super::super::predictive::quantile(&sample, p);
            let (low, high) = (q(0.05), q(0.95));
            held[0] += i32::from(low <= truth && truth <= high);
            held[1] += i32::from(low < truth && truth < high);
            held[2] += i32::from(truth > high);
        }
        held.map(|n| f64::from(n) / f64::from(worlds))
    }

    /// Next year and far ahead, of rates that stand still and rates that move, seen in all years or only where there was
    /// something to record.
    #[test]
    fn bands_cover_what_comes() {
        for (mean, bursts, years) in
            [(2.0, None, 6), (8.0, None, 10), (40.0, None, 12), (30.0, Some(3.0), 12), (4.0, None, 2)]
        {
            for (adrift, ahead, floor) in [(0.0, 1, false), (0.1, 1, true), (0.1, 5, false), (0.15, 9, true)]
            {
                let world = World { mean, bursts, years, adrift, floor };
                let [wide, narrow, above] = covered(world, ahead);
                // A discrete band holds more than its name says: without its ends it must hold less.
                let told = (0.84..=0.985).contains(&wide) && narrow <= 0.96 && above <= 0.07;
                assert!(told, "{world:?} {ahead}: {wide} {narrow} {above}");
            }
        }
    }

    /// Quiet years that nobody sees do not raise the rate as they would if only the years with a record counted, and years
    /// with a record each leave no doubt that there are few of them.
    #[test]
    fn years_without_a_record_are_not_taken_for_busy_ones() {
        let now = micros("2020-01-01");
        let rate = |mean: f64, of: fn(&Past) -> bool, floor: bool| {
            let worlds = 1000;
            let fitted = (0..worlds).filter_map(|seed| {
                let mut d = Draw::named(&format!("quiet {seed}"));
                let all: Vec<Past> = (0..12)
                    .map(|k| past(shift_months(now, -12 * k), d.poisson(mean), floor))
                    .filter(of)
                    .collect();
                Some(Count::fit(&all, now)?.rate())
            });
            fitted.sum::<f64>() / f64::from(worlds)
        };
        let whole = rate(0.8, |_| true, false);
        let unsure = rate(0.8, |_| true, true);
        let busy = rate(0.8, |w| w.seen == Seen::Records, true);
        assert!((whole - 0.8).abs() < 0.06, "{whole}");
        // Not looked for in half the years, or quiet in half of them: between the two.
        assert!(whole + 0.2 < unsure && unsure + 0.2 < busy, "{whole} {unsure} {busy}");
        let (whole, unsure) = (rate(6.0, |_| true, false), rate(6.0, |_| true, true));
        assert!((whole - unsure).abs() < 0.05, "{whole} {unsure}");
    }

    #[test]
    fn what_is_known_of_a_window_counts_and_windows_add_up() {
        let now = micros("2020-07-01");
        let (mid, end) = (micros("2021-01-01"), micros("2021-07-01"));
        let quarters = Quarters::new(now, end);
        let courses = Courses { states: vec![0; 50 * quarters.ends.len()], quarters, paths: 50 };
        let count = Count::fit(&[30.0, 31.0].map(|number| past(now, number, false)), now).unwrap();
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
