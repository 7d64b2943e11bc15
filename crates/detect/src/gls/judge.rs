//! One step of the scan: read the history, weigh the models, decide.

use serde::{Deserialize, Serialize};

use super::alarm::{GlsAlarm, LINE_PENALTY, Model};
use super::config::{GlsConfig, Mode};
use super::guards::{Proposal, Sums, large, material, novel, still_there};
use super::ols::{Change, Line};
use super::phi::{Products, whitened_squares};
use super::prep::{Prep, Prepared};
use super::scan::{Sink, Whitened};
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
    earlier: Vec<usize>,
}

/// The closed segments, fitted anew.
struct Past {
    squares: f64,
    parameters: f64,
    products: Products,
}

/// The best change of each kind.
#[derive(Default)]
struct Best {
    step: Option<(f64, usize)>,
    step_on_trend: Option<(f64, usize)>,
    kink: Option<(f64, usize)>,
    both: Option<(f64, usize)>,
}

impl Sink for Best {
    #[inline]
    fn offer(&mut self, model: Model, onset: usize, rss: f64) {
        let best = match model {
            Model::Step => &mut self.step,
            Model::StepOnTrend => &mut self.step_on_trend,
            Model::Kink => &mut self.kink,
            Model::Both => &mut self.both,
        };
        if best.is_none_or(|(least, _)| rss < least) {
            *best = Some((rss, onset));
        }
    }
}

/// The models weighed.
pub(super) struct Verdict {
    pub(super) sigma2: f64,
    /// Degrees of freedom of the noise.
    pub(super) nu: f64,
    /// Penalised cost of the best change.
    pub(super) cost: f64,
    pub(super) model: Model,
    /// Onset in the segment.
    pub(super) onset: usize,
    pub(super) statistic: f64,
    /// Whether the best null is a line.
    null_line: bool,
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
            && novel(all, self.prepared.variance, &proposal, &mut self.sums);
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

impl Verdict {
    fn of(whitened: &Whitened<'_>, best: &Best, past: &Past, t: usize, floor: f64) -> Option<Self> {
        let t = t as f64;
        let line = whitened.line();
        let changes = [
            best.step.map(|b| (Model::Step, b)),
            best.step_on_trend.map(|b| (Model::StepOnTrend, b)),
            best.kink.map(|b| (Model::Kink, b)),
            best.both.map(|b| (Model::Both, b)),
        ];
        let (mut least, mut parameters) = (whitened.level, 1.0);
        let bases = line.map(|rss| (rss, 2.0)).into_iter();
        for (rss, p) in bases.chain(changes.iter().flatten().map(|(m, (rss, _))| (*rss, m.parameters()))) {
            if rss < least {
                (least, parameters) = (rss, p);
            }
        }
        let freedom = |p: f64| (t - past.parameters - p - 1.0).max(1.0);
        let sigma2 = ((past.squares + least.max(0.0)) / freedom(parameters)).max(floor);
        let level_cost = whitened.level / sigma2;
        let line_cost = line.map(|rss| rss / sigma2 + LINE_PENALTY).filter(|cost| *cost < level_cost);
        let (mut cost, mut chosen) = (f64::INFINITY, None);
        for (model, (rss, onset)) in changes.into_iter().flatten() {
            let candidate = rss / sigma2 + model.penalty();
            if candidate < cost {
                (cost, chosen) = (candidate, Some((model, onset)));
            }
        }
        let (model, onset) = chosen?;
        let nu = freedom(model.parameters());
        let gain = (line_cost.unwrap_or(level_cost) - cost).max(0.0);
        let statistic = nu * libm::log1p(gain / nu);
        Some(Self { sigma2, nu, cost, model, onset, statistic, null_line: line_cost.is_some() })
    }
}
