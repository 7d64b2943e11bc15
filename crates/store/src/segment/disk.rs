//! The few file operations of the writer, behind a trait so that tests can make them fail.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// An open segment.
pub trait LogFile: Send {
    /// Appends all of `bytes`.
    ///
    /// # Errors
    /// Whatever the operating system says; part of the bytes may have been written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Returns once everything appended is on stable storage.
    ///
    /// # Errors
    /// Whatever the operating system says; what is on the disk is then unknown.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file to `len` bytes and goes on appending there.
    ///
    /// # Errors
    /// Whatever the operating system says.
    fn cut(&mut self, len: u64) -> io::Result<()>;
}

/// Opens segments and makes folder entries durable.
pub trait Disk: Send + Sync {
    /// Opens `path` for appending, creating it when `create`.
    ///
    /// # Errors
    /// Whatever the operating system says.
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn LogFile>>;

    /// Makes creations, renames and removals in `dir` durable.
    ///
    /// # Errors
    /// Whatever the operating system says.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// The machine's disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsDisk;

impl LogFile for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }
}

impl Disk for OsDisk {
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn LogFile>> {
        Ok(Box::new(OpenOptions::new().append(true).create_new(create).open(path)?))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }
}
