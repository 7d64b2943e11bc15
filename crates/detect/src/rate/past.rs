//! What the past says about the rate and its overdispersion.

use serde::{Deserialize, Serialize};

/// One counted observation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Counted {
    pub(crate) index: usize,
    pub(crate) count: f64,
    pub(crate) exposure: f64,
}

/// Sums over observations older than the window: enough for moments, and no change in the window touches them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Past {
    pub(crate) len: usize,
    pub(crate) count: f64,
    pub(crate) exposure: f64,
    squares: f64,
    scaled_squares: f64,
    exposure_squares: f64,
    products: f64,
}

impl Past {
    pub(crate) fn add(&mut self, seen: Counted) {
        let Counted { count, exposure, .. } = seen;
        self.len += 1;
        self.count += count;
        self.exposure += exposure;
        self.squares += count * count;
        self.scaled_squares += count * count / exposure;
        self.exposure_squares += exposure * exposure;
        self.products += count * exposure;
    }

    /// Events per unit of exposure.
    pub(crate) fn rate(&self) -> Option<f64> {
        (self.exposure > 0.0).then(|| self.count / self.exposure)
    }

    /// Pearson's variance over mean around the past rate; 1 for Poisson counts.
    pub(crate) fn variance_ratio(&self) -> Option<f64> {
        let rate = self.rate().filter(|r| *r > 0.0 && self.len > 1)?;
        let pearson = self.scaled_squares / rate - self.count;
        Some(pearson / (self.len - 1) as f64)
    }

    /// Dispersion a of `variance = mean + a · mean²`, by moments, 0 when there is no excess.
    pub(crate) fn dispersion(&self) -> f64 {
        let Some(rate) = self.rate().filter(|r| *r > 0.0) else { return 0.0 };
        let spread = self.squares - 2.0 * rate * self.products + rate * rate * self.exposure_squares;
        let unbiased = spread * self.len as f64 / (self.len.max(2) - 1) as f64;
        ((unbiased - self.count) / (rate * rate * self.exposure_squares)).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_by_hand() {
        let mut past = Past::default();
        for (index, count) in [2.0, 4.0, 9.0, 1.0].into_iter().enumerate() {
            past.add(Counted { index, count, exposure: 2.0 });
        }
        // Mean 4 per observation, sample variance 38/3.
        assert_eq!(past.rate(), Some(2.0));
        assert!((past.variance_ratio().unwrap() - 38.0 / 3.0 / 4.0).abs() < 1e-12);
        assert!((past.dispersion() - (38.0 / 3.0 - 4.0) / 16.0).abs() < 1e-12);
    }
}
