//! The append-only event log of Bellwether.
//!
//! # What it is
//! [`Segments`] keeps records in plain files: frames with a checksum, linked by a hash chain, with an anchor
//! outside the log that says how far it had come. An append is durable before it is acknowledged, atomic
//! however large it is, and free of duplicates. `sled` beside it answers what is looked up (the sequences of
//! a key, checkpoints, snapshots) and can be deleted at any time: the next open rebuilds it from the log.
//! [`Memory`] is the same contract without a disk. Both are an [`EventLog`] and pass one conformance suite.
//!
//! # What it is not
//! - Not a database: no queries, no updates, no deletes, no compaction. Meaning belongs to the projections.
//! - Not a message broker: [`EventLog::subscribe`] tells the durable head within this process, nothing more.
//! - Not shared: one process owns the folder ([`Error::Busy`] for the second). [`Segments::open_read`] reads
//!   beside the owner, without its index and snapshots.
//! - Not replicated, and not proof against an owner who rewrites log and anchor together.
//!
//! # Layout on disk
//! `log/00000000000000000001.seg` … (segments named by their first sequence), `log/HEAD` (the anchor), `sled/`
//! (rebuildable), `LOCK` (who owns the store).
//!
//! # Example
//! ```
//! use std::sync::Arc;
//! use bellwether_store::{Append, EventLog, Segments, SystemClock};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! let log = Segments::open(dir.path(), Arc::new(SystemClock))?;
//! let receipt = log.append(Append::default().checkpoint("a-feed", serde_json::json!({"line": 7})))?;
//! assert_eq!((receipt.head, log.head()), (1, 1));
//! assert_eq!(log.checkpoint("a-feed")?, Some(serde_json::json!({"line": 7})));
//! log.close()?;
//! # Ok(())
//! # }
//! ```

mod admit;
mod cache;
mod clock;
mod codec;
mod error;
mod ids;
mod index;
mod lock;
mod log;
mod memory;
mod options;
mod salvage;
mod segment;
mod segments;
mod verify;

pub use clock::{FixedClock, StoreClock, SystemClock};
pub use error::Error;
pub use lock::owner;
pub use log::{Append, CHECKPOINT, EventLog, Receipt, SNAPSHOTS};
pub use memory::Memory;
pub use options::Options;
pub use salvage::{LOST, Lost, Salvaged};
pub use segment::disk;
pub use segments::{Opened, Segments, Stats};
pub use verify::{Chain, Verification};

/// Newest store format this program reads, and the one it writes.
pub const FORMAT: u32 = 1;

/// Locks state that a panicking holder cannot have left half-changed.
fn held<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
