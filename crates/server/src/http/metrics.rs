//! `/metrics`: the text format of Prometheus.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use bellwether_alert::{Severity, Standing};
use bellwether_store::EventLog;
use chrono::{DateTime, Utc};

use super::{Web, word};
use crate::health::FeedState;

pub(super) async fn metrics(State(web): State<Web>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text(&web))
}

/// Writes families: the help and type once, then the samples.
#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) -> Family<'_> {
        // Writing into a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Family { page: &mut self.0, name: name.to_owned() }
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.family(name, kind, help).sample(&[], value);
    }
}

struct Family<'p> {
    page: &'p mut String,
    name: String,
}

impl Family<'_> {
    fn sample(&mut self, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.page.push_str(&self.name);
        for (i, (label, text)) in labels.iter().enumerate() {
            let text = text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
            let _ = write!(self.page, "{}{label}=\"{text}\"", if i == 0 { '{' } else { ',' });
        }
        let _ = writeln!(self.page, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

fn seconds(at: DateTime<Utc>) -> f64 {
    at.timestamp_micros() as f64 / 1e6
}

fn text(web: &Web) -> String {
    let mut page = Page::default();
    let life = web.life.borrow().clone();
    let feeds = web.reads.feeds();
    let mut build = page.family("bellwether_build_info", "gauge", "What is running; always 1.");
    build.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    page.one("bellwether_log_head", "gauge", "Highest durable sequence of the log.", web.log.head());
    page.one(
        "bellwether_appends_total",
        "counter",
        "Appends acknowledged since the start.",
        web.log.appends(),
    );
    page.one(
        "bellwether_log_failed",
        "gauge",
        "1 once the log takes nothing more and the daemon must be restarted.",
        u8::from(life.failed.is_some()),
    );
    page.one(
        "bellwether_config_last_reload_successful",
        "gauge",
        "1 when the newest configuration is in force, 0 when it has faults and the one before it is.",
        u8::from(life.config_problems.is_empty()),
    );
    page.one(
        "bellwether_config_last_reload_success_timestamp_seconds",
        "gauge",
        "When a configuration last took effect.",
        seconds(life.configured_at),
    );
    per_feed(&mut page, &feeds);
    alerts(&mut page, web);
    process(&mut page, life.started);
    page.0
}

fn alerts(page: &mut Page, web: &Web) {
    let look = |desk: &bellwether_alert::Desk| {
        let open = desk.alerts(bellwether_alert::AlertQuery::default(), web.reads.now());
        (open, desk.follower().counts())
    };
    // While the rules are asked, there is nothing to glance at.
    if let Some((open, counts)) = web.reads.alerts.glance(look) {
        let mut family = page.family("bellwether_alerts", "gauge", "Open alerts.");
        for (state, standing) in [("pending", Standing::Pending), ("firing", Standing::Firing)] {
            for (severity, of) in
                [("info", Severity::Info), ("warning", Severity::Warning), ("critical", Severity::Critical)]
            {
                let n = open.iter().filter(|a| a.state == standing && a.severity == of).count();
                family.sample(&[("state", state), ("severity", severity)], n);
            }
        }
        page.one(
            "bellwether_rule_evaluations_total",
            "counter",
            "Rules asked since the start, once for each row.",
            counts.evaluated,
        );
        page.one(
            "bellwether_rule_failures_total",
            "counter",
            "Evaluations that failed otherwise than by something unknown.",
            counts.failed,
        );
    }
    let health = web.reads.alerts.health.borrow().clone();
    type Field = fn(&bellwether_alert::outbox::Health) -> u64;
    let families: [(&str, &str, &str, Field); 5] = [
        ("bellwether_notifications_queued", "gauge", "Notifications that wait.", |h| h.queued),
        ("bellwether_notifications_sent_total", "counter", "Notifications delivered, by the log.", |h| {
            h.sent
        }),
        ("bellwether_notification_failures_total", "counter", "Failed attempts since the start.", |h| {
            h.failed
        }),
        ("bellwether_notifications_dead", "gauge", "Notifications given up.", |h| h.dead),
        ("bellwether_notifications_oldest_seconds", "gauge", "Age of the oldest that waits.", |h| {
            h.oldest_seconds.unwrap_or_default()
        }),
    ];
    for (name, kind, help, of) in families {
        let mut family = page.family(name, kind, help);
        health.iter().for_each(|h| family.sample(&[("receiver", &h.receiver)], of(h)));
    }
}

fn per_feed(page: &mut Page, feeds: &[crate::FeedHealth]) {
    let mut records = page.family(
        "bellwether_feed_records_total",
        "counter",
        "Records read since the start, by what became of them.",
    );
    for f in feeds {
        for (outcome, n) in [
            ("mapped", f.records.mapped),
            ("skipped", f.records.skipped),
            ("quarantined", f.records.quarantined),
        ] {
            records.sample(&[("feed", &f.feed), ("outcome", outcome)], n);
        }
    }
    let mut facts = page.family(
        "bellwether_feed_facts_total",
        "counter",
        "Facts mapped since the start, by what became of them.",
    );
    for f in feeds {
        for (outcome, n) in [("stored", f.facts.stored), ("duplicate", f.facts.duplicate)] {
            facts.sample(&[("feed", &f.feed), ("outcome", outcome)], n);
        }
    }
    let mut polls = page.family(
        "bellwether_feed_polls_total",
        "counter",
        "How often the source was asked since the start.",
    );
    feeds.iter().for_each(|f| polls.sample(&[("feed", &f.feed)], f.polls));
    let mut failures =
        page.family("bellwether_feed_failures_total", "counter", "How many turns failed since the start.");
    feeds.iter().for_each(|f| failures.sample(&[("feed", &f.feed)], f.failures));
    let mut panics = page.family(
        "bellwether_feed_panics_total",
        "counter",
        "How many failures were caught faults of this program.",
    );
    feeds.iter().for_each(|f| panics.sample(&[("feed", &f.feed)], f.panics));
    let mut passed = page.family(
        "bellwether_feed_passed_over_total",
        "counter",
        "How often the connector gave something up or passed over it and went on, since the start.",
    );
    feeds.iter().for_each(|f| passed.sample(&[("feed", &f.feed)], f.passed_over));
    let mut degraded = page.family(
        "bellwether_feed_degraded",
        "gauge",
        "1 while the source's last answer cannot be trusted.",
    );
    feeds
        .iter()
        .for_each(|f| degraded.sample(&[("feed", &f.feed)], u8::from(f.state == FeedState::Degraded)));
    let mut states = page.family("bellwether_feed_state", "gauge", "1 for the state that the feed is in.");
    feeds.iter().for_each(|f| states.sample(&[("feed", &f.feed), ("state", word(f.state))], 1));
    for (name, help, of) in [
        (
            "bellwether_feed_last_success_timestamp_seconds",
            "Last sound answer; absent before the first.",
            (|f| f.last_success) as fn(&crate::FeedHealth) -> Option<DateTime<Utc>>,
        ),
        ("bellwether_feed_last_new_timestamp_seconds", "Last new fact; absent before the first.", |f| {
            f.last_new
        }),
        ("bellwether_feed_next_due_timestamp_seconds", "When the source is asked next.", |f| f.next_due),
    ] {
        let mut family = page.family(name, "gauge", help);
        for f in feeds {
            if let Some(at) = of(f) {
                family.sample(&[("feed", &f.feed)], seconds(at));
            }
        }
    }
}

/// What every process tells, where the system tells it.
fn process(page: &mut Page, started: DateTime<Utc>) {
    page.one("process_start_time_seconds", "gauge", "When the process started.", seconds(started));
    let read = |name: &str| std::fs::read_to_string(format!("/proc/self/{name}")).ok();
    let status = read("status").unwrap_or_default();
    let kilobytes = |field: &str| -> Option<u64> {
        let rest = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
        rest.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
    };
    for (name, help, field) in [
        ("process_resident_memory_bytes", "Memory in use.", "VmRSS"),
        ("process_virtual_memory_bytes", "Memory mapped.", "VmSize"),
    ] {
        if let Some(bytes) = kilobytes(field) {
            page.one(name, "gauge", help, bytes);
        }
    }
    // The name of the process stands in brackets and may hold anything: fields count from behind it.
    let stat = read("stat").unwrap_or_default();
    let ticks: Option<u64> = stat.rsplit_once(") ").and_then(|(_, fields)| {
        let field = |n: usize| fields.split(' ').nth(n)?.parse::<u64>().ok();
        field(11)?.checked_add(field(12)?)
    });
    if let Some(ticks) = ticks {
        // Linux counts in hundredths of a second towards programs, whatever it counts in itself.
        page.one("process_cpu_seconds_total", "counter", "Processor time spent.", ticks as f64 / 100.0);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        page.one("process_open_fds", "gauge", "Open files.", open.count());
    }
}
