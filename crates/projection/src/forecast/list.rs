//! The list of questions: what is open, how likely, against what.

use bellwether_model::question::{Question, Questions};
use bellwether_model::{View, parse_moment};
use chrono::{DateTime, Days, Utc};
use serde::{Deserialize, Serialize};

use super::answer::{Outcome, answer, threshold};
use super::chance::chance;
use super::ledger::{Entry, Filed, Ledger};
use super::model::{Model, Moment};
use super::reading::Readings;
use crate::assessment::Trend;
use crate::fold::Projector;
use crate::state::time::rfc3339;
use crate::state::words;

/// Days over which a trend is read, and the change of probability that counts as one.
const TREND_DAYS: u64 = 90;
const FLAT: f64 = 0.03;

/// How a question stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// In the configuration and not yet in the log.
    Unfiled,
    /// Asked.
    Open,
    /// The period is over, the figure not yet known.
    Waiting,
    /// Answered.
    Resolved,
    /// Answered before it was filed: never in the headline.
    Backcast,
}

/// One row of `forecast list`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForecastRow {
    /// Question.
    pub id: String,
    /// Hash of its text.
    pub version: String,
    /// Question in words.
    pub title: String,
    /// What it is about.
    pub about: String,
    /// When the answer is yes.
    pub rule: String,
    /// How it stands.
    pub standing: Standing,
    /// When it was filed, RFC 3339; `null` when it is not.
    pub filed_at: Option<String>,
    /// Last day of what is asked about.
    pub horizon: String,
    /// Last day for an answer.
    pub settle: String,
    /// Number that the reading is compared with.
    pub threshold: Option<f64>,
    /// Probability of a yes; `null` when nothing can be said.
    pub probability: Option<f64>,
    /// The same in words.
    pub words: Option<String>,
    /// Probability 90 days before.
    pub before: Option<f64>,
    /// Which way it went since.
    pub trend: Trend,
    /// Frequency in the series' own past.
    pub climatology: Option<f64>,
    /// 1 when the newest figure would answer yes, else 0.
    pub persistence: Option<f64>,
    /// Newest comparable figure.
    pub last: Option<f64>,
    /// Middle of what is expected.
    pub median: Option<f64>,
    /// Four fifths of what is expected lie between this …
    pub low: Option<f64>,
    /// … and this.
    pub high: Option<f64>,
    /// Forecasts in the log.
    pub recorded: usize,
    /// Answer.
    pub outcome: Option<Outcome>,
    /// When the answer could first be known, RFC 3339.
    pub known_at: Option<String>,
    /// Figure that answers.
    pub value: Option<f64>,
    /// Facts behind the answer.
    pub evidence: Vec<u64>,
    /// Says when it was filed under another version of the framework than the one that answers; else `null`.
    #[serde(default)]
    pub framework_note: Option<String>,
}

impl Ledger {
    /// The questions as they stood before `at`, with what could be known then: those of the log, and those of the
    /// configuration that are not in it. Answered ones only with `all`. Nearest horizon first, then by id.
    pub fn list(
        &self,
        questions: &Questions,
        projector: &Projector,
        model: &dyn Model,
        at: DateTime<Utc>,
        all: bool,
    ) -> Vec<ForecastRow> {
        let readings = Readings::new(projector, &View::at(at));
        let framework = &projector.framework().id;
        let hash = projector.framework().hash(&projector.index.types);
        let ready = |q: &Question| q.framework == *framework;
        let earlier = at.checked_sub_days(Days::new(TREND_DAYS)).unwrap_or(at);
        let moments =
            [(at, model.at(projector, &View::at(at))), (earlier, model.at(projector, &View::at(earlier)))];
        let mut rows = Vec::new();
        for entry in self.entries().filter(|e| e.recorded_at < at && ready(&e.filed.question)) {
            let row = row(&readings, &moments, &entry.filed, Some(entry));
            let framework_note = entry.other_framework(&hash, at).map(str::to_owned);
            rows.push(ForecastRow { framework_note, ..row });
        }
        for question in questions.filed.iter().filter(|q| ready(q) && q.filed <= at.date_naive()) {
            let version = question.version();
            if self.entries().any(|e| e.recorded_at < at && e.filed.version == version) {
                continue;
            }
            let threshold = threshold(&readings, question, at);
            let filed = Filed {
                version,
                filed_at: String::new(),
                threshold: threshold.unwrap_or(f64::NAN),
                question: question.clone(),
                framework_hash: None,
            };
            rows.push(row(&readings, &moments, &filed, None));
        }
        rows.retain(|r| all || r.outcome.is_none());
        rows.sort_by(|a, b| (&a.horizon, &a.id, &a.filed_at).cmp(&(&b.horizon, &b.id, &b.filed_at)));
        rows
    }
}

