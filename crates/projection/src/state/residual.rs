//! What a statistical series did beyond what its own past let expect: input for the test of spread.
//!
//! The level-and-trend scan fits its models anew after each observation and keeps no residuals, and residuals of a
//! fit that looks at all observations would change with each new one. So each observation is compared with a forecast
//! made before it: seasonally adjusted by the median of its month's earlier deviations from the moving year, less the
//! median of the last few observations, of as many as have predicted best so far (one for a random walk, five for
//! noise), less the median of the last two dozen such errors, which is what a steady trend leaves. Medians, so that a
//! step in the level is over after three residuals and is not read as a wider spread.
//!
//! The threshold is the detector's own, 30. At 22 a tripled spread is found after 16 months and not 27 (medians), but a
//! step in the level of 10 σ reads as a wider spread in one series in nine and not in one in seventy.

use bellwether_detect::gls::Mode;
use bellwether_detect::{Alarm, Variance, VarianceConfig, median};

/// How many observations back the forecast may look; the best so far is taken.
const REACHES: [usize; 3] = [1, 3, 5];
/// Errors whose median is taken off.
const DRIFT: usize = 24;
/// Earlier years of a month before it has a seasonal figure.
const YEARS: usize = 2;
/// Residuals before which no spread is compared: four years of months. The detector's own 100 would leave a monthly
/// series eleven years without an answer; the false alarms at this number are measured below.
const WARM_UP: usize = 48;
/// Observations that the onset is off by at most in nine of ten simulated series whose spread triples.
pub(crate) const ONSET_ERROR: usize = 6;

/// Spread of one series, read as it grows.
#[derive(Clone, Debug)]
pub(crate) struct Spread {
    cycle: usize,
    logarithm: bool,
    values: Vec<f64>,
    phases: Vec<usize>,
    /// By phase, deviations from the moving year.
    seasons: Vec<Vec<f64>>,
    adjusted: Vec<f64>,
    losses: [f64; REACHES.len()],
    errors: Vec<f64>,
    variance: Variance,
    found: Vec<Alarm>,
}

impl Spread {
    /// For a series of `cycle` observations a year, 1 for none; `logarithm` for values that are compared as ratios.
    pub(crate) fn new(cycle: usize, logarithm: bool) -> Self {
        let config = VarianceConfig { warm_up: WARM_UP, ..VarianceConfig::default() };
        Self {
            cycle,
            logarithm,
            values: Vec::new(),
            phases: Vec::new(),
            seasons: vec![Vec::new(); 13],
            adjusted: Vec::new(),
            losses: [0.0; REACHES.len()],
            errors: Vec::new(),
            variance: Variance::new(config),
            found: Vec::new(),
        }
    }

    /// The same with nothing read.
    pub(crate) fn anew(&self) -> Self {
        Self::new(self.cycle, self.logarithm)
    }

    /// Reads one observation; `phase` is its month, 0 where it has none.
    pub(crate) fn push(&mut self, value: f64, phase: usize) {
        let scaled = if self.logarithm && value > 0.0 { libm::log(value) } else { value };
        // A ratio to nothing is not measured.
        let gap = self.logarithm && value <= 0.0;
        let residual = if gap { f64::NAN } else { self.residual(scaled, phase) };
        if let Some(mut alarm) = self.variance.push(residual) {
            if self.logarithm {
                alarm.size *= value;
            }
            self.found.push(alarm);
        }
    }

    /// Changes of spread so far.
    pub(crate) fn found(&self) -> &[Alarm] {
        &self.found
    }

    fn residual(&mut self, value: f64, phase: usize) -> f64 {
        let season = self.season(value, phase);
        let Some(season) = season else { return f64::NAN };
        let now = value - season;
        let forecasts = REACHES.map(|reach| {
            let from = self.adjusted.len().checked_sub(reach)?;
            median(self.adjusted.get(from..)?)
        });
        self.adjusted.push(now);
        let best = (0..REACHES.len()).min_by(|a, b| {
            let loss = |i: &usize| self.losses.get(*i).copied().unwrap_or(f64::INFINITY);
            loss(a).total_cmp(&loss(b))
        });
        let errors = forecasts.map(|f| f.map(|f| now - f));
        let error = best.and_then(|i| errors.get(i).copied().flatten());
        if errors.iter().all(Option::is_some) {
            for (loss, error) in self.losses.iter_mut().zip(errors) {
                *loss += error.unwrap_or_default().abs();
            }
        }
        let Some(error) = error else { return f64::NAN };
        let drift = self.errors.len().checked_sub(DRIFT).and_then(|from| median(self.errors.get(from..)?));
        self.errors.push(error);
        drift.map_or(f64::NAN, |drift| error - drift)
    }

    /// Seasonal figure from the years before; `None` while there are too few.
    fn season(&mut self, value: f64, phase: usize) -> Option<f64> {
        self.values.push(value);
        self.phases.push(phase);
        if self.cycle < 2 {
            return Some(0.0);
        }
        // The newest observation completes the moving year around one half a cycle back.
        let half = self.cycle / 2;
        if let Some(middle) = (self.values.len() - 1).checked_sub(half).filter(|m| *m >= half)
            && let Some(year) = self.values.get(middle - half..=middle + half)
            && let (Some(own), Some(phase)) = (self.values.get(middle), self.phases.get(middle))
        {
            let ends = year.first().copied().unwrap_or_default() + year.last().copied().unwrap_or_default();
            // Over an even cycle both ends stand for the same month.
            let (sum, count) = if self.cycle.is_multiple_of(2) {
                (year.iter().sum::<f64>() - ends / 2.0, self.cycle as f64)
            } else {
                (year.iter().sum::<f64>(), year.len() as f64)
            };
            if let Some(list) = self.seasons.get_mut(*phase) {
                list.push(own - sum / count);
            }
        }
        let past = self.seasons.get(phase).filter(|list| list.len() >= YEARS)?;
        median(past)
    }
}

