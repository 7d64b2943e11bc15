//! Which blocks are whole, and what is lost between them.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::Lost;
use crate::Error;
use crate::segment::anchor::Anchor;
use crate::segment::frame::{Chain, Frame, Head, Unpacker};
use crate::segment::{self, HEAD_LEN};

/// Least room that a record takes, bytes: its id.
const LEAST: usize = 16;

/// Whole blocks one behind the other in one file.
pub(super) struct Run {
    pub(super) path: PathBuf,
    /// Where it begins and ends, bytes.
    pub(super) bytes: (u64, u64),
    /// First and last sequence.
    pub(super) seqs: (u64, u64),
}

/// What a log still holds.
pub(super) struct Survey {
    pub(super) runs: Vec<Run>,
    pub(super) lost: Vec<Lost>,
    pub(super) anchor: Option<Anchor>,
}

/// Looks at every byte of `log`. Changes nothing on disk.
pub(super) fn survey(log: &Path) -> Result<Survey, Error> {
    let files = segment::list(log)?;
    let anchor = match Anchor::read(log) {
        Ok(anchor) => anchor,
        Err(Error::Integrity { .. }) => None,
        Err(other) => return Err(other),
    };
    let mut walk = Walk {
        survey: Survey { runs: Vec::new(), lost: Vec::new(), anchor },
        unfinished: Vec::new(),
        group: 0,
        next: 1,
        link: Some((1, segment::frame::ROOT)),
        last_at: DateTime::<Utc>::MIN_UTC,
        why: None,
        unpacker: Unpacker::default(),
    };
    for (at, (first, path)) in files.iter().enumerate() {
        let end = files.get(at.saturating_add(1)).map_or(u64::MAX, |(next, _)| *next);
        walk.file((*first, end), path)?;
    }
    Ok(walk.finish())
}

struct Walk {
    survey: Survey,
    /// Blocks of an append whose end has not been seen.
    unfinished: Vec<Run>,
    group: u64,
    /// Next sequence expected.
    next: u64,
    /// The chain before a sequence, where it is known.
    link: Option<(u64, Chain)>,
    last_at: DateTime<Utc>,
    /// The first thing that was wrong since the last whole block.
    why: Option<String>,
    unpacker: Unpacker,
}

impl Walk {
    fn wrong(&mut self, why: impl Into<String>) {
        self.why.get_or_insert_with(|| why.into());
        self.link = None;
    }

