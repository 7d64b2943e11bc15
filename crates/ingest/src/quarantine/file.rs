//! The quarantine of a store folder: one append-only NDJSON file.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bellwether_model::Problem;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::blobs::Blobs;
use super::{Entry, Quarantine, Raw};
use crate::IngestError;

/// Name of the file.
pub(super) const ENTRIES: &str = "entries.ndjson";

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub(super) enum Line {
    /// A record is held.
    Hold(Box<Entry>),
    /// An entry is done with; its id is never held again.
    Resolve { id: String, how: How, reason: String, at: DateTime<Utc> },
}

/// A source that is held as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeSource {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Files beside it, by name.
    pub beside: BTreeMap<String, Vec<u8>>,
}

/// How an entry was done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum How {
    Retried,
    Released,
    Dropped,
}

/// Held entries in `entries.ndjson` of a folder, usually `quarantine/` in the store.
///
/// Appended and synced, never rewritten: a resolved entry leaves its tombstone. A line cut short by a crash
/// is passed over; its record is held again when its source is ingested again. Memory: the index of ids.
#[derive(Debug)]
pub struct FileQuarantine {
    path: PathBuf,
    file: File,
    /// Where each unresolved entry starts, or `None` once resolved.
    index: HashMap<String, Option<u64>>,
    end: u64,
    /// Written at the next sync.
    buffer: Vec<u8>,
    damaged: u64,
}

impl FileQuarantine {
    /// Opens or creates the quarantine in `folder`. One process at a time: the store's lock sees to it.
    ///
    /// Errors: [`IngestError::Quarantine`] naming the path.
    pub fn open(folder: &Path) -> Result<Self, IngestError> {
        let path = folder.join(ENTRIES);
        let fail = |e: io::Error| failed(&path, &e);
        std::fs::create_dir_all(folder).map_err(fail)?;
        let created = !path.exists();
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(fail)?;
        if created {
            // The name of a new file is only durable once its folder is.
            File::open(folder).and_then(|f| f.sync_all()).map_err(fail)?;
        }
        let mut quarantine =
            Self { path: path.clone(), file, index: HashMap::new(), end: 0, buffer: Vec::new(), damaged: 0 };
        quarantine.load().map_err(fail)?;
        Ok(quarantine)
    }

    fn load(&mut self) -> io::Result<()> {
        let mut reader = BufReader::new(&self.file);
        let mut line = Vec::new();
        let mut cut = false;
        while reader.read_until(b'\n', &mut line)? > 0 {
            cut = line.last() != Some(&b'\n');
            match serde_json::from_slice::<Line>(&line) {
                Ok(Line::Hold(entry)) => {
                    self.index.entry(entry.id).or_insert(Some(self.end));
                }
                Ok(Line::Resolve { id, .. }) => {
                    self.index.insert(id, None);
                }
                Err(_) => self.damaged += 1,
            }
            self.end += line.len() as u64;
            line.clear();
        }
        if cut {
            // What follows must not be glued to a torn line.
            self.buffer.push(b'\n');
        }
        Ok(())
    }

    /// Lines that could not be read when the quarantine was opened.
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Every unresolved entry, in the order in which they were held.
    ///
    /// Errors: [`IngestError::Quarantine`].
    pub fn list(&self) -> Result<Vec<Entry>, IngestError> {
        let mut starts: Vec<u64> = self.index.values().flatten().copied().collect();
        starts.sort_unstable();
        starts.into_iter().map(|at| self.read(at)).collect()
    }

    /// The unresolved entry of that id.
    ///
    /// Errors: [`IngestError::Refused`] when there is none, [`IngestError::Quarantine`].
    pub fn show(&self, id: &str) -> Result<Entry, IngestError> {
        match self.index.get(id) {
            Some(Some(at)) => self.read(*at),
            other => {
                let what = if other.is_some() { "is already resolved" } else { "is not in the quarantine" };
                Err(IngestError::Refused(
                    Problem::new(format!("the entry {what}"), "see `quarantine list` for the ids")
                        .field("id")
                        .text(id)
                        .into(),
                ))
            }
        }
    }

