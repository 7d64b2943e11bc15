//! From a path inside a TOML document to the line it stands on.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::{Problem, Problems};

/// One step of a path: a table key or an array position from 0.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// Table key.
    Key(&'a str),
    /// Array position.
    At(usize),
}

impl<'a> From<&'a str> for Step<'a> {
    fn from(key: &'a str) -> Self {
        Step::Key(key)
    }
}

impl From<usize> for Step<'_> {
    fn from(at: usize) -> Self {
        Step::At(at)
    }
}

/// A parsed document that can tell where each of its values stands.
pub struct Locator<'t> {
    file: String,
    text: &'t str,
    root: DeTable<'t>,
    /// Where each line but the first begins.
    lines: Vec<usize>,
}

impl<'t> Locator<'t> {
    /// Parses `text`, naming `file` in errors; a syntax error comes with its line.
    pub fn new(file: &str, text: &'t str) -> Result<Self, Problems> {
        match DeTable::parse(text) {
            Ok(root) => {
                let lines = text.match_indices('\n').map(|(at, _)| at + 1).collect();
                Ok(Self { file: file.to_owned(), text, root: root.into_inner(), lines })
            }
            Err(e) => Err(syntax(file, text, &e).into()),
        }
    }

    /// Deserialises the whole document; a mismatch comes with its line.
    pub fn parse<T: serde::de::DeserializeOwned>(&self) -> Result<T, Problems> {
        toml::from_str(self.text).map_err(|e| syntax(&self.file, self.text, &e).into())
    }

    /// Deserialises each entry of the array `key` by itself, so that one that does not fit hides no other; none when
    /// there is no such array.
    pub fn each<T: serde::de::DeserializeOwned>(&self, key: &str) -> Vec<Result<T, Problem>> {
        let Some(DeValue::Array(entries)) = self.root.get(key).map(|value| value.get_ref()) else {
            return Vec::new();
        };
        let read = |entry: &toml::Spanned<DeValue<'t>>| {
            T::deserialize(toml::de::ValueDeserializer::from(entry.clone())).map_err(|mut error| {
                error.set_input(Some(self.text));
                syntax(&self.file, self.text, &error)
            })
        };
        entries.iter().map(read).collect()
    }

    /// Bytes of the document that the value at `path` takes, its quotes included; of the header for a table.
    pub fn span(&self, path: &[Step<'_>]) -> Option<Range<usize>> {
        let mut table: Option<&DeTable<'t>> = Some(&self.root);
        let mut array: Option<&toml::de::DeArray<'t>> = None;
        let mut span = None;
        for step in path {
            let value = match step {
                Step::Key(key) => table?.get(*key)?,
                Step::At(at) => array?.get(*at)?,
            };
            span = Some(value.span());
            (table, array) = match value.get_ref() {
                DeValue::Table(t) => (Some(t), None),
                DeValue::Array(a) => (None, Some(a)),
                _ => (None, None),
            };
        }
        span
    }

    /// Line on which a byte of the document stands, from 1.
    pub fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset) + 1
    }

    /// A finding about the value at `path`, or about its nearest existing ancestor.
    pub fn problem(
        &self,
        path: &[Step<'_>],
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Problem {
        let mut span: Option<Range<usize>> = None;
        let mut table: Option<&DeTable<'t>> = Some(&self.root);
        let mut array: Option<&toml::de::DeArray<'t>> = None;
        let mut leaf = false;
        let mut field = String::new();
        for step in path {
            let value = match step {
                Step::Key(key) => {
                    if !field.is_empty() {
                        field.push('.');
                    }
                    field.push_str(key);
                    table.and_then(|t| t.get(*key))
                }
                Step::At(at) => {
                    field.push_str(&format!("[{at}]"));
                    array.and_then(|a| a.get(*at))
                }
            };
            let Some(value) = value else {
                leaf = false;
                break;
            };
            span = Some(value.span());
            (table, array, leaf) = match value.get_ref() {
                DeValue::Table(t) => (Some(t), None, false),
                DeValue::Array(a) => (None, Some(a), false),
                _ => (None, None, true),
            };
        }
        let line = span.as_ref().map_or(0, |s| self.line(s.start));
        let mut problem = Problem::new(message, remedy).at(&self.file, line).field(field);
        if leaf && let Some(text) = span.and_then(|s| self.text.get(s)) {
            problem = problem.text(text);
        }
        problem
    }
}

/// Line of a byte offset, from 1.
fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|b| *b == b'\n').count() + 1
}

fn syntax(file: &str, text: &str, error: &toml::de::Error) -> Problem {
    let span = error.span();
    let line = span.as_ref().map_or(0, |s| line_of(text, s.start));
    let found = span
        .and_then(|s| text.get(s.start..s.end.max(s.start)))
        .and_then(|t| t.lines().next())
        .unwrap_or_default()
        .to_owned();
    Problem::new(error.message().trim().replace('\n', " "), "see config/README.md for the format")
        .at(file, line)
        .text(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_find_their_line_and_text() {
        let text = "a = 1\n\n[[item]]\nid = \"x\"\n\n[[item]]\nid = \"y\"\nweight = -3\n";
        let locator = Locator::new("f.toml", text).unwrap();
        let p = locator.problem(&["item".into(), 1.into(), "weight".into()], "negative", "make it positive");
        assert_eq!((p.line, p.text.as_str(), p.field.as_str()), (8, "-3", "item[1].weight"));
        let p = locator.problem(&["item".into(), 1.into(), "missing".into()], "missing", "add it");
        assert_eq!((p.line, p.text.as_str()), (6, ""));
    }

    #[test]
    fn entries_are_read_one_by_one() {
        #[derive(serde::Deserialize)]
        struct Item {
            n: u8,
        }
        let text = "[[item]]\nn = 1\n[[item]]\nn = \"x\"\n[[item]]\nm = 3\n[[item]]\nn = 4\n";
        let read = Locator::new("f.toml", text).unwrap().each::<Item>("item");
        let read: Vec<_> = read.into_iter().map(|r| r.map(|i| i.n).map_err(|p| p.line)).collect();
        assert_eq!(read, [Ok(1), Err(4), Err(5), Ok(4)]);
    }

    #[test]
    fn syntax_errors_carry_their_line() {
        let problems = Locator::new("f.toml", "a = 1\nb = \n").err().unwrap();
        assert_eq!(problems.0[0].line, 2, "{problems}");
    }
}
