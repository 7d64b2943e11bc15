//! All onsets of all models in one backward pass over a segment, under AR(1) noise.
//!
//! The segment is whitened (first observation times √(1 − φ²), then `x[i] − φ x[i−1]`), and so are the regressors.
//! Sums over the tail give the inner products of step and ramp with everything in O(1), a Schur complement takes
//! off the base model. AR(1) change points: Chakar, Lebarbier, Lévy-Leduc, Robin, Bernoulli 23 (2017); slope
//! changes: Baranowski, Chen, Fryzlewicz (2019).

use super::alarm::Model;

/// Fewest observations on each side of a step.
const EDGE: usize = 2;
/// Fewest observations for a line alone, and for a change on a line.
const LINE_MIN: usize = 4;
const CHANGE_ON_LINE_MIN: usize = 6;
/// Regressors closer than this to the span of the others add nothing.
const STEP_SINGULAR: f64 = 1e-10;
const SINGULAR: f64 = 1e-9;
const LINE_SINGULAR: f64 = 1e-12;

/// Takes every candidate: model, onset in the segment, whitened residual sum of squares.
pub(super) trait Sink {
    fn offer(&mut self, model: Model, onset: usize, rss: f64);
}

/// A segment whitened, with the base models fitted.
pub(super) struct Whitened<'a> {
    y: &'a [f64],
    phi: f64,
    /// Constant column: squared length, projection of the data.
    cc: f64,
    mean: f64,
    cy: f64,
    ty: f64,
    /// Residual sum of squares around a level.
    pub(super) level: f64,
    line: Option<Line>,
}

struct Line {
    rss: f64,
    /// Inverse of the 2 × 2 normal matrix.
    i11: f64,
    i12: f64,
    i22: f64,
}

impl<'a> Whitened<'a> {
    /// Whitens `x` into `y` and fits level and line. `None` when `x` is empty.
    pub(super) fn new(x: &[f64], phi: f64, y: &'a mut Vec<f64>) -> Option<Self> {
        let a = 1.0 - phi;
        let edge = (1.0 - phi * phi).sqrt();
        let first = edge * x.first()?;
        y.clear();
        y.push(first);
        y.extend(x.iter().zip(x.iter().skip(1)).map(|(before, this)| this - phi * before));
        let (mut yy, mut tail, mut moment) = (first * first, 0.0, 0.0);
        for (i, v) in y.iter().enumerate().skip(1) {
            yy += v * v;
            tail += v;
            moment += i as f64 * v;
        }
        let m = (x.len() - 1) as f64;
        let (s1, s2) = power_sums(m);
        let cc = edge * edge + a * a * m;
        let ct = a * (a * s1 + phi * m);
        let tt = a * a * s2 + 2.0 * a * phi * s1 + phi * phi * m;
        let cy = edge * first + a * tail;
        let ty = a * moment + phi * tail;
        let level = (yy - cy * cy / cc).max(0.0);
        let det = cc * tt - ct * ct;
        let line = (x.len() >= LINE_MIN && det > LINE_SINGULAR).then(|| {
            let (i11, i12, i22) = (tt / det, -ct / det, cc / det);
            let rss = yy - (cy * (i11 * cy + i12 * ty) + ty * (i12 * cy + i22 * ty));
            Line { rss: rss.max(0.0), i11, i12, i22 }
        });
        Some(Self { y, phi, cc, mean: cy / cc, cy, ty, level, line })
    }

    /// Residual sum of squares around a line; `None` below four observations.
    pub(super) fn line(&self) -> Option<f64> {
        self.line.as_ref().map(|line| line.rss)
    }

    /// Offers every onset of every model, latest onset first.
    pub(super) fn each(&self, sink: &mut impl Sink) {
        let n = self.y.len();
        let a = 1.0 - self.phi;
        let line = self.line.as_ref().filter(|_| n >= CHANGE_ON_LINE_MIN);
        // Over the observations after k: their number, Σ y, Σ i y.
        let (mut m, mut tail, mut moment) = (0.0, 0.0, 0.0);
        for (k, &y) in self.y.iter().enumerate().skip(EDGE).rev() {
            let at = k as f64;
            let after = n - k;
            if after >= EDGE {
                let step = Column { own: 1.0 + m * a * a, constant: a + m * a * a, data: y + a * tail };
                let v = step.own - step.constant * step.constant / self.cc;
                let u = step.data - step.constant * self.mean;
                if v > STEP_SINGULAR {
                    sink.offer(Model::Step, k, self.level - u * u / v);
                }
                if let Some(line) = line {
                    let ramp = moment - at * tail;
                    self.on_line(line, &Tail { k, after, at, m, tail, ramp, step }, sink);
                }
            }
            m += 1.0;
            tail += y;
            moment += at * y;
        }
    }

    /// The three models on a line, at one onset.
    #[inline]
    fn on_line(&self, line: &Line, at: &Tail, sink: &mut impl Sink) {
        let (phi, a, m) = (self.phi, 1.0 - self.phi, at.m);
        let (s1, s2) = power_sums(m);
        let Column { own: dd, constant: dc, data: dy } = at.step;
        // Whitened time index at the onset.
        let onset = a * at.at + phi;
        let dt = onset + a * (m * onset + a * s1);
        let qq = a * a * s2 + 2.0 * a * phi * s1 + phi * phi * m;
        let qc = a * (a * s1 + phi * m);
        let qt = a * a * s2 + a * (onset + phi) * s1 + phi * onset * m;
        let qy = a * at.ramp + phi * at.tail;
        // Step and ramp with the line taken off.
        let (p1, p2) = line.solve(dc, dt);
        let vd = dd - (dc * p1 + dt * p2);
        let ud = dy - (p1 * self.cy + p2 * self.ty);
        let (h1, h2) = line.solve(qc, qt);
        let vq = qq - (qc * h1 + qt * h2);
        let uq = qy - (h1 * self.cy + h2 * self.ty);
        if vd > SINGULAR {
            sink.offer(Model::StepOnTrend, at.k, line.rss - ud * ud / vd);
        }
        if at.after > EDGE && at.k > EDGE && vq > SINGULAR {
            sink.offer(Model::Kink, at.k, line.rss - uq * uq / vq);
            let vdq = qc - (dc * h1 + dt * h2);
            let det = vd * vq - vdq * vdq;
            if at.after > EDGE + 1 && det > SINGULAR * vd * vq {
                let gain = (ud * ud * vq - 2.0 * ud * uq * vdq + uq * uq * vd) / det;
                sink.offer(Model::Both, at.k, line.rss - gain);
            }
        }
    }
}

impl Line {
    fn solve(&self, c: f64, t: f64) -> (f64, f64) {
        (self.i11 * c + self.i12 * t, self.i12 * c + self.i22 * t)
    }
}

/// Inner products of the whitened step column.
struct Column {
    own: f64,
    constant: f64,
    data: f64,
}

/// One onset, and the sums over what follows it.
struct Tail {
    k: usize,
    after: usize,
    at: f64,
    m: f64,
    tail: f64,
    /// Σ (i − k) y.
    ramp: f64,
    step: Column,
}

/// Σ i and Σ i² for i from 1 to m.
fn power_sums(m: f64) -> (f64, f64) {
    (m * (m + 1.0) / 2.0, m * (m + 1.0) * (2.0 * m + 1.0) / 6.0)
}
