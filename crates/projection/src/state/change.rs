//! Changes of measures: a detector over each series as it became known.
//!
//! A change is flagged at the moment its alarm could first be raised, keeps that moment for ever, and is taken
//! back at the moment a revised or withdrawn statement makes its alarm disappear. One change is flagged once.

use std::collections::BTreeSet;
use std::sync::Arc;

use bellwether_detect::Direction;
use bellwether_model::framework::{Framework, Measure};
use bellwether_model::{PeriodClass, View};

use super::core::Core;
use super::expectation::faded;
use super::knowledge::{Walk, moments};
use super::listening::Listening;
use super::measure::MeasureEval;
use super::method::{Power, RATE_CADENCE, Reader, Seen, counts, silence, way, word};
use super::series::{Point, Source};
use super::time::{DAY, date, rfc3339_micros, shift_months, window_start};
use crate::assessment::{Onset, Shift, Trend, Withdrawn};
use crate::fold::Projector;

/// Changes of all measures in a view.
#[derive(Default)]
pub(crate) struct Changes {
    /// Changes that stand.
    pub(crate) standing: Vec<Shift>,
    /// Changes that were taken back.
    pub(crate) withdrawn: Vec<Withdrawn>,
    /// By measure, what its detector found.
    pub(crate) measures: Vec<Arc<Changed>>,
}

/// Changes of one measure.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    pub(super) standing: Vec<Shift>,
    pub(super) withdrawn: Vec<Withdrawn>,
    /// What its detector could show; `None` where none reads it.
    pub(crate) limit: Option<String>,
    /// Whether a detector's silence says that nothing rose or fell.
    pub(crate) read: bool,
    /// Its changes of direction as they came and went.
    pulls: Vec<Pull>,
    /// Since when its detector's silence has said something or not; only where a condition asks.
    able: Vec<(i64, bool)>,
}

/// A change that moves a measure up or down.
#[derive(Clone, Debug)]
pub(crate) struct Pull {
    onset: i64,
    known: i64,
    /// From when to when it stood.
    spans: Vec<(i64, Option<i64>)>,
    trend: bool,
    pub(crate) direction: Trend,
    pub(crate) evidence: Vec<u64>,
}

/// Which changes count: those that stand at one moment and were known at another, seen from a world date.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) standing: i64,
    pub(crate) known: i64,
    pub(crate) world: i64,
}

impl Asked {
    /// As the view ends.
    pub(crate) fn now(view: &View) -> Self {
        Self { standing: i64::MAX, known: i64::MAX, world: view.as_of.timestamp_micros() }
    }
}

impl Changes {
    /// The newest change of direction that still counts: a trend until a later change, anything else for a year.
    pub(crate) fn pull(&self, index: usize, asked: Asked) -> Option<&Pull> {
        let stood = |p: &&Pull| {
            let mut spans = p.spans.iter();
            p.known <= asked.known
                && spans.any(|(from, to)| *from <= asked.standing && to.is_none_or(|to| asked.standing < to))
        };
        let newest = self.measures.get(index)?.pulls.iter().filter(stood).max_by_key(|p| (p.onset, p.known));
        newest.filter(|p| p.trend || p.known >= shift_months(asked.world, -12))
    }

    /// Where a measure is heading by its detector: flat only if a change would have shown.
    pub(crate) fn trend(&self, index: usize, asked: Asked) -> Trend {
        if let Some(pull) = self.pull(index, asked) {
            return pull.direction;
        }
        let able = self.measures.get(index).map(|m| m.able.as_slice()).unwrap_or_default();
        let since = able.iter().rfind(|(at, _)| *at <= asked.standing);
        if since.is_some_and(|(_, able)| *able) { Trend::Flat } else { Trend::Unknown }
    }

