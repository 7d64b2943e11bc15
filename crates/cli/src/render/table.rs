//! Tables: columns aligned, fitted to the window.

use super::text::{cut, harmless, pad_left, pad_right, width, wrap};
use super::{Look, Style};

/// Side that a column leans to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// For words.
    Left,
    /// For figures.
    Right,
}

/// What gives way when the window is too narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Nothing: ids and figures stand whole.
    Keep,
    /// The end of the text.
    Cut,
    /// The text goes on in further lines.
    Wrap,
    /// The line: what is too long for its column stands whole, and the cells behind it go to the next line. After the others.
    Break,
    /// The whole column, the rightmost such first: it only repeats in another form what others say.
    Spare,
}

/// One cell.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A cell with emphasis; steering characters are spelled out.
    pub(crate) fn new(text: impl AsRef<str>, style: Style) -> Self {
        Self { text: harmless(text.as_ref()).into_owned(), style }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text, Style::Plain)
    }
}

struct Column {
    head: String,
    align: Align,
    fit: Fit,
}

enum Line {
    Cells(Vec<Cell>),
    Note(Cell),
    Group(Cell),
}

/// A table under construction.
pub(crate) struct Table {
    columns: Vec<Column>,
    lines: Vec<Line>,
}

const INDENT: usize = 2;
const GAP: usize = 2;
const NARROWEST: usize = 10;

