//! Why an alert: one page.

use bellwether_alert::{Happening, Number, Why};

use super::figures::{UNKNOWN, counted};
use super::{Align, Cell, Fit, Look, Page, Style, Table};

use Align::{Left, Right};
use Fit::{Keep, Wrap};

/// Facts shown in full; the others are counted.
const FACTS: usize = 12;

/// The page.
pub(crate) fn why_alert(why: &Why, look: &Look) -> String {
    let mut page = Page::new(look);
    page.heading(&why.alert, &why.state);
    page.paragraph(&why.summary, Style::Plain);
    page.entry("at", &why.at);
    page.entry("margin", &number(why.margin));
    let coverage = why.coverage.map(|share| format!("{:.0} % of the weight is fresh", share * 100.0));
    page.entry("coverage", coverage.as_deref().unwrap_or(UNKNOWN));
    if let Some(ack) = &why.ack {
        page.entry("noted", &format!("{} at {}: {}", ack.who, ack.at, ack.note));
    }
    for quiet in why.silences.iter().chain(&why.maintenance) {
        page.entry(
            "silenced",
            &format!("{} to {} by {}: {}", quiet.from, quiet.until, quiet.who, quiet.note),
        );
    }
    numbers(&mut page, "It read", &why.numbers);
    latest(&mut page, why);

    page.heading("Rule", &format!("{}, version {}", why.rule.id, why.rule.version));
    for line in why.rule.text.lines() {
        page.verbatim(line);
    }
    facts(&mut page, why);

    page.heading("What happened", "");
    let mut table = Table::new(&[("at", Left, Keep), ("seq", Right, Keep), ("", Left, Wrap)]);
    for told in &why.events {
        let (word, more) = match &told.event.happening {
            Happening::Pending => ("pending", String::new()),
            Happening::Lapsed => ("lapsed", String::new()),
            Happening::Firing => ("firing", String::new()),
            Happening::Unmuted => ("no longer muted", String::new()),
            Happening::Recovering => ("recovering", String::new()),
            Happening::Relapsed => ("no longer recovering", String::new()),
            Happening::Resolved { reason } => ("resolved", reason.clone()),
        };
        let muted = match told.event.muted_by.as_slice() {
            [] => String::new(),
            by => format!(" (muted by {})", by.join(", ")),
        };
        let more = if more.is_empty() { more } else { format!(": {more}") };
        table.row([
            told.event.at.as_str().into(),
            told.seq.map_or_else(|| UNKNOWN.to_owned(), |seq| seq.to_string()).into(),
            format!("{word}{more}{muted}").into(),
        ]);
    }
    page.table(&table);
    if !why.rule.runbook.is_empty() {
        page.heading("What to do", "");
        page.paragraph(&why.rule.runbook, Style::Plain);
    }
    page.finish()
}

fn numbers(page: &mut Page, heading: &str, all: &[Number]) {
    if all.is_empty() {
        return;
    }
    page.heading(heading, "");
    let mut table = Table::new(&[("", Left, Keep), ("", Right, Keep)]);
    for one in all {
        let value = match &one.value {
            serde_json::Value::Null => UNKNOWN.to_owned(),
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Number(n) => n.as_f64().map_or_else(|| n.to_string(), |n| number(Some(n))),
            other => other.to_string(),
        };
        table.row([one.name.as_str().into(), value.into()]);
    }
    page.table(&table);
}

fn latest(page: &mut Page, why: &Why) {
    let (word, style) = match why.latest.fires {
        Some(true) => ("By the latest vintages it would fire then too.", Style::Plain),
        Some(false) => ("By the latest vintages it would not have fired.", Style::Warn),
        None => ("By the latest vintages it cannot be told whether it would fire.", Style::Dim),
    };
    page.paragraph(word, style);
    if why.latest.numbers != why.numbers {
        numbers(page, "It would read", &why.latest.numbers);
    }
}

fn facts(page: &mut Page, why: &Why) {
    let families: Vec<String> = why.families.iter().map(|f| format!("{} {}", f.family, f.facts)).collect();
    let publishers = match why.families.len() {
        0 => "none".to_owned(),
        1 => format!("one publisher: {}", families.join(", ")),
        n => format!("{n} publishers: {}", families.iter().take(6).cloned().collect::<Vec<_>>().join(", ")),
    };
    page.heading("Facts", &publishers);
    if why.facts.is_empty() {
        return;
    }
    let mut table = Table::new(&[
        ("seq", Right, Keep),
        ("fact", Left, Wrap),
        ("value", Right, Keep),
        ("grade", Left, Keep),
        ("publisher", Left, Keep),
    ]);
    // The newest are what tipped it.
    for fact in why.facts.iter().rev().take(FACTS) {
        let unit = fact.unit.as_deref().unwrap_or_default();
        let value = fact.value.as_deref().map_or_else(|| UNKNOWN.to_owned(), |v| format!("{v} {unit}"));
        table.row([
            fact.seq.to_string().into(),
            format!("{} {}", fact.kind, fact.key).into(),
            value.trim_end().into(),
            Cell::new(&fact.grade, Style::Plain),
            fact.family.as_str().into(),
        ]);
    }
    page.table(&table);
    if let Some(more) = why.facts.len().checked_sub(FACTS).filter(|more| *more > 0) {
        page.paragraph(
            &format!("and {}: --format json has them all", counted(more, "earlier one", "earlier ones")),
            Style::Dim,
        );
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |v| format!("{}", (v * 1e4).round() / 1e4))
}
