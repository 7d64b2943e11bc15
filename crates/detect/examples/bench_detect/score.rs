//! Scores of a segmentation against several annotators, as in van den Burg & Williams, arXiv 2003.06222.

use std::collections::BTreeSet;

/// Places this close are the same change.
const MARGIN: usize = 5;

/// F1 and covering.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Score {
    pub(crate) f1: f64,
    pub(crate) cover: f64,
}

impl Score {
    /// Scores `found` on a series of `n` observations; each annotator is a set of change points.
    pub(crate) fn of(found: &[usize], annotators: &[Vec<usize>], n: usize) -> Self {
        Self { f1: f1(found, annotators), cover: cover(found, annotators, n) }
    }

    pub(crate) fn mean(scores: &[Self]) -> Self {
        let n = scores.len().max(1) as f64;
        Self {
            f1: scores.iter().map(|s| s.f1).sum::<f64>() / n,
            cover: scores.iter().map(|s| s.cover).sum::<f64>() / n,
        }
    }
}

/// Index 0 always counts as a change point.
fn with_start(points: &[usize]) -> BTreeSet<usize> {
    points.iter().copied().chain([0]).collect()
}

/// How many of `truth` have a find of their own within the margin, nearest first.
fn hits(truth: &BTreeSet<usize>, found: &BTreeSet<usize>) -> f64 {
    let mut free = found.clone();
    let mut hits = 0.0;
    for place in truth {
        let near = free.iter().filter(|f| f.abs_diff(*place) <= MARGIN);
        if let Some(best) = near.min_by_key(|f| (f.abs_diff(*place), **f)).copied() {
            free.remove(&best);
            hits += 1.0;
        }
    }
    hits
}

fn f1(found: &[usize], annotators: &[Vec<usize>]) -> f64 {
    let found = with_start(found);
    let sets: Vec<_> = annotators.iter().map(|a| with_start(a)).collect();
    let union: BTreeSet<usize> = sets.iter().flatten().copied().collect();
    let precision = hits(&union, &found) / found.len() as f64;
    let recall =
        sets.iter().map(|s| hits(s, &found) / s.len() as f64).sum::<f64>() / sets.len().max(1) as f64;
    if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 }
}

fn segments(points: &[usize], n: usize) -> Vec<(usize, usize)> {
    let starts = with_start(points);
    let ends = starts.iter().copied().skip(1).chain([n]);
    starts.iter().copied().zip(ends).filter(|(a, b)| a < b).collect()
}

fn cover(found: &[usize], annotators: &[Vec<usize>], n: usize) -> f64 {
    let found = segments(found, n);
    let jaccard = |a: &(usize, usize), b: &(usize, usize)| {
        let both = a.1.min(b.1).saturating_sub(a.0.max(b.0));
        both as f64 / (a.1.max(b.1) - a.0.min(b.0)) as f64
    };
    let one = |annotator: &Vec<usize>| {
        let parts = segments(annotator, n);
        let part =
            |p: &(usize, usize)| (p.1 - p.0) as f64 * found.iter().map(|f| jaccard(p, f)).fold(0.0, f64::max);
        parts.iter().map(part).sum::<f64>() / n as f64
    };
    annotators.iter().map(one).sum::<f64>() / annotators.len().max(1) as f64
}
