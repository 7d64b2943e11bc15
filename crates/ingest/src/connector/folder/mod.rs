//! A folder that files are put into. It is listed, not watched: a listing misses nothing, on any file system.

mod listing;
mod settings;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bellwether_model::Problem;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use self::listing::{Listing, Look};
pub(crate) use self::settings::Written;
pub use self::settings::{Done, FolderSettings, Settle};
use super::{Cursor, Degraded, Poll, Polled, Polling, Source};
use crate::mapping::text::{neutral, neutral_problem};

/// Most files that a folder may hold which were taken and stay: each is remembered in every checkpoint.
const MAX_KEPT: usize = 2000;

/// The cursor of a folder.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Memory {
    fetched_at: DateTime<Utc>,
    changed_at: DateTime<Utc>,
    /// Files that were taken and are still there.
    #[serde(default)]
    seen: BTreeMap<String, Seen>,
}

/// A file as it was when it was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Seen(Look, String);

impl Memory {
    fn of(cursor: &Cursor, now: DateTime<Utc>) -> Self {
        let fresh = Self { fetched_at: now, changed_at: now, seen: BTreeMap::new() };
        serde_json::from_value(cursor.clone()).unwrap_or(fresh)
    }

    fn cursor(&self) -> Cursor {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// Why a file could not be copied.
enum Spoiled {
    /// It cannot be read; the others may.
    Source(io::Error),
    /// There is no place for the copy.
    Spool(io::Error),
}

/// Looks into one folder.
#[derive(Debug)]
pub(super) struct Folder {
    state: State,
    problems: Vec<Problem>,
}

/// What a look needs; cheap to copy, so that a look which is dropped half-way takes nothing with it.
#[derive(Clone, Debug)]
struct State {
    feed: String,
    settings: FolderSettings,
    /// Names of the side files that belong to each source.
    beside: Vec<String>,
    spool: PathBuf,
    /// How each file looked last, and since when.
    looks: BTreeMap<String, (Look, DateTime<Utc>)>,
    /// Files that were refused as they are: they are taken once they change.
    refused: BTreeMap<String, Look>,
    /// Entries that were spoken of.
    told: BTreeMap<String, String>,
    handed: Option<(String, Look)>,
}

impl Folder {
    pub(super) fn new(feed: &str, settings: FolderSettings, beside: Vec<String>, spool: &Path) -> Self {
        Self {
            state: State {
                feed: feed.to_owned(),
                settings,
                beside,
                spool: spool.to_owned(),
                looks: BTreeMap::new(),
                refused: BTreeMap::new(),
                told: BTreeMap::new(),
                handed: None,
            },
            problems: Vec::new(),
        }
    }
}

impl Poll for Folder {
    fn poll<'p>(&'p mut self, cursor: &'p Cursor, now: DateTime<Utc>) -> Polling<'p> {
        Box::pin(async move {
            let mut state = self.state.clone();
            let memory = Memory::of(cursor, now);
            let looking = tokio::task::spawn_blocking(move || {
                let mut problems = Vec::new();
                let polled = state.look(memory, now, &mut problems);
                (state, problems, polled)
            });
            match looking.await {
                Ok((state, problems, polled)) => {
                    self.state = state;
                    self.problems.extend(problems);
                    polled
                }
                Err(_) => Err(self.state.degraded("the look into the folder failed", "report this")),
            }
        })
    }

    fn refused(&mut self, _why: &Problem) {
        if let Some((name, look)) = self.state.handed.take() {
            self.state.refused.insert(name, look);
        }
    }

    fn problems(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.problems)
    }
}

impl State {
    fn problem(&self, name: &str, message: impl Into<String>, remedy: &str) -> Problem {
        neutral_problem(
            Problem::new(message, remedy).at(&self.feed, 0).field("connector.path").text(neutral(name)),
        )
    }

    /// Reports what the feed goes on without, once.
    fn tell(&mut self, name: &str, message: String, remedy: &str, problems: &mut Vec<Problem>) {
        if self.told.get(name) != Some(&message) {
            problems.push(self.problem(name, message.as_str(), remedy));
            self.told.insert(name.to_owned(), message);
        }
    }

    fn degraded(&self, message: impl Into<String>, remedy: &str) -> Degraded {
        let problem = self.problem(&self.settings.path.display().to_string(), message, remedy);
        Degraded { problem, retry_after: None }
    }

