//! What can go wrong, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Every way in which the store refuses or fails. The text of each says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused a file operation.
    #[error("{}: {source}; check that the path exists, is writable and its disk is healthy", path.display())]
    Io {
        /// File or folder concerned.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// No room left; nothing was acknowledged, the log stands as before.
    #[error("{}: the disk is full; nothing of this batch was stored: make room and send it again", path.display())]
    DiskFull {
        /// File that could not grow.
        path: PathBuf,
    },
    /// Something that the log acknowledged is missing or changed.
    #[error("the log is damaged at sequence {seq}: {what}; {remedy}")]
    Integrity {
        /// First sequence that cannot be trusted; 0 when the damage has no place in the sequence.
        seq: u64,
        /// What is wrong.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// An earlier sync failed: what the disk holds is unknown, so nothing more is acknowledged.
    #[error("the writer stopped after a failed sync ({why}); check the disk, then open the store again")]
    Poisoned {
        /// The failure that stopped it.
        why: String,
    },
    /// Another process (or another handle of this one) owns the store.
    #[error("{} is held by {holder}; stop it, or send the request to it", path.display())]
    Busy {
        /// Process and host as written in the lock file.
        holder: String,
        /// The lock file.
        path: PathBuf,
    },
    /// The log moved on since the caller looked.
    #[error("expected the log at sequence {expected} but it is at {head}; read on from there and try again")]
    HeadMoved {
        /// Head the caller expected.
        expected: u64,
        /// Head as it is.
        head: u64,
    },
    /// Written by a newer program.
    #[error(
        "{} has store format {found}, this program reads up to {supported}; use a newer bellwether",
        path.display()
    )]
    NewerFormat {
        /// File concerned.
        path: PathBuf,
        /// Format found in it.
        found: u32,
        /// Newest format this program knows.
        supported: u32,
    },
    /// A record of an older format cannot be read as today's.
    #[error(
        "sequence {seq} of store format {format} cannot be read as a current record: {what}; report it, the log is untouched"
    )]
    Upcast {
        /// Record concerned.
        seq: u64,
        /// Format it was written in.
        format: u32,
        /// What does not fit.
        what: String,
    },
    /// One record is larger than a frame may be.
    #[error(
        "a record of {bytes} bytes exceeds the limit of {limit}; keep large texts outside and store their address"
    )]
    TooLarge {
        /// Encoded size.
        bytes: usize,
        /// Limit.
        limit: usize,
    },
    /// A record that could be written but not read again.
    #[error("a record cannot be stored: {what}; nothing of this batch was")]
    Unstorable {
        /// What is wrong with it.
        what: String,
    },
    /// Import needs an empty log.
    #[error(
        "the log already holds {} and an import keeps sequence numbers; import into a new store folder",
        bellwether_model::counted(*head, "record", "records")
    )]
    NotEmpty {
        /// Its head.
        head: u64,
    },
    /// A copy needs a folder without a log.
    #[error("{} already holds a log; name a new store folder, or move this one away", path.display())]
    Occupied {
        /// The log folder.
        path: PathBuf,
    },
    /// What an import reads is not a record or not the next one.
    #[error("record {seq} of the import: {what}; nothing was imported: export the source again")]
    Input {
        /// Position in the import, from 1.
        seq: u64,
        /// What is wrong.
        what: String,
    },
    /// The key index failed; the log itself is whole.
    #[error("the key index failed ({what}); the log is whole: run `store rebuild-index`")]
    Index {
        /// What the index said.
        what: String,
    },
    /// The store was opened for reading only.
    #[error("the store was opened for reading only; open it as its owner to write")]
    ReadOnly,
    /// Its owner is stopping and takes nothing more.
    #[error("the store is being closed; send the batch again once it is open")]
    Closing,
}

impl Error {
    /// Exit code of the command line: 2 what was asked for cannot be done, 5 integrity, 7 store busy, 1 internal.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Integrity { .. }
            | Error::Poisoned { .. }
            | Error::NewerFormat { .. }
            | Error::Upcast { .. }
            | Error::Input { .. } => 5,
            Error::Busy { .. } => 7,
            Error::Occupied { .. } | Error::NotEmpty { .. } => 2,
            _ => 1,
        }
    }

    /// Damage within what the log acknowledged.
    pub(crate) fn damaged(seq: u64, what: impl Into<String>) -> Self {
        Error::Integrity {
            seq,
            what: what.into(),
            remedy: "restore a backup, or copy what is whole into a new store: `store salvage`".into(),
        }
    }

    /// Names the path of a failed file operation.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Error::DiskFull { path: path.to_owned() }
            }
            _ => Error::Io { path: path.to_owned(), source },
        }
    }
}