fn row(
    readings: &Readings<'_>,
    [now, earlier]: &[(DateTime<Utc>, Box<dyn Moment + '_>); 2],
    filed: &Filed,
    entry: Option<&Entry>,
) -> ForecastRow {
    let at = now.0;
    let (question, bound) = (&filed.question, filed.threshold);
    let end = question.rule.end();
    let told = entry.and_then(|e| e.resolved.as_ref()).filter(|(recorded, _)| *recorded < at);
    let found = match told {
        Some((_, r)) => parse_moment(&r.known_at).ok().map(|at| (r.outcome, at, r.value, r.evidence.clone())),
        None if bound.is_nan() => None,
        None => answer(readings, question, bound, at).map(|a| (a.outcome, a.known_at, a.value, a.evidence)),
    };
    let early = entry.is_some_and(|e| found.as_ref().is_some_and(|f| f.1 <= e.recorded_at));
    let standing = match (&found, entry) {
        (Some(_), _) if early => Standing::Backcast,
        (Some(_), _) => Standing::Resolved,
        (None, None) => Standing::Unfiled,
        (None, Some(_)) if at >= end => Standing::Waiting,
        (None, Some(_)) => Standing::Open,
    };
    let said = |(moment, model): &(DateTime<Utc>, Box<dyn Moment + '_>)| {
        (found.is_none() && !bound.is_nan() && at < end)
            .then(|| chance(readings, &**model, question, bound, *moment))
            .flatten()
    };
    let (now, before) = (said(now), said(earlier).map(|c| c.probability));
    let trend = match now.as_ref().map(|c| c.probability).zip(before) {
        None => Trend::Unknown,
        Some((now, before)) if now > before + FLAT => Trend::Up,
        Some((now, before)) if now < before - FLAT => Trend::Down,
        Some(_) => Trend::Flat,
    };
    let band = now.as_ref().and_then(|c| c.band());
    ForecastRow {
        id: question.id.clone(),
        version: filed.version.clone(),
        title: question.title.clone(),
        about: question.about.clone(),
        rule: question.rule.to_string(),
        standing,
        filed_at: entry.map(|e| rfc3339(e.recorded_at)),
        horizon: end.checked_sub_days(Days::new(1)).unwrap_or(end).date_naive().to_string(),
        settle: question.settle.to_string(),
        threshold: Some(bound).filter(|b| !b.is_nan()),
        probability: now.as_ref().map(|c| c.probability),
        words: now.as_ref().map(|c| words(c.probability).to_owned()),
        before,
        trend,
        climatology: now.as_ref().and_then(|c| c.past()),
        persistence: now.as_ref().map(|c| c.persistence),
        last: now.as_ref().map(|c| c.last),
        median: band.map(|[_, median, _]| median),
        low: band.map(|[low, ..]| low),
        high: band.map(|[.., high]| high),
        recorded: entry.map_or(0, |e| e.forecasts.iter().filter(|(recorded, _)| *recorded < at).count()),
        outcome: found.as_ref().map(|f| f.0),
        known_at: found.as_ref().map(|f| rfc3339(f.1)),
        value: found.as_ref().and_then(|f| f.2),
        evidence: found.map(|f| f.3).unwrap_or_default(),
        framework_note: None,
    }
}
