//! Which detector reads which measure, and its alarms in one shape.

use bellwether_detect::gls::{Calendar, GlsConfig, GlsScan, Mode, detection_limit};
use bellwether_detect::{
    Alarm, ChangeKind, Direction, Focus, FocusConfig, Heartbeat, Rate, RateConfig, Regime, RegimeConfig,
    Resolution, Silence, SilenceConfig,
};
use bellwether_model::PeriodClass;
use bellwether_model::framework::{Cadence, Formula, Kind, Measure, Transform};

use super::residual::{ONSET_ERROR, Spread, late};
use super::series::Point;

/// Points from which a series counts as a fast feed: the scan's cost grows with the history.
const FAST: usize = 2000;
/// Months without a record are read as floors of zero, so a rate is read by the month whatever the cadence.
pub(crate) const RATE_CADENCE: Cadence = Cadence::Month;

/// One alarm over the points of a measure; indices are positions among the points.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) detector: &'static str,
    pub(crate) alarm: Alarm,
    pub(crate) onset_low: usize,
    pub(crate) onset_high: usize,
    /// Found too long after its onset to be news.
    pub(crate) late: bool,
}

/// What tells whether a point was read already: start, end and value to the bit.
type Mark = (i64, i64, u64);

fn marks(points: &[&Point]) -> Vec<Mark> {
    points.iter().map(|p| (p.start, p.end, p.value.to_bits())).collect()
}

/// A detector that is fed the points of one measure as they become known.
pub(crate) enum Reader {
    /// Level and trend of statistical series, and the spread of those that are dense enough.
    Scan { scan: Box<GlsScan>, spread: Option<Box<Spread>>, read: Vec<Mark>, dense: Option<Box<Dense>> },
    /// How often things happen.
    Rate,
}

impl Reader {
    /// The detector for a measure; `None` for coded scales, whose steps are judged and not noise.
    pub(crate) fn new(measure: &Measure) -> Option<Self> {
        if measure.kind == Kind::Ordinal {
            return None;
        }
        if counts(measure) {
            return Some(Self::Rate);
        }
        let calendar = match measure.cadence {
            Cadence::Month if measure.new_year => Calendar::MonthlyJoined,
            Cadence::Month => Calendar::Monthly,
            Cadence::Quarter => Calendar::Quarterly,
            Cadence::Year => Calendar::Annual,
            Cadence::Half | Cadence::Irregular => Calendar::Dated,
        };
        let scan = Box::new(GlsScan::new(GlsConfig::new(Mode::Record, calendar)));
        Some(Self::Scan {
            scan,
            spread: spread(measure, calendar).map(Box::new),
            read: Vec::new(),
            dense: None,
        })
    }

    /// All alarms over the points. A series that only grew is read on, a revised one anew.
    pub(crate) fn alarms(&mut self, points: &[&Point]) -> Vec<Seen> {
        match self {
            Self::Scan { scan, spread, read, .. } if points.len() <= FAST => {
                scanned(scan, spread, read, points)
            }
            Self::Scan { dense, .. } => dense.get_or_insert_with(Box::default).read_on(points),
            Self::Rate => rate(points),
        }
    }

    /// Points that it learns from before it can alarm.
    pub(crate) fn warm_up(&self) -> usize {
        match self {
            Self::Scan { scan, .. } => scan.config().warm_up,
            Self::Rate => RateConfig::default().warm_up,
        }
    }

    /// What it could show from here, and why not when it could show nothing.
    pub(crate) fn power(&self, measure: &Measure, points: usize) -> Power {
        match self {
            Self::Scan { .. } if points > FAST => Power::Able(None),
            Self::Scan { scan, .. } => scan_power(scan, measure),
            Self::Rate => {
                let need = RateConfig::default().warm_up;
                if points >= need {
                    Power::Able(None)
                } else {
                    Power::Unable(format!(
                        "{points} of the {need} months needed before a rate can be told to change"
                    ))
                }
            }
        }
    }
}

/// What a detector could show of a series.
pub(crate) enum Power {
    /// Its silence says something; the smallest step and how soon, where that is known.
    Able(Option<String>),
    /// Its silence says nothing.
    Unable(String),
}

