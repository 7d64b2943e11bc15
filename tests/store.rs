//! A store in a temporary folder.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::binary::bellwether_env;
use crate::{HISTORY, Outcome, bellwether_in, root};

/// A store of one test; it goes with the test.
#[derive(Debug)]
pub struct Store {
    dir: TempDir,
}

impl Default for Store {
    fn default() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder") }
    }
}

impl Store {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// A store with the facts that come with the project.
    #[track_caller]
    pub fn with_history() -> Self {
        let store = Self::new();
        let mut args = vec!["ingest", "--feed", "facts-csv"];
        args.extend(HISTORY);
        store.run(&args).exits(0);
        store
    }

    /// Folder of the store.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    /// A place for files beside the store.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs a command on this store, in the workspace.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Outcome {
        self.fed(args, "")
    }

    /// The same with something on standard input.
    #[track_caller]
    pub fn fed(&self, args: &[&str], stdin: impl Into<Vec<u8>>) -> Outcome {
        self.run_in(root(), args, stdin)
    }

    /// The same in another folder.
    #[track_caller]
    pub fn run_in(&self, dir: &Path, args: &[&str], stdin: impl Into<Vec<u8>>) -> Outcome {
        let path = self.path();
        let mut all = vec!["--store", path.to_str().expect("a temporary folder has a plain name")];
        all.extend(args);
        bellwether_in(dir, &all, stdin)
    }

    /// Runs a command on this store with variables.
    #[track_caller]
    pub fn run_env(&self, args: &[&str], env: &[(&str, &str)]) -> Outcome {
        let path = self.path();
        let mut all = vec!["--store", path.to_str().expect("a temporary folder has a plain name")];
        all.extend(args);
        bellwether_env(root(), &all, "", env)
    }

    /// Runs a command that must succeed, and answers its JSON.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        let mut all = vec!["--format", "json"];
        all.extend(args);
        self.run(&all).exits(0).json()
    }

    /// Ingests text as one source of a feed, and answers the report.
    #[track_caller]
    pub fn ingest(&self, feed: &str, text: impl Into<Vec<u8>>) -> Value {
        self.fed(&["--format", "json", "ingest", "--feed", feed, "-"], text).exits(0).json()
    }
}