impl Table {
    /// A table with these columns; blank heads all through give none.
    pub(crate) fn new(columns: &[(&str, Align, Fit)]) -> Self {
        let column = |(head, align, fit): &(&str, Align, Fit)| Column {
            head: harmless(head).into_owned(),
            align: *align,
            fit: *fit,
        };
        let columns = columns.iter().map(column).collect();
        Self { columns, lines: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.lines.push(Line::Cells(cells.into()));
    }

    /// Adds a line under the last row, across all columns.
    pub(crate) fn note(&mut self, text: impl AsRef<str>, style: Style) {
        self.lines.push(Line::Note(Cell::new(text, style)));
    }

    /// Adds a line that names the rows under it.
    pub(crate) fn group(&mut self, name: &str) {
        self.lines.push(Line::Group(Cell::new(name, Style::Bold)));
    }

    /// The text; empty without rows.
    pub(crate) fn render(&self, look: &Look) -> String {
        if self.lines.is_empty() {
            return String::new();
        }
        let widths = self.widths(look.width);
        let mut out = String::new();
        if self.columns.iter().any(|c| !c.head.is_empty()) {
            let heads: Vec<Cell> = self.columns.iter().map(|c| Cell::new(&c.head, Style::Dim)).collect();
            self.cells(&heads, &widths, look, &mut out);
        }
        for line in &self.lines {
            match line {
                Line::Cells(cells) => self.cells(cells, &widths, look, &mut out),
                Line::Group(cell) => {
                    for text in wrap(&cell.text, look.width.saturating_sub(1)) {
                        out.push_str(&format!(" {}\n", look.paint(cell.style, &text)));
                    }
                }
                Line::Note(cell) => {
                    // Addresses stay whole, so that they can be followed.
                    let indent = " ".repeat(INDENT + GAP);
                    let room = look.width.saturating_sub(INDENT + GAP);
                    let lines = if cell.text.contains(' ') {
                        wrap(&cell.text, room)
                    } else {
                        vec![cell.text.clone()]
                    };
                    for text in lines {
                        out.push_str(&format!("{indent}{}\n", look.paint(cell.style, &text)));
                    }
                }
            }
        }
        out
    }

    fn rows(&self) -> impl Iterator<Item = &Vec<Cell>> {
        self.lines.iter().filter_map(|line| if let Line::Cells(cells) = line { Some(cells) } else { None })
    }

    /// Widths that fit: the ends of the widest columns give way, when that is not enough whole spare columns (`None`),
    /// rightmost first, then lines.
    fn widths(&self, window: usize) -> Vec<Option<usize>> {
        let mut widths: Vec<Option<usize>> = self.columns.iter().map(|c| Some(width(&c.head))).collect();
        for row in self.rows() {
            for (have, cell) in widths.iter_mut().zip(row) {
                *have = (*have).max(Some(width(&cell.text)));
            }
        }
        // Words that wrap stay whole as long as anything else can give way.
        let words = self.longest_words();
        let least = vec![NARROWEST; widths.len()];
        loop {
            let narrow = shrunk(widths.clone(), window, &self.giving(&[Fit::Cut, Fit::Wrap], &words));
            if taken(&narrow) <= window {
                return narrow;
            }
            let mut columns = widths.iter_mut().zip(&self.columns);
            match columns.rfind(|(w, c)| c.fit == Fit::Spare && w.is_some()) {
                Some((w, _)) => *w = None,
                None => {
                    let broken = shrunk(narrow, window, &self.giving(&[Fit::Break], &least));
                    return shrunk(broken, window, &self.giving(&[Fit::Wrap], &least));
                }
            }
        }
    }

    /// By column, what it may not be narrower than: its longest word where it wraps.
    fn longest_words(&self) -> Vec<usize> {
        let mut least = vec![NARROWEST; self.columns.len()];
        for row in self.rows() {
            for ((least, cell), column) in least.iter_mut().zip(row).zip(&self.columns) {
                if column.fit == Fit::Wrap {
                    *least = cell.text.split_whitespace().map(width).fold(*least, usize::max);
                }
            }
        }
        least
    }

    /// By column, how narrow it may become; `None` for columns of other kinds.
    fn giving(&self, fits: &[Fit], least: &[usize]) -> Vec<Option<usize>> {
        let columns = self.columns.iter().zip(least);
        columns.map(|(c, least)| fits.contains(&c.fit).then_some(*least)).collect()
    }

    fn cells(&self, cells: &[Cell], widths: &[Option<usize>], look: &Look, out: &mut String) {
        let shown: Vec<Shown<'_>> = cells
            .iter()
            .zip(&self.columns)
            .zip(widths)
            .filter_map(|((cell, column), to)| {
                let to = (*to)?;
                let lines = match column.fit {
                    Fit::Keep | Fit::Spare | Fit::Break => vec![cell.text.clone()],
                    Fit::Cut => vec![cut(&cell.text, to)],
                    Fit::Wrap => wrap(&cell.text, to),
                };
                Some((cell, column, to, lines))
            })
            .collect();
        let mut from = 0;
        for (at, (cell, column, to, _)) in shown.iter().enumerate() {
            if column.fit == Fit::Break && width(&cell.text) > *to {
                lines(&shown, from..at + 1, look, out);
                from = at + 1;
            }
        }
        if from == 0 || shown.iter().skip(from).any(|(cell, ..)| !cell.text.is_empty()) {
            lines(&shown, from..shown.len(), look, out);
        }
    }
}

/// The widest columns that give way made narrower, until all fit or no more can be taken from them.
fn shrunk(mut widths: Vec<Option<usize>>, window: usize, giving: &[Option<usize>]) -> Vec<Option<usize>> {
    while taken(&widths) > window {
        let columns = widths.iter_mut().zip(giving);
        let widest =
            columns.filter_map(|(w, least)| w.as_mut().zip(*least).filter(|(w, least)| **w > *least));
        match widest.max_by_key(|(w, _)| **w) {
            Some((w, _)) => *w -= 1,
            None => break,
        }
    }
    widths
}

/// A cell with its column, width and lines.
type Shown<'t> = (&'t Cell, &'t Column, usize, Vec<String>);

/// Lines with some of the cells of a row, the others left blank.
fn lines(row: &[Shown<'_>], some: std::ops::Range<usize>, look: &Look, out: &mut String) {
    let of = |at: usize| some.contains(&at);
    let heights = row.iter().enumerate().filter(|(at, _)| of(*at)).map(|(_, (.., lines))| lines.len());
    for n in 0..heights.max().unwrap_or_default() {
        // Blanks go outside the emphasis, and none end the line.
        let mut blanks = INDENT;
        for (at, (cell, column, to, lines)) in row.iter().enumerate() {
            let text = lines.get(n).filter(|_| of(at)).map_or("", String::as_str);
            let padded =
                if column.align == Align::Right { pad_left(text, *to) } else { pad_right(text, *to) };
            let body = padded.trim();
            if body.is_empty() {
                blanks += to + GAP;
                continue;
            }
            let before = padded.len() - padded.trim_start().len();
            let after = padded.len() - padded.trim_end().len();
            out.push_str(&" ".repeat(blanks + before));
            out.push_str(&look.paint(cell.style, body));
            blanks = after + GAP;
        }
        out.push('\n');
    }
}

/// Columns of the window that the table takes.
fn taken(widths: &[Option<usize>]) -> usize {
    let shown = widths.iter().flatten().count();
    INDENT + GAP * shown.saturating_sub(1) + widths.iter().flatten().sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(look: Look, want: &str) {
        let mut table = Table::new(&[
            ("id", Align::Left, Fit::Keep),
            ("n", Align::Right, Fit::Keep),
            ("words", Align::Left, Fit::Wrap),
        ]);
        table.row([Cell::new("a", Style::Bold), "1".into(), "short".into()]);
        table.row(["中俄".into(), "12".into(), "some more words than fit in one line of it".into()]);
        table.note("https://example.org/a-very-long-address-that-is-never-cut", Style::Dim);
        assert_eq!(table.render(&look), want);
    }

    #[test]
    fn columns_align_and_wrap() {
        check(
            Look { colour: false, width: 36 },
            concat!(
                "  id     n  words\n",
                "  a      1  short\n",
                "  中俄  12  some more words than fit\n",
                "            in one line of it\n",
                "    https://example.org/a-very-long-address-that-is-never-cut\n",
            ),
        );
    }

    #[test]
    fn colours_do_not_change_the_layout() {
        check(
            Look { colour: true, width: 80 },
            concat!(
                "  \x1b[2mid\x1b[0m     \x1b[2mn\x1b[0m  \x1b[2mwords\x1b[0m\n",
                "  \x1b[1ma\x1b[0m      1  short\n",
                "  中俄  12  some more words than fit in one line of it\n",
                "    \x1b[2mhttps://example.org/a-very-long-address-that-is-never-cut\x1b[0m\n",
            ),
        );
    }

    #[test]
    fn ids_are_not_broken_while_a_spare_column_can_go() {
        let mut table = Table::new(&[
            ("id", Align::Left, Fit::Keep),
            ("bar", Align::Left, Fit::Spare),
            ("by", Align::Left, Fit::Wrap),
        ]);
        table.row(["a-long-id".into(), "██████····".into(), "diplomatic.leader-visits +0.31".into()]);
        let text = |width: usize| table.render(&Look { colour: false, width });
        let want = "  id         by\n  a-long-id  diplomatic.leader-visits\n             +0.31\n";
        assert_eq!(text(40), want);
    }

    #[test]
    fn spare_columns_give_way_last_and_whole() {
        let mut table = Table::new(&[
            ("id", Align::Left, Fit::Keep),
            ("bar", Align::Left, Fit::Spare),
            ("title", Align::Left, Fit::Cut),
        ]);
        table.row(["a-long-id".into(), "██████····".into(), "a title of some length".into()]);
        let text = |width: usize| table.render(&Look { colour: false, width });
        assert_eq!(text(36), "  id         bar         title\n  a-long-id  ██████····  a title of…\n");
        assert_eq!(text(30), "  id         title\n  a-long-id  a title of some…\n");
    }

    #[test]
    fn what_is_too_long_for_its_column_stands_whole_and_breaks_the_line() {
        let mut table = Table::new(&[
            ("known", Align::Left, Fit::Keep),
            ("id", Align::Left, Fit::Break),
            ("n", Align::Right, Fit::Keep),
            ("", Align::Left, Fit::Cut),
        ]);
        table.row(["2026".into(), "short-id".into(), "1".into(), "some words".into()]);
        table.row(["2027".into(), "an-id-that-is-too-long".into(), "12".into(), "words".into()]);
        table.row(["2028".into(), "another-that-is-too-long".into(), "".into(), "".into()]);
        let text = |width: usize| table.render(&Look { colour: false, width });
        assert_eq!(
            text(40),
            concat!(
                "  known  id                n\n",
                "  2026   short-id          1  some words\n",
                "  2027   an-id-that-is-too-long\n",
                "                          12  words\n",
                "  2028   another-that-is-too-long\n",
            )
        );
        assert!(text(60).lines().all(|line| line.len() <= 60) && text(60).lines().count() == 4);
    }

    #[test]
    fn hostile_cells_are_harmless() {
        let mut table = Table::new(&[("", Align::Left, Fit::Cut)]);
        table.row(["\u{1b}]0;title\u{7}".into()]);
        assert_eq!(table.render(&Look { colour: false, width: 80 }), "  \\u{1b}]0;title\\u{7}\n");
    }
}
