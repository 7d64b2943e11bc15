//! From record to record through an XML document.

use bellwether_model::Problem;

use super::super::document::{Kept, Stop, Walk};
use super::super::envelope::{Check, Found, Values};
use super::super::window::Window;
use super::markup::{self, Fault, Kind, Mark, Scanner};
use super::value::{attribute, text};

/// Deepest nesting of the document; that of a record is limited further when it is read.
const MAX_NESTING: usize = 256;
/// Longest value around the records that a path may lead to, in bytes.
const MAX_CAPTURED: usize = 4 << 10;

/// What a document must be.
#[derive(Clone, Debug)]
pub(in super::super) struct Rules {
    /// Names of the elements that are records.
    pub(in super::super) records: Vec<String>,
    /// Names that the root may have; none: any.
    pub(in super::super) roots: Vec<String>,
    /// Compare names without their prefix.
    pub(in super::super) local: bool,
    /// A record with broken tags costs itself and not the document.
    pub(in super::super) lenient: bool,
}

impl Rules {
    fn name<'n>(&self, name: &'n [u8]) -> &'n [u8] {
        let colon = name.iter().position(|b| *b == b':').filter(|_| self.local);
        colon.and_then(|at| name.get(at + 1..)).unwrap_or(name)
    }

    fn is_record(&self, name: &[u8]) -> bool {
        self.records.iter().any(|r| r.as_bytes() == self.name(name))
    }
}

/// A path of the envelope: elements below the root, then perhaps an attribute.
struct Wanted {
    path: String,
    elements: Vec<String>,
    attribute: Option<String>,
}

pub(crate) struct Walker {
    window: Window,
    scanner: Scanner,
    rules: Rules,
    wanted: Vec<Wanted>,
    /// Names of the open elements, one after another; inside a record only where none may be broken.
    names: Vec<u8>,
    starts: Vec<usize>,
    /// Depth of the record under way.
    record: Option<usize>,
    /// Text of the envelope under way.
    target: Option<usize>,
    captured: Vec<u8>,
    values: Values,
    records: u64,
    rooted: bool,
    root_over: bool,
}

impl Walker {
    pub(in super::super) fn new(rules: Rules, checks: &[Check], window: Window) -> Self {
        let wanted = checks.iter().map(|check| {
            let mut elements: Vec<String> = check.path.split('.').map(str::to_owned).collect();
            let is_attribute = elements.last().is_some_and(|last| last.starts_with('@'));
            let attribute =
                if is_attribute { elements.pop().map(|mut last| last.split_off(1)) } else { None };
            Wanted { path: check.path.clone(), elements, attribute }
        });
        Self {
            window,
            scanner: Scanner::default(),
            rules,
            wanted: wanted.collect(),
            names: Vec::new(),
            starts: Vec::new(),
            record: None,
            target: None,
            captured: Vec::new(),
            values: Values::new(),
            records: 0,
            rooted: false,
            root_over: false,
        }
    }

    fn stop(&self, problem: Problem) -> Stop {
        Stop::Content(problem.field("record"), self.window.line())
    }

    fn push(&mut self, len: usize) -> Result<(), Stop> {
        if self.starts.len() >= MAX_NESTING {
            return Err(self.stop(Problem::new(
                format!("nested deeper than {MAX_NESTING}"),
                "nothing of it is taken: look at the source",
            )));
        }
        self.starts.push(self.names.len());
        self.names.extend_from_slice(markup::name(self.window.pending().get(..len).unwrap_or_default()));
        Ok(())
    }

    /// Name of the innermost open element.
    fn top(&self) -> &[u8] {
        self.starts.last().and_then(|at| self.names.get(*at..)).unwrap_or_default()
    }

    fn pop(&mut self, len: usize) -> Result<(), Stop> {
        let name = markup::name(self.window.pending().get(..len).unwrap_or_default());
        if self.starts.is_empty() || name != self.top() {
            let (found, open) =
                (String::from_utf8_lossy(name), String::from_utf8_lossy(self.top()).into_owned());
            let message = if self.starts.is_empty() {
                format!("</{found}> closes nothing")
            } else {
                format!("</{found}> where </{open}> is due")
            };
            return Err(self.stop(Problem::new(message, "nothing of it is taken: fetch it again")));
        }
        if let Some(at) = self.starts.pop() {
            self.names.truncate(at);
        }
        Ok(())
    }

