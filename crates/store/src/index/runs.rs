//! Sorted runs of (key, source, sequence): how many keys are written at the price of one.
//!
//! A key an entry costs a B-tree insert an event (some 10 µs in sled 0.34). Instead each write adds one
//! sorted run cut into pages, and eight runs of a size are merged into one of the next, as in a
//! log-structured merge tree (O'Neil, Cheng, Gawlick, O'Neil 1996). A look-up asks every run for one page;
//! there are at most seven of each size.

use serde::{Deserialize, Serialize};

use crate::segment::frame::{Chain, Fields};

/// Runs of one size that are merged.
const FAN: usize = 8;
/// Entries in a page.
pub(super) const PAGE: usize = 128;

/// First 16 bytes of the BLAKE3 of a key: two keys with one digest are not to be expected, ever.
pub(super) type Digest = [u8; 16];

/// Digest of `key`.
pub(super) fn digest(key: &str) -> Digest {
    let mut short = Digest::default();
    for (to, from) in short.iter_mut().zip(blake3::hash(key.as_bytes()).as_bytes()) {
        *to = *from;
    }
    short
}

/// One fact. Ordered by key, then sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) key: Digest,
    pub(super) seq: u64,
    pub(super) source: u32,
}

/// Which runs count, and up to which record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) covered: u64,
    pub(super) chain: Chain,
    /// Number of the next run.
    pub(super) next: u64,
    /// Number of each run and of its entries.
    pub(super) runs: Vec<(u64, u64)>,
}

impl Manifest {
    /// Takes out the runs that should now become one, oldest first.
    pub(super) fn take_mergeable(&mut self) -> Option<Vec<u64>> {
        let class = |entries: u64| entries.checked_ilog2().unwrap_or(0) / 3;
        let full = self
            .runs
            .iter()
            .map(|run| class(run.1))
            .find(|size| self.runs.iter().filter(|run| class(run.1) == *size).count() >= FAN)?;
        let (taken, kept) = self.runs.iter().partition::<Vec<(u64, u64)>, _>(|run| class(run.1) == full);
        self.runs = kept;
        Some(taken.into_iter().map(|run| run.0).collect())
    }

    /// Number for a new run of `entries`.
    pub(super) fn add(&mut self, entries: u64) {
        self.runs.push((self.next, entries));
        self.next = self.next.saturating_add(1);
    }
}

/// Name of the page of `run` that starts at `key` and `seq`.
pub(super) fn page_name(run: u64, key: Digest, seq: u64) -> Vec<u8> {
    let mut name = run_name(run);
    name.extend_from_slice(&key);
    name.extend_from_slice(&seq.to_be_bytes());
    name
}

/// What the names of all pages of `run` start with; they are ordered by run, then by content.
pub(super) fn run_name(run: u64) -> Vec<u8> {
    let mut name = vec![b'r'];
    name.extend_from_slice(&run.to_be_bytes());
    name
}

/// Run of a page.
pub(super) fn run_of(name: &[u8]) -> Option<u64> {
    let mut at = Fields(name.get(1..)?);
    at.array().map(u64::from_be_bytes)
}

/// Bytes of a page.
pub(super) fn page_out(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len() * 28);
    for entry in entries {
        bytes.extend_from_slice(&entry.key);
        bytes.extend_from_slice(&entry.seq.to_le_bytes());
        bytes.extend_from_slice(&entry.source.to_le_bytes());
    }
    bytes
}

/// Entries of a page.
pub(super) fn page_in(bytes: &[u8]) -> impl Iterator<Item = Entry> + '_ {
    let mut at = Fields(bytes);
    std::iter::from_fn(move || Some(Entry { key: at.array()?, seq: at.u64()?, source: at.u32()? }))
}

/// Merges sorted streams into one.
pub(super) struct Merge<I: Iterator<Item = Result<Entry, E>>, E> {
    streams: Vec<std::iter::Peekable<I>>,
}

impl<I: Iterator<Item = Result<Entry, E>>, E> Merge<I, E> {
    pub(super) fn new(streams: impl IntoIterator<Item = I>) -> Self {
        Self { streams: streams.into_iter().map(Iterator::peekable).collect() }
    }
}

impl<I: Iterator<Item = Result<Entry, E>>, E> Iterator for Merge<I, E> {
    type Item = Result<Entry, E>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut least: Option<(usize, Option<Entry>)> = None;
        for (i, stream) in self.streams.iter_mut().enumerate() {
            // An error comes before every entry, so that it is not passed over.
            let Some(head) = stream.peek().map(|head| head.as_ref().ok().copied()) else { continue };
            if least.is_none_or(|(_, best)| head < best) {
                least = Some((i, head));
            }
        }
        self.streams.get_mut(least?.0)?.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_round_trip_and_merge_in_order() {
        let entry = |n: u64| Entry { key: digest(&(n % 5).to_string()), seq: n, source: (n % 3) as u32 };
        let mut all: Vec<Entry> = (0..400).map(entry).collect();
        let mut parts: Vec<Vec<Entry>> = all.chunks(70).map(<[Entry]>::to_vec).collect();
        all.sort();
        for part in &mut parts {
            part.sort();
            assert!(page_in(&page_out(part)).eq(part.iter().copied()));
        }
        let merged: Result<Vec<Entry>, ()> =
            Merge::new(parts.into_iter().map(|part| part.into_iter().map(Ok))).collect();
        assert_eq!(merged, Ok(all));
    }

    #[test]
    fn runs_stay_few() {
        let mut manifest = Manifest::default();
        let mut sizes = std::collections::HashMap::new();
        for n in 0..50_000_u64 {
            sizes.insert(manifest.next, 1 + n % 3);
            manifest.add(1 + n % 3);
            while let Some(taken) = manifest.take_mergeable() {
                let total = taken.iter().map(|run| sizes[run]).sum();
                sizes.insert(manifest.next, total);
                manifest.add(total);
            }
            assert!(manifest.runs.len() < 50);
        }
        assert_eq!(manifest.runs.iter().map(|run| run.1).sum::<u64>(), 50_000 * 2 - 1);
    }
}
