//! Whole sources: each in a file named after its digest, beside the entries.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The folder of whole sources.
#[derive(Debug)]
pub(super) struct Blobs(PathBuf);

impl Blobs {
    pub(super) fn beside(entries: &Path) -> Self {
        Self(entries.with_file_name("blobs"))
    }

    /// Keeps bytes, durably, and gives their name; the same bytes are kept once.
    pub(super) fn put(&self, bytes: &[u8]) -> io::Result<String> {
        let name = blake3::hash(bytes).to_hex().to_string();
        let path = self.0.join(&name);
        if path.is_file() && fs::metadata(&path)?.len() == bytes.len() as u64 {
            return Ok(name);
        }
        fs::create_dir_all(&self.0)?;
        let part = self.0.join(format!("{name}.part"));
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, &path)?;
        File::open(&self.0)?.sync_all()?;
        Ok(name)
    }

    /// Reads what was kept under a name, and checks that it is still that.
    pub(super) fn get(&self, name: &str) -> io::Result<Vec<u8>> {
        if name.len() != 64 || !name.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(io::Error::other(format!("{name} is no name of a blob")));
        }
        let bytes = fs::read(self.0.join(name))?;
        if blake3::hash(&bytes).to_hex().as_str() != name {
            return Err(io::Error::other(format!("blob {name} was changed")));
        }
        Ok(bytes)
    }
}
