//! The noise level, given or learnt from the first observations.

use serde::{Deserialize, Serialize};

use crate::robust::median;

/// Standard deviation of the noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Scale {
    Known(f64),
    Learning { sample: Vec<f64>, wanted: usize },
}

impl Scale {
    pub(crate) fn new(sigma: Option<f64>, wanted: usize) -> Self {
        match sigma.filter(|s| s.is_finite() && *s > 0.0) {
            Some(sigma) => Self::Known(sigma),
            None => Self::Learning { sample: Vec::new(), wanted: wanted.max(3) },
        }
    }

    pub(crate) fn sigma(&self) -> Option<f64> {
        match self {
            Self::Known(sigma) => Some(*sigma),
            Self::Learning { .. } => None,
        }
    }

    /// Reads one more observation while learning.
    #[inline]
    pub(crate) fn observe(&mut self, value: f64) {
        if let Self::Learning { sample, wanted } = self {
            sample.push(value);
            if sample.len() >= *wanted {
                match of_differences(sample) {
                    Some(sigma) => *self = Self::Known(sigma),
                    // A constant feed has no noise level yet: wait for one that moves.
                    None => sample.clear(),
                }
            }
        }
    }
}

/// From first differences, which a step inside the sample moves once only: scaled MAD, else the plain root mean
/// square when most differences are equal. `None` when nothing moves.
fn of_differences(sample: &[f64]) -> Option<f64> {
    let steps: Vec<f64> = sample.windows(2).filter_map(|w| Some(w.last()? - w.first()?)).collect();
    let sizes: Vec<f64> = steps.iter().map(|d| d.abs()).collect();
    let robust = 1.4826 * median(&sizes)?;
    let plain = (sizes.iter().map(|d| d * d).sum::<f64>() / sizes.len() as f64).sqrt();
    let sigma = if robust > 0.0 { robust } else { plain };
    (sigma > 0.0 && sigma.is_finite()).then_some(sigma / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_in_the_sample_does_not_widen_the_noise() {
        let mut still = Scale::new(None, 20);
        let mut stepped = Scale::new(None, 20);
        for i in 0..20 {
            let noise = f64::from(i * 7 % 5);
            still.observe(noise);
            stepped.observe(noise + if i < 10 { 0.0 } else { 1000.0 });
        }
        assert!(still.sigma().unwrap() * 2.0 > stepped.sigma().unwrap());
    }

    #[test]
    fn a_constant_sample_gives_no_scale() {
        let mut scale = Scale::new(None, 5);
        (0..50).for_each(|_| scale.observe(3.0));
        assert_eq!(scale.sigma(), None);
        (0..5).for_each(|i| scale.observe(f64::from(i)));
        assert!(scale.sigma().is_some());
    }
}
