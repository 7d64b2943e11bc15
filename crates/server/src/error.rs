//! Why a daemon does not start, or ends.

use std::net::SocketAddr;

use bellwether_ingest::IngestError;
use bellwether_model::{Problem, Problems};

/// Why a daemon does not start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The configuration has faults.
    #[error("{0}")]
    Config(Problems),
    /// A setting is not accepted.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; name another address: --listen ADDRESS:PORT")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] bellwether_store::Error),
    /// The quarantine cannot be used.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// A fault of this program or of its surroundings.
    #[error("internal: {0}")]
    Internal(String),
}

impl ServerError {
    /// Exit code of the command line: 2 a setting, 3 configuration, the store's own for its errors, 1 for the rest.
    pub fn exit_code(&self) -> u8 {
        match self {
            ServerError::Refused(_) | ServerError::Listen { .. } => 2,
            ServerError::Config(_) => 3,
            ServerError::Store(error) => error.exit_code(),
            ServerError::Ingest(error) => error.exit_code(),
            ServerError::Internal(_) => 1,
        }
    }
}
