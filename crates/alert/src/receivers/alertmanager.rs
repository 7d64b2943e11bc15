//! Prometheus Alertmanager, API v2 (prometheus.io/docs/alerting/latest/alerts_api).
//!
//! Clients are to send again what still fires, and an alert without `endsAt` ends `resolve_timeout` (five minutes) after
//! it was last received. Here both are done: `endsAt` lies `hold` ahead (a day), since a pause of this program must not end an
//! alert (missing data never resolves), and what fires is sent again every `refresh` (two minutes), since Alertmanager keeps
//! alerts in memory only and forgets them when it restarts. A resolved alert is sent with the moment of its end.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;

use super::http::Client;
use super::text::{line, number, reason};
use super::{Answer, Receiver, Sending};
use crate::{Entry, Notification, Status};

/// For how long a test message stays in force.
const TEST: Duration = Duration::from_secs(60);

/// An Alertmanager.
#[derive(Debug)]
pub(super) struct Alertmanager {
    pub(super) http: Client,
    pub(super) refresh: Duration,
    pub(super) hold: Duration,
    pub(super) link: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<&'static str, String>,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL", skip_serializing_if = "Option::is_none")]
    generator_url: Option<String>,
}

impl Receiver for Alertmanager {
    fn send<'a>(&'a self, notification: &'a Notification, now: DateTime<Utc>) -> Sending<'a> {
        let hold = if notification.test { TEST } else { self.hold };
        Box::pin(self.post(&notification.alerts, now, hold))
    }

    fn refresh(&self) -> Option<Duration> {
        Some(self.refresh)
    }

    fn remind<'a>(&'a self, firing: &'a [Entry], now: DateTime<Utc>) -> Sending<'a> {
        Box::pin(self.post(firing, now, self.hold))
    }
}

impl Alertmanager {
    async fn post(&self, entries: &[Entry], now: DateTime<Utc>, hold: Duration) -> Answer {
        let posted: Vec<Posted> = entries.iter().map(|entry| self.posted(entry, now, hold)).collect();
        match serde_json::to_vec(&posted) {
            Ok(body) => self.http.post("/api/v2/alerts", &[], body, now).await,
            Err(_) => Answer::Refused("the notification does not serialise".into()),
        }
    }

    fn posted(&self, entry: &Entry, now: DateTime<Utc>, hold: Duration) -> Posted {
        let event = &entry.event;
        // What identifies it there, so nothing that may differ between firing and resolved.
        let mut labels: BTreeMap<String, String> =
            event.labels.iter().map(|(name, value)| (label(name), value.clone())).collect();
        labels.insert("alertname".into(), event.rule.clone());
        labels.insert("alert".into(), event.alert.clone());
        labels.retain(|_, value| !value.is_empty());
        let mut annotations = BTreeMap::from([("summary", line(&event.summary, 2000))]);
        if !event.runbook.is_empty() {
            annotations.insert("runbook", line(&event.runbook, 2000));
        }
        if !event.numbers.is_empty() {
            let read = event.numbers.iter().map(|n| format!("{} = {}", n.name, number(&n.value)));
            annotations.insert("numbers", read.collect::<Vec<_>>().join("; "));
        }
        if let Some(reason) = reason(entry) {
            annotations.insert("reason", line(reason, 500));
        }
        let ends_at = match entry.status {
            Status::Firing => {
                let hold = TimeDelta::from_std(hold).unwrap_or(TimeDelta::days(1));
                let at = now.checked_add_signed(hold).unwrap_or(now);
                at.to_rfc3339_opts(SecondsFormat::Millis, true)
            }
            Status::Resolved => instant(&event.at),
        };
        let generator_url = self.link.as_ref().map(|link| linked(link, &event.alert));
        Posted { labels, annotations, starts_at: instant(&event.since), ends_at, generator_url }
    }
}

/// A moment as the API wants it: a date is its midnight.
fn instant(text: &str) -> String {
    match bellwether_model::parse_moment(text) {
        Ok(at) => at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        Err(_) => text.to_owned(),
    }
}

/// A label name that Alertmanager takes: letters, digits and underscores, no digit first.
fn label(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = name.chars().map(plain).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// The address of an alert for people.
pub(super) fn linked(link: &str, alert: &str) -> String {
    let mut escaped = String::new();
    for byte in alert.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    link.replace("{alert}", &escaped)
}
