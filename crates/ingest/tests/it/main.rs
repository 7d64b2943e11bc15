//! Integration tests of the ingest crate, one binary.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a helper of tests stops where it fails, as a test does"
)]

mod by_hand;
mod coded;
mod conservation;
mod documents;
mod encoding;
mod feeds;
mod feeds_lists;
mod fetch;
mod history;
mod hostile;
mod hostile_documents;
mod lists;
mod quarantine;
mod quick;
mod rows;
mod run;
mod support;
mod syndication;
mod tables;
mod unpack;
