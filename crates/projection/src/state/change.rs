//! Changes of measures: a detector over each series as it became known.
//!
//! A change is flagged at the moment its alarm could first be raised, keeps that moment for ever, and is taken
//! back at the moment a revised or withdrawn statement makes its alarm disappear. One change is flagged once.

use std::collections::BTreeSet;

use bellwether_detect::Direction;
use bellwether_model::framework::Measure;
use bellwether_model::{PeriodClass, View};

use super::core::Core;
use super::expectation::{faded, trends_read};
use super::knowledge::walk;
use super::listening::Listening;
use super::method::{Power, RATE_CADENCE, Reader, Seen, counts, silence, way, word};
use super::series::{Point, Source};
use super::time::{DAY, date, rfc3339_micros, shift_months};
use crate::assessment::{Onset, Shift, Trend, Withdrawn};
use crate::fold::Projector;

/// Changes of all measures in a view.
#[derive(Default)]
pub(crate) struct Changes {
    /// Changes that stand.
    pub(crate) standing: Vec<Shift>,
    /// Changes that were taken back.
    pub(crate) withdrawn: Vec<Withdrawn>,
    /// By measure, what its detector could show; `None` where none reads it.
    pub(crate) limits: Vec<Option<String>>,
    /// By measure, whether a detector's silence says that nothing rose or fell.
    pub(crate) read: Vec<bool>,
    /// By measure, its changes of direction as they came and went.
    pulls: Vec<Vec<Pull>>,
    /// By measure, since when its detector's silence has said something or not; only where a condition asks.
    able: Vec<Vec<(i64, bool)>>,
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
        let newest = self.pulls.get(index)?.iter().filter(stood).max_by_key(|p| (p.onset, p.known));
        newest.filter(|p| p.trend || p.known >= shift_months(asked.world, -12))
    }

    /// Where a measure is heading by its detector: flat only if a change would have shown.
    pub(crate) fn trend(&self, index: usize, asked: Asked) -> Trend {
        if let Some(pull) = self.pull(index, asked) {
            return pull.direction;
        }
        let since = self.able.get(index).into_iter().flatten().rfind(|(at, _)| *at <= asked.standing);
        if since.is_some_and(|(_, able)| *able) { Trend::Flat } else { Trend::Unknown }
    }

    /// Moments at which [`trend`](Self::trend) can change.
    pub(crate) fn trend_times(&self, index: usize) -> impl Iterator<Item = i64> + '_ {
        let spans = self.pulls.get(index).into_iter().flatten().flat_map(|p| {
            let ends = p.spans.iter().flat_map(|(from, to)| [Some(*from), *to]);
            ends.flatten().chain([faded(p.known)])
        });
        spans.chain(self.able.get(index).into_iter().flatten().map(|(at, _)| *at))
    }
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

