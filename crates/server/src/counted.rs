//! The log as the daemon's parts see it: counted, watched for its end, and closed to writers at a stop.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bellwether_model::Record;
use bellwether_store::{Append, Error, EventLog, Receipt};
use tokio::sync::watch;

/// A log in use by a daemon.
pub(crate) struct Counted {
    log: Arc<dyn EventLog>,
    appends: AtomicU64,
    closed: AtomicBool,
    /// What ended the writer, once something did.
    failed: watch::Sender<Option<String>>,
}

impl Counted {
    pub(crate) fn new(log: Arc<dyn EventLog>) -> Self {
        Self {
            log,
            appends: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            failed: watch::Sender::new(None),
        }
    }

    /// Appends acknowledged since the start.
    pub(crate) fn appends(&self) -> u64 {
        self.appends.load(Ordering::Relaxed)
    }

    /// From now on nothing more is taken.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Notes what ended the writer.
    pub(crate) fn fail(&self, error: &Error) {
        if matches!(error, Error::Poisoned { .. } | Error::Integrity { .. }) {
            self.failed.send_if_modified(|failed| {
                let first = failed.is_none();
                failed.get_or_insert_with(|| error.to_string());
                first
            });
        }
    }

    /// Follows what ended the writer.
    pub(crate) fn failed(&self) -> watch::Receiver<Option<String>> {
        self.failed.subscribe()
    }

    fn seen<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            self.fail(error);
        }
        result
    }
}

impl EventLog for Counted {
    fn append(&self, batch: Append) -> Result<Receipt, Error> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(Error::Closing);
        }
        let receipt = self.seen(self.log.append(batch))?;
        self.appends.fetch_add(1, Ordering::Relaxed);
        Ok(receipt)
    }

    fn read(&self, from: u64, visit: &mut dyn FnMut(&Record) -> ControlFlow<()>) -> Result<(), Error> {
        self.seen(self.log.read(from, visit))
    }

    fn head(&self) -> u64 {
        self.log.head()
    }

    fn get(&self, seq: u64) -> Result<Option<Record>, Error> {
        self.seen(self.log.get(seq))
    }

    fn keys_latest(&self, source: &str, key: &str) -> Result<Vec<u64>, Error> {
        self.log.keys_latest(source, key)
    }

    fn find_key(&self, key: &str) -> Result<Vec<(String, Vec<u64>)>, Error> {
        self.log.find_key(key)
    }

    fn checkpoint(&self, feed: &str) -> Result<Option<serde_json::Value>, Error> {
        self.log.checkpoint(feed)
    }

    fn snapshot_put(&self, name: &str, seq: u64, bytes: &[u8]) -> Result<(), Error> {
        self.log.snapshot_put(name, seq, bytes)
    }

    fn snapshot_get(&self, name: &str, at_most: u64) -> Result<Option<(u64, Vec<u8>)>, Error> {
        self.log.snapshot_get(name, at_most)
    }

    fn subscribe(&self) -> watch::Receiver<u64> {
        self.log.subscribe()
    }

    fn import(&self, records: &mut dyn Iterator<Item = Result<Record, Error>>) -> Result<Receipt, Error> {
        self.seen(self.log.import(records))
    }
}
