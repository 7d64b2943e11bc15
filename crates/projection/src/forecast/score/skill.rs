//! Skill: how much less a forecast loses than a reference, and how sure that is.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

/// Resamples of the bootstrap.
const RESAMPLES: usize = 2000;
const SEED: u64 = 0x6265_6c6c;

/// An interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A skill with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SkillInterval {
    /// 1 − mean score / mean score of the reference.
    pub value: f64,
    /// 95 % interval by a block bootstrap; `null` with fewer than two blocks.
    pub interval: Option<Interval>,
}

/// 1 − mean score over mean score of the reference: 1 is perfect, 0 is as good, below is worse.
///
/// `None` without scores or when the reference loses nothing.
pub fn skill(score: f64, reference: f64) -> Option<f64> {
    (reference > 0.0 && score.is_finite()).then(|| 1.0 - score / reference)
}

/// Skill over pairs `(score, score of the reference)` in groups of forecasts that belong together, in time order: the
/// forecasts of one quarter share their news, so they are drawn together, and `block` successive groups at a time.
///
/// Moving blocks (Künsch 1989), circular, 2000 resamples from a fixed seed, percentile interval of 95 %.
pub fn skill_interval(groups: &[Vec<(f64, f64)>], block: usize) -> Option<SkillInterval> {
    let sums: Vec<(f64, f64)> =
        groups.iter().map(|g| g.iter().fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1))).collect();
    let (score, reference) = sums.iter().fold((0.0, 0.0), add);
    let value = skill(score, reference)?;
    Some(SkillInterval {
        value,
        interval: interval(groups, &sums, block, |(score, reference)| skill(score, reference)),
    })
}

/// What is gained on a reference a forecast, in the unit of the score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GainInterval {
    /// Mean of score of the reference − score.
    pub value: f64,
    /// 95 % interval by a block bootstrap; `null` with fewer than two blocks.
    pub interval: Option<Interval>,
}

/// Mean gain over pairs `(score, score of the reference)`, grouped and drawn as in [`skill_interval`]. For the log score
/// it is the mean log of the factor by which what happened was given more than by the reference (Good 1952).
///
/// `None` without scores.
pub fn gain_interval(groups: &[Vec<(f64, f64)>], block: usize) -> Option<GainInterval> {
    let sums: Vec<(f64, f64)> = groups
        .iter()
        .map(|g| (g.iter().map(|(score, reference)| reference - score).sum(), g.len() as f64))
        .collect();
    let mean = |(gain, n): (f64, f64)| (n > 0.0).then(|| gain / n);
    let value = mean(sums.iter().fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1)))?;
    Some(GainInterval { value, interval: interval(groups, &sums, block, mean) })
}

/// Percentile interval of a statistic of summed groups; `None` with fewer than two blocks of groups that have forecasts.
fn interval(
    groups: &[Vec<(f64, f64)>],
    sums: &[(f64, f64)],
    block: usize,
    statistic: impl Fn((f64, f64)) -> Option<f64>,
) -> Option<Interval> {
    let (n, block) = (sums.len(), block.max(1));
    if groups.iter().filter(|g| !g.is_empty()).count() < 2 * block {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut drawn: Vec<f64> = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        let mut total = (0.0, 0.0);
        let mut left = n;
        while left > 0 {
            let start = usize::try_from(rng.next_u64() % n as u64).unwrap_or_default();
            for step in 0..block.min(left) {
                total = sums.get((start + step) % n).map_or(total, |s| add(total, s));
            }
            left = left.saturating_sub(block);
        }
        drawn.extend(statistic(total));
    }
    drawn.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = share * (drawn.len().saturating_sub(1)) as f64;
        // Between 0 and the number of resamples.
        drawn.get(place as usize).copied()
    };
    at(0.025).zip(at(0.975)).map(|(low, high)| Interval { low, high })
}

fn add(a: (f64, f64), b: &(f64, f64)) -> (f64, f64) {
    (a.0 + b.0, a.1 + b.1)
}
