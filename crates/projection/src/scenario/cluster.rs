//! Repeats weigh as one report.

use super::{Model, Seen, reliability};

/// A reading believed less than this share of the best one in its cluster is outranked: it does not dilute it.
const OUTRANKED: f64 = 0.5;

/// Exponent of each reading of one quarter; those of one cluster add to 1.
///
/// A cluster is what the signals of one group say about one quarter: the framework puts signals into a group because they
/// repeat each other, whoever publishes them. Its readings share one report's weight by how far they are believed, and
/// those well below the best are set aside, so that many poor echoes neither add to a good report nor drown it.
pub fn shares(model: &Model, seen: &[Seen]) -> Vec<f64> {
    let group = |s: &Seen| model.signals.get(s.signal).map_or(usize::MAX, |signal| signal.group);
    let trust: Vec<(usize, f64)> = seen.iter().map(|s| (group(s), reliability(model, s))).collect();
    trust
        .iter()
        .map(|(own, r)| {
            let cluster = || trust.iter().filter(|(g, _)| g == own).map(|(_, r)| *r);
            let least = OUTRANKED * cluster().fold(0.0, f64::max);
            if *r <= 0.0 || *r < least {
                return 0.0;
            }
            r / cluster().filter(|r| *r >= least).sum::<f64>()
        })
        .collect()
}
