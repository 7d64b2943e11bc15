//! The board: one line an indicator.

use bellwether_model::framework::{Framework, Kind};
use bellwether_projection::{BoardRow, Threshold};

use super::figures::{UNKNOWN, counted, on_year, short_period, signed, spark, trend, value_or_floor};
use super::{Align, Cell, Fit, Look, Page, Style, Table};

use Align::{Left, Right};
use Fit::{Cut, Keep, Spare};

/// Units that a figure needs beside it; all others count what the row is named after.
const MEASURED: [&str; 8] =
    ["USD", "CNY", "tonnes", "m3", "share", "persons", "USD_per_barrel", "TIV_million"];

/// The page, a table over all domains.
pub(crate) fn board(rows: &[BoardRow], framework: &Framework, look: &Look) -> String {
    let mut page = Page::new(look);
    let stale = rows.iter().filter(|r| r.stale == Some(true)).count();
    let missing = rows.iter().filter(|r| r.value.is_none() && r.at_least.is_none()).count();
    page.heading(
        &framework.title,
        &format!(
            "{}, {stale} stale, {missing} without a value",
            counted(rows.len(), "indicator", "indicators")
        ),
    );
    let mut table = Table::new(&[
        ("indicator", Left, Keep),
        ("value", Right, Keep),
        ("period", Left, Keep),
        ("", Left, Keep),
        ("on year", Right, Keep),
        ("z", Right, Keep),
        ("history", Left, Spare),
        ("", Left, Keep),
        ("next line", Left, Cut),
    ]);
    let mut domain = "";
    for row in rows {
        if row.domain != domain {
            domain = &row.domain;
            table.group(domain);
        }
        let kind = framework.indicators.iter().find(|m| m.id == row.id).map_or(Kind::Level, |m| m.kind);
        let known = row.value.is_some() || row.at_least.is_some();
        let (arrow, style) = trend(row.trend);
        let fresh = match row.stale {
            Some(true) => Cell::new("stale", Style::Warn),
            Some(false) => Cell::new("fresh", Style::Good),
            None => "".into(),
        };
        // The domain stands above, and the name says what is counted.
        let name = row.id.strip_prefix(domain).and_then(|rest| rest.strip_prefix('.')).unwrap_or(&row.id);
        let unit = if MEASURED.contains(&row.unit.as_str()) { &row.unit } else { "" };
        table.row([
            Cell::new(name, if known { Style::Plain } else { Style::Dim }),
            Cell::new(value_or_floor(row.value, row.at_least, unit), Style::Bold),
            short_period(row.period.as_ref()).into(),
            Cell::new(arrow, style),
            on_year(row.change_on_year, kind).into(),
            row.distance.map_or(UNKNOWN.to_owned(), |z| signed(z, 1)).into(),
            spark(&row.history).into(),
            fresh,
            nearest(row.threshold.as_ref()),
        ]);
    }
    page.table(&table);
    page.finish()
}

/// The line that a value could cross next, and the room before it.
fn nearest(threshold: Option<&Threshold>) -> Cell {
    let Some(line) = threshold else { return UNKNOWN.into() };
    let name = if line.of.starts_with("divergence.baseline.") {
        "norm"
    } else if line.of.ends_with(".bound") {
        "bound"
    } else {
        line.of.as_str()
    };
    if line.room < 0.0 {
        Cell::new(format!("past {name}"), Style::Warn)
    } else {
        format!("{name} {:.0}%", line.room * 100.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_line_is_named_with_its_room() {
        for (of, room, want) in [
            ("divergence.baseline.x", 0.25, "norm 25%"),
            ("economic.gas-imports.bound", -0.1, "past bound"),
            ("constraint.trust.alliance", 1.0, "constraint.trust.alliance 100%"),
        ] {
            let line = Threshold { of: of.to_owned(), room };
            let mut table = Table::new(&[("", Left, Keep)]);
            table.row([nearest(Some(&line))]);
            assert_eq!(table.render(&crate::render::PLAIN).trim(), want);
        }
    }
}