    /// Moments at which [`trend`](Self::trend) can change.
    pub(crate) fn trend_times(&self, index: usize) -> impl Iterator<Item = i64> + '_ {
        let measure = self.measures.get(index).into_iter();
        let spans = measure.clone().flat_map(|m| &m.pulls).flat_map(|p| {
            let ends = p.spans.iter().flat_map(|(from, to)| [Some(*from), *to]);
            ends.flatten().chain([faded(p.known)])
        });
        spans.chain(measure.flat_map(|m| &m.able).map(|(at, _)| *at))
    }

    /// Moments at which changes that stand were known and after a year pull no more.
    pub(crate) fn fading(&self) -> impl Iterator<Item = i64> + '_ {
        self.measures.iter().flat_map(|m| &m.pulls).filter(|p| !p.trend).map(|p| p.known)
    }
}

/// What the detectors of some measures find in a view, read from the beginning; nothing of the others.
pub(crate) fn changes_of(
    projector: &Projector,
    view: &View,
    core: &Core<'_>,
    wanted: &BTreeSet<usize>,
) -> Changes {
    let keys = projector.keys_by_measure();
    let found = |(index, measure): (usize, &Measure)| {
        let Some(keys) = keys.get(index).filter(|_| wanted.contains(&index)) else { return Arc::default() };
        let mut detection = Detection::new(measure, false);
        let eval = (index, core.measures.get(index).map(Arc::as_ref));
        detection.read_on((projector, view, core.framework), eval, keys, i64::MIN);
        detection.found
    };
    let measures = core.framework.all_measures().enumerate().map(found).collect();
    Changes { measures, ..Changes::default() }
}

/// Whether a kind of change moves its row up or down.
pub(crate) fn pulls(kind: &str) -> bool {
    matches!(kind, "level" | "trend" | "rate" | "silence")
}

/// A change as it was first flagged.
struct Flag {
    shift: Shift,
    /// Onset interval, padded by a period on each side.
    low: i64,
    high: i64,
    onset: i64,
    /// End of the newest point that the alarm rests on.
    end: i64,
    known: i64,
    /// From when to when it stood: a revision can take it back, and another bring it again.
    spans: Vec<(i64, Option<i64>)>,
}

impl Flag {
    /// What it does to the direction of its measure: a change of spread or of a pattern moves it neither way.
    fn pull(&self) -> Option<Pull> {
        let kind = self.shift.kind.as_str();
        pulls(kind).then(|| Pull {
            onset: self.onset,
            known: self.known,
            spans: self.spans.clone(),
            trend: kind == "trend",
            direction: self.shift.direction,
            evidence: self.shift.evidence.clone(),
        })
    }

    fn withdrawn(&self) -> Option<i64> {
        self.spans.last().and_then(|(_, to)| *to)
    }
}

/// The detector of one measure, as far as it has read.
pub(crate) struct Detection {
    /// What it reads: a rate by the month, whatever the window that the measure shows. `None` for what none reads.
    read: Option<(Measure, Reader)>,
    /// Whether its condition asks for the trend.
    asked: bool,
    walk: Walk,
    /// Read as it stands, too long to walk; whether it then had any points.
    whole: bool,
    holds: bool,
    flags: Vec<Flag>,
    newest: Vec<Point>,
    months: Vec<(Point, bool)>,
    able: Vec<(i64, bool)>,
    /// The outcome.
    pub(crate) found: Arc<Changed>,
    /// The earliest moment at which a trend differs from what it was in the view before; `i64::MAX` for none.
    pub(crate) changed: i64,
    /// World date from which time alone may change it.
    pub(crate) until: i64,
}

impl Detection {
    /// Nothing read.
    pub(crate) fn new(measure: &Measure, asked: bool) -> Self {
        let read = Reader::new(measure).map(|reader| {
            let cadence = if counts(measure) { RATE_CADENCE } else { measure.cadence };
            (Measure { cadence, ..measure.clone() }, reader)
        });
        Self { read, ..Self::none(asked) }
    }

    /// Whether it follows the points that its measure shows.
    pub(crate) fn whole(&self) -> bool {
        self.whole
    }

