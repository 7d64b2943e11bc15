//! Zip, read strictly: one directory at the end, and nothing believed that does not add up.
//!
//! Readers that search for a directory until one fits can be led to another than the one a virus scanner saw, and
//! allocate for as many entries as it claims. Here the archive is its last 22 bytes and what they point at.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use bellwether_model::Problem;
use flate2::Crc;
use flate2::read::DeflateDecoder;

use super::guard::{Budget, Guard};
use super::{Limits, shown};
use crate::IngestError;
use crate::connector::Input;

/// Fixed part of the record that ends an archive.
const END: usize = 22;
/// Longest comment after it.
const COMMENT: usize = 0xffff;
/// Fixed part of an entry of the directory.
const ENTRY: usize = 46;
/// Fixed part of the header before a member's data.
const LOCAL: usize = 30;
/// Longest directory: a thousand names and their extras take a tenth.
const MAX_DIRECTORY: u64 = 16 << 20;

/// One file of the directory.
struct Member {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    header: u64,
    link: bool,
}

type Members = Box<dyn Iterator<Item = Result<Input, IngestError>> + Send>;

/// Reads the directory and gives the files, folders left out.
pub(super) fn open(archive: &str, mut file: File, limits: Limits) -> io::Result<Members> {
    let length = file.seek(SeekFrom::End(0))?;
    let members = directory(&mut file, length, limits)?;
    if members.is_empty() {
        return Err(refuse(
            "the archive holds no file",
            "an empty answer is not \"nothing happened\": fetch it again",
        ));
    }
    let budget = Budget::new(limits, length);
    let file = Arc::new(Mutex::new(file));
    let archive = archive.to_owned();
    Ok(Box::new(members.into_iter().map(move |member| {
        let name = shown(&archive, &member.name);
        match data(&file, &member) {
            Ok(reader) => Ok(Input::reader(name, Guard::new(reader, Arc::clone(&budget), "zip"))),
            Err(e) => Err(IngestError::read(&name, &e)),
        }
    })))
}

fn refuse(message: &str, remedy: &str) -> io::Error {
    io::Error::other(Problem::new(message, remedy))
}

fn broken(what: &str) -> io::Error {
    refuse(
        &format!("is no zip archive, or damaged or cut short: {what}"),
        "fetch the file again, or correct unpack in the feed file",
    )
}

/// Little-endian number of `n` bytes.
fn number(bytes: &[u8], at: usize, n: usize) -> u64 {
    let field = bytes.get(at..at + n).unwrap_or_default();
    field.iter().rev().fold(0, |value, byte| (value << 8) | u64::from(*byte))
}

fn short(bytes: &[u8], at: usize) -> u16 {
    u16::try_from(number(bytes, at, 2)).unwrap_or_default()
}

