//! What a row gives to the rows above it: a strength with the band that its evidence allows.

use bellwether_model::framework::{As, Measure};

use super::measure::MeasureEval;

/// A strength between −1 and 1 and the interval that missing, one-sided or weak evidence leaves open.
#[derive(Clone, Debug, Default)]
pub(crate) struct Strength {
    /// `None` when the row says nothing.
    pub(crate) value: Option<f64>,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Rests on a floor somewhere: a fall of it may be a fall of what was looked for.
    pub(crate) floor: bool,
    pub(crate) evidence: Vec<u64>,
    /// What the band comes from; adds to its width.
    pub(crate) width: Width,
}

/// Width of a band by what it comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Width {
    /// Parts that say nothing.
    pub(crate) missing: f64,
    /// Floors and weak sources.
    pub(crate) weak: f64,
    /// How far the figures of bounds may have moved.
    pub(crate) bounds: f64,
    /// Which scenario holds.
    pub(crate) scenarios: f64,
}

impl Width {
    /// The same on another scale.
    pub(crate) fn times(self, by: f64) -> Self {
        Self {
            missing: self.missing * by,
            weak: self.weak * by,
            bounds: self.bounds * by,
            scenarios: self.scenarios * by,
        }
    }

    /// Both together.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            missing: self.missing + other.missing,
            weak: self.weak + other.weak,
            bounds: self.bounds + other.bounds,
            scenarios: self.scenarios + other.scenarios,
        }
    }

    /// Of the whole band.
    pub(crate) fn total(self) -> f64 {
        self.missing + self.weak + self.bounds + self.scenarios
    }
}

impl Strength {
    /// Nothing is known: anywhere in the range.
    pub(crate) fn missing(low: f64, high: f64) -> Self {
        let width = Width { missing: high - low, ..Width::default() };
        Self { low, high, width, ..Self::default() }
    }

    /// Known for sure.
    pub(crate) fn exact(value: f64, evidence: Vec<u64>) -> Self {
        Self { value: Some(value), low: value, high: value, evidence, ..Self::default() }
    }

    /// A level on the scale −100 to 100 with its band.
    pub(crate) fn of_sum(sum: &Sum) -> Self {
        match (sum.level, sum.low, sum.high) {
            (Some(level), Some(low), Some(high)) => Self {
                value: Some(level / 100.0),
                low: low / 100.0,
                high: high / 100.0,
                floor: sum.parts.iter().any(|p| p.floor),
                evidence: sum.evidence.clone(),
                width: sum.width.times(0.01),
            },
            _ => Self::missing(-1.0, 1.0),
        }
    }
}

/// Strength of a measure: tanh(z / 2), or the position on its scale.
///
/// Only a fresh value counts. A floor is read upward only: below the baseline it says nothing, above it the
/// true value lies somewhere between normal and the top. A weak source leaves "nothing" possible too.
pub(crate) fn of_measure(eval: &MeasureEval, measure: &Measure, reading: As) -> Strength {
    let (value, bottom) = match reading {
        As::Distance => (eval.state.distance.map(|z| libm::tanh(z / 2.0)), -1.0),
        As::Scale | As::Probability | As::Shift => {
            let [low, high] = measure.scale.unwrap_or([0.0, 1.0]);
            (eval.reading.map(|v| ((v - low) / (high - low)).clamp(0.0, 1.0)), 0.0)
        }
    };
    let Some(value) = value.filter(|_| eval.fresh()) else { return Strength::missing(bottom, 1.0) };
    if eval.lower && reading == As::Distance && value < 0.0 {
        return Strength::missing(bottom, 1.0);
    }
    let weak = eval.grade.source() > 'C' || eval.grade.information() > 3;
    let (low, high) = match (eval.lower, weak) {
        (true, _) => (value.min(0.0), 1.0),
        (false, true) => (value.min(0.0), value.max(0.0)),
        (false, false) => (value, value),
    };
    let width = Width { weak: high - low, ..Width::default() };
    Strength {
        value: Some(value),
        low,
        high,
        floor: eval.lower,
        evidence: eval.state.evidence.clone(),
        width,
    }
}

/// Sum of weighted strengths: level, band, coverage, evidence.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) level: Option<f64>,
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    pub(crate) coverage: f64,
    pub(crate) evidence: Vec<u64>,
    /// What the band comes from; adds to its width.
    pub(crate) width: Width,
    /// In id order.
    pub(crate) parts: Vec<PartPoints>,
}

/// What one part gives.
#[derive(Clone, Debug)]
pub(crate) struct PartPoints {
    pub(crate) id: String,
    /// How it is read: a row may read both a figure and its changes.
    pub(crate) reading: As,
    /// `None` where the row says nothing.
    pub(crate) points: Option<f64>,
    pub(crate) weight: f64,
    /// +1, −1 or 0: which way a rise of the part moves the sum.
    pub(crate) sign: f64,
    pub(crate) floor: bool,
}

impl Sum {
    /// Points of the part of that id, read so.
    pub(crate) fn points(&self, id: &str, reading: As) -> Option<f64> {
        self.parts.iter().find(|p| p.id == id && p.reading == reading)?.points
    }

    /// Change of the parts that can be compared between two sums, `None` when they are too few.
    ///
    /// A part compares when both sums have it. A floor compares only upward: fewer records of a happening are
    /// no sign of fewer happenings.
    pub(crate) fn change_since(&self, before: &Sum, minimum_coverage: f64) -> Option<f64> {
        let (mut change, mut compared) = (0.0, 0.0);
        for part in &self.parts {
            let same = |p: &&PartPoints| p.id == part.id && p.reading == part.reading;
            let then = before.parts.iter().find(same);
            let (Some(now), Some(then)) = (part.points, then.filter(|p| p.points.is_some())) else {
                continue;
            };
            let moved = now - then.points.unwrap_or_default();
            if (part.floor || then.floor) && moved * part.sign < 0.0 {
                continue;
            }
            change += moved;
            compared += part.weight;
        }
        (compared + 1e-9 >= minimum_coverage).then_some(change)
    }
}

/// A part with how it is read, its weight, sign and strength.
pub(crate) type Weighted = ((String, As), f64, f64, Strength);

/// Adds 100 · weight · sign · strength in id order; null under the least coverage.
pub(crate) fn sum(mut parts: Vec<Weighted>, minimum_coverage: f64) -> Sum {
    parts.sort_by(|a, b| a.0.cmp(&b.0));
    let (mut level, mut low, mut high) = (0.0, 0.0, 0.0);
    let mut out = Sum::default();
    for ((id, reading), weight, sign, strength) in parts {
        let scale = 100.0 * weight * sign;
        let (a, b) = (scale * strength.low, scale * strength.high);
        low += a.min(b);
        high += a.max(b);
        out.width = out.width.plus(strength.width.times(scale.abs()));
        let points = strength.value.map(|v| scale * v);
        if let Some(points) = points {
            level += points;
            out.coverage += weight;
            out.evidence.extend(strength.evidence);
        }
        out.parts.push(PartPoints { id, reading, points, weight, sign, floor: strength.floor });
    }
    out.evidence.sort_unstable();
    out.evidence.dedup();
    // Weights that a person typed add to 1 within rounding; the comparison must not hang on the last bit.
    if out.coverage + 1e-9 >= minimum_coverage {
        // −0 and 0 must print alike.
        (out.level, out.low, out.high) = (Some(level + 0.0), Some(low + 0.0), Some(high + 0.0));
    } else {
        out.width = Width::default();
    }
    out
}
