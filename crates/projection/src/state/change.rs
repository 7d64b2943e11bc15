//! Changes of measures: a detector over each series as it became known.
//!
//! A change is flagged at the moment its alarm could first be raised, keeps that moment for ever, and is taken
//! back at the moment a revised or withdrawn statement makes its alarm disappear. One change is flagged once.

use bellwether_detect::{Alarm, Detector, Direction, RobustStep};
use bellwether_model::View;
use bellwether_model::framework::Measure;

use super::core::Core;
use super::knowledge::walk;
use super::measure::transformed;
use super::series::Point;
use super::time::{DAY, date, rfc3339_micros};
use crate::assessment::{Onset, Shift, Trend, Withdrawn};
use crate::fold::Projector;

/// A change as it was first flagged.
#[derive(Clone)]
struct Flag {
    shift: Shift,
    onset: i64,
    /// End of the newest point that the alarm rests on.
    end: i64,
    withdrawn: Option<i64>,
}

/// Changes that stand in the view, and those that were taken back.
pub(crate) fn changes(projector: &Projector, view: &View, core: &Core<'_>) -> (Vec<Shift>, Vec<Withdrawn>) {
    let detector = RobustStep::default();
    let (mut standing, mut withdrawn) = (Vec::new(), Vec::new());
    let keys = projector.keys_by_measure();
    for (index, (measure, keys)) in core.framework.all_measures().zip(&keys).enumerate() {
        let mut flags: Vec<Flag> = Vec::new();
        let mut newest: Vec<Point> = Vec::new();
        let walked = walk(projector, view, (index, measure), keys, |at, points| {
            let seen = alarms(core, &detector, measure, points, Some(at));
            update(&mut flags, seen, at);
            newest = points.to_vec();
        });
        if !walked {
            // Too long to walk: read as it stands, each alarm known since the last statement that it rests on.
            newest = core.measures.get(index).map(|e| e.series.points.clone()).unwrap_or_default();
            flags = alarms(core, &detector, measure, &newest, None);
        }
        for flag in flags {
            match flag.withdrawn {
                Some(at) => withdrawn.push(Withdrawn {
                    id: flag.shift.id,
                    indicator: flag.shift.indicator,
                    known_at: flag.shift.known_at,
                    withdrawn_at: rfc3339_micros(at),
                }),
                None => {
                    let provisional = provisional(&flag, &newest);
                    standing.push(Shift { provisional, ..flag.shift });
                }
            }
        }
    }
    (standing, withdrawn)
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

/// One change: same direction, onsets within the span of the points that the first alarm rested on.
fn same_change(flag: &Flag, seen: &Flag) -> bool {
    flag.shift.direction == seen.shift.direction && (flag.onset - seen.onset).abs() <= flag.end - flag.onset
}

/// First releases only, and too little after them: the next release may still take it back.
fn provisional(flag: &Flag, points: &[Point]) -> bool {
    let rests = points.iter().filter(|p| flag.onset <= p.start && p.end <= flag.end);
    let later = points.iter().filter(|p| p.start >= flag.end).count();
    later < 2 && !rests.into_iter().any(|p| p.restated)
}

/// Alarms of a detector over points, as flags. Floors are read upward only; a series with gaps not at all.
fn alarms(
    core: &Core<'_>,
    detector: &dyn Detector,
    measure: &Measure,
    points: &[Point],
    at: Option<i64>,
) -> Vec<Flag> {
    let points: Vec<&Point> = points.iter().filter(|p| transformed(measure, p.value).is_some()).collect();
    if !dense(core, measure, &points) {
        return Vec::new();
    }
    let series: Vec<f64> = points.iter().filter_map(|p| transformed(measure, p.value)).collect();
    let floors = points.iter().any(|p| p.lower);
    detector
        .scan(&series)
        .into_iter()
        .filter(|a| a.direction == Direction::Up || !floors)
        .filter_map(|alarm| flag(detector.name(), measure, &points, &alarm, at))
        .collect()
}

fn flag(
    detector: &str,
    measure: &Measure,
    points: &[&Point],
    alarm: &Alarm,
    at: Option<i64>,
) -> Option<Flag> {
    let run = points.get(alarm.onset_index..=alarm.alarm_index)?;
    let (onset, last) = (run.first()?, run.last()?);
    let before = points.get(alarm.onset_index.checked_sub(1)?)?;
    let known = at.or_else(|| run.iter().map(|p| p.known).max())?;
    let (word, direction) = match alarm.direction {
        Direction::Up => ("up", Trend::Up),
        Direction::Down => ("down", Trend::Down),
    };
    let mut evidence: Vec<u64> = run.iter().flat_map(|p| p.seqs.iter().copied()).collect();
    evidence.sort_unstable();
    evidence.dedup();
    let shift = Shift {
        id: format!("shift.{}.level.{word}.{}", measure.id, date(onset.start)),
        indicator: measure.id.clone(),
        detector: detector.to_owned(),
        kind: "level".to_owned(),
        direction,
        known_at: rfc3339_micros(known),
        onset: Onset { at: date(onset.start), low: date(before.end), high: date(onset.end) },
        size: Some(last.value - before.value),
        sigmas: Some(alarm.sigmas),
        statistic: Some(alarm.statistic),
        threshold: Some(alarm.threshold),
        provisional: true,
        evidence,
    };
    Some(Flag { shift, onset: onset.start, end: last.end, withdrawn: None })
}

/// Whether enough of the expected periods are there for a detector to read the series.
fn dense(core: &Core<'_>, measure: &Measure, points: &[&Point]) -> bool {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return false };
    let Some(months) = measure.cadence.months() else { return true };
    // 30.44 days a month: only a share of the expected count is asked for, so leap days do not matter.
    let expected = (last.end - first.start) as f64 / (f64::from(months) * 30.44 * DAY as f64);
    points.len() as f64 >= core.framework.rules.density * expected
}
