//! Integration tests of the ingest crate, one binary.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a helper of tests stops where it fails, as a test does"
)]

mod by_hand;
mod conservation;
mod documents;
mod feeds;
mod history;
mod hostile;
mod hostile_documents;
mod quarantine;
mod run;
mod support;
mod syndication;
