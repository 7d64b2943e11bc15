//! Shifts: changes of level, crossed bounds, expectations that stopped holding.

use bellwether_detect::{Alarm, Detector, Direction, RobustStep};
use bellwether_model::framework::{Limit, Measure};

use super::core::Core;
use super::domain::domain_states;
use super::expectation::Conditions;
use super::measure::{MeasureEval, transformed};
use super::series::Point;
use super::time::{date, rfc3339_micros};
use crate::assessment::{Onset, Shift, Trend};

/// All shifts known in the view, oldest first. `before` is the same view a year earlier.
pub(crate) fn shifts(core: &Core<'_>, before: &Core<'_>) -> Vec<Shift> {
    let detector = RobustStep::default();
    let mut out: Vec<Shift> = core
        .framework
        .all_measures()
        .zip(&core.measures)
        .flat_map(|(measure, eval)| levels(core, &detector, measure, eval))
        .chain(breaches(core))
        .chain(expectations(core, before))
        .collect();
    out.sort_by(|a, b| (&a.known_at, &a.id).cmp(&(&b.known_at, &b.id)));
    out
}

/// Level steps of one measure. Floors are read upward only; a series with gaps is not read at all.
fn levels(core: &Core<'_>, detector: &dyn Detector, measure: &Measure, eval: &MeasureEval) -> Vec<Shift> {
    let points: Vec<&Point> =
        eval.series.points.iter().filter(|p| transformed(measure, p.value).is_some()).collect();
    if !dense(core, measure, &points) {
        return Vec::new();
    }
    let series: Vec<f64> = points.iter().filter_map(|p| transformed(measure, p.value)).collect();
    detector
        .scan(&series)
        .into_iter()
        .filter(|a| a.direction == Direction::Up || !points.iter().any(|p| p.lower))
        .filter_map(|alarm| level(detector.name(), measure, &points, &alarm))
        .collect()
}

fn level(detector: &str, measure: &Measure, points: &[&Point], alarm: &Alarm) -> Option<Shift> {
    let run = points.get(alarm.onset_index..=alarm.alarm_index)?;
    let (onset, last) = (run.first()?, run.last()?);
    let before = points.get(alarm.onset_index.checked_sub(1)?)?;
    let known = run.iter().map(|p| p.known).max()?;
    let (word, direction) = match alarm.direction {
        Direction::Up => ("up", Trend::Up),
        Direction::Down => ("down", Trend::Down),
    };
    let mut evidence: Vec<u64> = run.iter().flat_map(|p| p.seqs.iter().copied()).collect();
    evidence.sort_unstable();
    evidence.dedup();
    // Nothing after the alarm and no revised value in it: the next release may still take it back.
    let provisional = alarm.alarm_index + 1 == points.len() && run.iter().all(|p| p.vintages <= 1);
    Some(Shift {
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
        provisional,
        evidence,
    })
}

/// Whether enough of the expected periods are there for a detector to read the series.
fn dense(core: &Core<'_>, measure: &Measure, points: &[&Point]) -> bool {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return false };
    let Some(months) = measure.cadence.months() else { return true };
    // 30.44 days a month: only a share of the expected count is asked for, so leap days do not matter.
    let expected = (last.end - first.start) as f64 / (f64::from(months) * 30.44 * super::time::DAY as f64);
    points.len() as f64 >= core.framework.rules.density * expected
}

/// Crossed bounds: since when, and when that could be known.
fn breaches(core: &Core<'_>) -> Vec<Shift> {
    core.framework
        .constraints
        .iter()
        .zip(&core.constraints)
        .filter(|(_, c)| c.breached() == Some(true))
        .filter_map(|(row, c)| {
            let (eval, measure) = core.measure(&row.of)?;
            let crossed = |p: &&Point| match row.bound {
                Limit { max: Some(max), .. } => p.value > max,
                Limit { min: Some(min), .. } => p.value < min,
                Limit { .. } => false,
            };
            let history: Vec<&Point> =
                eval.series.points.iter().chain(eval.series.trailing.as_ref()).collect();
            let onset = history.iter().rev().take_while(|p| crossed(p)).last().or(history.last())?;
            let (word, direction) =
                if row.bound.max.is_some() { ("up", Trend::Up) } else { ("down", Trend::Down) };
            // A trailing window moves with the date; what happened in it does not.
            let began = if measure.formula.windowed() { onset.known } else { onset.start };
            Some(Shift {
                id: format!("shift.{}.breach.{word}.{}", row.id, date(began)),
                indicator: row.id.clone(),
                detector: "bound".to_owned(),
                kind: "breach".to_owned(),
                direction,
                known_at: rfc3339_micros(onset.known),
                onset: Onset { at: date(began), low: date(began), high: date(onset.end.max(began)) },
                size: c.distance.map(|d| -d),
                sigmas: None,
                statistic: c.value,
                threshold: Some(c.bound),
                provisional: onset.vintages <= 1 && std::ptr::eq(*onset, *history.last()?),
                evidence: onset.seqs.clone(),
            })
        })
        .collect()
}

/// Expectations that held a year ago, as far as was known then, and hold no longer.
fn expectations(core: &Core<'_>, before: &Core<'_>) -> Vec<Shift> {
    let (now, then) = (Conditions::new(core), Conditions::new(before));
    let held = domain_states(before, before, &then);
    let mut out = Vec::new();
    for (domain, past) in core.framework.domains.iter().zip(&held) {
        for (row, was) in domain.expectations.iter().zip(&past.expectations) {
            if was.holds != Some(true) || now.holds(&row.when) != Some(false) {
                continue;
            }
            let named: Vec<&MeasureEval> = row
                .when
                .split('"')
                .skip(1)
                .step_by(2)
                .filter_map(|id| core.measure(id))
                .map(|m| m.0)
                .collect();
            let Some(newest) = named.iter().filter_map(|e| e.series.headline()).max_by_key(|p| p.known)
            else {
                continue;
            };
            out.push(Shift {
                id: format!("shift.{}.expectation.{}", row.id, date(newest.known)),
                indicator: row.id.clone(),
                detector: "expectation".to_owned(),
                kind: "expectation".to_owned(),
                direction: Trend::Unknown,
                known_at: rfc3339_micros(newest.known),
                onset: Onset { at: date(newest.known), low: date(newest.start), high: date(newest.known) },
                size: None,
                sigmas: None,
                statistic: None,
                threshold: None,
                provisional: newest.vintages <= 1,
                evidence: newest.seqs.clone(),
            });
        }
    }
    out
}
