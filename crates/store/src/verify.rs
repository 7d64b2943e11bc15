//! Reads every byte of a log and says whether it is what was acknowledged.

use std::cell::Cell;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::segment::anchor::Anchor;
use crate::segment::frame::{self, Frame, Unpacker};
use crate::segment::scan::{self, Watch};

/// State of the hash chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Chain {
    /// Everything acknowledged is there and unchanged.
    Ok,
    /// Something is missing or changed.
    Broken,
}

/// Outcome of `store verify`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Records that are whole, counted from the start up to the first bad one.
    pub events: u64,
    /// Highest acknowledged sequence: the anchor's, or a later one found in the log.
    pub head: u64,
    /// State of the chain.
    pub chain: Chain,
    /// First sequence that cannot be trusted.
    pub first_bad: Option<u64>,
}

impl Verification {
    /// 0 or 5, nothing else.
    pub fn exit_code(&self) -> u8 {
        match self.chain {
            Chain::Ok => 0,
            Chain::Broken => 5,
        }
    }
}

/// Verifies the log in folder `log`; an absent or empty one is sound.
pub(crate) fn verify(log: &Path) -> Result<Verification, Error> {
    if !log.exists() {
        return Ok(Verification { events: 0, head: 0, chain: Chain::Ok, first_bad: None });
    }
    // What the last walk had found whole when it stopped.
    let (whole, committed) = (Cell::new(0), Cell::new(0));
    let deep = || {
        whole.set(0);
        committed.set(0);
        Deep {
            unpacker: Unpacker::default(),
            whole: &whole,
            head: &committed,
            last_at: DateTime::<Utc>::MIN_UTC,
        }
    };
    match scan::beside_owner(log, deep) {
        Ok((scan, _)) => {
            Ok(Verification { events: scan.head, head: scan.head, chain: Chain::Ok, first_bad: None })
        }
        Err(Error::Integrity { seq, .. } | Error::Upcast { seq, .. }) => {
            let anchored = Anchor::read(log).ok().flatten().map_or(0, |anchor| anchor.count);
            Ok(Verification {
                events: whole.get(),
                head: committed.get().max(anchored),
                chain: Chain::Broken,
                first_bad: Some(seq),
            })
        }
        Err(other) => Err(other),
    }
}

struct Deep<'c> {
    unpacker: Unpacker,
    whole: &'c Cell<u64>,
    head: &'c Cell<u64>,
    last_at: DateTime<Utc>,
}

impl Watch for Deep<'_> {
    fn frame(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        let mut seq = frame.head.first;
        for record in frame.records(&mut self.unpacker)? {
            let record = record.map_err(|what| Error::damaged(seq, what))?;
            if record.recorded_at < self.last_at {
                return Err(Error::damaged(seq, "recorded_at runs backwards"));
            }
            self.last_at = record.recorded_at;
            self.whole.set(seq);
            seq = seq.saturating_add(1);
        }
        Ok(())
    }

    fn commit(&mut self, head: u64, _chain: &frame::Chain) {
        self.head.set(head);
    }
}
