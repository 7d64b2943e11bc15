//! Notifications as text for people.

use std::fmt::Write;

use crate::{Entry, Happening, Notification};

/// One line of at most `most` characters without control or direction characters; what is cut off is marked.
pub(super) fn line(text: &str, most: usize) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let mut shown = String::new();
    for (n, c) in text.trim().chars().enumerate() {
        if n + 1 >= most {
            shown.push('…');
            break;
        }
        shown.push(if hidden(c) { ' ' } else { c });
    }
    shown
}

/// Most alerts that a message for people spells out.
const MOST: usize = 20;

/// The alerts to spell out, and how many are left over.
pub(super) fn shown(notification: &Notification) -> (&[Entry], usize) {
    let all = notification.alerts.as_slice();
    let (shown, rest) = all.split_at(all.len().min(MOST));
    (shown, rest.len())
}

/// Why an alert is over.
pub(super) fn reason(entry: &Entry) -> Option<&str> {
    match &entry.event.happening {
        Happening::Resolved { reason } => Some(reason),
        _ => None,
    }
}

/// A number as a reader wants it: short.
pub(super) fn number(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "not known".into(),
        serde_json::Value::String(text) => line(text, 200),
        other => line(&other.to_string(), 200),
    }
}

/// The whole message as plain text.
#[cfg_attr(not(feature = "smtp"), expect(dead_code, reason = "only mail is plain text"))]
pub(super) fn plain(notification: &Notification) -> String {
    let mut out = String::new();
    let (alerts, left) = shown(notification);
    for entry in alerts {
        let event = &entry.event;
        let severity = format!("{:?}", event.severity).to_lowercase();
        let _ = writeln!(out, "{}: {}", entry.status.word().to_uppercase(), line(&event.summary, 1000));
        let _ = writeln!(out, "  alert     {}", line(&event.alert, 200));
        let _ = writeln!(out, "  severity  {severity}");
        let _ = writeln!(out, "  since     {}", line(&event.since, 40));
        let _ = writeln!(out, "  at        {}", line(&event.at, 40));
        if let Some(reason) = reason(entry) {
            let _ = writeln!(out, "  over      {}", line(reason, 500));
        }
        for read in &event.numbers {
            let _ = writeln!(out, "  {} = {}", line(&read.name, 100), number(&read.value));
        }
        if !event.runbook.is_empty() {
            let _ = writeln!(out, "  what to do: {}", line(&event.runbook, 1000));
        }
        out.push('\n');
    }
    if left > 0 {
        let _ = writeln!(out, "and {left} more.\n");
    }
    let _ = writeln!(out, "Explained by: bellwether why ALERT");
    let _ = writeln!(out, "Notification {}", notification.id);
    out
}
