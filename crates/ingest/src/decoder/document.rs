//! Documents: sources whose records stand inside one JSON or XML value.
//!
//! Such a source is read twice. The first pass walks the whole of it, so that one that is cut short, is no
//! document or fails a check of its envelope is refused before any of its records is taken. The second cuts the
//! records. In between the bytes lie in an unnamed temporary file; memory is bounded by one record.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};

use bellwether_model::Problem;
use tempfile::SpooledTempFile;

use super::envelope::{Check, Empty, Found};
use super::window::Window;
use super::{Chunk, MAX_RECORD, Refusal, too_long};

/// Longest document, in bytes.
pub(super) const MAX_DOCUMENT: u64 = 512 << 20;
/// What is kept in memory before a temporary file is used.
const IN_MEMORY: usize = 1 << 20;

/// The bytes of a document, readable again and again.
struct Spool(Arc<Mutex<SpooledTempFile>>);

impl Spool {
    fn of(mut window: Window, name: &str) -> Result<Self, Refusal> {
        let mut file = tempfile::spooled_tempfile(IN_MEMORY);
        let mut total = 0_u64;
        loop {
            let pending = window.pending();
            let n = pending.len();
            total += n as u64;
            if total > MAX_DOCUMENT {
                return Err(Problem::new(
                    format!("the document is longer than {MAX_DOCUMENT} bytes"),
                    "ask for fewer records at a time",
                )
                .at(name, 0)
                .into());
            }
            file.write_all(pending).map_err(|e| {
                Problem::new(
                    format!("no place to hold the document while it is judged: {e}"),
                    "make room in the folder for temporary files, or name another in TMPDIR",
                )
                .at(name, 0)
            })?;
            window.take(n);
            if !window.fill()? {
                return Ok(Self(Arc::new(Mutex::new(file))));
            }
        }
    }

    fn pass(&self) -> Window {
        Window::new(Box::new(Pass { file: Arc::clone(&self.0), at: 0 }))
    }
}

/// One reading of a spool, with a position of its own.
struct Pass {
    file: Arc<Mutex<SpooledTempFile>>,
    at: u64,
}

impl Read for Pass {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        let n = file.read(buffer)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// Why a walk ends early.
pub(crate) enum Stop {
    Read(io::Error),
    /// What is wrong with the document as a whole, with its line.
    Content(Problem, u64),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Read(error)
    }
}

/// Goes through a document from record to record.
pub(crate) trait Walk: Sized {
    /// Moves to the end of the next record, or of a piece of one too long; false at the end of the document.
    fn advance(&mut self, kept: &mut Kept) -> Result<bool, Stop>;

    /// What the walk found around the records, once it is over.
    fn found(self) -> Result<Found, Problem>;
}

/// The bytes of one record.
#[derive(Default)]
pub(crate) struct Kept {
    /// Off in the first pass, which only judges.
    on: bool,
    raw: Vec<u8>,
    line: u64,
    /// The record is too long and handed over in pieces.
    pieces: bool,
    fault: Option<Problem>,
}

impl Kept {
    pub(super) fn start(&mut self, line: u64) {
        self.raw.clear();
        self.line = line;
        self.pieces = false;
        self.fault = None;
    }

    /// Adds bytes; true when the record has become too long, and what is there must be handed over.
    #[must_use]
    pub(super) fn add(&mut self, bytes: &[u8]) -> bool {
        if self.on {
            self.raw.extend_from_slice(bytes);
            self.pieces |= self.raw.len() > MAX_RECORD;
        }
        self.raw.len() > MAX_RECORD
    }

    /// Goes on with a record after a piece of it.
    pub(super) fn resume(&mut self, line: u64) {
        self.raw.clear();
        self.line = line;
        self.fault = None;
    }

    pub(super) fn fault(&mut self, problem: Problem) {
        self.fault = Some(problem);
    }

    fn chunk(&mut self) -> Chunk<'_> {
        let fault = if self.pieces { Some(too_long()) } else { self.fault.take() };
        Chunk { line: self.line, raw: &self.raw, fault: fault.map(|p| p.field("record")) }
    }
}

/// The second pass.
pub(crate) struct Cutter<W> {
    walk: W,
    kept: Kept,
}

impl<W: Walk> Cutter<W> {
    /// Judges the whole document, then stands before its first record.
    pub(super) fn open(
        window: Window,
        name: &str,
        checks: &[Check],
        empty: Empty,
        walk: impl Fn(Window) -> W,
    ) -> Result<(Self, Found), Refusal> {
        let spool = Spool::of(window, name)?;
        let mut first = walk(spool.pass());
        let mut kept = Kept::default();
        loop {
            match first.advance(&mut kept) {
                Ok(true) => {}
                Ok(false) => break,
                Err(Stop::Read(error)) => return Err(error.into()),
                Err(Stop::Content(problem, line)) => {
                    return Err(problem.at(name, usize::try_from(line).unwrap_or(0)).into());
                }
            }
        }
        let found = first.found().map_err(|p| p.at(name, 1))?;
        found.judge(checks, empty).map_err(|p| p.at(name, 1))?;
        let kept = Kept { on: true, ..Kept::default() };
        Ok((Self { walk: walk(spool.pass()), kept }, found))
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Chunk<'_>>> {
        match self.walk.advance(&mut self.kept) {
            Ok(true) => Ok(Some(self.kept.chunk())),
            Ok(false) => Ok(None),
            Err(Stop::Read(error)) => Err(error),
            // The first pass found it sound.
            Err(Stop::Content(problem, _)) => Err(io::Error::other(problem.message)),
        }
    }
}
