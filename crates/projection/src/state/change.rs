//! Changes of measures: a detector over each series as it became known.
//!
//! A change is flagged at the moment its alarm could first be raised, keeps that moment for ever, and is taken
//! back at the moment a revised or withdrawn statement makes its alarm disappear. One change is flagged once.

use bellwether_detect::Direction;
use bellwether_model::framework::Measure;
use bellwether_model::{PeriodClass, View};

use super::core::Core;
use super::knowledge::walk;
use super::method::{Power, RATE_CADENCE, Reader, Seen, counts, way, word};
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
    withdrawn: Option<i64>,
}

/// Changes that stand in the view, and those that were taken back.
pub(crate) fn changes(projector: &Projector, view: &View, core: &Core<'_>) -> Changes {
    let mut out = Changes::default();
    let keys = projector.keys_by_measure();
    for (index, (measure, keys)) in core.framework.all_measures().zip(&keys).enumerate() {
        let Some(mut reader) = Reader::new(measure) else {
            out.limits.push(None);
            out.read.push(false);
            continue;
        };
        // A rate is read by the month, whatever the window that the measure shows.
        let finer = counts(measure).then(|| Measure { cadence: RATE_CADENCE, ..measure.clone() });
        let read = finer.as_ref().unwrap_or(measure);
        let mut flags: Vec<Flag> = Vec::new();
        let mut newest: Vec<Point> = Vec::new();
        let walked = walk(projector, view, (index, read), keys, |at, points| {
            newest = prepared(read, points);
            let seen = alarms(core, &mut reader, read, &newest, Some(at));
            update(&mut flags, seen, at);
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
            flags = alarms(core, &mut reader, read, &newest, None);
        }
        let power = match gaps(core, read, &newest) {
            Some(why) => Power::Unable(why),
            None => reader.power(read, newest.len()),
        };
        // Of floors only a rise can be seen, so silence does not say that nothing fell.
        let floors = read.lower_bound || newest.iter().any(|p| p.lower);
        out.read.push(matches!(power, Power::Able(_)) && !floors);
        let said = match power {
            Power::Able(limit) => limit,
            Power::Unable(why) => Some(why),
        };
        out.limits.push(said.filter(|_| !newest.is_empty()));
        for flag in flags {
            match flag.withdrawn {
                Some(at) => out.withdrawn.push(Withdrawn {
                    id: flag.shift.id,
                    indicator: flag.shift.indicator,
                    known_at: flag.shift.known_at,
                    withdrawn_at: rfc3339_micros(at),
                }),
                None => {
                    let provisional = provisional(&flag, &newest);
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
        flag.withdrawn = if still { None } else { flag.withdrawn.or(Some(at)) };
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
fn provisional(flag: &Flag, points: &[Point]) -> bool {
    let rests = points.iter().filter(|p| flag.onset <= p.start && p.end <= flag.end);
    let later = points.iter().filter(|p| p.start >= flag.end).count();
    later < 2 && !rests.into_iter().any(|p| p.restated)
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
        withdrawn: None,
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
