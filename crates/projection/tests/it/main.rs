//! Tests of the projections on the bundled history and on generated facts.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says on stderr what it skipped"
)]

mod bundled;
mod properties;
mod support;
mod traps;
