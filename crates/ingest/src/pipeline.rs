//! Records in, settled facts and held records out: everything of an ingest but writing.

use bellwether_model::{Fact, FactTypes, Problem, Problems};

use crate::decoder::{Cutter, Record, Refusal, Row, Shape};
use crate::encoding::Encoding;
use crate::feed::FeedSpec;
use crate::hold::Holder;
use crate::mapping::text::neutral_problem;
use crate::mapping::{Draft, Mapper, Place};
use crate::prefilter::{Glance, Prefilter};
use crate::quarantine::{Cause, Entry};
use crate::report::Records;
use crate::settle::{Held, Terms, settle};
use crate::{IngestError, Input, Limits, Options};

/// What becomes of one record.
pub(crate) enum Outcome {
    /// Its facts were added.
    Mapped,
    Skipped,
    Held(Problem, Cause),
}

/// A feed bound to one source: everything needed to judge a record.
pub(crate) struct Judge<'s> {
    feed: &'s str,
    shape: &'s Shape,
    prefilter: Prefilter<'s>,
    glance: Option<Glance<'s>>,
    holder: Option<Holder<'s>>,
    mapper: Mapper<'s>,
    encoding: Encoding,
    row: Row,
    drafts: Vec<Draft>,
    /// Whether the file's publication goes before what a record states.
    overrides: bool,
}

impl<'s> Judge<'s> {
    pub(crate) fn new(feed: &'s FeedSpec, shape: &'s Shape) -> Result<Self, Problem> {
        Ok(Self {
            feed: &feed.name,
            shape,
            prefilter: Prefilter::new(&feed.prefilter, shape),
            glance: Glance::new(&feed.prefilter, shape, feed.encoding),
            holder: feed.holds.bind(shape)?,
            mapper: feed.mapping.mapper(shape)?,
            encoding: feed.encoding,
            row: Row::default(),
            drafts: Vec::new(),
            overrides: feed.vintage.as_ref().is_some_and(|v| v.overrides()),
        })
    }

    /// Whether the bytes are a record of the format.
    fn can_read(&mut self, raw: &[u8]) -> bool {
        self.encoding.record(raw).is_ok_and(|text| self.shape.decode(&text, &mut self.row).is_ok())
    }

    /// Decodes, filters, maps and settles one record; adds all of its facts to `facts`, or none.
    pub(crate) fn judge(
        &mut self,
        file: &str,
        line: u64,
        raw: &[u8],
        terms: &Terms<'_>,
        facts: &mut Vec<Fact>,
    ) -> Outcome {
        if self.glance.as_ref().is_some_and(|glance| glance.leaves_out(raw)) {
            return Outcome::Skipped;
        }
        let decoded = self.encoding.record(raw);
        let record = match decoded.as_ref().map(|text| self.shape.decode(text, &mut self.row)) {
            Ok(Ok(record)) => record,
            Ok(Err(problem)) => return Outcome::Held(problem, Cause::Undecodable),
            Err(problem) => return Outcome::Held(problem.clone(), Cause::Undecodable),
        };
        if let Record::Row(columns, row) = &record
            && columns.is_repeated(row)
        {
            return Outcome::Skipped;
        }
        if !self.prefilter.passes(&record) {
            return Outcome::Skipped;
        }
        let place = Place { feed: self.feed, file, line, raw };
        if let Some(holder) = self.holder.as_ref().filter(|_| !terms.vouched) {
            match holder.holds(&record, place) {
                Ok(None) => {}
                Ok(Some(problem)) => return Outcome::Held(problem, Cause::Suspect),
                Err(problem) => return Outcome::Held(problem, Cause::Invalid),
            }
        }
        self.drafts.clear();
        if let Err(problem) = self.mapper.map(record, place, &mut self.drafts) {
            return Outcome::Held(problem, Cause::Invalid);
        }
        if self.drafts.is_empty() {
            return Outcome::Skipped;
        }
        let before = facts.len();
        for mut draft in self.drafts.drain(..) {
            if self.overrides && terms.published_at.is_some() {
                draft.fact.published_at = None;
            }
            match settle(draft, terms) {
                Ok(fact) => facts.push(fact),
                Err(Held { problem, implausible }) => {
                    facts.truncate(before);
                    return Outcome::Held(
                        problem,
                        if implausible { Cause::Implausible } else { Cause::Invalid },
                    );
                }
            }
        }
        Outcome::Mapped
    }
}

/// A stretch of the source that is written together.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) facts: Vec<Fact>,
    pub(crate) held: Vec<Entry>,
    pub(crate) records: Records,
    /// Source that its records stand in: one of several where an archive holds them.
    pub(crate) file: String,
    /// Line of the last record in it.
    pub(crate) line: u64,
    /// Whether it ends the source, and in the middle of a record.
    pub(crate) cut: bool,
    /// Raw bytes of its records.
    bytes: usize,
}

