//! Harness of the end-to-end tests: finds the binary, runs it on stores of its own, reads what it prints.
//!
//! No crate of the workspace is linked here: what these tests know of Bellwether is what a script can know.
#![expect(clippy::expect_used, clippy::panic, reason = "a harness fails a test by panicking")]

mod binary;
mod daemon;
mod ordered;
mod outcome;
mod store;

use std::path::{Path, PathBuf};

pub use binary::{bellwether, bellwether_in, spawn};
pub use daemon::Daemon;
pub use ordered::Ordered;
pub use outcome::Outcome;
pub use store::Store;

/// The workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace")
}

/// A folder or file of data that may not be redistributed and so lies beside the project, or `None` with a
/// notice. `BELLWETHER_SHARED` says where it is when it is elsewhere.
pub fn shared(path: &str) -> Option<PathBuf> {
    let base = std::env::var_os("BELLWETHER_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let full = base.join(path);
    if full.exists() {
        return Some(full);
    }
    notice(&format!("skipped: {} is not here", full.display()));
    None
}

/// The facts that come with the project.
pub const HISTORY: [&str; 3] = [
    "fixtures/history/china-russia-facts.csv",
    "fixtures/history/assessment-judgements.csv",
    "fixtures/history/coverage.csv",
];

/// Prints, whatever the test runner captures of a test that passes.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
fn notice(text: &str) {
    eprintln!("{text}");
}
