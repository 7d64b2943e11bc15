//! A page: headings, paragraphs, tables, one under another.

use super::text::{harmless, pad_right, wrap};
use super::{Look, Style, Table};

/// A page under construction.
pub(crate) struct Page {
    look: Look,
    text: String,
}

impl Page {
    pub(crate) fn new(look: &Look) -> Self {
        Self { look: *look, text: String::new() }
    }

    /// A heading with a remark beside it; a blank line before all but the first.
    pub(crate) fn heading(&mut self, heading: &str, beside: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(&self.look.paint(Style::Bold, &harmless(heading)));
        if !beside.is_empty() {
            self.text.push_str("  ");
            self.text.push_str(&self.look.paint(Style::Dim, &harmless(beside)));
        }
        self.text.push('\n');
    }

    /// A table.
    pub(crate) fn table(&mut self, table: &Table) {
        self.text.push_str(&table.render(&self.look));
    }

    /// A wrapped paragraph, indented.
    pub(crate) fn paragraph(&mut self, text: &str, style: Style) {
        for line in wrap(&harmless(text), self.look.width.saturating_sub(2)) {
            self.text.push_str(&format!("  {}\n", self.look.paint(style, &line)));
        }
    }

    /// A line as it stands, indented.
    pub(crate) fn verbatim(&mut self, line: &str) {
        self.text.push_str(&format!("    {}\n", self.look.paint(Style::Dim, &harmless(line))));
    }

    /// A name with a wrapped text beside it.
    pub(crate) fn entry(&mut self, name: &str, text: &str) {
        const NAME: usize = 9;
        if text.trim().is_empty() {
            return;
        }
        let lines = wrap(&harmless(text), self.look.width.saturating_sub(NAME + 2));
        for (n, line) in lines.iter().enumerate() {
            let name = pad_right(if n == 0 { name } else { "" }, NAME);
            self.text.push_str(&format!("  {}{line}\n", self.look.paint(Style::Dim, &name)));
        }
    }

    /// Lines as they are, to be copied, indented.
    pub(crate) fn lines(&mut self, text: &str) {
        for line in text.lines() {
            self.text.push_str(&format!("  {}\n", harmless(line)));
        }
    }

    /// The text.
    pub(crate) fn finish(self) -> String {
        self.text
    }
}
