//! History made ready for the scan: logarithm, season, outliers, each chosen from the past alone.

use super::{hampel, season::Season};
use crate::robust::{Window, median_in_place};

/// Log likelihood by which the logarithm must win, in units of twice.
const LOG_MARGIN: f64 = 10.0;
/// Observations before which the logarithm is not considered.
const LOG_MIN: usize = 9;
/// Scales a MAD to a normal standard deviation.
const NORMAL_CONSISTENCY: f64 = 1.4826;
/// A spread below this share of the values is rounding.
const ROUNDING: f64 = 1e-13;

/// A history made ready.
#[derive(Clone, Debug, Default)]
pub(super) struct Prepared {
    /// The values, their mean taken off.
    pub(super) x: Vec<f64>,
    /// The mean taken off.
    pub(super) mean: f64,
    /// Variance, divisor t.
    pub(super) variance: f64,
    /// Whether the values are logarithms.
    pub(super) logarithm: bool,
    /// Cycle of the season taken off.
    season: Option<usize>,
}

/// Exponents beyond this mean nothing and must stay finite.
const EXPONENT: f64 = 230.0;

impl Prepared {
    /// A prepared value in the series' unit, seasonally adjusted.
    pub(super) fn value(&self, x: f64) -> f64 {
        let x = x + self.mean;
        if self.logarithm { libm::exp(x.clamp(-EXPONENT, EXPONENT)) } else { x }
    }

    /// Whether a cycle of so many observations is that of the season taken off, or a part or multiple of it.
    pub(super) fn took_off(&self, cycle: usize) -> bool {
        self.season.is_some_and(|season| cycle.is_multiple_of(season) || season.is_multiple_of(cycle))
    }

    /// What a small difference is worth in the series' unit, around a prepared value.
    pub(super) fn unit_at(&self, x: f64) -> f64 {
        if self.logarithm { self.value(x) } else { 1.0 }
    }
}

/// What grows with the history, so that each step does not start over. Derived, never stored.
#[derive(Clone, Debug, Default)]
pub(super) struct Prep {
    cycle: usize,
    seen: usize,
    logs: Vec<f64>,
    log_sum: f64,
    plain: Scale,
    logarithmic: Scale,
    adjusted: Vec<f64>,
    scratch: Vec<f64>,
}

/// What depends on the scale that is read.
#[derive(Clone, Debug, Default)]
struct Scale {
    differences: Window,
    season: Season,
}

impl Scale {
    fn new(cycle: usize) -> Self {
        Self { differences: Window::default(), season: Season::new(cycle) }
    }

    fn add(&mut self, before: Option<f64>, this: f64) {
        if let Some(before) = before {
            self.differences.insert(this - before);
        }
    }
}

impl Prep {
    /// Makes `history` ready; `cycle` observations make a season. `false` when it has no spread.
    pub(super) fn run(&mut self, history: &[f64], cycle: usize, out: &mut Prepared) -> bool {
        if self.cycle != cycle || self.seen > history.len() {
            *self =
                Self { cycle, plain: Scale::new(cycle), logarithmic: Scale::new(cycle), ..Self::default() };
        }
        self.absorb(history);
        out.logarithm = self.prefers_logarithm(history.len());
        let (base, scale) = if out.logarithm {
            (self.logs.as_slice(), &mut self.logarithmic)
        } else {
            (history, &mut self.plain)
        };
        let figures = scale.season.figures(base);
        out.season = figures.is_some().then_some(cycle);
        if let Some(figures) = figures {
            self.adjusted.clear();
            let years = base.chunks(cycle).flat_map(|year| year.iter().zip(figures));
            self.adjusted.extend(years.map(|(v, figure)| v - figure));
            let mad = mad_of_differences(&self.adjusted, &mut self.scratch);
            hampel::clean(&self.adjusted, NORMAL_CONSISTENCY * mad / std::f64::consts::SQRT_2, &mut out.x);
        } else {
            let sigma = scale.differences.spread().map_or(0.0, |s| s.sigma);
            hampel::clean(base, sigma / std::f64::consts::SQRT_2, &mut out.x);
        }
        centre(out)
    }

    /// The history on the scale that was read, season and outliers left in.
    pub(super) fn base<'a>(&'a self, history: &'a [f64], prepared: &Prepared) -> &'a [f64] {
        if prepared.logarithm { &self.logs } else { history }
    }

    fn absorb(&mut self, history: &[f64]) {
        let mut before = self.seen.checked_sub(1).and_then(|i| history.get(i)).copied();
        for this in history.iter().skip(self.seen) {
            self.plain.add(before, *this);
            // Logarithms end for good at the first value that has none.
            if self.logs.len() == self.seen && *this > 0.0 {
                let log = libm::log(*this);
                self.logarithmic.add(self.logs.last().copied(), log);
                self.log_sum += if self.logs.is_empty() { 0.0 } else { log };
                self.logs.push(log);
            }
            before = Some(*this);
            self.seen += 1;
        }
    }

    /// Laplace likelihood of the differences against that of the log differences, with the Jacobian (Box, Cox 1964).
    fn prefers_logarithm(&self, t: usize) -> bool {
        if t < LOG_MIN || self.logs.len() < t {
            return false;
        }
        let (Some(plain), Some(log)) =
            (self.plain.differences.mean_deviation(), self.logarithmic.differences.mean_deviation())
        else {
            return false;
        };
        let n = (t - 1) as f64;
        plain > 0.0 && log > 0.0 && n * libm::log(log) + self.log_sum + LOG_MARGIN < n * libm::log(plain)
    }
}

fn mad_of_differences(x: &[f64], scratch: &mut Vec<f64>) -> f64 {
    scratch.clear();
    scratch.extend(x.iter().zip(x.iter().skip(1)).map(|(before, this)| this - before));
    let Some(middle) = median_in_place(scratch) else { return 0.0 };
    scratch.iter_mut().for_each(|d| *d = (*d - middle).abs());
    median_in_place(scratch).unwrap_or(0.0)
}

/// Takes the mean off; `false` when nothing but rounding is left.
fn centre(out: &mut Prepared) -> bool {
    let t = out.x.len() as f64;
    out.mean = out.x.iter().sum::<f64>() / t;
    let mut squares = 0.0;
    let mut largest = 0.0;
    for v in &mut out.x {
        largest = if v.abs() > largest { v.abs() } else { largest };
        *v -= out.mean;
        squares += *v * *v;
    }
    out.variance = squares / t;
    let rounding = ROUNDING * largest;
    out.variance > 1e-300 && out.variance > rounding * rounding
}
