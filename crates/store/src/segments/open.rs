//! Opening: lock, walk the log, cut a torn tail, bring the index up to date.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use uuid::Uuid;

use super::{Committer, INDEX, LOG, Lookup, Segments};
use crate::cache::Cache;
use crate::ids::Ids;
use crate::index::Index;
use crate::lock::Lock;
use crate::segment::anchor::Anchor;
use crate::segment::frame::{Chain, Frame};
use crate::segment::scan::{self, Scan, Watch};
use crate::segment::writer::{Position, Writer};
use crate::{Error, EventLog, Options, StoreClock, SystemClock};

/// What opening a store found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Opened {
    /// Highest durable sequence found.
    pub head: u64,
    /// Bytes of an unacknowledged append that were cut off (or passed over when reading only).
    pub cut_bytes: u64,
    /// Whole records among them.
    pub cut_records: u64,
    /// Why they could not stay.
    pub cut_reason: Option<String>,
    /// Whether the index had to be built from nothing.
    pub index_rebuilt: bool,
    /// Records that the index had not seen yet.
    pub index_caught_up: u64,
}

impl Segments {
    /// Opens the store at `dir` as its owner, creating it when absent.
    ///
    /// A torn tail (the remains of an append that was never acknowledged) is cut off and told in
    /// [`Segments::opened`].
    ///
    /// # Errors
    /// [`Error::Busy`] when someone else owns it, [`Error::Integrity`] when anything acknowledged is missing
    /// or changed, [`Error::NewerFormat`], [`Error::Io`], [`Error::Index`].
    pub fn open(dir: &Path, clock: Arc<dyn StoreClock>) -> Result<Self, Error> {
        Self::open_with(dir, clock, &Options::default())
    }

    /// The same with settings.
    ///
    /// # Errors
    /// As [`Segments::open`].
    pub fn open_with(dir: &Path, clock: Arc<dyn StoreClock>, options: &Options) -> Result<Self, Error> {
        Self::open_owned(dir, clock, options, false)
    }

    /// Opens the store at `dir` for reading, beside an owner or not; nothing on disk is touched. Shows the
    /// log as it is now. Look-ups build a table in memory at the first one, snapshots are not to be had.
    ///
    /// # Errors
    /// As [`Segments::open`], but never [`Error::Busy`]; [`Error::Io`] when there is no store.
    pub fn open_read(dir: &Path, clock: Arc<dyn StoreClock>) -> Result<Self, Error> {
        let log = dir.join(LOG);
        let (scan, learner) = scan::beside_owner(&log, Learner::default)?;
        let opened = report(&scan);
        Ok(Self {
            log,
            clock,
            committer: Mutex::new(Committer { writer: None, ids: learner.ids }),
            queue: super::commit::Queue::default(),
            catalog: RwLock::new(scan.catalog),
            cache: Cache::default(),
            lookup: Lookup::Table(Mutex::new(None)),
            durable: watch::Sender::new(scan.head),
            tip: Mutex::new((scan.head, scan.chain)),
            lock: Mutex::new(None),
            opened,
        })
    }

    /// Throws the index of the store at `dir` away and builds it from the log. Returns the number of records
    /// read.
    ///
    /// # Errors
    /// As [`Segments::open`].
    pub fn rebuild_index(dir: &Path) -> Result<u64, Error> {
        let log = Self::open_owned(dir, Arc::new(SystemClock), &Options::default(), true)?;
        let head = log.head();
        log.close()?;
        Ok(head)
    }

