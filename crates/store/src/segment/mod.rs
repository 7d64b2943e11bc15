//! Segment files: the truth.
//!
//! A segment is named by its first sequence and starts with 56 bytes: magic, format u32, first sequence u64,
//! chain before it 32 bytes, CRC-32 of these, little endian. This head never changes between formats, so
//! that any program can tell a newer store from a damaged one. Frames follow without gaps.

pub(crate) mod anchor;
pub(crate) mod catalog;
pub mod disk;
pub(crate) mod frame;
pub(crate) mod reader;
pub(crate) mod scan;
pub(crate) mod writer;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::{Error, FORMAT};
use frame::{Chain, Fields};

/// Length of a segment's head, bytes.
pub(crate) const HEAD_LEN: usize = 56;
const MAGIC: &[u8; 8] = b"BWSEGMNT";

/// File name of the segment that starts at `first`.
pub(crate) fn name(first: u64) -> String {
    format!("{first:020}.seg")
}

/// Segments in `log` by their first sequence, ascending. Other files are not ours to judge.
pub(crate) fn list(log: &Path) -> Result<Vec<(u64, PathBuf)>, Error> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(log).map_err(Error::io(log))? {
        let path = entry.map_err(Error::io(log))?.path();
        let first = path
            .file_name()
            .and_then(|n| n.to_str())
            .and_then(|n| n.strip_suffix(".seg"))
            .filter(|digits| digits.len() == 20)
            .and_then(|digits| digits.parse().ok());
        if let Some(first) = first {
            found.push((first, path));
        }
    }
    found.sort();
    Ok(found)
}

/// Head of a segment that starts at `first` after `chain`.
pub(crate) fn head(first: u64, chain: &Chain) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD_LEN);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&first.to_le_bytes());
    bytes.extend_from_slice(chain);
    let crc = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

/// What the head of a segment says; `Ok(None)` when it is cut short or unreadable.
pub(crate) fn read_head(path: &Path, file: &mut impl Read) -> Result<Option<(u64, Chain)>, Error> {
    let mut bytes = Vec::with_capacity(HEAD_LEN);
    file.take(HEAD_LEN as u64).read_to_end(&mut bytes).map_err(Error::io(path))?;
    let Some((body, crc)) = bytes.split_last_chunk::<4>() else { return Ok(None) };
    if bytes.len() != HEAD_LEN || crc32fast::hash(body) != u32::from_le_bytes(*crc) {
        return Ok(None);
    }
    let mut at = Fields(body);
    let (magic, format) = (at.array::<8>(), at.u32());
    match (magic, format) {
        (Some(magic), Some(format)) if magic == *MAGIC && format > FORMAT => {
            Err(Error::NewerFormat { path: path.to_owned(), found: format, supported: FORMAT })
        }
        (Some(magic), Some(1..)) if magic == *MAGIC => Ok(at.u64().zip(at.array())),
        _ => Ok(None),
    }
}

/// Opens a segment for reading.
pub(crate) fn open(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(Error::io(path))
}
