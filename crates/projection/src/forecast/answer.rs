//! When and how a question is answered.

use bellwether_model::question::{Quantity, Question, Rule, Threshold, Vintage, Void, When};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::reading::{Figure, Readings};

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The rule holds.
    True,
    /// It does not.
    False,
    /// It cannot be told, or the question says that it does not count.
    Void,
}

impl Outcome {
    /// What a score takes; nothing when void.
    pub fn scored(self) -> Option<bool> {
        match self {
            Outcome::True => Some(true),
            Outcome::False => Some(false),
            Outcome::Void => None,
        }
    }
}

/// What answers a question.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    /// First moment at which it could be known.
    pub(super) known_at: DateTime<Utc>,
    pub(super) value: Option<f64>,
    pub(super) evidence: Vec<u64>,
    pub(super) reason: String,
}

/// The number that the answering figure is compared with, fixed by what is known before `at`.
pub(super) fn threshold(readings: &Readings<'_>, question: &Question, at: DateTime<Utc>) -> Option<f64> {
    match question.rule.threshold {
        Threshold::Fixed(bound) => Some(bound),
        Threshold::Last(factor) => readings.history(question, at).last().map(|f| f.value * factor),
    }
}

/// The answer, with everything known before `now`; `None` while it is open. What has been known once answers at the
/// moment at which it was first known, whatever was published later, unless the question says `latest`.
pub(super) fn answer(
    readings: &Readings<'_>,
    question: &Question,
    bound: f64,
    now: DateTime<Utc>,
) -> Option<Answer> {
    if question.rule.of == Quantity::Probability {
        return of_scenario(readings, question, bound, now);
    }
    let settled = question.settles_at();
    let (rule, end) = (&question.rule, question.rule.end());
    let early = question.vintage == Vintage::First;
    if early {
        let from = question.from.map(|_| question.counts_from());
        let mut moments = readings.moments(question, now.min(settled));
        moments.extend(from.iter().map(|at| at.timestamp_micros()));
        moments.insert(end.timestamp_micros());
        for at in moments.into_iter().filter_map(DateTime::from_timestamp_micros) {
            if at >= now || at >= settled || from.is_some_and(|from| at < from) {
                continue;
            }
            let figures = readings.figures(question, after(at));
            if let Some(found) = decided(rule, bound, &figures, end, at) {
                return Some(told(question, found, at));
            }
        }
    }
    if now <= settled {
        return None;
    }
    // The settling day: what is reported is what it is, and what is still not known makes the question void.
    let figures = readings.figures(question, after(settled));
    let void = |reason: &str| Answer {
        outcome: Outcome::Void,
        known_at: settled,
        value: None,
        evidence: figures.last().map(|f| f.seqs.clone()).unwrap_or_default(),
        reason: reason.to_owned(),
    };
    let Some(last) = figures.last() else {
        return Some(void("no reading known by the settling day"));
    };
    let holds = |f: &&Figure| rule.comparison.holds(f.value, bound);
    let exact = |f: &&Figure| !f.floor || rule.of == Quantity::Reported;
    let found = match rule.when {
        When::By(_) => figures.iter().filter(exact).find(holds).or(figures.iter().rfind(exact)),
        _ => Some(last).filter(exact),
    };
    let found = found.map(|f| first_release(readings, question, f, settled).unwrap_or_else(|| f.clone()));
    match found {
        Some(f) => Some(told(question, (rule.comparison.holds(f.value, bound), f), settled)),
        None if rule.comparison.upward() == rule.comparison.holds(last.value, bound) => {
            Some(told(question, (rule.comparison.holds(last.value, bound), last.clone()), settled))
        }
        None => Some(void("only a floor is known, and it decides nothing")),
    }
}

/// What the figures known at `at` decide, if they decide.
fn decided(
    rule: &Rule,
    bound: f64,
    figures: &[Figure],
    end: DateTime<Utc>,
    at: DateTime<Utc>,
) -> Option<(bool, Figure)> {
    let over = |f: &&Figure| {
        // A count only grows: what it has passed, it has passed.
        let (passes, up) = (rule.comparison.holds(f.value, bound), rule.comparison.upward());
        f.floor && passes == up
    };
    if let Some(f) = figures.iter().find(over) {
        return Some((rule.comparison.upward(), f.clone()));
    }
    let exact = |f: &&Figure| !f.floor && (at >= end || f.end < end.timestamp_micros());
    match rule.when {
        When::By(_) => {
            let f = figures.iter().filter(exact).find(|f| rule.comparison.holds(f.value, bound))?;
            Some((true, f.clone()))
        }
        // A reading of the day itself: no newer one can come.
        When::At(_) | When::In { .. } => {
            let f = figures.iter().rfind(|f| exact(f) && f.end == end.timestamp_micros())?;
            Some((rule.comparison.holds(f.value, bound), f.clone()))
        }
    }
}

/// The value of the same period when it was first known.
fn first_release(
    readings: &Readings<'_>,
    question: &Question,
    figure: &Figure,
    until: DateTime<Utc>,
) -> Option<Figure> {
    if question.vintage != Vintage::First || question.rule.of == Quantity::Reported {
        return None;
    }
    let moments = readings.moments(question, until);
    moments.into_iter().filter_map(DateTime::from_timestamp_micros).find_map(|at| {
        let then = readings.figures(question, after(at));
        then.into_iter().find(|f| (f.start, f.end) == (figure.start, figure.end) && !f.floor)
    })
}

fn told(question: &Question, (holds, figure): (bool, Figure), at: DateTime<Utc>) -> Answer {
    let conflict = figure.conflict && question.void.contains(&Void::Conflict);
    let (outcome, reason) = match (conflict, holds) {
        (true, _) => (Outcome::Void, "rival accounts of the answering figure differ"),
        (_, true) => (Outcome::True, "the rule holds"),
        (_, false) => (Outcome::False, "the rule does not hold"),
    };
    let (value, evidence) = (Some(figure.value), figure.seqs);
    Answer { outcome, known_at: at, value, evidence, reason: reason.to_owned() }
}

/// A scenario's probability is what the assessment of the day says, once the day is over.
fn of_scenario(
    readings: &Readings<'_>,
    question: &Question,
    bound: f64,
    now: DateTime<Utc>,
) -> Option<Answer> {
    let end = question.rule.end();
    if now <= end {
        return None;
    }
    let assessed = readings.assess(end);
    let state = assessed.scenarios.iter().find(|s| s.id == question.about)?;
    let holds = question.rule.comparison.holds(state.probability, bound);
    let moved: Vec<&str> = state.moved_by.iter().map(|m| m.indicator.as_str()).collect();
    let mut evidence: Vec<u64> = assessed
        .indicators
        .iter()
        .chain(&assessed.measures)
        .filter(|row| moved.contains(&row.id.as_str()))
        .flat_map(|row| row.evidence.iter().copied())
        .collect();
    evidence.sort_unstable();
    evidence.dedup();
    Some(Answer {
        outcome: if holds { Outcome::True } else { Outcome::False },
        known_at: end,
        value: Some(state.probability),
        evidence,
        reason: "as assessed at the end of the day".to_owned(),
    })
}

/// The bound of knowledge that takes in a moment.
fn after(at: DateTime<Utc>) -> DateTime<Utc> {
    at.checked_add_signed(TimeDelta::microseconds(1)).unwrap_or(at)
}
