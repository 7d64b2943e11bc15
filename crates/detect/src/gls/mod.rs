//! Level and trend of statistical series: a likelihood-ratio scan under autocorrelated noise.

mod alarm;
mod config;
mod cycle;
mod guards;
mod hampel;
mod judge;
mod limit;
mod limit_table;
mod newyear;
mod ols;
mod phi;
mod prep;
mod report;
mod scan;
mod season;
mod weigh;

pub use alarm::{GlsAlarm, Model, Refusal};
pub use config::{Calendar, GlsConfig, Mode};
pub use limit::{DetectionLimit, detection_limit, simulate_limit};
pub use newyear::NewYear;

use serde::{Deserialize, Serialize};

use crate::{Alarm, Detector};
use judge::{Judge, Segments};

/// Farther from 0 than this is no measurement: squares must stay finite.
const REACH: f64 = 1e100;

/// Finds steps, steps on a trend, kinks and both together in series of up to about 2000 observations.
///
/// After each observation the whole history is read anew: on a logarithmic scale if that is likelier, seasonally
/// adjusted if the season is strong, isolated outliers replaced. On the segment since the last change, level or line
/// stand against every onset of four models of change, by generalised least squares under AR(1) noise whose
/// coefficient φ is estimated under the alternative and taken at its upper confidence limit. The statistic is the
/// small-sample likelihood ratio `ν ln(1 + G/ν)`. A change is reported when the statistic exceeds the threshold of
/// [`Mode`] and the change is material, still there and novel; where the history repeats itself with a cycle that the
/// calendar does not name, it must also show against the same phase of the cycle before. Likelihood-ratio detection:
/// Siegmund, Venkatraman (1995), Lai (1995); AR(1) noise: Chakar et al. (2017), Romano et al., JASA (2022).
///
/// The state is the history, the segments closed and φ; it serialises, and an equal history gives equal bits. An
/// observation costs time in proportion to the history.
///
/// Do not use it on fast feeds ([`Focus`](crate::Focus) is for those), on counts near zero, or on series with gaps:
/// an observation is one period, and below 60 % of the periods due the caller should not ask. Known weaknesses:
/// heavy tails together with strong autocorrelation, growth of 2 % a step and more, smooth curvature read as kinks,
/// cycles that the warm-up does not see twice.
///
/// ```
/// use bellwether_detect::gls::{Calendar, GlsConfig, GlsScan, Mode, Model};
///
/// let mut scan = GlsScan::new(GlsConfig::new(Mode::Record, Calendar::Annual));
/// let noise = |i: u32| f64::from(i.wrapping_mul(2_654_435_761) >> 16) / 65_536.0;
/// let found = (0..30).find_map(|i| scan.push(noise(i) + if i < 15 { 10.0 } else { 14.0 })).unwrap();
/// assert_eq!((found.alarm.onset_index, found.alarm.alarm_index, found.model), (15, 18, Model::Step));
/// assert!((found.alarm.size - 4.0).abs() < 0.5);
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GlsScan {
    config: GlsConfig,
    history: Vec<f64>,
    segments: Segments,
    found: Vec<GlsAlarm>,
    reading: Option<Reading>,
    broken_at: Option<usize>,
    #[serde(skip)]
    judge: Judge,
}

/// How the best change stood after the last observation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Likelihood-ratio statistic Λ.
    pub statistic: f64,
    /// What it must exceed.
    pub threshold: f64,
    /// Model of the best change.
    pub model: Model,
    /// Its onset.
    pub onset_index: usize,
    /// Standard deviation of the noise around it, autocorrelation included, in the series' unit; on a logarithmic
    /// scale at the present level.
    pub sigma: f64,
}

impl GlsScan {
    /// A scan that has read nothing.
    pub fn new(config: GlsConfig) -> Self {
        Self {
            config,
            history: Vec::new(),
            segments: Segments::default(),
            found: Vec::new(),
            reading: None,
            broken_at: None,
            judge: Judge::default(),
        }
    }

    /// Reads the next observation; at most one change comes to light. In [`Mode::Alert`] late finds are not
    /// announced, only kept in [`found`](Self::found). After [`Refusal::NotMeasured`] nothing is read any more.
    pub fn push(&mut self, value: f64) -> Option<GlsAlarm> {
        if self.broken_at.is_some() {
            return None;
        }
        if !value.is_finite() || value.abs() > REACH {
            self.broken_at = Some(self.history.len());
            self.reading = None;
            return None;
        }
        self.history.push(value);
        let (reading, found) = self.judge.step(&self.config, &self.history, &mut self.segments);
        self.reading = reading;
        let found = found?;
        self.found.push(found);
        (self.config.mode != Mode::Alert || !found.late).then_some(found)
    }

    /// Reads a series after what was read before, and gives what was announced.
    pub fn extend(&mut self, series: &[f64]) -> Vec<GlsAlarm> {
        series.iter().filter_map(|v| self.push(*v)).collect()
    }

    /// What it was told.
    pub fn config(&self) -> &GlsConfig {
        &self.config
    }

    /// Observations read.
    pub fn history(&self) -> &[f64] {
        &self.history
    }

    /// Every change found, late ones too.
    pub fn found(&self) -> &[GlsAlarm] {
        &self.found
    }

    /// The best change after the last observation; `None` while there are too few observations in the segment.
    pub fn reading(&self) -> Option<Reading> {
        self.reading
    }

    /// Statistic after the last observation.
    pub fn statistic(&self) -> Option<f64> {
        self.reading.map(|r| r.statistic)
    }

    /// Estimated AR(1) coefficient around the best change, corrected for bias: what
    /// [`detection_limit`] wants.
    pub fn phi(&self) -> f64 {
        self.segments.phi
    }

    /// Its upper confidence limit, used for the next observation.
    pub fn phi_upper(&self) -> f64 {
        self.segments.phi_upper
    }

    /// First index of the segment that the next change is sought in.
    pub fn segment_start(&self) -> usize {
        self.segments.start
    }

    /// Why the silence so far says nothing; `None` when it does.
    pub fn refusal(&self) -> Option<Refusal> {
        if let Some(index) = self.broken_at {
            return Some(Refusal::NotMeasured { index });
        }
        let (have, need) = (self.history.len(), self.config.warm_up.max(judge::SHORTEST));
        if have < need {
            return Some(Refusal::WarmUp { have, need });
        }
        let first = self.history.first();
        self.history.iter().all(|v| Some(v) == first).then_some(Refusal::NoVariance)
    }
}

/// Equal when what they have read and found is equal.
impl PartialEq for GlsScan {
    fn eq(&self, other: &Self) -> bool {
        self.config == other.config
            && self.history == other.history
            && self.segments == other.segments
            && self.found == other.found
            && self.reading == other.reading
            && self.broken_at == other.broken_at
    }
}

impl Detector for GlsScan {
    fn name(&self) -> &'static str {
        "gls-scan"
    }

    fn scan(&self, series: &[f64]) -> Vec<Alarm> {
        Self::new(self.config).extend(series).into_iter().map(|found| found.alarm).collect()
    }
}
