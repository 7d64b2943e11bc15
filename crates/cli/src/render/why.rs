//! Why a number is what it is, as a page.

use bellwether_model::framework::Sign;
use bellwether_model::{Basis, Decimal, Fact, Grade, Period, Stamp, format_moment};
use bellwether_projection::{Explanation, FactRole};
use serde::Serialize;

use super::figures::{UNKNOWN, label, points, quantity};
use super::{Align, Cell, Fit, Look, Page, Style, Table};

use Align::{Left, Right};
use Fit::{Cut, Keep, Wrap};

/// Facts shown on the page; JSON has all.
const SHOWN: usize = 30;

/// A fact behind a number, with its source.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct JoinedFact {
    pub(crate) seq: u64,
    pub(crate) role: FactRole,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) key: String,
    pub(crate) valid: Period,
    pub(crate) value: Option<Decimal>,
    pub(crate) unit: Option<String>,
    pub(crate) grade: Grade,
    pub(crate) published_at: Option<Stamp>,
    pub(crate) published_basis: Basis,
    /// Published so long after its time that it tells nothing of the first release.
    pub(crate) late_copy: bool,
    pub(crate) publisher: Option<String>,
    pub(crate) uri: Option<String>,
    pub(crate) note: Option<String>,
}

impl JoinedFact {
    /// A fact of the log in the part it plays.
    pub(crate) fn new(seq: u64, role: FactRole, fact: &Fact, late_copy_days: i64) -> Self {
        Self {
            seq,
            role,
            kind: fact.kind.clone(),
            key: fact.key.clone(),
            valid: fact.valid,
            value: fact.value,
            unit: fact.unit.clone(),
            grade: fact.grade,
            published_at: fact.published_at,
            published_basis: fact.published_basis,
            late_copy: fact.publication_lag_days().is_some_and(|days| days > late_copy_days),
            publisher: fact
                .attribute("publisher")
                .or_else(|| fact.attribute("operator"))
                .map(std::borrow::Cow::into_owned),
            uri: fact.evidence.uri.clone(),
            note: fact.note.clone().or_else(|| fact.attribute("basis").map(std::borrow::Cow::into_owned)),
        }
    }

    fn quantity(&self) -> String {
        let value = self.value.and_then(|v| v.to_string().parse::<f64>().ok());
        value.map_or(UNKNOWN.to_owned(), |v| quantity(v, self.unit.as_deref().unwrap_or_default()))
    }

    fn published(&self) -> String {
        match (self.published_at, self.published_basis) {
            (Some(at), Basis::Stated) if self.late_copy => format!("{at} late"),
            (Some(at), Basis::Stated) => at.to_string(),
            (Some(at), _) => format!("{at} assumed"),
            (None, _) => "when recorded".to_owned(),
        }
    }

    fn when(&self) -> String {
        self.valid.end.map_or(format_moment(self.valid.start), |end| {
            label(&format_moment(self.valid.start), &format_moment(end))
        })
    }
}

/// The page.
pub(crate) fn why(explained: &Explanation, facts: &[JoinedFact], look: &Look) -> String {
    let mut page = Page::new(look);
    page.heading(&explained.id, &explained.kind);
    page.paragraph(&explained.title, Style::Plain);
    page.entry("says", &explained.meaning);
    page.entry("rule", &explained.formula);
    page.entry("unit", &explained.unit);
    if explained.reason != explained.meaning {
        page.entry("because", &explained.reason);
    }
    if !explained.figures.is_empty() {
        page.heading("Figures", "");
        let mut table = Table::new(&[("", Left, Keep), ("", Left, Wrap)]);
        let mut unknown = Vec::new();
        for figure in &explained.figures {
            match &figure.value {
                Some(value) => table.row([Cell::new(&figure.name, Style::Dim), readable(value).into()]),
                None => unknown.push(figure.name.as_str()),
            }
        }
        if !unknown.is_empty() {
            table.row([Cell::new("not known", Style::Dim), unknown.join(", ").into()]);
        }
        page.table(&table);
    }
    if !explained.inputs.is_empty() {
        page.heading("Inputs", "");
        page.table(&inputs(explained));
    }
    let beside = match facts.len() {
        0 => "none".to_owned(),
        n if n > SHOWN => format!("{SHOWN} of {n}; --format json has all"),
        n => n.to_string(),
    };
    page.heading("Facts", &beside);
    page.table(&fact_table(facts));
    page.finish()
}

