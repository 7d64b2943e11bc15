//! How good the forecasts were: the headline from the record alone, backcasts apart.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::question::{Question, Questions};
use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};

use super::answer::Outcome;
use super::backcast::replay;
use super::chance::{Chance, levels};
use super::ledger::{Entry, Ledger};
use super::model::Model;
use super::paired::{Row, Score, summed};
use super::score::{
    Reliability, Weighted, brier_score, crps_quantile, log_score_clipped, reliability_weighted, sharpness,
};
use super::states::Prequential;
use crate::fold::Projector;
use crate::state::time::rfc3339;

/// Bands of a reliability table.
const BANDS: usize = 10;

/// What heads each section.
const HEADLINE: &str = "on record: filed in the log before the answer could be known";
const IN_SAMPLE: &str = "in-sample: questions written today about the past, by a model and a framework that were made \
                         with that past in view; no evidence of skill ahead";

/// Scores of `forecast score`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Only forecasts that the log took before the answer could be known.
    pub headline: Section,
    /// Questions about the past, asked without hindsight; absent unless asked for.
    pub backcasts: Option<Section>,
    /// What the scenario probabilities said of signals not yet read; absent unless asked for.
    pub scenarios: Option<Prequential>,
}

/// What is scored beside the headline: in-sample, both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// Questions about the past.
    pub backcasts: bool,
    /// The scenario probabilities, by the signals that they expect.
    pub scenarios: bool,
}

/// Scores of one kind of questions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// What the numbers are worth.
    pub heading: String,
    /// Models, by name.
    pub models: Vec<String>,
    /// All forecasts; `null` when there are none.
    pub all: Option<Table>,
    /// By what is asked about, or by template.
    pub groups: Vec<Table>,
    /// By months from the forecast to the end of what is asked about: to 3, 6, 12, more.
    pub leads: Vec<Table>,
    /// Each answered question.
    pub questions: Vec<QuestionScore>,
}

/// Scores of some forecasts. Each question weighs the same, however often it was forecast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// What it is of.
    pub name: String,
    /// Questions.
    pub questions: usize,
    /// Those of them whose past is too short for a climatology: left out of the skill against it.
    pub without_past: usize,
    /// Forecasts.
    pub forecasts: usize,
    /// Share of the questions that came true.
    pub came_true: f64,
    /// Brier score, 0 to 1.
    pub brier: Score,
    /// Logarithmic score, probabilities clipped to 1 % and 99 %.
    pub log: Score,
    /// Continuous ranked probability score of the answering figures, where all are known; over several measures in units
    /// of the climatology's.
    pub crps: Option<Score>,
    /// Reliability table.
    pub reliability: Option<Reliability>,
    /// How far from one half the probabilities are, 0 to 1.
    pub sharpness: Option<f64>,
}

/// Score of one question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuestionScore {
    /// Question.
    pub id: String,
    /// Answer.
    pub outcome: Outcome,
    /// When it could be known, RFC 3339.
    pub known_at: String,
    /// Number that the figure was compared with.
    pub threshold: f64,
    /// Figure that answered.
    pub value: Option<f64>,
    /// Forecasts that count.
    pub forecasts: usize,
    /// First and last probability.
    pub first: Option<f64>,
    /// Last probability.
    pub last: Option<f64>,
    /// Mean Brier score; `null` when void or without forecasts.
    pub brier: Option<f64>,
}

/// One forecast.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) at: DateTime<Utc>,
    pub(super) chance: Chance,
    /// The same without what the signals say of the scenarios, where it was asked for.
    pub(super) on_prior: Option<Chance>,
}

/// One answered question with the forecasts that count.
#[derive(Clone, Debug)]
pub(super) struct Scored {
    pub(super) id: String,
    pub(super) group: String,
    pub(super) threshold: f64,
    pub(super) end: DateTime<Utc>,
    pub(super) known_at: DateTime<Utc>,
    pub(super) outcome: Outcome,
    pub(super) value: Option<f64>,
    pub(super) said: Vec<Said>,
}

