use serde::{Deserialize, Serialize};

/// What the alarms are for: it sets the threshold and which finds are announced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Every find, threshold 12 + 8φ: for a change log.
    #[default]
    Record,
    /// Only finds at most [`Mode::FRESH`] observations after their onset, threshold 12 + 8φ: for notification.
    /// Later finds still restart the segment and are kept in [`GlsScan::found`](super::GlsScan::found).
    Alert,
    /// Every find, threshold 8 + 8φ: for a screen that somebody is looking at. False alarms .04 to .09 in 120
    /// observations of AR(1) noise, so show that beside it.
    Screening,
}

impl Mode {
    /// Observations after the onset up to which a find is news: one year of months.
    pub const FRESH: usize = 12;

    /// Threshold on the statistic, for AR(1) coefficient `phi`.
    pub fn threshold(self, phi: f64) -> f64 {
        let base = if self == Self::Screening { 8.0 } else { 12.0 };
        base + 8.0 * phi
    }
}

/// What the time column says about the series. It decides the seasonal cycle and the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Calendar {
    /// One observation a year: no cycle, warm-up 10.
    Annual,
    /// Four a year: cycle 4, warm-up 24.
    Quarterly,
    /// Twelve a year: cycle 12, warm-up 24.
    Monthly,
    /// Eleven a year, January and February joined by [`NewYear`](super::NewYear): cycle 11, warm-up 24.
    MonthlyJoined,
    /// Dated, of no regular cycle: warm-up 24.
    Dated,
    /// No calendar known, a sensor: no cycle, warm-up 60. That covers cycles of up to 30 in the data; for longer
    /// ones raise [`GlsConfig::warm_up`].
    #[default]
    None,
}

impl Calendar {
    /// Observations in one seasonal cycle; 1 when there is none.
    pub fn cycle(self) -> usize {
        match self {
            Self::Quarterly => 4,
            Self::Monthly => 12,
            Self::MonthlyJoined => 11,
            Self::Annual | Self::Dated | Self::None => 1,
        }
    }

    /// Observations before which nothing alarms.
    pub fn warm_up(self) -> usize {
        match self {
            Self::Annual => 10,
            Self::Quarterly | Self::Monthly | Self::MonthlyJoined | Self::Dated => 24,
            Self::None => 60,
        }
    }
}

/// What [`GlsScan`](super::GlsScan) is told beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GlsConfig {
    /// What the alarms are for.
    pub mode: Mode,
    /// What the time column says.
    pub calendar: Calendar,
    /// Observations before which nothing alarms. Raise it to two periods of a cycle that the calendar does not name:
    /// a sawtooth that was not seen twice has a step, as far as anyone can tell. Periods beyond 120 are not known
    /// again at all.
    pub warm_up: usize,
}

impl GlsConfig {
    /// Mode and calendar, with the calendar's warm-up.
    pub fn new(mode: Mode, calendar: Calendar) -> Self {
        Self { mode, calendar, warm_up: calendar.warm_up() }
    }
}

impl Default for GlsConfig {
    fn default() -> Self {
        Self::new(Mode::default(), Calendar::default())
    }
}
