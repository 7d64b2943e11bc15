//! Integration tests of the ingest crate, one binary.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests stops where it fails, as a test does"
)]

mod by_hand;
mod conservation;
mod feeds;
mod feeds_lists;
mod history;
mod hostile;
mod lists;
mod quarantine;
mod run;
mod support;
mod tables;