impl Ledger {
    /// Scores forecasts made in `[from, to)` of the questions answered before `to`.
    ///
    /// The headline is of what the log took before the answer could be known, question and forecast alike. With
    /// `backcasts`, the templates' questions and those of the configuration that were answered before they were filed are
    /// asked at each beginning of a quarter, without hindsight, and once more of the model on the scenarios' prior. With
    /// `scenarios`, what the scenarios say of the next reading of each signal is scored at the same moments.
    pub fn score(
        &self,
        questions: &Questions,
        projector: &Projector,
        model: &dyn Model,
        (from, to): (DateTime<Utc>, DateTime<Utc>),
        beside: Beside,
    ) -> Report {
        let framework = &projector.framework().id;
        let own = |q: &&Question| q.framework == *framework;
        let record: Vec<Scored> = self
            .entries()
            .filter(|e| own(&&e.filed.question))
            .filter_map(|e| on_record(e, (from, to)))
            .collect();
        let headline = section(HEADLINE, &record);
        let backcasts = beside.backcasts.then(|| {
            let late = |e: &&Entry| {
                e.resolved
                    .as_ref()
                    .is_some_and(|(_, r)| known(&r.known_at).is_some_and(|at| at <= e.recorded_at))
            };
            let asked: Vec<&Question> = questions
                .backcasts
                .iter()
                .chain(self.entries().filter(late).map(|e| &e.filed.question))
                .filter(own)
                .collect();
            let scored = replay(projector, model, &asked, (from, to));
            section(IN_SAMPLE, &scored)
        });
        let scenarios = beside.scenarios.then(|| super::states::score(projector, (from, to))).flatten();
        Report { headline, backcasts, scenarios }
    }
}

/// What of an entry counts: taken by the log before the answer could be known and before the period was over.
fn on_record(entry: &Entry, (from, to): (DateTime<Utc>, DateTime<Utc>)) -> Option<Scored> {
    let (_, resolved) = entry.resolved.as_ref().filter(|(at, _)| *at < to)?;
    let known_at = known(&resolved.known_at)?;
    if entry.recorded_at >= known_at {
        return None;
    }
    let question = &entry.filed.question;
    let until = question.rule.end().min(known_at).min(to);
    let said = entry
        .forecasts
        .iter()
        .filter(|(at, _)| from <= *at && *at < until)
        .map(|(at, f)| Said { at: *at, chance: f.chance.clone(), on_prior: None })
        .collect();
    Some(Scored {
        id: question.id.clone(),
        group: question.about.clone(),
        threshold: entry.filed.threshold,
        end: question.rule.end(),
        known_at,
        outcome: resolved.outcome,
        value: resolved.value,
        said,
    })
}

fn known(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc))
}

fn section(heading: &str, scored: &[Scored]) -> Section {
    let said = scored.iter().flat_map(|one| &one.said);
    let models: BTreeSet<String> = said.map(|s| s.chance.model.clone()).collect();
    let all: Vec<&Scored> = scored.iter().collect();
    let mut groups: BTreeMap<&str, Vec<&Scored>> = BTreeMap::new();
    for one in scored {
        groups.entry(&one.group).or_default().push(one);
    }
    // Figures of several measures are compared in units of what the climatology misses them by.
    let units: BTreeMap<&str, f64> = groups
        .iter()
        .filter_map(|(name, of)| Some((*name, crps(of, |_, _| true, |_| 1.0)?.climatology?)))
        .filter(|(_, unit)| *unit > 0.0)
        .collect();
    let unit = |one: &Scored| units.get(one.group.as_str()).copied().unwrap_or(f64::NAN);
    let months = |one: &Scored, said: &Said| (one.end - said.at).num_days() as f64 / 30.4;
    let leads: [(&str, f64, f64); 4] = [
        ("to 3 months", 0.0, 3.5),
        ("to 6 months", 3.5, 6.5),
        ("to 12 months", 6.5, 12.5),
        ("longer", 12.5, f64::INFINITY),
    ];
    Section {
        heading: heading.to_owned(),
        models: models.into_iter().collect(),
        all: table("all", &all, |_, _| true, unit),
        groups: groups.iter().filter_map(|(name, of)| table(name, of, |_, _| true, |_| 1.0)).collect(),
        leads: leads
            .iter()
            .filter_map(|(name, low, high)| {
                table(name, &all, |one, said| (*low..*high).contains(&months(one, said)), unit)
            })
            .collect(),
        questions: scored.iter().map(question_score).collect(),
    }
}

