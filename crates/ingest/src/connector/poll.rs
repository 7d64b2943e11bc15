//! Connectors that are asked again and again: what they answer, and what a feed remembers between two answers.

use std::fs::File;
use std::future::Future;
use std::io::{Seek, SeekFrom};
use std::pin::Pin;
use std::time::Duration;

use bellwether_model::{Problem, Stamp};
use chrono::{DateTime, Utc};

use super::Input;
use crate::IngestError;

/// What a feed remembers between polls; `null` before the first. It is stored as the feed's checkpoint, in the same
/// append as the last facts of the source that moved it.
pub type Cursor = serde_json::Value;

/// One whole source, spooled to an unnamed file: it can be read twice, once to judge it and once to take it.
#[derive(Debug)]
pub struct Source {
    /// Name that evidence and findings give it.
    pub name: String,
    /// Where it came from.
    pub uri: Option<String>,
    /// Publication that the transport states, where the feed file lets it.
    pub published_at: Option<Stamp>,
    /// The bytes.
    pub file: File,
    /// Name and bytes of the side files that were found beside it.
    pub beside: Vec<(String, File)>,
}

impl Source {
    /// The bytes from their beginning.
    ///
    /// Errors: [`IngestError::Source`] when the spool file cannot be read again.
    pub fn input(&self) -> Result<Input, IngestError> {
        let open = || -> std::io::Result<Input> {
            let again = |file: &File| -> std::io::Result<File> {
                let mut file = file.try_clone()?;
                file.seek(SeekFrom::Start(0))?;
                Ok(file)
            };
            let beside = self.beside.iter().map(|(name, file)| Ok((name.clone(), again(file)?)));
            let beside = beside.collect::<std::io::Result<_>>()?;
            Ok(Input { beside, ..Input::file(&self.name, again(&self.file)?)? })
        };
        open().map_err(|e| IngestError::read(&self.name, &e))
    }
}

/// What one poll brought.
#[derive(Debug)]
pub enum Polled {
    /// The source answered and has nothing new.
    Unchanged {
        /// What to remember now.
        cursor: Cursor,
    },
    /// One source to take in; `more` says that a further one waits and need not be waited for.
    Found {
        /// The source.
        source: Source,
        /// What to remember once all of it is in the log.
        cursor: Cursor,
        /// Whether to poll again at once.
        more: bool,
    },
}

/// Why a feed cannot be trusted right now. Nothing of the answer is taken; the last good one stands.
#[derive(Clone, Debug)]
pub struct Degraded {
    /// What is wrong and what would help.
    pub problem: Problem,
    /// How long the source asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// A poll under way.
pub type Polling<'p> = Pin<Box<dyn Future<Output = Result<Polled, Degraded>> + Send + 'p>>;

/// A connector that a daemon asks on a schedule.
///
/// A poll may be dropped at any point: what it had spooled goes with it, and the cursor has not moved.
pub trait Poll: Send {
    /// Asks once. `now` is the present moment, for ages and for dates that a server states relative to its own.
    fn poll<'p>(&'p mut self, cursor: &'p Cursor, now: DateTime<Utc>) -> Polling<'p>;

    /// Says that the source which the last poll found was judged and refused ([`crate::take`] answered
    /// [`IngestError::Source`]). A connector that has others goes on with them after some tries; not being told, it
    /// offers the same one for ever. Not for a log or a disk that fails: the source is then still to be taken.
    fn refused(&mut self, why: &Problem) {
        let _ = why;
    }

    /// What the connector had to give up or pass over since it was last asked: to be shown and counted, the feed goes
    /// on without it.
    fn problems(&mut self) -> Vec<Problem> {
        Vec::new()
    }
}
