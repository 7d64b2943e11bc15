//! Walks the whole log and decides what is acknowledged, what is a torn tail and what is damage.
//!
//! Up to the anchor, anything missing or changed is damage. Past it, what cannot be read is a torn tail if
//! it can be the remains of one unfinished append: when a whole frame of a *later* append follows, the
//! broken one had been synced before, so it was acknowledged and is damage too.

use std::fs;
use std::path::Path;

use super::anchor::Anchor;
use super::catalog::{Catalog, SegmentInfo};
use super::frame::{Chain, Frame, HEAD_LEN as FRAME_HEAD, Head, ROOT};
use super::reader::{Frames, Step};
use super::{list, open, read_head};
use crate::Error;

const READ_AHEAD: usize = 256 << 10;

/// Who watches the walk.
pub(crate) trait Watch {
    /// A frame whose checksum and chain hold; its append may still turn out unfinished.
    fn frame(&mut self, frame: &Frame<'_>) -> Result<(), Error>;
    /// Everything up to `head` is committed.
    fn commit(&mut self, head: u64, chain: &Chain);
}

/// What remains of an append that was never acknowledged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Torn {
    /// Bytes after the last committed frame.
    pub(crate) bytes: u64,
    /// Records in whole frames among them.
    pub(crate) records: u64,
    /// What is wrong there.
    pub(crate) what: String,
}

/// Outcome of a walk.
pub(crate) struct Scan {
    pub(crate) catalog: Catalog,
    pub(crate) head: u64,
    pub(crate) chain: Chain,
    pub(crate) anchor: Anchor,
    pub(crate) torn: Option<Torn>,
}

/// Walks `log`. Changes nothing on disk.
pub(crate) fn scan(log: &Path, watch: &mut dyn Watch) -> Result<Scan, Error> {
    // The anchor first: a writer at work only moves it forward.
    let anchor = Anchor::read(log)?;
    let files = list(log)?;
    let anchor = match anchor {
        Some(anchor) => anchor,
        None if files.is_empty() => Anchor::START,
        None => return Err(Error::damaged(1, "the head anchor (log/HEAD) is missing")),
    };
    let mut walk = Walk {
        anchor,
        next: 1,
        chain: ROOT,
        group: None,
        head: 0,
        head_chain: ROOT,
        end: None,
        catalog: Catalog::default(),
        watch,
    };
    let mut bad = None;
    for (i, (first, path)) in files.iter().enumerate() {
        if let Some(what) = walk.segment(*first, path)? {
            bad = Some((i, what));
            break;
        }
    }
    walk.finish(&files, bad)
}

/// Walks `log` beside an owner who may be writing it.
///
/// A frame half written when it was looked at, with the next append behind it a moment later, looks like
/// damage: it only is when it looks so again.
pub(crate) fn beside_owner<W: Watch>(log: &Path, watch: impl Fn() -> W) -> Result<(Scan, W), Error> {
    let mut tries = 3;
    loop {
        let mut watching = watch();
        tries -= 1;
        match scan(log, &mut watching) {
            Ok(scan) => return Ok((scan, watching)),
            Err(Error::Integrity { .. }) if tries > 0 => {}
            Err(error) => return Err(error),
        }
    }
}

struct Walk<'w> {
    anchor: Anchor,
    /// Next sequence expected.
    next: u64,
    chain: Chain,
    /// First sequence of the append under way.
    group: Option<u64>,
    head: u64,
    head_chain: Chain,
    /// Segment of the last committed frame and where it ends.
    end: Option<(u64, u64)>,
    catalog: Catalog,
    watch: &'w mut dyn Watch,
}

