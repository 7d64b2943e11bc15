//! The page of gaps.

use bellwether_projection::{Gap, GapKind};

use super::figures::UNKNOWN;
use super::{Align, Cell, Fit, Look, Page, Style, Table};

use Align::{Left, Right};
use Fit::Keep;

fn name(kind: GapKind) -> &'static str {
    match kind {
        GapKind::Missing => "missing",
        GapKind::Stale => "stale",
        GapKind::FloorOnly => "floor only",
        GapKind::NoBaseline => "no baseline",
        GapKind::OutsideRange => "outside range",
        GapKind::TooFewInputs => "too few inputs",
    }
}

/// Counts by kind.
pub(crate) fn summary(gaps: &[Gap]) -> String {
    let kinds = [
        GapKind::Missing,
        GapKind::Stale,
        GapKind::FloorOnly,
        GapKind::NoBaseline,
        GapKind::OutsideRange,
        GapKind::TooFewInputs,
    ];
    let counts: Vec<String> = kinds
        .into_iter()
        .map(|kind| (gaps.iter().filter(|g| g.kind == kind).count(), kind))
        .filter(|(n, _)| *n > 0)
        .map(|(n, kind)| format!("{n} {}", name(kind)))
        .collect();
    if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
}

/// The first `most` gaps as a table, with what would close them when asked.
pub(crate) fn gap_table(gaps: &[Gap], most: usize, closing: bool) -> Table {
    let mut table = Table::new(&[
        ("row", Left, Keep),
        ("gap", Left, Keep),
        ("costs", Right, Keep),
        ("last", Left, Keep),
        ("due", Left, Keep),
    ]);
    for gap in gaps.iter().take(most) {
        let style = if gap.kind == GapKind::Stale { Style::Warn } else { Style::Plain };
        table.row([
            gap.id.as_str().into(),
            Cell::new(name(gap.kind), style),
            if gap.costs > 0.0 { format!("{:.0}%", gap.costs * 100.0) } else { UNKNOWN.to_owned() }.into(),
            gap.last.as_deref().unwrap_or(UNKNOWN).into(),
            gap.due.as_deref().unwrap_or(UNKNOWN).into(),
        ]);
        if closing {
            table.note(&gap.waits_for, Style::Dim);
        }
    }
    table
}

/// The page.
pub(crate) fn gaps(all: &[Gap], look: &Look) -> String {
    let mut page = Page::new(look);
    page.heading("Gaps", &summary(all));
    page.paragraph(
        "Costs are shares of the domain's coverage; under each row stands what would close its gap.",
        Style::Dim,
    );
    page.table(&gap_table(all, usize::MAX, true));
    page.finish()
}
