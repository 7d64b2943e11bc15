//! Rows of separated columns: RFC 4180 quoting, or none.

use std::collections::HashMap;
use std::io;

use bellwether_model::{Problem, counted};
use memchr::{memchr, memchr2};

use super::window::{Window, trim_end};
use super::{Chunk, Delimited, MAX_RECORD, Refusal, RepeatedHeader, Shape, too_long};
use crate::encoding::Encoding;

/// A record whose quotes are broken costs its first line, and reading resumes at the next. The bytes read
/// again that way are limited: a hostile file could have every line read up to the record limit.
const MAX_REREAD: usize = 64 << 20;

/// Names of the columns, in file order.
#[derive(Clone)]
pub(crate) struct Columns {
    names: Vec<String>,
    /// Where each name first stands: expressions ask for it in every row.
    places: HashMap<String, usize>,
    header: Option<String>,
    /// Fewest columns of a row.
    least: usize,
    extra_blank: bool,
    skip_header: bool,
}

impl Columns {
    pub(super) fn new(spec: &Delimited, names: Vec<String>, header: Option<String>) -> Self {
        let mut places = HashMap::with_capacity(names.len());
        for (at, name) in names.iter().enumerate() {
            places.entry(name.clone()).or_insert(at);
        }
        Self {
            places,
            least: names.len().saturating_sub(spec.optional),
            extra_blank: spec.extra_blank,
            skip_header: spec.repeated_header == RepeatedHeader::Skip,
            names,
            header,
        }
    }

    /// Position of a column.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// Names in order.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The header line as it stood in the source.
    pub(crate) fn header(&self) -> Option<&str> {
        self.header.as_deref()
    }

    /// A row must have as many columns as the header: a shifted one would be read under wrong names.
    pub(crate) fn fits(&self, row: &Row) -> Result<(), Problem> {
        let most = self.names.len();
        let blank = || (most..row.len()).all(|at| row.get(at).is_some_and(|text| text.trim().is_empty()));
        if (self.least..=most).contains(&row.len()) || (self.extra_blank && row.len() > most && blank()) {
            return Ok(());
        }
        let least = if self.least < most { format!("{} to ", self.least) } else { String::new() };
        Err(Problem::new(
            format!("{} where the header has {least}{most}", counted(row.len(), "column", "columns")),
            "check the row for a missing or unquoted delimiter, or a line break outside quotes",
        )
        .field("record"))
    }
}

impl Columns {
    /// Whether the row is the header again, and the feed skips such rows.
    pub(crate) fn is_repeated(&self, row: &Row) -> bool {
        self.skip_header
            && self
                .names
                .iter()
                .enumerate()
                .all(|(at, name)| row.get(at).is_some_and(|text| text.trim() == name))
    }

    /// How many columns a row may have, where the number alone decides.
    pub(crate) fn allowed(&self) -> Option<std::ops::RangeInclusive<usize>> {
        (!self.extra_blank).then_some(self.least..=self.names.len())
    }
}

/// The columns of one row, unquoted, in one reused buffer.
#[derive(Default)]
pub(crate) struct Row {
    text: String,
    ends: Vec<usize>,
}

impl Row {
    /// Number of columns.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Text of a column.
    pub(crate) fn get(&self, at: usize) -> Option<&str> {
        let end = *self.ends.get(at)?;
        let start = if at == 0 { 0 } else { *self.ends.get(at - 1)? };
        self.text.get(start..end)
    }

    /// Empties the columns that hold one of the texts that mean blank.
    pub(super) fn blank(&mut self, nulls: &[String]) {
        if nulls.is_empty() {
            return;
        }
        let (text, ends) = (std::mem::take(&mut self.text), std::mem::take(&mut self.ends));
        let mut start = 0;
        for end in ends {
            let cell = text.get(start..end).unwrap_or_default();
            if !nulls.iter().any(|null| null == cell) {
                self.text.push_str(cell);
            }
            self.ends.push(self.text.len());
            start = end;
        }
    }