impl Walk<'_> {
    /// Walks one segment; `Some(why)` when it stops being readable.
    fn segment(&mut self, first: u64, path: &Path) -> Result<Option<&'static str>, Error> {
        if first != self.next {
            return Err(Error::damaged(self.next, format!("the next segment file starts at {first}")));
        }
        let Some((stated, chain)) = read_head(path, &mut open(path)?)? else {
            return Ok(Some("a segment's head is cut short or unreadable"));
        };
        if stated != first || chain != self.chain {
            return Err(Error::damaged(self.next, "a segment file does not continue the one before it"));
        }
        self.catalog.0.push(SegmentInfo::new(first, path.to_owned()));
        let mut frames = Frames::open(path, super::HEAD_LEN as u64, READ_AHEAD)?;
        loop {
            let offset = frames.offset;
            match frames.step()? {
                Step::Frame(frame) => self.frame(&frame, offset)?,
                Step::End => return Ok(None),
                Step::Bad(why) => return Ok(Some(why)),
            }
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, offset: u64) -> Result<(), Error> {
        let head = frame.head;
        let group = self.group.unwrap_or(self.next);
        let chain = frame.link(&self.chain);
        // Its checksum holds, so it was not torn: whatever does not fit was put there.
        if head.first != self.next || head.group != group || head.chain != chain {
            return Err(Error::damaged(self.next, "the hash chain is broken"));
        }
        let last = head.last_seq();
        let reaches = (head.first..=last).contains(&self.anchor.count);
        if reaches && (last, head.ends_append(), chain) != (self.anchor.count, true, self.anchor.chain) {
            return Err(Error::damaged(self.next, "the log does not match its head anchor"));
        }
        self.watch.frame(frame)?;
        if let Some(segment) = self.catalog.0.last_mut() {
            segment.mark(head.first, offset);
            segment.bytes = offset.saturating_add(head.len as u64);
        }
        self.next = last.saturating_add(1);
        self.chain = chain;
        self.group = Some(group);
        if head.ends_append() {
            self.group = None;
            self.head = last;
            self.head_chain = chain;
            self.end = self.catalog.0.last().map(|s| (s.first, s.bytes));
            self.watch.commit(last, &chain);
        }
        Ok(())
    }

    fn finish(
        mut self,
        files: &[(u64, std::path::PathBuf)],
        bad: Option<(usize, &'static str)>,
    ) -> Result<Scan, Error> {
        if self.head < self.anchor.count {
            let what =
                bad.map_or("the log ends before its head anchor: its tail was removed", |(_, why)| why);
            return Err(Error::damaged(self.next, what));
        }
        if let Some((at, why)) = bad {
            let group = self.group.unwrap_or(self.next);
            for (i, (_, path)) in files.iter().enumerate().skip(at) {
                let from = if i == at { self.bad_offset(path)? } else { 0 };
                if later_append_in(path, from, group)? {
                    return Err(Error::damaged(self.next, why));
                }
            }
        }
        let records = self.next.saturating_sub(1).saturating_sub(self.head);
        if records > 0 {
            self.drop_unfinished();
        }
        let mut bytes = 0_u64;
        for (first, path) in files {
            let len = fs::metadata(path).map_err(Error::io(path))?.len();
            let kept = self.catalog.0.iter().find(|s| s.first == *first).map_or(0, |s| s.bytes);
            bytes = bytes.saturating_add(len.saturating_sub(kept));
        }
        let what = bad.map_or("an append without its last block", |(_, why)| why).to_owned();
        Ok(Scan {
            head: self.head,
            chain: self.head_chain,
            anchor: self.anchor,
            torn: (bytes > 0).then_some(Torn { bytes, records, what }),
            catalog: self.catalog,
        })
    }

    /// Forgets the frames of the unfinished append and the segments it opened.
    fn drop_unfinished(&mut self) {
        let (last, end) = self.end.unwrap_or((0, 0));
        self.catalog.0.retain(|segment| segment.first <= last);
        if let Some(segment) = self.catalog.0.last_mut() {
            segment.bytes = end;
            segment.forget_from(self.head.saturating_add(1));
        }
    }

    /// Where in `path` the unreadable part begins.
    fn bad_offset(&self, path: &Path) -> Result<u64, Error> {
        let readable = self.catalog.0.last().is_some_and(|s| s.path == path);
        if !readable {
            return Ok(0);
        }
        let mut frames = Frames::open(path, super::HEAD_LEN as u64, READ_AHEAD)?;
        while let Step::Frame(_) = frames.step()? {}
        Ok(frames.offset)
    }
}

/// Whether a whole frame of an append after `group` stands somewhere in `path` from `from` on.
fn later_append_in(path: &Path, from: u64, group: u64) -> Result<bool, Error> {
    let bytes = fs::read(path).map_err(Error::io(path))?;
    let start = usize::try_from(from).unwrap_or(usize::MAX);
    let mut rest = bytes.get(start..).unwrap_or_default();
    while rest.len() >= FRAME_HEAD {
        if let Some(head) = Head::parse(rest)
            && head.group > group
            && rest.get(..head.len).and_then(Frame::parse).is_some()
        {
            return Ok(true);
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    Ok(false)
}
