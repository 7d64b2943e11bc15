//! Distributions of what a measure will read.

use bellwether_model::question::Comparison;
use serde::{Deserialize, Serialize};

use super::score::{crps_lognormal, crps_normal, crps_weighted, normal_cdf};

/// A predictive distribution, in the unit of the measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// Normal.
    Normal {
        /// Mean.
        mu: f64,
        /// Standard deviation.
        sigma: f64,
    },
    /// Of which the logarithm is normal.
    LogNormal {
        /// Mean of the logarithm.
        mu: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
    /// Values with weights: an ensemble, or the numbers that a count can take.
    Weighted(Vec<(f64, f64)>),
}

impl Distribution {
    /// Equally likely values; `None` when there are none.
    pub fn ensemble(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let values: Vec<(f64, f64)> = values.into_iter().map(|x| (x, 1.0)).collect();
        (!values.is_empty()).then_some(Self::Weighted(values))
    }

    /// Probability that the comparison with `bound` will hold.
    pub fn probability(&self, comparison: Comparison, bound: f64) -> f64 {
        let below = |mu: f64, sigma: f64, x: f64| match sigma > 0.0 {
            true => normal_cdf((x - mu) / sigma),
            false => f64::from(u8::from(mu < x)),
        };
        let up = comparison.upward();
        match self {
            Self::Normal { mu, sigma } => {
                let below = below(*mu, *sigma, bound);
                if up { 1.0 - below } else { below }
            }
            Self::LogNormal { mu, sigma } => {
                let below = if bound > 0.0 { below(*mu, *sigma, libm::log(bound)) } else { 0.0 };
                if up { 1.0 - below } else { below }
            }
            Self::Weighted(values) => {
                let total: f64 = values.iter().map(|(_, w)| w).sum();
                let holding: f64 =
                    values.iter().filter(|(x, _)| comparison.holds(*x, bound)).map(|(_, w)| w).sum();
                if total > 0.0 { holding / total } else { 0.0 }
            }
        }
    }

    /// Continuous ranked probability score against what was read.
    pub fn crps(&self, y: f64) -> Option<f64> {
        match self {
            Self::Normal { mu, sigma } => Some(crps_normal(y, *mu, *sigma)),
            Self::LogNormal { mu, sigma } => Some(crps_lognormal(y, *mu, *sigma)),
            Self::Weighted(values) => crps_weighted(y, values),
        }
    }

    /// Value that is not exceeded with probability `level`.
    pub fn quantile(&self, level: f64) -> Option<f64> {
        match self {
            Self::Normal { mu, sigma } => Some(mu + sigma * normal_quantile(level)),
            Self::LogNormal { mu, sigma } => Some(libm::exp(mu + sigma * normal_quantile(level))),
            Self::Weighted(values) => {
                let mut sorted = values.clone();
                sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
                let total: f64 = sorted.iter().map(|(_, w)| w).sum();
                let mut below = 0.0;
                let reached = sorted.iter().find(|(_, w)| {
                    below += w / total;
                    below >= level - 1e-12
                });
                reached.or(sorted.last()).map(|(x, _)| *x)
            }
        }
    }
}

/// Inverse of the standard normal distribution function, by bisection to 1e-12.
fn normal_quantile(level: f64) -> f64 {
    let (mut low, mut high) = (-9.0_f64, 9.0_f64);
    for _ in 0..64 {
        let middle = 0.5 * (low + high);
        if normal_cdf(middle) < level {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}
