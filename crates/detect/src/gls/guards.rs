//! What a significant change must also be: material, still there, and novel. Materiality and novelty have no
//! published source; they were found to be needed on data without changes.

/// Share of ln t variances that a change must explain.
const MATERIAL: f64 = 1.0;
/// Residual standard deviations from which a step on a trend needs no share: on strong growth the plain variance is
/// that of the growth, and would hide any step for years.
const LARGE: f64 = 10.0;
/// How far a contrast must exceed every other one.
const NOVEL: f64 = 1.5;
/// A contrast below this share of the standard deviation is rounding: a window of one whole cycle has none.
const ROUNDING: f64 = 1e-9;
/// Longest window of a contrast.
const REACH: usize = 24;
/// Slopes need this much of a window.
const SLOPE_MIN: usize = 3;

/// Whether the change takes off enough of the plain variance of the whole history.
pub(super) fn material(without: f64, with: f64, t: usize, variance: f64) -> bool {
    without - with > MATERIAL * libm::log(t.max(8) as f64) * variance
}

/// Whether a jump on a trend is beyond question, whatever the trend amounts to.
pub(super) fn large(jump: f64, sigma: f64) -> bool {
    jump.abs() > LARGE * sigma
}

/// Whether a step is still there: the last observation lies nearer the new level than the old.
pub(super) fn still_there(before: &[f64], last: f64, last_residual: f64) -> bool {
    let level = before.iter().sum::<f64>() / before.len() as f64;
    last_residual.abs() < (last - level).abs()
}

/// Where a change is proposed.
pub(super) struct Proposal<'a> {
    /// Start of the segment.
    pub(super) start: usize,
    /// Proposed onset.
    pub(super) onset: usize,
    /// Whether the slope changes.
    pub(super) bends: bool,
    /// Onsets of the changes before.
    pub(super) earlier: &'a [usize],
}

/// Whether the history holds no other contrast like this one, at any place: sawtooths and other unnamed cycles do.
/// Alone it lets some through: the window is short near the start and the end, the Hampel filter blunts every tooth
/// but the first and the last, and of a cycle seen twice one fall is all there is. [`cycle`](super::cycle) sees those.
pub(super) fn novel(x: &[f64], variance: f64, proposal: &Proposal<'_>, sums: &mut Sums) -> bool {
    let &Proposal { start, onset, bends, earlier } = proposal;
    let (before, after) = (onset.saturating_sub(start), x.len().saturating_sub(onset));
    let reach = if earlier.is_empty() { (before / 3).max(1) } else { before };
    let w = after.min(REACH).min(reach);
    if w < 1 || (bends && w < SLOPE_MIN) {
        return true;
    }
    sums.fill(x);
    let (mut own, mut largest) = (0.0, 0.0);
    for (j, contrast) in sums.contrasts(w, bends) {
        if j == onset {
            own = contrast;
        } else if j.abs_diff(onset) > w
            && earlier.iter().all(|e| j.abs_diff(*e) > w + 1)
            && contrast > largest
        {
            largest = contrast;
        }
    }
    own >= NOVEL * largest && own > ROUNDING * variance.sqrt() / w as f64
}

/// Running Σ x and Σ i x.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    plain: Vec<f64>,
    moment: Vec<f64>,
}

impl Sums {
    fn fill(&mut self, x: &[f64]) {
        for (sums, weighted) in [(&mut self.plain, false), (&mut self.moment, true)] {
            sums.clear();
            sums.push(0.0);
            let mut sum = 0.0;
            sums.extend(x.iter().enumerate().map(|(i, v)| {
                sum += if weighted { i as f64 * v } else { *v };
                sum
            }));
        }
    }

    /// Absolute change of mean, or of slope, between the windows of `w` before and after each place.
    fn contrasts(&self, w: usize, slopes: bool) -> impl Iterator<Item = (usize, f64)> {
        let span = w as f64;
        let middle = (span - 1.0) / 2.0;
        let squares = span * (span * span - 1.0) / 12.0;
        let both = triples(&self.plain, w).zip(triples(&self.moment, w)).zip(w..);
        both.map(move |((((a, b), c), ((ia, ib), ic)), j)| {
            let change = if slopes {
                let second = (ic - ib) - (j as f64 + middle) * (c - b);
                let first = (ib - ia) - ((j - w) as f64 + middle) * (b - a);
                (second - first) / squares
            } else {
                (c - 2.0 * b + a) / span
            };
            (j, change.abs())
        })
    }
}

/// Values `w` apart: at the start, the middle and the end of two windows.
fn triples(sums: &[f64], w: usize) -> impl Iterator<Item = ((&f64, &f64), &f64)> {
    let from = |start| sums.get(start..).unwrap_or_default();
    sums.iter().zip(from(w)).zip(from(2 * w))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrasts_agree_with_their_definition() {
        let x: Vec<f64> = (0..40_u32).map(|i| f64::from(i.wrapping_mul(2_654_435_761) >> 26)).collect();
        let mut sums = Sums::default();
        sums.fill(&x);
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        let slope = |x: &[f64]| {
            let middle = (x.len() as f64 - 1.0) / 2.0;
            let top = x.iter().enumerate().map(|(i, v)| (i as f64 - middle) * v).sum::<f64>();
            top / x.iter().enumerate().map(|(i, _)| (i as f64 - middle).powi(2)).sum::<f64>()
        };
        for w in 3..10 {
            let places: Vec<(usize, f64)> = sums.contrasts(w, false).collect();
            assert_eq!(places.iter().map(|p| p.0).collect::<Vec<_>>(), (w..=40 - w).collect::<Vec<_>>());
            for (j, c) in places {
                assert!((c - (mean(&x[j..j + w]) - mean(&x[j - w..j])).abs()).abs() < 1e-9);
            }
            for (j, c) in sums.contrasts(w, true) {
                assert!((c - (slope(&x[j..j + w]) - slope(&x[j - w..j])).abs()).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn a_sawtooth_is_not_novel_and_a_first_jump_is() {
        let teeth: Vec<f64> = (0..60).map(|i| f64::from(i % 20)).collect();
        let mut sums = Sums::default();
        let at = |onset| Proposal { start: 0, onset, bends: false, earlier: &[] };
        assert!(!novel(&teeth, 33.0, &at(40), &mut sums));
        let jump: Vec<f64> = (0..60).map(|i| if i < 40 { f64::from(i % 3) } else { 30.0 }).collect();
        assert!(novel(&jump, 190.0, &at(40), &mut sums));
    }
}
