//! Why a number is what it is, with the facts themselves.

use std::borrow::Cow;

use bellwether_model::{Basis, Decimal, Fact, Grade, Period, Problem, Record, Stamp, View};
use bellwether_projection::forecast::{Ledger, Simulated};
use bellwether_projection::{Explanation, FactRole, Projector};
use bellwether_store::{Error, EventLog};
use serde::{Deserialize, Serialize};

use crate::forecasts::follow;
use crate::near;

/// An explanation with its facts read from the log.
pub type Explained = Explanation<JoinedFact>;

/// A fact behind a number, with its source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JoinedFact {
    /// Sequence in the log.
    pub seq: u64,
    /// Part it plays.
    pub role: FactRole,
    /// Fact type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Natural key.
    pub key: String,
    /// When it was so.
    pub valid: Period,
    /// Exact value.
    pub value: Option<Decimal>,
    /// Its unit.
    pub unit: Option<String>,
    /// Admiralty grade.
    pub grade: Grade,
    /// Publication, stated or assumed.
    pub published_at: Option<Stamp>,
    /// Where that comes from.
    pub published_basis: Basis,
    /// Published so long after its time that it tells nothing of the first release.
    pub late_copy: bool,
    /// Who published it, or signed.
    pub publisher: Option<String>,
    /// Address of the source.
    pub uri: Option<String>,
    /// Remark.
    pub note: Option<String>,
}

impl JoinedFact {
    fn new(seq: u64, role: FactRole, fact: &Fact, late_copy_days: i64) -> Self {
        Self {
            seq,
            role,
            kind: fact.kind.clone(),
            key: fact.key.clone(),
            valid: fact.valid,
            value: fact.value,
            unit: fact.unit.clone(),
            grade: fact.grade,
            published_at: fact.published_at,
            published_basis: fact.published_basis,
            late_copy: fact.publication_lag_days().is_some_and(|days| days > late_copy_days),
            publisher: fact
                .attribute("publisher")
                .or_else(|| fact.attribute("operator"))
                .map(Cow::into_owned),
            uri: fact.evidence.uri.clone(),
            note: fact.note.clone().or_else(|| fact.attribute("basis").map(Cow::into_owned)),
        }
    }
}

/// Explains the row of that id in a view, with its facts; else what is wrong with the id and which are near.
///
/// # Errors
/// As [`EventLog::get`].
pub fn explain(
    projector: &Projector,
    log: &dyn EventLog,
    id: &str,
    view: &View,
) -> Result<Result<Explained, Problem>, Error> {
    let found = match projector.why(id, view) {
        None => on_record(projector, log, id, view)?,
        found => found,
    };
    let Some(explained) = found else {
        let known = ids(projector, view);
        let remedy = near::remedy(id, known.iter().map(String::as_str), "`bellwether replay` shows all ids");
        return Ok(Err(Problem::new(format!("no row {id} in this view"), remedy)));
    };
    let late = projector.framework().rules.late_copy_days;
    let mut facts = Vec::with_capacity(explained.facts.len());
    for link in &explained.facts {
        if let Some(fact) = log.get(link.seq)?.as_ref().and_then(Record::fact) {
            facts.push(JoinedFact::new(link.seq, link.role, fact, late));
        }
    }
    let Explanation { id, kind, title, meaning, formula, unit, reason, figures, inputs, reports, .. } =
        explained;
    Ok(Ok(Explanation { id, kind, title, meaning, formula, unit, reason, figures, inputs, reports, facts }))
}

/// A forecast question of that id, as the log has it.
fn on_record(
    projector: &Projector,
    log: &dyn EventLog,
    id: &str,
    view: &View,
) -> Result<Option<Explanation>, Error> {
    let mut ledger = Ledger::default();
    follow(log, &mut ledger)?;
    Ok(ledger.why(projector, &Simulated::default(), id, view.known_by))
}

/// Every id that `why` may answer in a view.
fn ids(projector: &Projector, view: &View) -> Vec<String> {
    let assessment = projector.assess(view);
    let framework = projector.framework();
    let expectations = framework.domains.iter().flat_map(|d| &d.expectations).map(|e| e.id.clone());
    let own = framework.ids().into_iter().map(str::to_owned);
    own.chain(framework.domains.iter().map(|d| d.id.clone()))
        .chain(framework.measures.iter().map(|m| m.id.clone()))
        .chain(expectations)
        .chain(assessment.shifts.into_iter().map(|s| s.id))
        .chain(assessment.divergences.into_iter().map(|d| d.id))
        .collect()
}
