use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Alarm, ChangeKind};

/// The kind of change that explains a series best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// A new level after a level.
    Step,
    /// A new level, the slope before and after the same.
    StepOnTrend,
    /// A new slope, no jump.
    Kink,
    /// A new level and a new slope.
    Both,
}

impl Model {
    /// Stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::StepOnTrend => "step-on-trend",
            Self::Kink => "kink",
            Self::Both => "both",
        }
    }

    /// Whether the level or the trend changed.
    pub fn kind(self) -> ChangeKind {
        match self {
            Self::Step | Self::StepOnTrend => ChangeKind::Level,
            Self::Kink | Self::Both => ChangeKind::Trend,
        }
    }

    /// Parameters of the mean, the onset not counted.
    pub(super) fn parameters(self) -> f64 {
        match self {
            Self::Step => 2.0,
            Self::StepOnTrend | Self::Kink => 3.0,
            Self::Both => 4.0,
        }
    }

    /// What the model must earn beyond a plain step, in units of twice the log likelihood ratio.
    pub(super) fn penalty(self) -> f64 {
        match self {
            Self::Step => 0.0,
            Self::StepOnTrend => LINE_PENALTY,
            Self::Kink => LINE_PENALTY + KINK_PENALTY,
            Self::Both => 2.0 * LINE_PENALTY + KINK_PENALTY,
        }
    }

    /// Whether the segment before the onset is a line rather than a level.
    pub(super) fn on_line(self) -> bool {
        self != Self::Step
    }

    /// Whether the slope changes.
    pub(super) fn bends(self) -> bool {
        matches!(self, Self::Kink | Self::Both)
    }
}

pub(super) const LINE_PENALTY: f64 = 8.0;
const KINK_PENALTY: f64 = 5.0;

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One change found by [`GlsScan`](super::GlsScan).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GlsAlarm {
    /// The alarm. `size` is where the series stands at the alarm less where the regime before would have stood, in
    /// the series' unit: for a step the height of the step, for a kink the change of slope times the observations
    /// since. `sigmas` is the same in standard deviations of the residuals around the change (of the logarithm when
    /// `logarithm`).
    pub alarm: Alarm,
    /// Which model won.
    pub model: Model,
    /// First index of the onset interval: where the profile likelihood, over all kinds of change with their
    /// penalties, is within 1.92 of its best. In simulations it holds the onset of a step of 2 σ and more in 90 to
    /// 99 %; that of a small one, which is found only with luck, less often. A gradual kink is often first found as a
    /// step some observations later, and then its onset lies before the interval in four cases of five.
    pub onset_low: usize,
    /// Last index of the onset interval.
    pub onset_high: usize,
    /// Change of slope at the onset, in the series' unit per observation; 0 for steps.
    pub slope_change: f64,
    /// AR(1) coefficient that the threshold was set for: an upper confidence limit.
    pub phi: f64,
    /// Whether the series was read on a logarithmic scale.
    pub logarithm: bool,
    /// Found more than [`Mode::FRESH`](super::Mode::FRESH) observations after the onset: for the change log, not
    /// for notification.
    pub late: bool,
}

/// Why a series gets no answer. Silence of a refused series says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Refusal {
    /// Too few observations yet.
    WarmUp {
        /// Observations read.
        have: usize,
        /// Observations needed.
        need: usize,
    },
    /// All observations are equal: there is no noise to measure a change by.
    NoVariance,
    /// An observation is not a number, infinite or beyond ±1e100. The scan stops there, because a gap would shift
    /// the seasonal cycle; fill or leave out the observation and scan anew.
    NotMeasured {
        /// Its index.
        index: usize,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WarmUp { have, need } => {
                write!(f, "{have} of the {need} observations needed before a change can be told from noise")
            }
            Self::NoVariance => {
                f.write_str("all observations are equal, so there is no noise to measure a change by")
            }
            Self::NotMeasured { index } => {
                write!(
                    f,
                    "observation {index} is not a finite number within ±1e100; the scan stopped before it"
                )
            }
        }
    }
}

impl std::error::Error for Refusal {}