fn directory(file: &mut File, length: u64, limits: Limits) -> io::Result<Vec<Member>> {
    let tail_length = length.min((END + COMMENT) as u64);
    file.seek(SeekFrom::Start(length - tail_length))?;
    let mut tail = Vec::new();
    file.take(tail_length).read_to_end(&mut tail)?;
    let at = memchr::memmem::rfind(&tail, b"PK\x05\x06").ok_or_else(|| broken("it does not end as one"))?;
    let end = tail.get(at..).filter(|end| end.len() >= END).ok_or_else(|| broken("its end is incomplete"))?;
    if END + usize::from(short(end, 20)) != end.len() {
        return Err(broken("bytes follow its end"));
    }
    let (count, size, start) = (short(end, 10), number(end, 12, 4), number(end, 16, 4));
    if count == u16::MAX || size == u64::from(u32::MAX) || start == u64::from(u32::MAX) {
        return Err(refuse(
            "is a zip64 archive: larger than is read here",
            "split it, or pack it with gzip or zstd",
        ));
    }
    if usize::from(count) > limits.members {
        return Err(refuse(
            &format!("holds {count} files, more than {}", limits.members),
            "split the archive",
        ));
    }
    let end_at = length - tail_length + at as u64;
    if start + size != end_at || size > MAX_DIRECTORY || short(end, 4) != 0 || short(end, 8) != count {
        return Err(broken("its directory is not where its end says"));
    }
    file.seek(SeekFrom::Start(start))?;
    let mut listed = Vec::new();
    file.take(size).read_to_end(&mut listed)?;
    let mut members = Vec::new();
    let mut rest = listed.as_slice();
    for _ in 0..count {
        if !rest.starts_with(b"PK\x01\x02") || rest.len() < ENTRY {
            return Err(broken("its directory ends early"));
        }
        let (name, extra, comment) = (short(rest, 28), short(rest, 30), short(rest, 32));
        let whole = ENTRY + usize::from(name) + usize::from(extra) + usize::from(comment);
        let (entry, after) =
            rest.split_at_checked(whole).ok_or_else(|| broken("its directory ends early"))?;
        rest = after;
        let name = entry.get(ENTRY..ENTRY + usize::from(name)).unwrap_or_default().to_vec();
        if name.ends_with(b"/") {
            continue;
        }
        // The high half holds the mode where Unix made the entry; 0o120000 is a link.
        let mode = number(entry, 38, 4) >> 16;
        members.push(Member {
            name,
            flags: short(entry, 8),
            method: short(entry, 10),
            crc: u32::try_from(number(entry, 16, 4)).unwrap_or_default(),
            packed: number(entry, 20, 4),
            size: number(entry, 24, 4),
            header: number(entry, 42, 4),
            link: mode & 0o170_000 == 0o120_000,
        });
    }
    if !rest.is_empty() {
        return Err(broken("its directory is longer than its files"));
    }
    Ok(members)
}

/// Opens a member's data.
fn data(file: &Arc<Mutex<File>>, member: &Member) -> io::Result<Box<dyn Read + Send>> {
    if member.link {
        return Err(refuse("is a link, not a file", "links are not followed: pack the file itself"));
    }
    if member.flags & 1 != 0 {
        return Err(refuse("is encrypted", "unpack it by hand and give the file"));
    }
    if [member.packed, member.size, member.header].contains(&u64::from(u32::MAX)) {
        return Err(refuse("is larger than 4 GiB", "split it, or pack it with gzip or zstd"));
    }
    let mut header = Section { file: Arc::clone(file), at: member.header, left: LOCAL as u64 };
    let mut local = Vec::new();
    header.read_to_end(&mut local)?;
    if !local.starts_with(b"PK\x03\x04") || local.len() < LOCAL {
        return Err(broken("a file is not where its directory says"));
    }
    let start = member.header + LOCAL as u64 + u64::from(short(&local, 26)) + u64::from(short(&local, 28));
    let section =
        BufReader::with_capacity(1 << 16, Section { file: Arc::clone(file), at: start, left: member.packed });
    let checked = |inner| Checked { inner, crc: Crc::new(), seen: 0, want: (member.crc, member.size) };
    match member.method {
        0 => Ok(Box::new(checked(Box::new(section) as Box<dyn Read + Send>))),
        8 => Ok(Box::new(checked(Box::new(DeflateDecoder::new(section))))),
        other => Err(refuse(
            &format!("is packed by method {other}, which is not read here"),
            "pack it with deflate, gzip or zstd",
        )),
    }
}

/// Part of the archive.
struct Section {
    file: Arc<Mutex<File>>,
    at: u64,
    left: u64,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        // A reader that failed elsewhere left nothing behind that a seek does not set right.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        let n = file.read(buffer)?;
        self.at += n as u64;
        self.left -= n as u64;
        Ok(n)
    }
}

/// A member whose end must match what the directory says of it.
struct Checked<R> {
    inner: R,
    crc: Crc,
    seen: u64,
    want: (u32, u64),
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.crc.update(buffer.get(..n).unwrap_or_default());
        self.seen += n as u64;
        if (n == 0 && !buffer.is_empty() && (self.crc.sum(), self.seen) != self.want)
            || self.seen > self.want.1
        {
            return Err(broken("a file is not what its directory says"));
        }
        Ok(n)
    }
}
