//! How hard a bound presses: the room of its own figure first, scenarios and standing changes besides.
//!
//! Strength = presses · tightness + Σ weight · sign · reading, cut to 0–1. Whether the bound is crossed is a matter of
//! the figure alone and not asked here.

use bellwether_model::framework::Constraint as ConstraintRow;

use super::band::{Band, band};
use super::core::Core;
use super::relation::Constraint;
use super::strength::{PartPoints, Strength, Width};

/// A bound with how hard it presses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pressing {
    pub(crate) strength: Strength,
    /// Where the figure may stand now.
    pub(crate) band: Band,
    /// 0 beyond the scale, 1 at the bound and past it; `None` without a fresh figure.
    pub(crate) tightness: Option<f64>,
    /// What is read besides, in the order of the framework; points out of 100.
    pub(crate) parts: Vec<PartPoints>,
}

impl Pressing {
    /// What the known inputs add.
    pub(crate) fn besides(&self) -> f64 {
        self.parts.iter().filter_map(|p| p.points).sum::<f64>() / 100.0
    }
}

/// Reads a bound in a view that ends at `at`.
pub(crate) fn pressing(core: &Core<'_>, row: &ConstraintRow, state: &Constraint, at: i64) -> Pressing {
    let Some((eval, measure)) = core.measure(&row.of) else { return Pressing::default() };
    let band = band(eval, measure, at);
    let tightness = state.value.filter(|_| state.fresh).map(|v| state.tightness(v));
    let weak = eval.grade.source() > 'C' || eval.grade.information() > 3;
    let own = own(state, &band, measure.scale, (tightness, weak && state.fresh));
    let (mut value, mut low, mut high) = (own.value, own.low, own.high);
    (low, high) = (row.presses * low, row.presses * high);
    value = value.map(|v| row.presses * v);
    let mut width = own.width.times(row.presses);
    let (mut parts, mut evidence) = (Vec::new(), state.evidence.clone());
    for input in &row.inputs {
        let read = core.strength(&input.of, input.reading);
        let scale = input.weight * input.sign.factor();
        let (a, b) = (scale * read.low, scale * read.high);
        (low, high) = (low + a.min(b), high + a.max(b));
        width = width.plus(read.width.times(scale.abs()));
        value = value.map(|v| v + scale * read.value.unwrap_or_default());
        if read.value.is_some() {
            evidence.extend(&read.evidence);
        }
        parts.push(PartPoints {
            id: input.of.clone(),
            reading: input.reading,
            points: read.value.map(|v| 100.0 * scale * v),
            weight: input.weight,
            sign: input.sign.factor(),
            floor: read.floor,
        });
    }
    evidence.sort_unstable();
    evidence.dedup();
    (low, high) = (low.clamp(0.0, 1.0), high.clamp(0.0, 1.0));
    let total = width.total();
    let width = if total > 0.0 { width.times((high - low) / total) } else { width };
    let value = value.map(|v| v.clamp(0.0, 1.0));
    let evidence = if value.is_some() { evidence } else { Vec::new() };
    let strength = Strength { value, low, high, floor: eval.lower, evidence, width };
    Pressing { strength, band, tightness, parts }
}

/// Tightness with the band that the figure's own band makes of it.
fn own(
    state: &Constraint,
    band: &Band,
    scale: Option<[f64; 2]>,
    (tightness, weak): (Option<f64>, bool),
) -> Strength {
    if !state.fresh || (band.low, band.high) == (None, None) && tightness.is_none() {
        return Strength::missing(0.0, 1.0);
    }
    // Where the past says nothing, the scale of the measure is all that bounds it.
    let [least, most] = scale.map_or([None, None], |ends| ends.map(Some));
    let ends = [band.low.or(least), band.high.or(most)].map(|end| end.map(|v| state.tightness(v)));
    let (low, high) = match (state.maximum, ends) {
        (true, [low, high]) => (low.unwrap_or(0.0), high.unwrap_or(1.0)),
        (false, [low, high]) => (high.unwrap_or(0.0), low.unwrap_or(1.0)),
    };
    let Some(value) = tightness else { return Strength::missing(low, high) };
    let (low, high) = (low.min(value), high.max(value));
    // A weak source leaves "nothing" possible too.
    let least = if weak { 0.0 } else { low };
    let width = Width { bounds: high - low, weak: low - least, ..Width::default() };
    Strength { value: Some(value), low: least, high, width, ..Strength::default() }
}
