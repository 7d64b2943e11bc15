//! From draft to fact: publication, plausibility, precision, id.

use bellwether_model::{Basis, Fact, FactTypes, Op, Problem, Stamp, Temporal};
use chrono::{DateTime, Duration, Utc};
use serde_json::Value;

use crate::mapping::{Draft, text};

/// What settling depends on beside the draft.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'t> {
    pub(crate) types: &'t FactTypes,
    /// Publication of records that state none.
    pub(crate) published_at: Option<Stamp>,
    pub(crate) now: DateTime<Utc>,
    /// Whether an operator vouches for the record: plausibility limits and hold rules do not apply.
    pub(crate) vouched: bool,
}

/// Why a draft is not taken.
pub(crate) struct Held {
    pub(crate) problem: Problem,
    /// Only a plausibility limit stands against it: an operator may release it.
    pub(crate) implausible: bool,
}

impl From<Problem> for Held {
    fn from(problem: Problem) -> Self {
        let implausible = is_plausibility(&problem);
        Self { problem, implausible }
    }
}

/// Whether a finding of [`FactTypes::check`] is about a plausibility limit, which it tests last.
fn is_plausibility(problem: &Problem) -> bool {
    problem.message.starts_with("implausible value")
}

/// Whether a publication lies more than a day ahead: zones and clocks explain a day, nothing explains more.
pub(crate) fn is_future(stated: Stamp, now: DateTime<Utc>) -> bool {
    stated.start() > now.checked_add_signed(Duration::days(1)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Most text in one fact, in bytes: longer documents are cited, not stored.
const MAX_TEXT: usize = 256 << 10;

/// Bytes of text in a fact.
fn weight(fact: &Fact) -> usize {
    fn of(value: &Value) -> usize {
        match value {
            Value::String(text) => text.len(),
            Value::Array(values) => values.iter().map(of).sum(),
            Value::Object(object) => object.iter().map(|(name, value)| name.len() + of(value)).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        }
    }
    let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    fact.key.len()
        + optional(&fact.note)
        + optional(&fact.evidence.uri)
        + optional(&fact.evidence.file)
        + fact.actors.iter().map(String::len).sum::<usize>()
        + fact.attributes.iter().map(|(name, value)| name.len() + of(value)).sum::<usize>()
}

/// Checks a draft, settles its publication and computes its id.
pub(crate) fn settle(draft: Draft, terms: &Terms<'_>) -> Result<Fact, Held> {
    let Draft { mut fact, may_assume } = draft;
    match terms.types.check(&fact) {
        Err(problem) if terms.vouched && is_plausibility(&problem) => {}
        other => other?,
    }
    if weight(&fact) > MAX_TEXT {
        return Err(Problem::new(
            format!("more than {MAX_TEXT} bytes of text in one fact"),
            "keep the particulars, cite the document by its address",
        )
        .field("record")
        .into());
    }
    if fact.published_at.is_none()
        && let Some(given) = terms.published_at
    {
        fact.published_at = Some(given);
        fact.published_basis = Basis::Stated;
    }
    if let Some(stated) = fact.published_at.filter(|_| fact.published_basis == Basis::Stated)
        && is_future(stated, terms.now)
    {
        return Err(Problem::new(
            "published more than a day in the future",
            "correct the date, or ingest it once it is published",
        )
        .field("published_at")
        .text(stated.to_string())
        .into());
    }
    // "Some time in May" must not be read as the first of May; a flow over May is what it says.
    let vague = fact.attributes.contains_key("date_precision");
    let dated = |temporal| matches!(temporal, Temporal::Instant | Temporal::State);
    if terms.types.get(&fact.kind).is_some_and(|kind| dated(kind.temporal)) {
        text::widen(&mut fact.valid, vague);
    }
    // A withdrawal is known when it is said; no rule of the type dates it.
    let may_assume = may_assume && fact.op == Op::Assert;
    terms.types.settle_publication(&mut fact, may_assume);
    fact.seal();
    Ok(fact)
}
