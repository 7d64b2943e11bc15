//! Steps in the mean of fast feeds.

mod hull;
mod scale;

pub(crate) use hull::{Hull, Split};
pub(crate) use scale::Scale;

use serde::{Deserialize, Serialize};

use crate::{Alarm, ChangeKind, Detector, Direction};

/// Farther from 0 than this is no measurement: squares must stay finite.
const REACH: f64 = 1e100;

/// What [`Focus`] is told beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FocusConfig {
    /// Alarm when the statistic exceeds this. The statistic is twice the log likelihood ratio, so that a single
    /// outlier of z standard deviations amounts to about z². The largest in quiet normal noise, median and 99 % of
    /// simulated series: with `sigma` known 20 and 29 in ten thousand observations, 28 and 32 in a million; learnt
    /// from 200, 14 and 30 in a thousand, 19 and 34 in ten thousand, 28 and 34 in a million.
    pub threshold: f64,
    /// Observations from which the noise level is learnt, and before which nothing alarms. At least 3 when
    /// `sigma` is unknown.
    pub warm_up: usize,
    /// Standard deviation of the noise, in the series' unit, when known. With autocorrelated noise give the
    /// long-run value: for AR(1) with coefficient φ, `sd · sqrt((1 + φ)/(1 − φ))`.
    pub sigma: Option<f64>,
    /// Mean before the first change, in the series' unit, when known. After an alarm it is known no longer.
    pub mean: Option<f64>,
}

impl Default for FocusConfig {
    fn default() -> Self {
        Self { threshold: 36.0, warm_up: 200, sigma: None, mean: None }
    }
}

/// Exact likelihood-ratio test for a step in the mean, over all onsets and all sizes at once.
///
/// FOCuS: Romano, Eckley, Fearnhead, Rigaill, "Fast online changepoint detection via functional pruning CUSUM
/// statistics", JMLR 24 (2023), arXiv 2110.08205. After each observation the statistic is the maximum over every
/// cut of the segment since the last alarm, equal to brute force; memory and work grow with ln n.
///
/// The noise is taken as independent, normal, of constant spread. The spread comes from `sigma`, or from the
/// first `warm_up` observations (scaled MAD of first differences), and stays. After an alarm a new segment starts
/// with the next observation. Values that are not finite, or beyond
/// ±1e100, count as gaps: they keep their index and change nothing.
///
/// Do not use it on trends (a slope becomes a run of steps), on seasonal series, on short statistical series with
/// autocorrelation, or where single outliers occur: one of more than √threshold standard deviations is a step of
/// length one. Clip those first.
///
/// ```
/// use bellwether_detect::{Focus, FocusConfig};
///
/// let mut focus = Focus::new(FocusConfig { sigma: Some(1.0), warm_up: 0, ..FocusConfig::default() });
/// let alarm = (0..200).find_map(|i| focus.push(if i < 100 { 0.1 } else { 2.1 })).unwrap();
/// assert_eq!((alarm.onset_index, alarm.alarm_index), (100, 109));
/// assert!((alarm.size - 2.0).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Focus {
    config: FocusConfig,
    scale: Scale,
    /// Observations pushed, gaps included.
    index: usize,
    /// Subtracted from every value, so that a large level costs no digits.
    origin: f64,
    /// Whether `origin` is the true mean before the change.
    known: bool,
    count: f64,
    sum: f64,
    rises: Hull,
    falls: Hull,
}

/// The best cut of the current segment.
#[derive(Clone, Copy, Debug)]
struct Best {
    gain: f64,
    split: Split,
    direction: Direction,
}

impl Focus {
    /// A detector that has read nothing.
    pub fn new(config: FocusConfig) -> Self {
        Self {
            scale: Scale::new(config.sigma, config.warm_up),
            index: 0,
            origin: config.mean.unwrap_or(0.0),
            known: config.mean.is_some(),
            count: 0.0,
            sum: 0.0,
            rises: Hull::default(),
            falls: Hull::default(),
            config,
        }
    }

    /// Reads one observation.
    pub fn push(&mut self, value: f64) -> Option<Alarm> {
        let index = self.index;
        self.index += 1;
        if !value.is_finite() || value.abs() > REACH {
            return None;
        }
        if self.count == 0.0 && !self.known {
            self.origin = value;
        }
        let centred = value - self.origin;
        self.scale.observe(value);
        self.cut(index);
        self.count += 1.0;
        self.sum += centred;
        let sigma = self.scale.sigma()?;
        if self.index < self.config.warm_up || !self.crosses(sigma) {
            return None;
        }
        let best = self.search()?;
        let statistic = best.gain / (sigma * sigma);
        if statistic <= self.config.threshold {
            return None;
        }
        let size = self.size(&best);
        self.restart();
        Some(Alarm {
            kind: ChangeKind::Level,
            alarm_index: index,
            onset_index: best.split.index,
            direction: best.direction,
            size,
            sigmas: size / sigma,
            statistic,
            threshold: self.config.threshold,
        })
    }