    /// One file, whose sequences are to lie from `first` to before `end`.
    fn file(&mut self, (first, end): (u64, u64), path: &Path) -> Result<(), Error> {
        let bytes = fs::read(path).map_err(Error::io(path))?;
        match segment::read_head(path, &mut bytes.as_slice())? {
            Some((stated, chain)) if stated == first => {
                if first > self.next {
                    self.wrong("a segment file is missing, or its end");
                    self.link = Some((first, chain));
                } else if self.link.is_some_and(|link| link != (first, chain)) {
                    self.wrong("a segment file does not continue the one before it");
                }
            }
            // The blocks behind it are judged by themselves.
            _ => self.why = self.why.take().or_else(|| Some("a segment's head is unreadable".to_owned())),
        }
        let (mut at, mut taken) = (HEAD_LEN, HEAD_LEN);
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let Some(frame) = whole(rest) else {
                self.wrong("a block does not match its checksum, or is cut short");
                at = self.resume(&bytes, at);
                continue;
            };
            let room = at.saturating_sub(taken) / LEAST;
            let bounds = (first.max(self.next), room as u64, end);
            match self.judge(&frame, bounds) {
                Ok(last_at) => {
                    self.take(&frame.head, path, at);
                    self.last_at = last_at;
                    taken = taken.saturating_add(frame.head.len);
                }
                Err(why) => self.wrong(why),
            }
            at = at.saturating_add(frame.head.len);
        }
        Ok(())
    }

    /// Where to look on, behind a block that is not whole.
    fn resume(&self, bytes: &[u8], at: usize) -> usize {
        let rest = |at: usize| bytes.get(at..).unwrap_or_default();
        // Its length is the part that is most likely whole.
        let behind = Head::parse(rest(at)).map(|head| at.saturating_add(head.len));
        let behind = behind.filter(|to| *to == bytes.len() || whole(rest(*to)).is_some());
        let later = |at: &usize| {
            Head::parse(rest(*at)).is_some_and(|head| head.first >= self.next) && whole(rest(*at)).is_some()
        };
        behind.or_else(|| (at.saturating_add(1)..bytes.len()).find(later)).unwrap_or(bytes.len())
    }

    /// Whether a whole block belongs here, and when its last record was taken. Its first sequence is at most `room` behind the
    /// one expected: so many records fit what could not be read.
    fn judge(
        &mut self,
        frame: &Frame<'_>,
        (next, room, end): (u64, u64, u64),
    ) -> Result<DateTime<Utc>, String> {
        let (head, last) = (&frame.head, frame.head.last_seq());
        if head.first < next || head.first.saturating_sub(next) > room || last >= end {
            return Err(format!("a block stands where sequence {next} should, and says {}", head.first));
        }
        if self.link.is_some_and(|(seq, chain)| seq == head.first && frame.link(&chain) != head.chain) {
            return Err("the hash chain is broken".to_owned());
        }
        if let Some(anchor) = self.survey.anchor
            && (head.first..=last).contains(&anchor.count)
            && (last, head.ends_append(), head.chain) != (anchor.count, true, anchor.chain)
        {
            return Err("the log does not match its head anchor".to_owned());
        }
        let mut last_at = self.last_at;
        for record in frame.records(&mut self.unpacker).map_err(|e| e.to_string())? {
            let at = record?.recorded_at;
            if at < last_at {
                return Err("recorded_at runs backwards".to_owned());
            }
            last_at = at;
        }
        Ok(last_at)
    }

    fn take(&mut self, head: &Head, path: &Path, at: usize) {
        if head.first > self.next {
            let why = self.why.take().unwrap_or_else(|| "it is missing".to_owned());
            self.survey.lost.push(Lost { from: self.next, to: head.first.saturating_sub(1), why });
        }
        if head.group != self.group {
            // A later append follows: what came before it had been acknowledged.
            self.keep();
        }
        let (from, to) = (at as u64, at.saturating_add(head.len) as u64);
        let run = Run { path: path.to_owned(), bytes: (from, to), seqs: (head.first, head.last_seq()) };
        add(&mut self.unfinished, run);
        self.group = head.group;
        if head.ends_append() {
            self.keep();
        }
        self.next = head.last_seq().saturating_add(1);
        self.link = Some((self.next, head.chain));
        self.why = None;
    }

    fn keep(&mut self) {
        self.unfinished.drain(..).for_each(|run| add(&mut self.survey.runs, run));
    }

    fn finish(mut self) -> Survey {
        let anchored = self.survey.anchor.map(|anchor| anchor.count);
        // Behind the anchor an append without its end was never acknowledged.
        let begun = self.unfinished.first().map_or(u64::MAX, |run| run.seqs.0);
        if anchored.is_none_or(|count| begun <= count) {
            self.keep();
        }
        if let Some(count) = anchored.filter(|count| *count >= self.next) {
            let why = self.why.unwrap_or_else(|| "the end of the log was removed".to_owned());
            self.survey.lost.push(Lost { from: self.next, to: count, why });
        }
        self.survey
    }
}

/// Adds a run, to the last one where it goes on there.
fn add(runs: &mut Vec<Run>, run: Run) {
    let goes_on = |last: &&mut Run| {
        (&last.path, last.bytes.1, last.seqs.1.saturating_add(1)) == (&run.path, run.bytes.0, run.seqs.0)
    };
    match runs.last_mut().filter(goes_on) {
        Some(last) => (last.bytes.1, last.seqs.1) = (run.bytes.1, run.seqs.1),
        None => runs.push(run),
    }
}

/// The whole block at the front.
fn whole(bytes: &[u8]) -> Option<Frame<'_>> {
    bytes.get(..Head::parse(bytes)?.len).and_then(Frame::parse)
}
