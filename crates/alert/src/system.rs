//! What people and the daemon say about alerts: payloads of the log's system records.

use std::collections::BTreeMap;

use bellwether_model::{Body, Problem, Problems, Record, System};
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::rule::{Matchers, RuleSet};
use crate::{AlertEvent, time};

/// A payload of a system record of its own kind.
pub trait Payload: Serialize + DeserializeOwned {
    /// Kind of the record: `alert`, `rules`, `ack`, `silence`, `maintenance`.
    const KIND: &'static str;

    /// Whom it concerns: the record's `name`.
    fn name(&self) -> String;

    /// As the log keeps it.
    fn record(&self) -> System {
        // Strings, numbers and ordered maps always serialise.
        let data = serde_json::to_value(self).unwrap_or_default();
        System { system: Self::KIND.to_owned(), name: self.name(), data }
    }

    /// Reads a record of the kind; `None` for any other, and for one that a newer program wrote otherwise.
    fn of(record: &Record) -> Option<Self> {
        match &record.body {
            Body::System(system) if system.system == Self::KIND => Self::deserialize(&system.data).ok(),
            _ => None,
        }
    }
}

impl Payload for AlertEvent {
    const KIND: &'static str = "alert";

    fn name(&self) -> String {
        self.alert.clone()
    }
}

/// Somebody has taken note of an alert. It holds until the alert is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Fingerprint.
    pub alert: String,
    /// Who.
    pub who: String,
    /// What of it.
    pub note: String,
}

impl Ack {
    /// An acknowledgement.
    ///
    /// # Errors
    /// Nobody's name.
    pub fn new(
        alert: impl Into<String>,
        who: impl Into<String>,
        note: impl Into<String>,
    ) -> Result<Self, Problem> {
        Ok(Self { alert: alert.into(), who: named(who.into())?, note: note.into() })
    }
}

impl Payload for Ack {
    const KIND: &'static str = "ack";

    fn name(&self) -> String {
        self.alert.clone()
    }
}

fn named(who: String) -> Result<String, Problem> {
    if who.trim().is_empty() {
        return Err(Problem::new("nobody's name", "say who: --operator NAME, over HTTP who").field("who"));
    }
    Ok(who)
}

/// Alerts that match are not sent from one moment to another. A later record of the same id takes its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Short name.
    pub id: String,
    /// Which alerts.
    pub matchers: Matchers,
    /// First moment, RFC 3339.
    pub from: String,
    /// First moment after, RFC 3339.
    pub until: String,
    /// Who.
    pub who: String,
    /// Why.
    pub note: String,
}

impl Silence {
    /// A silence; its id follows from its content.
    ///
    /// # Errors
    /// An end at or before the beginning, no matcher, nobody's name.
    pub fn new(
        matchers: Matchers,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        who: impl Into<String>,
        note: impl Into<String>,
    ) -> Result<Self, Problem> {
        let matchers = matchers.checked()?;
        if until <= from {
            return Err(
                Problem::new("it ends before it begins", "give an end after its beginning").field("until")
            );
        }
        let mut silence = Self {
            id: String::new(),
            matchers,
            from: time::text(from),
            until: time::text(until),
            who: named(who.into())?,
            note: note.into(),
        };
        // Strings and ordered maps always serialise.
        let content = serde_json::to_vec(&silence).unwrap_or_default();
        silence.id = blake3::hash(&content).to_hex().chars().take(12).collect();
        Ok(silence)
    }

    /// The same ended at a moment.
    ///
    /// # Errors
    /// It is over by then.
    pub fn ended(&self, at: DateTime<Utc>, who: impl Into<String>) -> Result<Self, Problem> {
        if !self.active(at) && time::parse(&self.from).is_none_or(|from| from <= at) {
            return Err(Problem::new("it is over already", "nothing is left to do").text(&self.id));
        }
        Ok(Self { until: time::text(at), who: named(who.into())?, ..self.clone() })
    }

    /// Whether it holds at a moment.
    pub fn active(&self, at: DateTime<Utc>) -> bool {
        let from = time::parse(&self.from).is_some_and(|from| from <= at);
        from && time::parse(&self.until).is_some_and(|until| at < until)
    }
}

impl Payload for Silence {
    const KIND: &'static str = "silence";

    fn name(&self) -> String {
        self.id.clone()
    }
}

/// A silence announced for work on the sources or on this installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Maintenance(pub Silence);

impl Payload for Maintenance {
    const KIND: &'static str = "maintenance";

    fn name(&self) -> String {
        self.0.id.clone()
    }
}

/// The rules that hold from here on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesInForce {
    /// 16 hexadecimal digits over what the rules do.
    pub hash: String,
    /// Framework that they are asked about: hash of its meaning.
    pub framework: String,
    /// Version of each rule.
    pub versions: BTreeMap<String, String>,
    /// Files with their text.
    pub files: Vec<RuleText>,
}

/// A file of rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleText {
    /// Name.
    pub file: String,
    /// Text.
    pub text: String,
}

/// Name of a file in the configuration, wherever that lies: the log does not tell folders of a machine, and the same rules
/// elsewhere are the same rules.
fn place(file: &str) -> String {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    format!("rules/{name}")
}

impl RulesInForce {
    /// The record for a rule set and the hash of a framework.
    pub fn new(rules: &RuleSet, framework: impl Into<String>) -> Self {
        let files = rules.files().iter();
        Self {
            hash: rules.hash().to_owned(),
            framework: framework.into(),
            versions: rules.rules().iter().map(|r| (r.id.clone(), r.version.clone())).collect(),
            files: files.map(|f| RuleText { file: place(&f.file), text: f.text.clone() }).collect(),
        }
    }

    /// Whether they are this set, word for word.
    pub(crate) fn is_text_of(&self, rules: &RuleSet) -> bool {
        let files = rules.files();
        self.files.len() == files.len()
            && self.files.iter().zip(files).all(|(a, b)| a.file == place(&b.file) && a.text == b.text)
    }

    /// The rules as they were.
    ///
    /// # Errors
    /// They are no rules for this version of the program.
    pub fn parse(&self) -> Result<RuleSet, Problems> {
        RuleSet::parse(self.files.iter().map(|f| (f.file.as_str(), f.text.as_str())))
    }
}

impl Payload for RulesInForce {
    const KIND: &'static str = "rules";

    fn name(&self) -> String {
        self.hash.clone()
    }
}
