//! The pages of a backtest: what rules were worth, and the curve of a sweep.

use bellwether_alert::backtest::{AFTER, BEFORE, PLACEMENTS, Report, Score, Swept, Tried};

use super::figures::{UNKNOWN, counted};
use super::{Align, Cell, Fit, Look, Page, Style, Table};

use Align::{Left, Right};
use Fit::{Cut, Keep};

/// A chance like this or a smaller one is worth a second look.
const RARE: f64 = 0.05;

/// The table of rules; of a single one also its pairs, misses and false alarms.
pub(crate) fn backtest(report: &Report, bundled: bool, look: &Look) -> String {
    let mut page = Page::new(look);
    page.heading("Backtest", &range(report));
    page.table(&scores(&report.rules));
    if let [only] = report.rules.as_slice() {
        details(&mut page, only);
    }
    page.heading("How to read this", "");
    page.paragraph(&matching(report), Style::Dim);
    page.paragraph(&chance(report), Style::Dim);
    page.paragraph(in_sample(bundled), Style::Warn);
    page.finish()
}

fn range(report: &Report) -> String {
    let events = counted(report.events, "reference event", "reference events");
    format!("{} to {}, {events}", report.from, report.to)
}

/// The curve of a sweep, and the rule that a budget proposes.
pub(crate) fn sweep(report: &Report, swept: &Swept, bundled: bool, look: &Look) -> String {
    let mut page = Page::new(look);
    page.heading(&format!("{} by {}", swept.rule, swept.parameter), &range(report));
    page.table(&curve(swept));
    if let Some(proposal) = &swept.proposal {
        page.heading(
            "Proposal",
            &format!("at most {} a year", counted(proposal.budget, "false alarm", "false alarms")),
        );
        page.paragraph(&proposal.why, Style::Plain);
        page.lines(&proposal.toml);
    }
    page.heading("How to read this", "");
    page.paragraph(&matching(report), Style::Dim);
    page.paragraph(
        &format!(
            "By chance: mean precision of {PLACEMENTS} placements of as many firings on random days. {} values were \
             tried on the same events: the best of them looks better than it is.",
            swept.values.len()
        ),
        Style::Dim,
    );
    page.paragraph(in_sample(bundled), Style::Warn);
    page.finish()
}

fn scores(rules: &[Score]) -> Table {
    let mut table = Table::new(&[
        ("rule", Left, Keep),
        ("firings", Right, Keep),
        ("matched", Right, Keep),
        ("precision", Right, Keep),
        ("by chance", Right, Keep),
        ("p", Right, Keep),
        ("recall", Right, Keep),
        ("lead", Right, Keep),
        ("false a year", Right, Keep),
    ]);
    for score in rules {
        let better = score.null_p.is_some_and(|p| p < RARE);
        table.row([
            score.id.as_str().into(),
            score.firings.to_string().into(),
            score.matched.to_string().into(),
            Cell::new(share(score.precision), if better { Style::Good } else { Style::Plain }),
            share(score.null_precision).into(),
            Cell::new(small(score.null_p), if better { Style::Good } else { Style::Plain }),
            share(score.recall).into(),
            score.median_lead_days.map_or(UNKNOWN.to_owned(), |d| format!("{d:+} d")).into(),
            number(score.false_alarms_per_year).into(),
        ]);
    }
    table
}

fn curve(swept: &Swept) -> Table {
    let mut table = Table::new(&[
        ("value", Right, Keep),
        ("firings", Right, Keep),
        ("matched", Right, Keep),
        ("precision", Right, Keep),
        ("by chance", Right, Keep),
        ("recall", Right, Keep),
        ("false a year", Right, Keep),
        ("", Left, Keep),
    ]);
    for step in &swept.values {
        let Tried {
            toml, firings, matched, precision, null_precision, recall, false_alarms_per_year, ..
        } = step;
        let chosen = swept.proposal.as_ref().is_some_and(|p| p.value == step.value);
        let remark = match (swept.present == Some(step.value), chosen) {
            (_, true) => "proposed",
            (true, false) => "now",
            (false, false) => "",
        };
        table.row([
            toml.trim_matches('"').into(),
            firings.to_string().into(),
            matched.to_string().into(),
            share(*precision).into(),
            share(*null_precision).into(),
            share(*recall).into(),
            number(*false_alarms_per_year).into(),
            Cell::new(remark, Style::Bold),
        ]);
    }
    table
}

