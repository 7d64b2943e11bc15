//! Incoming webhooks of Slack, and of what understands its messages (Mattermost, Rocket.Chat, Discord's `/slack`).
//!
//! docs.slack.dev/messaging/formatting-message-text: `&`, `<` and `>` are the characters of mentions, channels and links and
//! are escaped; a zero-width space behind `*`, `_`, `~` and the backtick keeps them from formatting.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::alertmanager::linked;
use super::http::Client;
use super::text::{line, reason, shown};
use super::{Answer, Receiver, Sending};
use crate::Notification;

/// Most characters of a block's text that Slack takes.
const BLOCK: usize = 3000;
/// Most characters of one part of a block before it is escaped.
const PART: usize = 500;
/// Most characters of the line that a phone shows.
const HEAD: usize = 300;

/// A chat.
#[derive(Debug)]
pub(super) struct Slack {
    pub(super) http: Client,
    pub(super) link: Option<String>,
}

impl Receiver for Slack {
    fn send<'a>(&'a self, notification: &'a Notification, now: DateTime<Utc>) -> Sending<'a> {
        Box::pin(async move {
            let body = message(notification, self.link.as_deref());
            match serde_json::to_vec(&body) {
                Ok(body) => self.http.post("", &[], body, now).await,
                Err(_) => Answer::Refused("the notification does not serialise".into()),
            }
        })
    }
}

/// The message: a line for where no blocks are shown, and a block an alert.
fn message(notification: &Notification, link: Option<&str>) -> serde_json::Value {
    let (alerts, left) = shown(notification);
    let section =
        |text: String| json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}});
    let mut blocks = vec![section(format!("*{}*", plain(&notification.title(), HEAD)))];
    for entry in alerts {
        let event = &entry.event;
        let mut parts = vec![format!(
            "{} `{}` since {}",
            entry.status.word().to_uppercase(),
            plain(&event.alert, 150),
            plain(&event.since, 40)
        )];
        if notification.alerts.len() > 1 {
            parts.push(plain(&event.summary, PART));
        }
        parts.extend(reason(entry).map(|reason| format!("over: {}", plain(reason, PART))));
        if !event.runbook.is_empty() {
            parts.push(format!("what to do: {}", plain(&event.runbook, PART)));
        }
        if let Some(link) = link {
            parts.push(format!("<{}|why>", escape(&linked(link, &event.alert))));
        }
        blocks.push(section(cut(parts)));
    }
    if left > 0 {
        blocks.push(section(format!("and {left} more")));
    }
    blocks.push(json!({"type": "context", "elements": [{"type": "plain_text", "text": format!("notification {}", notification.id)}]}));
    json!({"text": plain(&notification.title(), HEAD), "blocks": blocks, "unfurl_links": false, "unfurl_media": false})
}

/// Lines up to the limit of a block; a line that is too much is left out, so that no escape is cut in two.
fn cut(parts: Vec<String>) -> String {
    let mut text = String::new();
    for part in parts {
        if text.chars().count() + part.chars().count() + 1 > BLOCK {
            break;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&part);
    }
    text
}

/// Text of which nothing is formatting, a mention or a link.
fn plain(text: &str, most: usize) -> String {
    let mut out = String::new();
    for c in escape(&line(text, most)).chars() {
        out.push(c);
        if matches!(c, '*' | '_' | '~' | '`') {
            out.push('\u{200b}');
        }
    }
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_mentions_links_or_formats() {
        assert_eq!(
            plain("<!channel> & <@U1> <http://x|y>", 300),
            "&lt;!channel&gt; &amp; &lt;@U1&gt; &lt;http://x|y&gt;"
        );
        assert_eq!(plain("*b*\n`c`", 300), "*\u{200b}b*\u{200b} `\u{200b}c`\u{200b}");
        assert_eq!(plain(&"x".repeat(1000), 10), "xxxxxxxxx…");
    }

    #[test]
    fn a_message_keeps_the_limits_of_its_blocks() {
        let mut many = Notification::trial("chat", "2026-01-01T00:00:00Z".parse().unwrap());
        many.alerts[0].event.summary = "<&>*".repeat(1000);
        many.alerts[0].event.runbook = "&".repeat(1000);
        many.alerts = vec![many.alerts[0].clone(); 500];
        let message = message(&many, Some("https://host/why/{alert}"));
        let blocks = message["blocks"].as_array().unwrap();
        assert!(blocks.len() <= 50, "{}", blocks.len());
        for block in blocks {
            assert!(block["text"]["text"].as_str().is_none_or(|text| text.chars().count() <= BLOCK));
        }
        assert!(blocks.iter().any(|b| b["text"]["text"] == "and 480 more"), "{message}");
    }
}
