//! Changes of spread.

use serde::{Deserialize, Serialize};

use crate::focus::{Hull, Split};
use crate::robust::spread;
use crate::{Alarm, ChangeKind, Detector, Direction};

/// Residuals nearer to 0 than this share of the noise width count as this far: a repeated value is no proof of a
/// spread of 0, and a logarithm stays finite.
const NEAREST: f64 = 0.1;

/// What [`Variance`] is told beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct VarianceConfig {
    /// Alarm when twice the log likelihood ratio exceeds this. The largest in quiet normal noise, median and 99 % of
    /// simulated series: 14 and 25 in a thousand observations, 19 and 28 in ten thousand, 29 and 32 in a million.
    pub threshold: f64,
    /// Observations from which level and spread are learnt, and before which nothing alarms. At least 10.
    pub warm_up: usize,
    /// Residuals are cut at this many standard deviations, so that an outlier is not a change of spread.
    pub clip: f64,
}

impl Default for VarianceConfig {
    fn default() -> Self {
        Self { threshold: 30.0, warm_up: 100, clip: 3.0 }
    }
}

/// Exact likelihood-ratio test for a change of spread around a constant level, over all onsets and sizes at once.
///
/// FOCuS for the scale of normal data (Ward, Romano, Eckley, Fearnhead, "A constant-per-iteration likelihood ratio
/// test for online changepoint detection for exponential family models", Statistics and Computing 34 (2024)) on
/// squared residuals from the warm-up's median, winsorised to between 0.1 and `clip` of its scaled MAD. Memory and
/// work grow with ln n. After an alarm a new segment starts with the next observation, and the width at which
/// residuals are cut follows the new spread. A value that is not finite is a gap.
///
/// Give it residuals, or a series whose level stays: a step in the level is a rise in spread to it. Do not use it on
/// trends, on seasonal series or on noise with autocorrelation in its size.
///
/// ```
/// use bellwether_detect::{Detector, Direction, Variance, VarianceConfig};
///
/// let series: Vec<f64> = (0..400).map(|i| ((i * 7 % 11) as f64 - 5.0) * if i < 300 { 1.0 } else { 3.0 }).collect();
/// let alarms = Variance::new(VarianceConfig::default()).scan(&series);
/// assert_eq!(alarms.len(), 1);
/// assert_eq!((alarms[0].direction, alarms[0].kind), (Direction::Up, bellwether_detect::ChangeKind::Variance));
/// assert!(alarms[0].onset_index.abs_diff(300) <= 2);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variance {
    config: VarianceConfig,
    index: usize,
    sample: Vec<(usize, f64)>,
    level: f64,
    sigma: Option<f64>,
    count: f64,
    sum: f64,
    rises: Hull,
    falls: Hull,
    statistic: Option<f64>,
}

impl Variance {
    /// A detector that has read nothing.
    pub fn new(config: VarianceConfig) -> Self {
        Self {
            config,
            index: 0,
            sample: Vec::new(),
            level: 0.0,
            sigma: None,
            count: 0.0,
            sum: 0.0,
            rises: Hull::default(),
            falls: Hull::default(),
            statistic: None,
        }
    }

    /// Reads one observation.
    pub fn push(&mut self, value: f64) -> Option<Alarm> {
        let index = self.index;
        self.index += 1;
        if !value.is_finite() {
            return None;
        }
        let Some(sigma) = self.sigma else {
            self.learn(index, value);
            return None;
        };
        self.take(index, value, sigma);
        let (statistic, split) = self.search()?;
        self.statistic = Some(statistic);
        (statistic > self.config.threshold).then(|| self.alarm(index, sigma, statistic, split))
    }

    /// Twice the log likelihood ratio after the last observation; `None` during the warm-up and after an alarm.
    pub fn statistic(&self) -> Option<f64> {
        self.statistic
    }

    fn learn(&mut self, index: usize, value: f64) {
        self.sample.push((index, value));
        if self.sample.len() < self.config.warm_up.max(10) {
            return;
        }
        let sample = std::mem::take(&mut self.sample);
        let values: Vec<f64> = sample.iter().map(|(_, v)| *v).collect();
        // Half of the values equal: no width to cut at, so the next ones are awaited.
        let Some(spread) = spread(&values).filter(|s| s.sigma > 0.0 && s.sigma.is_finite()) else { return };
        self.level = spread.median;
        self.sigma = Some(spread.sigma);
        sample.into_iter().for_each(|(index, value)| self.take(index, value, spread.sigma));
    }

    fn take(&mut self, index: usize, value: f64, sigma: f64) {
        let (before, sum) = (self.count, self.sum);
        self.rises.push(Split { before, sum, index });
        self.falls.push(Split { before, sum: -sum, index });
        let width = ((value - self.level) / sigma).abs().min(self.config.clip.max(1.0)).max(NEAREST);
        self.count += 1.0;
        self.sum += width * width;
    }

    fn search(&self) -> Option<(f64, Split)> {
        let whole = deviance(self.count, self.sum);
        let falls = self.falls.splits().iter().map(|s| Split { sum: -s.sum, ..*s });
        let cuts = self.rises.splits().iter().copied().chain(falls).filter(|s| s.before > 0.0);
        let gains = cuts.map(|cut| {
            let after = deviance(self.count - cut.before, self.sum - cut.sum);
            (whole - deviance(cut.before, cut.sum) - after, cut)
        });
        gains.max_by(|a, b| a.0.total_cmp(&b.0))
    }

    fn alarm(&mut self, index: usize, sigma: f64, statistic: f64, split: Split) -> Alarm {
        let before = sigma * (split.sum / split.before).sqrt();
        let after = sigma * ((self.sum - split.sum) / (self.count - split.before)).sqrt();
        self.sigma = Some(after);
        (self.count, self.sum, self.statistic) = (0.0, 0.0, None);
        self.rises.clear();
        self.falls.clear();
        Alarm {
            kind: ChangeKind::Variance,
            alarm_index: index,
            onset_index: split.index,
            direction: if after > before { Direction::Up } else { Direction::Down },
            size: after - before,
            sigmas: (after - before) / before,
            statistic,
            threshold: self.config.threshold,
        }
    }
}

/// Minus twice the largest log likelihood of normal residuals with the given sum of squares, less what cancels.
fn deviance(count: f64, sum: f64) -> f64 {
    count * libm::log(sum / count)
}

impl Detector for Variance {
    fn name(&self) -> &'static str {
        "variance"
    }

    fn scan(&self, series: &[f64]) -> Vec<Alarm> {
        let mut fresh = Self::new(self.config);
        series.iter().filter_map(|value| fresh.push(*value)).collect()
    }
}
