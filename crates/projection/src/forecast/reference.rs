//! What a forecast must beat: the series' own past, and no change.

use bellwether_model::framework::{Kind, Measure};
use bellwether_model::question::Rule;
use chrono::{DateTime, Utc};

use super::distribution::Distribution;

/// Climatology: the newest figure moved by every change that the series has shown over as long a time, within a fifth.
///
/// Levels above zero move by ratios, all else by differences; counts and shares do not fall below zero. `None` when the
/// past is too short to have shown one.
pub(super) fn climatology(
    measure: &Measure,
    history: &[(DateTime<Utc>, f64)],
    end: DateTime<Utc>,
) -> Option<Distribution> {
    let (from, last) = *history.last()?;
    let ahead = (end - from).num_days();
    let slack = (ahead / 5).max(25);
    let ratio = measure.kind == Kind::Level && history.iter().all(|(_, v)| *v > 0.0);
    let changes = history.iter().enumerate().flat_map(|(at, (start, then))| {
        history.iter().skip(at + 1).filter_map(move |(later, now)| {
            let apart = (*later - *start).num_days();
            ((apart - ahead).abs() <= slack).then(|| {
                if ratio {
                    last * now / then
                } else {
                    let moved = last + now - then;
                    if measure.kind == Kind::Level { moved } else { moved.max(0.0) }
                }
            })
        })
    });
    Distribution::ensemble(changes)
}

/// Frequency with which that past would have answered yes, half a yes and half a no added: never sure.
pub(super) fn frequency(past: Option<&Distribution>, rule: &Rule, bound: f64) -> f64 {
    let Some(Distribution::Weighted(values)) = past else { return 0.5 };
    let yes = values.iter().filter(|(x, _)| rule.comparison.holds(*x, bound)).count();
    (yes as f64 + 0.5) / (values.len() as f64 + 1.0)
}