fn question_score(one: &Scored) -> QuestionScore {
    let n = one.said.len();
    let brier = one.outcome.scored().filter(|_| n > 0).map(|outcome| {
        one.said.iter().map(|s| brier_score(s.chance.probability, outcome)).sum::<f64>() / n as f64
    });
    QuestionScore {
        id: one.id.clone(),
        outcome: one.outcome,
        known_at: rfc3339(one.known_at),
        threshold: one.threshold,
        value: one.value,
        forecasts: n,
        first: one.said.first().map(|s| s.chance.probability),
        last: one.said.last().map(|s| s.chance.probability),
        brier,
    }
}

/// Score of a forecast, of the past where there is one, and of no change.
type Beside3 = (f64, Option<f64>, f64);

/// Rows of the forecasts that `takes`, each question weighing one in all.
fn rows(
    of: &[&Scored],
    takes: impl Fn(&Scored, &Said) -> bool,
    score: impl Fn(&Scored, bool, &Chance) -> Option<Beside3>,
) -> Vec<Row> {
    let on_prior = |one: &Scored, outcome: bool, said: &Said| {
        score(one, outcome, said.on_prior.as_ref()?).map(|(own, ..)| own)
    };
    let mut out = Vec::new();
    for (question, one) in of.iter().enumerate() {
        let Some(outcome) = one.outcome.scored() else { continue };
        let said: Vec<(&Said, Beside3, Option<f64>)> = one
            .said
            .iter()
            .filter(|s| takes(one, s))
            .filter_map(|s| Some((s, score(one, outcome, &s.chance)?, on_prior(one, outcome, s))))
            .collect();
        let weight = 1.0 / said.len().max(1) as f64;
        out.extend(said.into_iter().map(|(s, (own, past, same), prior)| Row {
            question,
            quarter: s.at.year() * 4 + s.at.month0().cast_signed() / 3,
            weight,
            own,
            past,
            same,
            prior,
        }));
    }
    out
}

fn crps(
    of: &[&Scored],
    takes: impl Fn(&Scored, &Said) -> bool,
    unit: impl Fn(&Scored) -> f64,
) -> Option<Score> {
    let pairs = |quantiles: &[f64]| -> Vec<(f64, f64)> { quantiles.iter().copied().zip(levels()).collect() };
    let rows = rows(of, takes, |one, _, chance| {
        let (y, unit) = (one.value?, unit(one));
        let own = crps_quantile(y, &pairs(&chance.quantiles))?;
        let past = crps_quantile(y, &pairs(&chance.climatology_quantiles)).map(|past| past / unit);
        let (own, same) = (own / unit, (y - chance.last).abs() / unit);
        (own.is_finite() && same.is_finite()).then_some((own, past.filter(|p| p.is_finite()), same))
    });
    summed(&rows)
}

fn table(
    name: &str,
    of: &[&Scored],
    takes: impl Fn(&Scored, &Said) -> bool,
    unit: impl Fn(&Scored) -> f64,
) -> Option<Table> {
    let by = |score: fn(f64, bool) -> f64| {
        rows(of, &takes, |_, outcome, c| {
            let by = |p: f64| score(p, outcome);
            Some((by(c.probability), c.past().map(by), by(c.persistence)))
        })
    };
    let brier = by(brier_score);
    // As in the scores: a forecast weighs its part of its question.
    let taken = |one: &Scored| one.said.iter().filter(|s| takes(one, s)).count();
    let said: Vec<Weighted> = of
        .iter()
        .filter_map(|one| Some((one, one.outcome.scored()?, 1.0 / taken(one).max(1) as f64)))
        .flat_map(|(one, outcome, weight)| {
            let takes = &takes;
            let said = one.said.iter().filter(move |s| takes(one, s));
            said.map(move |s| Weighted { probability: s.chance.probability, outcome, weight })
        })
        .collect();
    let asked = || of.iter().filter(|one| one.outcome.scored().is_some() && taken(one) > 0);
    let outcomes: Vec<bool> = asked().filter_map(|one| one.outcome.scored()).collect();
    let past = |one: &Scored| one.said.iter().any(|s| takes(one, s) && s.chance.past().is_some());
    let crps = crps(of, &takes, unit);
    Some(Table {
        name: name.to_owned(),
        questions: outcomes.len(),
        without_past: asked().filter(|one| !past(one)).count(),
        forecasts: said.len(),
        came_true: outcomes.iter().filter(|o| **o).count() as f64 / outcomes.len().max(1) as f64,
        brier: summed(&brier)?,
        log: summed(&by(log_score_clipped))?,
        crps,
        reliability: reliability_weighted(&said, BANDS),
        sharpness: sharpness(&said),
    })
}
