//! The outline of a JSON document, a byte at a time: its grammar is checked as far as the records, which are read on
//! their own later; strings and numbers are looked into only where a path leads.

use bellwether_model::Problem;

use super::super::envelope::{Found, Values};
use super::names;

/// Deepest nesting of the document; that of a record is limited further when it is read.
const MAX_NESTING: usize = 1_000;
/// Longest name or value that a path may lead to, in bytes.
const MAX_CAPTURED: usize = 4 << 10;

/// Where a record begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// With this byte.
    Starts,
    /// With this byte.
    Ends,
    /// Before this byte, which was taken in.
    EndsBefore,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Value,
    ValueOrClose,
    Key,
    KeyOrClose,
    Colon,
    /// A value is over.
    After,
    Text {
        key: bool,
        escaped: bool,
    },
    Scalar,
}

pub(super) struct Machine {
    state: State,
    /// `{` or `[` of everything open.
    open: Vec<u8>,
    /// Names that lead to the place, as far as any path goes.
    keys: Vec<String>,
    /// How many of the open ones are lists: no path leads into them.
    lists: usize,
    records_at: Vec<String>,
    envelope: Vec<(String, Vec<String>)>,
    longest: usize,
    /// Depth inside the list of records.
    list: Option<usize>,
    in_record: bool,
    seen_list: bool,
    /// What is at the path instead of a list.
    instead: Option<&'static str>,
    /// Bytes of the key or value under way, with its quotes.
    captured: Vec<u8>,
    capturing: bool,
    /// Which path the value under way belongs to.
    target: Option<usize>,
    records: u64,
    values: Values,
}

