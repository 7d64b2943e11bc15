//! A predictive distribution as a sample.

use serde::{Deserialize, Serialize};

/// Why there is no model of a measure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Measure.
    pub id: String,
    /// What is wanting, in words.
    pub reason: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no model of {}: {}", self.id, self.reason)
    }
}

impl std::error::Error for Refusal {}

/// What a measure may be at a date, as known in a view: equally likely values, in the measure's unit.
///
/// All readings are order statistics of the sample, so they are monotone: a higher threshold is never more probable, a
/// higher quantile never lower. Probabilities are never 0 and never 1: (k + ½) / (n + 1) of n paths (Krichevsky,
/// Trofimov 1981).
#[derive(Clone, Debug, PartialEq)]
pub struct Predictive {
    /// Measure.
    pub id: String,
    /// The values are floors: more may have happened than the sources were asked for.
    pub floor: bool,
    /// The period that the date asks for is over and known in the view: nothing is left to forecast.
    pub known: bool,
    pub(super) at: Vec<f64>,
    pub(super) highest: Vec<f64>,
    pub(super) lowest: Vec<f64>,
}

impl Predictive {
    pub(super) fn new(id: &str, floor: bool, known: bool, mut paths: [Vec<f64>; 3]) -> Self {
        paths.iter_mut().for_each(|list| list.sort_unstable_by(f64::total_cmp));
        let [at, highest, lowest] = paths;
        Self { id: id.to_owned(), floor, known, at, highest, lowest }
    }

    /// The sample, ascending.
    pub fn sample(&self) -> &[f64] {
        &self.at
    }

    /// Smallest value of the sample that at least the share `p` of it does not exceed. `p` is cut to 0–1.
    pub fn quantile(&self, p: f64) -> f64 {
        quantile(&self.at, p)
    }

    /// P(value ≥ threshold) at the date.
    pub fn at_least(&self, threshold: f64) -> f64 {
        1.0 - share_below(&self.at, |v| v < threshold)
    }

    /// P(value ≤ threshold) at the date.
    pub fn at_most(&self, threshold: f64) -> f64 {
        share_below(&self.at, |v| v <= threshold)
    }

    /// P(value ≥ threshold at any period end after the view, up to the date).
    pub fn ever_at_least(&self, threshold: f64) -> f64 {
        1.0 - share_below(&self.highest, |v| v < threshold)
    }

    /// P(value ≤ threshold at any period end after the view, up to the date).
    pub fn ever_at_most(&self, threshold: f64) -> f64 {
        share_below(&self.lowest, |v| v <= threshold)
    }
}

/// Order statistic of an ascending sample; 0 of none.
pub(super) fn quantile(sample: &[f64], p: f64) -> f64 {
    let n = sample.len();
    // The product is a float below 2^53, so the cast is exact.
    let rank = (p.clamp(0.0, 1.0) * n as f64 - 1e-9).ceil().max(1.0) as usize;
    sample.get(rank.min(n).wrapping_sub(1)).copied().unwrap_or_default()
}

fn share_below(sample: &[f64], below: impl Fn(f64) -> bool) -> f64 {
    let count = sample.partition_point(|v| below(*v));
    (count as f64 + 0.5) / (sample.len() as f64 + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_statistics() {
        let p = Predictive::new("x", false, false, [vec![3.0, 1.0, 2.0, 4.0], vec![5.0; 4], vec![0.0; 4]]);
        assert_eq!([0.0, 0.25, 0.26, 0.5, 1.0].map(|q| p.quantile(q)), [1.0, 1.0, 2.0, 2.0, 4.0]);
        assert_eq!((p.at_least(3.0), p.at_most(3.0)), (1.0 - 2.5 / 5.0, 3.5 / 5.0));
        assert_eq!((p.ever_at_least(5.0), p.ever_at_most(-1.0)), (0.9, 0.1));
    }
}