    /// Whether the open elements below the root are these.
    fn stands_at(&self, elements: &[String]) -> bool {
        self.starts.len() == elements.len() + 1
            && elements.iter().enumerate().all(|(i, element)| {
                let from = self.starts.get(i + 1).copied().unwrap_or_default();
                let to = self.starts.get(i + 2).copied().unwrap_or(self.names.len());
                self.names.get(from..to) == Some(element.as_bytes())
            })
    }

    /// A start tag outside the records.
    fn opens(&mut self, mark: Mark) -> Result<(), Stop> {
        self.push(mark.len)?;
        if self.starts.len() == 1 {
            if std::mem::replace(&mut self.rooted, true) {
                return Err(self.stop(Problem::new(
                    "a second root element",
                    "nothing of it is taken: give one document a source",
                )));
            }
            let name = String::from_utf8_lossy(self.rules.name(self.top())).into_owned();
            if !self.rules.roots.is_empty() && !self.rules.roots.contains(&name) {
                return Err(self.stop(
                    Problem::new(
                        format!("the root is not {}", self.rules.roots.join(" or ")),
                        "the format has changed or the answer is an error: look at the source, and correct the \
                         decoder of the feed file",
                    )
                    .text(name),
                ));
            }
        }
        let tag = self.window.pending().get(..mark.len).unwrap_or_default();
        let mut found = Vec::new();
        let mut target = None;
        for (i, wanted) in self.wanted.iter().enumerate().filter(|(_, w)| self.stands_at(&w.elements)) {
            match &wanted.attribute {
                Some(name) => {
                    let value = attribute(tag, name).map_err(|problem| self.stop(problem))?;
                    found.extend(value.map(|value| (wanted.path.clone(), value)));
                }
                None => target = Some(i),
            }
        }
        self.values.extend(found);
        if target.is_some() {
            self.target = target;
            self.captured.clear();
        }
        if mark.kind == Kind::Empty {
            self.closes(mark.len)?;
        }
        Ok(())
    }

    /// An end tag outside the records, or the end of an empty element.
    fn closes(&mut self, len: usize) -> Result<(), Stop> {
        let depth = self.starts.len();
        self.pop(len)?;
        if let Some(wanted) = self.target.and_then(|t| self.wanted.get(t))
            && wanted.elements.len() + 1 == depth
        {
            let value = text(&self.captured).map_err(|problem| self.stop(problem))?;
            if self.values.insert(wanted.path.clone(), value).is_some() {
                let path = wanted.path.clone();
                return Err(self.stop(
                    Problem::new(
                        "appears twice",
                        "nothing of it is taken: which of them counts cannot be told",
                    )
                    .text(path),
                ));
            }
            self.target = None;
        }
        self.root_over = self.starts.is_empty();
        Ok(())
    }

    /// A mark outside the records, which starts none.
    fn outside(&mut self, mark: Mark) -> Result<(), Stop> {
        let bytes = self.window.pending().get(..mark.len).unwrap_or_default();
        match mark.kind {
            Kind::Start | Kind::Empty => self.opens(mark),
            Kind::End => self.closes(mark.len),
            Kind::Text => {
                if self.starts.is_empty() && !bytes.trim_ascii().is_empty() {
                    let (what, remedy) = if self.root_over {
                        ("text after the end of the document", "nothing of it is taken: fetch it again")
                    } else {
                        (
                            "no XML: text before the root",
                            "look at the source, and correct the decoder of the feed file",
                        )
                    };
                    let shown = String::from_utf8_lossy(bytes.get(..60.min(bytes.len())).unwrap_or_default());
                    return Err(self.stop(Problem::new(what, remedy).text(shown)));
                }
                if self.target.is_some() {
                    if self.captured.len() + bytes.len() > MAX_CAPTURED {
                        return Err(self.stop(Problem::new(
                            format!("a value around the records is longer than {MAX_CAPTURED} bytes"),
                            "look at the source: this is not its usual form",
                        )));
                    }
                    self.captured.extend_from_slice(bytes);
                }
                Ok(())
            }
            Kind::Aside | Kind::Broken => Ok(()),
        }
    }

