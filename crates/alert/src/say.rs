//! What people ask and say about alerts: lists, acknowledgements, silences, windows. Nothing here writes; what is to be
//! written is handed out as a record.

use std::collections::BTreeMap;

use bellwether_model::{Problem, System, parse_moment};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::rule::{Matchers, duration};
use crate::system::{Ack, Maintenance, Payload, Silence};
use crate::{AlertState, Desk, Severity, Standing};

/// Which open alerts are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertQuery {
    /// Only those that wait, or that fire.
    pub state: Option<Standing>,
    /// Only those of this severity or a higher one.
    pub severity: Option<Severity>,
}

/// What a silence or a maintenance window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QuietKind {
    /// Somebody silenced alerts.
    Silence,
    /// Work was announced.
    Maintenance,
}

/// A silence or a maintenance window in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietState {
    /// Which of the two.
    pub kind: QuietKind,
    /// It.
    #[serde(flatten)]
    pub silence: Silence,
    /// Whether it holds now.
    pub active: bool,
}

/// A silence or window as somebody asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quieting {
    /// Labels of the alerts that are not to be sent.
    pub matchers: BTreeMap<String, String>,
    /// First moment, RFC 3339 or a date; absent: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// First moment after; this or `for` must be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Length, `7d` or `12h`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub length: Option<String>,
    /// Who.
    pub who: String,
    /// Why.
    #[serde(default)]
    pub note: String,
    /// Whether it is a maintenance window.
    #[serde(default)]
    pub maintenance: bool,
}

/// What somebody says of an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledging {
    /// Who.
    pub who: String,
    /// What of it.
    #[serde(default)]
    pub note: String,
}

impl Quieting {
    /// The record of it, and how it will be listed.
    ///
    /// # Errors
    /// No matcher, nobody's name, no end or two, an end that is past, a time that is none.
    pub fn record(&self, now: DateTime<Utc>) -> Result<(System, QuietState), Problem> {
        let moment = |field: &str, text: &String| parse_moment(text).map_err(|p| p.field(field));
        let from = self.from.as_ref().map(|text| moment("from", text)).transpose()?.unwrap_or(now);
        let until = match (&self.until, &self.length) {
            (Some(text), None) => moment("until", text)?,
            (None, Some(text)) => from
                .checked_add_signed(duration::parse(text).map_err(|p| p.field("for"))?)
                .ok_or_else(|| Problem::new("it never ends", "give a shorter length").field("for"))?,
            _ => {
                let remedy = "say when it ends: `until` a moment, or `for` a length such as 7d, not both";
                return Err(Problem::new("no end", remedy).field("until"));
            }
        };
        if until <= now {
            return Err(Problem::new("it is over already", "give an end in the future").field("until"));
        }
        let matchers = Matchers(self.matchers.clone());
        let silence = Silence::new(matchers, from, until, &self.who, &self.note)?;
        let active = silence.active(now);
        Ok(if self.maintenance {
            let window = Maintenance(silence);
            (window.record(), QuietState { kind: QuietKind::Maintenance, silence: window.0, active })
        } else {
            (silence.record(), QuietState { kind: QuietKind::Silence, silence, active })
        })
    }
}

impl Acknowledging {
    /// The record by which somebody takes note of an open alert.
    ///
    /// # Errors
    /// Nobody's name.
    pub fn record(&self, alert: &AlertState) -> Result<System, Problem> {
        Ok(Ack::new(&alert.alert, &self.who, &self.note)?.record())
    }
}

impl QuietState {
    /// The record that ends it at a moment, and how it is listed then.
    ///
    /// # Errors
    /// It is over, or nobody's name.
    pub fn ended(&self, who: &str, now: DateTime<Utc>) -> Result<(System, Self), Problem> {
        let silence = self.silence.ended(now, who)?;
        let record = match self.kind {
            QuietKind::Silence => silence.record(),
            QuietKind::Maintenance => Maintenance(silence.clone()).record(),
        };
        Ok((record, Self { kind: self.kind, silence, active: false }))
    }
}

/// What is said of an alert that is not open.
pub fn no_alert(id: &str) -> Problem {
    Problem::new(format!("no open alert {id}"), "`bellwether alerts` lists them")
}

/// What is said of an alert that never was.
pub fn no_alert_ever(id: &str) -> Problem {
    Problem::new(
        format!("the log knows no {id}"),
        "`bellwether alerts` lists the open ones, `bellwether events --type alert` all",
    )
}

/// Whether an id is that of an alert.
pub fn is_alert(id: &str) -> bool {
    id.starts_with("alert.")
}

/// What is said of a silence that is not on record.
pub fn no_silence(id: &str) -> Problem {
    Problem::new(format!("no silence {id}"), "`bellwether silence list` lists them")
}

/// What is said of a notification that was not given up.
pub fn no_dead_letter(id: &str) -> Problem {
    Problem::new(format!("no dead letter {id}"), "`bellwether notify dead` lists them")
}

impl Desk {
    /// Open alerts, in order of their fingerprints.
    pub fn alerts(&self, query: AlertQuery, now: DateTime<Utc>) -> Vec<AlertState> {
        let mut all = self.follower().alerts(now);
        all.retain(|alert| {
            query.state.is_none_or(|state| alert.state == state)
                && query.severity.is_none_or(|least| alert.severity >= least)
        });
        all
    }

    /// The open alert of that fingerprint, which may be written without its `alert.`.
    pub fn alert(&self, id: &str, now: DateTime<Utc>) -> Option<AlertState> {
        let same = |alert: &AlertState| alert.alert == id || alert.alert.strip_prefix("alert.") == Some(id);
        self.follower().alerts(now).into_iter().find(same)
    }

    /// Silences and maintenance windows by id: those that hold or are to come, or also those over for up to 30 days.
    pub fn quiet(&self, now: DateTime<Utc>, all: bool) -> Vec<QuietState> {
        let machine = self.follower().machine();
        let state = |kind| {
            move |silence: &Silence| QuietState {
                kind,
                silence: silence.clone(),
                active: silence.active(now),
            }
        };
        let silences = machine.silences(now).map(state(QuietKind::Silence));
        let mut list: Vec<QuietState> =
            silences.chain(machine.maintenance(now).map(state(QuietKind::Maintenance))).collect();
        list.retain(|quiet| all || parse_moment(&quiet.silence.until).is_ok_and(|until| now < until));
        list
    }
}
