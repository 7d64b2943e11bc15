//! Seasonal figures by classical decomposition, kept only when they explain enough (Wang, Smith, Hyndman 2006).

use crate::robust::Window;

/// Share of the detrended variance that the season must explain.
const STRENGTH: f64 = 0.64;

/// Detrended observations of one series, by phase; grows with the series.
#[derive(Clone, Debug, Default)]
pub(super) struct Season {
    cycle: usize,
    detrended: Vec<f64>,
    phases: Vec<Window>,
    figures: Vec<f64>,
    turned: Vec<f64>,
}

impl Season {
    pub(super) fn new(cycle: usize) -> Self {
        Self { cycle, phases: vec![Window::default(); cycle], ..Self::default() }
    }

    /// Seasonal figures of the series so far, phase 0 at its first observation; `None` when there is no season to
    /// speak of. `x` must be the series of the call before with observations added.
    pub(super) fn figures(&mut self, x: &[f64]) -> Option<&[f64]> {
        if self.cycle < 2 || x.len() < 3 * self.cycle {
            return None;
        }
        self.detrend(x);
        self.figures.clear();
        self.figures.extend(self.phases.iter().map(|phase| phase.median().unwrap_or(0.0)));
        let mean = self.figures.iter().sum::<f64>() / self.cycle as f64;
        self.figures.iter_mut().for_each(|f| *f -= mean);
        self.turned.clone_from(&self.figures);
        self.turned.rotate_left(self.cycle / 2);
        (self.strength() > STRENGTH).then_some(self.figures.as_slice())
    }

    /// Takes the centred moving average over one cycle off every observation that has one.
    fn detrend(&mut self, x: &[f64]) {
        let half = self.cycle / 2;
        while let Some(window) = x.get(self.detrended.len()..=self.detrended.len() + 2 * half) {
            let (Some(first), Some(last), Some(middle)) = (window.first(), window.last(), window.get(half))
            else {
                return;
            };
            let mut sum = window.iter().sum::<f64>();
            if self.cycle.is_multiple_of(2) {
                sum -= 0.5 * (first + last);
            }
            let rest = middle - sum / self.cycle as f64;
            let phase = (half + self.detrended.len()) % self.cycle;
            self.detrended.push(rest);
            if let Some(phase) = self.phases.get_mut(phase) {
                phase.insert(rest);
            }
        }
    }

    /// 1 − var(remainder) / var(season + remainder).
    fn strength(&self) -> f64 {
        let n = self.detrended.len() as f64;
        let pairs = || self.detrended.chunks(self.cycle).flat_map(|years| years.iter().zip(&self.turned));
        let (mut mean, mut rest_mean) = (0.0, 0.0);
        for (d, figure) in pairs() {
            mean += d;
            rest_mean += d - figure;
        }
        (mean, rest_mean) = (mean / n, rest_mean / n);
        let (mut all, mut rest) = (0.0, 0.0);
        for (d, figure) in pairs() {
            all += (d - mean) * (d - mean);
            rest += (d - figure - rest_mean) * (d - figure - rest_mean);
        }
        if all > 0.0 { 1.0 - rest / all } else { 0.0 }
    }
}
