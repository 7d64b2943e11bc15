//! Seeded draws: ChaCha8 and the transformations on it, with `libm` only, so that equal seeds give equal bytes anywhere.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::tilt::normal_quantile;

/// Means from which a Poisson draw is made by rejection rather than by counting.
const LARGE: f64 = 10.0;

/// A stream of draws.
pub(super) struct Draw {
    rng: ChaCha8Rng,
}

impl Draw {
    /// The stream of a name: the same name gives the same draws.
    pub(super) fn named(name: &str) -> Self {
        let seed = blake3::hash(format!("bellwether outlook 1|{name}").as_bytes());
        Self { rng: ChaCha8Rng::from_seed(*seed.as_bytes()) }
    }

    /// Uniform on the open unit interval.
    pub(super) fn uniform(&mut self) -> f64 {
        ((self.rng.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Standard normal, by the inverse of its distribution: a division where other ways take logarithms.
    pub(super) fn normal(&mut self) -> f64 {
        normal_quantile(self.uniform())
    }

    /// Gamma of unit scale (Marsaglia, Tsang 2000); shapes below 1 through the boost of one.
    pub(super) fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = libm::pow(self.uniform(), 1.0 / shape.max(1e-6));
            return self.gamma(shape + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let t = 1.0 + c * x;
            if t <= 0.0 {
                continue;
            }
            let v = t * t * t;
            if libm::log(self.uniform()) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return d * v;
            }
        }
    }

    /// Poisson: Knuth's product for small means, PTRS (Hörmann 1993) for others.
    pub(super) fn poisson(&mut self, mean: f64) -> f64 {
        if mean <= 0.0 {
            return 0.0;
        }
        if mean < LARGE {
            let least = libm::exp(-mean);
            let (mut product, mut count) = (self.uniform(), 0.0);
            while product > least {
                product *= self.uniform();
                count += 1.0;
            }
            return count;
        }
        let b = 0.931 + 2.53 * mean.sqrt();
        let a = -0.059 + 0.02483 * b;
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        let (log_mean, fast) = (libm::log(mean), 0.9277 - 3.6224 / (b - 2.0));
        loop {
            let (u, v) = (self.uniform() - 0.5, self.uniform());
            let us = 0.5 - u.abs();
            let k = ((2.0 * a / us + b) * u + mean + 0.43).floor();
            if us >= 0.07 && v <= fast {
                return k;
            }
            if k < 0.0 || (us < 0.013 && v > us) {
                continue;
            }
            let bound = k * log_mean - mean - libm::lgamma(k + 1.0);
            if libm::log(v) + libm::log(inverse_alpha) - libm::log(a / (us * us) + b) <= bound {
                return k;
            }
        }
    }

    /// Position drawn by weights that add to 1.
    pub(super) fn pick(&mut self, weights: impl IntoIterator<Item = f64>) -> usize {
        let mut left = self.uniform();
        let mut last = 0;
        for (at, weight) in weights.into_iter().enumerate() {
            last = at;
            left -= weight;
            if left < 0.0 {
                break;
            }
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(mut next: impl FnMut() -> f64) -> (f64, f64) {
        let all: Vec<f64> = (0..40_000).map(|_| next()).collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        (mean, all.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / all.len() as f64)
    }

    #[test]
    fn draws_have_the_moments_of_their_families() {
        let mut d = Draw::named("moments");
        let near = |got: (f64, f64), want: (f64, f64)| {
            assert!((got.0 - want.0).abs() < 0.04 * want.1.sqrt(), "{got:?} for {want:?}");
            assert!((got.1 / want.1 - 1.0).abs() < 0.06, "{got:?} for {want:?}");
        };
        near(moments(|| d.normal()), (0.0, 1.0));
        for shape in [0.4, 1.0, 7.5] {
            near(moments(|| d.gamma(shape)), (shape, shape));
        }
        for mean in [0.3, 4.0, 9.9, 10.1, 45.0, 3000.0] {
            near(moments(|| d.poisson(mean)), (mean, mean));
        }
    }

    #[test]
    fn a_name_is_a_stream() {
        let first = |name| Draw::named(name).uniform();
        assert_eq!(first("a"), first("a"));
        assert_ne!(first("a"), first("b"));
    }
}
