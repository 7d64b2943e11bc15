//! The default backend: segment files, with sled beside them for look-ups.

mod backup;
mod commit;
mod open;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use bellwether_model::{Body, Record, System};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use tokio::sync::watch;

use crate::cache::{self, Cache};
use crate::codec::BodyRef;
use crate::ids::Ids;
use crate::index::Index;
use crate::lock::Lock;
use crate::segment::catalog::{Catalog, SegmentInfo};
use crate::segment::frame::{Chain, Unpacker};
use crate::segment::reader::{Frames, Step};
use crate::segment::writer::{Placed, Writer};
use crate::{Append, Error, EventLog, Receipt, StoreClock, Verification, held, verify};

pub(crate) use backup::unoccupied;
pub use open::Opened;

pub(crate) const LOG: &str = "log";
const INDEX: &str = "sled";
/// Read-ahead of a scan and of a point read, bytes.
const SCAN_BUFFER: usize = 256 << 10;
const POINT_BUFFER: usize = 32 << 10;

/// A log in segment files.
///
/// Dropping it closes it as well as it can; [`Segments::close`] also says how that went.
pub struct Segments {
    log: PathBuf,
    clock: Arc<dyn StoreClock>,
    committer: Mutex<Committer>,
    queue: commit::Queue,
    catalog: RwLock<Catalog>,
    cache: Cache,
    lookup: Lookup,
    durable: watch::Sender<u64>,
    /// Durable head and the chain there; changed by the committer.
    tip: Mutex<(u64, Chain)>,
    lock: Mutex<Option<Lock>>,
    opened: Opened,
}

/// State of the one committer.
struct Committer {
    /// Absent when the store was opened for reading only.
    writer: Option<Writer>,
    ids: Ids,
}

/// Who answers look-ups.
enum Lookup {
    Sled(Box<Index>),
    /// Beside an owner, who has the index: a table built at the first question.
    Table(Mutex<Option<Arc<Table>>>),
}

#[derive(Default)]
struct Table {
    /// By key, then source.
    keys: BTreeMap<String, BTreeMap<String, Vec<u64>>>,
    checkpoints: BTreeMap<String, serde_json::Value>,
}

/// Size of a store.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stats {
    /// Highest durable sequence, which is the number of records.
    pub head: u64,
    /// Segment files.
    pub segments: u64,
    /// Room the committed log takes, bytes.
    pub log_bytes: u64,
    /// Room the index takes, bytes; 0 when opened for reading only.
    pub index_bytes: u64,
}

impl Segments {
    /// Verifies the store at `dir` beside any owner, reading every byte of the log. An absent log is sound, unless
    /// look-ups are there: they are made after it, so it is gone.
    ///
    /// # Errors
    /// [`Error::Io`] when a file cannot be read at all, [`Error::NewerFormat`]. Damage is no error here: it
    /// is the answer.
    pub fn verify(dir: &Path) -> Result<Verification, Error> {
        let log = dir.join(LOG);
        if !log.exists() && dir.join(INDEX).is_dir() {
            return Ok(Verification { events: 0, head: 0, chain: verify::Chain::Broken, first_bad: Some(1) });
        }
        verify::verify(&log)
    }

    /// Sizes.
    pub fn stats(&self) -> Stats {
        let catalog = self.catalog();
        Stats {
            head: self.head(),
            segments: catalog.0.len() as u64,
            log_bytes: catalog.0.iter().map(|s| s.bytes).sum(),
            index_bytes: self.index().map_or(0, Index::bytes),
        }
    }

    /// What opening found and did.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Brings the head anchor up to date; a daemon calls this about once a second, so that the anchor does
    /// not lag while nothing is appended.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Poisoned`].
    pub fn anchor(&self) -> Result<(), Error> {
        let mut committer = self.committer()?;
        match &mut committer.writer {
            Some(writer) => {
                writer.check()?;
                writer.anchor(self.clock.now())
            }
            None => Ok(()),
        }
    }

    /// Closes: anchor and index are brought up to date and synced, the lock is given back.
    ///
    /// # Errors
    /// [`Error::Poisoned`], [`Error::Io`], [`Error::Index`]. The log is durable all the same.
    pub fn close(mut self) -> Result<(), Error> {
        self.shut()
    }

    fn shut(&mut self) -> Result<(), Error> {
        let Some(mut lock) = held(&self.lock).take() else { return Ok(()) };
        // The index goes before the lock is given back, whatever fails: the next owner must find it free.
        let Lookup::Sled(index) = std::mem::replace(&mut self.lookup, Lookup::Table(Mutex::default())) else {
            return Ok(());
        };
        let done = self.anchor().and_then(|()| index.flush());
        let freed = index.free();
        done.and(freed)?;
        lock.closed().map_err(Error::io(&self.log))
    }

