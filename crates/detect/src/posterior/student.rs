//! Normal data with unknown mean and variance, by run length.

use serde::{Deserialize, Serialize};

/// Normal-inverse-gamma belief about a run's mean and variance (Murphy 2007, "Conjugate Bayesian analysis of the
/// Gaussian distribution").
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Belief {
    pub(crate) mean: f64,
    /// Observations that the mean is worth.
    pub(crate) weight: f64,
    /// Half of those that the variance is worth.
    pub(crate) shape: f64,
    pub(crate) scale: f64,
}

impl Belief {
    /// The belief after one more observation.
    pub(crate) fn after(self, value: f64) -> Self {
        let off = value - self.mean;
        let weight = self.weight + 1.0;
        Self {
            mean: self.mean + off / weight,
            weight,
            shape: self.shape + 0.5,
            scale: self.scale + off * off * self.weight / (2.0 * weight),
        }
    }

    /// Logarithm of the Student-t predictive density. `constant` is [`constant`] of this shape.
    pub(crate) fn log_density(&self, value: f64, constant: f64) -> f64 {
        let off = value - self.mean;
        let spread = 2.0 * self.scale * (self.weight + 1.0) / self.weight;
        constant - 0.5 * libm::log(spread) - (self.shape + 0.5) * libm::log1p(off * off / spread)
    }
}

/// The part of the log density that depends on the shape alone.
pub(crate) fn constant(shape: f64) -> f64 {
    libm::lgamma(shape + 0.5) - libm::lgamma(shape) - 0.5 * libm::log(std::f64::consts::PI)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_density_integrates_to_one() {
        let belief = Belief { mean: 1.0, weight: 0.3, shape: 2.0, scale: 3.0 };
        let at = |i: i32| libm::exp(belief.log_density(f64::from(i) / 50.0, constant(2.0))) / 50.0;
        assert!(((-20_000..20_000).map(at).sum::<f64>() - 1.0).abs() < 1e-4);
    }

    #[test]
    fn updates_do_not_depend_on_the_order() {
        let prior = Belief { mean: 0.0, weight: 0.1, shape: 2.0, scale: 1.0 };
        let (a, b) = (prior.after(3.0).after(-1.0), prior.after(-1.0).after(3.0));
        assert!((a.mean - b.mean).abs() < 1e-15 && (a.scale - b.scale).abs() < 1e-12);
    }
}
