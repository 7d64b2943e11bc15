//! The marks of an XML document: tags, and everything that is none.

use std::io;

use bellwether_model::Problem;

use super::super::window::Window;

/// Longest tag, in bytes.
const MAX_TAG: usize = 256 << 10;
/// Longest document type, in bytes.
const MAX_DOCTYPE: usize = 4 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Start,
    /// `<a/>`
    Empty,
    End,
    /// Text between tags, CDATA included.
    Text,
    /// Comments, processing instructions, the XML declaration, the document type.
    Aside,
    /// A `<` that starts nothing: only where broken records are borne.
    Broken,
}

/// The next mark: so many of the pending bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) kind: Kind,
    pub(super) len: usize,
}

/// A stretch that ends with a certain text, and is handed out in pieces.
#[derive(Clone, Copy)]
struct Stretch {
    kind: Kind,
    end: &'static [u8],
    what: &'static str,
}

const COMMENT: Stretch = Stretch { kind: Kind::Aside, end: b"-->", what: "a comment" };
const CDATA: Stretch = Stretch { kind: Kind::Text, end: b"]]>", what: "a CDATA section" };
const INSTRUCTION: Stretch = Stretch { kind: Kind::Aside, end: b"?>", what: "a processing instruction" };

#[derive(Default)]
pub(super) struct Scanner {
    inside: Option<Stretch>,
}

pub(super) enum Fault {
    Read(io::Error),
    Content(Problem),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Fault::Read(error)
    }
}

impl Scanner {
    /// The mark at the start of the pending bytes; nothing at the end of the document.
    pub(super) fn next(&mut self, window: &mut Window, lenient: bool) -> Result<Option<Mark>, Fault> {
        if let Some(stretch) = self.inside {
            return self.stretch(window, stretch).map(Some);
        }
        if window.pending().is_empty() && !window.fill()? {
            return Ok(None);
        }
        if window.pending().first() != Some(&b'<') {
            let len = window.pending().iter().position(|b| *b == b'<').unwrap_or(window.pending().len());
            return Ok(Some(Mark { kind: Kind::Text, len }));
        }
        // As long as the longest opening below.
        while window.pending().len() < 9 && window.fill()? {}
        let pending = window.pending();
        let opening = |stretch: Stretch, len: usize| Ok(Some((stretch, len)));
        let stretch: Result<_, Fault> = if pending.starts_with(b"<!--") {
            opening(COMMENT, 4)
        } else if pending.starts_with(b"<![CDATA[") {
            opening(CDATA, 9)
        } else if pending.starts_with(b"<?") {
            opening(INSTRUCTION, 2)
        } else {
            Ok(None)
        };
        if let Some((stretch, len)) = stretch? {
            self.inside = Some(stretch);
            return Ok(Some(Mark { kind: stretch.kind, len }));
        }
        if pending.get(..9).is_some_and(|p| p.eq_ignore_ascii_case(b"<!doctype")) {
            return doctype(window).map(Some);
        }
        match tag(window)? {
            Ok(mark) => Ok(Some(mark)),
            Err(len) if lenient => Ok(Some(Mark { kind: Kind::Broken, len })),
            Err(len) => {
                let text = String::from_utf8_lossy(window.pending().get(..len.min(60)).unwrap_or_default())
                    .into_owned();
                Err(Fault::Content(
                    Problem::new(
                        "a < that starts no tag, or a tag that is not closed",
                        "nothing of it is taken: fetch it again; it may be cut short",
                    )
                    .field("record")
                    .text(text),
                ))
            }
        }
    }

    /// The rest of a stretch, or a piece of it.
    fn stretch(&mut self, window: &mut Window, stretch: Stretch) -> Result<Mark, Fault> {
        let Stretch { kind, end, what } = stretch;
        loop {
            let pending = window.pending();
            if let Some(at) = pending.windows(end.len()).position(|w| w == end) {
                self.inside = None;
                return Ok(Mark { kind, len: at + end.len() });
            }
            // All but what may be the beginning of its end.
            let len = (pending.len() + 1).saturating_sub(end.len());
            if len > 0 {
                return Ok(Mark { kind, len });
            }
            if !window.fill()? {
                return Err(Fault::Content(
                    Problem::new(
                        format!("{what} is never closed: the document is cut short"),
                        "nothing of it is taken: fetch it again",
                    )
                    .field("record"),
                ));
            }
        }
    }
}

/// A document type: passed over when it only names itself, refused when it declares anything.
fn doctype(window: &mut Window) -> Result<Mark, Fault> {
    let mut at = 9;
    let mut quote = None;
    let refuse = |message: &str| {
        Fault::Content(
            Problem::new(
                message,
                "nothing of it is taken, and no declaration is read: data need no document type",
            )
            .field("DOCTYPE"),
        )
    };
    loop {
        while let Some(byte) = window.pending().get(at) {
            match (quote, byte) {
                (Some(q), b) if q == *b => quote = None,
                (Some(_), _) => {}
                (None, b'"' | b'\'') => quote = Some(*byte),
                (None, b'[') => return Err(refuse("a document type with declarations of its own")),
                (None, b'>') => return Ok(Mark { kind: Kind::Aside, len: at + 1 }),
                _ => {}
            }
            at += 1;
        }
        if at > MAX_DOCTYPE || !window.fill()? {
            return Err(refuse("a document type that is not closed"));
        }
    }
}

/// A tag, or the length of what is none.
fn tag(window: &mut Window) -> Result<Result<Mark, usize>, Fault> {
    let end = window.pending().get(1) == Some(&b'/');
    let name = window.pending().get(1 + usize::from(end)).copied().unwrap_or_default();
    if !(name.is_ascii_alphabetic() || matches!(name, b'_' | b':') || name >= 0x80) {
        return Ok(Err(1));
    }
    let mut at = 2;
    let mut quote = None;
    loop {
        while let Some(byte) = window.pending().get(at) {
            match (quote, byte) {
                // Not even in quotes: what follows is a tag of its own.
                (_, b'<') => return Ok(Err(at)),
                (Some(q), b) if q == *b => quote = None,
                (Some(_), _) => {}
                (None, b'"' | b'\'') => quote = Some(*byte),
                (None, b'>') => {
                    let empty = window.pending().get(at - 1) == Some(&b'/');
                    let kind = match (end, empty) {
                        (true, _) => Kind::End,
                        (false, true) => Kind::Empty,
                        (false, false) => Kind::Start,
                    };
                    return Ok(Ok(Mark { kind, len: at + 1 }));
                }
                _ => {}
            }
            at += 1;
            if at > MAX_TAG {
                return Ok(Err(at));
            }
        }
        if !window.fill()? {
            return Ok(Err(window.pending().len()));
        }
    }
}

/// Name in a tag.
pub(super) fn name(tag: &[u8]) -> &[u8] {
    let inside = tag.strip_prefix(b"</").or_else(|| tag.strip_prefix(b"<")).unwrap_or(tag);
    let len = inside.iter().take_while(|b| !b.is_ascii_whitespace() && !matches!(b, b'/' | b'>')).count();
    inside.get(..len).unwrap_or_default()
}
