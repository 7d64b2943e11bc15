//! Single facts by hand, signed with the operator's name.

use bellwether_model::{
    Attributes, Basis, Body, Decimal, Evidence, Fact, FactTypes, Grade, Op, Period, Problem, Problems, Stamp,
};
use bellwether_store::{Append, EventLog, Receipt};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};

use crate::IngestError;
use crate::mapping::{Draft, text};
use crate::settle::{Terms, is_future, settle};

/// `source` of facts put in by hand.
const SOURCE: &str = "by-hand";

/// A fact as an operator states it.
#[derive(Clone, Debug)]
pub struct NewFact {
    /// Fact type.
    pub kind: String,
    /// Natural key; the same key again makes a vintage.
    pub key: String,
    /// When it was so.
    pub valid: Period,
    /// When it was published; without it, it is known only since it was recorded.
    pub published_at: Option<Stamp>,
    /// Who, to whom.
    pub actors: Vec<String>,
    /// Exact decimal in `unit`.
    pub value: Option<Decimal>,
    /// Unit of the fact type.
    pub unit: Option<String>,
    /// Admiralty grade.
    pub grade: Grade,
    /// Further particulars.
    pub attributes: Attributes,
    /// Address of the source.
    pub uri: Option<String>,
    /// Remark.
    pub note: Option<String>,
}

/// Stores one fact, with the attribute `operator`.
///
/// Errors: [`IngestError::Refused`] with the field and the remedy when the fact does not fit its type.
pub fn fact_add(
    log: &dyn EventLog,
    types: &FactTypes,
    new: NewFact,
    operator: &str,
    now: DateTime<Utc>,
) -> Result<Receipt, IngestError> {
    let mut attributes = new.attributes;
    sign(&mut attributes, operator)?;
    let fact = Fact {
        id: uuid::Uuid::nil(),
        op: Op::Assert,
        kind: new.kind,
        source: SOURCE.to_owned(),
        key: new.key,
        valid: new.valid,
        published_at: new.published_at,
        published_basis: if new.published_at.is_some() { Basis::Stated } else { Basis::Recorded },
        actors: new.actors,
        value: new.value.map(|v| if v.is_zero() { Decimal::ZERO } else { v }),
        unit: new.unit,
        grade: new.grade,
        attributes,
        evidence: Evidence { uri: new.uri, ..Evidence::default() },
        note: new.note,
    };
    store(log, types, fact, now)
}

/// Withdraws what `key` says, with the attributes `reason`, `operator` and `retracts` (the id withdrawn).
///
/// The withdrawal takes type, source, valid time and actors from the latest fact under the key. It is known
/// since it is recorded, unless the source published it at `published_at`.
///
/// Errors: [`IngestError::Refused`] when nothing is said under the key, when several sources say something
/// under the key and `source` picks none, and when it is already withdrawn.
pub fn retract(
    log: &dyn EventLog,
    key: &str,
    source: Option<&str>,
    reason: &str,
    operator: &str,
    published_at: Option<Stamp>,
    now: DateTime<Utc>,
) -> Result<Receipt, IngestError> {
    if reason.trim().is_empty() {
        return Err(refuse("reason", "a withdrawal needs a reason", "say why: --reason TEXT", ""));
    }
    let latest = latest(log, key, source)?;
    if latest.op == Op::Retract {
        return Err(refuse("key", "already withdrawn", "nothing is left to retract under it", key));
    }
    if published_at.is_some_and(|at| is_future(at, now)) {
        return Err(refuse(
            "published_at",
            "published more than a day in the future",
            "correct the date",
            "",
        ));
    }
    let mut attributes = Attributes::new();
    sign(&mut attributes, operator)?;
    attributes.insert("reason".to_owned(), reason.trim().into());
    attributes.insert("retracts".to_owned(), latest.id.to_string().into());
    let mut fact = Fact {
        op: Op::Retract,
        published_at,
        published_basis: if published_at.is_some() { Basis::Stated } else { Basis::Recorded },
        value: None,
        unit: None,
        attributes,
        evidence: Evidence::default(),
        note: None,
        ..latest
    };
    fact.seal();
    Ok(log.append(Append::facts(vec![fact]))?)
}