    fn anew(&mut self, whole: bool) {
        let asked = self.asked;
        if let Some((read, mut reader)) = self.read.take() {
            // A reader of whole series begins anew by itself where it must.
            if !(whole && self.whole && self.holds) {
                reader = Reader::new(&read).unwrap_or(reader);
            }
            let found = std::mem::take(&mut self.found);
            *self = Self { read: Some((read, reader)), whole, found, ..Self::none(asked) };
        }
        self.changed = i64::MIN;
    }

    fn none(asked: bool) -> Self {
        Self {
            read: None,
            asked,
            walk: Walk::default(),
            whole: false,
            holds: false,
            flags: Vec::new(),
            newest: Vec::new(),
            months: Vec::new(),
            able: Vec::new(),
            found: Arc::default(),
            changed: i64::MAX,
            until: i64::MAX,
        }
    }

    /// Reads on to a later view. What became known since the view before changes nothing before `dirt`; `keys` are
    /// those of [`Projector::keys_by_measure`].
    pub(crate) fn read_on(
        &mut self,
        (projector, view, framework): (&Projector, &View, &Framework),
        (index, eval): (usize, Option<&MeasureEval>),
        keys: &[u32],
        dirt: i64,
    ) {
        self.changed = i64::MAX;
        let Some((read, _)) = &self.read else { return };
        let read = read.clone();
        let listening = Listening::new(projector, view, &read);
        let moments = moments(projector, view, &read, keys, &listening);
        match &moments {
            Some(moments)
                if dirt > i64::MIN && !self.whole && self.walk.goes_on(moments, dirt, &listening) => {}
            _ => self.anew(moments.is_none()),
        }
        let months = read.cadence.months().filter(|_| read.formula.windowed());
        self.until = months.and_then(|m| i32::try_from(m).ok()).map_or(i64::MAX, |months| {
            shift_months(window_start(view.as_of.timestamp_micros(), months.unsigned_abs()), months)
        });
        let Some((_, mut reader)) = self.read.take() else { return };
        match moments {
            Some(moments) => {
                let Self { walk, flags, newest, months, able, changed, .. } = self;
                let asked = self.asked;
                walk.go(projector, view, (index, &read), keys, (moments, &listening), |at, points| {
                    *changed = at.min(*changed);
                    *newest = prepared(&read, points);
                    *months = heard(&read, newest, &listening, at);
                    let mut seen = alarms(framework, &mut reader, &read, newest, Some(at));
                    seen.extend(silences(framework, &read, months, Some(at)));
                    update(flags, seen, at);
                    if asked {
                        let (_, says) = power(framework, &reader, &read, newest);
                        if able.last().is_none_or(|(_, before)| *before != says) {
                            able.push((at, says));
                        }
                    }
                });
            }
            None => {
                // Too long to walk: read as it stands, each alarm known since the last statement that it rests on.
                let own = eval.filter(|_| !counts(&read));
                self.newest = match own {
                    Some(eval) => prepared(&read, &eval.series.points),
                    None => {
                        let resolved = projector.resolve_some(keys, view);
                        let source = Source {
                            projector,
                            resolved: &resolved,
                            view,
                            measure: &read,
                            index,
                            ahead: false,
                        };
                        prepared(&read, &source.series(|_| true).points)
                    }
                };
                self.months = heard(&read, &self.newest, &listening, i64::MAX - 1);
                self.flags = alarms(framework, &mut reader, &read, &self.newest, None);
                self.flags.extend(silences(framework, &read, &self.months, None));
            }
        }
        if self.changed < i64::MAX {
            self.conclude(framework, &reader, &read);
        }
        if self.whole {
            // Long, and read anew the next time.
            self.holds = !self.newest.is_empty();
            (self.newest, self.months) = (Vec::new(), Vec::new());
        }
        self.read = Some((read, reader));
    }

