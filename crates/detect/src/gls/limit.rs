//! What the scan could see at all: the smallest step that would show, from simulation.

use std::fmt;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

use super::limit_table::{LENGTHS, PHIS, TABLE};
use super::{Calendar, GlsConfig, GlsScan, Mode};

/// Height in standard deviations and observations until the alarm, by length and φ; (0, 0) where none will do.
pub(super) type Rows = [[(u8, u8); PHIS.len()]; LENGTHS.len()];

/// Observations after the step within which it must be found.
const HORIZON: usize = 60;
/// Probability with which it must be found.
const POWER: f64 = 0.8;
/// Largest step tried, in standard deviations of the noise; the grid is 1, 2, 3, 4.
const LARGEST: u8 = 4;

/// The smallest step, in whole standard deviations of the noise, that would be found with probability .8 within 60
/// observations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetectionLimit {
    /// Height of the step in standard deviations of the noise: 1, 2, 3 or 4. In units: times
    /// [`Reading::sigma`](super::Reading::sigma) before it.
    pub sigmas: u8,
    /// Observations of the new level until the alarm, the alarm's own counted; the median of those found.
    pub observations: u8,
}

impl fmt::Display for DetectionLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a step of {} σ would show in about {} observations", self.sigmas, self.observations)
    }
}

/// Detection limit of a series that has `n` observations so far, AR(1) coefficient `phi`
/// ([`GlsScan::phi`]) and this calendar, at the threshold of [`Mode::Record`].
///
/// From a table of seeded simulations, so it costs nothing: the next shorter length and the next larger φ are taken,
/// which errs towards promising less. `None` below the warm-up, and where not even 4 σ is found often enough.
///
/// ```
/// use bellwether_detect::gls::{Calendar, detection_limit};
///
/// let limit = detection_limit(60, 0.0, Calendar::Monthly).unwrap();
/// assert_eq!(limit.to_string(), "a step of 2 σ would show in about 8 observations");
/// assert_eq!(detection_limit(12, 0.0, Calendar::Monthly), None);
/// ```
pub fn detection_limit(n: usize, phi: f64, cadence: Calendar) -> Option<DetectionLimit> {
    if n < cadence.warm_up() {
        return None;
    }
    let cycle = if cadence == Calendar::MonthlyJoined { 12 } else { cadence.cycle() };
    let length = LENGTHS.iter().rposition(|l| *l <= n)?;
    let column = PHIS.iter().position(|p| phi <= *p)?;
    let (_, rows) = TABLE.iter().find(|(c, _)| *c == cycle)?;
    let &(sigmas, observations) = rows.get(length)?.get(column)?;
    (sigmas > 0).then_some(DetectionLimit { sigmas, observations })
}

/// The simulation behind [`detection_limit`]: `reps` series of `n` observations of AR(1) noise, then a step.
///
/// Its height is counted in the standard deviation that the scan itself estimates before the step, because that is
/// what a promise can be made in; on short autocorrelated series it is below the true one.
///
/// ChaCha8 seeded with `seed` and the number of the repetition, so equal arguments give equal answers. Takes
/// milliseconds a repetition.
pub fn simulate_limit(n: usize, phi: f64, cadence: Calendar, reps: u32, seed: u64) -> Option<DetectionLimit> {
    let mut delays: Vec<Vec<usize>> = vec![Vec::new(); usize::from(LARGEST)];
    for rep in 0..reps {
        let mut noise = Noise::new(phi, seed ^ (u64::from(rep) << 32));
        let mut before = GlsScan::new(GlsConfig::new(Mode::Record, cadence));
        for _ in 0..n {
            before.push(noise.next());
        }
        let Some(sigma) = before.reading().map(|reading| reading.sigma) else { continue };
        let after: Vec<f64> = (0..HORIZON).map(|_| noise.next()).collect();
        for (step, delays) in (1..=LARGEST).zip(&mut delays) {
            let mut scan = before.clone();
            let found = after.iter().position(|v| scan.push(v + f64::from(step) * sigma).is_some());
            delays.extend(found.map(|at| at + 1));
        }
    }
    let enough = POWER * f64::from(reps);
    (1..=LARGEST).zip(&mut delays).find(|(_, delays)| delays.len() as f64 >= enough).and_then(
        |(sigmas, delays)| {
            delays.sort_unstable();
            let observations = u8::try_from(*delays.get(delays.len() / 2)?).ok()?;
            Some(DetectionLimit { sigmas, observations })
        },
    )
}

/// Stationary AR(1) noise of unit variance.
struct Noise {
    rng: ChaCha8Rng,
    phi: f64,
    last: Option<f64>,
}

impl Noise {
    fn new(phi: f64, seed: u64) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(seed), phi, last: None }
    }

    fn next(&mut self) -> f64 {
        let fresh = self.normal();
        let value =
            self.last.map_or(fresh, |last| self.phi * last + (1.0 - self.phi * self.phi).sqrt() * fresh);
        self.last = Some(value);
        value
    }

    /// Box, Muller (1958).
    fn normal(&mut self) -> f64 {
        let mut uniform = || ((self.rng.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        let radius = (-2.0 * libm::log(uniform())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * uniform())
    }
}

#[cfg(test)]
mod tests {
    use super::super::limit_table::{REPS, SEED};
    use super::*;

    #[test]
    fn the_table_is_what_the_simulation_says() {
        let limit = simulate_limit(16, 0.0, Calendar::Annual, REPS, SEED);
        assert_eq!(limit, detection_limit(16, 0.0, Calendar::Annual));
        assert!(limit.is_some());
    }

    #[test]
    fn more_noise_memory_never_promises_more() {
        for calendar in
            [Calendar::Annual, Calendar::Quarterly, Calendar::Monthly, Calendar::Dated, Calendar::None]
        {
            for n in LENGTHS {
                let step = |phi| detection_limit(n, phi, calendar).map_or(u8::MAX, |l| l.sigmas);
                assert!(
                    PHIS.iter()
                        .zip(PHIS.iter().skip(1).filter(|p| **p < 0.95))
                        .all(|(a, b)| step(*a) <= step(*b)),
                    "{calendar:?} {n}"
                );
            }
        }
        assert_eq!(detection_limit(59, 0.0, Calendar::None), None);
        assert_eq!(detection_limit(480, 0.99, Calendar::Monthly), None);
    }
}
