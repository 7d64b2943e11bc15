//! The record: system records `question`, `forecast` and `resolution` of the log, which nothing changes afterwards.
//!
//! The first record of a kind counts: a second text under one id is another version beside the first, a second forecast
//! of one day and a second resolution are passed over.

use std::collections::BTreeMap;

use bellwether_model::question::{Question, Questions};
use bellwether_model::{Body, Record, System, View};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::answer::{Answer, Outcome, answer, threshold};
use super::chance::{Chance, chance};
use super::model::Model;
use super::reading::Readings;
use crate::fold::Projector;
use crate::state::time::rfc3339;

/// `System::system` of a question as it was filed.
pub const QUESTION: &str = "question";
/// `System::system` of a probability.
pub const FORECAST: &str = "forecast";
/// `System::system` of an answer.
pub const RESOLUTION: &str = "resolution";

const OTHER_FRAMEWORK: &str = "filed under another version of the framework";

/// A question as it was filed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Filed {
    /// Hash of its text.
    pub version: String,
    /// When it was filed, RFC 3339.
    pub filed_at: String,
    /// Number that the reading is compared with, fixed at filing.
    pub threshold: f64,
    /// The question.
    pub question: Question,
    /// Hash of the framework at filing; `null` in older records.
    #[serde(default)]
    pub framework_hash: Option<String>,
}

/// A probability of one day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Version of the question.
    pub version: String,
    /// Moment, RFC 3339.
    pub at: String,
    /// What was said.
    #[serde(flatten)]
    pub chance: Chance,
    /// Hash of the framework.
    pub framework: String,
    /// Highest sequence that was known.
    pub head: u64,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resolved {
    /// Version of the question.
    pub version: String,
    /// Answer.
    pub outcome: Outcome,
    /// When it was found, RFC 3339.
    pub at: String,
    /// When it could first be known, RFC 3339.
    pub known_at: String,
    /// Figure that answers.
    pub value: Option<f64>,
    /// Facts behind it.
    pub evidence: Vec<u64>,
    /// Why.
    pub reason: String,
    /// Hash of the framework that answered; `null` in older records.
    #[serde(default)]
    pub framework_hash: Option<String>,
}

/// One version of one question with what the log holds about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// As filed.
    pub filed: Filed,
    /// When the log took the question: what counts against a file that states another day.
    pub recorded_at: DateTime<Utc>,
    /// Forecasts with the time at which the log took them, oldest first, one a day.
    pub forecasts: Vec<(DateTime<Utc>, Forecast)>,
    /// The answer, with the time at which the log took it.
    pub resolved: Option<(DateTime<Utc>, Resolved)>,
}

/// All questions that the log holds, by id and order of filing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    entries: BTreeMap<String, Vec<Entry>>,
    head: u64,
}

impl Entry {
    /// Says when a question was filed under another version of the framework than the one that answered it, or, while
    /// it is open at `at`, than `present`.
    pub(super) fn other_framework(&self, present: &str, at: DateTime<Utc>) -> Option<&'static str> {
        let answered = self.resolved.as_ref().filter(|(recorded, _)| *recorded < at);
        let by = match answered {
            Some((_, resolved)) => resolved.framework_hash.as_deref()?,
            None => present,
        };
        (self.filed.framework_hash.as_deref()? != by).then_some(OTHER_FRAMEWORK)
    }
}

impl Ledger {
    /// Takes one record; those at or below the head have been taken before, and all but the three kinds only move it.
    pub fn apply(&mut self, record: &Record) {
        if record.seq <= self.head {
            return;
        }
        self.head = record.seq;
        let Body::System(System { system, name, data }) = &record.body else { return };
        match system.as_str() {
            QUESTION => self.file(name, record, data),
            FORECAST => {
                let Some(forecast) = read::<Forecast>(data) else { return };
                let Some(entry) = self.entry(name, &forecast.version) else { return };
                let day = record.recorded_at.date_naive();
                if entry.resolved.is_none()
                    && entry.forecasts.last().is_none_or(|(at, _)| at.date_naive() < day)
                {
                    entry.forecasts.push((record.recorded_at, forecast));
                }
            }
            RESOLUTION => {
                let Some(resolved) = read::<Resolved>(data) else { return };
                if let Some(entry) = self.entry(name, &resolved.version)
                    && entry.resolved.is_none()
                {
                    entry.resolved = Some((record.recorded_at, resolved));
                }
            }
            _ => {}
        }
    }

