//! Unpacking: compressed sources as the plain ones that they hold.
//!
//! Everything streams: nothing is written but the spool of a zip archive that cannot be sought in, which has no name.
//! The caps hold over a whole source, whatever it holds: see [`Limits`].

mod guard;
mod zip;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use bellwether_model::Problem;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use crate::connector::Input;
use crate::{IngestError, mapping::text::neutral};
use guard::{Budget, Counted, Guard};

/// How a feed's sources are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unpack {
    /// A zip archive; each file in it is a source of its own, named `archive.zip!member`.
    Zip,
    /// gzip, one or more members after another.
    Gzip,
    /// Zstandard, one or more frames.
    Zstd,
    /// Whichever of these the first bytes say, and plain when they say none.
    Any,
}

/// What a packed source may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Unpacked bytes of all members together.
    pub bytes: u64,
    /// Unpacked bytes for each packed one. It bites from [`Limits::GRACE`] unpacked bytes on: what is small is harmless.
    pub ratio: u64,
    /// Members of an archive.
    pub members: usize,
}

impl Limits {
    /// Unpacked bytes below which the ratio is not looked at.
    pub const GRACE: u64 = 8 << 20;
}

impl Default for Limits {
    /// 4 GiB, 200 to one (text packs ten to forty to one), 1000 members.
    fn default() -> Self {
        Self { bytes: 4 << 30, ratio: 200, members: 1000 }
    }
}

/// Greatest window that a Zstandard frame may ask for, as a power of two: 128 MiB, what `zstd -d` takes unasked.
const ZSTD_WINDOW: u32 = 27;

impl Unpack {
    /// Opens a packed source.
    ///
    /// Errors: [`IngestError::Source`] naming it when it is no archive of this kind, is cut short, holds no file or
    /// too many of them. What is found out later (a bomb, an archive within, damage) is an error of reading.
    pub fn open(self, input: Input, limits: Limits) -> Result<Unpacked, IngestError> {
        let name = input.name().to_owned();
        let fail = |e: io::Error| IngestError::read(&name, &e);
        match self {
            Unpack::Gzip => {
                let budget = Budget::new(limits, 0);
                let packed = Counted::new(input.reader, &budget);
                let reader = flate2::read::MultiGzDecoder::new(packed);
                Ok(Unpacked::one(Input::reader(name, Guard::new(reader, budget, "gzip"))))
            }
            Unpack::Zstd => {
                let budget = Budget::new(limits, 0);
                let packed = Counted::new(input.reader, &budget);
                let mut reader = zstd::stream::read::Decoder::new(packed).map_err(fail)?;
                reader.window_log_max(ZSTD_WINDOW).map_err(fail)?;
                Ok(Unpacked::one(Input::reader(name, Guard::new(reader, budget, "Zstandard"))))
            }
            Unpack::Any => {
                let (found, input) = sniff(input).map_err(fail)?;
                match found {
                    Some(found) => found.open(input, limits),
                    None => Ok(Unpacked::one(input)),
                }
            }
            Unpack::Zip => {
                let file = spooled(input, limits).map_err(fail)?;
                zip::open(&name, file, limits).map(|members| Unpacked { members }).map_err(fail)
            }
        }
    }
}

/// The sources in a packed one, in the order of the archive. One that cannot be opened does not cost the others.
pub struct Unpacked {
    members: Box<dyn Iterator<Item = Result<Input, IngestError>> + Send>,
}

impl Unpacked {
    /// A source that is not packed.
    pub(crate) fn one(input: Input) -> Self {
        Self { members: Box::new(std::iter::once(Ok(input))) }
    }
}

impl std::fmt::Debug for Unpacked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unpacked").finish_non_exhaustive()
    }
}

impl Iterator for Unpacked {
    type Item = Result<Input, IngestError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.members.next()
    }
}

/// How a source is packed by its first bytes, and the source as if nobody had looked.
fn sniff(input: Input) -> io::Result<(Option<Unpack>, Input)> {
    let Input { name, mut reader, file, folder, beside } = input;
    let mut head = Vec::new();
    reader.by_ref().take(4).read_to_end(&mut head)?;
    let found = match head.as_slice() {
        [b'P', b'K', 3, 4] | [b'P', b'K', 5, 6] => Some(Unpack::Zip),
        [0x1f, 0x8b, 8, _] => Some(Unpack::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd] => Some(Unpack::Zstd),
        _ => None,
    };
    let reader = Box::new(io::Cursor::new(head).chain(reader));
    Ok((found, Input { name, reader, file, folder, beside }))
}

/// A file that can be sought in: the source's own, or an unnamed copy.
fn spooled(input: Input, limits: Limits) -> io::Result<File> {
    if let Some(mut file) = input.file {
        file.seek(SeekFrom::Start(0))?;
        return Ok(file);
    }
    let mut file = tempfile::tempfile()?;
    let copied = io::copy(&mut input.reader.take(limits.bytes.saturating_add(1)), &mut file)?;
    if copied > limits.bytes {
        return Err(io::Error::other(too_much(limits)));
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

fn too_much(limits: Limits) -> Problem {
    Problem::new(
        format!("more than {} bytes unpacked", limits.bytes),
        "nobody sends that by design: look at the source, or split it",
    )
}

/// A member's name as evidence shows it. It is only ever a name: no path is made of it.
fn shown(archive: &str, member: &[u8]) -> String {
    let member: String = neutral(&String::from_utf8_lossy(member)).chars().take(200).collect();
    format!("{archive}!{member}")
}

/// Whether the bytes have the MD5 digest that a manifest states in hexadecimal, of either case.
///
/// It tells a whole file from a cut one. It proves nothing against whoever can also write the manifest.
///
/// Errors: those of reading.
pub fn md5_matches(mut bytes: impl Read, hex: &str) -> io::Result<bool> {
    let mut digest = Md5::new();
    let mut buffer = vec![0_u8; 1 << 16];
    loop {
        match bytes.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => digest.update(buffer.get(..n).unwrap_or_default()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    let found: String = digest.finalize().iter().map(|b| format!("{b:02x}")).collect();
    Ok(found.eq_ignore_ascii_case(hex.trim()))
}
