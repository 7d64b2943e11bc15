//! What an operator does about a held record.

use bellwether_model::{FactTypes, Problem};
use bellwether_store::{Append, EventLog};
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::file::How;
use super::{Entry, FileQuarantine, Raw};
use crate::decoder::Shape;
use crate::pipeline::{Judge, Outcome};
use crate::report::Facts;
use crate::settle::Terms;
use crate::snapshot;
use crate::{FeedSpec, IngestError};

/// What became of a held record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Resolved {
    /// It is in the log, and out of quarantine.
    Stored {
        /// New and known facts that it made.
        facts: Facts,
        /// Highest sequence of the log afterwards.
        head: u64,
    },
    /// The feed now leaves it out; it is out of quarantine.
    Skipped,
    /// It stays, for this reason.
    Held {
        /// What is wrong now, and what to do.
        reason: String,
    },
}

/// Runs a held record through the feed and the fact types as they are now.
///
/// Errors: an unknown id, another feed's file, and those of the log and of the quarantine.
pub fn retry(
    quarantine: &mut FileQuarantine,
    id: &str,
    log: &dyn EventLog,
    types: &FactTypes,
    feed: &FeedSpec,
    now: DateTime<Utc>,
) -> Result<Resolved, IngestError> {
    let entry = quarantine.show(id)?;
    let terms = Terms { types, published_at: entry.published_at, now, vouched: false };
    resolve(quarantine, &entry, log, feed, &terms, How::Retried, "")
}

/// Stores a record in spite of the plausibility limit or hold rule that stands against it, or a list in spite of its
/// `shrink` limit, on `operator`'s word for `reason`.
///
/// Errors: an entry held for anything else: what cannot be decoded or is no fact cannot be vouched for.
#[expect(clippy::too_many_arguments, reason = "an operator's act: each is stated by the command line")]
pub fn release(
    quarantine: &mut FileQuarantine,
    id: &str,
    log: &dyn EventLog,
    types: &FactTypes,
    feed: &FeedSpec,
    operator: &str,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Resolved, IngestError> {
    let entry = quarantine.show(id)?;
    if !entry.cause.may_be_released() {
        return Err(IngestError::Refused(
            Problem::new(
                "only what is implausible or suspect, or a list past its limit, can be released",
                "correct the record or the feed file and retry, or drop the entry",
            )
            .at(&entry.file, usize::try_from(entry.line).unwrap_or(0))
            .field("id")
            .text(&entry.reason)
            .into(),
        ));
    }
    required("operator", operator)?;
    required("reason", reason)?;
    let terms = Terms { types, published_at: entry.published_at, now, vouched: true };
    resolve(quarantine, &entry, log, feed, &terms, How::Released, &format!("{operator}: {reason}"))
}

/// Gives a held record up, for a reason that its tombstone keeps.
///
/// Errors: an unknown id, a blank reason, and those of the quarantine.
pub fn drop_entry(
    quarantine: &mut FileQuarantine,
    id: &str,
    operator: &str,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Entry, IngestError> {
    let entry = quarantine.show(id)?;
    required("operator", operator)?;
    required("reason", reason)?;
    quarantine.resolve(id, How::Dropped, &format!("{operator}: {reason}"), now)?;
    Ok(entry)
}

fn required(field: &str, text: &str) -> Result<(), IngestError> {
    if text.trim().is_empty() {
        return Err(IngestError::Refused(
            Problem::new("is blank", format!("give the {field}")).field(field).into(),
        ));
    }
    Ok(())
}

fn resolve(
    quarantine: &mut FileQuarantine,
    entry: &Entry,
    log: &dyn EventLog,
    feed: &FeedSpec,
    terms: &Terms<'_>,
    how: How,
    reason: &str,
) -> Result<Resolved, IngestError> {
    if entry.feed != feed.name {
        return Err(IngestError::Refused(
            Problem::new(format!("the entry belongs to the feed {}", entry.feed), "give that feed's file")
                .field("feed")
                .text(&feed.name)
                .into(),
        ));
    }
    if let (Some(snapshot), Raw::Whole { .. }) = (&feed.snapshot, &entry.raw) {
        let whole = quarantine.whole(entry)?;
        let resolved =
            snapshot::resume_whole(log, terms.types, feed, snapshot, &entry.file, whole, terms, quarantine)?;
        return done(quarantine, entry, resolved, terms, how, reason);
    }
    let raw = entry.raw.bytes().map_err(|p| IngestError::Refused(p.into()))?;
    let held = |problem: Problem| Ok(Resolved::Held { reason: problem.to_string() });
    let shape = match Shape::of(&feed.decoder, entry.header.as_deref()) {
        Ok(shape) => shape,
        Err(problem) => return held(problem),
    };
    if let Some(snapshot) = &feed.snapshot {
        let place = snapshot::Place { file: &entry.file, line: entry.line, raw: &raw, shape: &shape };
        let resolved = snapshot::resume_entry(log, terms.types, feed, snapshot, &place, terms)?;
        return done(quarantine, entry, resolved, terms, how, reason);
    }
    let mut judge = match Judge::new(feed, &shape) {
        Ok(judge) => judge,
        Err(problem) => return held(problem),
    };
    let mut facts = Vec::new();
    match judge.judge(&entry.file, entry.line, &raw, terms, &mut facts) {
        Outcome::Held(problem, _) => held(problem),
        Outcome::Skipped => {
            quarantine.resolve(&entry.id, how, "skipped by a rule of the feed", terms.now)?;
            Ok(Resolved::Skipped)
        }
        Outcome::Mapped => {
            // First the log, then the tombstone: a crash in between makes the next retry find a duplicate.
            let receipt = log.append(Append::facts(facts))?;
            quarantine.resolve(&entry.id, how, reason, terms.now)?;
            let facts = Facts { stored: receipt.stored, duplicate: receipt.duplicate };
            Ok(Resolved::Stored { facts, head: receipt.head })
        }
    }
}

/// Leaves the tombstone of an entry of a list that is no longer held; the log has it first.
fn done(
    quarantine: &mut FileQuarantine,
    entry: &Entry,
    resolved: Resolved,
    terms: &Terms<'_>,
    how: How,
    reason: &str,
) -> Result<Resolved, IngestError> {
    match &resolved {
        Resolved::Stored { .. } => quarantine.resolve(&entry.id, how, reason, terms.now)?,
        Resolved::Skipped => {
            quarantine.resolve(&entry.id, how, "skipped by a rule of the feed", terms.now)?;
        }
        Resolved::Held { .. } => {}
    }
    Ok(resolved)
}