    /// Reads one record.
    pub(super) fn parse(&mut self, raw: &[u8], delimiter: u8, quoting: bool) -> Result<(), Problem> {
        let text = std::str::from_utf8(raw).map_err(|e| not_utf8(raw, e.valid_up_to()))?;
        if let Some(at) = text.find('\0') {
            let shown = text.get(..at).unwrap_or_default().chars().rev().take(20).collect::<Vec<_>>();
            let shown: String = shown.into_iter().rev().chain(std::iter::once('\0')).collect();
            return Err(Problem::new(
                "a NUL character",
                "remove it; the file may be UTF-16 or damaged: save it as UTF-8",
            )
            .field("record")
            .text(shown));
        }
        self.text.clear();
        self.ends.clear();
        let delimiter = char::from(delimiter);
        let mut rest = Some(text);
        while let Some(at) = rest {
            rest = match at.strip_prefix('"') {
                Some(inside) if quoting => self.quoted(inside, delimiter)?,
                _ => {
                    let (field, rest) = at.split_once(delimiter).map_or((at, None), |(f, r)| (f, Some(r)));
                    self.text.push_str(field);
                    rest
                }
            };
            self.ends.push(self.text.len());
        }
        Ok(())
    }

    /// Reads a quoted column and gives what follows its delimiter.
    fn quoted<'t>(&mut self, text: &'t str, delimiter: char) -> Result<Option<&'t str>, Problem> {
        let mut rest = text;
        loop {
            let Some((before, after)) = rest.split_once('"') else {
                return Err(open_quote().text(rest));
            };
            self.text.push_str(before);
            if let Some(after) = after.strip_prefix('"') {
                self.text.push('"');
                rest = after;
            } else if after.is_empty() {
                return Ok(None);
            } else if let Some(after) = after.strip_prefix(delimiter) {
                return Ok(Some(after));
            } else {
                return Err(Problem::new(
                    "text after a closing quote",
                    "double a quote inside a quoted column",
                )
                .field(format!("column {}", self.ends.len() + 1))
                .text(after));
            }
        }
    }
}

fn open_quote() -> Problem {
    Problem::new("a quote is never closed", "close it, or double a quote that belongs to the text")
        .field("record")
}

fn broken_quote() -> Problem {
    Problem::new("text after a closing quote", "close every quote, and double one that belongs to the text")
        .field("record")
}

fn not_utf8(raw: &[u8], at: usize) -> Problem {
    let shown =
        String::from_utf8_lossy(raw.get(at.saturating_sub(20)..(at + 20).min(raw.len())).unwrap_or_default());
    Problem::new(format!("not UTF-8 at byte {at} of the record"), "save the file as UTF-8")
        .field("record")
        .text(shown)
}

/// Rebuilds the shape under a header line, or under the names of the feed file.
pub(super) fn shape(spec: &Delimited, header: Option<&[u8]>) -> Result<Shape, Problem> {
    let delimiter = u8::try_from(spec.delimiter).unwrap_or(b',');
    let columns = match header {
        None if spec.header => {
            return Err(Problem::new("the header is not known", "ingest the file again").field("record"));
        }
        None => Columns::new(spec, spec.columns.clone(), None),
        Some(header) => {
            let mut row = Row::default();
            row.parse(header, delimiter, spec.quoting)?;
            let mut names: Vec<String> =
                (0..row.len()).filter_map(|at| row.get(at)).map(|name| name.trim().to_owned()).collect();
            if spec.extra_blank {
                let last = names.iter().rposition(|name| !name.is_empty()).map_or(0, |at| at + 1);
                names.truncate(last);
            }
            // Where cells are the records, columns may share a name: each has its own metadata.
            if spec.unpivot.is_none() {
                check_header(spec, &names)?;
            }
            Columns::new(spec, names, Some(String::from_utf8_lossy(header).into_owned()))
        }
    };
    Ok(Shape::Delimited { delimiter, quoting: spec.quoting, nulls: spec.nulls.clone(), columns })
}