    fn conclude(&mut self, framework: &Framework, reader: &Reader, read: &Measure) {
        let (power, says) = power(framework, reader, read, &self.newest);
        let mut able = self.able.clone();
        if self.asked && able.is_empty() {
            able.push((i64::MIN, says));
        }
        if self.found.able.first() != able.first() {
            self.changed = i64::MIN;
        }
        let said = match power {
            Power::Able(limit) => limit,
            Power::Unable(why) => Some(why),
        };
        let mut out = Changed {
            limit: said.filter(|_| !self.newest.is_empty()),
            read: says,
            pulls: self.flags.iter().filter_map(Flag::pull).collect(),
            able,
            ..Changed::default()
        };
        let months: Vec<Point> = self.months.iter().map(|(point, _)| point.clone()).collect();
        for flag in &self.flags {
            let points = if flag.shift.detector == "silence" { &months } else { &self.newest };
            let shift = flag.shift.clone();
            match flag.withdrawn() {
                Some(at) => out.withdrawn.push(Withdrawn {
                    id: shift.id,
                    indicator: shift.indicator,
                    known_at: shift.known_at,
                    withdrawn_at: rfc3339_micros(at),
                }),
                None => {
                    let provisional = provisional(flag.onset, flag.end, points);
                    out.standing.push(Shift { provisional, ..shift });
                }
            }
        }
        self.found = Arc::new(out);
    }
}

/// Keeps what is seen again, takes back what is not, adds what is new.
fn update(flags: &mut Vec<Flag>, seen: Vec<Flag>, at: i64) {
    for flag in flags.iter_mut() {
        let still = seen.iter().any(|s| same_change(flag, s));
        match flag.spans.last_mut() {
            Some((_, to @ None)) if !still => *to = Some(at),
            Some((_, Some(_))) if still => flag.spans.push((at, None)),
            _ => {}
        }
    }
    for new in seen {
        if !flags.iter().any(|flag| same_change(flag, &new)) {
            flags.push(new);
        }
    }
}

/// One change: same direction, onset intervals that touch.
fn same_change(flag: &Flag, seen: &Flag) -> bool {
    (flag.shift.direction, &flag.shift.kind) == (seen.shift.direction, &seen.shift.kind)
        && flag.low <= seen.high
        && seen.low <= flag.high
}

/// First releases only, and too little after them: the next release may still take it back.
///
/// The flag rests on the points from `onset` to `end`.
pub(crate) fn provisional(onset: i64, end: i64, points: &[Point]) -> bool {
    let mut rests = points.iter().filter(|p| onset <= p.start && p.end <= end);
    let later = points.iter().filter(|p| p.start >= end).count();
    later < 2 && !rests.any(|p| p.restated)
}

/// What a detector could show of a series, and whether its silence says that nothing rose or fell.
fn power(framework: &Framework, reader: &Reader, measure: &Measure, points: &[Point]) -> (Power, bool) {
    let power = match gaps(framework, measure, points) {
        Some(why) => Power::Unable(why),
        None => reader.power(measure, points.len()),
    };
    // Of floors only a rise can be seen, so silence does not say that nothing fell.
    let floors = measure.lower_bound || points.iter().any(|p| p.lower);
    let says = matches!(power, Power::Able(_)) && !floors;
    (power, says)
}

/// Points as the detector reads them: months of a rate that have no record filled in, New Year months joined.
fn prepared(measure: &Measure, points: &[Point]) -> Vec<Point> {
    if counts(measure) {
        filled(points)
    } else if measure.new_year {
        joined(points)
    } else {
        points.to_vec()
    }
}

/// Nothing known of a month is at least none.
fn filled(points: &[Point]) -> Vec<Point> {
    let mut out: Vec<Point> = Vec::with_capacity(points.len());
    for point in points {
        while let Some(last) = out.last().filter(|l| l.end < point.start) {
            let (start, end) = (last.end, shift_months(last.end, 1));
            let empty = Point { start, end, value: 0.0, lower: true, seqs: Vec::new(), ..last.clone() };
            out.push(empty);
        }
        out.push(point.clone());
    }
    out
}