    /// One look: puts away what was taken, then finds the first file that is whole and was not.
    fn look(
        &mut self,
        mut memory: Memory,
        now: DateTime<Utc>,
        problems: &mut Vec<Problem>,
    ) -> Result<Polled, Degraded> {
        let listing = listing::list(&self.settings, &self.beside).map_err(|error| {
            self.degraded(
                format!("the folder cannot be read: {error}"),
                "create it, or correct the path and the permissions",
            )
        })?;
        memory.fetched_at = now;
        let Listing { mut files, beside, refused } = listing;
        for (name, why) in refused {
            let remedy = "put an ordinary file with a plain name there";
            self.tell(&name, format!("not taken: {why}"), remedy, problems);
        }
        files.retain(|(name, look, _)| {
            memory.seen.get(name).is_none_or(|seen| seen.0 != *look) || !self.put_away(name, problems)
        });
        let there = |name: &String| files.binary_search_by(|(n, ..)| n.cmp(name)).is_ok();
        memory.seen.retain(|name, _| there(name));
        self.refused.retain(|name, _| there(name));
        if self.told.len() > MAX_KEPT {
            self.told.clear();
        }
        if memory.seen.len() >= MAX_KEPT {
            let remedy = "move what was taken out of it, or let done = \"move:NAME\" do so";
            return Err(self.degraded(format!("{MAX_KEPT} files that were taken stay in the folder"), remedy));
        }
        let before = std::mem::take(&mut self.looks);
        for (name, look, untouched) in files.iter().chain(&beside) {
            // The first look knows what the system noted, if its clock is ours.
            let since = before.get(name).filter(|(b, since)| b == look && *since <= now).map_or(now, |b| b.1);
            self.looks.insert(name.clone(), (*look, since.min(*untouched)));
        }
        // Two looks in quick succession, as a daemon has them that was told of more, say nothing.
        let apart = self.settings.every / 2;
        let whole = |name: &String| {
            self.settings.settle == Settle::Rename
                || self
                    .looks
                    .get(name)
                    .is_some_and(|(_, since)| (now - *since).to_std().is_ok_and(|d| d >= apart))
        };
        let beside: Vec<(String, Look)> = beside.into_iter().map(|(name, look, _)| (name, look)).collect();
        let ready = beside.iter().all(|(name, _)| whole(name));
        let due: Vec<(String, Look)> = files
            .into_iter()
            .map(|(name, look, _)| (name, look))
            .filter(|(name, look)| memory.seen.get(name).is_none_or(|seen| seen.0 != *look))
            .filter(|(name, look)| ready && self.refused.get(name) != Some(look) && whole(name))
            .collect();
        let mut left = due.len();
        for (name, look) in due {
            left -= 1;
            let spooled = self.spool(&name, look).and_then(|main| {
                let sides = beside
                    .iter()
                    .map(|(side, look)| Ok(self.spool(side, *look)?.map(|(file, _)| (side.clone(), file))));
                Ok(main.zip(sides.collect::<Result<Option<Vec<_>>, Spoiled>>()?))
            });
            let ((file, digest), beside) = match spooled {
                Ok(Some(spooled)) => spooled,
                // It changed or went while it was read: the next look will tell.
                Ok(None) => continue,
                Err(Spoiled::Source(error)) => {
                    self.tell(&name, format!("cannot be read: {error}"), "correct its permissions", problems);
                    continue;
                }
                Err(Spoiled::Spool(error)) => {
                    let remedy = "make room where temporary files are kept, or correct its permissions";
                    let problem = self.problem(&name, format!("cannot be copied: {error}"), remedy);
                    return Err(Degraded { problem, retry_after: None });
                }
            };
            let same = memory.seen.get(&name).is_some_and(|seen| seen.1 == digest);
            memory.seen.insert(name.clone(), Seen(look, digest));
            if same {
                continue;
            }
            memory.changed_at = now;
            let uri = None;
            let source = Source { name: neutral(&name), uri, published_at: None, file, beside };
            self.handed = Some((name, look));
            return Ok(Polled::Found { source, cursor: memory.cursor(), more: left > 0 });
        }
        Ok(Polled::Unchanged { cursor: memory.cursor() })
    }

    /// Copies a file and reads its digest; `None` when it changed meanwhile.
    fn spool(&self, name: &str, look: Look) -> Result<Option<(File, String)>, Spoiled> {
        let path = self.settings.path.join(name);
        let opened = match listing::open(&path, look) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(Spoiled::Source)?,
        };
        let Some(mut from) = opened else { return Ok(None) };
        let mut to = tempfile::tempfile_in(&self.spool).map_err(Spoiled::Spool)?;
        let mut digest = blake3::Hasher::new();
        let mut piece = vec![0; 1 << 16];
        let mut bytes = 0_u64;
        loop {
            let n = match from.read(&mut piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other.map_err(Spoiled::Source)?,
            };
            let read = piece.get(..n).unwrap_or_default();
            if read.is_empty() {
                break;
            }
            bytes += n as u64;
            // A file that grows as fast as it is read would never end.
            if bytes > look.0 {
                return Ok(None);
            }
            digest.update(read);
            to.write_all(read).map_err(Spoiled::Spool)?;
        }
        if !listing::is_unchanged(&from, look) {
            return Ok(None);
        }
        to.seek(SeekFrom::Start(0)).map_err(Spoiled::Spool)?;
        let digest: String = digest.finalize().to_hex().chars().take(32).collect();
        Ok(Some((to, digest)))
    }

    /// Moves a file that was taken; false when it stays.
    fn put_away(&mut self, name: &str, problems: &mut Vec<Problem>) -> bool {
        let Done::Move(folder) = &self.settings.done else { return false };
        let folder = self.settings.path.join(folder);
        let moved = std::fs::create_dir_all(&folder).and_then(|()| {
            let free = (0..1000).map(|n| if n == 0 { name.to_owned() } else { format!("{name}.{n}") });
            let mut free = free.map(|name| folder.join(name)).filter(|path| path.symlink_metadata().is_err());
            let to =
                free.next().ok_or_else(|| io::Error::other("a thousand files of that name are there"))?;
            std::fs::rename(self.settings.path.join(name), to)
        });
        if let Err(error) = &moved {
            let remedy = "move it by hand and correct the permissions; it is not taken twice";
            self.tell(name, format!("taken, and cannot be moved: {error}"), remedy, problems);
        }
        moved.is_ok()
    }
}
