//! Quarantine: records held back, each with raw bytes, place, reason and remedy.

mod blobs;
mod copy;
mod file;
mod resolve;

use std::collections::BTreeMap;

use bellwether_model::{Problem, Stamp};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use copy::QuarantineCopy;
pub use file::{FileQuarantine, WholeSource};
pub use resolve::{Resolved, drop_entry, release, retry};

use crate::mapping::text::neutral_problem;
use crate::{IngestError, Options};

/// Why a record was held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// The bytes are no record of the format.
    Undecodable,
    /// A record, but not a fact of its type.
    Invalid,
    /// A fact whose value lies outside the plausibility limits of its type: may be released.
    Implausible,
    /// A fact that a hold rule of the feed does not believe unseen: may be released.
    Suspect,
    /// A list that lost more of its entries than its limit, held whole: may be released.
    Shrunk,
    /// A list, held whole, of a publication under which another is known.
    Rival,
}

impl Cause {
    /// Whether an operator may vouch for the record.
    pub(crate) fn may_be_released(self) -> bool {
        matches!(self, Cause::Implausible | Cause::Suspect | Cause::Shrunk)
    }
}

/// One record held back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// 16 hexadecimal digits of BLAKE3 over feed, file, raw bytes and reason: the same record held for the
    /// same reason is one entry, however often it is ingested.
    pub id: String,
    /// Feed it came by.
    pub feed: String,
    /// Source it came from.
    pub file: String,
    /// Line in it, from 1.
    pub line: u64,
    /// Field at fault, what is wrong, what was found and the remedy, in one sentence.
    pub reason: String,
    /// When it was held.
    pub at: DateTime<Utc>,
    /// Kind of reason.
    pub cause: Cause,
    /// Field at fault.
    pub field: String,
    /// What to do about it.
    pub remedy: String,
    /// Publication that the ingest was told for records without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Stamp>,
    /// Header line that names the record's columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The record itself, lossless.
    pub raw: Raw,
}

/// Raw bytes in JSON: as text where they are UTF-8, else in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Raw {
    /// UTF-8.
    Text(String),
    /// Lower-case hexadecimal digits, two a byte.
    Hex(String),
    /// A whole source, in a file of its own.
    Whole {
        /// File in `blobs/` of the quarantine: BLAKE3 of its bytes.
        blob: String,
        /// The same of the files beside it, by name.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        beside: BTreeMap<String, String>,
    },
}

impl Raw {
    fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Raw::Text(text.to_owned()),
            Err(_) => Raw::Hex(bytes.iter().map(|b| format!("{b:02x}")).collect()),
        }
    }

    /// The bytes as they stood in the source.
    ///
    /// Errors: hexadecimal digits that are none, when the quarantine was edited by hand; a whole source, which
    /// [`FileQuarantine::whole`] reads.
    pub fn bytes(&self) -> Result<Vec<u8>, Problem> {
        match self {
            Raw::Whole { blob, .. } => {
                Err(Problem::new("a whole source", format!("see blobs/{blob} in the quarantine"))
                    .field("raw"))
            }
            Raw::Text(text) => Ok(text.clone().into_bytes()),
            Raw::Hex(hex) => hex
                .as_bytes()
                .chunks(2)
                .map(|pair| std::str::from_utf8(pair).ok().and_then(|t| u8::from_str_radix(t, 16).ok()))
                .collect::<Option<Vec<u8>>>()
                .ok_or_else(|| {
                    Problem::new("not hexadecimal", "drop the entry and ingest the file again").field("raw")
                }),
        }
    }
}

/// What a list shows: `{"id","feed","file","line","reason","at"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary<'e> {
    /// Id of the entry.
    pub id: &'e str,
    /// Feed.
    pub feed: &'e str,
    /// Source.
    pub file: &'e str,
    /// Line in it.
    pub line: u64,
    /// What is wrong and what to do.
    pub reason: &'e str,
    /// When it was held.
    pub at: DateTime<Utc>,
}

impl Entry {
    #[expect(clippy::too_many_arguments, reason = "each is a field of the entry, and one place calls it")]
    pub(crate) fn new(
        feed: &str,
        file: &str,
        line: u64,
        problem: Problem,
        cause: Cause,
        raw: &[u8],
        header: Option<&str>,
        options: &Options,
    ) -> Self {
        // The place stands in fields of its own, so that a shifted line does not make a new entry.
        let problem = neutral_problem(problem);
        let Problem { field, remedy, .. } = problem.clone();
        let reason = Problem { file: String::new(), line: 0, ..problem }.to_string();
        let mut hash = blake3::Hasher::new();
        for part in [feed.as_bytes(), file.as_bytes(), raw, reason.as_bytes()] {
            hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(part);
        }
        Self {
            id: hash.finalize().to_hex().chars().take(16).collect(),
            feed: feed.to_owned(),
            file: file.to_owned(),
            line,
            reason,
            at: options.now,
            cause,
            field,
            remedy,
            published_at: options.published_at,
            header: header.map(str::to_owned),
            raw: Raw::of(raw),
        }
    }

    /// The entry as a list shows it.
    pub fn summary(&self) -> Summary<'_> {
        Summary {
            id: &self.id,
            feed: &self.feed,
            file: &self.file,
            line: self.line,
            reason: &self.reason,
            at: self.at,
        }
    }
}

/// Takes what an ingest holds back.
pub trait Quarantine {
    /// Holds one record; one that is already held, or was resolved, is not held again.
    ///
    /// Errors: [`IngestError::Quarantine`] when it cannot be written.
    fn hold(&mut self, entry: Entry) -> Result<(), IngestError>;

    /// Holds a whole source, with the files beside it.
    ///
    /// Errors: as [`Quarantine::hold`].
    fn hold_whole(
        &mut self,
        entry: Entry,
        bytes: &[u8],
        beside: &[(&str, &[u8])],
    ) -> Result<(), IngestError> {
        let _ = (bytes, beside);
        self.hold(entry)
    }

    /// Makes everything held so far durable.
    ///
    /// Errors: [`IngestError::Quarantine`] when it cannot be synced.
    fn sync(&mut self) -> Result<(), IngestError>;
}

/// Holds in memory: for tests and for feeds whose caller shows the findings itself.
impl Quarantine for Vec<Entry> {
    fn hold(&mut self, entry: Entry) -> Result<(), IngestError> {
        self.push(entry);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), IngestError> {
        Ok(())
    }
}
