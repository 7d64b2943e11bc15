//! Diagnostics: what is wrong, where, and what to do about it.

use std::fmt;

/// One finding about an input: file, line, field, offending text and remedy.
///
/// `line` counts from 1; 0 means the finding has no line (a missing file, a whole-file property).
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Problem {
    /// File or stream name as the user gave it.
    pub file: String,
    /// Line from 1, or 0 when there is none.
    pub line: usize,
    /// Dotted path or column name of the field at fault, may be empty.
    pub field: String,
    /// The offending text as it stands in the input, may be empty.
    pub text: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
    /// Line of the input with a caret under the place at fault, two lines; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub excerpt: String,
}

impl Problem {
    /// A finding without place; chain [`Problem::at`], [`Problem::field`], [`Problem::text`].
    pub fn new(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            file: String::new(),
            line: 0,
            field: String::new(),
            text: String::new(),
            message: message.into(),
            remedy: remedy.into(),
            excerpt: String::new(),
        }
    }

    /// Sets file and line.
    #[must_use]
    pub fn at(mut self, file: impl Into<String>, line: usize) -> Self {
        self.file = file.into();
        self.line = line;
        self
    }

    /// Sets the field.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = field.into();
        self
    }

    /// Sets the excerpt: `line` as it stands in the input, and a caret under its `column`, counted from 1 in
    /// characters. A line longer than 90 characters is shown around the place, so that it fits a window indented.
    #[must_use]
    pub fn caret(mut self, line: &str, column: usize) -> Self {
        let from = column.saturating_sub(75);
        let shown: String = line.chars().skip(from).take(90).collect();
        let before = column.saturating_sub(1).saturating_sub(from);
        self.excerpt = format!("{shown}\n{}^", " ".repeat(before));
        self
    }

    /// Sets the offending text, cut to 200 characters.
    #[must_use]
    pub fn text(mut self, text: impl AsRef<str>) -> Self {
        self.text = text.as_ref().chars().take(200).collect();
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}", self.file)?;
            if self.line > 0 {
                write!(f, ":{}", self.line)?;
            }
            write!(f, ": ")?;
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        write!(f, "{}", self.message)?;
        if !self.text.is_empty() {
            write!(f, " (found `{}`)", neutralised(&self.text))?;
        }
        if !self.remedy.is_empty() {
            write!(f, "; {}", self.remedy)?;
        }
        for line in self.excerpt.lines() {
            write!(f, "\n    {}", neutralised(&line.replace('\t', " ")))?;
        }
        Ok(())
    }
}

/// Control and direction characters of a hostile input must not reach a terminal or a log; the rest stays.
fn neutralised(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().flat_map(|c| if hidden(c) { c.escape_default().collect() } else { vec![c] }).collect()
}

impl std::error::Error for Problem {}

/// Every finding about one input, in the order of the input; never empty when returned as an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// `Ok(value)` when nothing was found, else the findings.
    pub fn into_result<T>(self, value: T) -> Result<T, Problems> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    /// Adds a finding.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_spelled_out_and_quotes_stay() {
        let shown = Problem::new("odd", "fix it")
            .at("f.toml", 3)
            .field("id")
            .text("\"a\u{1b}[31m\u{202e}b\"")
            .to_string();
        assert_eq!(shown, "f.toml:3: id: odd (found `\"a\\u{1b}[31m\\u{202e}b\"`); fix it");
    }
}
