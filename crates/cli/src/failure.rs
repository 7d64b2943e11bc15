//! What ends a command, and the exit code for it.

use std::fmt;

use bellwether_ingest::IngestError;
use bellwether_model::{Problem, Problems};

use crate::out;
use crate::remote::Told;
use crate::render::counted;

/// Why a command stopped.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line asks for what cannot be done.
    Usage(Box<Problem>),
    /// The configuration has faults.
    Config(Problems),
    /// Nothing matched; what stands on standard output says so too.
    Nothing(Box<Problem>),
    /// A source cannot be read.
    Source(Box<Problem>),
    /// The store refused or failed.
    Store(bellwether_store::Error),
    /// An ingest refused or failed.
    Ingest(IngestError),
    /// A daemon refused, or did not answer.
    Daemon(Box<Told>),
    /// The log is damaged, and that was the answer.
    Broken,
    /// A check failed, and that was the answer; with the exit code of its kind.
    Checked(u8),
    /// Whoever read the output has gone: a quiet end.
    ReaderGone,
    /// A fault of this program or of its surroundings.
    Internal(String),
}

impl Failure {
    /// A wrong command line, with the remedy.
    pub(crate) fn usage(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Usage(Box::new(Problem::new(message, remedy)))
    }

    /// Nothing matched, with the remedy.
    pub(crate) fn nothing(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Nothing(Box::new(Problem::new(message, remedy)))
    }

    /// A source that cannot be read.
    pub(crate) fn source(name: &str, error: &std::io::Error) -> Self {
        let problem = Problem::new(format!("cannot be read: {error}"), "check the path and the permissions");
        Self::Source(Box::new(problem.at(name, 0)))
    }

    /// Exit code of the contract.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Failure::ReaderGone => 0,
            Failure::Internal(_) => 1,
            Failure::Broken => 5,
            Failure::Checked(code) => *code,
            Failure::Usage(_) | Failure::Store(bellwether_store::Error::NotEmpty { .. }) => 2,
            Failure::Config(_) => 3,
            Failure::Nothing(_) => 4,
            Failure::Source(_) => 6,
            Failure::Store(error) => error.exit_code(),
            Failure::Ingest(error) => error.exit_code(),
            Failure::Daemon(told) => told.exit_code(),
        }
    }

    /// Tells it on standard error.
    pub(crate) fn report(&self) {
        if !matches!(self, Failure::ReaderGone | Failure::Broken | Failure::Checked(_)) {
            out::complain(&self.to_string());
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(problem) | Failure::Nothing(problem) | Failure::Source(problem) => {
                write!(f, "{problem}")
            }
            Failure::Config(problems) => {
                let faults = counted(problems.0.len(), "fault", "faults");
                write!(f, "the configuration has {faults}\n{problems}")
            }
            Failure::Store(error) => write!(f, "{error}"),
            Failure::Ingest(error) => write!(f, "{error}"),
            Failure::Daemon(told) => write!(f, "{told}"),
            Failure::ReaderGone | Failure::Broken | Failure::Checked(_) => Ok(()),
            Failure::Internal(what) => write!(f, "internal: {what}"),
        }
    }
}

impl From<bellwether_store::Error> for Failure {
    fn from(error: bellwether_store::Error) -> Self {
        Failure::Store(error)
    }
}

impl From<IngestError> for Failure {
    fn from(error: IngestError) -> Self {
        match error {
            IngestError::Store(error) => Failure::Store(error),
            other => Failure::Ingest(other),
        }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Failure::Config(problems)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Failure::ReaderGone,
            _ => Failure::Internal(format!("writing the output failed: {error}")),
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        match error.io_error_kind() {
            Some(kind) => std::io::Error::from(kind).into(),
            None => Failure::Internal(format!("the output does not serialise: {error}")),
        }
    }
}
