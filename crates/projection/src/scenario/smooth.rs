//! With hindsight: what each quarter looks like from the end.

use super::{Filtered, Model, Moment, normalised};

/// Probabilities of each quarter given everything seen up to the filter's moment (forward–backward, Rabiner 1989). The
/// last one is the filter's own.
pub fn smooth(model: &Model, filtered: &Filtered, until: Moment) -> Vec<Vec<f64>> {
    let mut backward = vec![1.0; model.len()];
    let mut out: Vec<Vec<f64>> = Vec::with_capacity(filtered.quarters.len());
    for (n, quarter) in filtered.quarters.iter().enumerate().rev() {
        let both: Vec<f64> = quarter.posterior.iter().zip(&backward).map(|(a, b)| a * b).collect();
        out.push(normalised(&both));
        let share = if n + 1 == filtered.quarters.len() { until.share.clamp(0.0, 1.0) } else { 1.0 };
        // What this quarter's readings and all after it say, seen from the quarter before.
        let mut ahead = backward;
        for report in &quarter.reports {
            for (b, l) in ahead.iter_mut().zip(&report.likelihood) {
                *b *= libm::pow(*l, report.share);
            }
        }
        backward = ahead
            .iter()
            .zip(&model.transition)
            .map(|(stay, row)| {
                let moves: f64 = row.iter().zip(&ahead).map(|(p, b)| p * b).sum();
                (1.0 - share) * stay + share * moves
            })
            .collect();
        // Only ratios count.
        backward = normalised(&backward);
    }
    out.reverse();
    out
}
