//! `[connector]` of a feed file: as it is written, and as it is used once every setting was checked.

use std::time::Duration;

use bellwether_model::{Locator, Problem, Problems, Secret};
use serde::Deserialize;

use super::folder::{self, FolderSettings};
use super::http::{self, HttpSettings};
use super::secret;
use crate::feed::Cadence;

/// How a feed's bytes arrive by default; any feed may also be given a path or `-` by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connector {
    /// A file named on the command line.
    File,
    /// Standard input.
    Stdin,
    /// An address that is asked on a schedule.
    Http(Box<HttpSettings>),
    /// A folder that is looked into on a schedule.
    Folder(FolderSettings),
}

impl Connector {
    /// How long to wait between two polls; `None` for what is not polled.
    pub fn every(&self) -> Option<Duration> {
        match self {
            Connector::File | Connector::Stdin => None,
            Connector::Http(http) => Some(http.every),
            Connector::Folder(folder) => Some(folder.every),
        }
    }

    /// Secrets that are not where the feed file says, each with its header's name: what a poll would fail for.
    pub fn missing(&self) -> Vec<Problem> {
        let Connector::Http(http) = self else { return Vec::new() };
        let read = |(name, secret): (&String, &Secret)| Some(secret::read(secret).err()?.field(name));
        http.headers.iter().filter_map(read).collect()
    }

    /// Age of the newest content from which the feed counts as stale, however well its source answers; `None`
    /// where no age says anything.
    pub fn stale(&self) -> Option<Duration> {
        match self {
            Connector::File | Connector::Stdin => None,
            Connector::Http(http) => http.stale,
            Connector::Folder(folder) => folder.stale,
        }
    }
}

/// `[connector]` as it stands in the file.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Written {
    File {},
    Stdin {},
    Http(Box<http::Written>),
    Folder(folder::Written),
}

impl Written {
    pub(crate) fn check(self, locator: &Locator<'_>, cadence: Cadence, problems: &mut Problems) -> Connector {
        let mut check = Check { locator, problems };
        let connector = match self {
            Written::File {} => Some(Connector::File),
            Written::Stdin {} => Some(Connector::Stdin),
            Written::Http(http) => http.check(cadence, &mut check).map(|h| Connector::Http(Box::new(h))),
            Written::Folder(folder) => folder.check(cadence, &mut check).map(Connector::Folder),
        };
        // Where there is none there is a finding, and the feed is not made.
        connector.unwrap_or(Connector::File)
    }
}

/// Collects findings about settings under `[connector]`.
pub(super) struct Check<'c, 't> {
    locator: &'c Locator<'t>,
    problems: &'c mut Problems,
}

impl Check<'_, '_> {
    /// A finding about the setting at `path`, dotted.
    pub(super) fn fault(&mut self, path: &str, message: impl Into<String>, remedy: impl Into<String>) {
        let steps: Vec<_> = std::iter::once("connector").chain(path.split('.')).map(Into::into).collect();
        self.problems.push(self.locator.problem(&steps, message, remedy));
    }

    /// The same about a setting that must not be shown.
    pub(super) fn fault_unseen(&mut self, path: &str, message: &str, remedy: &str) {
        let steps: Vec<_> = std::iter::once("connector").chain(path.split('.')).map(Into::into).collect();
        let problem = self.locator.problem(&steps, message, remedy);
        self.problems.push(problem.text("[REDACTED]"));
    }

    /// A finding about one element of a list.
    pub(super) fn fault_at(&mut self, path: &str, at: usize, message: &str, remedy: &str) {
        let steps = ["connector".into(), path.into(), at.into()];
        self.problems.push(self.locator.problem(&steps, message, remedy));
    }

    /// A length of time, or `default` when it is not written.
    pub(super) fn duration(&mut self, path: &str, text: Option<&str>, default: Duration) -> Duration {
        let Some(text) = text else { return default };
        match humantime::parse_duration(text).ok().filter(|d| !d.is_zero() && *d <= LONGEST) {
            Some(duration) => duration,
            None => {
                self.fault(
                    path,
                    "not a length of time",
                    "write for example \"30s\", \"15m\", \"6h\" or \"1d\"",
                );
                default
            }
        }
    }
}

/// Longest length of time that a setting may state: whatever is added to it stays a date.
const LONGEST: Duration = Duration::from_secs(10 * 366 * DAY);
const DAY: u64 = 24 * 60 * 60;

/// How often to ask a source of that rhythm: often enough that what is new is a quarter of its rhythm old at most.
pub(super) fn every(cadence: Cadence) -> Duration {
    Duration::from_secs(match cadence {
        Cadence::Daily | Cadence::Irregular => DAY / 4,
        Cadence::Weekly | Cadence::Monthly | Cadence::Quarterly => DAY,
        Cadence::Yearly => 7 * DAY,
    })
}

/// Age of the newest content at which a source of that rhythm has missed two turns and is well into the third.
pub(super) fn stale(cadence: Cadence) -> Option<Duration> {
    let days = match cadence {
        Cadence::Daily => 3,
        Cadence::Weekly => 21,
        Cadence::Monthly => 93,
        Cadence::Quarterly => 276,
        Cadence::Yearly => 2 * 366,
        Cadence::Irregular => return None,
    };
    Some(Duration::from_secs(days * DAY))
}
