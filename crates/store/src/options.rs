//! What can be set when a store is opened.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::disk::{Disk, OsDisk};

/// Settings of [`Segments::open_with`](crate::Segments::open_with); the defaults suit a daemon.
#[derive(Clone)]
pub struct Options {
    /// A segment that has reached this many bytes is sealed before the next block. Default 64 MiB.
    pub segment_bytes: u64,
    /// Most records in a block. Default 1024.
    pub block_records: u16,
    /// The head anchor is renewed by an append when the last renewal is at least this old; besides at every
    /// seal and at the close. Default 1 s.
    pub anchor_every: Duration,
    /// Keys are handed to the index once this many wait, or when one is asked for. Default 65 536.
    pub index_lag: usize,
    /// Memory that the index may use as cache, bytes. Default 32 MiB.
    pub index_cache: u64,
    /// File operations of the writer; tests put failing ones here.
    pub disk: Arc<dyn Disk>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            block_records: 1024,
            anchor_every: Duration::from_secs(1),
            index_lag: 65_536,
            index_cache: 32 << 20,
            disk: Arc::new(OsDisk),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("segment_bytes", &self.segment_bytes)
            .field("block_records", &self.block_records)
            .field("anchor_every", &self.anchor_every)
            .field("index_lag", &self.index_lag)
            .field("index_cache", &self.index_cache)
            .finish_non_exhaustive()
    }
}
