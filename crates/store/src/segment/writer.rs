//! The one committer: writes the blocks of an append, syncs, and only then lets the head move.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};

use super::anchor::Anchor;
use super::disk::{Disk, LogFile};
use super::frame::{Block, Chain, Packer};
use super::{HEAD_LEN, head, name};
use crate::codec::BodyRef;
use crate::{Error, Options};

/// A frame that now lies in a segment.
pub(crate) struct Placed {
    pub(crate) segment: u64,
    pub(crate) first: u64,
    pub(crate) offset: u64,
    pub(crate) end: u64,
}

/// Appends to the last segment; owned by one thread at a time.
pub(crate) struct Writer {
    log: PathBuf,
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    block_records: u16,
    anchor_every: Duration,
    at: Position,
    file: Option<Box<dyn LogFile>>,
    /// `recorded_at` of the last append.
    pub(crate) last_at: DateTime<Utc>,
    anchored: Anchor,
    anchored_at: Option<DateTime<Utc>>,
    packer: Packer,
    buffer: Vec<u8>,
    /// Something was written since the last sync.
    dirty: bool,
    poisoned: Option<String>,
}

/// Where the log ends.
#[derive(Clone, Copy)]
pub(crate) struct Position {
    /// First sequence of the segment being written; 0 when there is none.
    pub(crate) segment: u64,
    /// Its length, bytes.
    pub(crate) offset: u64,
    pub(crate) head: u64,
    pub(crate) chain: Chain,
}

impl Writer {
    pub(crate) fn new(
        log: PathBuf,
        options: &Options,
        at: Position,
        last_at: DateTime<Utc>,
        anchored: Anchor,
    ) -> Result<Self, Error> {
        let disk = Arc::clone(&options.disk);
        let file = match at.segment {
            0 => None,
            first => {
                let path = log.join(name(first));
                Some(disk.open(&path, false).map_err(Error::io(&path))?)
            }
        };
        Ok(Self {
            log,
            disk,
            segment_bytes: options.segment_bytes,
            block_records: options.block_records.max(1),
            anchor_every: Duration::from_std(options.anchor_every).unwrap_or(Duration::MAX),
            at,
            file,
            last_at,
            anchored,
            anchored_at: None,
            packer: Packer::default(),
            buffer: Vec::new(),
            dirty: false,
            poisoned: None,
        })
    }

    /// Refuses once a sync has failed.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match &self.poisoned {
            Some(why) => Err(Error::Poisoned { why: why.clone() }),
            None => Ok(()),
        }
    }

    pub(crate) fn head(&self) -> u64 {
        self.at.head
    }

    pub(crate) fn chain(&self) -> Chain {
        self.at.chain
    }

    /// Starts an append.
    pub(crate) fn begin(&mut self) -> Result<Group<'_>, Error> {
        self.check()?;
        let start = self.at;
        let first = start.head.saturating_add(1);
        Ok(Group {
            writer: self,
            start,
            chain: start.chain,
            block: Block::new(first),
            placed: Vec::new(),
            new: Vec::new(),
        })
    }

    fn path(&self) -> PathBuf {
        self.log.join(name(self.at.segment))
    }

    fn poison(&mut self, what: &str, error: std::io::Error) -> Error {
        let why = format!("{what}: {error}");
        tracing::error!(%why, "the writer stops");
        self.poisoned = Some(why.clone());
        Error::Poisoned { why }
    }

    /// Makes everything written durable.
    pub(crate) fn sync_if_dirty(&mut self) -> Result<(), Error> {
        if self.dirty { self.sync() } else { Ok(()) }
    }

    fn sync(&mut self) -> Result<(), Error> {
        match self.file.as_mut().map_or(Ok(()), |file| file.sync()) {
            Ok(()) => {
                self.dirty = false;
                Ok(())
            }
            // After a failed fsync the kernel may have dropped the dirty pages: trying again proves nothing.
            Err(e) => Err(self.poison("sync", e)),
        }
    }

    /// Starts the segment whose first record is `first`.
    fn create(&mut self, first: u64, chain: &Chain) -> Result<(), Error> {
        let path = self.log.join(name(first));
        let mut file = self.disk.open(&path, true).map_err(Error::io(&path))?;
        self.at.segment = first;
        self.at.offset = HEAD_LEN as u64;
        let written = file.append(&head(first, chain));
        self.file = Some(file);
        written.map_err(Error::io(&path))?;
        self.sync()?;
        let log = self.log.clone();
        self.disk.sync_dir(&log).map_err(|e| self.poison("sync of the folder", e))
    }

    /// Brings the anchor up to the head, if it lags.
    pub(crate) fn anchor(&mut self, now: DateTime<Utc>) -> Result<(), Error> {
        let anchor = Anchor { count: self.at.head, chain: self.at.chain };
        if anchor != self.anchored {
            anchor.write(&self.log, &*self.disk)?;
            self.anchored = anchor;
        }
        self.anchored_at = Some(now);
        Ok(())
    }

    /// The same, unless it was done a moment ago. What was acknowledged is durable all the same, so a
    /// failure is reported and tried again later.
    pub(crate) fn anchor_if_due(&mut self, now: DateTime<Utc>) {
        let due = self.anchored_at.is_none_or(|at| (now - at).abs() >= self.anchor_every);
        if due && let Err(error) = self.anchor(now) {
            tracing::warn!(%error, "the head anchor lags");
        }
    }

    /// Cuts back to `start` after an append that did not come about.
    fn roll_back(&mut self, start: Position, new: &[u64]) {
        self.file = None;
        let cut = || -> std::io::Result<Option<Box<dyn LogFile>>> {
            for first in new {
                match std::fs::remove_file(self.log.join(name(*first))) {
                    Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
                    _ => {}
                }
            }
            if !new.is_empty() {
                // Coming back after a power cut, they would stand in the way of what follows.
                self.disk.sync_dir(&self.log)?;
            }
            if start.segment == 0 {
                return Ok(None);
            }
            let mut file = self.disk.open(&self.log.join(name(start.segment)), false)?;
            file.cut(start.offset)?;
            Ok(Some(file))
        };
        match cut() {
            Ok(file) => self.file = file,
            Err(e) => drop(self.poison("cutting off an unfinished append", e)),
        }
        self.at = start;
    }
}