fn check_header(spec: &Delimited, names: &[String]) -> Result<(), Problem> {
    let missing: Vec<&str> =
        spec.columns.iter().map(String::as_str).filter(|c| !names.iter().any(|n| n == c)).collect();
    if let Some(first) = missing.first() {
        return Err(Problem::new(
            format!("the header lacks the column {}", missing.join(", ")),
            format!("add it to the first row; needed are {}", spec.columns.join(",")),
        )
        .field(*first)
        .text(names.join(",")));
    }
    for (at, name) in names.iter().enumerate() {
        if names.iter().take(at).any(|n| n == name) {
            return Err(Problem::new("the header names a column twice", "rename or remove one of them")
                .field(name)
                .text(name));
        }
    }
    Ok(())
}

pub(crate) struct Cutter {
    window: Window,
    delimiter: u8,
    quoting: bool,
    terminator: Option<char>,
    /// Whether the end mark was met.
    marked: bool,
    reread: usize,
}

/// Where a record ends in the bytes at hand.
enum End {
    /// After this many bytes, line end included.
    At(usize),
    /// Not among them, outside quotes.
    Beyond,
    /// Not among them, inside quotes.
    InQuotes,
    /// Nowhere: a quote was closed before this byte and text follows.
    Broken(usize),
}

impl Cutter {
    pub(super) fn open(
        spec: &Delimited,
        encoding: Encoding,
        window: Window,
        file: &str,
    ) -> Result<(Self, Shape), Refusal> {
        let delimiter = u8::try_from(spec.delimiter).unwrap_or(b',');
        let mut cutter = Self {
            window,
            delimiter,
            quoting: spec.quoting,
            terminator: spec.terminator,
            marked: false,
            reread: 0,
        };
        if !spec.header {
            return Ok((cutter, shape(spec, None)?));
        }
        if let Some(name) = &spec.preamble {
            cutter.pass_preamble(name, file)?;
        }
        let Some(Chunk { line, raw, fault }) = cutter.next()? else {
            return Err(Problem::new("there is no header", "name the columns in the first row")
                .at(file, 1)
                .into());
        };
        let place = usize::try_from(line).unwrap_or(usize::MAX);
        if let Some(fault) = fault {
            return Err(fault.at(file, place).into());
        }
        let shape =
            encoding.record(raw).and_then(|raw| shape(spec, Some(&raw))).map_err(|p| p.at(file, place))?;
        Ok((cutter, shape))
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Chunk<'_>>> {
        loop {
            let (n, fault) = self.measure()?;
            let line = self.window.line();
            if n == 0 {
                return Ok(None);
            }
            if self.ends_here(n)? {
                self.marked = true;
                self.window.take(n);
                return Ok(None);
            }
            // A line without a character is no record; one of blanks is, and will not fit the header.
            if fault.is_some() || !self.window.pending().iter().take(n).all(|b| matches!(b, b'\n' | b'\r')) {
                let raw = trim_end(self.window.take(n));
                return Ok(Some(Chunk { line, raw, fault }));
            }
            self.window.take(n);
        }
    }

    /// The mark that ends the data is as good as a line end.
    pub(super) fn ends_open(&self) -> bool {
        !self.marked && self.window.is_open()
    }

    fn measure(&mut self) -> io::Result<(usize, Option<Problem>)> {
        loop {
            let pending = self.window.pending();
            let end = find_end(pending, self.delimiter, self.quoting);
            match end {
                End::At(n) => return Ok((n, None)),
                End::Beyond if pending.len() > MAX_RECORD => return Ok((MAX_RECORD, Some(too_long()))),
                End::Beyond if self.window.ended() => return Ok((pending.len(), None)),
                End::InQuotes if pending.len() > MAX_RECORD || self.window.ended() => {
                    let upto = pending.len();
                    return Ok((self.give_up(upto), Some(open_quote())));
                }
                End::Broken(at) => return Ok((self.give_up(at), Some(broken_quote()))),
                End::Beyond | End::InQuotes => {
                    self.window.fill()?;
                }
            }
        }
    }
}

