//! The splits that can still be the best one: the vertices of a convex hull.

use serde::{Deserialize, Serialize};

/// A place where a segment can be cut in two.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Split {
    /// Observations before the cut.
    pub(crate) before: f64,
    /// Their sum.
    pub(crate) sum: f64,
    /// Index of the first observation after the cut.
    pub(crate) index: usize,
}

/// Lower convex hull of the points (number, sum) of all cuts of a segment.
///
/// For a change upwards from mean a to mean b the best cut minimises `sum − (a + b)/2 · number`: a line touches
/// the point set from below, so only vertices count, whatever a and b are. The same holds for every
/// one-parameter exponential family, with another slope. That is the functional pruning of FOCuS; nothing is
/// lost. A segment of n exchangeable observations leaves about ln n vertices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Hull {
    splits: Vec<Split>,
}

impl Hull {
    /// Adds the newest cut; its number must exceed all before.
    pub(crate) fn push(&mut self, split: Split) {
        while let [.., a, b] = self.splits.as_slice() {
            let towards = (b.sum - a.sum) * (split.before - b.before);
            let past = (split.sum - b.sum) * (b.before - a.before);
            if towards < past {
                break;
            }
            self.splits.pop();
        }
        self.splits.push(split);
    }

    /// The same when the mean before the change is known to be 0: a cut above a later one never wins again.
    pub(crate) fn push_known(&mut self, split: Split) {
        while self.splits.last().is_some_and(|last| last.sum >= split.sum) {
            self.splits.pop();
        }
        self.push(split);
    }

    pub(crate) fn splits(&self) -> &[Split] {
        &self.splits
    }

    pub(crate) fn clear(&mut self) {
        self.splits.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_vertices_from_below_stay() {
        let mut hull = Hull::default();
        for (i, sum) in [0.0, 1.0, -2.0, -1.0, -3.0, 0.0].into_iter().enumerate() {
            hull.push(Split { before: i as f64, sum, index: i });
        }
        let left: Vec<usize> = hull.splits().iter().map(|s| s.index).collect();
        assert_eq!(left, [0, 2, 4, 5]);
    }

    #[test]
    fn a_known_mean_forgets_what_lies_above() {
        let mut hull = Hull::default();
        for (i, sum) in [0.0, 1.0, -2.0, 3.0, -1.0].into_iter().enumerate() {
            hull.push_known(Split { before: i as f64, sum, index: i });
        }
        let left: Vec<usize> = hull.splits().iter().map(|s| s.index).collect();
        assert_eq!(left, [2, 4]);
    }
}
