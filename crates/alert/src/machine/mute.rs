//! What keeps an alert from being sent.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::rule::Inhibit;
use crate::system::Silence;
use crate::time;

type Labels = BTreeMap<String, String>;

/// Silences and maintenance windows by kind and id; the latest record of an id counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Quiet {
    all: BTreeMap<(&'static str, String), Silence>,
}

impl Quiet {
    pub(super) fn set(&mut self, kind: &'static str, silence: Silence) {
        self.all.insert((kind, silence.id.clone()), silence);
    }

    pub(super) fn of<'q>(&'q self, kind: &'static str) -> impl Iterator<Item = &'q Silence> {
        self.all.iter().filter(move |((k, _), _)| *k == kind).map(|(_, silence)| silence)
    }

    /// The next end of one after a moment.
    pub(super) fn next_end(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.all.values().filter_map(|s| time::parse(&s.until)).filter(|end| *end > after).min()
    }

    fn muting(&self, labels: &Labels, at: DateTime<Utc>) -> impl Iterator<Item = String> {
        let found = self.all.iter().filter(move |(_, s)| s.active(at) && s.matchers.matches(labels));
        found.map(|((kind, id), _)| format!("{kind}:{id}"))
    }
}

/// Everything that mutes at one moment.
pub(super) struct Muting<'m> {
    pub(super) quiet: &'m Quiet,
    pub(super) inhibits: &'m [Inhibit],
    /// Firing alerts that some inhibition names as its source.
    pub(super) sources: Vec<(&'m str, &'m Labels)>,
    pub(super) at: DateTime<Utc>,
}

impl Muting<'_> {
    /// `silence:ID`, `maintenance:ID` and the fingerprints of inhibiting alerts.
    pub(super) fn of(&self, alert: &str, labels: &Labels) -> Vec<String> {
        let mut by: Vec<String> = self.quiet.muting(labels, self.at).collect();
        for (name, source) in self.sources.iter().filter(|(name, _)| *name != alert) {
            if self.inhibits.iter().any(|i| i.mutes(source, labels)) {
                by.push((*name).to_owned());
            }
        }
        by
    }
}
