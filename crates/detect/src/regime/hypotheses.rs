//! Histograms of a sliding window against those learnt before.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Share of a bin that a learnt pattern never filled: not zero, so that the divergence stays finite.
const UNSEEN: f64 = 1e-9;
/// Values within this share of the range beyond its ends still belong to the outermost inner bins.
const MARGIN: f64 = 0.05;

/// Window length and number of inner bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// Observations in the window.
    pub window: usize,
    /// Equal bins over the range learnt in probation; two more lie beyond its ends.
    pub bins: usize,
}

/// One window with its learnt patterns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Hypotheses {
    resolution: Resolution,
    low: f64,
    high: f64,
    /// Bins of the last observations, oldest first.
    recent: VecDeque<usize>,
    counts: Vec<u32>,
    /// Logarithms of the learnt shares, pattern after pattern.
    patterns: Vec<f64>,
    most: usize,
    last: f64,
    /// Whether the window's histogram is the one that `last` was reckoned from.
    fresh: bool,
}

impl Hypotheses {
    pub(crate) fn new(resolution: Resolution, low: f64, high: f64, most: usize) -> Self {
        let resolution = Resolution { window: resolution.window.max(1), bins: resolution.bins.max(1) };
        let counts = vec![0; resolution.bins + 2];
        Self {
            resolution,
            low,
            high,
            recent: VecDeque::new(),
            counts,
            patterns: Vec::new(),
            most,
            last: 0.0,
            fresh: false,
        }
    }

    /// Reads a value. Twice the window times its divergence from the nearest pattern, when above `threshold`; the
    /// window's histogram then becomes a pattern itself, so that nothing is new twice.
    pub(crate) fn push(&mut self, value: f64, threshold: f64) -> Option<f64> {
        self.slide(value);
        if self.recent.len() < self.resolution.window {
            return None;
        }
        if self.patterns.is_empty() {
            self.learn();
            return None;
        }
        if !self.fresh {
            self.last = 2.0 * self.resolution.window as f64 * self.nearest();
            self.fresh = true;
        }
        let statistic = self.last;
        (statistic > threshold).then(|| {
            self.learn();
            statistic
        })
    }

    fn slide(&mut self, value: f64) {
        let entered = self.bin(value);
        self.recent.push_back(entered);
        let left = if self.recent.len() > self.resolution.window { self.recent.pop_front() } else { None };
        if left == Some(entered) {
            return;
        }
        self.fresh = false;
        self.counts.get_mut(entered).into_iter().for_each(|c| *c += 1);
        left.and_then(|bin| self.counts.get_mut(bin)).into_iter().for_each(|c| *c = c.saturating_sub(1));
    }

    /// 0 and `bins + 1` lie outside.
    fn bin(&self, value: f64) -> usize {
        let range = self.high - self.low;
        let bins = self.resolution.bins;
        if value < self.low - MARGIN * range {
            return 0;
        }
        if value > self.high + MARGIN * range {
            return bins + 1;
        }
        let share = if range > 0.0 { ((value - self.low) / range).clamp(0.0, 1.0) } else { 0.0 };
        // A share is at least 0: the cast cuts to the bin below.
        1 + ((share * bins as f64) as usize).min(bins - 1)
    }

    fn shares(&self) -> impl Iterator<Item = f64> {
        let window = self.resolution.window as f64;
        self.counts.iter().map(move |c| f64::from(*c) / window)
    }

    /// Least Kullback–Leibler divergence of the window from a pattern.
    fn nearest(&self) -> f64 {
        let shares: Vec<f64> = self.shares().collect();
        let own: f64 = shares.iter().filter(|q| **q > 0.0).map(|q| q * libm::log(*q)).sum();
        let against = |pattern: &[f64]| shares.iter().zip(pattern).map(|(q, log)| q * log).sum::<f64>();
        let closest = self.patterns.chunks_exact(shares.len()).map(against).fold(f64::NEG_INFINITY, f64::max);
        (own - closest).max(0.0)
    }

    fn learn(&mut self) {
        self.fresh = false;
        if self.patterns.len() < self.most.max(1) * self.counts.len() {
            let logs: Vec<f64> = self.shares().map(|q| libm::log(q.max(UNSEEN))).collect();
            self.patterns.extend(logs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_split_the_range_and_its_outside() {
        let h = Hypotheses::new(Resolution { window: 4, bins: 5 }, 0.0, 10.0, 9);
        let bins: Vec<usize> =
            [-0.6, -0.4, 0.0, 1.9, 2.1, 9.9, 10.0, 10.4, 10.6].iter().map(|v| h.bin(*v)).collect();
        assert_eq!(bins, [0, 1, 1, 1, 2, 5, 5, 5, 6]);
        let constant = Hypotheses::new(Resolution { window: 4, bins: 5 }, 3.0, 3.0, 9);
        assert_eq!((constant.bin(2.0), constant.bin(3.0), constant.bin(4.0)), (0, 1, 6));
    }

    #[test]
    fn a_pattern_is_new_once() {
        let mut h = Hypotheses::new(Resolution { window: 10, bins: 3 }, 0.0, 3.0, 100);
        let mut new = 0;
        for block in 0..20 {
            (0..40).for_each(|_| new += usize::from(h.push(f64::from(block % 2) * 2.5, 10.0).is_some()));
            if block == 2 {
                assert!(new > 0);
                new = 0;
            }
        }
        assert_eq!(new, 0);
    }
}
