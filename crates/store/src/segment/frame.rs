//! One frame: a block of records with its checksum and its link of the chain.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | CRC-32 of everything after it |
//! | 4 | 4 | length of the whole frame, bytes |
//! | 8 | 2 | flags: 1 payload is zstd, 2 last block of its append |
//! | 10 | 2 | number of records |
//! | 12 | 4 | length of the payload before compression, bytes |
//! | 16 | 8 | sequence of the first record |
//! | 24 | 8 | sequence of the first record of the append |
//! | 32 | 32 | chain: BLAKE3 of the previous chain, offsets 8–31 and everything from 64 on |
//! | 64 | 16 n | ids, all zero for a system record |
//! | 64 + 16 n | … | payload |
//!
//! Integers are little endian. CRC-32 is ISO-HDLC (the one of Ethernet and zip): it finds every burst up to
//! 32 bits, so every single flipped bit. BLAKE3 (O'Connor, Aumasson, Neves, Wilcox-O'Hearn 2020) makes a
//! change that also mends the checksum show in every later frame and in the anchor.

use chrono::{DateTime, Utc};

use crate::Error;
use crate::codec::{self, BodyRef};

/// A link of the chain.
pub(crate) type Chain = [u8; 32];
/// Before the first frame.
pub(crate) const ROOT: Chain = [0; 32];

pub(crate) const HEAD_LEN: usize = 64;
/// Largest frame and largest payload, bytes.
pub(crate) const MAX_LEN: usize = 64 << 20;
/// A block is closed when its payload reaches this many bytes, however few records it has.
const SOFT_LEN: usize = 1 << 20;
const ID_LEN: usize = 16;

const ZSTD: u16 = 1;
const LAST: u16 = 2;

/// Fields of a frame's fixed part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) crc: u32,
    pub(crate) len: usize,
    flags: u16,
    pub(crate) count: u16,
    pub(crate) raw_len: usize,
    pub(crate) first: u64,
    pub(crate) group: u64,
    pub(crate) chain: Chain,
}

impl Head {
    /// `None` when the bytes cannot be the start of a frame.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut at = Fields(bytes.get(..HEAD_LEN)?);
        let head = Self {
            crc: at.u32()?,
            len: usize::try_from(at.u32()?).ok()?,
            flags: at.u16()?,
            count: at.u16()?,
            raw_len: usize::try_from(at.u32()?).ok()?,
            first: at.u64()?,
            group: at.u64()?,
            chain: at.array()?,
        };
        let least = HEAD_LEN + usize::from(head.count) * ID_LEN;
        let plausible = head.count > 0
            && head.flags & !(ZSTD | LAST) == 0
            && (least..=MAX_LEN).contains(&head.len)
            && head.raw_len <= MAX_LEN
            && head.group > 0
            && head.group <= head.first;
        plausible.then_some(head)
    }

    /// Sequence of the last record.
    pub(crate) fn last_seq(&self) -> u64 {
        self.first.saturating_add(u64::from(self.count)).saturating_sub(1)
    }

    /// Whether the append ends with this block.
    pub(crate) fn ends_append(&self) -> bool {
        self.flags & LAST != 0
    }
}

/// Reads little-endian fields off the front.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl Fields<'_> {
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

/// A whole frame whose checksum holds.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) head: Head,
    pub(crate) ids: &'a [u8],
    payload: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Checks `bytes`, which are exactly one frame, against their checksum.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let head = Head::parse(bytes)?;
        if bytes.len() != head.len || crc32fast::hash(bytes.get(4..)?) != head.crc {
            return None;
        }
        let (ids, payload) = bytes.get(HEAD_LEN..)?.split_at_checked(usize::from(head.count) * ID_LEN)?;
        Some(Self { head, ids, payload, bytes })
    }

    /// Chain value that this frame ought to carry after `previous`.
    pub(crate) fn link(&self, previous: &Chain) -> Chain {
        link(previous, self.bytes)
    }

    /// Decoder over the records; `unpacked` is scratch space.
    pub(crate) fn records<'b>(&'b self, unpacked: &'b mut Unpacker) -> Result<codec::Decoder<'b>, Error> {
        let payload = if self.head.flags & ZSTD == 0 {
            self.payload
        } else {
            unpacked
                .unpack(self.payload, self.head.raw_len)
                .map_err(|what| Error::damaged(self.head.first, what))?
        };
        Ok(codec::Decoder::new(payload, self.ids, self.head.first))
    }
}

fn link(previous: &Chain, frame: &[u8]) -> Chain {
    let mut hash = blake3::Hasher::new();
    hash.update(previous);
    hash.update(frame.get(8..32).unwrap_or_default());
    hash.update(frame.get(HEAD_LEN..).unwrap_or_default());
    *hash.finalize().as_bytes()
}

/// Decompressor with its buffer, kept between frames.
#[derive(Default)]
pub(crate) struct Unpacker {
    zstd: Option<zstd::bulk::Decompressor<'static>>,
    buffer: Vec<u8>,
}

