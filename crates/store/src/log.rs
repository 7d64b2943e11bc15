//! The contract of every backend.

use std::ops::ControlFlow;

use bellwether_model::{Fact, Record, System};
use tokio::sync::watch;

use crate::Error;

/// One atomic batch: either all of it is in the log or none.
#[derive(Clone, Debug, Default)]
pub struct Append {
    /// Facts in order. A nil id is computed, any other is taken as it is.
    pub facts: Vec<Fact>,
    /// System records, stored after the facts in their order; a feed's checkpoint for instance.
    pub systems: Vec<System>,
    /// Refuse the batch when the head is another one.
    pub expected_head: Option<u64>,
}

impl Append {
    /// A batch of facts and nothing else.
    pub fn facts(facts: Vec<Fact>) -> Self {
        Self { facts, ..Self::default() }
    }

    /// A batch of system records and nothing else: all of them are in the log, or none.
    pub fn systems(systems: Vec<System>) -> Self {
        Self { systems, ..Self::default() }
    }

    /// Adds the checkpoint of `feed`: it becomes durable together with the facts, or not at all.
    #[must_use]
    pub fn checkpoint(mut self, feed: impl Into<String>, data: serde_json::Value) -> Self {
        self.systems.push(System { system: CHECKPOINT.into(), name: feed.into(), data });
        self
    }

    /// Sets the head at which the batch is to be stored.
    #[must_use]
    pub fn at_head(mut self, head: u64) -> Self {
        self.expected_head = Some(head);
        self
    }
}

/// `System::system` of a feed's checkpoint.
pub const CHECKPOINT: &str = "checkpoint";

/// Snapshots of one name that stay: the newest, and some before it, should that one be damaged.
pub const SNAPSHOTS: usize = 3;

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Facts stored.
    pub stored: u64,
    /// Facts dropped because the log (or the batch before them) holds the same statement.
    pub duplicate: u64,
    /// Highest durable sequence after the batch.
    pub head: u64,
    /// Sequences of the stored facts, ascending; empty after an import.
    pub seqs: Vec<u64>,
}

/// An append-only log of facts and system records under one gapless sequence from 1.
///
/// All methods may be called from several threads; appends are serialised by the log.
pub trait EventLog: Send + Sync {
    /// Appends a batch atomically; when it returns, the batch is durable.
    ///
    /// Duplicates (same source, key and content) are dropped and counted. The whole batch gets one
    /// `recorded_at`, never before that of the previous batch.
    ///
    /// # Errors
    /// [`Error::HeadMoved`] when `expected_head` differs, [`Error::DiskFull`] (nothing stored, may be sent
    /// again), [`Error::Poisoned`] after a failed sync, [`Error::TooLarge`], [`Error::Io`].
    fn append(&self, batch: Append) -> Result<Receipt, Error>;

    /// Visits records with `seq >= from` in log order until the visitor breaks or the head, as it was at the
    /// call, is reached. Streams: memory does not grow with the log.
    ///
    /// # Errors
    /// [`Error::Integrity`] when a stored block cannot be read as it was written, [`Error::Io`].
    fn read(&self, from: u64, visit: &mut dyn FnMut(&Record) -> ControlFlow<()>) -> Result<(), Error>;

    /// Highest durable sequence, 0 when the log is empty.
    fn head(&self) -> u64;

    /// The record at `seq`, `None` beyond the head.
    ///
    /// # Errors
    /// As [`EventLog::read`].
    fn get(&self, seq: u64) -> Result<Option<Record>, Error>;

    /// Sequences of all facts under `source` and `key`, ascending.
    ///
    /// # Errors
    /// [`Error::Index`].
    fn keys_latest(&self, source: &str, key: &str) -> Result<Vec<u64>, Error>;

    /// The same for every source that has `key`, ordered by source.
    ///
    /// # Errors
    /// [`Error::Index`].
    fn find_key(&self, key: &str) -> Result<Vec<(String, Vec<u64>)>, Error>;

    /// Data of the newest checkpoint of `feed`.
    ///
    /// # Errors
    /// [`Error::Index`].
    fn checkpoint(&self, feed: &str) -> Result<Option<serde_json::Value>, Error>;

    /// Keeps `bytes` as the snapshot `name` at `seq`, replacing one at the same place; of a name only the newest
    /// [`SNAPSHOTS`] stay. A cache: it may be gone at the next open or when others have been written, and one beyond the
    /// head is not kept.
    ///
    /// # Errors
    /// [`Error::Index`].
    fn snapshot_put(&self, name: &str, seq: u64, bytes: &[u8]) -> Result<(), Error>;

    /// Newest snapshot `name` with `seq <= at_most`.
    ///
    /// # Errors
    /// [`Error::Index`].
    fn snapshot_get(&self, name: &str, at_most: u64) -> Result<Option<(u64, Vec<u8>)>, Error>;

    /// Follows the durable head: it never shows a sequence that could still be lost.
    fn subscribe(&self) -> watch::Receiver<u64>;

    /// Takes over the records of another log with their `seq` and `recorded_at`, as one atomic batch.
    ///
    /// # Errors
    /// [`Error::NotEmpty`]; [`Error::Input`] when a sequence is not the next one or time runs backwards;
    /// whatever the iterator yields; as [`EventLog::append`]. After an error the log is empty as before.
    fn import(&self, records: &mut dyn Iterator<Item = Result<Record, Error>>) -> Result<Receipt, Error>;
}