    fn open_owned(
        dir: &Path,
        clock: Arc<dyn StoreClock>,
        options: &Options,
        fresh_index: bool,
    ) -> Result<Self, Error> {
        fs::create_dir_all(dir).map_err(Error::io(dir))?;
        let lock = Lock::take(dir)?;
        let log = dir.join(LOG);
        start(dir, &log, options)?;

        let folder = dir.join(INDEX);
        let discard = fresh_index || lock.after_power_cut();
        let index = Index::open(&folder, options.index_cache, options.index_lag, discard)?;
        let covered = index.covered();

        let mut learner = Learner { watched: covered.0, ..Learner::default() };
        let scan = scan::scan(&log, &mut learner)?;
        let mut opened = report(&scan);
        cut(&log, &scan, options)?;

        let position = Position {
            segment: scan.catalog.0.last().map_or(0, |s| s.first),
            offset: scan.catalog.0.last().map_or(0, |s| s.bytes),
            head: scan.head,
            chain: scan.chain,
        };
        // An index of another history (a restored log, say) is no use.
        let same = covered.0 == 0 || learner.chain_there == Some(covered.1);
        if !same {
            index.clear()?;
        }
        let from = if same { covered.0 } else { 0 };
        opened.index_rebuilt = scan.head > 0 && from == 0;
        opened.index_caught_up = scan.head.saturating_sub(from);

        let store = Self {
            log: log.clone(),
            clock,
            committer: Mutex::new(Committer { writer: None, ids: learner.ids }),
            queue: super::commit::Queue::default(),
            catalog: RwLock::new(scan.catalog),
            cache: Cache::default(),
            lookup: Lookup::Sled(Box::new(index)),
            durable: watch::Sender::new(scan.head),
            tip: Mutex::new((scan.head, scan.chain)),
            lock: Mutex::new(Some(lock)),
            opened,
        };
        if let Some(index) = store.index()
            && from < scan.head
        {
            store.fill(index, from.saturating_add(1), (scan.head, scan.chain))?;
        }
        let last_at = store.get(scan.head)?.map_or(DateTime::<Utc>::MIN_UTC, |r| r.recorded_at);
        let writer = Writer::new(log, options, position, last_at, scan.anchor)?;
        store.committer()?.writer = Some(writer);
        Ok(store)
    }

    /// Hands the index the records from `from` on.
    pub(super) fn fill(&self, index: &Index, from: u64, covered: (u64, Chain)) -> Result<(), Error> {
        self.read(from, &mut |record| {
            index.learn_one(record);
            ControlFlow::Continue(())
        })?;
        index.learn(std::iter::empty(), covered);
        Ok(())
    }
}

/// Makes the folders and the anchor of a new store, durably and before any segment: from then on a missing
/// anchor means damage.
fn start(dir: &Path, log: &Path, options: &Options) -> Result<(), Error> {
    if !log.exists() {
        fs::create_dir_all(log).map_err(Error::io(log))?;
        options.disk.sync_dir(dir).map_err(Error::io(dir))?;
    }
    if Anchor::read(log)?.is_none() && crate::segment::list(log)?.is_empty() {
        Anchor::START.write(log, &*options.disk)?;
    }
    Ok(())
}

/// Cuts off what the walk could not accept.
fn cut(log: &Path, scan: &Scan, options: &Options) -> Result<(), Error> {
    let Some(torn) = &scan.torn else { return Ok(()) };
    tracing::warn!(bytes = torn.bytes, records = torn.records, why = %torn.what, "an unfinished append is cut off");
    // Newest first: were this interrupted, what remains would still be one unfinished append.
    for (first, path) in crate::segment::list(log)?.iter().rev() {
        match scan.catalog.0.iter().find(|s| s.first == *first) {
            Some(segment) => {
                let len = fs::metadata(path).map_err(Error::io(path))?.len();
                if len > segment.bytes {
                    let mut file = options.disk.open(path, false).map_err(Error::io(path))?;
                    file.cut(segment.bytes).and_then(|()| file.sync()).map_err(Error::io(path))?;
                }
            }
            None => fs::remove_file(path).map_err(Error::io(path))?,
        }
    }
    options.disk.sync_dir(log).map_err(Error::io(log))
}

fn report(scan: &Scan) -> Opened {
    let torn = scan.torn.clone();
    Opened {
        head: scan.head,
        cut_bytes: torn.as_ref().map_or(0, |t| t.bytes),
        cut_records: torn.as_ref().map_or(0, |t| t.records),
        cut_reason: torn.map(|t| t.what),
        index_rebuilt: false,
        index_caught_up: 0,
    }
}

/// Learns ids of committed records, and the chain at one sequence of interest.
#[derive(Default)]
struct Learner {
    ids: Ids,
    /// Of the append under way, which may not count.
    uncommitted: Vec<(u64, Vec<u8>)>,
    watched: u64,
    chain_there: Option<Chain>,
}

impl Watch for Learner {
    fn frame(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        self.uncommitted.push((frame.head.first, frame.ids.to_vec()));
        Ok(())
    }

    fn commit(&mut self, head: u64, chain: &Chain) {
        for (first, ids) in self.uncommitted.drain(..) {
            self.ids.reserve(ids.len() / 16);
            for (seq, id) in (first..).zip(ids.as_chunks::<16>().0) {
                let id = Uuid::from_bytes(*id);
                if !id.is_nil() {
                    self.ids.insert(id, seq);
                }
            }
        }
        if head == self.watched {
            self.chain_there = Some(*chain);
        }
    }
}
