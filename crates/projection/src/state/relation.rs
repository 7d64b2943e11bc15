//! Asymmetries and constraints: numbers made from the values of measures.

use bellwether_model::framework::{Asymmetry as AsymmetryRow, Constraint as ConstraintRow, Limit};

use super::core::Core;
use super::measure::{MeasureEval, of_change};
use super::strength::Strength;
use crate::assessment::Trend;

/// An asymmetry in one view.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asymmetry {
    pub(crate) value: Option<f64>,
    pub(crate) before: Option<f64>,
    pub(crate) pair: Option<usize>,
    pub(crate) fresh: bool,
    pub(crate) evidence: Vec<u64>,
}

impl Asymmetry {
    /// tanh of half the log ratio; only fresh figures count.
    pub(crate) fn strength(&self) -> Strength {
        match self.value.filter(|_| self.fresh).map(|v| libm::tanh(v / 2.0)) {
            Some(v) => Strength::exact(v, self.evidence.clone()),
            None => Strength::missing(-1.0, 1.0),
        }
    }

    /// Direction against the previous figures.
    pub(crate) fn direction(&self, flat: f64) -> Trend {
        of_change(self.value.zip(self.before).map(|(now, before)| now - before), flat)
    }
}

/// ln(a / b) of the pair whose older half is most recent.
pub(crate) fn asymmetry(core: &Core<'_>, row: &AsymmetryRow) -> Asymmetry {
    let mut best: Option<(i64, Asymmetry)> = None;
    for (n, pair) in row.pairs.iter().enumerate() {
        let (Some((a, _)), Some((b, _))) = (core.measure(&pair.a), core.measure(&pair.b)) else { continue };
        let (Some(pa), Some(pb)) = (a.series.headline(), b.series.headline()) else { continue };
        let Some(value) = log_ratio(a.state.value, b.state.value) else { continue };
        let older = pa.end.min(pb.end);
        if best.as_ref().is_some_and(|(end, _)| *end >= older) {
            continue;
        }
        let before = log_ratio(previous(a).or(a.state.value), previous(b).or(b.state.value))
            .filter(|_| previous(a).is_some() || previous(b).is_some());
        let mut evidence = [a.state.evidence.clone(), b.state.evidence.clone()].concat();
        evidence.sort_unstable();
        evidence.dedup();
        let fresh = a.fresh() && b.fresh();
        best = Some((older, Asymmetry { value: Some(value), before, pair: Some(n), fresh, evidence }));
    }
    best.map(|(_, a)| a).unwrap_or_default()
}

fn log_ratio(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) if a > 0.0 && b > 0.0 => Some(libm::log(a / b)),
        _ => None,
    }
}

fn previous(eval: &MeasureEval) -> Option<f64> {
    if eval.series.trailing.is_some() {
        return eval.series.trailing_before.as_ref().map(|p| p.value);
    }
    eval.series.points.iter().rev().nth(1).map(|p| p.value)
}

/// A constraint in one view.
#[derive(Clone, Debug, Default)]
pub(crate) struct Constraint {
    pub(crate) value: Option<f64>,
    pub(crate) bound: f64,
    /// The bound is an upper one.
    pub(crate) maximum: bool,
    pub(crate) scale: f64,
    pub(crate) distance: Option<f64>,
    pub(crate) fresh: bool,
    pub(crate) evidence: Vec<u64>,
}

impl Constraint {
    /// How near a value is to the bound: 0 beyond its scale, 1 at the bound and past it.
    pub(crate) fn tightness(&self, value: f64) -> f64 {
        let room = if self.maximum { self.bound - value } else { value - self.bound };
        (1.0 - room / self.scale).clamp(0.0, 1.0)
    }

    /// The value of a tightness.
    pub(crate) fn value_at(&self, tightness: f64) -> f64 {
        let room = (1.0 - tightness) * self.scale;
        if self.maximum { self.bound - room } else { self.bound + room }
    }

    /// Whether the bound is crossed.
    pub(crate) fn breached(&self) -> Option<bool> {
        self.distance.map(|d| d < 0.0)
    }
}

/// Value, bound and the room between them.
///
/// A floor of the value proves one thing only: that a maximum below it is crossed. Else nothing is known.
pub(crate) fn constraint(core: &Core<'_>, row: &ConstraintRow) -> Constraint {
    let (bound, room): (f64, fn(f64, f64) -> f64) = match row.bound {
        Limit { max: Some(max), .. } => (max, |v, b| b - v),
        Limit { min: Some(min), .. } => (min, |v, b| v - b),
        Limit { .. } => (0.0, |_, _| f64::NAN),
    };
    let maximum = row.bound.max.is_some();
    let mut out = Constraint { bound, maximum, scale: row.scale, ..Constraint::default() };
    let Some((eval, _)) = core.measure(&row.of) else { return out };
    let usable = eval.reading.filter(|v| !eval.lower || row.bound.max.is_some_and(|max| *v > max));
    out.value = usable;
    out.distance = usable.map(|v| room(v, bound));
    out.fresh = eval.fresh();
    if usable.is_some() {
        out.evidence = eval.state.evidence.clone();
    }
    out
}
