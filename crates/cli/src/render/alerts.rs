//! Alerts, silences and notifications.

use bellwether_alert::{AlertState, QuietKind, QuietState, Severity, Standing};

use super::figures::{UNKNOWN, counted};
use super::{Align, Cell, Fit, Look, Page, Style, Table};

use Align::Left;
use Fit::{Keep, Wrap};

/// The page of open alerts: what fires first, the most severe first.
pub(crate) fn alerts(all: &[AlertState], look: &Look) -> String {
    let mut page = Page::new(look);
    let firing = all.iter().filter(|a| a.state == Standing::Firing).count();
    let muted = all.iter().filter(|a| a.state == Standing::Firing && !a.muted_by.is_empty()).count();
    let mut counts = format!("{firing} firing");
    if muted > 0 {
        counts.push_str(&format!(", {muted} of them muted"));
    }
    let pending = all.len() - firing;
    if pending > 0 {
        counts.push_str(&format!(", {pending} pending"));
    }
    page.heading("Alerts", &counts);
    if !all.is_empty() {
        page.table(&alert_table(all));
    }
    page.finish()
}

fn alert_table(all: &[AlertState]) -> Table {
    let mut rows: Vec<&AlertState> = all.iter().collect();
    rows.sort_by_key(|a| {
        (a.state != Standing::Firing, !a.muted_by.is_empty(), std::cmp::Reverse(a.severity))
    });
    let mut table = Table::new(&[("", Left, Keep), ("since", Left, Keep), ("alert", Left, Keep)]);
    for alert in rows {
        let (word, style) = match (alert.state, alert.severity) {
            (Standing::Pending, _) => ("pending", Style::Dim),
            (_, Severity::Critical) => ("critical", Style::Bad),
            (_, Severity::Warning) => ("warning", Style::Warn),
            (_, Severity::Info) => ("info", Style::Plain),
        };
        let name = alert.alert.strip_prefix("alert.").unwrap_or(&alert.alert);
        let since = alert.since.get(..10).unwrap_or(&alert.since);
        table.row([Cell::new(word, style), since.into(), Cell::new(name, Style::Bold)]);
        table.note(&alert.summary, Style::Plain);
        if !alert.muted_by.is_empty() {
            table.note(format!("muted by {}", alert.muted_by.join(", ")), Style::Dim);
        }
        if let Some(ack) = &alert.ack {
            let note = if ack.note.is_empty() { UNKNOWN } else { &ack.note };
            table.note(format!("{} took note: {note}", ack.who), Style::Dim);
        }
    }
    table
}

/// The page of silences and windows.
pub(crate) fn silences(all: &[QuietState], look: &Look) -> String {
    let mut page = Page::new(look);
    let active = all.iter().filter(|s| s.active).count();
    page.heading("Silences", &format!("{} now", counted(active, "holds", "hold")));
    if !all.is_empty() {
        let mut table = Table::new(&[
            ("id", Left, Keep),
            ("", Left, Keep),
            ("until", Left, Keep),
            ("alerts", Left, Wrap),
            ("who", Left, Keep),
            ("why", Left, Wrap),
        ]);
        for quiet in all {
            let s = &quiet.silence;
            let pairs: Vec<String> = s.matchers.0.iter().map(|(n, v)| format!("{n}={v}")).collect();
            let word = match (quiet.active, quiet.kind) {
                (false, _) => Cell::new("not now", Style::Dim),
                (true, QuietKind::Silence) => "silence".into(),
                (true, QuietKind::Maintenance) => "maintenance".into(),
            };
            let until: String = s.until.chars().take(16).collect();
            table.row([
                s.id.as_str().into(),
                word,
                until.replace('T', " ").into(),
                pairs.join(" ").into(),
                s.who.as_str().into(),
                s.note.as_str().into(),
            ]);
        }
        page.table(&table);
    }
    page.finish()
}
