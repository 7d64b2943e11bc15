//! A find in words of the series: size, direction, interval.

use super::alarm::{GlsAlarm, Model};
use super::ols::Change;
use super::prep::Prepared;
use super::scan::{Sink, Whitened};
use super::weigh::Verdict;
use crate::{Alarm, Direction};

/// Log likelihood ratio of the ends of a 95 % interval: half the 95 % point of χ²(1).
const WITHIN: f64 = 1.92;

pub(super) struct Find<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) segment: &'a [f64],
    pub(super) start: usize,
    pub(super) whitened: &'a Whitened<'a>,
    pub(super) verdict: &'a Verdict,
    pub(super) change: &'a Change,
    /// Standard deviation of the residuals of the change.
    pub(super) sigma: f64,
    pub(super) threshold: f64,
    pub(super) phi: f64,
    /// Observations after the onset beyond which a find is late.
    pub(super) late_after: usize,
}

pub(super) fn describe(find: &Find<'_>) -> GlsAlarm {
    let Find { prepared, verdict, change, start, .. } = *find;
    let last = find.segment.len() - 1;
    let (onset_index, alarm_index) = (start + verdict.onset, start + last);
    let (was, is) = (change.before.at(last), change.after.at(last));
    let (slope_was, slope_is) = (change.before.slope(), change.after.slope());
    let slope_change = if prepared.logarithm {
        prepared.value(change.after.at(verdict.onset)) * (libm::expm1(slope_is) - libm::expm1(slope_was))
    } else {
        slope_is - slope_was
    };
    let (onset_low, onset_high) = Interval::of(find.whitened, verdict);
    GlsAlarm {
        alarm: Alarm {
            kind: verdict.model.kind(),
            alarm_index,
            onset_index,
            direction: if is < was { Direction::Down } else { Direction::Up },
            size: prepared.value(is) - prepared.value(was),
            sigmas: (is - was) / find.sigma,
            statistic: verdict.statistic,
            threshold: find.threshold,
        },
        model: verdict.model,
        onset_low: start + onset_low,
        onset_high: start + onset_high,
        slope_change,
        phi: find.phi,
        logarithm: prepared.logarithm,
        late: alarm_index - onset_index > find.late_after,
    }
}

/// Onsets whose profile likelihood, over all models of change, is near the best.
struct Interval<'a> {
    verdict: &'a Verdict,
    low: usize,
    high: usize,
}

impl<'a> Interval<'a> {
    fn of(whitened: &Whitened<'_>, verdict: &'a Verdict) -> (usize, usize) {
        let mut interval = Self { verdict, low: verdict.onset, high: verdict.onset };
        whitened.each(&mut interval);
        (interval.low, interval.high)
    }
}

impl Sink for Interval<'_> {
    fn offer(&mut self, model: Model, onset: usize, rss: f64) {
        let Verdict { sigma2, nu, cost, .. } = *self.verdict;
        let loss = rss / sigma2 + model.penalty() - cost;
        if nu * libm::log1p(loss.max(0.0) / nu) <= 2.0 * WITHIN {
            self.low = self.low.min(onset);
            self.high = self.high.max(onset);
        }
    }
}