    /// A mark inside a record: whether the record ends with it, and whether it ends before it, broken.
    fn inside(&mut self, mark: Mark, depth: usize) -> Result<(bool, bool), Stop> {
        let name = markup::name(self.window.pending().get(..mark.len).unwrap_or_default());
        if self.rules.lenient {
            // Only the record itself is open; its own tag ends it, whatever is amiss inside.
            return Ok(match mark.kind {
                Kind::End if name == self.top() => {
                    self.pop(mark.len)?;
                    (true, false)
                }
                Kind::Start if name == self.top() => (false, true),
                Kind::End if self.encloses(name) => (false, true),
                _ => (false, false),
            });
        }
        match mark.kind {
            Kind::Start => self.push(mark.len)?,
            Kind::End => self.pop(mark.len)?,
            _ => {}
        }
        Ok((self.starts.len() < depth, false))
    }

    /// Whether an element of that name is open around the record.
    fn encloses(&self, name: &[u8]) -> bool {
        let around = self.starts.len().saturating_sub(1);
        (0..around).any(|i| {
            let from = self.starts.get(i).copied().unwrap_or_default();
            let to = self.starts.get(i + 1).copied().unwrap_or(self.names.len());
            self.names.get(from..to) == Some(name)
        })
    }

    fn cut_short(&self) -> Stop {
        let open = String::from_utf8_lossy(self.top());
        let (message, remedy) = if self.rooted {
            (
                format!("<{open}> is never closed: the document is cut short"),
                "nothing of it is taken: fetch it again",
            )
        } else {
            (
                "no XML: there is no element".to_owned(),
                "look at the source, and correct the decoder of the feed file",
            )
        };
        self.stop(Problem::new(message, remedy))
    }
}

impl Walk for Walker {
    fn advance(&mut self, kept: &mut Kept) -> Result<bool, Stop> {
        if self.record.is_some() {
            kept.resume(self.window.line());
        }
        loop {
            let lenient = self.rules.lenient && self.record.is_some();
            let mark = match self.scanner.next(&mut self.window, lenient) {
                Ok(Some(mark)) => mark,
                Ok(None) if self.rooted && self.starts.is_empty() => return Ok(false),
                Ok(None) => return Err(self.cut_short()),
                Err(Fault::Read(error)) => return Err(Stop::Read(error)),
                Err(Fault::Content(problem)) => return Err(Stop::Content(problem, self.window.line())),
            };
            let is_tag = matches!(mark.kind, Kind::Start | Kind::Empty);
            let starts = self.record.is_none()
                && is_tag
                && !self.starts.is_empty()
                && self
                    .rules
                    .is_record(markup::name(self.window.pending().get(..mark.len).unwrap_or_default()));
            if starts {
                kept.start(self.window.line());
                self.records += 1;
                self.push(mark.len)?;
                self.record = Some(self.starts.len());
            }
            let Some(depth) = self.record else {
                self.outside(mark)?;
                self.window.take(mark.len);
                continue;
            };
            let (ends, broken) = if !starts {
                self.inside(mark, depth)?
            } else if mark.kind == Kind::Empty {
                self.pop(mark.len)?;
                (true, false)
            } else {
                (false, false)
            };
            if broken {
                // Its end tag is missing; what comes now is not its own.
                if let Some(at) = self.starts.pop() {
                    self.names.truncate(at);
                }
                self.record = None;
                kept.fault(Problem::new(
                    "the element is never closed",
                    "tell the source; the other records are not touched by it",
                ));
                return Ok(true);
            }
            let too_long = kept.add(self.window.take(mark.len));
            if ends {
                self.record = None;
            }
            if ends || too_long {
                return Ok(true);
            }
        }
    }

    fn found(self) -> Result<Found, Problem> {
        Ok(Found { values: self.values, records: self.records, missing: None })
    }
}
