//! One step of the scan: read the history, weigh the models, decide.

use serde::{Deserialize, Serialize};

use super::alarm::{GlsAlarm, Model};
use super::config::{GlsConfig, Mode};
use super::cycle::Lags;
use super::guards::{Proposal, Sums, large, material, novel, still_there};
use super::ols::{Change, Line};
use super::phi::{Products, whitened_squares};
use super::prep::{Prep, Prepared};
use super::scan::Whitened;
use super::weigh::{Best, Verdict};
use super::{Reading, report};

/// Observations before which nothing is read.
pub(super) const SHORTEST: usize = 6;
/// Shortest segment that is scanned.
const SEGMENT_MIN: usize = 4;
/// Observations that a change must have behind it.
const AFTER_MIN: usize = 4;
/// Shortest closed segment that is read as a line.
const CLOSED_LINE_MIN: usize = 4;
/// Noise variance is never taken below this share of the whole variance.
const NOISE_FLOOR: f64 = 1e-10;

/// What is carried from one observation to the next, besides the history.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Segments {
    /// First index of the open segment.
    pub(super) start: usize,
    /// Segments closed by a change: end, and whether read as a line.
    closed: Vec<(usize, bool)>,
    pub(super) phi: f64,
    pub(super) phi_upper: f64,
}

/// Working memory; holds nothing that the history does not give.
#[derive(Clone, Debug, Default)]
pub(super) struct Judge {
    prep: Prep,
    prepared: Prepared,
    whitened: Vec<f64>,
    residuals: Vec<f64>,
    sums: Sums,
    lags: Lags,
    earlier: Vec<usize>,
}

/// The closed segments, fitted anew.
pub(super) struct Past {
    pub(super) squares: f64,
    pub(super) parameters: f64,
    products: Products,
}

impl Judge {
    pub(super) fn step(
        &mut self,
        config: &GlsConfig,
        history: &[f64],
        segments: &mut Segments,
    ) -> (Option<Reading>, Option<GlsAlarm>) {
        let t = history.len();
        if t < SHORTEST || !self.prep.run(history, config.calendar.cycle(), &mut self.prepared) {
            return (None, None);
        }
        let all = self.prepared.x.as_slice();
        let Some(x) = all.get(segments.start..).filter(|x| x.len() >= SEGMENT_MIN) else {
            return (None, None);
        };
        let past = Past::fit(all, segments, &mut self.residuals);
        let Some(whitened) = Whitened::new(x, segments.phi_upper, &mut self.whitened) else {
            return (None, None);
        };
        let mut best = Best::default();
        whitened.each(&mut best);
        let floor = NOISE_FLOOR * self.prepared.variance;
        let Some(verdict) = Verdict::of(&whitened, &best, &past, t, floor) else { return (None, None) };
        let Some(change) = Change::fit(x, verdict.model, verdict.onset) else { return (None, None) };
        self.residuals.clear();
        change.residuals(x, &mut self.residuals);

        let phi = segments.phi_upper;
        let mut products = past.products;
        products.add(&self.residuals);
        let parameters = past.parameters + verdict.model.parameters();
        let next = products.phi(parameters, t);
        (segments.phi_upper, segments.phi) = (next.upper, next.estimate);

        let onset_index = segments.start + verdict.onset;
        let threshold = config.mode.threshold(phi);
        let level = change.after.at(x.len() - 1);
        let reading = Reading {
            statistic: verdict.statistic,
            threshold,
            model: verdict.model,
            onset_index,
            sigma: products.sigma(parameters, t) * self.prepared.unit_at(level),
        };
        if t < config.warm_up || verdict.statistic <= threshold || t - onset_index < AFTER_MIN {
            return (Some(reading), None);
        }
        let with: f64 = self.residuals.iter().map(|r| r * r).sum();
        let without = Line::base(x, verdict.null_line).rss(x);
        let (Some(last), Some(last_residual), Some(before)) =
            (x.last(), self.residuals.last(), x.get(..verdict.onset))
        else {
            return (Some(reading), None);
        };
        self.earlier.clear();
        self.earlier.extend(segments.closed.iter().map(|(end, _)| *end));
        let proposal = Proposal {
            start: segments.start,
            onset: onset_index,
            bends: verdict.model.bends(),
            earlier: &self.earlier,
        };
        let freedom = (x.len() as f64 - verdict.model.parameters()).max(1.0);
        let sigma = (with / freedom).max(floor).sqrt();
        let large = verdict.model == Model::StepOnTrend && large(change.jump(), sigma);
        let fires = (large || material(without, with, t, self.prepared.variance))
            && (verdict.model != Model::Step || still_there(before, *last, *last_residual))
            && novel(all, self.prepared.variance, &proposal, &mut self.sums)
            && {
                let height = |i| change.after.at(i) - change.before.at(i);
                let base = self.prep.base(history, &self.prepared);
                self.lags.catch_up(base, self.prepared.logarithm, &self.earlier);
                let cycle = self.lags.cycle().filter(|cycle| !self.prepared.took_off(*cycle));
                cycle.is_none_or(|cycle| self.lags.beyond(base, cycle, &proposal, threshold, height))
            };
        if !fires {
            return (Some(reading), None);
        }
        let found = report::describe(&report::Find {
            prepared: &self.prepared,
            segment: x,
            start: segments.start,
            whitened: &whitened,
            verdict: &verdict,
            change: &change,
            sigma,
            threshold,
            phi,
            late_after: Mode::FRESH,
        });
        segments.closed.push((onset_index, verdict.model.on_line()));
        segments.start = onset_index;
        (Some(reading), Some(found))
    }
}

impl Past {
    fn fit(all: &[f64], segments: &Segments, residuals: &mut Vec<f64>) -> Self {
        let mut past = Self { squares: 0.0, parameters: 0.0, products: Products::default() };
        let mut start = 0;
        for &(end, line) in &segments.closed {
            let Some(x) = all.get(start..end) else { break };
            let line = line && x.len() >= CLOSED_LINE_MIN;
            residuals.clear();
            Line::base(x, line).residuals(x, residuals);
            past.squares += whitened_squares(residuals, segments.phi_upper);
            past.products.add(residuals);
            past.parameters += if line { 2.0 } else { 1.0 };
            start = end;
        }
        past
    }
}
