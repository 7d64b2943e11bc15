//! Snapshots: a projector's state as bytes, so that a replay starts near its date.

use std::sync::Arc;

use bellwether_model::FactTypes;
use bellwether_model::framework::Framework;

use super::projector::{Projector, State};

/// Version of the snapshot bytes; a change makes older snapshots unreadable, and they are only a cache.
const FORMAT: u8 = 3;

/// Why a snapshot cannot be used. The caller replays from the start instead.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Bytes of another engine or framework.
    #[error("the snapshot was made by another engine or framework")]
    Foreign,
    /// Bytes that do not decode.
    #[error("the snapshot does not decode: {0}")]
    Malformed(#[from] postcard::Error),
}

impl Projector {
    /// Name under which snapshots of this framework and engine are kept.
    pub fn snapshot_name(&self) -> String {
        format!("{}-{FORMAT}-{}", crate::ENGINE, self.index.framework.hash(&self.index.types))
    }

    /// The state as bytes (postcard, prefixed with format and framework hash).
    pub fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        Ok(postcard::to_stdvec(&(self.snapshot_name(), &self.state))?)
    }

    /// A projector from bytes that [`Projector::snapshot`] made for the same framework and fact types.
    pub fn restore(
        framework: Arc<Framework>,
        types: Arc<FactTypes>,
        bytes: &[u8],
    ) -> Result<Self, SnapshotError> {
        let mut projector = Self::new(framework, types);
        let (name, rest) = postcard::take_from_bytes::<String>(bytes)?;
        if name != projector.snapshot_name() {
            return Err(SnapshotError::Foreign);
        }
        let state: State = postcard::from_bytes(rest)?;
        projector.set_index = state
            .slot_sets
            .iter()
            .enumerate()
            .map(|(i, s)| (s.clone(), u32::try_from(i).unwrap_or(u32::MAX)))
            .collect();
        projector.family_index = (0..).zip(&state.families).map(|(i, f)| (f.clone(), i)).collect();
        projector.state = state;
        Ok(projector)
    }
}