/// January and February as one point, their mean; either without the other waits or is left out.
fn joined(points: &[Point]) -> Vec<Point> {
    let mut out: Vec<Point> = Vec::with_capacity(points.len());
    let mut january: Option<&Point> = None;
    for point in points {
        match point.class() {
            PeriodClass::Month(1) => january = Some(point),
            PeriodClass::Month(2) => {
                let Some(first) = january.take().filter(|j| j.end == point.start) else { continue };
                let mut both = Point { start: first.start, ..point.clone() };
                both.value = f64::midpoint(first.value, point.value);
                both.seqs = [first.seqs.as_slice(), &point.seqs].concat();
                both.known = first.known.max(point.known);
                both.lower |= first.lower;
                both.restated |= first.restated;
                out.push(both);
            }
            _ => out.push(point.clone()),
        }
    }
    out
}

/// Alarms of a detector over points, as flags. Floors are read upward only; a series with gaps not at all.
fn alarms(
    framework: &Framework,
    reader: &mut Reader,
    measure: &Measure,
    points: &[Point],
    at: Option<i64>,
) -> Vec<Flag> {
    if points.is_empty() || gaps(framework, measure, points).is_some() {
        return Vec::new();
    }
    let points: Vec<&Point> = points.iter().collect();
    // A fall counts only where every value after it is exact; floors before it make it no smaller.
    let exact = |seen: &Seen| {
        let run = points.get(seen.alarm.onset_index..=seen.alarm.alarm_index).unwrap_or_default();
        !measure.lower_bound && run.iter().all(|p| !p.lower)
    };
    let seen = reader.alarms(&points);
    seen.into_iter()
        .filter(|seen| seen.alarm.direction == Direction::Up || exact(seen))
        .filter_map(|seen| flag(framework, measure, &points, &seen, at))
        .collect()
}

/// Months of a rate, each with whether its feeds were heard; nothing of what is no rate.
fn heard(measure: &Measure, points: &[Point], listening: &Listening<'_>, at: i64) -> Vec<(Point, bool)> {
    if !counts(measure) {
        return Vec::new();
    }
    let deaf = || points.iter().map(|p| (p.clone(), false)).collect();
    listening.over(points, at).unwrap_or_else(deaf)
}

/// Silences as flags: where every month of the spell is declared covered, or where feeds were heard. What is a floor by
/// its nature has none.
fn silences(
    framework: &Framework,
    measure: &Measure,
    months: &[(Point, bool)],
    at: Option<i64>,
) -> Vec<Flag> {
    if measure.lower_bound {
        return Vec::new();
    }
    let points: Vec<&Point> = months.iter().map(|(point, _)| point).collect();
    let heard: Vec<bool> = months.iter().map(|(_, heard)| *heard).collect();
    let sound = |seen: &Seen| {
        let run = months.get(seen.alarm.onset_index..=seen.alarm.alarm_index).unwrap_or_default();
        run.iter().all(|(p, _)| !p.lower) || run.iter().any(|(_, heard)| *heard)
    };
    let seen = silence(&points, &heard).into_iter().filter(sound);
    seen.filter_map(|seen| flag(framework, measure, &points, &seen, at)).collect()
}

