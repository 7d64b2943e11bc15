//! What stops an ingest altogether; a bad record never does.

use bellwether_model::{Problem, Problems};

/// Why nothing, or nothing more, was ingested.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The feed file or an argument is wrong.
    #[error("{0}")]
    Config(Problems),
    /// The source cannot be opened or read, is empty, or lacks what its feed file promises.
    #[error("{0}")]
    Source(Problems),
    /// A fact written by hand, or an entry of the quarantine, is refused.
    #[error("{0}")]
    Refused(Problems),
    /// The log did not take the facts.
    #[error(transparent)]
    Store(#[from] bellwether_store::Error),
    /// The quarantine could not be written or read: nothing may be held back unseen, so the run stops.
    #[error("{0}")]
    Quarantine(Problems),
    /// A fault of this program.
    #[error("internal: {0}")]
    Internal(String),
}

impl IngestError {
    /// Exit code of the command line: 2 a refused fact or entry, 3 configuration, 6 source unavailable,
    /// the store's own for its errors, 1 for the rest.
    pub fn exit_code(&self) -> u8 {
        match self {
            IngestError::Config(_) => 3,
            IngestError::Source(_) => 6,
            IngestError::Refused(_) => 2,
            IngestError::Store(error) => error.exit_code(),
            IngestError::Quarantine(_) | IngestError::Internal(_) => 1,
        }
    }

    /// The findings, where there are any.
    pub fn problems(&self) -> &[Problem] {
        match self {
            IngestError::Config(p)
            | IngestError::Source(p)
            | IngestError::Refused(p)
            | IngestError::Quarantine(p) => &p.0,
            IngestError::Store(_) | IngestError::Internal(_) => &[],
        }
    }
}

impl IngestError {
    /// A source that fails while it is being read.
    pub(crate) fn read(file: &str, error: &std::io::Error) -> Self {
        // A reader of ours that refuses says so itself.
        if let Some(problem) = error.get_ref().and_then(|inner| inner.downcast_ref::<Problem>()) {
            return Self::Source(problem.clone().at(file, 0).into());
        }
        Self::Source(
            Problem::new(
                format!("cannot be read: {error}"),
                "check the path and the permissions, then run again",
            )
            .at(file, 0)
            .into(),
        )
    }
}
