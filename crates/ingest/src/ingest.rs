//! One source into the log.

use std::collections::HashSet;
use std::sync::mpsc::sync_channel;

use bellwether_model::{Body, Fact, FactTypes, Problem, Stamp, counted};
use bellwether_store::{Append, EventLog};
use chrono::{DateTime, Utc};

use crate::pipeline::{self, Batch};
use crate::quarantine::{Cause, Quarantine};
use crate::snapshot;
use crate::take::CURSOR;
use crate::{Cursor, FeedSpec, IngestError, Input, Report};

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
    /// What the feed's connector remembers once the whole source is in the log; kept as it is when there is none.
    /// Only [`crate::take`] writes it.
    pub cursor: Option<Cursor>,
}

impl Options {
    /// Facts an append unless stated otherwise: a sync costs little against it, and memory stays flat.
    pub const DEFAULT_BATCH: usize = 1000;

    /// Usual settings at `now`.
    pub fn at(now: DateTime<Utc>) -> Self {
        Self { dry_run: false, published_at: None, now, batch: Self::DEFAULT_BATCH, cursor: None }
    }
}

/// Batches that may wait for the log: enough to keep both threads busy, few enough to stay in memory.
const WAITING: usize = 4;

/// Reads one source and appends its facts, in order and in bounded batches.
///
/// Every record is mapped, skipped by a rule of the feed or quarantined, and the report adds up. Before a
/// batch is appended, what it holds back is synced to the quarantine, so a crash in between loses nothing:
/// ingesting again finds the entries and the facts already there. Each append carries the feed's checkpoint
/// `{"file","line"}`, and `"cursor"` where its connector has one; one without a new fact writes nothing, so a second
/// run leaves the head where it was.
///
/// A dry run counts as duplicates only what is twice in this source: it does not ask the log.
///
/// Errors: [`IngestError::Source`] for a source that cannot be read, is empty or lacks a column (what came
/// before a failing read is kept, and one bad file of an archive does not cost the others), [`IngestError::Store`] and
/// [`IngestError::Quarantine`] when writing fails.
pub fn ingest(
    log: &dyn EventLog,
    types: &FactTypes,
    feed: &FeedSpec,
    input: Input,
    quarantine: &mut dyn Quarantine,
    options: &Options,
) -> Result<Report, IngestError> {
    ingest_by(log, types, feed, input, quarantine, options, Way::ByHand)
}

/// On whose account a source is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Of an operator, who sees what comes of it.
    ByHand,
    /// Of a connector, before anything is stored; facts are not counted.
    Judging,
    /// Of a connector, after that.
    Taking,
}

/// As [`ingest`]; a connector's source is refused when it is cut short or nothing of it can be read.
pub(crate) fn ingest_by(
    log: &dyn EventLog,
    types: &FactTypes,
    feed: &FeedSpec,
    input: Input,
    quarantine: &mut dyn Quarantine,
    options: &Options,
    way: Way,
) -> Result<Report, IngestError> {
    if let Some(snapshot) = &feed.snapshot {
        return snapshot::ingest(log, types, feed, snapshot, input, quarantine, options, way);
    }
    let file = input.name().to_owned();
    let mut report = Report { feed: feed.name.clone(), ..Report::default() };
    let mut seen = HashSet::new();
    let mut unreadable = 0;
    let mut writer = Writer::new(log, &feed.name, options, way)?;
    let mut write = |batch: Batch| -> Result<(), IngestError> {
        report.records.read += batch.records.read;
        report.records.mapped += batch.records.mapped;
        report.records.skipped += batch.records.skipped;
        report.records.quarantined += batch.records.quarantined;
        if way == Way::Judging {
            if batch.cut {
                return Err(cut_short(&batch.file, batch.line));
            }
            unreadable += batch.held.iter().filter(|entry| entry.cause == Cause::Undecodable).count() as u64;
            return Ok(());
        }
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
        writer.push(batch.facts, &batch.file, batch.line, &mut report)
    };
    // Reading and judging on one thread, writing and syncing on this one; the channel keeps the order.
    let read = std::thread::scope(|scope| {
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
        written.map(|()| read)
    })?;
    if way == Way::Judging && read.is_ok() && unreadable > 0 && unreadable == report.records.read {
        return Err(nothing_read(&file));
    }
    if !options.dry_run {
        writer.end(read.is_ok(), &mut report)?;
    }
    read.map_err(|error| match error {
        IngestError::Source(mut problems)
            if way == Way::ByHand && !options.dry_run && report.records.read > 0 =>
        {
            problems.push(taken(&file, &report));
            IngestError::Source(problems)
        }
        other => other,
    })?;
    report.head = log.head();
    tracing::debug!(feed = %report.feed, read = report.records.read, stored = report.facts.stored, "ingested");
    Ok(report)
}

