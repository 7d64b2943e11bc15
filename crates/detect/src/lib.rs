//! Online change detection on plain numbers.
//!
//! A detector reads a series one observation at a time and answers from what it has read: nothing here looks
//! ahead, keeps a clock, draws a random number without a seed or knows where the numbers come from. Equal input
//! gives equal bits on every machine.
//!
//! What it is not: a forecaster, an outlier cleaner, a plotting tool. It depends on no other crate of this
//! workspace and is of use alone.
//!
//! ```
//! use bellwether_detect::{Detector, Direction, RobustStep};
//!
//! let series = [1.0, 1.2, 0.9, 1.1, 1.0, 1.05, 5.0, 5.2, 5.1];
//! let alarms = RobustStep::default().scan(&series);
//! assert_eq!(alarms.len(), 1);
//! assert_eq!((alarms[0].onset_index, alarms[0].alarm_index), (6, 7));
//! assert_eq!(alarms[0].direction, Direction::Up);
//! ```

mod focus;
pub mod gls;
mod posterior;
mod rate;
mod regime;
mod robust;
mod robust_step;
mod silence;
mod variance;

pub use focus::{Focus, FocusConfig};
pub use posterior::{OnsetEstimate, Posterior, PosteriorConfig};
pub use rate::{CountLaw, Rate, RateConfig};
pub use regime::{Regime, RegimeConfig, Resolution};
pub use robust::{Spread, median, spread};
pub use robust_step::RobustStep;
pub use silence::{Heartbeat, Silence, SilenceConfig, SilenceVerdict};
pub use variance::{Variance, VarianceConfig};

use serde::{Deserialize, Serialize};

/// Which way a series moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Towards larger numbers.
    Up,
    /// Towards smaller numbers.
    Down,
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// The level.
    Level,
    /// The slope, with or without a jump.
    Trend,
    /// How often things happen.
    Rate,
    /// Nothing happened where something was due.
    Silence,
    /// The distribution: a pattern of values not seen before.
    Regime,
    /// The spread around the level.
    Variance,
}

/// One alarm; indices count from 0 in the series that was scanned.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// What changed.
    pub kind: ChangeKind,
    /// Observation at which the alarm was raised.
    pub alarm_index: usize,
    /// First observation of the new regime, as estimated at the alarm.
    pub onset_index: usize,
    /// Which way.
    pub direction: Direction,
    /// Size of the change in the series' unit.
    pub size: f64,
    /// Size in standard deviations of the reference, robustly estimated.
    pub sigmas: f64,
    /// Statistic that crossed the threshold.
    pub statistic: f64,
    /// The threshold.
    pub threshold: f64,
}

/// A strictly causal detector: the alarms of a prefix are the alarms so far.
pub trait Detector {
    /// Stable name, shown with each alarm.
    fn name(&self) -> &'static str;

    /// Scans a series from its start.
    fn scan(&self, series: &[f64]) -> Vec<Alarm>;
}
