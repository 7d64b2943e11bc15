//! Seeded noise: the same numbers on every machine.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

pub(crate) struct Noise(ChaCha8Rng);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Open interval (0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Standard normal (Box & Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(self.uniform())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    /// Count of unit-rate arrivals before `mean`.
    pub(crate) fn poisson(&mut self, mean: f64) -> u64 {
        let mut at = -libm::log(self.uniform());
        let mut count = 0;
        while at < mean {
            count += 1;
            at -= libm::log(self.uniform());
        }
        count
    }

    /// Variance `mean + dispersion · mean²`; 1/dispersion must be a whole number.
    pub(crate) fn negative_binomial(&mut self, mean: f64, dispersion: f64) -> u64 {
        let shape = libm::round(1.0 / dispersion) as u64;
        let gamma: f64 = (0..shape).map(|_| -libm::log(self.uniform())).sum();
        self.poisson(gamma * mean * dispersion)
    }

    pub(crate) fn normals(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.normal()).collect()
    }
}
