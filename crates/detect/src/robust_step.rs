//! A plain level-step detector: several observations in a row far outside the spread of those before.

use crate::robust::Window;
use crate::{Alarm, ChangeKind, Detector, Direction};

/// Fires when the last `run` observations all lie more than `threshold` robust standard deviations on one side
/// of the median of the `window` observations before them, of which there must be at least `warm_up` since the
/// last alarm.
///
/// After an alarm the new segment starts at the onset, so that one change fires once. It is simple on purpose:
/// it has no model of trend, season or autocorrelation, and on trending or autocorrelated series it fires more
/// often than its threshold suggests. Median and MAD as in Hampel, JASA 69 (1974) 383. Cost per observation
/// grows with the window, not with the series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RobustStep {
    /// Fewest observations before a candidate step.
    pub warm_up: usize,
    /// Most observations that the reference reaches back over.
    pub window: usize,
    /// Observations in a row that must agree.
    pub run: usize,
    /// Standard deviations.
    pub threshold: f64,
}

impl Default for RobustStep {
    fn default() -> Self {
        Self { warm_up: 5, window: 60, run: 2, threshold: 3.0 }
    }
}

impl Detector for RobustStep {
    fn name(&self) -> &'static str {
        "robust-step"
    }

    fn scan(&self, series: &[f64]) -> Vec<Alarm> {
        let mut alarms = Vec::new();
        let mut reference = Window::default();
        let mut segment = 0;
        for alarm_index in 0..series.len() {
            let Some(onset_index) = (alarm_index + 1).checked_sub(self.run.max(1)) else { continue };
            if let Some(newest) =
                onset_index.checked_sub(1).filter(|n| *n >= segment).and_then(|n| series.get(n))
            {
                reference.insert(*newest);
            }
            if let Some(oldest) = onset_index.checked_sub(self.window + 1).filter(|n| *n >= segment) {
                series.get(oldest).inspect(|v| reference.remove(**v));
            }
            let Some(run) = series.get(onset_index..=alarm_index).filter(|_| reference.len() >= self.warm_up)
            else {
                continue;
            };
            // A run on both sides of the median cannot be a step: no need to reckon the spread.
            let Some(centre) = reference.median() else { continue };
            if run.iter().any(|v| *v <= centre) && run.iter().any(|v| *v >= centre) {
                continue;
            }
            let Some(spread) = reference.spread().filter(|s| s.sigma > 0.0) else { continue };
            let distance = |v: &f64| (v - spread.median) / spread.sigma;
            let up = run.iter().all(|v| distance(v) > self.threshold);
            let down = run.iter().all(|v| distance(v) < -self.threshold);
            let Some(level) = crate::median(run).filter(|_| up || down) else { continue };
            alarms.push(Alarm {
                kind: ChangeKind::Level,
                alarm_index,
                onset_index,
                direction: if up { Direction::Up } else { Direction::Down },
                size: level - spread.median,
                sigmas: (level - spread.median) / spread.sigma,
                statistic: run.iter().map(|v| distance(v).abs()).fold(f64::INFINITY, f64::min),
                threshold: self.threshold,
            });
            segment = onset_index;
            reference = Window::default();
        }
        alarms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: [f64; 14] =
        [10.0, 11.0, 9.0, 10.5, 9.5, 10.0, 11.0, 20.0, 21.0, 20.5, 19.5, 20.0, 20.2, 19.8];

    #[test]
    fn one_step_fires_once_and_a_single_outlier_never() {
        let alarms = RobustStep::default().scan(&STEP);
        assert_eq!(alarms.len(), 1, "{alarms:?}");
        assert_eq!((alarms[0].onset_index, alarms[0].alarm_index), (7, 8));
        let outlier = [10.0, 11.0, 9.0, 10.5, 9.5, 10.0, 60.0, 10.1, 10.2, 9.9];
        assert_eq!(RobustStep::default().scan(&outlier), []);
    }

    #[test]
    fn a_constant_reference_has_no_scale_and_stays_silent() {
        assert_eq!(RobustStep::default().scan(&[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0]), []);
    }

    #[test]
    fn alarms_of_a_prefix_are_the_alarms_so_far() {
        let all = RobustStep::default().scan(&STEP);
        for n in 0..=STEP.len() {
            let so_far: Vec<Alarm> = all.iter().filter(|a| a.alarm_index < n).copied().collect();
            assert_eq!(RobustStep::default().scan(&STEP[..n]), so_far, "prefix {n}");
        }
    }
}