/// A batch is also full at this many raw bytes, so that few huge records fit in memory as well as many small ones.
const MAX_BATCH_BYTES: usize = 4 << 20;

/// Reads the source, or each source packed in it, handing over batches until `send` says to stop.
///
/// One source of an archive that fails does not cost the others: their facts are taken, and the error names it.
pub(crate) fn run(
    feed: &FeedSpec,
    types: &FactTypes,
    input: Input,
    options: &Options,
    send: &mut dyn FnMut(Batch) -> bool,
) -> Result<(), IngestError> {
    let Some(unpack) = feed.unpack else { return one(feed, types, input, options, send).map(|_| ()) };
    let mut failed = Problems::default();
    for input in unpack.open(input, Limits::default())? {
        match input.and_then(|input| one(feed, types, input, options, send)) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(IngestError::Source(problems)) => failed.0.extend(problems.0),
            Err(other) => return Err(other),
        }
    }
    failed.into_result(()).map_err(IngestError::Source)
}

/// Reads one source to its end; false when `send` said to stop.
fn one(
    feed: &FeedSpec,
    types: &FactTypes,
    input: Input,
    options: &Options,
    send: &mut dyn FnMut(Batch) -> bool,
) -> Result<bool, IngestError> {
    let file = input.name().to_owned();
    let (mut cutter, shape) =
        Cutter::open(&feed.decoder, feed.encoding, input).map_err(|refusal| match refusal {
            Refusal::Read(error) => IngestError::read(&file, &error),
            Refusal::Content(problem) => IngestError::Source(neutral_problem(problem).into()),
        })?;
    let published_at = match &feed.vintage {
        None => options.published_at,
        Some(vintage) => vintage
            .find(options.published_at, &file)
            .map_err(|p| IngestError::Source(neutral_problem(p).into()))?,
    };
    let options = &Options { published_at, ..options.clone() };
    let mut judge = Judge::new(feed, &shape).map_err(|p| IngestError::Config(p.at(&file, 1).into()))?;
    let terms = Terms { types, published_at: options.published_at, now: options.now, vouched: false };
    let size = options.batch.max(1);
    let new = || Batch { file: file.clone(), ..Batch::default() };
    let mut batch = new();
    let mut last = End::Whole;
    // The last record, while it may be one that was left out unread.
    let mut tail = Vec::new();
    loop {
        let chunk = match cutter.next() {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(error) => {
                // What was read before the source failed is sound: keep it.
                send(batch);
                return Err(IngestError::read(&file, &error));
            }
        };
        batch.records.read += 1;
        batch.line = chunk.line;
        batch.bytes += chunk.raw.len();
        let faulty = chunk.fault.is_some();
        let outcome = match chunk.fault {
            Some(fault) => Outcome::Held(fault, Cause::Undecodable),
            None => judge.judge(&file, chunk.line, chunk.raw, &terms, &mut batch.facts),
        };
        last = match &outcome {
            Outcome::Held(_, Cause::Undecodable) if faulty => End::Faulty,
            Outcome::Held(_, Cause::Undecodable) => End::Unreadable,
            Outcome::Skipped => {
                tail.clear();
                tail.extend_from_slice(chunk.raw);
                End::Skipped
            }
            _ => End::Whole,
        };
        match outcome {
            Outcome::Mapped => batch.records.mapped += 1,
            Outcome::Skipped => batch.records.skipped += 1,
            Outcome::Held(problem, cause) => {
                batch.records.quarantined += 1;
                let line = chunk.line;
                batch.held.push(Entry::new(
                    &feed.name,
                    &file,
                    line,
                    problem,
                    cause,
                    chunk.raw,
                    shape.header(),
                    options,
                ));
            }
        }
        let full = batch.facts.len() + batch.held.len() >= size || batch.bytes >= MAX_BATCH_BYTES;
        if full && !send(std::mem::replace(&mut batch, new())) {
            return Ok(false);
        }
    }
    batch.cut = match last {
        End::Whole => false,
        End::Skipped => cutter.ends_open() == Some(true) && !judge.can_read(&tail),
        End::Unreadable => cutter.ends_open() == Some(true),
        // Where records are no lines, one that cannot be cut out at the end was not all there.
        End::Faulty => cutter.ends_open() != Some(false),
    };
    Ok(send(batch))
}

/// How the last record was.
enum End {
    Whole,
    /// Left out by a rule, which may have looked at a part of it.
    Skipped,
    /// Cut out, and no record of the format.
    Unreadable,
    /// Not even cut out properly.
    Faulty,
}
