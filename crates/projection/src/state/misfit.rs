//! All scenarios fit badly: flagged at the end of the quarter in which that could first be known.

use super::change::{Changes, provisional};
use super::core::Core;
use super::past::Past;
use super::scenario::{Setting, SignalReading};
use super::spell::spells;
use super::time::{date, rfc3339_micros};
use crate::assessment::{Onset, Shift, Trend, Withdrawn};
use crate::scenario::{Seen, fit};

/// What `Shift::indicator` and `Shift::detector` say.
pub(crate) const ROW: &str = "fit";
pub(crate) const DETECTOR: &str = "posterior-predictive";

/// What was seen and how well it fitted, as known at some moment.
struct Look {
    readings: Vec<SignalReading>,
    /// `None` when nothing was seen.
    fit: Option<f64>,
}

/// Flags the quarters from which on all scenarios fitted badly, and those flags that were taken back.
///
/// Looked at when a quarter ends, as known then, over as many quarters back as the framework says. A misfit ends when the
/// best scenario fits again; it is taken back when those quarters, with what has become known of them since, fit after all.
///
/// `dirt` is, by measure, the earliest moment that became another since the looks kept were taken.
pub(crate) fn misfits(
    core: &Core<'_>,
    past: &Past<'_>,
    (kept, dirt): (&mut Looks, impl Fn(usize) -> i64),
    changes: &mut Changes,
) {
    let Some(setting) = Setting::new(core.framework) else {
        kept.until = i64::MAX;
        return;
    };
    let floor = setting.evidence.fit_floor;
    kept.read_on(&setting, past, dirt);
    let looks: Vec<(i64, Look)> = kept
        .quarters
        .iter()
        .zip(0..)
        .map(|((end, signals), q)| (*end, judged(&setting, q, signals.iter().flatten().cloned().collect())))
        .collect();
    let verdicts: Vec<(i64, Option<bool>)> =
        looks.iter().map(|(end, look)| (*end, look.fit.map(|p| p < floor))).collect();
    let still = |began: usize, now: i64| {
        let again = looks.get(began).zip(u32::try_from(began).ok());
        again.is_some_and(|((end, _), q)| look(&setting, past, q, *end, now).fit.is_some_and(|p| p < floor))
    };
    for spell in spells(&verdicts, true, still, |a, b| a == b) {
        let Some((end, look)) = looks.get(spell.began) else { continue };
        let from = u32::try_from(spell.began + 1)
            .ok()
            .and_then(|q| setting.begins(q.saturating_sub(setting.evidence.fit_quarters)));
        let begins = u32::try_from(spell.began).ok().and_then(|q| setting.begins(q));
        let (Some(low), Some(begins)) = (from, begins) else { continue };
        let shift = flag(core, look, floor, (low, begins, *end));
        match spell.withdrawn {
            Some(at) => changes.withdrawn.push(Withdrawn {
                id: shift.id,
                indicator: shift.indicator,
                known_at: shift.known_at,
                withdrawn_at: rfc3339_micros(at),
            }),
            None => changes.standing.push(shift),
        }
    }
}

/// Readings at the end of each quarter, by signal, as known then.
#[derive(Default)]
pub(crate) struct Looks {
    /// End of the quarter and, by signal, what the window that is judged saw.
    quarters: Vec<(i64, Vec<Vec<SignalReading>>)>,
    /// End of the next quarter.
    pub(crate) until: i64,
}

impl Looks {
    fn read_on(&mut self, setting: &Setting<'_>, past: &Past<'_>, dirt: impl Fn(usize) -> i64) {
        let last = past.last();
        self.quarters.retain(|(end, _)| *end <= last);
        let changed: Vec<i64> =
            setting.signals.iter().map(|row| past.position(&row.of).map_or(i64::MAX, &dirt)).collect();
        for (quarter, (end, signals)) in (0..).zip(&mut self.quarters) {
            for (signal, kept) in signals.iter_mut().enumerate() {
                if changed.get(signal).is_some_and(|at| *at <= *end) {
                    *kept = recent(setting, past, (quarter, signal), (*end, *end));
                }
            }
        }
        loop {
            let Ok(quarter) = u32::try_from(self.quarters.len()) else { return };
            let Some(end) = setting.begins(quarter + 1) else { return };
            self.until = end;
            if end > last {
                return;
            }
            let all = 0..setting.signals.len();
            let signals = all.map(|signal| recent(setting, past, (quarter, signal), (end, end))).collect();
            self.quarters.push((end, signals));
        }
    }
}

/// Readings of a signal in the quarters that are judged together.
fn recent(
    setting: &Setting<'_>,
    past: &Past<'_>,
    (quarter, signal): (u32, usize),
    when: (i64, i64),
) -> Vec<SignalReading> {
    let Some(row) = setting.signals.get(signal) else { return Vec::new() };
    let first = (quarter + 1).saturating_sub(setting.evidence.fit_quarters);
    let mut readings = past.signal_readings(setting, signal, &row.of, when);
    readings.retain(|r| (first..=quarter).contains(&r.seen.quarter));
    readings
}

fn look(setting: &Setting<'_>, past: &Past<'_>, quarter: u32, as_of: i64, known: i64) -> Look {
    let all = 0..setting.signals.len();
    let readings = all.flat_map(|signal| recent(setting, past, (quarter, signal), (as_of, known)));
    judged(setting, quarter, readings.collect())
}

fn judged(setting: &Setting<'_>, quarter: u32, readings: Vec<SignalReading>) -> Look {
    let back = setting.evidence.fit_quarters;
    let readings = setting.clustered(readings);
    let seen: Vec<Seen> = readings.iter().map(|r| r.seen).collect();
    Look { fit: fit(&setting.model, &seen, quarter, back).map(|(p, ..)| p), readings }
}

fn flag(core: &Core<'_>, look: &Look, floor: f64, (low, begins, end): (i64, i64, i64)) -> Shift {
    let mut evidence: Vec<u64> = look.readings.iter().flat_map(|r| r.seqs.iter().copied()).collect();
    evidence.sort_unstable();
    evidence.dedup();
    let points =
        |of: &str| core.measure(of).map(|(eval, _)| eval.series.points.as_slice()).unwrap_or_default();
    // First releases only: a restated one stays as it is.
    let provisional = look.readings.iter().all(|r| provisional(r.period.0, r.period.1, points(&r.of)));

    Shift {
        id: format!("shift.{ROW}.{}", date(begins)),
        indicator: ROW.to_owned(),
        detector: DETECTOR.to_owned(),
        kind: "fit".to_owned(),
        direction: Trend::Down,
        known_at: rfc3339_micros(end),
        onset: Onset { at: date(begins), low: date(low), high: date(end) },
        size: None,
        sigmas: None,
        statistic: look.fit,
        threshold: Some(floor),
        provisional,
        late: false,
        evidence,
    }
}
