//! What a damaged log still holds, copied into a new store.
//!
//! Every block whose checksum, link and records hold is kept, with its sequences: what is lost between them is a system
//! record `lost` for each sequence, so that whatever names a sequence still names the same record. Behind the last whole
//! block nothing is put.

mod copy;
mod survey;

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::segments::LOG;
use crate::{Error, EventLog, Segments, StoreClock};

/// `System::system` of what stands in the place of a lost record.
pub const LOST: &str = "lost";

/// A range of sequences that nobody can read any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// The first of them.
    pub from: u64,
    /// The last of them.
    pub to: u64,
    /// What is wrong in their place.
    pub why: String,
}

/// Outcome of `store salvage`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Salvaged {
    /// Records copied.
    pub copied: u64,
    /// Highest sequence of the copy.
    pub head: u64,
    /// Acknowledged and lost, ascending.
    pub lost: Vec<Lost>,
    /// How far the log had come; `None` when that cannot be read, and what is lost behind `head` cannot be told.
    pub anchor: Option<u64>,
}

impl Salvaged {
    /// 0 when everything acknowledged is in the copy, else 5.
    pub fn exit_code(&self) -> u8 {
        if self.lost.is_empty() && self.anchor.is_some() { 0 } else { 5 }
    }
}

impl Segments {
    /// Copies what the store at `from` still holds into the new store folder `to`. `from` is left as it is.
    ///
    /// A link of the hash chain can be checked only behind a whole block: the first one behind a gap is taken on its checksum.
    ///
    /// # Errors
    /// [`Error::Occupied`] when `to` holds a log, [`Error::NewerFormat`], [`Error::Io`], as [`Segments::open`] for `to`.
    pub fn salvage(from: &Path, to: &Path, clock: Arc<dyn StoreClock>) -> Result<Salvaged, Error> {
        crate::segments::unoccupied(to)?;
        let survey = survey::survey(&from.join(LOG))?;
        let copy = Self::open(to, clock)?;
        let mut records = copy::Copy::new(&survey);
        if !survey.runs.is_empty() {
            copy.import(&mut records)?;
        }
        let copied = records.taken();
        let head = copy.head();
        copy.close()?;
        let anchor = survey.anchor.map(|anchor| anchor.count);
        Ok(Salvaged { copied, head, lost: survey.lost, anchor })
    }
}
