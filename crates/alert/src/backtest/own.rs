//! Which facts of the log *are* a reference event: an alarm that needs them has found nothing.

use std::collections::BTreeSet;

use bellwether_model::framework::{Framework, Read};
use bellwether_model::{Fact, Precision, Record, View, base_key};
use chrono::{DateTime, Utc};

use super::claim::ReferenceEvent;

/// Facts stated under these keys are an event: everything said under them, whoever copied it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Own {
    /// Source and base key.
    keys: BTreeSet<(String, String)>,
    /// First moment at which one of them could be known.
    pub(super) known: Option<DateTime<Utc>>,
}

impl Own {
    /// Whether a record belongs to the event.
    pub(super) fn has(&self, record: &Record) -> bool {
        !self.keys.is_empty() && record.fact().is_some_and(|fact| self.keys.contains(&key(fact)))
    }
}

/// Collects, record by record, what belongs to each of some events.
pub(super) struct Collector<'e> {
    events: &'e [ReferenceEvent],
    /// Fact types that feed each event's domain.
    kinds: Vec<BTreeSet<&'e str>>,
    found: Vec<Own>,
}

impl<'e> Collector<'e> {
    pub(super) fn new(events: &'e [ReferenceEvent], framework: &'e Framework) -> Self {
        let kinds = events.iter().map(|e| feeding(framework, &e.domain)).collect();
        Self { events, kinds, found: vec![Own::default(); events.len()] }
    }

    /// Looks at a record.
    pub(super) fn look(&mut self, record: &Record) {
        let Some(fact) = record.fact() else { return };
        for ((event, kinds), own) in self.events.iter().zip(&self.kinds).zip(&mut self.found) {
            if is(fact, event, kinds) {
                own.keys.insert(key(fact));
            }
        }
    }

    /// Looks a second time, for when what belongs to an event was known by the clock of `view`.
    pub(super) fn date(&mut self, record: &Record, view: &View) {
        let Some(fact) = record.fact() else { return };
        let known = view.known_time(fact.known_from(record.recorded_at), record.recorded_at);
        for own in self.found.iter_mut().filter(|own| own.has(record)) {
            own.known = Some(own.known.map_or(known, |earlier| earlier.min(known)));
        }
    }

    /// What belongs to each event, in the order of the events.
    pub(super) fn finish(self) -> Vec<Own> {
        self.found
    }
}

/// A fact is the event when the same page tells of it, or when it happened or began on the day of the event, or the day
/// beside it, and is of a type that feeds the event's domain.
fn is(fact: &Fact, event: &ReferenceEvent, kinds: &BTreeSet<&str>) -> bool {
    let page = |url: &str| url.trim().trim_end_matches('/').to_owned();
    if !event.url.is_empty() && fact.evidence.uri.as_deref().is_some_and(|uri| page(uri) == page(&event.url))
    {
        return true;
    }
    let to_the_day = matches!(fact.valid.precision, Precision::Day | Precision::Instant);
    let off = (fact.valid.start.date_naive() - event.day).num_days();
    to_the_day && off.abs() <= 1 && kinds.contains(fact.kind.as_str())
}

fn key(fact: &Fact) -> (String, String) {
    (fact.source.clone(), base_key(&fact.key).to_owned())
}

fn feeding<'f>(framework: &'f Framework, domain: &str) -> BTreeSet<&'f str> {
    let mut kinds = BTreeSet::new();
    let mut add = |reads: &'f [Read]| kinds.extend(reads.iter().map(|r| r.kind.as_str()));
    for indicator in framework.indicators.iter().filter(|m| m.domain.as_deref() == Some(domain)) {
        add(&indicator.read);
        add(&indicator.over);
        for also in &indicator.also {
            add(&also.read);
            add(&also.over);
        }
    }
    kinds
}
