//! Connectors: how the bytes of a feed arrive.

mod file;
mod poll;
mod stdin;

use std::io::Read;

use serde::{Deserialize, Serialize};

use crate::IngestError;

pub use poll::{Cursor, Degraded, Poll, Polled, Polling, Source};

/// How a feed's bytes arrive by default; any feed may also be given a path or `-` by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Connector {
    /// A file named on the command line.
    File {},
    /// Standard input.
    Stdin {},
}

/// One opened source: a name to blame and the bytes.
pub struct Input {
    pub(crate) name: String,
    pub(crate) reader: Box<dyn Read + Send>,
    /// Folder of a file on disk: where its side files are.
    pub(crate) folder: Option<std::path::PathBuf>,
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
        Self { name: name.into(), reader: Box::new(reader), folder: None }
    }

    /// Bytes already in memory, under a name.
    pub fn bytes(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self::reader(name, std::io::Cursor::new(bytes.into()))
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