    pub(crate) fn index(&self) -> Option<&Index> {
        match &self.lookup {
            Lookup::Sled(index) => Some(index),
            Lookup::Table(_) => None,
        }
    }

    fn committer(&self) -> Result<MutexGuard<'_, Committer>, Error> {
        self.committer
            .lock()
            .map_err(|_| Error::Poisoned { why: "a thread panicked in the middle of an append".into() })
    }

    fn catalog(&self) -> std::sync::RwLockReadGuard<'_, Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes committed frames findable.
    fn place(&self, placed: &[Placed]) {
        let mut catalog = self.catalog.write().unwrap_or_else(PoisonError::into_inner);
        for frame in placed {
            if catalog.0.last().is_none_or(|s| s.first != frame.segment) {
                let path = self.log.join(crate::segment::name(frame.segment));
                catalog.0.push(SegmentInfo::new(frame.segment, path));
            }
            if let Some(segment) = catalog.0.last_mut() {
                segment.mark(frame.first, frame.offset);
                segment.bytes = frame.end;
            }
        }
    }

    /// The decoded block that holds `seq`, which must not be beyond the head.
    fn block(&self, seq: u64) -> Result<Arc<Vec<Record>>, Error> {
        if let Some(block) = self.cache.block(seq) {
            return Ok(block);
        }
        let lost = || Error::damaged(seq, "its block is not where it was written");
        let (path, offset) = self.catalog().from(seq).into_iter().next().ok_or_else(lost)?;
        let mut frames = Frames::open(&path, offset, POINT_BUFFER)?;
        frames.skip_before(seq)?;
        let Step::Frame(frame) = frames.step()? else { return Err(lost()) };
        if !(frame.head.first..=frame.head.last_seq()).contains(&seq) {
            return Err(lost());
        }
        let mut unpacker = Unpacker::default();
        let records: Result<Vec<_>, _> = frame.records(&mut unpacker)?.collect();
        let block = Arc::new(records.map_err(|what| upcast(frame.head.first, what))?);
        self.cache.put(Arc::clone(&block));
        Ok(block)
    }

    fn table(&self, table: &Mutex<Option<Arc<Table>>>) -> Result<Arc<Table>, Error> {
        let mut slot = held(table);
        if let Some(table) = &*slot {
            return Ok(Arc::clone(table));
        }
        let mut built = Table::default();
        self.read(1, &mut |record| {
            match &record.body {
                Body::Fact(fact) => {
                    let sources = built.keys.entry(fact.key.clone()).or_default();
                    sources.entry(fact.source.clone()).or_default().push(record.seq);
                }
                Body::System(System { system, name, data }) if system == crate::CHECKPOINT => {
                    built.checkpoints.insert(name.clone(), data.clone());
                }
                Body::System(_) => {}
            }
            ControlFlow::Continue(())
        })?;
        Ok(Arc::clone(slot.insert(Arc::new(built))))
    }
}

impl Drop for Segments {
    fn drop(&mut self) {
        if let Err(error) = self.shut() {
            tracing::warn!(%error, "the store was not closed in good order");
        }
    }
}

impl EventLog for Segments {
    fn append(&self, batch: Append) -> Result<Receipt, Error> {
        self.enqueue(batch)
    }

    fn read(&self, from: u64, visit: &mut dyn FnMut(&Record) -> ControlFlow<()>) -> Result<(), Error> {
        let head = self.head();
        let from = from.max(1);
        let mut next = from;
        if next > head {
            return Ok(());
        }
        let mut unpacker = Unpacker::default();
        let mut record = crate::codec::blank();
        let files = self.catalog().from(from);
        for (path, offset) in &files {
            let mut frames = Frames::open(path, *offset, SCAN_BUFFER)?;
            frames.skip_before(next)?;
            loop {
                let frame = match frames.step()? {
                    Step::Frame(frame) => frame,
                    Step::End => break,
                    Step::Bad(what) => return Err(Error::damaged(next, what)),
                };
                if !(frame.head.first..=frame.head.last_seq()).contains(&next) {
                    return Err(Error::damaged(next, "its block is not where it was written"));
                }
                let mut records = frame.records(&mut unpacker)?;
                while let Some(outcome) = records.next_into(&mut record) {
                    outcome.map_err(|what| upcast(frame.head.first, what))?;
                    if record.seq >= next && visit(&record).is_break() {
                        return Ok(());
                    }
                }
                next = frame.head.last_seq().saturating_add(1);
                if next > head {
                    return Ok(());
                }
            }
        }
        Err(Error::damaged(next, "the log ends early"))
    }

