//! Settings of `[connector] kind = "folder"`.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use globset::{GlobBuilder, GlobMatcher};
use serde::Deserialize;

use crate::connector::settings::{self, Check};
use crate::feed::Cadence;

/// A folder whose files are taken once each.
#[derive(Clone, Debug)]
pub struct FolderSettings {
    /// The folder; relative to the working directory unless it begins with `/`.
    pub path: PathBuf,
    /// Which names are taken.
    pub pattern: GlobMatcher,
    /// Wait between two looks.
    pub every: Duration,
    /// Age of the newest file taken from which the feed counts as stale.
    pub stale: Option<Duration>,
    /// How a whole file is told from one that is still being written.
    pub settle: Settle,
    /// What becomes of a file that was taken.
    pub done: Done,
}

impl PartialEq for FolderSettings {
    fn eq(&self, other: &Self) -> bool {
        let plain = |s: &Self| (s.path.clone(), s.every, s.stale, s.settle, s.done.clone());
        plain(self) == plain(other) && self.pattern.glob() == other.pattern.glob()
    }
}

impl Eq for FolderSettings {}

/// How a whole file is told from one that is still being written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settle {
    /// Size and time of change have been the same for half of `every` at least.
    #[default]
    Unchanged,
    /// Files are renamed into place: what has a name that matches is whole.
    Rename,
}

/// What becomes of a file that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It stays.
    Keep,
    /// It is moved to this folder within the folder.
    Move(String),
}

/// `[connector]` as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    path: PathBuf,
    pattern: Option<String>,
    every: Option<String>,
    stale: Option<String>,
    #[serde(default)]
    settle: Settle,
    done: Option<String>,
}

const EVERY: Duration = Duration::from_secs(10);

impl Written {
    pub(in crate::connector) fn check(
        self,
        cadence: Cadence,
        check: &mut Check<'_, '_>,
    ) -> Option<FolderSettings> {
        if self.path.as_os_str().is_empty() {
            check.fault("path", "no folder", "name the folder to look into");
        }
        let pattern = self.pattern.as_deref().unwrap_or("*");
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        if pattern.contains('/') {
            check.fault("pattern", "reaches into other folders", "match names of files, such as \"*.csv\"");
        }
        if let Err(error) = &glob {
            check.fault("pattern", format!("not a pattern: {}", error.kind()), "write for example \"*.csv\"");
        }
        let done = match self.done.as_deref() {
            None | Some("keep") => Done::Keep,
            Some(text) => match text.strip_prefix("move:").filter(|name| is_name(name)) {
                Some(name) => Done::Move(name.to_owned()),
                None => {
                    check.fault(
                        "done",
                        "neither keep nor move",
                        "write \"keep\", or \"move:NAME\" with a folder in the folder",
                    );
                    Done::Keep
                }
            },
        };
        Some(FolderSettings {
            every: check.duration("every", self.every.as_deref(), EVERY),
            stale: match &self.stale {
                Some(text) => Some(check.duration("stale", Some(text), Duration::MAX)),
                None => settings::stale(cadence),
            },
            path: self.path,
            pattern: glob.ok()?.compile_matcher(),
            settle: self.settle,
            done,
        })
    }
}

/// Whether a text is the name of one thing in a folder, not a way out of it.
fn is_name(text: &str) -> bool {
    let mut parts = Path::new(text).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(name)), None) if name == text)
}