fn flag(
    framework: &Framework,
    measure: &Measure,
    points: &[&Point],
    seen: &Seen,
    at: Option<i64>,
) -> Option<Flag> {
    let alarm = &seen.alarm;
    let run = points.get(alarm.onset_index..=alarm.alarm_index)?;
    let (onset, last) = (run.first()?, run.last()?);
    let (low, high) = (points.get(seen.onset_low)?, points.get(seen.onset_high)?);
    let known = at.or_else(|| run.iter().map(|p| p.known).max())?;
    let mut evidence: Vec<u64> = run.iter().flat_map(|p| p.seqs.iter().copied()).collect();
    evidence.sort_unstable();
    evidence.dedup();
    let (kind, direction) = (word(alarm.kind), way(alarm.direction));
    // A rate is reckoned by the month and shown by the window of the measure.
    let shown = framework.all_measures().find(|m| m.id == measure.id).and_then(|m| m.cadence.months());
    let scale = if counts(measure) { f64::from(shown.unwrap_or(1)) } else { 1.0 };
    let shift = Shift {
        id: format!("shift.{}.{kind}.{direction}.{}", measure.id, date(onset.start)),
        indicator: measure.id.clone(),
        detector: seen.detector.to_owned(),
        kind: kind.to_owned(),
        direction: if alarm.direction == Direction::Up { Trend::Up } else { Trend::Down },
        known_at: rfc3339_micros(known),
        onset: Onset { at: date(onset.start), low: date(low.start), high: date(high.start) },
        size: Some(alarm.size * scale),
        sigmas: Some(alarm.sigmas),
        statistic: Some(alarm.statistic),
        threshold: Some(alarm.threshold),
        provisional: true,
        late: seen.late,
        evidence,
    };
    let period = onset.end - onset.start;
    Some(Flag {
        shift,
        low: low.start - period,
        high: high.start + period,
        onset: onset.start,
        end: last.end,
        known,
        spans: vec![(known, None)],
    })
}

/// Why a series has too many gaps for a detector to read; `None` when enough of the expected periods are there.
fn gaps(framework: &Framework, measure: &Measure, points: &[Point]) -> Option<String> {
    let (first, last) = (points.first()?, points.last()?);
    let months = measure.cadence.months()?;
    // 30.44 days a month: only a share of the expected count is asked for, so leap days do not matter.
    let expected = (last.end - first.start) as f64 / (f64::from(months) * 30.44 * DAY as f64);
    let least = framework.rules.density;
    ((points.len() as f64) < least * expected).then(|| {
        let due = expected.round();
        format!(
            "{} of {due} periods are there: under {:.0} % no detector reads a series",
            points.len(),
            least * 100.0
        )
    })
}

/// A series up to an alarm.
#[derive(Default)]
pub(crate) struct AtAlarm {
    /// Start and value of each point.
    pub(crate) points: Vec<(String, f64)>,
    /// Points that the detector learns from.
    pub(crate) warm_up: usize,
}

/// The series of a standing shift's measure up to its alarm, as it was known then; empty where it cannot be told.
pub(crate) fn at_alarm(projector: &Projector, view: &View, core: &Core<'_>, shift: &Shift) -> AtAlarm {
    let found = core.framework.all_measures().enumerate().find(|(_, m)| m.id == shift.indicator);
    let known = shift.known_at.parse::<chrono::DateTime<chrono::Utc>>();
    let (Some((index, measure)), Ok(known)) = (found, known) else { return AtAlarm::default() };
    let keys = projector.keys_by_measure();
    let Some(keys) = keys.get(index) else { return AtAlarm::default() };
    let after = known.checked_add_signed(chrono::TimeDelta::microseconds(1)).unwrap_or(known);
    let then = View { as_of: known.min(view.as_of), known_by: after.min(view.known_by), ..*view };
    // A series too long to walk was read as it stands.
    let read = |view: &View| {
        let resolved = projector.resolve_some(keys, view);
        let source = Source { projector, resolved: &resolved, view, measure, index, ahead: false };
        let points = prepared(measure, &source.series(|_| true).points);
        let mut reader = Reader::new(measure)?;
        let seen = alarms(core.framework, &mut reader, measure, &points, Some(0));
        let end = seen.into_iter().find(|flag| flag.shift.id == shift.id)?.end;
        let upto = points.iter().filter(|p| p.end <= end).map(|p| (date(p.start), p.value));
        Some(AtAlarm { points: upto.collect(), warm_up: reader.warm_up() })
    };
    read(&then).or_else(|| read(view)).unwrap_or_default()
}
