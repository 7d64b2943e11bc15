//! Walks the frames of one segment.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::frame::{Frame, HEAD_LEN, Head};
use crate::Error;

/// What stands at a place in a segment.
pub(crate) enum Step<'a> {
    /// A frame whose checksum holds.
    Frame(Frame<'a>),
    /// The end of the file.
    End,
    /// Something else.
    Bad(&'static str),
}

/// Frames in order, each read into one buffer.
pub(crate) struct Frames<'p> {
    path: &'p Path,
    file: BufReader<File>,
    buffer: Vec<u8>,
    /// Offset of the next frame.
    pub(crate) offset: u64,
}

impl<'p> Frames<'p> {
    /// Starts at `offset`, where a frame begins, reading `buffer` bytes ahead.
    pub(crate) fn open(path: &'p Path, offset: u64, buffer: usize) -> Result<Self, Error> {
        let mut file = super::open(path)?;
        file.seek(SeekFrom::Start(offset)).map_err(Error::io(path))?;
        Ok(Self { path, file: BufReader::with_capacity(buffer, file), buffer: Vec::new(), offset })
    }

    /// Reads the next frame.
    pub(crate) fn step(&mut self) -> Result<Step<'_>, Error> {
        self.buffer.clear();
        self.fill(HEAD_LEN)?;
        if self.buffer.is_empty() {
            return Ok(Step::End);
        }
        let Some(head) = Head::parse(&self.buffer) else {
            return Ok(Step::Bad("a frame's head is cut short or unreadable"));
        };
        self.fill(head.len - HEAD_LEN)?;
        if self.buffer.len() < head.len {
            return Ok(Step::Bad("a frame is cut short"));
        }
        match Frame::parse(&self.buffer) {
            Some(frame) => {
                self.offset = self.offset.saturating_add(head.len as u64);
                Ok(Step::Frame(frame))
            }
            None => Ok(Step::Bad("a frame does not match its checksum")),
        }
    }

    /// Reads the head of the next frame and passes over the rest when all of it comes before `seq`.
    ///
    /// Only for frames already checked at open.
    pub(crate) fn skip_before(&mut self, seq: u64) -> Result<(), Error> {
        loop {
            self.buffer.clear();
            self.fill(HEAD_LEN)?;
            let len = Head::parse(&self.buffer).filter(|head| head.last_seq() < seq).map(|head| head.len);
            let got = i64::try_from(self.buffer.len()).unwrap_or(0);
            let ahead = len.and_then(|len| i64::try_from(len).ok()).unwrap_or(0);
            self.file.seek_relative(ahead - got).map_err(Error::io(self.path))?;
            match len {
                Some(len) => self.offset = self.offset.saturating_add(len as u64),
                None => return Ok(()),
            }
        }
    }

    fn fill(&mut self, n: usize) -> Result<(), Error> {
        let read: io::Result<usize> = (&mut self.file).take(n as u64).read_to_end(&mut self.buffer);
        read.map(drop).map_err(Error::io(self.path))
    }
}
