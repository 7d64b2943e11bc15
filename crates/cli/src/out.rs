//! Where output goes: data to standard output in the format asked for, everything else to standard error.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use serde::Serialize;
use serde_json::Value;

use crate::args::Format;
use crate::failure::Failure;
use crate::render::{Look, csv_cell, field, harmless};

/// Width of tables when nobody says how wide the window is.
const WIDTH: usize = 100;
/// Tables do not become narrower than this.
const NARROWEST: usize = 40;

/// Standard output, locked for the whole run.
pub(crate) struct Out {
    writer: BufWriter<StdoutLock<'static>>,
    format: Format,
    raw: bool,
    terminal: bool,
    look: Look,
}

impl Out {
    /// Standard output in `format`; `raw` leaves CSV cells as they are.
    pub(crate) fn new(format: Format, raw: bool) -> Self {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        let window = || terminal.then(terminal_size::terminal_size).flatten().map(|(w, _)| w.0.into());
        let asked = std::env::var("COLUMNS").ok().and_then(|n| n.parse().ok());
        let width: usize = asked.or_else(window).unwrap_or(WIDTH);
        let look = Look { colour: terminal && colours_wanted(), width: width.max(NARROWEST) };
        Self { writer: BufWriter::new(stdout.lock()), format, raw, terminal, look }
    }

    /// Format asked for.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Text as it is.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.writer.write_all(text.as_bytes())?;
        Ok(self.writer.flush()?)
    }

    /// Bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.writer.write_all(bytes)?;
        Ok(self.writer.flush()?)
    }

    /// One JSON document: on one line, or laid out for a terminal.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        self.document(value, self.terminal && self.format != Format::Ndjson)?;
        Ok(self.writer.flush()?)
    }

    /// One JSON document a line; call [`Out::finish`] at the end.
    pub(crate) fn line(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        self.document(value, false)
    }

    fn document(&mut self, value: &impl Serialize, laid_out: bool) -> Result<(), Failure> {
        if self.terminal {
            let text =
                if laid_out { serde_json::to_string_pretty(value)? } else { serde_json::to_string(value)? };
            self.writer.write_all(json_for_terminal(&text).as_bytes())?;
        } else {
            serde_json::to_writer(&mut self.writer, value)?;
        }
        Ok(self.writer.write_all(b"\n")?)
    }

    /// Text that more follows; call [`Out::finish`] at the end.
    pub(crate) fn put(&mut self, text: &str) -> Result<(), Failure> {
        Ok(self.writer.write_all(text.as_bytes())?)
    }

    /// One row of CSV; call [`Out::finish`] at the end.
    pub(crate) fn csv_row(&mut self, cells: &[Value]) -> Result<(), Failure> {
        let cells: Vec<String> = cells.iter().map(|value| self.cell(value)).collect();
        let mut csv = csv::Writer::from_writer(&mut self.writer);
        csv.write_record(cells).map_err(not_written)?;
        Ok(csv.flush()?)
    }

    /// Pushes out what is still held.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        Ok(self.writer.flush()?)
    }

    /// A list: table, JSON array, CSV with these dotted fields, or a document a line.
    pub(crate) fn list<T: Serialize>(
        &mut self,
        rows: &[T],
        fields: &[&str],
        table: impl FnOnce(&Look) -> String,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Table => {
                let text = table(&self.look);
                self.text(&text)
            }
            Format::Json => self.json(&rows),
            Format::Csv => self.csv(rows, fields),
            Format::Ndjson => {
                rows.iter().try_for_each(|row| self.line(row))?;
                self.finish()
            }
        }
    }

    /// One document: a page, or JSON in every other format that has no rows.
    pub(crate) fn page<T: Serialize>(
        &mut self,
        value: &T,
        page: impl FnOnce(&Look) -> String,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Table => {
                let text = page(&self.look);
                self.text(&text)
            }
            Format::Json | Format::Ndjson => self.json(value),
            Format::Csv => Err(Failure::usage(
                "this command has no CSV form",
                "use --format json, or --format table to read it",
            )),
        }
    }

    /// Rows as CSV, columns by dotted field.
    pub(crate) fn csv<T: Serialize>(&mut self, rows: &[T], fields: &[&str]) -> Result<(), Failure> {
        self.csv_row(&fields.iter().map(|name| Value::from(*name)).collect::<Vec<_>>())?;
        for row in rows {
            let value = serde_json::to_value(row)?;
            self.csv_row(&fields.iter().map(|name| field(&value, name)).collect::<Vec<_>>())?;
        }
        self.finish()
    }

    fn cell(&self, value: &Value) -> String {
        let cell = csv_cell(value, self.raw);
        if self.terminal { harmless(&cell).into_owned() } else { cell }
    }
}

fn not_written(error: csv::Error) -> Failure {
    match error.into_kind() {
        csv::ErrorKind::Io(e) => e.into(),
        other => Failure::Internal(format!("{other:?}")),
    }
}

/// Characters that could steer a terminal stand only inside strings, where JSON can spell them out.
fn json_for_terminal(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || !crate::render::steers(c) {
            safe.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    safe
}

fn colours_wanted() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
}

/// A remark on standard error.
pub(crate) fn note(text: &str) {
    tell("note", text);
}

/// An error on standard error.
pub(crate) fn complain(text: &str) {
    tell("error", text);
}

/// A line on standard error. When nobody reads it there is nobody to tell, so a failure is passed over.
fn tell(what: &str, text: &str) {
    let mut lines = text.lines();
    let mut stderr = io::stderr().lock();
    let first = lines.next().unwrap_or_default();
    let _ = writeln!(stderr, "{what}: {}", harmless(first));
    for line in lines {
        let _ = writeln!(stderr, "  {}", harmless(line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_for_a_terminal_is_still_the_same_json() {
        let value = serde_json::json!({"note": "a\u{202e}b\u{9b}31m\u{e0041}", "n": 1});
        let safe = json_for_terminal(&serde_json::to_string_pretty(&value).unwrap());
        assert!(!safe.chars().any(|c| c != '\n' && crate::render::steers(c)), "{safe}");
        assert_eq!(serde_json::from_str::<Value>(&safe).unwrap(), value);
    }
}
