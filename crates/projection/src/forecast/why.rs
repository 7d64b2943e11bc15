//! Why a question has its probability or its answer.

use bellwether_model::View;
use bellwether_model::framework::Sign;
use bellwether_model::question::{Question, Questions};
use chrono::{DateTime, Utc};

use super::answer::{answer, threshold};
use super::chance::chance;
use super::ledger::{Entry, Ledger};
use super::model::Model;
use super::reading::Readings;
use crate::fold::Projector;
use crate::state::time::rfc3339;
use crate::why::{Explanation, FactRef, FactRole, Figure, InputLine};

impl Ledger {
    /// Explains a question as it stood before `at`: the newest version on record, else that of the configuration, which
    /// anybody may still change; `None` for another id.
    ///
    /// Facts are those that answer it (`value`), else those of the figures that the forecast went out from (`input`).
    pub fn why(
        &self,
        questions: &Questions,
        projector: &Projector,
        model: &dyn Model,
        id: &str,
        at: DateTime<Utc>,
    ) -> Option<Explanation> {
        let readings = Readings::new(projector, &View::at(at));
        let framework = &projector.framework().id;
        let own = |q: &Question| q.id == id && q.framework == *framework;
        let entry = self.entries().filter(|e| own(&e.filed.question) && e.recorded_at < at).last();
        let (question, bound) = match entry {
            Some(entry) => (&entry.filed.question, Some(entry.filed.threshold)),
            None => {
                let question = questions.filed.iter().find(|q| own(q))?;
                (question, threshold(&readings, question, at))
            }
        };
        let version = entry.map_or_else(|| question.version(), |e| e.filed.version.clone());
        let filed = entry
            .map_or("not yet: `bellwether forecast record` files it".to_owned(), |e| rfc3339(e.recorded_at));
        let unit = readings.measure(&question.about).map_or("probability", |(_, m)| m.unit.as_str());
        let mut figures = vec![
            shown("version", version),
            shown("filed", filed),
            shown(
                "ends",
                question.rule.end().date_naive().pred_opt().map_or(String::new(), |d| d.to_string()),
            ),
            shown("settles", question.settle),
            Figure { name: "compared with".to_owned(), value: bound.map(|b| b.to_string()) },
        ];
        let hash = projector.framework().hash(&projector.index.types);
        figures.extend(entry.and_then(|e| e.other_framework(&hash, at)).map(|note| shown("framework", note)));
        let mut facts = Vec::new();
        let mut cite = |seqs: &[u64], role: FactRole| {
            facts.extend(seqs.iter().map(|seq| FactRef { seq: *seq, role }));
        };
        if let Some((outcome, known_at, value, seqs, reason)) =
            answered(&readings, (question, bound), entry, at)
        {
            figures.push(shown("answer", outcome));
            figures.push(shown("known", known_at));
            figures.push(Figure { name: "figure".to_owned(), value: value.map(|v| v.to_string()) });
            figures.push(shown("because", reason));
            cite(&seqs, FactRole::Value);
        } else {
            let moment = model.at(projector, &View::at(at));
            let said = bound.filter(|_| at < question.rule.end());
            let said = said.and_then(|bound| chance(&readings, &*moment, question, bound, at));
            if let Some(said) = &said {
                let band = said.band();
                let quantile = |pick: fn([f64; 3]) -> f64| band.map(|b| pick(b).to_string());
                figures.extend([
                    shown("probability", said.probability),
                    shown("model", &said.model),
                    Figure { name: "climatology".to_owned(), value: said.past().map(|p| p.to_string()) },
                    shown("persistence", said.persistence),
                    shown("newest figure", said.last),
                    Figure { name: "10 %".to_owned(), value: quantile(|[low, ..]| low) },
                    Figure { name: "50 %".to_owned(), value: quantile(|[_, middle, _]| middle) },
                    Figure { name: "90 %".to_owned(), value: quantile(|[.., high]| high) },
                ]);
            }
            let mut seqs: Vec<u64> =
                readings.history(question, at).into_iter().flat_map(|f| f.seqs).collect();
            seqs.sort_unstable();
            seqs.dedup();
            cite(&seqs, FactRole::Input);
        }
        let recorded = entry.into_iter().flat_map(|e| &e.forecasts).filter(|(recorded, _)| *recorded < at);
        figures.push(shown("forecasts on record", recorded.clone().count()));
        // The newest dozen; the log has them all.
        let newest: Vec<_> = recorded.collect();
        for (recorded, forecast) in newest.iter().skip(newest.len().saturating_sub(12)) {
            let day = recorded.date_naive();
            figures.push(shown(&format!("said {day}"), forecast.chance.probability));
        }
        Some(Explanation {
            id: question.id.clone(),
            kind: "question".to_owned(),
            title: question.title.clone(),
            meaning: match entry {
                Some(_) => {
                    "A forecast question as it was filed; what is on record is not changed afterwards."
                }
                None => "A forecast question of the configuration, not yet on record.",
            }
            .to_owned(),
            formula: question.rule.to_string(),
            unit: unit.to_owned(),
            reason: question.reason.clone(),
            figures,
            inputs: vec![InputLine {
                of: question.about.clone(),
                weight: 1.0,
                sign: if question.rule.comparison.upward() { Sign::Plus } else { Sign::Minus },
                points: None,
                reason: "the row that answers".to_owned(),
            }],
            reports: Vec::new(),
            facts,
        })
    }
}

type Answered = (String, String, Option<f64>, Vec<u64>, String);

fn answered(
    readings: &Readings<'_>,
    (question, bound): (&Question, Option<f64>),
    entry: Option<&Entry>,
    at: DateTime<Utc>,
) -> Option<Answered> {
    let word = |outcome: super::Outcome| match outcome {
        super::Outcome::True => "true".to_owned(),
        super::Outcome::False => "false".to_owned(),
        super::Outcome::Void => "void".to_owned(),
    };
    if let Some((_, r)) = entry.and_then(|e| e.resolved.as_ref()).filter(|(recorded, _)| *recorded < at) {
        return Some((word(r.outcome), r.known_at.clone(), r.value, r.evidence.clone(), r.reason.clone()));
    }
    let found = answer(readings, question, bound?, at)?;
    Some((word(found.outcome), rfc3339(found.known_at), found.value, found.evidence, found.reason))
}

fn shown(name: &str, value: impl ToString) -> Figure {
    Figure { name: name.to_owned(), value: Some(value.to_string()) }
}
