//! The fold: from records, in any order, to what a view may read.

mod beats;
mod observation;
mod origin;
mod payload;
mod projector;
mod resolve;
mod snapshot;

pub use projector::Projector;
pub use snapshot::SnapshotError;

pub(crate) use beats::Beat;
pub(crate) use observation::{Observation, Packed, confirms, moment};
pub(crate) use payload::{Payload, digest};
pub(crate) use projector::Part;
pub(crate) use resolve::{Account, Resolved};
