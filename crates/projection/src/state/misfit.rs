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
pub(crate) fn misfits(core: &Core<'_>, past: &Past<'_>, changes: &mut Changes) {
    let Some(setting) = Setting::new(core.framework) else { return };
    let floor = setting.evidence.fit_floor;
    let ends = (0..).map_while(|q| setting.begins(q + 1)).take_while(|end| *end <= past.last());
    let looks: Vec<(i64, Look)> =
        ends.zip(0..).map(|(end, q)| (end, look(&setting, past, q, end, end))).collect();
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

fn look(setting: &Setting<'_>, past: &Past<'_>, quarter: u32, as_of: i64, known: i64) -> Look {
    let back = setting.evidence.fit_quarters;
    let first = (quarter + 1).saturating_sub(back);
    let mut readings: Vec<SignalReading> = Vec::new();
    for (signal, row) in setting.signals.iter().enumerate() {
        readings.extend(past.signal_readings(setting, signal, &row.of, (as_of, known)));
    }
    readings.retain(|r| (first..=quarter).contains(&r.seen.quarter));
    let seen: Vec<Seen> = readings.iter().map(|r| r.seen).collect();
    Look { fit: fit(&setting.model, &seen, quarter, back).map(|(p, _)| p), readings }
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
