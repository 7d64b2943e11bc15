//! The projector: takes records one by one and keeps what any later view may ask.

use std::sync::Arc;

use bellwether_model::framework::{Formula, Framework, Read};
use bellwether_model::{FactTypes, Record};
use rustc_hash::FxHashMap;

use super::observation::{NONE, Observation};
use super::payload::{Payload, digest};

/// Which list of a measure a selector stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Primary or fallback series.
    Read,
    /// Denominator.
    Over,
    /// Companion reading number n.
    Also(usize),
    /// Denominator of companion number n.
    AlsoOver(usize),
}

/// One selector of one measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    /// Position among [`Framework::all_measures`].
    pub(crate) measure: usize,
    pub(crate) part: Part,
    /// Position in its list.
    pub(crate) at: usize,
}

/// Fact type by which a feed or compiler declares what it has looked for.
pub(crate) const COVERAGE: &str = "coverage.declared";

/// Folds records into what a view may read.
///
/// The state depends only on the set of facts applied, never on their order: ties break on content.
/// It holds no date: any view, past or present, is answered from the same state.
#[derive(Clone)]
pub struct Projector {
    pub(crate) framework: Arc<Framework>,
    pub(crate) types: Arc<FactTypes>,
    pub(crate) slots: Vec<Slot>,
    by_kind: FxHashMap<String, Vec<u32>>,
    pub(super) state: State,
    /// Where each distinct set of selectors stands in `state.slot_sets`.
    pub(super) set_index: FxHashMap<Vec<u32>, u32>,
}

/// The part of a projector that a snapshot holds.
#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct State {
    pub(super) observations: Vec<Observation>,
    /// Last statement of each account.
    pub(super) accounts: Vec<u32>,
    pub(super) account_index: FxHashMap<u128, u32>,
    pub(super) slot_sets: Vec<Vec<u32>>,
    pub(super) payloads: Vec<Vec<Payload>>,
    /// Observations of declared coverage with the digest of the type they cover.
    pub(super) coverage: Vec<(u128, u32)>,
    pub(super) head: u64,
}

impl Projector {
    /// An empty projector for a framework.
    pub fn new(framework: Arc<Framework>, types: Arc<FactTypes>) -> Self {
        let mut slots = Vec::new();
        let mut by_kind: FxHashMap<String, Vec<u32>> = FxHashMap::default();
        for (measure, m) in framework.all_measures().enumerate() {
            let mut add = |part: Part, reads: &[Read]| {
                for (at, read) in reads.iter().enumerate() {
                    by_kind.entry(read.kind.clone()).or_default().push(index(slots.len()));
                    slots.push(Slot { measure, part, at });
                }
            };
            add(Part::Read, &m.read);
            add(Part::Over, &m.over);
            for (n, also) in m.also.iter().enumerate() {
                add(Part::Also(n), &also.read);
                add(Part::AlsoOver(n), &also.over);
            }
        }
        Self { framework, types, slots, by_kind, state: State::default(), set_index: FxHashMap::default() }
    }

    /// The framework it projects.
    pub fn framework(&self) -> &Framework {
        &self.framework
    }

    /// Highest sequence applied, system records included; 0 when none.
    pub fn head(&self) -> u64 {
        self.state.head
    }

