//! A sliding window over a stream: bounded memory whatever the length of the source.

use std::io::{self, Read};

const STEP: usize = 1 << 16;

pub(super) struct Window {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    line: u64,
    ended: bool,
    open: bool,
}

impl Window {
    pub(super) fn new(reader: Box<dyn Read + Send>) -> Self {
        Self { reader, buffer: Vec::new(), start: 0, line: 1, ended: false, open: false }
    }

    /// Bytes read and not yet consumed.
    pub(super) fn pending(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Whether the stream holds no more than what is pending.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Line of the first pending byte, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Whether the bytes moved past end without a line end.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Reads on; false at the end of the stream.
    pub(super) fn fill(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        let before = self.buffer.len();
        self.buffer.resize(before + STEP, 0);
        let read = loop {
            match self.reader.read(self.buffer.get_mut(before..).unwrap_or_default()) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(before + *read.as_ref().unwrap_or(&0));
        self.ended = matches!(read, Ok(0));
        read.map(|n| n > 0)
    }

    /// Moves past `n` bytes, counting their lines, and gives them.
    pub(super) fn take(&mut self, n: usize) -> &[u8] {
        let from = self.start;
        self.start = (from + n).min(self.buffer.len());
        let taken = self.buffer.get(from..self.start).unwrap_or_default();
        self.open = taken.last().map_or(self.open, |last| *last != b'\n');
        self.line += memchr::memchr_iter(b'\n', taken).count() as u64;
        taken
    }

    /// Skips a byte order mark; true when the source holds nothing but blanks.
    pub(super) fn is_blank(&mut self) -> io::Result<bool> {
        while self.pending().len() < 3 && self.fill()? {}
        if self.pending().starts_with(b"\xef\xbb\xbf") {
            self.take(3);
        }
        loop {
            if !self.pending().iter().all(u8::is_ascii_whitespace) {
                return Ok(false);
            }
            // Blanks without end must not fill the memory.
            let n = self.pending().len();
            if self.ended
                || (n > STEP && {
                    self.take(n);
                    false
                })
            {
                return Ok(true);
            }
            self.fill()?;
        }
    }
}

/// Line without its line end.
pub(super) fn trim_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
