//! Tests of the whole: how the workspace is built up, and what the binary does.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking, its helpers too"
)]

mod alerts;
mod backtest;
mod coded;
mod copies;
mod customs;
mod demo;
mod detect;
mod doctor;
mod documents;
mod dyad;
mod exit_codes;
mod export;
mod facts;
mod forecast;
mod hostile;
mod ids;
mod ingest;
mod known;
mod layers;
mod licences;
mod lists;
mod metadata;
mod notify;
mod reads;
mod replay;
mod restricted;
mod retract;
mod scenarios;
mod served;
mod sources;
mod views;
mod vintages;
mod votes;
mod watch;
