//! Notifications that wait, and dead letters.

use bellwether_alert::outbox::{Listed, State};

use super::figures::counted;
use super::{Align, Cell, Fit, Look, Page, Style, Table};

use Align::Left;
use Fit::Keep;

/// The page; `nothing` is what it says when there is nothing to show.
pub(crate) fn letters(heading: &str, all: &[Listed], nothing: &str, look: &Look) -> String {
    let mut page = Page::new(look);
    let count = match all.len() {
        0 => nothing.to_owned(),
        n => counted(n, "notification", "notifications"),
    };
    page.heading(heading, &count);
    if !all.is_empty() {
        let mut table = Table::new(&[
            ("id", Left, Keep),
            ("receiver", Left, Keep),
            ("since", Left, Keep),
            ("says", Left, Fit::Cut),
        ]);
        for letter in all {
            let style = if letter.state == State::Dead { Style::Bad } else { Style::Plain };
            table.row([
                letter.id.to_string().as_str().into(),
                Cell::new(&letter.receiver, style),
                letter.since.as_str().into(),
                letter.title.as_str().into(),
            ]);
            if let Some(why) = &letter.why {
                table.note(why, Style::Dim);
            }
        }
        page.table(&table);
        if all.iter().any(|letter| letter.state == State::Dead) {
            page.paragraph("`bellwether notify retry ID`, or --all, puts them back.", Style::Dim);
        }
    }
    page.finish()
}
