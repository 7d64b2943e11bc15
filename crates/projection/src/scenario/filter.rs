//! Forward through the quarters: drift, then what was seen; and who moved what.

use super::{Model, Seen, logit, normalised, shares, tempered};

/// A moment of the filter: in which quarter, and how much of it has passed, 0–1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Quarters since the start.
    pub quarter: u32,
    /// Share of the quarter that has passed.
    pub share: f64,
}

/// One reading and what it weighed.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The reading.
    pub seen: Seen,
    /// Tempered likelihood by scenario.
    pub likelihood: Vec<f64>,
    /// Exponent: its share of the cluster's one report, less what other reports of its group have said.
    pub share: f64,
    /// By scenario, the change of log-odds that it made when it was read.
    pub moved: Vec<f64>,
}

/// One quarter.
#[derive(Clone, Debug, PartialEq)]
pub struct Quarter {
    /// Probabilities by the transition alone.
    pub predicted: Vec<f64>,
    /// What was seen in it, by signal.
    pub reports: Vec<Report>,
    /// Probabilities after that.
    pub posterior: Vec<f64>,
}

/// What moved one scenario from its prior; everything adds to the move.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moved {
    /// By the transition.
    pub transition: f64,
    /// By signal: what its readings still weigh.
    pub signals: Vec<f64>,
}

/// The filter at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Filtered {
    /// Probability of each scenario.
    pub posterior: Vec<f64>,
    /// By scenario.
    pub moved: Vec<Moved>,
    /// From the start to the moment.
    pub quarters: Vec<Quarter>,
}

/// Runs the filter to a moment; before the start (`None`) nothing has moved.
///
/// Readings may come in any order; several of one signal in one quarter are one, the greatest of them in the order of
/// [`Seen`]: the caller keeps the one that counts. Readings after the moment are not read. Older evidence fades: with
/// b the path of the transition alone, the distance of each quarter's start from b shrinks by the drift, and each
/// signal's part with it; what the drift does between scenarios beyond that is the transition's own part.
pub fn filter(model: &Model, seen: &[Seen], until: Option<Moment>) -> Filtered {
    let mut p = normalised(&model.prior);
    let mut alone = p.clone();
    let prior: Vec<f64> = p.iter().map(|x| logit(*x)).collect();
    let mut signals = vec![vec![0.0; model.signals.len()]; model.len()];
    let mut quarters = Vec::new();
    let mut sorted = seen.to_vec();
    sorted.sort_unstable();
    for (quarter, share) in until.into_iter().flat_map(steps) {
        let predicted = model.drift(&p, share);
        let alone_after = model.drift(&alone, share);
        let kept = kept(&p, &alone, &predicted, &alone_after);
        signals.iter_mut().flatten().for_each(|part| *part *= kept);
        let reports = reports(model, &one_a_signal(&sorted, quarter), &predicted);
        let mut posterior = predicted.clone();
        for report in &reports {
            posterior = updated(&posterior, report);
            for (parts, moved) in signals.iter_mut().zip(&report.moved) {
                if let Some(part) = parts.get_mut(report.seen.signal) {
                    *part += moved;
                }
            }
        }
        (p, alone) = (posterior.clone(), alone_after);
        quarters.push(Quarter { predicted, reports, posterior });
    }
    let moved = signals.into_iter().zip(&prior).zip(&p).map(|((signals, prior), p)| {
        // What no signal did, the transition did.
        Moved { transition: logit(*p) - prior - signals.iter().sum::<f64>(), signals }
    });
    Filtered { moved: moved.collect(), posterior: p, quarters }
}

fn steps(until: Moment) -> impl Iterator<Item = (u32, f64)> {
    (0..until.quarter).map(|q| (q, 1.0)).chain([(until.quarter, until.share.clamp(0.0, 1.0))])
}

/// Readings of a quarter, one a signal.
pub(super) fn one_a_signal(sorted: &[Seen], quarter: u32) -> Vec<Seen> {
    let from = sorted.partition_point(|s| s.quarter < quarter);
    let inside = sorted.iter().skip(from).take_while(|s| s.quarter == quarter);
    let mut out: Vec<Seen> = Vec::new();
    for seen in inside {
        match out.last_mut().filter(|last| last.signal == seen.signal) {
            Some(last) => *last = *seen,
            None => out.push(*seen),
        }
    }
    out
}

fn reports(model: &Model, seen: &[Seen], predicted: &[f64]) -> Vec<Report> {
    let mut p = predicted.to_vec();
    let mut out = Vec::with_capacity(seen.len());
    for (seen, share) in seen.iter().zip(shares(model, seen)) {
        let likelihood = tempered(model, seen);
        let mut report = Report { seen: *seen, likelihood, share, moved: Vec::new() };
        let after = updated(&p, &report);
        report.moved = after.iter().zip(&p).map(|(a, b)| logit(*a) - logit(*b)).collect();
        p = after;
        out.push(report);
    }
    out
}

/// Bayes' rule with a likelihood raised to its share.
fn updated(p: &[f64], report: &Report) -> Vec<f64> {
    let most = report.likelihood.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let weighed = p.iter().zip(&report.likelihood).map(|(p, l)| p * libm::pow(l / most, report.share));
    normalised(&weighed.collect::<Vec<_>>())
}

/// Share of the distance from the transition's own path that a drift leaves, 0–1.
fn kept(p: &[f64], alone: &[f64], after: &[f64], alone_after: &[f64]) -> f64 {
    let far = |p: &[f64], b: &[f64]| p.iter().zip(b).map(|(p, b)| (logit(*p) - logit(*b)).abs()).sum::<f64>();
    let before = far(p, alone);
    if before > 0.0 { (far(after, alone_after) / before).min(1.0) } else { 1.0 }
}