    fn file(&mut self, name: &str, record: &Record, data: &serde_json::Value) {
        // The hash is that of the text, whatever the record says.
        let Some(filed) = read::<Filed>(data).filter(|f| f.question.version() == f.version) else { return };
        if filed.question.id != name || self.entry(name, &filed.version).is_some() {
            return;
        }
        let entry = Entry { filed, recorded_at: record.recorded_at, forecasts: Vec::new(), resolved: None };
        self.entries.entry(name.to_owned()).or_default().push(entry);
    }

    fn entry(&mut self, id: &str, version: &str) -> Option<&mut Entry> {
        self.entries.get_mut(id)?.iter_mut().find(|e| e.filed.version == version)
    }

    /// Highest sequence taken.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Every version of every question, by id, then in order of filing.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().flatten()
    }

    /// What is to be added to the log at `now`: questions not yet filed, answers that have arrived, and one forecast a
    /// UTC day for each question that is open. Asked again after it was added, it gives nothing more that day.
    ///
    /// `projector` must have taken everything that the log held at `now`; questions of another framework are left alone.
    pub fn due(
        &self,
        questions: &Questions,
        projector: &Projector,
        model: &dyn Model,
        now: DateTime<Utc>,
    ) -> Vec<System> {
        let readings = Readings::new(projector, &View::at(now));
        let mut moment = None;
        let framework = projector.framework();
        let hash = framework.hash(&projector.index.types);
        let mut out = Vec::new();
        let mut open: Vec<(Filed, bool)> = Vec::new();
        for entry in self.entries().filter(|e| e.resolved.is_none()) {
            let today = entry.forecasts.iter().any(|(at, _)| at.date_naive() >= now.date_naive());
            open.push((entry.filed.clone(), today));
        }
        for question in questions.filed.iter().filter(|q| q.filed <= now.date_naive()) {
            let version = question.version();
            if self
                .entries
                .get(&question.id)
                .is_some_and(|all| all.iter().any(|e| e.filed.version == version))
                || question.framework != framework.id
            {
                continue;
            }
            // Without a figure to compare with there is no question yet.
            let Some(threshold) = threshold(&readings, question, now) else { continue };
            let filed = Filed {
                version,
                filed_at: rfc3339(now),
                threshold,
                question: question.clone(),
                framework_hash: Some(hash.clone()),
            };
            out.push(record(QUESTION, &filed.question.id, &filed));
            open.push((filed, false));
        }
        let mut forecasts = Vec::new();
        for (filed, today) in open.iter().filter(|(f, _)| f.question.framework == framework.id) {
            let (question, version) = (&filed.question, filed.version.clone());
            if let Some(found) = answer(&readings, question, filed.threshold, now) {
                let Answer { outcome, known_at, value, evidence, reason } = found;
                let known_at = rfc3339(known_at);
                let (at, framework_hash) = (rfc3339(now), Some(hash.clone()));
                let resolved =
                    Resolved { version, outcome, at, known_at, value, evidence, reason, framework_hash };
                out.push(record(RESOLUTION, &question.id, &resolved));
            } else if !today
                && now < question.rule.end()
                && let moment = moment.get_or_insert_with(|| model.at(projector, &View::at(now)))
                && let Some(chance) = chance(&readings, &**moment, question, filed.threshold, now)
            {
                let (framework, head) = (hash.clone(), projector.head());
                let forecast = Forecast { version, at: rfc3339(now), chance, framework, head };
                forecasts.push(record(FORECAST, &question.id, &forecast));
            }
        }
        out.extend(forecasts);
        out
    }
}

fn record(system: &str, name: &str, data: &impl Serialize) -> System {
    let data = serde_json::to_value(data).unwrap_or_else(|_| json!({}));
    System { system: system.to_owned(), name: name.to_owned(), data }
}

fn read<T: serde::de::DeserializeOwned>(data: &serde_json::Value) -> Option<T> {
    T::deserialize(data).ok()
}
