//! The AR(1) coefficient, estimated under the alternative.
//!
//! A change left in the residuals looks like autocorrelation, so φ comes from the best change model: that keeps the
//! power. The upper confidence limit, not the estimate, whitens the next step: that keeps the false alarms.

/// Standard errors above the estimate.
const CONFIDENCE: f64 = 1.5;
const CAP: f64 = 0.95;

/// Σ r[i] r[i−1] and Σ r[i]², not across segment starts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Products {
    lagged: f64,
    squares: f64,
}

impl Products {
    /// Adds the residuals of one segment.
    pub(super) fn add(&mut self, residuals: &[f64]) {
        for r in residuals {
            self.squares += r * r;
        }
        for (before, this) in residuals.iter().zip(residuals.iter().skip(1)) {
            self.lagged += this * before;
        }
    }

    /// Standard deviation of the residuals.
    pub(super) fn sigma(self, parameters: f64, t: usize) -> f64 {
        (self.squares / (t as f64 - parameters).max(1.0)).sqrt()
    }

    /// Estimate and upper limit from `t` observations and `parameters` of the mean.
    ///
    /// The bias of the lag-one estimate, −(P + 2Pφ)/t for P parameters, is put back (Marriott, Pope 1954; Kendall
    /// 1954), negative estimates count as 0.
    pub(super) fn phi(self, parameters: f64, t: usize) -> Phi {
        let t = t as f64;
        let raw = if self.squares > 0.0 { self.lagged / self.squares } else { 0.0 };
        let estimate = (raw + parameters * (1.0 + 2.0 * raw.max(0.0)) / t).max(0.0);
        let upper = if estimate < 1.0 {
            estimate + CONFIDENCE * ((1.0 - estimate * estimate) / t).sqrt()
        } else {
            estimate
        };
        Phi { estimate: estimate.min(CAP), upper: upper.min(CAP) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Phi {
    pub(super) estimate: f64,
    pub(super) upper: f64,
}

/// Residual sum of squares of one whitened segment, from its residuals.
pub(super) fn whitened_squares(residuals: &[f64], phi: f64) -> f64 {
    let first = residuals.first().map_or(0.0, |r| r * r * (1.0 - phi * phi));
    let rest = residuals.iter().zip(residuals.iter().skip(1)).map(|(before, this)| this - phi * before);
    first + rest.map(|e| e * e).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_noise_gets_the_upper_limit_of_nothing() {
        let mut products = Products::default();
        products.add(&[1.0, -1.0, 1.0, -1.0]);
        let phi = products.phi(0.0, 100);
        assert_eq!(phi.estimate, 0.0);
        assert!((phi.upper - 0.15).abs() < 1e-12);
    }

    #[test]
    fn a_random_walk_is_capped() {
        let mut products = Products::default();
        products.add(&[10.0; 50]);
        assert_eq!(products.phi(2.0, 50), Phi { estimate: CAP, upper: CAP });
    }
}
