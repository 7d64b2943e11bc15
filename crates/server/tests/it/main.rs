//! The daemon in this process.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking, its helpers too"
)]

mod feeds;
mod kit;
mod life;
mod reads;
mod soak;
mod web;