/// A figure rounded for reading; anything else as it is.
fn readable(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(value) if text.len() > 6 => {
            let short = super::figures::compact(value);
            if value.abs() >= 1e6 { format!("{text} ({short})") } else { short }
        }
        _ => text.to_owned(),
    }
}

fn inputs(explained: &Explanation) -> Table {
    let mut table = Table::new(&[
        ("row", Left, Keep),
        ("weight", Right, Keep),
        ("sign", Left, Keep),
        ("points", Right, Keep),
        ("why it is read", Left, Wrap),
    ]);
    for input in &explained.inputs {
        table.row([
            input.of.as_str().into(),
            format!("{:.2}", input.weight).into(),
            match input.sign {
                Sign::Plus => "+",
                Sign::Minus => "−",
                Sign::Zero => "0",
            }
            .into(),
            Cell::new(points(input.points), Style::Bold),
            Cell::new(&input.reason, Style::Dim),
        ]);
    }
    table
}

fn fact_table(facts: &[JoinedFact]) -> Table {
    let mut table = Table::new(&[
        ("seq", Right, Keep),
        ("part", Left, Keep),
        ("when", Left, Keep),
        ("value", Right, Keep),
        ("grade", Left, Keep),
        ("published", Left, Keep),
        ("publisher", Left, Cut),
    ]);
    for fact in facts.iter().take(SHOWN) {
        table.row([
            fact.seq.to_string().into(),
            format!("{:?}", fact.role).to_lowercase().into(),
            fact.when().into(),
            Cell::new(fact.quantity(), Style::Bold),
            fact.grade.to_string().into(),
            fact.published().into(),
            fact.publisher.as_deref().unwrap_or(UNKNOWN).into(),
        ]);
        if fact.value.is_none() {
            table.note(&fact.key, Style::Plain);
        }
        if let Some(uri) = &fact.uri {
            table.note(uri, Style::Dim);
        }
        if let Some(text) = fact.note.as_deref().filter(|n| *n != "idem") {
            table.note(text, Style::Dim);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::PLAIN;
    use serde_json::json;

    fn fact() -> Fact {
        serde_json::from_value(json!({
            "type": "trade.flow", "source": "facts-csv", "key": "k",
            "valid": {"start": "2022-01-01", "end": "2023-01-01", "precision": "year"},
            "published_at": "2023-01-13", "published_basis": "stated", "value": "190271000000", "unit": "USD",
            "grade": "B2", "attributes": {"publisher": "Customs\u{1b}[2J"},
            "evidence": {"uri": "https://example.org/a"}, "note": "preliminary",
        }))
        .unwrap()
    }

    fn explained() -> Explanation {
        serde_json::from_value(json!({
            "id": "economic.trade-total", "kind": "indicator", "title": "Trade", "meaning": "Goods both ways.",
            "formula": "value of trade.flow", "unit": "USD", "reason": "The broadest measure.",
            "figures": [{"name": "value", "value": "190271000000"}, {"name": "at least", "value": null}],
            "inputs": [{"of": "a.b", "weight": 0.5, "sign": "-", "points": -12.4, "reason": "stands against"}],
            "facts": [],
        }))
        .unwrap()
    }

    fn check(want: &str) {
        let facts = [JoinedFact::new(480, FactRole::Value, &fact(), 120)];
        assert_eq!(why(&explained(), &facts, &PLAIN), want);
    }

    #[test]
    fn the_page_shows_rule_figures_inputs_and_sources() {
        check(concat!(
            "economic.trade-total  indicator\n",
            "  Trade\n",
            "  says     Goods both ways.\n",
            "  rule     value of trade.flow\n",
            "  unit     USD\n",
            "  because  The broadest measure.\n",
            "\n",
            "Figures\n",
            "  value      190271000000 (190.3 bn)\n",
            "  not known  at least\n",
            "\n",
            "Inputs\n",
            "  row  weight  sign  points  why it is read\n",
            "  a.b    0.50  −        −12  stands against\n",
            "\n",
            "Facts  1\n",
            "  seq  part   when         value  grade  published   publisher\n",
            "  480  value  2022  190.3 bn USD  B2     2023-01-13  Customs\\u{1b}[2J\n",
            "    https://example.org/a\n",
            "    preliminary\n",
        ));
    }
}