    fn head(&self) -> u64 {
        *self.durable.borrow()
    }

    fn get(&self, seq: u64) -> Result<Option<Record>, Error> {
        if seq == 0 || seq > self.head() {
            return Ok(None);
        }
        Ok(cache::record(&self.block(seq)?, seq).cloned())
    }

    fn keys_latest(&self, source: &str, key: &str) -> Result<Vec<u64>, Error> {
        match &self.lookup {
            Lookup::Sled(index) => index.keys(source, key),
            Lookup::Table(table) => {
                let table = self.table(table)?;
                Ok(table.keys.get(key).and_then(|sources| sources.get(source)).cloned().unwrap_or_default())
            }
        }
    }

    fn find_key(&self, key: &str) -> Result<Vec<(String, Vec<u64>)>, Error> {
        match &self.lookup {
            Lookup::Sled(index) => index.find(key),
            Lookup::Table(table) => {
                Ok(self.table(table)?.keys.get(key).cloned().into_iter().flatten().collect())
            }
        }
    }

    fn checkpoint(&self, feed: &str) -> Result<Option<serde_json::Value>, Error> {
        match &self.lookup {
            Lookup::Sled(index) => index.checkpoint(feed),
            Lookup::Table(table) => Ok(self.table(table)?.checkpoints.get(feed).cloned()),
        }
    }

    fn snapshot_put(&self, name: &str, seq: u64, bytes: &[u8]) -> Result<(), Error> {
        match self.index() {
            Some(index) if seq <= self.head() => index.snapshot_put(name, seq, bytes),
            _ => Ok(()),
        }
    }

    fn snapshot_get(&self, name: &str, at_most: u64) -> Result<Option<(u64, Vec<u8>)>, Error> {
        self.index().map_or(Ok(None), |index| index.snapshot_get(name, at_most))
    }

    fn subscribe(&self) -> watch::Receiver<u64> {
        self.durable.subscribe()
    }

    fn import(&self, records: &mut dyn Iterator<Item = Result<Record, Error>>) -> Result<Receipt, Error> {
        let mut committer = self.committer()?;
        let Committer { writer, ids } = &mut *committer;
        let writer = writer.as_mut().ok_or(Error::ReadOnly)?;
        writer.check()?;
        if writer.head() > 0 {
            return Err(Error::NotEmpty { head: writer.head() });
        }
        let mut last = DateTime::<Utc>::MIN_UTC;
        let mut taken = Ids::default();
        let mut stored = 0;
        let mut group = writer.begin()?;
        let mut records = records;
        let pushed = Iterator::try_for_each(&mut records, |record| {
            let record = check_next(record?, group.next(), last)?;
            last = record.recorded_at;
            if let Some(fact) = record.fact() {
                taken.insert(fact.id, record.seq);
                stored += 1;
            }
            group.push(record.recorded_at, BodyRef::from(&record.body))
        });
        if let Err(error) = pushed {
            group.abort();
            return Err(error);
        }
        let placed = group.finish(last)?;
        writer.sync_if_dirty()?;
        self.place(&placed);
        *ids = taken;
        let head = writer.head();
        *held(&self.tip) = (head, writer.chain());
        self.durable.send_replace(head);
        if let Some(index) = self.index() {
            self.fill(index, 1, (head, writer.chain()))?;
        }
        writer.anchor(self.clock.now())?;
        Ok(Receipt { stored, duplicate: 0, head, seqs: Vec::new() })
    }
}

/// `now`, or just after `last` when the clock has jumped back or stands still: no two appends are one moment, so that what
/// was evaluated between them is told apart from what was evaluated after both. Whole microseconds, so that every form of
/// it is equal.
pub(crate) fn not_before(now: DateTime<Utc>, last: DateTime<Utc>) -> DateTime<Utc> {
    now.trunc_subsecs(6).max(last.checked_add_signed(TimeDelta::microseconds(1)).unwrap_or(last))
}

/// Whether `record` may follow in an import; a nil id is computed.
pub(crate) fn check_next(mut record: Record, next: u64, last: DateTime<Utc>) -> Result<Record, Error> {
    if record.seq != next {
        return Err(Error::Input { seq: next, what: format!("it carries sequence {}", record.seq) });
    }
    if record.recorded_at < last {
        return Err(Error::Input {
            seq: next,
            what: "its recorded_at is before that of the record before".into(),
        });
    }
    if let Body::Fact(fact) = &mut record.body
        && fact.id.is_nil()
    {
        fact.seal();
    }
    Ok(record)
}

/// The frame's checksum held, so the bytes are as written: this program cannot read them.
fn upcast(seq: u64, what: String) -> Error {
    Error::Upcast { seq, format: crate::FORMAT, what }
}