    /// Takes one record. System records and facts of unknown types only advance the head; a record at or
    /// below the head has been taken before and is passed over.
    pub fn apply(&mut self, record: &Record) {
        if record.seq <= self.state.head {
            return;
        }
        self.state.head = record.seq;
        let Some(fact) = record.fact() else { return };
        let Some(kind) = self.types.get(&fact.kind) else { return };
        let mut obs = Observation::new(fact, record.seq, record.recorded_at, kind.temporal);
        obs.account = self.account(&fact.source, &fact.key);
        let here = index(self.state.observations.len());
        let mut set = Vec::new();
        let mut payloads = Vec::new();
        for slot in self.by_kind.get(&fact.kind).into_iter().flatten() {
            let Some((read, measure)) = self.selector(*slot) else { continue };
            if read.takes(fact, &self.framework) {
                set.push(*slot);
                if measure.formula.windowed() || measure.formula == Formula::Diversification {
                    payloads.push(Payload::read(*slot, measure, &self.framework, fact));
                }
            }
        }
        if !set.is_empty() {
            obs.slots = match self.set_index.get(&set) {
                Some(at) => *at,
                None => {
                    let at = index(self.state.slot_sets.len());
                    self.state.slot_sets.push(set.clone());
                    self.set_index.insert(set, at);
                    at
                }
            };
        }
        if !payloads.is_empty() {
            obs.payload = index(self.state.payloads.len());
            self.state.payloads.push(payloads);
        }
        if fact.kind == COVERAGE
            && let Some(covers) = fact.attribute("covers")
        {
            self.state.coverage.push((digest(&[&covers]), here));
        }
        if let Some(last) = usize::try_from(obs.account).ok().and_then(|a| self.state.accounts.get_mut(a)) {
            obs.previous = std::mem::replace(last, here);
        }
        self.state.observations.push(obs);
    }

    fn account(&mut self, source: &str, key: &str) -> u32 {
        let next = index(self.state.accounts.len());
        let at = *self.state.account_index.entry(digest(&[source, key])).or_insert(next);
        if at == next {
            self.state.accounts.push(NONE);
        }
        at
    }

    fn selector(&self, slot: u32) -> Option<(&Read, &bellwether_model::framework::Measure)> {
        let slot = self.slots.get(usize::try_from(slot).ok()?)?;
        let count = self.framework.indicators.len();
        let measure = match slot.measure.checked_sub(count) {
            None => self.framework.indicators.get(slot.measure)?,
            Some(at) => self.framework.measures.get(at)?,
        };
        let list = match slot.part {
            Part::Read => &measure.read,
            Part::Over => &measure.over,
            Part::Also(n) => &measure.also.get(n)?.read,
            Part::AlsoOver(n) => &measure.also.get(n)?.over,
        };
        Some((list.get(slot.at)?, measure))
    }

    pub(crate) fn observation(&self, at: u32) -> Option<&Observation> {
        self.state.observations.get(usize::try_from(at).ok()?)
    }

    pub(crate) fn payload(&self, obs: &Observation, slot: u32) -> Option<&Payload> {
        self.state.payloads.get(usize::try_from(obs.payload).ok()?)?.iter().find(|p| p.slot == slot)
    }

    /// Observations in arrival order.
    pub(crate) fn observations(&self) -> &[Observation] {
        &self.state.observations
    }

    /// Selectors that read any statement of the key an observation belongs to.
    pub(crate) fn account_slots(&self, obs: &Observation) -> std::collections::BTreeSet<u32> {
        let mut slots = std::collections::BTreeSet::new();
        let last = usize::try_from(obs.account).ok().and_then(|a| self.state.accounts.get(a));
        let mut at = last.copied().unwrap_or(NONE);
        while let Some(statement) = self.observation(at) {
            slots.extend(self.slots_of(statement));
            at = statement.previous;
        }
        slots
    }

    /// Whether an observation declares coverage.
    pub(crate) fn is_coverage(&self, obs: &Observation) -> bool {
        self.state
            .coverage
            .iter()
            .any(|(_, at)| self.observation(*at).is_some_and(|o| o.account == obs.account))
    }

    /// Whether the coverage that an observation declares concerns a fact type of the measure.
    pub(crate) fn covers(&self, obs: &Observation, measure: &bellwether_model::framework::Measure) -> bool {
        self.state.coverage.iter().any(|(covers, at)| {
            self.observation(*at).is_some_and(|o| o.account == obs.account)
                && measure.read.iter().any(|r| digest(&[&r.kind]) == *covers)
        })
    }

    /// Selectors that read an observation.
    pub(crate) fn slots_of(&self, obs: &Observation) -> &[u32] {
        usize::try_from(obs.slots).ok().and_then(|s| self.state.slot_sets.get(s)).map_or(&[], Vec::as_slice)
    }
}

/// Positions fit 32 bits: a store of four thousand million facts is out of scope.
fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(NONE)
}
