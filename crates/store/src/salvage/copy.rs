//! The records of whole blocks in order, with something in the place of the lost ones.

use std::collections::VecDeque;

use bellwether_model::{Body, Record, System};
use chrono::{DateTime, Utc};
use serde_json::json;

use super::LOST;
use super::survey::{Run, Survey};
use crate::Error;
use crate::segment::frame::Unpacker;
use crate::segment::reader::{Frames, Step};

const READ_AHEAD: usize = 256 << 10;

/// Hands out what an import takes: every sequence once, ascending.
pub(super) struct Copy<'s> {
    survey: &'s Survey,
    runs: std::slice::Iter<'s, Run>,
    /// The run that is read, and where it ends.
    open: Option<(Frames<'s>, u64)>,
    unpacker: Unpacker,
    block: VecDeque<Record>,
    next: u64,
    last_at: Option<DateTime<Utc>>,
    copied: u64,
}

impl<'s> Copy<'s> {
    pub(super) fn new(survey: &'s Survey) -> Self {
        Self {
            survey,
            runs: survey.runs.iter(),
            open: None,
            unpacker: Unpacker::default(),
            block: VecDeque::new(),
            next: 1,
            last_at: None,
            copied: 0,
        }
    }

    /// Records handed out that were in the log.
    pub(super) fn taken(&self) -> u64 {
        self.copied
    }

    /// Reads the next block; `false` at the end.
    fn refill(&mut self) -> Result<bool, Error> {
        loop {
            let Some((frames, _)) = self.open.as_mut().filter(|(frames, end)| frames.offset < *end) else {
                let Some(run) = self.runs.next() else { return Ok(false) };
                self.open = Some((Frames::open(&run.path, run.bytes.0, READ_AHEAD)?, run.bytes.1));
                continue;
            };
            let Step::Frame(frame) = frames.step()? else {
                return Err(Error::damaged(self.next, "a block changed while it was copied"));
            };
            let first = frame.head.first;
            let records: Result<Vec<_>, _> = frame.records(&mut self.unpacker)?.collect();
            self.block.extend(records.map_err(|what| Error::damaged(first, what))?);
            return Ok(true);
        }
    }

    fn lost(&self, at: DateTime<Utc>) -> Record {
        let of = self.survey.lost.iter().find(|lost| (lost.from..=lost.to).contains(&self.next));
        let data = json!({ "why": of.map(|lost| lost.why.as_str()) });
        let system = System { system: LOST.to_owned(), name: String::new(), data };
        Record { seq: self.next, recorded_at: self.last_at.unwrap_or(at), body: Body::System(system) }
    }
}

impl Iterator for Copy<'_> {
    type Item = Result<Record, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.block.is_empty() {
            match self.refill() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
        let (seq, at) = self.block.front().map(|record| (record.seq, record.recorded_at))?;
        let record = if seq > self.next { self.lost(at) } else { self.block.pop_front()? };
        self.copied += u64::from(seq == record.seq);
        self.last_at = Some(record.recorded_at);
        self.next = record.seq.saturating_add(1);
        Some(Ok(record))
    }
}
