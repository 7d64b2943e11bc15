//! Cycles that the calendar does not name: whether the history repeats itself, and whether a proposed change is more
//! than the repetition.
//!
//! Whether it repeats itself is read from the mean squared difference at each lag over that of the lags up to it: de
//! Cheveigné, Kawahara (2002), who find the pitch of a voice so. About 1 for noise, 2 for a step or a random walk, 3
//! for a trend, the share of noise in the variance for a cycle. What is asked of a change then has no published
//! source; its constants were chosen on simulation: sawtooths, steps in noise, on cycles and one after another.
//!
//! What stays, among sawtooths of every beginning that the warm-up sees twice (`bench_detect`): none of 27 000 under
//! noise up to a tenth of the height; at a fifth 1 of 4 600, and 5 of 4 600 if that noise is AR(.3). Other seeds gave
//! 2 of 4 000 at a tenth, AR(.3). Noise without a cycle raises more. Square waves and pulses under AR(.3) noise alarm
//! in one series of two hundred.

use super::guards::Proposal;

/// The history repeats itself where the relative difference falls below this.
const REPEATS: f64 = 0.6;
/// Share of the proposed change that must be left when the same phase of another cycle is taken off.
const LEFT: f64 = 0.5;
/// Lags considered.
const SHORTEST: usize = 2;
const LONGEST: usize = 120;

/// Differences of the history with itself, by lag. Derived, never stored.
#[derive(Clone, Debug, Default)]
pub(super) struct Lags {
    logarithm: bool,
    changes: usize,
    seen: usize,
    /// For lag 1, 2, …
    lags: Vec<Lag>,
}

/// Pairs of observations so far apart, both between the same two changes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Lag {
    pairs: usize,
    /// Sum of their squared differences.
    squares: f64,
}

impl Lags {
    /// Reads what of `x` it has not read; `logarithm` tells two scales of one history apart, `changes` are the onsets
    /// found before.
    pub(super) fn catch_up(&mut self, x: &[f64], logarithm: bool, changes: &[usize]) {
        if self.logarithm != logarithm || self.changes != changes.len() || self.seen > x.len() {
            *self = Self { logarithm, changes: changes.len(), ..Self::default() };
        }
        self.lags.resize(LONGEST, Lag::default());
        for (i, this) in x.iter().enumerate().skip(self.seen) {
            let start = changes.iter().rev().find(|c| **c <= i).copied().unwrap_or(0);
            let before = x.get(start..i).unwrap_or_default();
            for (that, lag) in before.iter().rev().zip(&mut self.lags) {
                lag.pairs += 1;
                lag.squares += (this - that) * (this - that);
            }
        }
        self.seen = x.len();
    }

    /// The lag at which the history repeats itself best, if it does, among those that fit twice.
    pub(super) fn cycle(&self) -> Option<usize> {
        let (mut best, mut least) = (None, REPEATS);
        let mut sum = 0.0;
        for (lag, of) in (1..).zip(&self.lags).take_while(|(lag, of)| of.pairs >= *lag) {
            let difference = of.squares / of.pairs as f64;
            sum += difference;
            let relative = difference * lag as f64 / sum;
            if lag >= SHORTEST && relative < least {
                (best, least) = (Some(lag), relative);
            }
        }
        best
    }

    /// Whether a change shows against the same phase of the cycle on its other side, too: by half its height at
    /// least, and with as much evidence as `threshold` asks for. `height` is that of the change as fitted, at an
    /// index of the segment. In a segment too young for that the cycle is no objection: to wait for it would lose
    /// one step in ten where steps follow each other.
    pub(super) fn beyond(
        &self,
        x: &[f64],
        cycle: usize,
        proposal: &Proposal<'_>,
        threshold: f64,
        height: impl Fn(usize) -> f64,
    ) -> bool {
        let &Proposal { start, onset, .. } = proposal;
        let (before, after) = (onset.saturating_sub(start), x.len().saturating_sub(onset));
        // As many cycles apart as it takes for all of the shorter side to be compared.
        let fits = |lag: &usize| self.at(*lag).is_some_and(|of| of.pairs >= *lag);
        let mut lag = cycle;
        while lag < before.min(after) && fits(&(lag + cycle)) {
            lag += cycle;
        }
        let Some(all) = self.at(lag) else { return true };
        let across = onset.max(start + lag)..x.len().min(onset + lag);
        let (Some(new), Some(old)) =
            (x.get(across.clone()), x.get(across.start - lag..across.end.saturating_sub(lag)))
        else {
            return true;
        };
        if new.is_empty() {
            return true;
        }
        let n = new.len() as f64;
        let own = new.iter().zip(old).map(|(this, that)| this - that).sum::<f64>() / n;
        // The longer side is the one that can be carried over to the other.
        let shift = start + if after > before { lag } else { 0 };
        let proposed = across.map(|i| height(i - shift)).sum::<f64>() / n;
        let explained = n * own * own;
        own.abs() >= LEFT * proposed.abs()
            && explained * all.pairs as f64 > threshold * (all.squares - explained)
    }

