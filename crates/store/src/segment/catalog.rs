//! Where in which segment a sequence is to be found.

use std::path::PathBuf;

use super::HEAD_LEN;

/// A frame in so many bytes is remembered, the ones between are walked.
const MARK_EVERY: u64 = 16 << 10;

/// One segment and some of its frames.
#[derive(Clone, Debug)]
pub(crate) struct SegmentInfo {
    pub(crate) first: u64,
    pub(crate) path: PathBuf,
    /// Committed length, bytes.
    pub(crate) bytes: u64,
    /// (first sequence, offset) of remembered frames, ascending.
    marks: Vec<(u64, u64)>,
}

impl SegmentInfo {
    pub(crate) fn new(first: u64, path: PathBuf) -> Self {
        Self { first, path, bytes: HEAD_LEN as u64, marks: Vec::new() }
    }

    /// Learns that a frame starting at sequence `seq` lies at `offset`.
    pub(crate) fn mark(&mut self, seq: u64, offset: u64) {
        if self.marks.last().is_none_or(|(_, at)| offset >= at.saturating_add(MARK_EVERY)) {
            self.marks.push((seq, offset));
        }
    }

    /// Forgets frames from `seq` on.
    pub(crate) fn forget_from(&mut self, seq: u64) {
        self.marks.retain(|(first, _)| *first < seq);
    }

    /// Offset of a frame at or before `seq`.
    pub(crate) fn offset(&self, seq: u64) -> u64 {
        let after = self.marks.partition_point(|(first, _)| *first <= seq);
        after.checked_sub(1).and_then(|i| self.marks.get(i)).map_or(HEAD_LEN as u64, |(_, offset)| *offset)
    }
}

/// All segments, ascending and without gaps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalog(pub(crate) Vec<SegmentInfo>);

impl Catalog {
    /// Files to read for the records from `seq` on, each with the offset to start at.
    pub(crate) fn from(&self, seq: u64) -> Vec<(PathBuf, u64)> {
        let after = self.0.partition_point(|s| s.first <= seq);
        self.0
            .iter()
            .skip(after.saturating_sub(1))
            .map(|segment| (segment.path.clone(), segment.offset(seq)))
            .collect()
    }
}
