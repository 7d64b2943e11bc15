//! Why an alert: the rule as it was, what it read, the facts and who published them, what happened since.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{Fact, Record, View, family};
use bellwether_projection::Projector;
use serde::{Deserialize, Serialize};

use crate::event::{Number, ShiftRef};
use crate::expression::Engine;
use crate::expression::schema::Table;
use crate::machine::Acked;
use crate::rule::{Ready, Rule};
use crate::scope::Scope;
use crate::system::{Ack, Maintenance, Payload, RulesInForce, Silence};
use crate::{AlertEvent, Happening, time};

/// The rule behind an alert, as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleThen {
    /// Id.
    pub id: String,
    /// Version.
    pub version: String,
    /// Heading; empty when the log does not hold that version.
    pub title: String,
    /// Text as it stood in its file.
    pub text: String,
    /// File.
    pub file: String,
    /// Why this threshold.
    pub reason: String,
    /// What to do.
    pub runbook: String,
    /// Sequence of the record that put it in force.
    pub seq: Option<u64>,
}

/// A fact behind an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// Sequence in the log.
    pub seq: u64,
    /// Fact type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Key.
    pub key: String,
    /// Value as stated.
    pub value: Option<String>,
    /// Unit.
    pub unit: Option<String>,
    /// Admiralty grade.
    pub grade: String,
    /// Feed.
    pub source: String,
    /// Address, where the source states one.
    pub uri: Option<String>,
    /// Publisher: see [`family`].
    pub family: String,
}

/// Facts of one publisher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    /// Publisher.
    pub family: String,
    /// Facts of it.
    pub facts: usize,
}

/// A step of the alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Sequence of its record; `null` for a step that no daemon has written yet.
    pub seq: Option<u64>,
    /// The step.
    #[serde(flatten)]
    pub event: AlertEvent,
}

/// What the rule says of the moment of the firing by what is known now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latest {
    /// Whether `when` holds; `null` when it reads something that is not known, or the rule is not in the log.
    pub fires: Option<bool>,
    /// What it reads now.
    pub numbers: Vec<Number>,
    /// Distance past the threshold.
    pub margin: Option<f64>,
}

/// The explanation of an alert: its latest life, or the one that is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Why {
    /// Fingerprint.
    pub alert: String,
    /// `pending`, `firing`, `recovering`, `resolved` or `lapsed`: its last step.
    pub state: String,
    /// The rule's sentence at the moment explained.
    pub summary: String,
    /// Moment explained, RFC 3339: the firing, or the first step of an alert that never fired.
    pub at: String,
    /// Row that it is about.
    pub subject: Option<String>,
    /// Domain.
    pub domain: Option<String>,
    /// Shift, where the row is one.
    pub shift: Option<ShiftRef>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The rule as it was.
    pub rule: RuleThen,
    /// What it read.
    pub numbers: Vec<Number>,
    /// Distance past the threshold.
    pub margin: Option<f64>,
    /// Coverage of the domain.
    pub coverage: Option<f64>,
    /// Facts behind the numbers, in log order.
    pub facts: Vec<Witness>,
    /// Publishers, most facts first: two of them corroborate, two feeds of one do not.
    pub families: Vec<Family>,
    /// Steps of this life in order.
    pub events: Vec<Told>,
    /// Who has taken note of it.
    pub ack: Option<Acked>,
    /// Silences that concern it and were on record.
    pub silences: Vec<Silence>,
    /// Maintenance windows that concern it.
    pub maintenance: Vec<Silence>,
    /// By the latest vintages.
    pub latest: Latest,
}

/// Gathers what the log says of one alert: feed it every record in order, then ask.
#[derive(Debug)]
pub struct Inquiry {
    alert: String,
    life: Vec<Told>,
    over: bool,
    /// With their sequences, where the log has them.
    rules: Vec<(Option<u64>, RulesInForce)>,
    ack: Option<Acked>,
    silences: BTreeMap<String, Silence>,
    maintenance: BTreeMap<String, Silence>,
}

impl Inquiry {
    /// About the alert of that fingerprint.
    pub fn new(alert: &str) -> Self {
        Self {
            alert: alert.to_owned(),
            life: Vec::new(),
            over: false,
            rules: Vec::new(),
            ack: None,
            silences: BTreeMap::new(),
            maintenance: BTreeMap::new(),
        }
    }

    /// Takes what would be the next record had a daemon looked; it has no place in the log.
    pub fn imagine(&mut self, record: &Record) {
        self.take(record, None);
    }

    /// Takes the next record of the log.
    pub fn push(&mut self, record: &Record) {
        self.take(record, Some(record.seq));
    }

    fn take(&mut self, record: &Record, seq: Option<u64>) {
        if record.fact().is_some() {
            return;
        }
        if let Some(event) = AlertEvent::of(record).filter(|e| e.alert == self.alert) {
            // A lapse after an end is the last of that life.
            if self.over && event.happening != Happening::Lapsed {
                self.life.clear();
                self.ack = None;
            }
            self.over = matches!(event.happening, Happening::Resolved { .. } | Happening::Lapsed);
            self.life.push(Told { seq, event });
        } else if let Some(rules) = RulesInForce::of(record) {
            self.rules.push((seq, rules));
        } else if let Some(ack) = Ack::of(record).filter(|a| a.alert == self.alert) {
            self.ack = Some(Acked { who: ack.who, note: ack.note, at: time::text(record.recorded_at) });
        } else if let Some(silence) = Silence::of(record) {
            self.silences.insert(silence.id.clone(), silence);
        } else if let Some(Maintenance(window)) = Maintenance::of(record) {
            self.maintenance.insert(window.id.clone(), window);
        }
    }

