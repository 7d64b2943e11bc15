//! The outbox and the receivers, from the log on.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a helper of tests stops where it fails, as a test does"
)]

mod alertmanager;
mod dispatch;
mod file;
mod fold;
mod http;
mod mail;
mod property;
mod read;
mod sender;
mod signed;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use bellwether_alert::outbox::{Delivery, InForce, Outbox, Outcome};
use bellwether_alert::receivers::{Output, Receiver, ReceiverSpec, parse};
use bellwether_alert::{AlertEvent, Happening, Severity};
use bellwether_model::{System, format_moment};
use bellwether_store::{Append, EventLog, FixedClock, Memory};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// A moment on the first of January 2026, in minutes.
fn minute(n: i64) -> DateTime<Utc> {
    "2026-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(n)
}

fn firing() -> Happening {
    Happening::Firing
}

fn resolved() -> Happening {
    Happening::Resolved { reason: "recovered".into() }
}

/// A step of the alert `alert.RULE.SUBJECT`, named `RULE.SUBJECT`, in the group of its rule.
fn step(name: &str, happening: Happening, at: DateTime<Utc>) -> AlertEvent {
    let (rule, subject) = name.split_once('.').unwrap_or((name, "it"));
    AlertEvent {
        alert: format!("alert.{name}"),
        at: format_moment(at),
        happening,
        since: format_moment(minute(0)),
        rule: rule.into(),
        version: "v1".into(),
        subject: Some(subject.into()),
        domain: Some("economic".into()),
        shift: None,
        severity: Severity::Warning,
        labels: [("rule", rule), ("subject", subject), ("severity", "warning"), ("domain", "economic")]
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
        group: vec![format!("rule={rule}")],
        summary: format!("{name} is at -0.31, below -0.25"),
        runbook: "read the figures".into(),
        numbers: vec![bellwether_alert::Number { name: "row.value".into(), value: (-0.31).into() }],
        margin: Some(0.06),
        coverage: Some(0.9),
        evidence: vec![1, 2],
        muted_by: Vec::new(),
    }
}

/// A log in memory, on a clock that stands.
struct World {
    clock: Arc<FixedClock>,
    log: Arc<Memory>,
}

impl World {
    /// With these receivers in force, of kind `stdout` and told of everything.
    fn new(receivers: &[&str]) -> Self {
        let clock = Arc::new(FixedClock::new(minute(0)));
        let world = Self { log: Arc::new(Memory::new(Arc::clone(&clock) as Arc<_>)), clock };
        world.in_force(receivers);
        world
    }

    fn in_force(&self, receivers: &[&str]) {
        let text: String = receivers
            .iter()
            .map(|name| format!("[[receiver]]\nname = \"{name}\"\nkind = \"stdout\"\n"))
            .collect();
        self.append(InForce::of(&specs(&text)).record());
    }

    fn append(&self, record: System) {
        self.log.append(Append::systems(vec![record])).unwrap();
    }

    /// Logs steps of one moment, which the clock is set to.
    fn steps(&self, at: DateTime<Utc>, steps: &[(&str, Happening)]) {
        self.clock.set(at);
        for (name, happening) in steps {
            self.event(&step(name, happening.clone(), at));
        }
    }

    fn event(&self, event: &AlertEvent) {
        let data = serde_json::to_value(event).unwrap();
        self.append(System { system: "alert".into(), name: event.alert.clone(), data });
    }

    fn settle(&self, receiver: &str, id: Uuid, outcome: Outcome) {
        let answer = "as the test says".to_owned();
        self.append(Delivery { id, receiver: receiver.into(), outcome, answer, attempts: 1 }.record());
    }

    fn outbox(&self) -> Outbox {
        Outbox::of(&*self.log).unwrap()
    }

    /// What waits, `receiver: STATUS alert alert | …`.
    fn waiting(&self) -> Vec<String> {
        self.outbox().waiting().map(|letter| shown(&letter.notification)).collect()
    }

    fn dead(&self) -> Vec<String> {
        self.outbox().dead().map(|letter| shown(&letter.notification)).collect()
    }

    /// Id of the n-th notification that waits.
    fn id(&self, n: usize) -> Uuid {
        self.outbox().waiting().nth(n).unwrap().notification.id
    }
}

fn shown(notification: &bellwether_alert::Notification) -> String {
    let alerts: Vec<String> = notification
        .alerts
        .iter()
        .map(|entry| format!("{} {}", entry.status.word(), entry.event.alert.trim_start_matches("alert.")))
        .collect();
    format!("{}: {}", notification.receiver, alerts.join(", "))
}

fn specs(text: &str) -> Vec<ReceiverSpec> {
    parse("receivers.toml", text).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The one receiver that a text states, writing into `folder`.
fn receiver(text: &str, folder: &std::path::Path) -> (ReceiverSpec, Arc<dyn Receiver>) {
    let spec = specs(text).remove(0);
    let output: Output = Arc::new(std::sync::Mutex::new(Vec::new()));
    let receiver = spec.receiver(folder, &output).unwrap();
    (spec, receiver)
}

/// A port of this machine that was free a moment ago.
fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