/// Whether a change was found too long after its onset to be news.
pub(crate) fn late(alarm: &Alarm) -> bool {
    alarm.alarm_index - alarm.onset_index > Mode::FRESH
}

#[cfg(test)]
pub(super) mod noise {
    /// Knuth's MMIX multiplier with its high bits mixed, Box & Muller: the same numbers on every machine.
    pub(crate) struct Noise(u64);

    impl Noise {
        pub(crate) fn new(seed: u64) -> Self {
            Self(7 + seed * 7919)
        }

        fn uniform(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mixed = (self.0 ^ (self.0 >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            (((mixed ^ (mixed >> 32)) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
        }

        pub(crate) fn normal(&mut self) -> f64 {
            let radius = (-2.0 * libm::log(self.uniform())).sqrt();
            radius * libm::cos(std::f64::consts::TAU * self.uniform())
        }

        pub(crate) fn t3(&mut self) -> f64 {
            let chi: f64 = (0..3).map(|_| self.normal()).map(|z| z * z).sum();
            self.normal() / (chi / 3.0).sqrt()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::noise::Noise;
    use super::*;

    const MONTHS: usize = 240;

    /// AR(1) noise of unit variance, drawn by `draw`.
    fn ar(noise: &mut Noise, phi: f64, draw: fn(&mut Noise) -> f64) -> Vec<f64> {
        let mut last = draw(noise);
        (0..MONTHS)
            .map(|_| {
                last = phi * last + (1.0 - phi * phi).sqrt() * draw(noise);
                last
            })
            .collect()
    }

    fn alarms(series: &[f64], cycle: usize) -> Vec<Alarm> {
        let mut spread = Spread::new(cycle, false);
        series.iter().enumerate().for_each(|(i, v)| spread.push(*v, i % 12 + 1));
        spread.found().to_vec()
    }

    /// Share of series with an alarm.
    fn share(reps: u64, make: impl Fn(&mut Noise) -> Vec<f64>) -> f64 {
        let hits = (0..reps).filter(|seed| !alarms(&make(&mut Noise::new(*seed)), 12).is_empty());
        hits.count() as f64 / reps as f64
    }

    /// The text of `false_alarms` rests on 4000 repetitions: 0.000, 0.003, 0.000, 0.003, 0.001, 0.014, 0.005.
    #[test]
    fn false_alarms_over_twenty_years_of_months_are_as_stated() {
        let plus = |mut series: Vec<f64>, f: &dyn Fn(f64) -> f64| {
            series.iter_mut().enumerate().for_each(|(i, v)| *v += f(i as f64));
            series
        };
        let season = |i: f64| 3.0 * libm::sin(i * std::f64::consts::TAU / 12.0);
        let reps = 400;
        let rates = [
            ("φ 0", share(reps, |z| ar(z, 0.0, Noise::normal)), 0.02),
            ("φ 0.3", share(reps, |z| ar(z, 0.3, Noise::normal)), 0.02),
            ("φ 0.6", share(reps, |z| ar(z, 0.6, Noise::normal)), 0.02),
            ("season", share(reps, |z| plus(ar(z, 0.3, Noise::normal), &season)), 0.02),
            ("trend", share(reps, |z| plus(ar(z, 0.3, Noise::normal), &|i| 0.2 * i)), 0.02),
            (
                "step of 10",
                share(reps, |z| plus(ar(z, 0.3, Noise::normal), &|i| if i < 150.0 { 0.0 } else { 10.0 })),
                0.02,
            ),
            ("t3", share(reps, |z| ar(z, 0.0, Noise::t3)), 0.02),
        ];
        let over: Vec<_> = rates.iter().filter(|(_, rate, most)| rate > most).collect();
        assert!(over.is_empty(), "{rates:?}");
    }

    #[test]
    fn a_tripled_spread_is_found_and_dated() {
        let (reps, mut errors) = (200_u64, Vec::new());
        let mut delays = Vec::new();
        for seed in 0..reps {
            let mut series = ar(&mut Noise::new(10_000 + seed), 0.3, Noise::normal);
            series.iter_mut().skip(150).for_each(|v| *v *= 3.0);
            let found = alarms(&series, 12);
            errors.extend(found.first().map(|a| a.onset_index.abs_diff(150)));
            delays.extend(found.first().map(|a| a.alarm_index.saturating_sub(150)));
        }
        errors.sort_unstable();
        delays.sort_unstable();
        let within = errors.iter().filter(|e| **e <= ONSET_ERROR).count();
        assert!(delays.get(delays.len() / 2).is_some_and(|months| (20..35).contains(months)), "{delays:?}");
        assert!(errors.len() >= 190 && within >= 9 * errors.len() / 10, "{} found: {errors:?}", errors.len());
    }
}