    /// Sequences of the facts to look up; `None` when the log never said anything of the alert.
    pub fn evidence(&self) -> Option<&[u64]> {
        self.explained().map(|t| t.event.evidence.as_slice())
    }

    fn explained(&self) -> Option<&Told> {
        self.life.iter().find(|t| t.event.happening == Happening::Firing).or_else(|| self.life.first())
    }

    /// The explanation; `None` when the log never said anything of the alert.
    ///
    /// `facts` are the records of [`Inquiry::evidence`]; `projector` holds the whole log, and `now` is the known-by of the
    /// view that asks whether it would still fire.
    pub fn answer(self, facts: &[Record], projector: &Projector, now: &View) -> Option<Why> {
        let told = self.explained()?.clone();
        let event = told.event;
        let before = |seq: &Option<u64>| told.seq.is_none_or(|told| seq.is_some_and(|seq| seq < told));
        let then = self.rules.iter().rev().filter(|(seq, _)| before(seq));
        let then = then.map(|(seq, rules)| (*seq, rules)).find(|(_, rules)| {
            rules.versions.get(&event.rule).is_some_and(|version| *version == event.version)
        });
        let parsed = then.and_then(|(seq, rules)| rules.parse().ok().map(|set| (seq, set)));
        let found =
            parsed.as_ref().and_then(|(seq, set)| Some((*seq, set.ready(set.position(&event.rule)?)?)));
        let rule = RuleThen {
            id: event.rule.clone(),
            version: event.version.clone(),
            title: found.map(|(_, (r, _))| r.title.clone()).unwrap_or_default(),
            text: found.map(|(_, (r, _))| r.text.clone()).unwrap_or_default(),
            file: found.map(|(_, (r, _))| r.file.clone()).unwrap_or_default(),
            reason: found.map(|(_, (r, _))| r.reason.clone()).unwrap_or_default(),
            runbook: found.map(|(_, (r, _))| r.runbook.clone()).unwrap_or_default(),
            seq: found.and_then(|(seq, _)| seq),
        };
        let latest = found.map_or(Latest { fires: None, numbers: Vec::new(), margin: None }, |(_, found)| {
            latest(found, &event, projector, now)
        });
        let wanted: BTreeSet<u64> = event.evidence.iter().copied().collect();
        let facts: Vec<Witness> = facts
            .iter()
            .filter(|r| wanted.contains(&r.seq))
            .filter_map(|r| r.fact().map(|fact| witness(r.seq, fact)))
            .collect();
        let mut families: BTreeMap<&str, usize> = BTreeMap::new();
        facts.iter().for_each(|f| *families.entry(&f.family).or_default() += 1);
        let mut families: Vec<Family> =
            families.into_iter().map(|(family, facts)| Family { family: family.to_owned(), facts }).collect();
        families.sort_by(|a, b| b.facts.cmp(&a.facts).then_with(|| a.family.cmp(&b.family)));
        let concerning = |all: BTreeMap<String, Silence>| {
            all.into_values().filter(|s| s.matchers.matches(&event.labels)).collect()
        };
        let state = self.life.last().map(|t| match t.event.happening {
            Happening::Pending => "pending",
            Happening::Lapsed => "lapsed",
            Happening::Firing | Happening::Unmuted | Happening::Relapsed => "firing",
            Happening::Recovering => "recovering",
            Happening::Resolved { .. } => "resolved",
        });
        Some(Why {
            alert: self.alert,
            state: state.unwrap_or_default().to_owned(),
            summary: event.summary,
            at: event.at,
            subject: event.subject,
            domain: event.domain,
            shift: event.shift,
            rule,
            numbers: event.numbers,
            margin: event.margin,
            coverage: event.coverage,
            facts,
            families,
            events: self.life,
            ack: self.ack,
            silences: concerning(self.silences),
            maintenance: concerning(self.maintenance),
            labels: event.labels,
            latest,
        })
    }
}

fn witness(seq: u64, fact: &Fact) -> Witness {
    Witness {
        seq,
        kind: fact.kind.clone(),
        key: fact.key.clone(),
        value: fact.value.map(|v| v.to_string()),
        unit: fact.unit.clone(),
        grade: fact.grade.to_string(),
        source: fact.source.clone(),
        uri: fact.evidence.uri.clone(),
        family: family(fact),
    }
}

/// The rule as it was over the moment of the firing, seen with the knowledge of now.
fn latest((_, ready): (&Rule, &Ready), event: &AlertEvent, projector: &Projector, now: &View) -> Latest {
    let Some(at) = time::parse(&event.at) else {
        return Latest { fires: None, numbers: Vec::new(), margin: None };
    };
    let assessment = projector.assess(&View { as_of: at, ..*now });
    let scope = Scope::new(at, &assessment, projector.framework());
    let engine = Engine::default();
    let subject = event.subject.as_deref();
    let values: Vec<_> = ready.when.reads.iter().map(|r| scope.value(r, subject)).collect();
    let row = ready.table.zip(subject).map(|(table, id)| scope.row(table, id).is_some());
    // A shift that does not stand any more does not fire; any other row that is not shown is not known.
    let fires = match row {
        Some(false) if ready.table == Some(Table::Shifts) => Some(false),
        Some(false) => None,
        _ => engine.holds(&ready.when, &values).ok().flatten(),
    };
    let numbers = ready.numbers().into_iter().map(|r| Number {
        name: r.name.clone(),
        value: crate::scope::as_json(scope.value(r, subject).as_ref()),
    });
    Latest { fires, numbers: numbers.collect(), margin: engine.margin(&ready.when, &values) }
}
