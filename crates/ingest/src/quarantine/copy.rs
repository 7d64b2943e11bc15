//! A copy of a quarantine that fits a copy of the log made meanwhile.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use super::file::{ENTRIES, Line, failed};
use crate::IngestError;

/// A copy under way: begun before that of the log, finished after it.
///
/// What was held until the end is in it: the log may say already that its source is done with. What was resolved since the
/// beginning is held again: the facts that came of it may not be in the log's copy, and where they are, they are duplicates.
#[derive(Debug)]
pub struct QuarantineCopy {
    from: PathBuf,
    /// Length of the entries at the beginning, bytes.
    before: u64,
}

impl QuarantineCopy {
    /// Begins to copy the quarantine in a folder, which need not be there.
    ///
    /// # Errors
    /// [`IngestError::Quarantine`].
    pub fn begin(folder: &Path) -> Result<Self, IngestError> {
        let before = match fs::metadata(folder.join(ENTRIES)) {
            Ok(file) => file.len(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => 0,
            Err(e) => return Err(failed(folder, &e)),
        };
        Ok(Self { from: folder.to_owned(), before })
    }

    /// Puts the copy into another folder; none is made for a quarantine that is not there, and one that is there stays.
    ///
    /// # Errors
    /// [`IngestError::Quarantine`].
    pub fn finish(self, to: &Path) -> Result<(), IngestError> {
        self.write(to).map_err(|e| failed(to, &e))
    }

    fn write(&self, to: &Path) -> io::Result<()> {
        let file = match File::open(self.from.join(ENTRIES)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            file => file?,
        };
        if to.join(ENTRIES).exists() {
            return Ok(());
        }
        fs::create_dir_all(to)?;
        let mut out = File::create_new(to.join(ENTRIES))?;
        let (mut reader, mut at, mut line) = (BufReader::new(file), 0_u64, Vec::new());
        // A line that is being written is not there yet.
        while reader.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
            let resolved = || matches!(serde_json::from_slice(&line), Ok(Line::Resolve { .. }));
            if at < self.before || !resolved() {
                out.write_all(&line)?;
            }
            at = at.saturating_add(line.len() as u64);
            line.clear();
        }
        out.sync_all()?;
        // Whole sources are there before the lines that name them.
        let (blobs, there) = (self.from.join("blobs"), to.join("blobs"));
        if blobs.is_dir() {
            fs::create_dir_all(&there)?;
            for blob in fs::read_dir(blobs)? {
                let blob = blob?;
                // A name without an ending is whole, and never changes.
                if blob.path().extension().is_none() {
                    let copy = there.join(blob.file_name());
                    fs::copy(blob.path(), &copy)?;
                    File::open(copy)?.sync_all()?;
                }
            }
            File::open(there)?.sync_all()?;
        }
        File::open(to)?.sync_all()
    }
}
