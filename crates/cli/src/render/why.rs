//! Why a number is what it is, as a page.

use bellwether_model::framework::Sign;
use bellwether_model::{Basis, format_moment};
use bellwether_server::api::{Explained, JoinedFact};

use super::figures::{UNKNOWN, compact, label, points, quantity};
use super::{Align, Cell, Fit, Look, Page, Style, Table};

use Align::{Left, Right};
use Fit::{Cut, Keep, Wrap};

/// Facts shown on the page; JSON has all.
const SHOWN: usize = 30;

fn value(fact: &JoinedFact) -> String {
    let value = fact.value.and_then(|v| v.to_string().parse::<f64>().ok());
    value.map_or(UNKNOWN.to_owned(), |v| quantity(v, fact.unit.as_deref().unwrap_or_default()))
}

fn published(fact: &JoinedFact) -> String {
    match (fact.published_at, fact.published_basis) {
        (Some(at), Basis::Stated) if fact.late_copy => format!("{at} late"),
        (Some(at), Basis::Stated) => at.to_string(),
        (Some(at), _) => format!("{at} assumed"),
        (None, _) => "when recorded".to_owned(),
    }
}

fn when(fact: &JoinedFact) -> String {
    let start = format_moment(fact.valid.start);
    fact.valid.end.map_or(start.clone(), |end| label(&start, &format_moment(end)))
}

/// The page.
pub(crate) fn why(explained: &Explained, look: &Look) -> String {
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
    let beside = match explained.facts.len() {
        0 => "none".to_owned(),
        n if n > SHOWN => format!("{SHOWN} of {n}; --format json has all"),
        n => n.to_string(),
    };
    page.heading("Facts", &beside);
    page.table(&fact_table(&explained.facts));
    page.finish()
}

/// A figure rounded for reading, in words too; anything else as it is.
fn readable(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(value) if text.len() > 6 && value.abs() >= 1e6 => {
            format!("{value:.0} ({})", compact(value)).replacen('-', "−", 1)
        }
        _ => text.split(' ').map(word).collect::<Vec<_>>().join(" "),
    }
}

/// A word, rounded where it is a long figure.
fn word(text: &str) -> String {
    let bare = text.trim_end_matches([',', ';', ':']);
    let tail = text.get(bare.len()..).unwrap_or_default();
    let figure = bare.contains(|c: char| c.is_ascii_digit()) && bare.len() > 6;
    match bare.parse::<f64>() {
        Ok(value) if figure && value.is_finite() => {
            let plus = if bare.starts_with('+') { "+" } else { "" };
            let short = compact(value);
            // What is small is not nothing.
            let short = if short == "0" && value != 0.0 { format!("{value:.1e}") } else { short };
            format!("{plus}{short}{tail}")
        }
        _ => text.to_owned(),
    }
}

fn inputs(explained: &Explained) -> Table {
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
            when(fact).into(),
            Cell::new(value(fact), Style::Bold),
            fact.grade.to_string().into(),
            published(fact).into(),
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

    fn explained() -> Explained {
        serde_json::from_value(json!({
            "id": "economic.trade-total", "kind": "indicator", "title": "Trade", "meaning": "Goods both ways.",
            "formula": "value of trade.flow", "unit": "USD", "reason": "The broadest measure.",
            "figures": [{"name": "value", "value": "190271000000"}, {"name": "at least", "value": null}],
            "inputs": [{"of": "a.b", "weight": 0.5, "sign": "-", "points": -12.4, "reason": "stands against"}],
            "facts": [{
                "seq": 480, "role": "value", "type": "trade.flow", "key": "k",
                "valid": {"start": "2022-01-01", "end": "2023-01-01", "precision": "year"},
                "value": "190271000000", "unit": "USD", "grade": "B2",
                "published_at": "2023-01-13", "published_basis": "stated", "late_copy": false,
                "publisher": "Customs\u{1b}[2J", "uri": "https://example.org/a", "note": "preliminary",
            }],
        }))
        .unwrap()
    }

    fn check(want: &str) {
        assert_eq!(why(&explained(), &PLAIN), want);
    }

    #[test]
    fn figures_are_as_the_tables_write_them() {
        for (text, want) in [
            ("0.1 to 0.9705026471583365", "0.1 to 0.971"),
            ("186355754001.09952", "186355754001 (186.4 bn)"),
            ("-1.23456789", "−1.23"),
            ("+0.123456, and 2022-01-01 to 2023-01-01: high", "+0.123, and 2022-01-01 to 2023-01-01: high"),
            ("0.00001234", "1.2e-5"),
            ("0.25", "0.25"),
        ] {
            assert_eq!(readable(text), want);
        }
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
