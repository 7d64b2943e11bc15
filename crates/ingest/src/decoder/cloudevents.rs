//! CloudEvents 1.0: one event, several after another, or a batch (a JSON array of events).
//!
//! Only the outline is read here: strings and brackets, without recursion, so depth costs nothing.

use std::io;

use bellwether_model::Problem;

use super::window::Window;
use super::{Chunk, MAX_RECORD, too_long};

pub(crate) struct Cutter {
    window: Window,
    in_batch: bool,
}

enum Outline {
    /// The value ends before this byte.
    Complete(usize),
    /// The bytes end inside the value.
    Open,
    /// No value starts like this.
    Wrong,
}

impl Cutter {
    pub(super) fn new(window: Window) -> Self {
        Self { window, in_batch: false }
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Chunk<'_>>> {
        loop {
            self.skip_blanks()?;
            match self.window.pending().first().copied() {
                None if self.in_batch => {
                    self.in_batch = false;
                    let fault = Problem::new(
                        "the batch is not closed: the file is cut short",
                        "fetch the file again",
                    );
                    return Ok(Some(Chunk {
                        line: self.window.line(),
                        raw: &[],
                        fault: Some(fault.field("record")),
                    }));
                }
                None => return Ok(None),
                Some(b'[') if !self.in_batch => {
                    self.in_batch = true;
                    self.window.take(1);
                }
                Some(b']') if self.in_batch => {
                    self.in_batch = false;
                    self.window.take(1);
                }
                Some(b',') if self.in_batch => {
                    self.window.take(1);
                }
                Some(_) => return self.event(),
            }
        }
    }

    fn skip_blanks(&mut self) -> io::Result<()> {
        loop {
            let pending = self.window.pending();
            let blanks = pending.iter().take_while(|b| b.is_ascii_whitespace()).count();
            let all = blanks == pending.len();
            self.window.take(blanks);
            if !all || !self.window.fill()? {
                return Ok(());
            }
        }
    }

    fn event(&mut self) -> io::Result<Option<Chunk<'_>>> {
        let (n, fault) = loop {
            match outline(self.window.pending()) {
                Outline::Complete(n) => break (n, None),
                Outline::Wrong => {
                    let pending = self.window.pending();
                    let n = pending.iter().position(|b| *b == b'\n').map_or(pending.len(), |at| at + 1);
                    break (
                        n.min(MAX_RECORD),
                        Some(Problem::new("no JSON object", "give CloudEvents objects or an array of them")),
                    );
                }
                Outline::Open if self.window.pending().len() > MAX_RECORD => {
                    break (MAX_RECORD, Some(too_long()));
                }
                Outline::Open => {
                    if !self.window.fill()? {
                        self.in_batch = false;
                        let fault = Problem::new(
                            "the event is not closed: the file is cut short",
                            "fetch the file again",
                        );
                        break (self.window.pending().len(), Some(fault));
                    }
                }
            }
        };
        let line = self.window.line();
        Ok(Some(Chunk { line, raw: self.window.take(n), fault: fault.map(|p| p.field("record")) }))
    }
}

fn outline(bytes: &[u8]) -> Outline {
    if bytes.first() != Some(&b'{') {
        return Outline::Wrong;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in bytes.iter().enumerate() {
        match (in_string, *byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (true, b'"') => in_string = false,
            (true, _) => {}
            (false, b'"') => in_string = true,
            (false, b'{' | b'[') => depth += 1,
            (false, b'}' | b']') => {
                depth -= 1;
                if depth == 0 {
                    return Outline::Complete(at + 1);
                }
            }
            _ => {}
        }
    }
    Outline::Open
}
