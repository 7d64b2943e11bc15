//! The models weighed against each other.

use super::alarm::{LINE_PENALTY, Model};
use super::judge::Past;
use super::scan::{Sink, Whitened};

/// The best change of each kind.
#[derive(Default)]
pub(super) struct Best {
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
    pub(super) null_line: bool,
}

impl Verdict {
    pub(super) fn of(
        whitened: &Whitened<'_>,
        best: &Best,
        past: &Past,
        t: usize,
        floor: f64,
    ) -> Option<Self> {
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
