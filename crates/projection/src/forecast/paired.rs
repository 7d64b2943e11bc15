//! Scores beside those of the references, of the same forecasts.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::score::{SkillInterval, skill_interval};

/// Successive quarters that are drawn together by the bootstrap: a year of news.
pub(super) const BLOCK: usize = 4;

/// Fewest questions from which a skill gets an interval: forecasts of one question share its answer.
const LEAST_QUESTIONS: usize = 8;

/// A mean score with those of the references; less is better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Of the forecasts.
    pub value: f64,
    /// Of the series' own past, where there is one; `null` where there is none at all.
    pub climatology: Option<f64>,
    /// Of no change.
    pub persistence: f64,
    /// Of the same model with the scenarios' prior, carried forward by the transition alone, in the place of their posterior;
    /// `null` where nobody asked it.
    pub prior: Option<f64>,
    /// 1 − score over that of the climatology, with its interval; of the forecasts that have one.
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
    /// Which question it answers: forecasts of one are not independent.
    pub(super) question: usize,
    pub(super) weight: f64,
    pub(super) own: f64,
    pub(super) past: Option<f64>,
    pub(super) same: f64,
    pub(super) prior: Option<f64>,
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
    // Over the rows that have such a score.
    let mean = |of: fn(&Row) -> Option<f64>| {
        let with = || rows.iter().filter_map(|r| Some((r.weight, of(r)?)));
        let total: f64 = with().map(|(weight, _)| weight).sum();
        (total > 0.0).then(|| with().map(|(weight, score)| weight * score).sum::<f64>() / total)
    };
    let against = |of: fn(&Row) -> Option<f64>| {
        let found = skill_interval(&grouped(rows, &quarters, of), BLOCK)?;
        let with = rows.iter().filter(|r| of(r).is_some());
        let questions: BTreeSet<usize> = with.map(|r| r.question).collect();
        Some(SkillInterval {
            interval: found.interval.filter(|_| questions.len() >= LEAST_QUESTIONS),
            ..found
        })
    };
    let on_prior = rows.iter().all(|r| r.prior.is_some());
    Some(Score {
        value: mean(|r| Some(r.own))?,
        climatology: mean(|r| r.past),
        persistence: mean(|r| Some(r.same))?,
        prior: on_prior.then(|| mean(|r| r.prior)).flatten(),
        skill_climatology: against(|r| r.past),
        skill_persistence: against(|r| Some(r.same)),
        skill_prior: on_prior.then(|| against(|r| r.prior)).flatten(),
    })
}

/// Pairs of weighted scores by quarter, in time order; rows without a reference left out.
pub(super) fn grouped(
    rows: &[Row],
    quarters: &BTreeSet<i32>,
    of: impl Fn(&Row) -> Option<f64>,
) -> Vec<Vec<(f64, f64)>> {
    let mut groups: BTreeMap<i32, Vec<(f64, f64)>> = quarters.iter().map(|q| (*q, Vec::new())).collect();
    for (row, reference) in rows.iter().filter_map(|row| Some((row, of(row)?))) {
        groups.entry(row.quarter).or_default().push((row.weight * row.own, row.weight * reference));
    }
    groups.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(questions: usize) -> Vec<Row> {
        (0..24_usize)
            .map(|n| Row {
                quarter: i32::try_from(n / 2).unwrap(),
                question: n % questions,
                weight: 1.0,
                own: 0.1,
                past: (n > 3).then_some(0.2),
                same: 0.4,
                prior: None,
            })
            .collect()
    }

    #[test]
    fn an_interval_needs_eight_questions() {
        let interval = |questions| summed(&rows(questions)).unwrap().skill_persistence.unwrap().interval;
        assert!(interval(4).is_none() && interval(7).is_none() && interval(8).is_some());
    }

    #[test]
    fn skill_on_the_past_leaves_out_what_has_none() {
        let found = summed(&rows(12)).unwrap();
        assert_eq!(found.climatology.map(|c| (c * 1e9).round()), Some(2e8));
        assert!((found.skill_climatology.unwrap().value - 0.5).abs() < 1e-12);
        assert!((found.skill_persistence.unwrap().value - 0.75).abs() < 1e-12);
        let bare: Vec<Row> = rows(12).into_iter().map(|r| Row { past: None, ..r }).collect();
        let found = summed(&bare).unwrap();
        assert!(found.climatology.is_none() && found.skill_climatology.is_none());
    }
}