fn scan_power(scan: &GlsScan, measure: &Measure) -> Power {
    if let Some(why) = scan.refusal() {
        return Power::Unable(why.to_string());
    }
    let Some(limit) = detection_limit(scan.history().len(), scan.phi(), scan.config().calendar) else {
        return Power::Unable(
            "not even a step of 4 σ would show: the series moves too much by itself".to_owned(),
        );
    };
    let period = match measure.cadence {
        Cadence::Month => "months",
        Cadence::Quarter => "quarters",
        Cadence::Half => "half-years",
        Cadence::Year => "years",
        Cadence::Irregular => "observations",
    };
    let step = scan.reading().map(|r| f64::from(limit.sigmas) * r.sigma);
    let step = step.map_or(String::new(), |x| format!("{x:.2e} {}, ", measure.unit));
    let (sigmas, n) = (limit.sigmas, limit.observations);
    Power::Able(Some(format!("a step of {step}{sigmas} σ, would show in about {n} {period}")))
}

/// Whether a measure is a rate of happenings.
pub(crate) fn counts(measure: &Measure) -> bool {
    measure.formula == Formula::Count
}

/// Spread is read of levels and shares by the month or finer: a year of quarters is too few to tell a width by.
fn spread(measure: &Measure, calendar: Calendar) -> Option<Spread> {
    let fine = matches!(measure.cadence, Cadence::Month | Cadence::Irregular);
    let kind = matches!(measure.kind, Kind::Level | Kind::Share);
    (fine && kind && !measure.formula.windowed())
        .then(|| Spread::new(calendar.cycle(), measure.transform == Transform::Log))
}

fn scanned(
    scan: &mut GlsScan,
    spread: &mut Option<Box<Spread>>,
    read: &mut Vec<Mark>,
    points: &[&Point],
) -> Vec<Seen> {
    let now = marks(points);
    if !now.starts_with(read) {
        *scan = GlsScan::new(*scan.config());
        *spread = spread.as_ref().map(|s| Box::new(s.anew()));
        read.clear();
    }
    for point in points.iter().skip(read.len()) {
        scan.push(point.value);
        if let Some(spread) = spread {
            let month = match point.class() {
                PeriodClass::Month(month) => usize::try_from(month).unwrap_or(0),
                _ => 0,
            };
            spread.push(point.value, month);
        }
    }
    *read = now;
    let steps = scan.found().iter().map(|f| Seen {
        detector: "gls-scan",
        alarm: f.alarm,
        onset_low: f.onset_low,
        onset_high: f.onset_high,
        late: f.late,
    });
    let widths = spread.iter().flat_map(|s| s.found()).map(|alarm| Seen {
        detector: "variance",
        alarm: *alarm,
        onset_low: alarm.onset_index.saturating_sub(ONSET_ERROR),
        onset_high: (alarm.onset_index + ONSET_ERROR).min(alarm.alarm_index),
        late: late(alarm),
    });
    steps.chain(widths).collect()
}

/// Patterns of a dense feed. The first 750 points teach them and never alarm, and after an alarm the next 150 do not.
///
/// The detector's own threshold of 13.3 is for a screen: it alarms once in 1400 observations of noise. At 60 it tells
/// new ranges and widths as soon, and misses most patterns that stay within the range that was taught.
const PATTERNS: RegimeConfig = RegimeConfig {
    probation: 750,
    refractory: 150,
    threshold: 60.0,
    resolutions: [Resolution { window: 39, bins: 3 }, Resolution { window: 26, bins: 5 }],
    patterns: 2000,
};

/// Steps of a dense feed, and patterns that it has not shown before; a step can be a new pattern too, and is then
/// flagged as both.
pub(crate) struct Dense {
    focus: Focus,
    regime: Regime,
    read: Vec<Mark>,
    steps: Vec<Seen>,
    patterns: Vec<Seen>,
}

impl Default for Dense {
    fn default() -> Self {
        Self {
            focus: Focus::new(FocusConfig::default()),
            regime: Regime::new(PATTERNS),
            read: Vec::new(),
            steps: Vec::new(),
            patterns: Vec::new(),
        }
    }
}

