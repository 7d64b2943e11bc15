//! One quarantine for all feeds: one writer at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bellwether_ingest::{Entry, FileQuarantine, IngestError, Quarantine};

/// A handle on the store's quarantine.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Mutex<FileQuarantine>>);

impl Shared {
    pub(crate) fn new(quarantine: FileQuarantine) -> Self {
        Self(Arc::new(Mutex::new(quarantine)))
    }

    fn held(&self) -> MutexGuard<'_, FileQuarantine> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Quarantine for Shared {
    fn hold(&mut self, entry: Entry) -> Result<(), IngestError> {
        self.held().hold(entry)
    }

    // What another feed has held in between becomes durable a little earlier than it asked for.
    fn sync(&mut self) -> Result<(), IngestError> {
        self.held().sync()
    }
}
