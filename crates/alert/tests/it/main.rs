//! Integration tests.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking, its helpers too")]

mod expressions;
mod reference;
