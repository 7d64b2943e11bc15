//! One JSON value a line.

use std::io;

use super::window::{Window, trim_end};
use super::{Chunk, MAX_RECORD, too_long};

pub(crate) struct Cutter {
    window: Window,
}

impl Cutter {
    pub(super) fn new(window: Window) -> Self {
        Self { window }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Chunk<'_>>> {
        loop {
            let (n, fault) = self.line()?;
            let line = self.window.line();
            if n == 0 {
                return Ok(None);
            }
            let blank = self.window.pending().iter().take(n).all(u8::is_ascii_whitespace);
            if !blank || fault {
                let raw = trim_end(self.window.take(n));
                return Ok(Some(Chunk { line, raw, fault: fault.then(too_long) }));
            }
            self.window.take(n);
        }
    }

    pub(super) fn ends_open(&self) -> bool {
        self.window.is_open()
    }

    /// Length of the next line with its end, and whether it was cut at the limit.
    fn line(&mut self) -> io::Result<(usize, bool)> {
        let mut seen = 0;
        loop {
            let pending = self.window.pending();
            if let Some(at) = memchr::memchr(b'\n', pending.get(seen..).unwrap_or_default()) {
                return Ok((seen + at + 1, false));
            }
            seen = pending.len();
            if seen > MAX_RECORD {
                return Ok((MAX_RECORD, true));
            }
            if !self.window.fill()? {
                return Ok((self.window.pending().len(), false));
            }
        }
    }
}