/// What of a source that failed is stored all the same: the error must not hide it.
fn taken(file: &str, report: &Report) -> Problem {
    let Report { records, facts, .. } = report;
    let message = format!(
        "the rest was taken: {} read = {} mapped + {} skipped + {} quarantined; {} stored, {} known",
        counted(records.read, "record", "records"),
        records.mapped,
        records.skipped,
        records.quarantined,
        counted(facts.stored, "fact", "facts"),
        facts.duplicate
    );
    Problem::new(message, "once the source is corrected ingest all of it again: nothing is stored twice")
        .at(file, 0)
}

pub(crate) fn cut_short(file: &str, line: u64) -> IngestError {
    let line = usize::try_from(line).unwrap_or(usize::MAX);
    let remedy = "nothing of it was taken: fetch it again, or ingest it by hand to take what there is";
    IngestError::Source(
        Problem::new("the source ends in the middle of a record", remedy).at(file, line).into(),
    )
}

pub(crate) fn nothing_read(file: &str) -> IngestError {
    let remedy = "nothing of it was taken: look at the source, its form may have changed";
    IngestError::Source(Problem::new("not one record of the source can be read", remedy).at(file, 0).into())
}

/// Appends batches. The last one waits until it is known to be the last: the new cursor belongs to it.
struct Writer<'w> {
    log: &'w dyn EventLog,
    feed: &'w str,
    file: String,
    news: News<'w>,
    waiting: Vec<Fact>,
    line: u64,
    /// Cursor that the log has.
    old: Cursor,
    /// Cursor of the last append.
    new: Option<&'w Cursor>,
}

impl<'w> Writer<'w> {
    fn new(
        log: &'w dyn EventLog,
        feed: &'w str,
        options: &'w Options,
        way: Way,
    ) -> Result<Self, IngestError> {
        let new = options.cursor.as_ref().filter(|_| way == Way::Taking);
        let old = if options.dry_run { Cursor::Null } else { crate::take::cursor(log, feed)? };
        let news = News { log, next: 1 };
        Ok(Self { log, feed, file: String::new(), news, waiting: Vec::new(), line: 0, old, new })
    }

    fn push(
        &mut self,
        facts: Vec<Fact>,
        file: &str,
        line: u64,
        report: &mut Report,
    ) -> Result<(), IngestError> {
        if !facts.is_empty() {
            self.flush(None, report)?;
            self.waiting = facts;
        }
        file.clone_into(&mut self.file);
        self.line = line;
        Ok(())
    }

    /// Appends what waits; with the new cursor when the source was read to its end.
    fn end(&mut self, whole: bool, report: &mut Report) -> Result<(), IngestError> {
        self.flush(self.new.filter(|new| whole && **new != self.old), report)
    }

    fn flush(&mut self, new: Option<&Cursor>, report: &mut Report) -> Result<(), IngestError> {
        let facts = std::mem::take(&mut self.waiting);
        if facts.is_empty() && new.is_none() {
            return Ok(());
        }
        let mut checkpoint = serde_json::json!({ "file": self.file, "line": self.line });
        let cursor = new.unwrap_or(&self.old);
        if let Some(checkpoint) = checkpoint.as_object_mut()
            && !cursor.is_null()
        {
            checkpoint.insert(CURSOR.to_owned(), cursor.clone());
        }
        // The log would store the checkpoint of a batch that is all duplicates: then none is sent.
        let moves = new.is_some() || self.news.any(&facts)?;
        let append = Append::facts(facts);
        let receipt =
            self.log.append(if moves { append.checkpoint(self.feed, checkpoint) } else { append })?;
        report.facts.stored += receipt.stored;
        report.facts.duplicate += receipt.duplicate;
        Ok(())
    }
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
