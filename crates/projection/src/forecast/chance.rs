//! The probability of a yes, and what it must beat.

use bellwether_model::question::{Quantity, Question};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::distribution::Distribution;
use super::model::{Asked, Moment};
use super::reading::Readings;
use super::reference::{climatology, frequency};

/// Never nearer to certainty than this.
const SURE: f64 = 0.01;
/// Levels at which a distribution is kept: 5 % to 95 %.
const LEVELS: u32 = 19;

/// What is expected of a question at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chance {
    /// Probability of a yes, 0.01 to 0.99.
    pub probability: f64,
    /// Frequency in the series' own past, as known then; `null` where the past is too short to have one.
    pub climatology: Option<f64>,
    /// 1 when the newest figure would answer yes, else 0.
    pub persistence: f64,
    /// Newest comparable figure.
    pub last: f64,
    /// Quantiles of the expected figure at 5 %, 10 %, … 95 %.
    pub quantiles: Vec<f64>,
    /// The same of the climatology; empty when the past is too short.
    pub climatology_quantiles: Vec<f64>,
    /// Model.
    pub model: String,
}

impl Chance {
    /// Frequency in the past, if there was one: older records hold one half where there was none.
    pub(super) fn past(&self) -> Option<f64> {
        self.climatology.filter(|_| self.quantiles.is_empty() || !self.climatology_quantiles.is_empty())
    }

    /// The middle and the ends between which four fifths lie.
    pub fn band(&self) -> Option<[f64; 3]> {
        let at = |n: usize| self.quantiles.get(n).copied();
        Some([at(1)?, at(9)?, at(17)?])
    }
}

/// Levels of the quantiles that a [`Chance`] keeps.
pub(super) fn levels() -> impl Iterator<Item = f64> {
    (1..=LEVELS).map(|n| f64::from(n) / f64::from(LEVELS + 1))
}

/// What could be said before `at`; `None` without a comparable figure or where the model cannot say.
pub(super) fn chance(
    readings: &Readings<'_>,
    model: &dyn Moment,
    question: &Question,
    bound: f64,
    at: DateTime<Utc>,
) -> Option<Chance> {
    if question.rule.of == Quantity::Probability {
        return of_scenario(model, question, bound);
    }
    let (_, measure) = readings.measure(&question.about)?;
    let figures = readings.history(question, at);
    let history: Vec<(DateTime<Utc>, f64)> =
        figures.iter().filter_map(|f| Some((DateTime::from_timestamp_micros(f.end)?, f.value))).collect();
    let last = history.last()?.1;
    let so_far = measure.formula.windowed().then(|| readings.figures(question, at));
    let so_far = so_far.and_then(|f| f.last().map(|f| f.value));
    let (rule, end) = (&question.rule, question.rule.end());
    let asked = Asked { question, measure, bound, at, end, history: &history, so_far };
    let expected = model.expect(&asked)?;
    let past = climatology(measure, &history, rule);
    let quantiles = |d: &Distribution| levels().filter_map(|level| d.quantile(level)).collect();
    Some(Chance {
        probability: expected.probability.clamp(SURE, 1.0 - SURE),
        climatology: frequency(past.as_ref(), rule, bound),
        persistence: f64::from(u8::from(rule.comparison.holds(last, bound))),
        last,
        quantiles: quantiles(&expected.distribution),
        model: expected.model.to_owned(),
        climatology_quantiles: past.as_ref().map(quantiles).unwrap_or_default(),
    })
}

/// Whether the assessment will give a scenario so much: the share of the worlds ahead in which it does. Assessments of
/// past days as they were known then cost one each, so there is no climatology.
fn of_scenario(model: &dyn Moment, question: &Question, bound: f64) -> Option<Chance> {
    let rule = &question.rule;
    let (now, worlds) = model.scenario(&question.about, rule.end())?;
    let ahead = Distribution::ensemble(worlds)?;
    Some(Chance {
        probability: ahead.probability(rule.comparison, bound).clamp(SURE, 1.0 - SURE),
        climatology: None,
        persistence: f64::from(u8::from(rule.comparison.holds(now, bound))),
        last: now,
        quantiles: levels().filter_map(|level| ahead.quantile(level)).collect(),
        climatology_quantiles: Vec::new(),
        model: "filter-ahead/1".to_owned(),
    })
}
