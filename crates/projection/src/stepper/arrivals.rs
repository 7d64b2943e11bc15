//! What came since the last step, and which measures it concerns.

use std::collections::BTreeSet;

use bellwether_model::View;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::fold::{Observation, Projector, digest};
use crate::state::{counts, time::DAY};

/// How far back the year-earlier view can go when the date goes on: months end up to three days apart.
const SLACK: i64 = 4 * DAY;

/// The statements of a projector in the order in which views begin to see them, and the keys behind each measure.
pub(super) struct Arrivals {
    /// Statements, coverage and heartbeats taken from the projector.
    taken: usize,
    covered: usize,
    heard: Vec<usize>,
    /// By measure, the keys that it reads: as accounts in order, and as the last statement of each.
    accounts: Vec<Vec<u32>>,
    pub(super) keys: Vec<Vec<u32>>,
    coverage: FxHashSet<u32>,
    /// By account of heartbeats, its listener.
    beats: FxHashMap<u32, usize>,
    /// When a view begins to see each statement, of those that the views to come can meet.
    timeline: BTreeSet<(i64, u32)>,
    windowed: Vec<usize>,
    /// Measures that count happenings, with digests of the fact types that they count.
    counting: Vec<(usize, Vec<u128>)>,
}

/// What a newly seen statement concerns.
#[derive(Default)]
pub(super) struct Concerns {
    /// Measures whose rows may differ.
    pub(super) measures: BTreeSet<usize>,
    /// Measures of which only the months heard may differ.
    pub(super) heard: BTreeSet<usize>,
    /// It takes a heartbeat back or repeats one.
    pub(super) anew: bool,
}

/// When views of one clock and basis begin to see a statement; `None` for never. A step sees what is known at its
/// moment, that moment included.
pub(super) fn shows(obs: &Observation, view: &View) -> Option<i64> {
    view.accepts(obs.basis).then(|| obs.known_in(view).max(obs.counts_from))
}

impl Arrivals {
    /// All that a projector holds; `earlier` is where the year-earlier view ends.
    pub(super) fn new(projector: &Projector, view: &View, earlier: i64) -> Self {
        let framework = projector.framework();
        let keys = projector.keys_by_measure();
        let account = |last: &u32| projector.observation(*last).map(|o| o.account);
        let all = || framework.all_measures().enumerate();
        let mut out = Self {
            taken: 0,
            covered: 0,
            heard: Vec::new(),
            accounts: keys.iter().map(|list| list.iter().filter_map(account).collect()).collect(),
            keys,
            coverage: FxHashSet::default(),
            beats: FxHashMap::default(),
            timeline: BTreeSet::new(),
            windowed: all().filter(|(_, m)| m.formula.windowed()).map(|(i, _)| i).collect(),
            counting: all()
                .filter(|(_, m)| counts(m))
                .map(|(i, m)| (i, m.read.iter().map(|r| digest(&[&r.kind])).collect()))
                .collect(),
        };
        out.declarations(projector);
        out.taken = projector.observations().len();
        let from = earlier.saturating_sub(SLACK);
        let seen = (0..).zip(projector.observations()).filter_map(|(at, o)| Some((shows(o, view)?, at)));
        out.timeline = seen.filter(|(at, _)| *at > from).collect();
        out
    }

    /// Whether it follows this projector.
    pub(super) fn follows(&self, projector: &Projector) -> bool {
        self.taken <= projector.observations().len()
    }

    /// Statements that the projector holds and no step has met.
    pub(super) fn waiting<'p>(&self, projector: &'p Projector) -> &'p [Observation] {
        projector.observations().get(self.taken..).unwrap_or_default()
    }

    /// Coverage and heartbeats; whether a key that says more than that declares coverage now.
    fn declarations(&mut self, projector: &Projector) -> bool {
        let new = projector.coverage_from(self.covered);
        self.covered += new.len();
        let mut covers = false;
        for (account, more) in new {
            covers |= self.coverage.insert(account) && more;
        }
        for (listener, beats) in projector.beats().enumerate() {
            if self.heard.len() <= listener {
                self.heard.push(0);
            }
            let Some(taken) = self.heard.get_mut(listener) else { continue };
            let new = beats.get(*taken..).unwrap_or_default();
            *taken = beats.len();
            let accounts = new.iter().filter_map(|at| projector.observation(*at)).map(|o| o.account);
            self.beats.extend(accounts.map(|account| (account, listener)));
        }
        covers
    }

    /// Takes what the projector holds more than before. Returns measures that must be read from the beginning, and the
    /// new statements with when views begin to see them.
    pub(super) fn take(
        &mut self,
        projector: &Projector,
        view: &View,
        earlier: i64,
    ) -> (BTreeSet<usize>, Vec<(i64, u32)>) {
        let (mut anew, mut new) = (BTreeSet::new(), Vec::new());
        if self.taken == projector.observations().len() {
            return (anew, new);
        }
        if self.declarations(projector) {
            anew.extend(&self.windowed);
        }
        let from = earlier.saturating_sub(SLACK);
        let first = u32::try_from(self.taken).unwrap_or(u32::MAX);
        for (here, obs) in (first..).zip(projector.observations().iter().skip(self.taken)) {
            for measure in projector.measures_of(obs) {
                let (Some(accounts), Some(keys)) =
                    (self.accounts.get_mut(measure), self.keys.get_mut(measure))
                else {
                    continue;
                };
                match accounts.binary_search(&obs.account) {
                    Ok(at) => keys.get_mut(at).into_iter().for_each(|last| *last = here),
                    Err(at) => {
                        accounts.insert(at, obs.account);
                        keys.insert(at, here);
                        // A key with older statements brings them along.
                        if obs.previous != u32::MAX {
                            anew.insert(measure);
                        }
                    }
                }
            }
            if let Some(at) = shows(obs, view) {
                new.push((at, here));
                if at > from {
                    self.timeline.insert((at, here));
                }
            }
        }
        self.taken = projector.observations().len();
        (anew, new)
    }

    /// Statements that views begin to see after one moment and not after another.
    pub(super) fn between(&self, after: i64, upto: i64) -> impl Iterator<Item = (i64, u32)> + '_ {
        let bounds = (after < upto).then_some((after.saturating_add(1), 0)..=(upto, u32::MAX));
        bounds.into_iter().flat_map(|bounds| self.timeline.range(bounds)).copied()
    }

    /// Statements that views begin to see after a moment, in order.
    pub(super) fn after(&self, after: i64) -> impl Iterator<Item = (i64, u32)> + '_ {
        self.timeline.range((after.saturating_add(1), 0)..).copied()
    }

    /// Forgets what no later view can meet.
    pub(super) fn forget(&mut self, earlier: i64) {
        let from = earlier.saturating_sub(SLACK);
        while self.timeline.first().is_some_and(|(at, _)| *at < from) {
            self.timeline.pop_first();
        }
    }

    /// What a statement concerns.
    pub(super) fn concerns(&self, projector: &Projector, at: u32) -> Concerns {
        let mut out = Concerns::default();
        let Some(obs) = projector.observation(at) else { return out };
        out.measures = projector.measures_of(obs);
        if self.coverage.contains(&obs.account) {
            out.measures.extend(&self.windowed);
        }
        if let Some(listener) = self.beats.get(&obs.account) {
            let covered = self.counting.iter().filter(|(_, kinds)| projector.listens(*listener, kinds));
            out.heard.extend(covered.map(|(i, _)| *i));
            out.anew = obs.previous != u32::MAX || projector.last_of(obs) != Some(at);
        }
        out
    }
}
