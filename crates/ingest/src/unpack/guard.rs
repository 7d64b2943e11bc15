//! Caps on what comes out of a decompressor.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bellwether_model::Problem;

use super::{Limits, too_much};

/// Bytes in and out of one source, over all of its members.
pub(super) struct Budget {
    limits: Limits,
    packed: AtomicU64,
    unpacked: AtomicU64,
}

impl Budget {
    /// A budget of which `packed` bytes are known to lie in the source.
    pub(super) fn new(limits: Limits, packed: u64) -> Arc<Self> {
        Arc::new(Self { limits, packed: packed.into(), unpacked: 0.into() })
    }

    fn spend(&self, bytes: usize) -> Result<(), Problem> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let unpacked = self.unpacked.fetch_add(bytes, Relaxed).saturating_add(bytes);
        if unpacked > self.limits.bytes {
            return Err(too_much(self.limits));
        }
        let packed = self.packed.load(Relaxed).max(1);
        if unpacked > Limits::GRACE && unpacked / packed > self.limits.ratio {
            return Err(Problem::new(
                format!("unpacks to more than {} times its size", self.limits.ratio),
                "it looks like a decompression bomb: look at the source before unpacking it by other means",
            ));
        }
        Ok(())
    }
}

/// Counts packed bytes.
pub(super) struct Counted<R> {
    inner: R,
    budget: Arc<Budget>,
}

impl<R> Counted<R> {
    pub(super) fn new(inner: R, budget: &Arc<Budget>) -> Self {
        Self { inner, budget: Arc::clone(budget) }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.budget.packed.fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Relaxed);
        Ok(n)
    }
}

/// Bytes looked at to tell an archive within an archive: a tar says so at byte 257.
const HEAD: usize = 512;

/// What a decompressor gives, within the budget, and no archive again.
pub(super) struct Guard<R> {
    inner: R,
    budget: Arc<Budget>,
    format: &'static str,
    head: Option<Vec<u8>>,
    given: usize,
}

impl<R: Read> Guard<R> {
    pub(super) fn new(inner: R, budget: Arc<Budget>, format: &'static str) -> Self {
        Self { inner, budget, format, head: None, given: 0 }
    }

    fn pull(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = match self.inner.read(buffer) {
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => return Err(e),
            Err(e) if e.get_ref().is_some_and(|inner| inner.is::<Problem>()) => return Err(e),
            Err(e) => return Err(io::Error::new(e.kind(), damaged(self.format, &e))),
        };
        self.budget.spend(n).map_err(io::Error::other)?;
        Ok(n)
    }

    fn look(&mut self) -> io::Result<Vec<u8>> {
        let mut head = vec![0; HEAD];
        let mut filled = 0;
        while let Some(rest) = head.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.inner.read(rest) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.get_ref().is_some_and(|inner| inner.is::<Problem>()) => return Err(e),
                Err(e) => return Err(io::Error::new(e.kind(), damaged(self.format, &e))),
            }
        }
        head.truncate(filled);
        self.budget.spend(filled).map_err(io::Error::other)?;
        match archive(&head) {
            None => Ok(head),
            Some(what) => Err(io::Error::other(Problem::new(
                format!("holds a {what} archive again"),
                "archives in archives are not unpacked: unpack the outer one and give the files in it",
            ))),
        }
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.head.is_none() {
            self.head = Some(self.look()?);
        }
        let rest = self.head.as_ref().and_then(|head| head.get(self.given..)).unwrap_or_default();
        if rest.is_empty() {
            return self.pull(buffer);
        }
        let n = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        self.given += n;
        Ok(n)
    }
}

/// Finding about bytes that do not unpack.
pub(super) fn damaged(format: &str, error: &io::Error) -> Problem {
    let what = if error.kind() == io::ErrorKind::UnexpectedEof {
        "is cut short".to_owned()
    } else {
        format!("is no {format}, or damaged ({error})")
    };
    Problem::new(what, "fetch the file again, or correct unpack in the feed file")
}

/// Which archive starts like this.
fn archive(head: &[u8]) -> Option<&'static str> {
    let at = |from: usize, magic: &[u8]| head.get(from..).is_some_and(|rest| rest.starts_with(magic));
    if at(0, b"PK\x03\x04") || at(0, b"PK\x05\x06") {
        Some("zip")
    } else if at(0, b"\x1f\x8b\x08") {
        Some("gzip")
    } else if at(0, b"\x28\xb5\x2f\xfd") || at(1, b"\x2a\x4d\x18") {
        Some("Zstandard")
    } else if at(0, b"BZh") && at(4, b"\x31\x41\x59\x26\x53\x59") {
        Some("bzip2")
    } else if at(0, b"\xfd7zXZ\x00") {
        Some("xz")
    } else if at(0, b"7z\xbc\xaf\x27\x1c") {
        Some("7z")
    } else if at(0, b"Rar!\x1a\x07") {
        Some("rar")
    } else if at(257, b"ustar") {
        Some("tar")
    } else {
        None
    }
}
