//! Crossed bounds, flagged at the moment that could first be known.

use bellwether_model::framework::{Constraint as ConstraintRow, Limit};

use super::change::{Changes, provisional};
use super::core::Core;
use super::expectation::Readings;
use super::past::{Past, Reading};
use super::relation::Constraint;
use super::series::Point;
use super::spell::{Verdicts, spells};
use super::time::{date, rfc3339_micros};
use crate::assessment::{Onset, Shift, Trend, Withdrawn};

/// Flags the crossed bounds, and those flags that were taken back.
///
/// A bound is crossed by the value shown, a floor crosses a maximum only. A measure that cannot be walked is read as
/// it stands: its bound has been crossed since the first of the newest points past it could be known.
/// `kept` has an entry by constraint; `evaluated` tells which measures are not as they were in the view before.
pub(crate) fn breaches(
    core: &Core<'_>,
    past: &Past<'_>,
    readings: &Readings,
    (kept, evaluated): (&mut [Verdicts], &dyn Fn(usize) -> bool),
    changes: &mut Changes,
) {
    for ((row, state), kept) in core.framework.constraints.iter().zip(&core.constraints).zip(kept) {
        let Some(index) = core.framework.all_measures().position(|m| m.id == row.of) else { continue };
        let Some(read) = readings.get(&index) else { continue };
        match &read.list {
            None => {
                kept.outdated(i64::MIN, true, past.end());
                kept.standing.extend(as_it_stands(core, row, state, index));
                // What it says of a window moves with the window.
                kept.until = if kept.standing.is_empty() { i64::MAX } else { past.end().saturating_add(1) };
            }
            Some(list) => {
                if kept.outdated(read.changed, evaluated(index), past.end()) {
                    flags(core, past, (row, state, index), list, kept);
                }
            }
        }
        changes.standing.extend(kept.standing.iter().cloned());
        changes.withdrawn.extend(kept.withdrawn.iter().cloned());
    }
}

fn flags(
    core: &Core<'_>,
    past: &Past<'_>,
    (row, state, index): (&ConstraintRow, &Constraint, usize),
    list: &[Reading],
    kept: &mut Verdicts,
) {
    let verdicts: Vec<(i64, Option<bool>)> = list.iter().map(|r| (r.at, crossed(row, r))).collect();
    let still = |began: usize, now: i64| {
        let Some(then) = list.get(began) else { return false };
        kept.still(then.at, now, || {
            past.fixed_until();
            let again = past.reading(index, then.at, now);
            let newer = again.as_ref().and_then(|r| r.period).zip(then.period).filter(|(a, b)| a.1 > b.1);
            let again = newer.map_or(again, |(_, (_, end))| past.reading(index, end, now));
            (again.is_some_and(|r| crossed(row, &r) == Some(true)), past.fixed_until())
        })
    };
    let period = |i: usize| list.get(i).and_then(|r| r.period);
    let found = spells(&verdicts, true, still, |a, b| period(a).is_some() && period(a) == period(b));
    for spell in found.iter().filter(|s| !s.over) {
        let Some(at) = list.get(spell.began).map(|r| r.at) else { continue };
        let Some(eval) = past.eval(index, at, at) else { continue };
        let history: Vec<&Point> = eval.series.points.iter().chain(eval.series.trailing.as_ref()).collect();
        let Some(shift) = flag(core, row, state, index, (&history, Some(at))) else { continue };
        match spell.withdrawn {
            Some(at) => kept.withdrawn.push(Withdrawn {
                id: shift.id,
                indicator: shift.indicator,
                known_at: shift.known_at,
                withdrawn_at: rfc3339_micros(at),
            }),
            None => kept.standing.push(shift),
        }
    }
}

fn as_it_stands(core: &Core<'_>, row: &ConstraintRow, state: &Constraint, index: usize) -> Option<Shift> {
    let eval = core.measures.get(index).filter(|_| state.breached() == Some(true))?;
    let history: Vec<&Point> = eval.series.points.iter().chain(eval.series.trailing.as_ref()).collect();
    flag(core, row, state, index, (&history, None))
}

fn past_bound(row: &ConstraintRow, value: f64) -> bool {
    match row.bound {
        Limit { max: Some(max), .. } => value > max,
        Limit { min: Some(min), .. } => value < min,
        Limit { .. } => false,
    }
}

fn crossed(row: &ConstraintRow, reading: &Reading) -> Option<bool> {
    let beyond = past_bound(row, reading.shown?);
    // A floor past a maximum is past it; nothing else follows from one.
    (!reading.floor || (beyond && row.bound.max.is_some())).then_some(beyond)
}

/// A crossed bound; its onset is the first of the newest points in a row that are past it.
fn flag(
    core: &Core<'_>,
    row: &ConstraintRow,
    state: &Constraint,
    index: usize,
    (history, at): (&[&Point], Option<i64>),
) -> Option<Shift> {
    let measure = core.framework.all_measures().nth(index)?;
    let last = history.last()?;
    let onset = history.iter().rev().take_while(|p| past_bound(row, p.value)).last().unwrap_or(last);
    let known = at.unwrap_or(onset.known);
    let (word, direction) = if row.bound.max.is_some() { ("up", Trend::Up) } else { ("down", Trend::Down) };
    // A trailing window moves with the date; what happened in it does not.
    let began = if measure.formula.windowed() { known } else { onset.start };
    let points = core.measures.get(index).map(|eval| eval.series.points.as_slice()).unwrap_or_default();
    Some(Shift {
        id: format!("shift.{}.breach.{word}.{}", row.id, date(began)),
        indicator: row.id.clone(),
        detector: "bound".to_owned(),
        kind: "breach".to_owned(),
        direction,
        known_at: rfc3339_micros(known),
        onset: Onset { at: date(began), low: date(began), high: date(onset.end.max(began)) },
        size: state.distance.map(|d| -d),
        sigmas: None,
        statistic: state.value,
        threshold: Some(state.bound),
        late: false,
        provisional: provisional(onset.start, last.end, points),
        evidence: onset.seqs.clone(),
    })
}