impl Dense {
    fn read_on(&mut self, points: &[&Point]) -> Vec<Seen> {
        let now = marks(points);
        if !now.starts_with(&self.read) {
            *self = Self::default();
        }
        for point in points.iter().skip(self.read.len()) {
            self.steps.extend(self.focus.push(point.value).map(|a| plain("focus", a)));
            self.patterns.extend(self.regime.push(point.value).map(|a| plain("regime", a)));
        }
        self.read = now;
        self.steps.iter().chain(&self.patterns).copied().collect()
    }
}

fn rate(points: &[&Point]) -> Vec<Seen> {
    let mut rate = Rate::new(RateConfig::default());
    points.iter().filter_map(|p| rate.push(whole(p.value), 1.0)).map(|a| plain("rate", a)).collect()
}

/// Nothing where something was due. Declared coverage is the heartbeat, or a feed that was heard all through the
/// month (`heard`, by point): without either, no record means nothing.
pub(crate) fn silence(points: &[&Point], heard: &[bool]) -> Vec<Seen> {
    let mut silence = Silence::new(SilenceConfig::default());
    let alive = |p: &Point, heard: bool| match p.lower && !heard {
        true => Heartbeat::Missing,
        false => Heartbeat::Alive,
    };
    let months = points.iter().zip(heard);
    let alarms = months.filter_map(|(p, heard)| silence.push(whole(p.value), 1.0, alive(p, *heard)));
    alarms.map(|a| plain("silence", a)).collect()
}

fn plain(detector: &'static str, alarm: Alarm) -> Seen {
    Seen { detector, alarm, onset_low: alarm.onset_index, onset_high: alarm.onset_index, late: false }
}

/// Counts are whole and not negative by construction.
fn whole(value: f64) -> u64 {
    if value >= 0.0 { value.round() as u64 } else { 0 }
}

/// False alarms that a detector's threshold stands for, from seeded simulation (`bench_detect`, tests of
/// that crate and of this).
pub(crate) fn false_alarms(detector: &str) -> Option<&'static str> {
    match detector {
        "gls-scan" => Some(
            "0.003 to 0.02 of series of 120 observations of AR(1) normal noise, φ 0 to 0.6; more with heavy tails",
        ),
        "rate" => Some("one in 1000 to 2300 observations of an unchanged rate"),
        "focus" => Some("under 0.01 of series of a million independent normal observations"),
        "silence" => Some("one quiet spell in a hundred"),
        "variance" => Some(
            "under 0.003 of series of 240 months of AR(1) normal noise, φ 0 to 0.6; 0.005 with heavy tails, 0.014 where \
             the level steps by 10 σ",
        ),
        "regime" => Some(
            "one in 15 000 observations of independent normal noise after the first 750, one in 5000 at φ 0.6 or with \
             heavy tails",
        ),
        _ => None,
    }
}

/// Word of the contract for a kind of change.
pub(crate) fn word(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Level => "level",
        ChangeKind::Trend => "trend",
        ChangeKind::Rate => "rate",
        ChangeKind::Silence => "silence",
        ChangeKind::Variance => "variance",
        // A novel pattern of values is a change of their distribution.
        ChangeKind::Regime => "variance",
    }
}

/// Word of the contract for a direction.
pub(crate) fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "up",
        Direction::Down => "down",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::residual::noise::Noise;

    /// The text of `false_alarms` rests on 200 feeds of 10 000 observations each: 120, 366 and 369 alarms.
    #[test]
    fn false_alarms_of_regimes_are_as_stated() {
        let alarms = |draw: fn(&mut Noise, f64) -> f64| {
            let of = |seed: u64| {
                let (mut noise, mut regime, mut last) = (Noise::new(seed), Regime::new(PATTERNS), 0.0);
                let series = (0..10_000).map(|_| {
                    last = draw(&mut noise, last);
                    last
                });
                series.filter_map(|value| regime.push(value)).count()
            };
            (0..20).map(of).sum::<usize>()
        };
        let independent = alarms(|noise, _| noise.normal());
        let autocorrelated = alarms(|noise, last| 0.6 * last + 0.8 * noise.normal());
        let heavy = alarms(|noise, _| noise.t3());
        assert!(
            independent <= 20 && autocorrelated <= 55 && heavy <= 55,
            "{independent} {autocorrelated} {heavy}"
        );
    }
}
