//! The detectors by name, fed one value at a time.

use bellwether_detect::gls::{Calendar, GlsConfig, GlsScan, Mode};
use bellwether_detect::{
    Alarm, Detector, Focus, FocusConfig, Rate, RateConfig, Regime, RegimeConfig, RobustStep,
};
use clap::ValueEnum;

/// Name of a detector on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Name {
    /// Level and trend of statistical series
    GlsScan,
    /// Level of fast feeds
    Focus,
    /// How often things happen
    Rate,
    /// Novel patterns of dense feeds
    Regime,
    /// A plain step, for comparison
    RobustStep,
}

/// One alarm with what only some detectors tell.
pub(super) struct Found {
    pub(super) alarm: Alarm,
    pub(super) onset_low: usize,
    pub(super) onset_high: usize,
    pub(super) late: bool,
}

/// One running detector.
pub(super) enum Reader {
    Scan(Box<GlsScan>),
    Focus(Box<Focus>),
    Rate { rate: Box<Rate>, read: usize, broken: Option<usize> },
    Regime(Box<Regime>),
    Plain { history: Vec<f64>, told: usize },
}

impl Reader {
    pub(super) fn new(name: Name, mode: Mode, calendar: Calendar) -> Self {
        match name {
            Name::GlsScan => Self::Scan(Box::new(GlsScan::new(GlsConfig::new(mode, calendar)))),
            Name::Focus => Self::Focus(Box::new(Focus::new(FocusConfig::default()))),
            Name::Rate => {
                Self::Rate { rate: Box::new(Rate::new(RateConfig::default())), read: 0, broken: None }
            }
            Name::Regime => Self::Regime(Box::new(Regime::new(RegimeConfig::default()))),
            Name::RobustStep => Self::Plain { history: Vec::new(), told: 0 },
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Scan(_) => "gls-scan",
            Self::Focus(_) => "focus",
            Self::Rate { .. } => "rate",
            Self::Regime(_) => "regime",
            Self::Plain { .. } => "robust-step",
        }
    }

    /// Reads a value.
    pub(super) fn push(&mut self, value: f64) -> Option<Found> {
        match self {
            Self::Scan(scan) => scan.push(value).map(|f| Found {
                alarm: f.alarm,
                onset_low: f.onset_low,
                onset_high: f.onset_high,
                late: f.late,
            }),
            Self::Focus(focus) => focus.push(value).map(plain),
            Self::Regime(regime) => regime.push(value).map(plain),
            Self::Rate { rate, read, broken } => {
                let at = *read;
                *read += 1;
                // A rate counts whole happenings; anything else is not its series.
                if broken.is_some() || value < 0.0 || value.fract() != 0.0 || value > 9e15 {
                    broken.get_or_insert(at);
                    return None;
                }
                rate.push(value as u64, 1.0).map(plain)
            }
            Self::Plain { history, told } => {
                history.push(value);
                let alarms = RobustStep::default().scan(history);
                let new = alarms.get(*told).copied();
                *told = alarms.len();
                new.map(plain)
            }
        }
    }

    /// Why its silence says nothing.
    pub(super) fn refusal(&self) -> Option<String> {
        let too_few = |have: usize, need: usize| {
            (have < need).then(|| format!("{}: {have} of the {need} observations needed", self.name()))
        };
        match self {
            Self::Scan(scan) => scan.refusal().map(|why| format!("{}: {why}", self.name())),
            Self::Rate { broken: Some(at), .. } => {
                Some(format!("rate: observation {at} is no whole count of happenings"))
            }
            Self::Rate { read, .. } => too_few(*read, RateConfig::default().warm_up),
            Self::Plain { history, .. } => too_few(history.len(), RobustStep::default().warm_up),
            Self::Focus(_) | Self::Regime(_) => None,
        }
    }
}

fn plain(alarm: Alarm) -> Found {
    Found { alarm, onset_low: alarm.onset_index, onset_high: alarm.onset_index, late: false }
}
