//! Scores beside those of the references, of the same forecasts.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::score::{SkillInterval, skill_interval};

/// Successive quarters that are drawn together by the bootstrap: a year of news.
pub(super) const BLOCK: usize = 4;

/// A mean score with those of the references; less is better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Of the forecasts.
    pub value: f64,
    /// Of the series' own past.
    pub climatology: f64,
    /// Of no change.
    pub persistence: f64,
    /// Of the same model with the scenarios' prior, carried forward by the transition alone, in the place of their posterior;
    /// `null` where nobody asked it.
    pub prior: Option<f64>,
    /// 1 − score over that of the climatology, with its interval.
    pub skill_climatology: Option<SkillInterval>,
    /// 1 − score over that of no change, with its interval.
    pub skill_persistence: Option<SkillInterval>,
    /// 1 − score over that on the prior: what the posterior adds, with its interval.
    pub skill_prior: Option<SkillInterval>,
}

/// One score of one forecast with those of the references.
pub(super) struct Row {
    /// Quarter of the forecast, counted from year 0.
    pub(super) quarter: i32,
    pub(super) weight: f64,
    pub(super) own: f64,
    pub(super) past: f64,
    pub(super) same: f64,
    pub(super) prior: Option<f64>,
}

impl Row {
    fn on_prior(&self) -> f64 {
        self.prior.unwrap_or_default()
    }
}

/// Means and skills; the bootstrap draws from the quarters that have forecasts.
pub(super) fn summed(rows: &[Row]) -> Option<Score> {
    summed_over(rows, rows.iter().map(|r| r.quarter).collect())
}

/// The same, drawing from all quarters of a range, whether or not something was scored in them: a block is as long in
/// time wherever it lies.
pub(super) fn summed_in(rows: &[Row], quarters: RangeInclusive<i32>) -> Option<Score> {
    summed_over(rows, quarters.collect())
}

fn summed_over(rows: &[Row], quarters: BTreeSet<i32>) -> Option<Score> {
    let total: f64 = rows.iter().map(|r| r.weight).sum();
    if total <= 0.0 {
        return None;
    }
    let mean = |of: fn(&Row) -> f64| rows.iter().map(|r| r.weight * of(r)).sum::<f64>() / total;
    let against = |of: fn(&Row) -> f64| skill_interval(&grouped(rows, &quarters, of), BLOCK);
    let on_prior = rows.iter().all(|r| r.prior.is_some());
    Some(Score {
        value: mean(|r| r.own),
        climatology: mean(|r| r.past),
        persistence: mean(|r| r.same),
        prior: on_prior.then(|| mean(Row::on_prior)),
        skill_climatology: against(|r| r.past),
        skill_persistence: against(|r| r.same),
        skill_prior: on_prior.then(|| against(Row::on_prior)).flatten(),
    })
}

/// Pairs of weighted scores by quarter, in time order.
pub(super) fn grouped(
    rows: &[Row],
    quarters: &BTreeSet<i32>,
    of: impl Fn(&Row) -> f64,
) -> Vec<Vec<(f64, f64)>> {
    let mut groups: BTreeMap<i32, Vec<(f64, f64)>> = quarters.iter().map(|q| (*q, Vec::new())).collect();
    for row in rows {
        groups.entry(row.quarter).or_default().push((row.weight * row.own, row.weight * of(row)));
    }
    groups.into_values().collect()
}
