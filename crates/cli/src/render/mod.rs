//! From data to text: every function here takes data in and gives text back.

mod alerts;
mod assessment;
mod backtest;
mod board;
mod cells;
mod changes;
mod curve;
mod figures;
mod forecast;
mod gaps;
mod letters;
mod page;
mod prequential;
mod scenarios;
mod table;
mod text;
mod why;
mod why_alert;

pub(crate) use alerts::{alerts, silences};
pub(crate) use assessment::assessment;
pub(crate) use backtest::{backtest, sweep};
pub(crate) use board::board;
pub(crate) use cells::{csv_cell, field};
pub(crate) use changes::{comparison, diff, series};
pub(crate) use curve::{Frame, Point, curve};
pub(crate) use figures::counted;
pub(crate) use forecast::{forecasts, scores};
pub(crate) use gaps::gaps;
pub(crate) use letters::letters;
pub(crate) use page::Page;
pub(crate) use scenarios::{scenarios, signpost, weight};
pub(crate) use table::{Align, Cell, Fit, Table};
pub(crate) use text::{harmless, steers, wrap};
pub(crate) use why::why;
pub(crate) use why_alert::why_alert;

pub(crate) use assessment::shifts;

/// How text is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Colours may be used.
    pub(crate) colour: bool,
    /// Columns of the window.
    pub(crate) width: usize,
}

/// Emphasis of a piece of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Style {
    /// As it is.
    #[default]
    Plain,
    /// A heading.
    Bold,
    /// Of less weight.
    Dim,
    /// Rising, holding.
    Good,
    /// Worth a look.
    Warn,
    /// Falling, broken.
    Bad,
}

impl Look {
    /// The text with its emphasis, where colours may be used.
    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Good => "32",
            Style::Warn => "33",
            Style::Bad => "31",
            Style::Plain => return text.to_owned(),
        };
        if self.colour && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
pub(crate) const PLAIN: Look = Look { colour: false, width: 100 };