/// Rows among which the header is looked for.
const MAX_PREAMBLE: usize = 100;

impl Cutter {
    /// Moves to the row whose first cell is `name`: the header.
    fn pass_preamble(&mut self, name: &str, file: &str) -> Result<(), Refusal> {
        let mut row = Row::default();
        for _ in 0..MAX_PREAMBLE {
            let (n, fault) = self.measure()?;
            if n == 0 {
                break;
            }
            let raw = trim_end(self.window.pending().get(..n).unwrap_or_default());
            let found = fault.is_none()
                && row.parse(raw, self.delimiter, self.quoting).is_ok()
                && row.get(0).is_some_and(|cell| cell.trim() == name);
            if found {
                return Ok(());
            }
            self.window.take(n);
        }
        Err(Problem::new(
            format!("no row among the first {MAX_PREAMBLE} starts with {name}"),
            format!("the header is the row whose first cell is {name}: check the file, or decoder.preamble"),
        )
        .at(file, 1)
        .field(name)
        .into())
    }

    /// Whether the next `n` bytes are the end mark and nothing else follows.
    fn ends_here(&mut self, n: usize) -> io::Result<bool> {
        let Some(mark) = self.terminator.and_then(|c| u8::try_from(c).ok()) else { return Ok(false) };
        if self.window.pending().get(..n).is_none_or(|bytes| trim_end(bytes) != [mark]) {
            return Ok(false);
        }
        loop {
            let mut rest = self.window.pending().iter().skip(n);
            // Blanks without end are no end.
            if !rest.all(u8::is_ascii_whitespace) || self.window.pending().len() > MAX_RECORD {
                return Ok(false);
            }
            if !self.window.fill()? {
                return Ok(true);
            }
        }
    }

    /// How much of a record that is broken up to `at` to hold: its first line, while that is affordable.
    fn give_up(&mut self, at: usize) -> usize {
        let pending = self.window.pending();
        let line_end = |from: usize| {
            let found = pending.iter().skip(from).position(|b| *b == b'\n');
            found.map_or(pending.len(), |n| from + n + 1)
        };
        let first = line_end(0);
        self.reread = self.reread.saturating_add(at.saturating_sub(first));
        if self.reread > MAX_REREAD { line_end(at) } else { first }
    }
}

/// Looks at line ends and quotes only: the bytes between need no thought.
fn find_end(bytes: &[u8], delimiter: u8, quoting: bool) -> End {
    let byte = |at: usize| bytes.get(at).copied();
    let mut at = 0;
    // Outside quotes here.
    let mark = |rest: &[u8]| if quoting { memchr2(b'\n', b'"', rest) } else { memchr(b'\n', rest) };
    while let Some(mark) = find(bytes, at, mark) {
        if byte(mark) == Some(b'\n') {
            return End::At(mark + 1);
        }
        at = mark + 1;
        // A quote within a column is a character; only at its start does it enclose.
        if mark > 0 && byte(mark - 1) != Some(delimiter) {
            continue;
        }
        loop {
            let Some(quote) = find(bytes, at, |rest| memchr(b'"', rest)) else { return End::InQuotes };
            at = quote + 1;
            match byte(at) {
                Some(b'"') => at += 1,
                None => return End::Beyond,
                Some(b) if b == delimiter || b == b'\n' => break,
                Some(b'\r') if matches!(byte(at + 1), Some(b'\n') | None) => break,
                Some(_) => return End::Broken(at),
            }
        }
    }
    End::Beyond
}

fn find(bytes: &[u8], from: usize, wanted: impl FnOnce(&[u8]) -> Option<usize>) -> Option<usize> {
    wanted(bytes.get(from..)?).map(|n| from + n)
}