/// An append under way: nothing of it counts before [`Group::finish`].
pub(crate) struct Group<'w> {
    writer: &'w mut Writer,
    start: Position,
    chain: Chain,
    block: Block,
    placed: Vec<Placed>,
    new: Vec<u64>,
}

impl Group<'_> {
    /// Sequence of the next record.
    pub(crate) fn next(&self) -> u64 {
        self.block.next()
    }

    /// Adds a record.
    pub(crate) fn push(&mut self, at: DateTime<Utc>, body: BodyRef<'_>) -> Result<(), Error> {
        if self.block.is_full(self.writer.block_records) {
            self.write(false)?;
        }
        self.block.push(at, body)
    }

    fn write(&mut self, last: bool) -> Result<(), Error> {
        let writer = &mut *self.writer;
        let first = self.block.first();
        if writer.at.segment == 0 || writer.at.offset >= writer.segment_bytes {
            // Seal: everything in the old segment is durable before a newer one exists.
            writer.sync()?;
            let last_at = writer.last_at;
            writer.anchor(last_at)?;
            self.new.push(first);
            writer.create(first, &self.chain)?;
        }
        writer.buffer.clear();
        let group = self.start.head.saturating_add(1);
        let chain = self.block.seal(group, last, &self.chain, &mut writer.packer, &mut writer.buffer);
        let path = writer.path();
        writer.dirty = true;
        if let Some(file) = &mut writer.file {
            file.append(&writer.buffer).map_err(Error::io(&path))?;
        }
        let offset = writer.at.offset;
        writer.at.offset = offset.saturating_add(writer.buffer.len() as u64);
        self.placed.push(Placed { segment: writer.at.segment, first, offset, end: writer.at.offset });
        self.chain = chain;
        Ok(())
    }

    /// Writes what is left and moves the writer's head; durable only after [`Writer::sync_if_dirty`]. Returns
    /// where the frames lie.
    pub(crate) fn finish(mut self, last_at: DateTime<Utc>) -> Result<Vec<Placed>, Error> {
        if self.block.is_empty() {
            return Ok(self.placed);
        }
        if let Err(error) = self.write(true) {
            self.abort();
            return Err(error);
        }
        self.writer.at.head = self.block.next().saturating_sub(1);
        self.writer.at.chain = self.chain;
        self.writer.last_at = last_at;
        Ok(self.placed)
    }

    /// Undoes everything written so far. A poisoned writer leaves the disk alone: the next open decides.
    pub(crate) fn abort(self) {
        if self.writer.poisoned.is_none() {
            self.writer.roll_back(self.start, &self.new);
        } else {
            self.writer.at = self.start;
        }
    }
}
