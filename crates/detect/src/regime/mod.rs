//! Novel distributions in dense feeds.

mod hypotheses;

use serde::{Deserialize, Serialize};

use crate::{Alarm, ChangeKind, Detector, Direction};
use hypotheses::Hypotheses;
pub use hypotheses::Resolution;

/// What [`Regime`] is told beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegimeConfig {
    /// Observations that fix the range of the bins and that never alarm. Should span every regular cycle twice.
    pub probation: usize,
    /// Observations after an alarm in which none follows.
    pub refractory: usize,
    /// Alarm when twice the window times the divergence exceeds this, at either resolution; 13.3 is the 99 % point
    /// of χ² with 4 degrees of freedom.
    pub threshold: f64,
    /// Two windows with their bins, looked at together.
    pub resolutions: [Resolution; 2],
    /// Most patterns that are kept at one resolution; later ones are not learnt.
    pub patterns: usize,
}

impl Default for RegimeConfig {
    fn default() -> Self {
        Self {
            probation: 750,
            refractory: 150,
            threshold: 13.3,
            resolutions: [Resolution { window: 39, bins: 3 }, Resolution { window: 26, bins: 5 }],
            patterns: 2000,
        }
    }
}

/// Sliding relative entropy against learnt histograms.
///
/// Wang, Viswanathan, Choudur, Talwar, Satterfield, Schwan, "Statistical techniques for online anomaly detection in
/// data centers", IFIP/IEEE IM 2011. The histogram of the last window is compared with every pattern met before; a
/// divergence above the threshold from all of them alarms, and the window becomes a pattern. Bins come from the
/// probation alone (the published variant looks at the whole file). The statistic is in the units of χ².
///
/// The alarm's onset is the start of the window that diverged, its size the window's mean less the mean of all
/// before it, in the series' unit, and its sigmas that over the standard deviation before.
///
/// Meant for dense sensors and counters, hundreds of points a cycle. A single value beyond the range of the
/// probation by more than 5 % of it alarms too, the first time: its bin was never filled. Do not use it on short
/// statistical series, or on drifting ones, where each new range is novel. About six alarms in six thousand
/// observations of the Numenta benchmark.
///
/// ```
/// use bellwether_detect::{Detector, Regime, RegimeConfig};
///
/// let wave = |i: usize| (i % 24) as f64 + (i % 7) as f64;
/// let feed: Vec<f64> = (0..3000).map(|i| if (2000..2060).contains(&i) { 3.0 } else { wave(i) }).collect();
/// let alarms = Regime::new(RegimeConfig::default()).scan(&feed);
/// assert_eq!(alarms.len(), 1);
/// assert!((2000..2040).contains(&alarms[0].alarm_index));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Regime {
    config: RegimeConfig,
    index: usize,
    stage: Stage,
    /// Observation from which alarms may follow again.
    silent_until: usize,
    past: Moments,
    recent: std::collections::VecDeque<(usize, f64)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Stage {
    Probation(Vec<f64>),
    Watching(Box<[Hypotheses; 2]>),
}

/// Mean and variance of what has left the longer window (Welford 1962).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Moments {
    len: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.len += 1.0;
        let off = value - self.mean;
        self.mean += off / self.len;
        self.squares += off * (value - self.mean);
    }

    fn sigma(&self) -> f64 {
        (self.squares / (self.len - 1.0).max(1.0)).sqrt()
    }
}

impl Regime {
    /// A detector that has read nothing.
    pub fn new(config: RegimeConfig) -> Self {
        Self {
            config,
            index: 0,
            stage: Stage::Probation(Vec::new()),
            silent_until: 0,
            past: Moments::default(),
            recent: std::collections::VecDeque::new(),
        }
    }

    /// Reads one observation; one that is not finite is a gap, which keeps its index and changes nothing.
    pub fn push(&mut self, value: f64) -> Option<Alarm> {
        let index = self.index;
        self.index += 1;
        if !value.is_finite() {
            return None;
        }
        self.remember(index, value);
        let threshold = self.config.threshold;
        let (statistic, window) = match &mut self.stage {
            Stage::Probation(values) => {
                values.push(value);
                if values.len() >= self.config.probation.max(1) {
                    self.stage = Stage::Watching(Box::new(learn(values, &self.config)));
                }
                return None;
            }
            Stage::Watching(pair) => {
                let novel =
                    pair.iter_mut().zip(self.config.resolutions).filter_map(|(hypotheses, resolution)| {
                        hypotheses.push(value, threshold).map(|statistic| (statistic, resolution.window))
                    });
                novel.max_by(|a, b| a.0.total_cmp(&b.0))?
            }
        };
        if index < self.silent_until {
            return None;
        }
        self.silent_until = index.saturating_add(self.config.refractory);
        Some(self.alarm(index, statistic, window))
    }

    fn remember(&mut self, index: usize, value: f64) {
        self.recent.push_back((index, value));
        let longest = self.config.resolutions.iter().map(|r| r.window).max().unwrap_or(1);
        if self.recent.len() > longest.max(1) {
            self.recent.pop_front().into_iter().for_each(|(_, oldest)| self.past.add(oldest));
        }
    }

    fn alarm(&self, index: usize, statistic: f64, window: usize) -> Alarm {
        let tail = self.recent.iter().skip(self.recent.len().saturating_sub(window.max(1)));
        let (len, sum) = tail.clone().fold((0.0, 0.0), |(n, s), (_, v)| (n + 1.0, s + v));
        let size = sum / f64::max(len, 1.0) - self.past.mean;
        let sigma = self.past.sigma();
        Alarm {
            kind: ChangeKind::Regime,
            alarm_index: index,
            onset_index: tail.clone().next().map_or(index, |(first, _)| *first),
            direction: if size < 0.0 { Direction::Down } else { Direction::Up },
            size,
            sigmas: if sigma > 0.0 { size / sigma } else { 0.0 },
            statistic,
            threshold: self.config.threshold,
        }
    }
}

/// Bins from the range of the probation, patterns from a replay of it.
fn learn(values: &[f64], config: &RegimeConfig) -> [Hypotheses; 2] {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    config.resolutions.map(|resolution| {
        let mut hypotheses = Hypotheses::new(resolution, low, high, config.patterns);
        values.iter().for_each(|value| {
            hypotheses.push(*value, config.threshold);
        });
        hypotheses
    })
}

impl Detector for Regime {
    fn name(&self) -> &'static str {
        "regime"
    }

    fn scan(&self, series: &[f64]) -> Vec<Alarm> {
        let mut fresh = Self::new(self.config);
        series.iter().filter_map(|value| fresh.push(*value)).collect()
    }
}