/// The last fact recorded under a key.
fn latest(log: &dyn EventLog, key: &str, source: Option<&str>) -> Result<Fact, IngestError> {
    let mut found = log.find_key(key)?;
    found.retain(|(name, seqs)| !seqs.is_empty() && source.is_none_or(|s| s == name));
    let seq = match found.as_slice() {
        [] => return Err(refuse("key", "nothing is said under the key", "see `events` for the keys", key)),
        [(_, seqs)] => seqs.last().copied().unwrap_or_default(),
        several => {
            let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
            let remedy = format!("name the source: {}", names.join(" or "));
            return Err(refuse("key", "several sources say something under the key", &remedy, key));
        }
    };
    match log.get(seq)?.map(|record| record.body) {
        Some(Body::Fact(fact)) => Ok(fact),
        _ => {
            Err(IngestError::Internal(format!("the key index points to sequence {seq}, which holds no fact")))
        }
    }
}

/// An ordinal judgement about an indicator.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// Indicator of the framework.
    pub indicator: String,
    /// Step on its scale.
    pub value: Decimal,
    /// Why.
    pub basis: String,
    /// Admiralty grade.
    pub grade: Grade,
    /// Who judges.
    pub operator: String,
    /// Day judged.
    pub as_of: NaiveDate,
    /// Parties judged, in order.
    pub actors: Vec<String>,
}

/// Stores a judgement: type `judgement`, unit `ordinal`, key `judgement|INDICATOR|OPERATOR|DAY`.
///
/// It is stated at `now`, so a later one on the same day supersedes it, even with an earlier value again.
///
/// Errors: [`IngestError::Refused`] when a field is blank or the value does not fit the type.
pub fn judge(
    log: &dyn EventLog,
    types: &FactTypes,
    judgement: Judgement,
    now: DateTime<Utc>,
) -> Result<Receipt, IngestError> {
    let Judgement { indicator, value, basis, grade, operator, as_of, actors } = judgement;
    let mut attributes = Attributes::new();
    sign(&mut attributes, &operator)?;
    for (field, text) in [("indicator", &indicator), ("basis", &basis)] {
        if text.trim().is_empty() {
            return Err(refuse(field, "is blank", &format!("give the {field}"), ""));
        }
        attributes.insert(field.to_owned(), text.trim().into());
    }
    let start = as_of.and_time(NaiveTime::MIN).and_utc();
    let end = start.checked_add_days(Days::new(1)).unwrap_or(start);
    let fact = Fact {
        id: uuid::Uuid::nil(),
        op: Op::Assert,
        kind: "judgement".to_owned(),
        source: SOURCE.to_owned(),
        key: format!("judgement|{}|{}|{}", indicator.trim(), operator.trim(), as_of.format("%Y-%m-%d")),
        valid: Period::range(start, end).map_err(|p| IngestError::Refused(p.into()))?,
        published_at: Some(Stamp::Instant(now)),
        published_basis: Basis::Stated,
        actors,
        value: Some(if value.is_zero() { Decimal::ZERO } else { value }),
        unit: Some("ordinal".to_owned()),
        grade,
        attributes,
        evidence: Evidence::default(),
        note: None,
    };
    store(log, types, fact, now)
}

fn sign(attributes: &mut Attributes, operator: &str) -> Result<(), IngestError> {
    if operator.trim().is_empty() {
        return Err(refuse("operator", "is blank", "a fact by hand is signed: give the operator's name", ""));
    }
    attributes.insert("operator".to_owned(), operator.trim().into());
    Ok(())
}

fn store(
    log: &dyn EventLog,
    types: &FactTypes,
    fact: Fact,
    now: DateTime<Utc>,
) -> Result<Receipt, IngestError> {
    let refused = |p: Problem| IngestError::Refused(p.into());
    text::name("type", &fact.kind).and_then(|()| text::name("key", &fact.key)).map_err(refused)?;
    fact.actors.iter().try_for_each(|a| text::name("actors", a)).map_err(refused)?;
    let terms = Terms { types, published_at: None, now, vouched: false };
    let fact = settle(Draft { fact, may_assume: false }, &terms).map_err(|held| refused(held.problem))?;
    Ok(log.append(Append::facts(vec![fact]))?)
}

fn refuse(field: &str, message: &str, remedy: &str, text: &str) -> IngestError {
    IngestError::Refused(Problems::from(Problem::new(message, remedy).field(field).text(text)))
}
