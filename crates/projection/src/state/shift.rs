//! Shifts: changes of level, crossed bounds, expectations that stopped holding.

use bellwether_model::View;
use bellwether_model::framework::Limit;

use super::change::{self, Changes};
use super::core::Core;
use super::domain::expectation_states;
use super::expectation::Conditions;
use super::measure::MeasureEval;
use super::series::Point;
use super::time::{date, rfc3339_micros};
use crate::assessment::{Onset, Shift, Trend};
use crate::fold::Projector;

/// All shifts known in the view, oldest first, and those that a later statement took back.
///
/// `before` is the same view a year earlier.
pub(crate) fn shifts(projector: &Projector, view: &View, core: &Core<'_>, before: &Core<'_>) -> Changes {
    let mut changes = change::changes(projector, view, core);
    changes.standing.extend(breaches(core));
    changes.standing.extend(expectations(core, before));
    changes.standing.sort_by(|a, b| (&a.known_at, &a.id).cmp(&(&b.known_at, &b.id)));
    changes.withdrawn.sort_by(|a, b| (&a.withdrawn_at, &a.id).cmp(&(&b.withdrawn_at, &b.id)));
    changes
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
                late: false,
                provisional: onset.vintages <= 1 && std::ptr::eq(*onset, *history.last()?),
                evidence: onset.seqs.clone(),
            })
        })
        .collect()
}

/// Expectations that held a year ago, as far as was known then, and hold no longer.
fn expectations(core: &Core<'_>, before: &Core<'_>) -> Vec<Shift> {
    let (now, then) = (Conditions::new(core), Conditions::new(before));
    let mut out = Vec::new();
    for domain in &core.framework.domains {
        let past = expectation_states(domain, &then);
        for (row, was) in domain.expectations.iter().zip(&past) {
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
                late: false,
                evidence: newest.seqs.clone(),
            });
        }
    }
    out
}
