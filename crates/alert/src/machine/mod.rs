//! The machine: one step of all alerts from one assessment.
//!
//! Its state is a fold of what it said itself and of what people said (silences, acknowledgements, rules): [`Machine::restore`]
//! makes it again from the log's records.

mod claim;
mod index;
mod life;
mod list;
mod mute;
mod restore;
mod save;
mod step;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

pub(crate) use save::Saved;

pub use list::{Acked, AlertState, Standing};

use crate::AlertEvent;
use crate::expression::Engine;
use crate::rule::RuleSet;
use crate::time;
use index::Index;
use life::Phase;
use mute::{Muting, Quiet};

/// One alert that is not idle. Its last event says what it is about.
#[derive(Clone, Debug)]
struct Alert {
    phase: Phase,
    last: AlertEvent,
    /// Its firing, or that it is no longer muted, was free to be sent.
    told: bool,
    ack: Option<Acked>,
}

/// All alerts of a rule set.
#[derive(Debug)]
pub struct Machine {
    rules: RuleSet,
    index: Index,
    engine: Engine,
    alerts: BTreeMap<String, Alert>,
    quiet: Quiet,
    /// Something else than the assessment has changed: the next step looks at everything.
    dirty: bool,
    counts: Counts,
}

/// What the machine has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rules evaluated, once for each row.
    pub evaluated: u64,
    /// Evaluations that failed otherwise than by something unknown.
    pub failed: u64,
}

impl Machine {
    /// No alert yet.
    pub fn new(rules: &RuleSet) -> Self {
        Self {
            rules: rules.clone(),
            index: Index::new(rules),
            engine: Engine::default(),
            alerts: BTreeMap::new(),
            quiet: Quiet::default(),
            dirty: true,
            counts: Counts::default(),
        }
    }

    /// The rules in force.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// Puts other rules in force: open alerts stay open and follow the new ones from the next step on.
    pub fn set_rules(&mut self, rules: &RuleSet) {
        self.index = Index::new(rules);
        self.rules = rules.clone();
        self.dirty = true;
    }

    /// Evaluations so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether something else than the assessment has changed since the last step: rules, silences, windows.
    pub fn changed(&self) -> bool {
        self.dirty
    }

    /// Whether the next step would do nothing however the assessment changed.
    pub fn idle(&self) -> bool {
        self.rules.rules().is_empty() && self.alerts.is_empty()
    }

    /// The earliest moment after another, up to which all has been stepped, at which a step may say something although
    /// nothing becomes known. The step belongs at the first moment of the grid at or after it.
    pub fn next_deadline(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let soon = |at: &DateTime<Utc>| *at > after;
        let just_after = || after.checked_add_signed(chrono::TimeDelta::microseconds(1));
        let lives = self.alerts.values().filter_map(|a| {
            let rule = self.rules.rule(&a.last.rule)?;
            a.phase.deadline(rule).filter(soon)
        });
        let clocked = (!self.index.clocked.is_empty()).then(|| time::midnight_after(after));
        let untold = self.alerts.values().any(|a| a.phase.fires() && !a.told);
        let quiet = if untold { self.quiet.next_end(after) } else { None };
        let dirty = if self.dirty { just_after() } else { None };
        lives.chain(clocked).chain(quiet).chain(dirty).min()
    }

    /// What mutes at a moment.
    fn muting(&self, at: DateTime<Utc>) -> Muting<'_> {
        let inhibits = self.rules.inhibits();
        let firing = self.alerts.iter().filter(|(_, a)| a.phase.fires());
        let sources = firing
            .map(|(name, a)| (name.as_str(), &a.last.labels))
            .filter(|(_, labels)| inhibits.iter().any(|i| i.source.matches(labels)));
        Muting { quiet: &self.quiet, inhibits, sources: sources.collect(), at }
    }

    /// Open alerts in order of their fingerprints, as muted at a moment.
    pub fn alerts(&self, at: DateTime<Utc>) -> Vec<AlertState> {
        let muting = self.muting(at);
        let open = self.alerts.iter().filter_map(|(name, alert)| {
            let state = match alert.phase {
                Phase::Pending { .. } => Standing::Pending,
                Phase::Firing { .. } => Standing::Firing,
                Phase::Idle | Phase::Spent { .. } => return None,
            };
            let recovering = match alert.phase {
                Phase::Firing { recovering, .. } => recovering,
                _ => None,
            };
            let rule = self.rules.rule(&alert.last.rule);
            let e = &alert.last;
            Some(AlertState {
                alert: name.clone(),
                rule: e.rule.clone(),
                title: rule.map(|r| r.title.clone()).unwrap_or_default(),
                state,
                since: alert.phase.since().map(time::text).unwrap_or_default(),
                recovering_since: recovering.map(time::text),
                severity: e.severity,
                subject: e.subject.clone(),
                domain: e.domain.clone(),
                shift: e.shift.clone(),
                labels: e.labels.clone(),
                summary: e.summary.clone(),
                numbers: e.numbers.clone(),
                margin: e.margin,
                coverage: e.coverage,
                evidence: e.evidence.clone(),
                muted_by: muting.of(name, &e.labels),
                ack: alert.ack.clone(),
                version: e.version.clone(),
                runbook: rule.map(|r| r.runbook.clone()).unwrap_or_default(),
            })
        });
        open.collect()
    }

    /// Silences on record, those that ended within the last 30 days included, by id; older ones are in the log alone.
    pub fn silences(&self, at: DateTime<Utc>) -> impl Iterator<Item = &crate::system::Silence> {
        self.quiet.of("silence", at)
    }

    /// Maintenance windows, alike.
    pub fn maintenance(&self, at: DateTime<Utc>) -> impl Iterator<Item = &crate::system::Silence> {
        self.quiet.of("maintenance", at)
    }

    /// How many silences and windows are held in memory.
    pub fn quiet_held(&self) -> usize {
        self.quiet.len()
    }
}
