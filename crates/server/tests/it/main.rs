//! The daemon in this process.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking, its helpers too"
)]

/// Counts the heap: what is resident also says what the allocator keeps.
#[global_allocator]
static HEAP: cap::Cap<std::alloc::System> = cap::Cap::new(std::alloc::System, usize::MAX);

mod disk;
mod feeds;
mod kit;
mod life;
mod reads;
mod soak;
mod web;
