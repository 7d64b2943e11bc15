//! What keeps an alert from being sent.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::rule::Inhibit;
use crate::system::Silence;
use crate::time;

/// How long one that is over is still listed. Nothing follows from it any more: it mutes at no moment at or after its end.
const LISTED: TimeDelta = TimeDelta::days(30);

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

    /// Those of a kind that are not over for longer than they are listed.
    pub(super) fn of<'q>(
        &'q self,
        kind: &'static str,
        at: DateTime<Utc>,
    ) -> impl Iterator<Item = &'q Silence> {
        let of_kind = self.all.iter().filter(move |((k, _), _)| *k == kind);
        of_kind.map(|(_, silence)| silence).filter(move |silence| listed(silence, at))
    }

    /// Forgets those that are listed no more at a moment up to which all has been stepped.
    pub(super) fn forget(&mut self, at: DateTime<Utc>) {
        self.all.retain(|_, silence| listed(silence, at));
    }

    /// How many it holds.
    pub(super) fn len(&self) -> usize {
        self.all.len()
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

fn listed(silence: &Silence, at: DateTime<Utc>) -> bool {
    let until = time::parse(&silence.until).and_then(|end| end.checked_add_signed(LISTED));
    // An end that is none never holds; one at the end of time always does.
    until.map_or_else(|| time::parse(&silence.until).is_some(), |until| at < until)
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
