//! What a forecast must beat: the series' own past, and no change.

use bellwether_model::framework::{Kind, Measure};
use bellwether_model::question::{Rule, When};
use chrono::{DateTime, Utc};

use super::distribution::Distribution;

/// Climatology: the newest figure moved by every change that the series has shown over as long a time, within a fifth;
/// for a question about any reading up to a day, by the greatest (or least) change on the way.
///
/// Levels above zero move by ratios, all else by differences; counts and shares do not fall below zero. `None` when the
/// past is too short to have shown one.
pub(super) fn climatology(
    measure: &Measure,
    history: &[(DateTime<Utc>, f64)],
    rule: &Rule,
) -> Option<Distribution> {
    let end = rule.end();
    let (from, last) = *history.last()?;
    let ahead = (end - from).num_days();
    let slack = (ahead / 5).max(25);
    let ratio = measure.kind == Kind::Level && history.iter().all(|(_, v)| *v > 0.0);
    let moved = |then: f64, now: f64| match (ratio, measure.kind) {
        (true, _) => last * now / then,
        (_, Kind::Level) => last + now - then,
        _ => (last + now - then).max(0.0),
    };
    let (any, up) = (matches!(rule.when, When::By(_)), rule.comparison.upward());
    let changes = history.iter().enumerate().flat_map(|(at, (start, then))| {
        let later = history.iter().skip(at + 1).map(|(later, now)| ((*later - *start).num_days(), *now));
        let reached: Vec<(i64, f64)> = later.take_while(|(apart, _)| *apart <= ahead + slack).collect();
        let arrived = reached.iter().filter(|(apart, _)| (apart - ahead).abs() <= slack);
        let values: Vec<f64> = if any {
            let furthest = reached.iter().map(|(_, now)| *now);
            let furthest = furthest.max_by(|a, b| if up { a.total_cmp(b) } else { b.total_cmp(a) });
            furthest.filter(|_| arrived.clone().next().is_some()).into_iter().collect()
        } else {
            arrived.map(|(_, now)| *now).collect()
        };
        values.into_iter().map(|now| moved(*then, now)).collect::<Vec<f64>>()
    });
    Distribution::ensemble(changes)
}

/// Frequency with which that past would have answered yes, half a yes and half a no added: never sure. `None` without a
/// past.
pub(super) fn frequency(past: Option<&Distribution>, rule: &Rule, bound: f64) -> Option<f64> {
    let Some(Distribution::Weighted(values)) = past else { return None };
    let yes = values.iter().filter(|(x, _)| rule.comparison.holds(*x, bound)).count();
    Some((yes as f64 + 0.5) / (values.len() as f64 + 1.0))
}