    fn at(&self, lag: usize) -> Option<Lag> {
        self.lags.get(lag.checked_sub(1)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{RngCore, SeedableRng};

    use super::*;

    /// Between -0.5 and 0.5, of no pattern.
    fn noise(i: usize) -> f64 {
        (ChaCha8Rng::seed_from_u64(i as u64).next_u32() >> 8) as f64 / f64::from(1 << 24) - 0.5
    }

    fn cycle(x: &[f64], changes: &[usize]) -> Option<usize> {
        let mut lags = Lags::default();
        lags.catch_up(x, false, changes);
        lags.cycle()
    }

    fn tooth(cycle: usize, noisy: f64) -> impl Fn(usize) -> f64 {
        move |i| (i % cycle) as f64 / cycle as f64 + noisy * noise(i)
    }

    fn series(n: usize, f: impl Fn(usize) -> f64) -> Vec<f64> {
        (0..n).map(f).collect()
    }

    #[test]
    fn a_cycle_seen_twice_is_found() {
        for length in [5, 12, 30] {
            for noisy in [0.0, 0.3] {
                let found = |n| cycle(&series(n, tooth(length, noisy)), &[]);
                assert_eq!(found(4 * length).map(|c| c % length), Some(0), "{length}, {noisy}");
                assert_eq!(found(2 * length), Some(length), "{length}, {noisy}");
                assert_ne!(found(2 * length - 1), Some(length), "{length}, {noisy}: not yet twice");
            }
        }
    }

    #[test]
    fn noise_steps_and_trends_have_no_cycle() {
        assert_eq!(cycle(&series(120, noise), &[]), None);
        assert_eq!(cycle(&series(120, |i| i as f64 + noise(i)), &[]), None);
        assert_eq!(cycle(&[4.0; 40], &[]), None);
        for at in [20, 60, 100] {
            assert_eq!(cycle(&series(120, |i| f64::from(u8::from(i >= at))), &[]), None, "{at}");
        }
    }

    #[test]
    fn a_known_change_hides_no_cycle() {
        let x = series(90, |i| tooth(10, 0.1)(i) + if i < 50 { 0.0 } else { 5.0 });
        assert_eq!(cycle(&x, &[]), None);
        assert_eq!(cycle(&x, &[50]).map(|c| c % 10), Some(0));
    }

    #[test]
    fn reading_on_gives_the_bits_of_reading_at_once() {
        let x = series(150, noise);
        let mut on = Lags::default();
        for n in 0..=x.len() {
            on.catch_up(&x[..n], false, if n < 80 { &[] } else { &[40] });
        }
        let mut once = Lags::default();
        once.catch_up(&x, false, &[40]);
        assert_eq!(on.lags, once.lags);
        assert_eq!(once.lags[0].pairs, 148, "one pair lies across the change");
        let squares: f64 = x.iter().zip(&x[7..]).map(|(a, b)| (a - b) * (a - b)).sum();
        once.catch_up(&x, false, &[]);
        assert_eq!(once.lags[6], Lag { pairs: 143, squares });
    }

    #[test]
    fn the_fall_of_a_tooth_is_not_beyond_its_cycle_and_a_step_is() {
        let beyond = |x: &[f64], onset, height: f64| {
            let mut lags = Lags::default();
            lags.catch_up(x, false, &[]);
            let proposal = Proposal { start: 0, onset, bends: false, earlier: &[] };
            lags.beyond(x, 20, &proposal, 14.0, |_| height)
        };
        let teeth = tooth(20, 0.1);
        for onset in [2, 20, 40, 60, 80, 95] {
            assert!(!beyond(&series(100, &teeth), onset, -1.0), "{onset}");
            let step = |i| teeth(i) + if i < onset { 0.0 } else { 1.0 };
            assert!(onset == 2 || beyond(&series(100, step), onset, 1.0), "{onset}");
            assert!(!beyond(&series(100, step), onset, 3.0), "a third of what was proposed, {onset}");
        }
        // A segment with no other cycle to compare with.
        let mut lags = Lags::default();
        lags.catch_up(&series(75, &teeth), false, &[]);
        let young = Proposal { start: 60, onset: 66, bends: false, earlier: &[60] };
        assert!(lags.beyond(&series(75, &teeth), 20, &young, 14.0, |_| -1.0));
    }
}