/// Changes that stand in the view, and those that were taken back.
///
/// `keys` are those of [`Projector::keys_by_measure`]; measures that are not `wanted` are passed over.
pub(crate) fn changes(
    projector: &Projector,
    view: &View,
    core: &Core<'_>,
    keys: &[Vec<u32>],
    wanted: Option<&BTreeSet<usize>>,
) -> Changes {
    let mut out = Changes::default();
    let asked = trends_read(core.framework);
    for (index, (measure, keys)) in core.framework.all_measures().zip(keys).enumerate() {
        let wanted = wanted.is_none_or(|wanted| wanted.contains(&index));
        let Some(mut reader) = Reader::new(measure).filter(|_| wanted) else {
            out.limits.push(None);
            out.read.push(false);
            out.pulls.push(Vec::new());
            out.able.push(Vec::new());
            continue;
        };
        let mut able: Vec<(i64, bool)> = Vec::new();
        // A rate is read by the month, whatever the window that the measure shows.
        let finer = counts(measure).then(|| Measure { cadence: RATE_CADENCE, ..measure.clone() });
        let read = finer.as_ref().unwrap_or(measure);
        let mut flags: Vec<Flag> = Vec::new();
        let mut newest: Vec<Point> = Vec::new();
        let mut months = Vec::new();
        let listening = Listening::new(projector, view, read);
        let walked = walk(projector, view, (index, read), keys, &listening, |at, points| {
            newest = prepared(read, points);
            months = heard(read, &newest, &listening, at);
            let mut seen = alarms(core, &mut reader, read, &newest, Some(at));
            seen.extend(silences(core, read, &months, Some(at)));
            update(&mut flags, seen, at);
            if asked.contains(&index) {
                let (_, says) = power(core, &reader, read, &newest);
                if able.last().is_none_or(|(_, before)| *before != says) {
                    able.push((at, says));
                }
            }
        });
        if !walked {
            // Too long to walk: read as it stands, each alarm known since the last statement that it rests on.
            let own = core.measures.get(index).filter(|_| finer.is_none());
            newest = match own {
                Some(eval) => prepared(read, &eval.series.points),
                None => {
                    let resolved = projector.resolve_some(keys, view);
                    let source = Source { projector, resolved: &resolved, view, measure: read, index };
                    prepared(read, &source.series(|_| true).points)
                }
            };
            months = heard(read, &newest, &listening, i64::MAX - 1);
            flags = alarms(core, &mut reader, read, &newest, None);
            flags.extend(silences(core, read, &months, None));
        }
        let (power, says) = power(core, &reader, read, &newest);
        out.read.push(says);
        if asked.contains(&index) && able.is_empty() {
            able.push((i64::MIN, says));
        }
        out.able.push(able);
        let said = match power {
            Power::Able(limit) => limit,
            Power::Unable(why) => Some(why),
        };
        out.limits.push(said.filter(|_| !newest.is_empty()));
        out.pulls.push(flags.iter().filter_map(Flag::pull).collect());
        let months: Vec<Point> = months.into_iter().map(|(point, _)| point).collect();
        for flag in flags {
            let points = if flag.shift.detector == "silence" { &months } else { &newest };
            match flag.withdrawn() {
                Some(at) => out.withdrawn.push(Withdrawn {
                    id: flag.shift.id,
                    indicator: flag.shift.indicator,
                    known_at: flag.shift.known_at,
                    withdrawn_at: rfc3339_micros(at),
                }),
                None => {
                    let provisional = provisional(flag.onset, flag.end, points);
                    out.standing.push(Shift { provisional, ..flag.shift });
                }
            }
        }
    }
    out
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
fn power(core: &Core<'_>, reader: &Reader, measure: &Measure, points: &[Point]) -> (Power, bool) {
    let power = match gaps(core, measure, points) {
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
    core: &Core<'_>,
    reader: &mut Reader,
    measure: &Measure,
    points: &[Point],
    at: Option<i64>,
) -> Vec<Flag> {
    if points.is_empty() || gaps(core, measure, points).is_some() {
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
        .filter_map(|seen| flag(core, measure, &points, &seen, at))
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
fn silences(core: &Core<'_>, measure: &Measure, months: &[(Point, bool)], at: Option<i64>) -> Vec<Flag> {
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
    seen.filter_map(|seen| flag(core, measure, &points, &seen, at)).collect()
}

fn flag(core: &Core<'_>, measure: &Measure, points: &[&Point], seen: &Seen, at: Option<i64>) -> Option<Flag> {
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
    let shown = core.framework.all_measures().find(|m| m.id == measure.id).and_then(|m| m.cadence.months());
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
fn gaps(core: &Core<'_>, measure: &Measure, points: &[Point]) -> Option<String> {
    let (first, last) = (points.first()?, points.last()?);
    let months = measure.cadence.months()?;
    // 30.44 days a month: only a share of the expected count is asked for, so leap days do not matter.
    let expected = (last.end - first.start) as f64 / (f64::from(months) * 30.44 * DAY as f64);
    let least = core.framework.rules.density;
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
        let source = Source { projector, resolved: &resolved, view, measure, index };
        let points = prepared(measure, &source.series(|_| true).points);
        let mut reader = Reader::new(measure)?;
        let seen = alarms(core, &mut reader, measure, &points, Some(0));
        let end = seen.into_iter().find(|flag| flag.shift.id == shift.id)?.end;
        let upto = points.iter().filter(|p| p.end <= end).map(|p| (date(p.start), p.value));
        Some(AtAlarm { points: upto.collect(), warm_up: reader.warm_up() })
    };
    read(&then).or_else(|| read(view)).unwrap_or_default()
}