fn details(page: &mut Page, score: &Score) {
    let mut pairs = Table::new(&[
        ("alarm", Left, Keep),
        ("event", Left, Keep),
        ("lead", Right, Keep),
        ("about", Left, Cut),
        ("", Left, Cut),
    ]);
    for pair in &score.pairs {
        pairs.row([
            pair.alarm.date.to_string().into(),
            pair.event.date.to_string().into(),
            format!("{:+} d", pair.lead_days).into(),
            pair.alarm.subject.as_deref().unwrap_or(UNKNOWN).into(),
            pair.event.title.as_str().into(),
        ]);
    }
    page.heading("Matched", &counted(score.pairs.len(), "pair", "pairs"));
    page.table(&pairs);
    let mut missed = Table::new(&[("event", Left, Keep), ("domain", Left, Keep), ("", Left, Cut)]);
    for event in &score.missed {
        missed.row([
            event.date.to_string().into(),
            event.domain.as_str().into(),
            event.title.as_str().into(),
        ]);
    }
    page.heading("Missed", &counted(score.missed.len(), "event", "events"));
    page.table(&missed);
    let mut alarms = Table::new(&[("alarm", Left, Keep), ("about", Left, Cut)]);
    for alarm in &score.false_alarms {
        alarms.row([alarm.date.to_string().into(), alarm.subject.as_deref().unwrap_or(UNKNOWN).into()]);
    }
    page.heading("False alarms", &counted(score.false_alarms.len(), "firing", "firings"));
    page.table(&alarms);
}

fn matching(report: &Report) -> String {
    let fell: usize = report.rules.iter().map(|s| s.by_the_event_itself).sum();
    let own = match fell {
        0 => String::new(),
        n => format!(
            " {} near an event needed the facts that are that event and do not count.",
            counted(n, "firing", "firings")
        ),
    };
    format!(
        "A match: equal domain and direction, the alarm from {BEFORE} days before to {AFTER} days after the event, one to \
         one. An alarm must come without the facts that are the event itself.{own} Lead: event minus alarm, positive \
         is early. Recall: of the events that the rule speaks of."
    )
}

fn chance(report: &Report) -> String {
    let tried = report.rules.iter().filter(|s| s.null_p.is_some()).count();
    let rare = report.rules.iter().filter(|s| s.null_p.is_some_and(|p| p < RARE)).count();
    let silent = report.rules.len() - tried;
    let never = if silent == 0 {
        String::new()
    } else {
        format!(" {} never fired.", counted(silent, "rule", "rules"))
    };
    format!(
        "By chance: mean precision of {PLACEMENTS} placements of as many firings on random days; p: the share of them that \
         match as many or more. {} fired: by chance alone about {:.1} of them would have p under .05; {rare} did.{never}",
        counted(tried, "rule", "rules"),
        RARE * tried as f64,
    )
}

fn in_sample(bundled: bool) -> &'static str {
    if bundled {
        "In-sample: the bundled facts were compiled, and the rules set, by somebody who knew these events. Expect less \
         of them in times to come."
    } else {
        "If facts were gathered or rules set with these events in mind, the figures are in-sample: expect less of them in \
         times to come."
    }
}

fn share(value: Option<f64>) -> String {
    value.map_or(UNKNOWN.to_owned(), |v| format!("{:.0}%", v * 100.0))
}

fn small(value: Option<f64>) -> String {
    value.map_or(UNKNOWN.to_owned(), |v| format!("{v:.3}"))
}

fn number(value: Option<f64>) -> String {
    value.map_or(UNKNOWN.to_owned(), |v| format!("{v:.2}"))
}
