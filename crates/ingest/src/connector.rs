//! Connectors: how the bytes of a feed arrive.

mod backoff;
mod file;
mod folder;
mod http;
mod poll;
mod secret;
mod settings;
mod stdin;

use std::fs::File;
use std::io::Read;

use crate::{FeedSpec, IngestError};

pub use backoff::backoff;
pub use bellwether_model::Secret;
pub use folder::{Done, FolderSettings, Settle};
pub use http::{Form, HttpSettings, Index, Published, Timeouts};
pub use poll::{Cursor, Degraded, Poll, Polled, Polling, Source};
pub use settings::Connector;
pub(crate) use settings::Written;

impl FeedSpec {
    /// What polls this feed; `None` for one that is read from a file or standard input only.
    ///
    /// Answers are spooled to files without a name in the folder `spool`, which must exist. Polls run on a tokio
    /// runtime with time and network, and need no other preparation.
    pub fn poller(&self, spool: &std::path::Path) -> Option<Box<dyn Poll>> {
        match &self.connector {
            Connector::File | Connector::Stdin => None,
            Connector::Http(settings) => {
                Some(Box::new(http::Http::new(&self.name, settings.as_ref().clone(), spool)))
            }
            Connector::Folder(settings) => {
                let beside = self.joins.iter().map(|join| join.file.clone()).collect();
                Some(Box::new(folder::Folder::new(&self.name, settings.clone(), beside, spool)))
            }
        }
    }
}

/// One opened source: a name to blame and the bytes.
pub struct Input {
    pub(crate) name: String,
    pub(crate) reader: Box<dyn Read + Send>,
    /// The same bytes where they can be sought in; whoever uses it leaves the reader alone.
    pub(crate) file: Option<File>,
    /// Folder of a file on disk: where its side files are.
    pub(crate) folder: Option<std::path::PathBuf>,
    /// Side files that a connector brought with it.
    pub(crate) beside: Vec<(String, File)>,
}

impl Input {
    /// Opens a file, or standard input for `-`.
    ///
    /// The name recorded as evidence is the file's base name: the folder says nothing about the source.
    ///
    /// Errors: [`IngestError::Source`] when the file cannot be opened or is a folder.
    pub fn open(path: &str) -> Result<Self, IngestError> {
        if path == "-" { Ok(stdin::open()) } else { file::open(std::path::Path::new(path)) }
    }

    /// Any reader, under a name.
    pub fn reader(name: impl Into<String>, reader: impl Read + Send + 'static) -> Self {
        Self { name: name.into(), reader: Box::new(reader), file: None, folder: None, beside: Vec::new() }
    }

    /// A file that can be sought in, from where it stands, under a name.
    ///
    /// Errors: those of duplicating its handle.
    pub fn file(name: impl Into<String>, file: File) -> std::io::Result<Self> {
        let again = file.try_clone()?;
        Ok(Self { file: Some(again), ..Self::reader(name, file) })
    }

    /// Bytes already in memory, under a name.
    pub fn bytes(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self::reader(name, std::io::Cursor::new(bytes.into()))
    }

    /// The bytes.
    pub fn into_reader(self) -> Box<dyn Read + Send> {
        self.reader
    }

    /// Name that evidence and findings give the source.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("name", &self.name).finish_non_exhaustive()
    }
}