    fn read(&self, at: u64) -> Result<Entry, IngestError> {
        let pending = usize::try_from(at.saturating_sub(self.end)).ok().filter(|_| at >= self.end);
        let mut line = Vec::new();
        match pending {
            Some(from) => line.extend(self.buffer.iter().skip(from).take_while(|b| **b != b'\n')),
            None => {
                let mut file = &self.file;
                file.seek(SeekFrom::Start(at))
                    .and_then(|_| BufReader::new(file).read_until(b'\n', &mut line))
                    .map_err(|e| failed(&self.path, &e))?;
            }
        }
        match serde_json::from_slice(&line) {
            Ok(Line::Hold(entry)) => Ok(*entry),
            _ => Err(failed(&self.path, &io::Error::other(format!("no entry at byte {at}")))),
        }
    }

    /// A whole source that is held.
    ///
    /// Errors: [`IngestError::Quarantine`] when they are gone or were changed, or the entry is a record.
    pub fn whole(&self, entry: &Entry) -> Result<WholeSource, IngestError> {
        let Raw::Whole { blob, beside } = &entry.raw else {
            return Err(failed(&self.path, &io::Error::other("the entry is a record, not a source")));
        };
        let blobs = Blobs::beside(&self.path);
        let get = |name: &str| blobs.get(name).map_err(|e| failed(&self.path, &e));
        let beside = beside.iter().map(|(name, blob)| Ok((name.clone(), get(blob)?)));
        Ok(WholeSource { bytes: get(blob)?, beside: beside.collect::<Result<_, IngestError>>()? })
    }

    /// Leaves the tombstone of an entry.
    pub(super) fn resolve(
        &mut self,
        id: &str,
        how: How,
        reason: &str,
        at: DateTime<Utc>,
    ) -> Result<(), IngestError> {
        self.write(&Line::Resolve { id: id.to_owned(), how, reason: reason.to_owned(), at })?;
        self.index.insert(id.to_owned(), None);
        self.sync()
    }

    fn write(&mut self, line: &Line) -> Result<u64, IngestError> {
        let start = self.end + self.buffer.len() as u64;
        serde_json::to_writer(&mut self.buffer, line).map_err(|e| failed(&self.path, &e.into()))?;
        self.buffer.push(b'\n');
        Ok(start)
    }
}

impl Quarantine for FileQuarantine {
    fn hold(&mut self, entry: Entry) -> Result<(), IngestError> {
        if self.index.contains_key(&entry.id) {
            return Ok(());
        }
        let id = entry.id.clone();
        let at = self.write(&Line::Hold(Box::new(entry)))?;
        self.index.insert(id, Some(at));
        Ok(())
    }

    fn hold_whole(
        &mut self,
        mut entry: Entry,
        bytes: &[u8],
        beside: &[(&str, &[u8])],
    ) -> Result<(), IngestError> {
        if self.index.contains_key(&entry.id) {
            return Ok(());
        }
        let blobs = Blobs::beside(&self.path);
        let put = |bytes: &[u8]| blobs.put(bytes).map_err(|e| failed(&self.path, &e));
        let beside = beside.iter().map(|(name, bytes)| Ok(((*name).to_owned(), put(bytes)?)));
        let beside = beside.collect::<Result<_, IngestError>>()?;
        entry.raw = Raw::Whole { blob: put(bytes)?, beside };
        self.hold(entry)
    }

    fn sync(&mut self) -> Result<(), IngestError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let mut file = &self.file;
        file.write_all(&self.buffer)
            .and_then(|()| self.file.sync_data())
            .map_err(|e| failed(&self.path, &e))?;
        self.end += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

pub(super) fn failed(path: &Path, error: &io::Error) -> IngestError {
    IngestError::Quarantine(
        Problem::new(
            format!("the quarantine cannot be used: {error}"),
            "make room or correct the permissions, then ingest again: what was stored is found as duplicate",
        )
        .at(path.display().to_string(), 0)
        .into(),
    )
}
