//! Twice the log likelihood ratio of "the rate changed at this cut".

use libm::{exp, log};

/// Total count, exposure and number of observations on one side of a cut.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Side {
    pub(crate) count: f64,
    pub(crate) exposure: f64,
    pub(crate) len: f64,
}

impl Side {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            count: self.count + other.count,
            exposure: self.exposure + other.exposure,
            len: self.len + other.len,
        }
    }

    pub(crate) fn rate(self) -> f64 {
        self.count / self.exposure
    }
}

/// x ln(y), with 0 ln 0 = 0.
fn x_log(x: f64, y: f64) -> f64 {
    if x > 0.0 { x * log(y) } else { 0.0 }
}

/// Poisson, rate before the cut known.
pub(crate) fn poisson_known(after: Side, rate: f64) -> f64 {
    let due = rate * after.exposure;
    2.0 * (x_log(after.count, after.count / due) - after.count + due)
}

/// Poisson, both rates unknown.
pub(crate) fn poisson(before: Side, after: Side) -> f64 {
    let rate = before.plus(after).rate();
    let part = |side: Side| x_log(side.count, side.count / (rate * side.exposure));
    2.0 * (part(before) + part(after))
}

/// Negative binomial with equal exposures throughout, rate before the cut known, as mean per observation.
pub(crate) fn binomial_known(after: Side, mean: f64, dispersion: f64) -> f64 {
    let at = after.count / after.len;
    let shrink = log((1.0 + dispersion * at) / (1.0 + dispersion * mean));
    2.0 * (x_log(after.count, at / mean) - (after.len / dispersion + after.count) * shrink)
}

/// Negative binomial with equal exposures throughout, both rates unknown.
pub(crate) fn binomial(before: Side, after: Side, dispersion: f64) -> f64 {
    let all = before.plus(after);
    let mean = all.count / all.len;
    binomial_known(before, mean, dispersion) + binomial_known(after, mean, dispersion)
}

/// Negative binomial with exposures that vary: `after` lists (count, mean under the known rate). The new rate has
/// no closed form; Newton on its logarithm, at most 8 steps on a concave likelihood.
pub(crate) fn binomial_varying(after: impl Iterator<Item = (f64, f64)> + Clone, dispersion: f64) -> f64 {
    let (count, due) = after.clone().fold((0.0, 0.0), |(c, d), (count, mean)| (c + count, d + mean));
    if count == 0.0 {
        return 2.0 * after.map(|(_, mean)| log(1.0 + dispersion * mean) / dispersion).sum::<f64>();
    }
    let mut shift = log(count / due);
    for _ in 0..8 {
        let factor = exp(shift);
        let (slope, bend) = after.clone().fold((0.0, 0.0), |(slope, bend), (count, mean)| {
            let (mean, over) = (mean * factor, 1.0 + dispersion * mean * factor);
            (slope + (count - mean) / over, bend + (1.0 + dispersion * count) * mean / (over * over))
        });
        let step = (slope / bend).clamp(-1.0, 1.0);
        shift += step;
        if step.abs() < 1e-9 {
            break;
        }
    }
    let factor = exp(shift);
    let shrink = after.map(|(count, mean)| {
        (1.0 / dispersion + count) * log((1.0 + dispersion * mean * factor) / (1.0 + dispersion * mean))
    });
    2.0 * (count * shift - shrink.sum::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(count: f64, exposure: f64, len: f64) -> Side {
        Side { count, exposure, len }
    }

    #[test]
    fn equal_rates_give_nothing() {
        let (before, after) = (side(20.0, 10.0, 10.0), side(10.0, 5.0, 5.0));
        assert!(poisson(before, after).abs() < 1e-12);
        assert!(binomial(before, after, 0.5).abs() < 1e-12);
        assert!(poisson_known(after, 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_small_dispersion_is_poisson() {
        let (before, after) = (side(20.0, 10.0, 10.0), side(25.0, 5.0, 5.0));
        assert!((binomial(before, after, 1e-7) - poisson(before, after)).abs() < 1e-4);
        assert!(binomial(before, after, 0.5) < poisson(before, after));
    }

    #[test]
    fn newton_agrees_with_the_closed_form() {
        for counts in [[5.0, 9.0, 7.0, 12.0], [0.0, 0.0, 1.0, 0.0], [0.0; 4], [400.0, 1.0, 1.0, 90.0]] {
            let closed = binomial_known(side(counts.iter().sum(), 4.0, 4.0), 3.0, 0.4);
            let newton = binomial_varying(counts.iter().map(|c| (*c, 3.0)), 0.4);
            assert!((closed - newton).abs() <= 1e-9 * closed.max(1.0), "{closed} {newton}");
        }
    }

    #[test]
    fn no_event_at_all_is_finite() {
        assert_eq!(poisson(side(0.0, 10.0, 10.0), side(0.0, 5.0, 5.0)), 0.0);
        assert!(poisson(side(0.0, 10.0, 10.0), side(3.0, 5.0, 5.0)).is_finite());
        assert!(binomial(side(0.0, 10.0, 10.0), side(3.0, 5.0, 5.0), 1.0).is_finite());
    }
}
