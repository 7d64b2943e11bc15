//! A source that a connector found, taken whole or not at all.

use bellwether_model::FactTypes;
use bellwether_store::{Append, EventLog};
use chrono::{DateTime, Duration, Utc};

use crate::ingest::{Way, ingest_by};
use crate::{Cursor, FeedSpec, IngestError, Options, Quarantine, Report, Source};

/// Takes one source, whole or not at all.
///
/// It is read twice: once to judge it, storing nothing, then to append; a list ([`FeedSpec`]'s `[snapshot]`) is judged
/// as it is read, since it is read whole. A source that cannot be read, is empty, lacks
/// a column, ends in the middle of a record or holds no record that could be read is refused, and nothing of it is in
/// the log; a bad record among good ones goes to the quarantine as ever.
///
/// `options.cursor`, what the connector remembers from then on, is part of the last append. It is written even when
/// every fact was a duplicate, unless the log has just that cursor. A crash in between leaves the old one: the source
/// is found again, and what was stored of it is found as duplicate.
///
/// A publication that the transport states counts for records without one, unless the options give one.
///
/// Errors: [`IngestError::Source`] when it is refused (tell [`crate::Poll::refused`]); as [`crate::ingest`].
pub fn take(
    log: &dyn EventLog,
    types: &FactTypes,
    feed: &FeedSpec,
    source: &Source,
    quarantine: &mut dyn Quarantine,
    options: &Options,
) -> Result<Report, IngestError> {
    let options = Options { published_at: options.published_at.or(source.published_at), ..options.clone() };
    // One list is read whole before any of it is stored, and judged on the way.
    if feed.snapshot.is_none() || feed.unpack.is_some() {
        let judging = Options { dry_run: true, ..options.clone() };
        ingest_by(log, types, feed, source.input()?, quarantine, &judging, Way::Judging)?;
    }
    ingest_by(log, types, feed, source.input()?, quarantine, &options, Way::Taking)
}

/// What the connector of `feed` remembers, as the log has it; `null` before its first source.
///
/// Errors: [`IngestError::Store`].
pub fn cursor(log: &dyn EventLog, feed: &str) -> Result<Cursor, IngestError> {
    let checkpoint = log.checkpoint(feed)?;
    Ok(checkpoint.and_then(|mut data| data.get_mut(CURSOR).map(Cursor::take)).unwrap_or_default())
}

/// Field of a checkpoint that holds the cursor.
pub(crate) const CURSOR: &str = "cursor";

/// Since when the content that a cursor stands for has not changed.
pub fn changed_at(cursor: &Cursor) -> Option<DateTime<Utc>> {
    instant(cursor, "changed_at")
}

/// When the source last answered, changed or not.
pub fn fetched_at(cursor: &Cursor) -> Option<DateTime<Utc>> {
    instant(cursor, "fetched_at")
}

fn instant(cursor: &Cursor, field: &str) -> Option<DateTime<Utc>> {
    cursor.get(field)?.as_str()?.parse().ok()
}

/// Writes the cursor of a poll that found nothing, at most once a day: answers without news must not fill the log,
/// and a daemon that starts anew should not ask for a month of them again. True when it was written.
///
/// Errors: [`IngestError::Store`].
pub fn remember(log: &dyn EventLog, feed: &str, new: &Cursor) -> Result<bool, IngestError> {
    let checkpoint = log.checkpoint(feed)?;
    let old = checkpoint.as_ref().and_then(|data| data.get(CURSOR)).unwrap_or(&Cursor::Null);
    let young = match (fetched_at(old), fetched_at(new)) {
        (Some(old), Some(new)) => new - old < Duration::days(1),
        _ => false,
    };
    if young || old == new || new.is_null() {
        return Ok(false);
    }
    let mut data =
        checkpoint.clone().filter(serde_json::Value::is_object).unwrap_or_else(|| serde_json::json!({}));
    if let Some(data) = data.as_object_mut() {
        data.insert(CURSOR.to_owned(), new.clone());
    }
    log.append(Append::default().checkpoint(feed, data))?;
    Ok(true)
}
