//! Tests of the projections on the bundled history and on generated facts.

mod bundled;
mod properties;
mod support;
mod traps;