impl Unpacker {
    fn unpack(&mut self, packed: &[u8], raw_len: usize) -> Result<&[u8], String> {
        let zstd = match &mut self.zstd {
            Some(zstd) => zstd,
            none => none.insert(zstd::bulk::Decompressor::new().map_err(|e| e.to_string())?),
        };
        self.buffer.clear();
        // `raw_len` is capped by `Head::parse`, and zstd never writes past the capacity.
        self.buffer.reserve(raw_len);
        let n = zstd
            .decompress_to_buffer(packed, &mut self.buffer)
            .map_err(|e| format!("a block does not decompress: {e}"))?;
        if n == raw_len { Ok(&self.buffer) } else { Err("a block decompresses to another length".into()) }
    }
}

/// Gathers records until a block is full.
pub(crate) struct Block {
    ids: Vec<u8>,
    payload: Vec<u8>,
    count: u16,
    first: u64,
    at: Option<DateTime<Utc>>,
}

impl Block {
    pub(crate) fn new(first: u64) -> Self {
        Self { ids: Vec::new(), payload: Vec::new(), count: 0, first, at: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn is_full(&self, most_records: u16) -> bool {
        self.count >= most_records || self.payload.len() >= SOFT_LEN
    }

    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// Sequence of the next record.
    pub(crate) fn next(&self) -> u64 {
        self.first.saturating_add(u64::from(self.count))
    }

    pub(crate) fn push(&mut self, at: DateTime<Utc>, body: BodyRef<'_>) -> Result<(), Error> {
        let start = self.payload.len();
        codec::encode((self.at != Some(at)).then_some(at), body, &mut self.payload)
            .map_err(|what| Error::Unstorable { what })?;
        let bytes = self.payload.len().saturating_sub(start);
        if bytes > MAX_LEN / 2 {
            self.payload.truncate(start);
            return Err(Error::TooLarge { bytes, limit: MAX_LEN / 2 });
        }
        self.ids.extend_from_slice(body.id().as_bytes());
        self.count += 1;
        self.at = Some(at);
        Ok(())
    }

    /// Writes the frame onto `out`, returns its chain value and leaves an empty block for what follows.
    pub(crate) fn seal(
        &mut self,
        group: u64,
        last: bool,
        previous: &Chain,
        packer: &mut Packer,
        out: &mut Vec<u8>,
    ) -> Chain {
        let packed = packer.pack(usize::from(self.count), &self.payload);
        let payload = packed.unwrap_or(&self.payload);
        let flags = if packed.is_some() { ZSTD } else { 0 } | if last { LAST } else { 0 };
        let len = HEAD_LEN + self.ids.len() + payload.len();
        let mut frame = Vec::with_capacity(len);
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(&short(len).to_le_bytes());
        frame.extend_from_slice(&flags.to_le_bytes());
        frame.extend_from_slice(&self.count.to_le_bytes());
        frame.extend_from_slice(&short(self.payload.len()).to_le_bytes());
        frame.extend_from_slice(&self.first.to_le_bytes());
        frame.extend_from_slice(&group.to_le_bytes());
        frame.extend_from_slice(&ROOT);
        frame.extend_from_slice(&self.ids);
        frame.extend_from_slice(payload);
        let chain = link(previous, &frame);
        put(&mut frame, 32, &chain);
        let crc = crc32fast::hash(frame.get(4..).unwrap_or_default());
        put(&mut frame, 0, &crc.to_le_bytes());
        out.append(&mut frame);
        self.first = self.next();
        self.ids.clear();
        self.payload.clear();
        self.count = 0;
        self.at = None;
        chain
    }
}

fn put(frame: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(slot) = frame.get_mut(at..at + bytes.len()) {
        slot.copy_from_slice(bytes);
    }
}

/// Lengths are capped at [`MAX_LEN`] long before they leave 32 bits.
fn short(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Compressor with its buffer, kept between frames.
#[derive(Default)]
pub(crate) struct Packer {
    zstd: Option<zstd::bulk::Compressor<'static>>,
    buffer: Vec<u8>,
}

/// Blocks of fewer records stay as they are: zstd gains little on a handful and costs every point read.
const PACK_FROM: usize = 64;

impl Packer {
    /// The compressed payload, when it is worth it. A failing compressor only costs room.
    fn pack(&mut self, count: usize, payload: &[u8]) -> Option<&[u8]> {
        if count < PACK_FROM {
            return None;
        }
        let zstd = match &mut self.zstd {
            Some(zstd) => zstd,
            none => none.insert(zstd::bulk::Compressor::new(1).ok()?),
        };
        self.buffer.clear();
        self.buffer.reserve(zstd::zstd_safe::compress_bound(payload.len()));
        zstd.compress_to_buffer(payload, &mut self.buffer).ok()?;
        (self.buffer.len() < payload.len()).then_some(self.buffer.as_slice())
    }
}
