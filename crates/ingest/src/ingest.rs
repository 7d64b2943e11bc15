//! One source into the log.

use std::collections::HashSet;
use std::sync::mpsc::sync_channel;

use bellwether_model::{Body, Fact, FactTypes, Stamp};
use bellwether_store::{Append, EventLog};
use chrono::{DateTime, Utc};

use crate::pipeline::{self, Batch};
use crate::quarantine::Quarantine;
use crate::snapshot;
use crate::{FeedSpec, IngestError, Input, Report};

/// Settings of one ingest.
#[derive(Clone, Debug)]
pub struct Options {
    /// Count, and store nothing, neither in the log nor in the quarantine.
    pub dry_run: bool,
    /// Publication of records that state none; it then counts as stated.
    pub published_at: Option<Stamp>,
    /// The present moment: what is published more than a day later is quarantined.
    pub now: DateTime<Utc>,
    /// Facts an append; 0 counts as 1. See [`Options::DEFAULT_BATCH`].
    pub batch: usize,
}

impl Options {
    /// Facts an append unless stated otherwise: a sync costs little against it, and memory stays flat.
    pub const DEFAULT_BATCH: usize = 1000;

    /// Usual settings at `now`.
    pub fn at(now: DateTime<Utc>) -> Self {
        Self { dry_run: false, published_at: None, now, batch: Self::DEFAULT_BATCH }
    }
}

/// Batches that may wait for the log: enough to keep both threads busy, few enough to stay in memory.
const WAITING: usize = 4;

/// Reads one source and appends its facts, in order and in bounded batches.
///
/// Every record is mapped, skipped by a rule of the feed or quarantined, and the report adds up. Before a
/// batch is appended, what it holds back is synced to the quarantine, so a crash in between loses nothing:
/// ingesting again finds the entries and the facts already there. Each append carries the feed's checkpoint
/// `{"file","line"}`; one without a new fact writes nothing, so a second run leaves the head where it was.
///
/// A dry run counts as duplicates only what is twice in this source: it does not ask the log.
///
/// Errors: [`IngestError::Source`] for a source that cannot be read, is empty or lacks a column (what came
/// before a failing read is kept), [`IngestError::Store`] and [`IngestError::Quarantine`] when writing fails.
pub fn ingest(
    log: &dyn EventLog,
    types: &FactTypes,
    feed: &FeedSpec,
    input: Input,
    quarantine: &mut dyn Quarantine,
    options: &Options,
) -> Result<Report, IngestError> {
    if let Some(snapshot) = &feed.snapshot {
        return snapshot::ingest(log, types, feed, snapshot, input, quarantine, options);
    }
    let file = input.name().to_owned();
    let mut report = Report { feed: feed.name.clone(), ..Report::default() };
    let mut seen = HashSet::new();
    let mut news = News { log, next: 1 };
    let mut write = |batch: Batch| -> Result<(), IngestError> {
        report.records.read += batch.records.read;
        report.records.mapped += batch.records.mapped;
        report.records.skipped += batch.records.skipped;
        report.records.quarantined += batch.records.quarantined;
        if options.dry_run {
            for fact in &batch.facts {
                let count =
                    if seen.insert(fact.id) { &mut report.facts.stored } else { &mut report.facts.duplicate };
                *count += 1;
            }
            return Ok(());
        }
        if !batch.held.is_empty() {
            for entry in batch.held {
                quarantine.hold(entry)?;
            }
            quarantine.sync()?;
        }
        if !batch.facts.is_empty() {
            let checkpoint = serde_json::json!({ "file": file, "line": batch.line });
            // The log would store the checkpoint of a batch that is all duplicates: then none is sent.
            let any_new = news.any(&batch.facts)?;
            let append = Append::facts(batch.facts);
            let receipt =
                log.append(if any_new { append.checkpoint(&feed.name, checkpoint) } else { append })?;
            report.facts.stored += receipt.stored;
            report.facts.duplicate += receipt.duplicate;
        }
        Ok(())
    };
    // Reading and judging on one thread, writing and syncing on this one; the channel keeps the order.
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel::<Batch>(WAITING);
        let reader = std::thread::Builder::new()
            .name("ingest-reader".into())
            .spawn_scoped(scope, move || {
                pipeline::run(feed, types, input, options, &mut |batch| sender.send(batch).is_ok())
            })
            .map_err(|e| IngestError::Internal(format!("no thread to read with: {e}")))?;
        let written = receiver.iter().try_for_each(&mut write);
        // Unblocks a reader that still wants to send after a failed write.
        drop(receiver);
        let read = reader.join().map_err(|_| IngestError::Internal("the reading thread failed".into()))?;
        written.and(read)
    })?;
    report.head = log.head();
    tracing::debug!(feed = %report.feed, read = report.records.read, stored = report.facts.stored, "ingested");
    Ok(report)
}

/// Finds out whether a batch brings anything new.
struct News<'l> {
    log: &'l dyn EventLog,
    /// Where the next fact stands if the source was ingested before in this order.
    next: u64,
}

impl News<'_> {
    /// Whether the log lacks any of the facts. Where they are new, the first unknown key answers it; where they
    /// are known, each mostly follows the one before.
    fn any(&mut self, facts: &[Fact]) -> Result<bool, IngestError> {
        for fact in facts {
            if self.is_at(self.next, fact)? {
                self.next += 1;
                continue;
            }
            let mut found = None;
            for seq in self.log.keys_latest(&fact.source, &fact.key)? {
                if self.is_at(seq, fact)? {
                    found = Some(seq);
                    break;
                }
            }
            let Some(seq) = found else { return Ok(true) };
            self.next = seq + 1;
        }
        Ok(false)
    }

    fn is_at(&self, seq: u64, fact: &Fact) -> Result<bool, IngestError> {
        let record = self.log.get(seq)?;
        Ok(matches!(record.map(|r| r.body), Some(Body::Fact(stored)) if stored.id == fact.id))
    }
}