impl Machine {
    pub(super) fn new<'p>(records: &str, envelope: impl Iterator<Item = &'p str>) -> Self {
        let records_at = names(records);
        let envelope: Vec<_> = envelope.map(|path| (path.to_owned(), names(path))).collect();
        let longest = envelope.iter().map(|(_, p)| p.len()).chain([records_at.len()]).max().unwrap_or(0);
        Self {
            state: State::Value,
            open: Vec::new(),
            keys: Vec::new(),
            lists: 0,
            records_at,
            envelope,
            longest,
            list: None,
            in_record: false,
            seen_list: false,
            instead: None,
            captured: Vec::new(),
            capturing: false,
            target: None,
            records: 0,
            values: Values::new(),
        }
    }

    /// How many of the next bytes cannot matter: the inside of a string that nobody asked for.
    pub(super) fn skip(&self, bytes: &[u8]) -> usize {
        match self.state {
            State::Text { escaped: false, .. } if !self.capturing => {
                bytes.iter().position(|b| matches!(b, b'"' | b'\\')).unwrap_or(bytes.len())
            }
            _ => 0,
        }
    }

    /// Takes one byte in.
    pub(super) fn step(&mut self, byte: u8) -> Result<Option<Mark>, Problem> {
        if let State::Text { key, escaped } = self.state {
            self.capture(byte)?;
            return match byte {
                _ if escaped => self.go(State::Text { key, escaped: false }),
                b'\\' => self.go(State::Text { key, escaped: true }),
                b'"' if key => {
                    self.key()?;
                    self.go(State::Colon)
                }
                b'"' => Ok(self.value_ends()?.then_some(Mark::Ends)),
                _ => Ok(None),
            };
        }
        let mut mark = None;
        if self.state == State::Scalar {
            if !matches!(byte, b',' | b']' | b'}') && !byte.is_ascii_whitespace() {
                self.capture(byte)?;
                return Ok(None);
            }
            mark = self.value_ends()?.then_some(Mark::EndsBefore);
        }
        if byte.is_ascii_whitespace() {
            return Ok(mark);
        }
        match (self.state, byte) {
            (State::ValueOrClose, b']') | (State::KeyOrClose, b'}') => {
                Ok(self.close()?.then_some(Mark::Ends))
            }
            (State::Value | State::ValueOrClose, _) => self.value_starts(byte),
            (State::Key | State::KeyOrClose, b'"') => {
                self.capturing = !self.in_record && self.lists == 0 && self.open.len() <= self.longest;
                self.captured.clear();
                self.capture(byte)?;
                self.go(State::Text { key: true, escaped: false })
            }
            (State::Colon, b':') => self.go(State::Value),
            (State::After, b',') => match self.open.last() {
                Some(b'{') => self.go(State::Key).map(|_| mark),
                Some(_) => self.go(State::Value).map(|_| mark),
                None => Err(junk(byte)),
            },
            (State::After, b'}' | b']') => {
                let opened = if byte == b'}' { b'{' } else { b'[' };
                if self.open.last() != Some(&opened) {
                    return Err(unexpected(byte));
                }
                Ok(self.close()?.then_some(Mark::Ends).or(mark))
            }
            (State::After, _) if self.open.is_empty() => Err(junk(byte)),
            _ => Err(unexpected(byte)),
        }
    }

    /// The document is over.
    pub(super) fn end(&mut self) -> Result<(), Problem> {
        if self.state == State::Scalar && self.open.is_empty() {
            self.value_ends()?;
        }
        if self.state == State::After && self.open.is_empty() {
            return Ok(());
        }
        Err(Problem::new(
            "the JSON document is not closed: it is cut short",
            "nothing of it is taken: fetch it again",
        )
        .field("record"))
    }

    pub(super) fn found(self) -> Found {
        let missing = (!self.seen_list).then(|| {
            let at = if self.records_at.is_empty() { "the root".to_owned() } else { self.records_at.join(".") };
            let what = self.instead.unwrap_or("nothing");
            Problem::new(
                format!("there is {what} at {at}, not a list of records"),
                "the format has changed or the answer is an error: look at the source, and correct records = in the \
                 feed file",
            )
            .field("records")
        });
        Found { values: self.values, records: self.records, missing }
    }

    fn go(&mut self, state: State) -> Result<Option<Mark>, Problem> {
        self.state = state;
        Ok(None)
    }

    fn capture(&mut self, byte: u8) -> Result<(), Problem> {
        if self.capturing {
            if self.captured.len() >= MAX_CAPTURED {
                return Err(Problem::new(
                    format!("a name or value around the records is longer than {MAX_CAPTURED} bytes"),
                    "look at the source: this is not its usual form",
                )
                .field("record"));
            }
            self.captured.push(byte);
        }
        Ok(())
    }

    fn key(&mut self) -> Result<(), Problem> {
        if self.capturing {
            let name: String =
                serde_json::from_slice(&self.captured).map_err(|e| not_json(&e, &self.captured))?;
            self.keys.truncate(self.open.len() - 1);
            self.keys.push(name);
            self.capturing = false;
        }
        Ok(())
    }

    fn value_starts(&mut self, byte: u8) -> Result<Option<Mark>, Problem> {
        let depth = self.open.len();
        let starts = self.list == Some(depth);
        let mut is_list = false;
        self.capturing = false;
        if starts {
            self.in_record = true;
            self.records += 1;
        } else if !self.in_record {
            self.captured.clear();
            if self.lists == 0 && depth <= self.longest {
                let here = self.keys.get(..depth).unwrap_or_default();
                if here == self.records_at {
                    is_list = byte == b'[';
                    if self.seen_list || self.instead.is_some() {
                        return Err(twice(&self.records_at.join(".")));
                    }
                    self.instead = (!is_list).then_some(kind(byte));
                }
                self.target = self.envelope.iter().position(|(_, path)| path.as_slice() == here);
                if let Some((path, _)) = self.target.and_then(|t| self.envelope.get(t)) {
                    if self.values.contains_key(path) {
                        return Err(twice(path));
                    }
                    if matches!(byte, b'{' | b'[') {
                        return Err(Problem::new(
                            format!("there is {}, not a single value", kind(byte)),
                            "correct the path in the envelope of the feed file",
                        )
                        .field(path));
                    }
                }
            }
            // Short ones outside the records are read whatever they are: nothing else would look at them.
            self.capturing = self.target.is_some() || !matches!(byte, b'"' | b'{' | b'[');
        }
        self.capture(byte)?;
        self.state = match byte {
            b'{' | b'[' => {
                if depth >= MAX_NESTING {
                    return Err(Problem::new(
                        format!("nested deeper than {MAX_NESTING}"),
                        "nothing of it is taken: look at the source",
                    )
                    .field("record"));
                }
                self.open.push(byte);
                if byte == b'{' {
                    State::KeyOrClose
                } else {
                    self.lists += 1;
                    if is_list {
                        self.list = Some(self.open.len());
                        self.seen_list = true;
                    }
                    State::ValueOrClose
                }
            }
            b'"' => State::Text { key: false, escaped: false },
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => State::Scalar,
            // What is no value in a record costs the record, when it is read.
            _ if self.in_record && (byte.is_ascii_graphic() || byte >= 0x80) && !b",:]}".contains(&byte) => {
                State::Scalar
            }
            _ => return Err(unexpected(byte)),
        };
        Ok(starts.then_some(Mark::Starts))
    }

    /// Closes the innermost object or list; true when that ends a record.
    fn close(&mut self) -> Result<bool, Problem> {
        if self.list == Some(self.open.len()) {
            self.list = None;
        }
        if self.open.pop() == Some(b'[') {
            self.lists -= 1;
        }
        self.value_ends()
    }

    fn value_ends(&mut self) -> Result<bool, Problem> {
        self.state = State::After;
        if std::mem::take(&mut self.capturing) {
            let value: serde_json::Value =
                serde_json::from_slice(&self.captured).map_err(|e| not_json(&e, &self.captured))?;
            if let Some((path, _)) = self.target.take().and_then(|t| self.envelope.get(t)) {
                let text = match value {
                    serde_json::Value::Null => None,
                    serde_json::Value::String(text) => Some(text),
                    // As it is written: a number must not change on the way.
                    _ => Some(String::from_utf8_lossy(&self.captured).into_owned()),
                };
                self.values.extend(text.map(|text| (path.clone(), text)));
            }
        }
        self.target = None;
        let ends = self.in_record && self.list == Some(self.open.len());
        if ends {
            self.in_record = false;
        }
        Ok(ends)
    }
}

fn kind(byte: u8) -> &'static str {
    match byte {
        b'{' => "an object",
        b'[' => "a list",
        b'"' => "a text",
        b'n' => "null",
        b't' | b'f' => "true or false",
        _ => "a number",
    }
}

fn shown(byte: u8) -> String {
    if byte.is_ascii_graphic() { char::from(byte).to_string() } else { format!("byte {byte:02x}") }
}

fn unexpected(byte: u8) -> Problem {
    Problem::new(
        format!("not JSON: {} is not expected here", shown(byte)),
        "nothing of it is taken: fetch it again, or correct the decoder of the feed file",
    )
    .field("record")
}

fn junk(byte: u8) -> Problem {
    Problem::new(
        format!("{} stands after the end of the JSON document", shown(byte)),
        "nothing of it is taken: several documents in one source need the decoder ndjson",
    )
    .field("record")
}

fn twice(path: &str) -> Problem {
    Problem::new("appears twice", "nothing of it is taken: which of them counts cannot be told").field(path)
}

fn not_json(error: &serde_json::Error, text: &[u8]) -> Problem {
    Problem::new(format!("not JSON: {error}"), "nothing of it is taken: fetch it again")
        .field("record")
        .text(String::from_utf8_lossy(text))
}
