//! Ordinary least squares in the series' own space: every model is one line before the onset and one after.

use super::alarm::Model;

/// `level + slope · i`, i counted from the start of the segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    level: f64,
    slope: f64,
}

impl Line {
    pub(super) fn at(self, i: usize) -> f64 {
        self.level + self.slope * i as f64
    }

    pub(super) fn slope(self) -> f64 {
        self.slope
    }

    pub(super) fn level(x: &[f64]) -> Self {
        Self { level: Group::of(x).mean, slope: 0.0 }
    }

    pub(super) fn fit(x: &[f64]) -> Self {
        let group = Group::of(x);
        group.line(if group.ii > 0.0 { group.ix / group.ii } else { 0.0 }, 0.0)
    }

    /// Level, or line if `line`.
    pub(super) fn base(x: &[f64], line: bool) -> Self {
        if line { Self::fit(x) } else { Self::level(x) }
    }

    /// Residual sum of squares.
    pub(super) fn rss(self, x: &[f64]) -> f64 {
        x.iter().enumerate().map(|(i, v)| (v - self.at(i)) * (v - self.at(i))).sum()
    }

    /// Appends the residuals.
    pub(super) fn residuals(self, x: &[f64], out: &mut Vec<f64>) {
        out.extend(x.iter().enumerate().map(|(i, v)| v - self.at(i)));
    }
}

/// A model with its onset, fitted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) onset: usize,
    pub(super) before: Line,
    pub(super) after: Line,
}

impl Change {
    /// Fits `model` with its change at `onset`, which must lie inside `x`.
    pub(super) fn fit(x: &[f64], model: Model, onset: usize) -> Option<Self> {
        let (head, tail) = x.split_at_checked(onset)?;
        let (first, second) = (Group::of(head), Group::of(tail));
        let start = onset as f64;
        let (before, after) = match model {
            Model::Step => (first.line(0.0, 0.0), second.line(0.0, start)),
            Model::StepOnTrend => {
                let slope = (first.ix + second.ix) / (first.ii + second.ii);
                (first.line(slope, 0.0), second.line(slope, start))
            }
            Model::Kink => kink(x, tail, start),
            Model::Both => (first.line(first.ix / first.ii, 0.0), second.line(second.ix / second.ii, start)),
        };
        Some(Self { onset, before, after })
    }

    /// Height of the change at its onset.
    pub(super) fn jump(&self) -> f64 {
        self.after.at(self.onset) - self.before.at(self.onset)
    }

    /// Appends the residuals.
    pub(super) fn residuals(&self, x: &[f64], out: &mut Vec<f64>) {
        let line = |i| if i < self.onset { self.before } else { self.after };
        out.extend(x.iter().enumerate().map(|(i, v)| v - line(i).at(i)));
    }
}

/// A line with a ramp from `start` on, by taking the line off the ramp (Frisch, Waugh).
fn kink(x: &[f64], tail: &[f64], start: f64) -> (Line, Line) {
    let all = Group::of(x);
    let m = tail.len() as f64 - 1.0;
    let sum = m * (m + 1.0) / 2.0;
    let squares = m * (m + 1.0) * (2.0 * m + 1.0) / 6.0;
    let mean = sum / all.n;
    let qx = tail.iter().enumerate().map(|(j, v)| j as f64 * (v - all.mean)).sum::<f64>();
    let qi = squares + (start - all.middle) * sum;
    let slope = qi / all.ii;
    let bend = (qx - slope * all.ix) / (squares - mean * sum - slope * qi);
    let before = Line {
        slope: all.ix / all.ii - bend * slope,
        level: all.mean - bend * mean - (all.ix / all.ii - bend * slope) * all.middle,
    };
    (before, Line { slope: before.slope + bend, level: before.level - bend * start })
}

/// Sums of a run of observations around its own middle.
struct Group {
    n: f64,
    mean: f64,
    middle: f64,
    ix: f64,
    ii: f64,
}

impl Group {
    fn of(x: &[f64]) -> Self {
        let n = x.len() as f64;
        let mean = x.iter().sum::<f64>() / n;
        let middle = (n - 1.0) / 2.0;
        let ix = x.iter().enumerate().map(|(i, v)| (i as f64 - middle) * (v - mean)).sum();
        Self { n, mean, middle, ix, ii: n * (n * n - 1.0) / 12.0 }
    }

    /// The line of this slope through the middle of a group that starts at `start`.
    fn line(&self, slope: f64, start: f64) -> Line {
        Line { level: self.mean - slope * (start + self.middle), slope }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_model_recovers_its_own_mean() {
        let mean = |model: Model, i: usize| {
            let (i, late) = (i as f64, i >= 9);
            let jump = if late && model != Model::Kink { 5.0 } else { 0.0 };
            let trend = if model == Model::Step { 0.0 } else { 0.5 * i };
            let bend = if late && model.bends() { -1.5 * (i - 9.0) } else { 0.0 };
            2.0 + trend + jump + bend
        };
        for model in [Model::Step, Model::StepOnTrend, Model::Kink, Model::Both] {
            let x: Vec<f64> = (0..23).map(|i| mean(model, i)).collect();
            let mut rest = Vec::new();
            let change = Change::fit(&x, model, 9).unwrap();
            change.residuals(&x, &mut rest);
            assert!(rest.iter().all(|r| r.abs() < 1e-12), "{model}: {rest:?}");
            assert!((change.after.at(15) - mean(model, 15)).abs() < 1e-12, "{model}");
        }
    }

    #[test]
    fn residuals_of_a_kink_are_orthogonal_to_its_columns() {
        let x: Vec<f64> = (0..31_u32).map(|i| f64::from(i.wrapping_mul(2_654_435_761) >> 24)).collect();
        let mut rest = Vec::new();
        Change::fit(&x, Model::Kink, 12).unwrap().residuals(&x, &mut rest);
        let dot = |f: fn(f64) -> f64| rest.iter().enumerate().map(|(i, r)| r * f(i as f64)).sum::<f64>();
        for (name, product) in
            [("constant", dot(|_| 1.0)), ("time", dot(|i| i)), ("ramp", dot(|i| (i - 12.0).max(0.0)))]
        {
            assert!(product.abs() < 1e-8, "{name}: {product}");
        }
    }
}
