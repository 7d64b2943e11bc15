//! Records in, settled facts and held records out: everything of an ingest but writing.

use bellwether_model::{Fact, FactTypes, Problem};

use crate::decoder::{Cutter, Refusal, Row, Shape};
use crate::feed::FeedSpec;
use crate::mapping::text::neutral_problem;
use crate::mapping::{Draft, Mapper, Place};
use crate::prefilter::Prefilter;
use crate::quarantine::{Cause, Entry};
use crate::report::Records;
use crate::settle::{Held, Terms, settle};
use crate::{IngestError, Input, Options};

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
    mapper: Mapper<'s>,
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
            mapper: feed.mapping.mapper(shape)?,
            row: Row::default(),
            drafts: Vec::new(),
            overrides: feed.vintage.as_ref().is_some_and(|v| v.overrides()),
        })
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
        let record = match self.shape.decode(raw, &mut self.row) {
            Ok(record) => record,
            Err(problem) => return Outcome::Held(problem, Cause::Undecodable),
        };
        if !self.prefilter.passes(&record) {
            return Outcome::Skipped;
        }
        let place = Place { feed: self.feed, file, line, raw };
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
    /// Line of the last record in it.
    pub(crate) line: u64,
    /// Raw bytes of its records.
    bytes: usize,
}

/// A batch is also full at this many raw bytes, so that few huge records fit in memory as well as many small ones.
const MAX_BATCH_BYTES: usize = 4 << 20;

/// Reads the source to its end, handing over batches until `send` says to stop.
pub(crate) fn run(
    feed: &FeedSpec,
    types: &FactTypes,
    input: Input,
    options: &Options,
    send: &mut dyn FnMut(Batch) -> bool,
) -> Result<(), IngestError> {
    let file = input.name().to_owned();
    let published_at = match &feed.vintage {
        None => options.published_at,
        Some(vintage) => vintage
            .find(options.published_at, &file)
            .map_err(|p| IngestError::Source(neutral_problem(p).into()))?,
    };
    let options = &Options { published_at, ..options.clone() };
    let (mut cutter, shape) = Cutter::open(&feed.decoder, input).map_err(|refusal| match refusal {
        Refusal::Read(error) => IngestError::read(&file, &error),
        Refusal::Content(problem) => IngestError::Source(neutral_problem(problem).into()),
    })?;
    let mut judge = Judge::new(feed, &shape).map_err(|p| IngestError::Config(p.at(&file, 1).into()))?;
    let terms = Terms { types, published_at: options.published_at, now: options.now, vouched: false };
    let size = options.batch.max(1);
    let mut batch = Batch::default();
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
        let outcome = match chunk.fault {
            Some(fault) => Outcome::Held(fault, Cause::Undecodable),
            None => judge.judge(&file, chunk.line, chunk.raw, &terms, &mut batch.facts),
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
        if full && !send(std::mem::take(&mut batch)) {
            return Ok(());
        }
    }
    send(batch);
    Ok(())
}
