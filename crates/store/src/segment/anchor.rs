//! `log/HEAD`: how far the log had come, kept outside it, since a chain cannot see that its tail is gone.
//!
//! 8 bytes magic, format u32, count u64, chain 32 bytes, CRC-32 of these: little endian, 56 bytes. Replaced
//! by renaming a synced temporary file, so it is either the old or the new one.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use super::disk::Disk;
use super::frame::{Chain, Fields, ROOT};
use crate::{Error, FORMAT};

pub(crate) const NAME: &str = "HEAD";
const MAGIC: &[u8; 8] = b"BWANCHOR";

/// Number of records and the chain after the last of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    pub(crate) count: u64,
    pub(crate) chain: Chain,
}

impl Anchor {
    /// Of an empty log.
    pub(crate) const START: Anchor = Anchor { count: 0, chain: ROOT };

    /// Reads the anchor of `log`; `None` when there is none.
    pub(crate) fn read(log: &Path) -> Result<Option<Self>, Error> {
        let path = log.join(NAME);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io(&path)(e)),
        };
        let damaged = || Error::damaged(0, "the head anchor (log/HEAD) is unreadable");
        let (body, crc) = bytes.split_last_chunk::<4>().ok_or_else(damaged)?;
        if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
            return Err(damaged());
        }
        let mut at = Fields(body);
        let magic: [u8; 8] = at.array().ok_or_else(damaged)?;
        let format = at.u32().ok_or_else(damaged)?;
        if magic != *MAGIC {
            return Err(damaged());
        }
        if format > FORMAT {
            return Err(Error::NewerFormat { path, found: format, supported: FORMAT });
        }
        let count = at.u64().ok_or_else(damaged)?;
        let chain = at.array().ok_or_else(damaged)?;
        Ok(Some(Self { count, chain }))
    }

    /// Replaces the anchor of `log` durably.
    pub(crate) fn write(&self, log: &Path, disk: &dyn Disk) -> Result<(), Error> {
        let mut bytes = Vec::with_capacity(56);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&self.count.to_le_bytes());
        bytes.extend_from_slice(&self.chain);
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        let (path, new) = (log.join(NAME), log.join("HEAD.new"));
        let put = || {
            let mut file = fs::File::create(&new)?;
            file.write_all(&bytes)?;
            file.sync_data()?;
            fs::rename(&new, &path)?;
            disk.sync_dir(log)
        };
        put().map_err(Error::io(&path))
    }
}