    /// Twice the log likelihood ratio after the last observation, the largest over all cuts and both directions.
    /// Reckoned when asked for. `None` while the noise level is unknown and right after an alarm.
    pub fn statistic(&self) -> Option<f64> {
        let sigma = self.scale.sigma()?;
        Some(self.search()?.gain / (sigma * sigma))
    }

    /// Noise level in use, in the series' unit.
    pub fn sigma(&self) -> Option<f64> {
        self.scale.sigma()
    }

    /// How many cuts are kept, both directions together: the memory in use.
    pub fn kept(&self) -> usize {
        self.rises.splits().len() + self.falls.splits().len()
    }

    /// Offers the cut before the coming observation.
    #[inline]
    fn cut(&mut self, index: usize) {
        let (before, sum) = (self.count, self.sum);
        let (rise, fall) = (Split { before, sum, index }, Split { before, sum: -sum, index });
        if self.known {
            self.rises.push_known(rise);
            self.falls.push_known(fall);
        } else {
            self.rises.push(rise);
            self.falls.push(fall);
        }
    }

    /// Whether any cut exceeds the threshold: the same as the search, without its divisions.
    #[inline]
    fn crosses(&self, sigma: f64) -> bool {
        let (count, sum, bar) = (self.count, self.sum, self.config.threshold * sigma * sigma);
        let far = |splits: &[Split], sum: f64| {
            splits.iter().fold(false, |far, split| {
                let (rise, due) = if self.known {
                    (sum - split.sum, bar * (count - split.before))
                } else {
                    (
                        sum * split.before - count * split.sum,
                        bar * count * split.before * (count - split.before),
                    )
                };
                far | ((rise > 0.0) & (rise * rise > due))
            })
        };
        far(self.rises.splits(), sum) | far(self.falls.splits(), -sum)
    }

    fn search(&self) -> Option<Best> {
        let find = if self.known { best_known } else { best_unknown };
        let rise = find(self.rises.splits(), self.count, self.sum);
        let fall = find(self.falls.splits(), self.count, -self.sum);
        let (gain, split, direction) = match (rise, fall) {
            (Some(r), Some(f)) if f.0 > r.0 => (f.0, f.1, Direction::Down),
            (Some(r), _) => (r.0, r.1, Direction::Up),
            (None, Some(f)) => (f.0, f.1, Direction::Down),
            (None, None) => return None,
        };
        Some(Best { gain, split, direction })
    }

    /// Mean after the cut less the mean before it.
    fn size(&self, best: &Best) -> f64 {
        let sum_before = if best.direction == Direction::Up { best.split.sum } else { -best.split.sum };
        let after = (self.sum - sum_before) / (self.count - best.split.before);
        after - if self.known { 0.0 } else { sum_before / best.split.before }
    }

    fn restart(&mut self) {
        self.known = false;
        self.count = 0.0;
        self.sum = 0.0;
        self.rises.clear();
        self.falls.clear();
    }
}

/// Largest gain of a rise when the mean before is unknown: reduction of the residual sum of squares.
fn best_unknown(splits: &[Split], count: f64, sum: f64) -> Option<(f64, Split)> {
    let mut best: Option<(f64, Split)> = None;
    let mut most = 0.0;
    for split in splits {
        let rise = sum * split.before - count * split.sum;
        let gain = rise * rise / (split.before * (count - split.before));
        // The cut before the first observation divides 0 by 0: no gain.
        if rise > 0.0 && gain >= most {
            most = gain;
            best = Some((gain, *split));
        }
    }
    best.map(|(gain, split)| (gain / count, split))
}

/// The same when the mean before is 0.
fn best_known(splits: &[Split], count: f64, sum: f64) -> Option<(f64, Split)> {
    let mut best: Option<(f64, Split)> = None;
    let mut most = 0.0;
    for split in splits {
        let rise = sum - split.sum;
        let gain = rise * rise / (count - split.before);
        if rise > 0.0 && gain >= most {
            most = gain;
            best = Some((gain, *split));
        }
    }
    best
}

impl Detector for Focus {
    fn name(&self) -> &'static str {
        "focus"
    }

    fn scan(&self, series: &[f64]) -> Vec<Alarm> {
        let mut fresh = Self::new(self.config);
        series.iter().filter_map(|value| fresh.push(*value)).collect()
    }
}
