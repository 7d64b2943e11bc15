//! The projector: takes records one by one and keeps what any later view may ask.

use std::sync::{Arc, OnceLock};

use bellwether_model::framework::{Formula, Framework, Measure, Read};
use bellwether_model::{Fact, FactTypes, Record, family};
use rustc_hash::FxHashMap;

use super::beats::{HEARTBEAT, Heard, Listener};
use super::observation::{NONE, Observation};
use super::origin::event;
use super::payload::{Payload, digest};
use crate::state::Plan;

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

/// Which selectors read which fact type; shared by everything that folds for one framework.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) framework: Arc<Framework>,
    pub(crate) types: Arc<FactTypes>,
    pub(crate) slots: Vec<Slot>,
    by_kind: FxHashMap<String, Vec<u32>>,
    plan: OnceLock<Plan>,
}

/// One record cut down to what the fold keeps: the part of the work that needs no state.
struct Prepared {
    seq: u64,
    fact: Option<PreparedFact>,
}

struct PreparedFact {
    account: (u64, u64),
    observation: Observation,
    slots: Vec<u32>,
    payloads: Vec<Payload>,
    /// Publisher and stated event, of what a selector reads.
    family: Option<String>,
    event: Option<u128>,
    covers: Option<u128>,
    heard: Option<Heard>,
}

/// Folds records into what a view may read.
///
/// The state depends only on the set of facts applied, never on their order: ties break on content.
/// It holds no date: any view, past or present, is answered from the same state.
#[derive(Clone)]
pub struct Projector {
    pub(crate) index: Arc<Index>,
    pub(super) state: State,
    /// Where each distinct set of selectors stands in `state.slot_sets`.
    pub(super) set_index: FxHashMap<Vec<u32>, u32>,
    /// Where each publisher family stands in `state.families`.
    pub(super) family_index: FxHashMap<String, u32>,
}

/// The part of a projector that a snapshot holds.
#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct State {
    pub(super) observations: Vec<Observation>,
    /// Last statement of each account.
    pub(super) accounts: Vec<u32>,
    /// Digests as two words: a `u128` would pad every entry to its alignment.
    pub(super) account_index: FxHashMap<(u64, u64), u32>,
    pub(super) slot_sets: Vec<Vec<u32>>,
    pub(super) payloads: Vec<Vec<Payload>>,
    /// Names of publisher families.
    pub(super) families: Vec<String>,
    /// Observations whose event is not their own account, in order, with the account that stands for it.
    pub(super) events: Vec<(u32, u32)>,
    /// Observations of declared coverage with the digest of the type they cover.
    pub(super) coverage: Vec<(u128, u32)>,
    pub(super) listeners: Vec<Listener>,
    pub(super) listener_index: FxHashMap<u128, u32>,
    pub(super) head: u64,
}

impl Index {
    fn new(framework: Arc<Framework>, types: Arc<FactTypes>) -> Self {
        let mut slots = Vec::new();
        let mut by_kind: FxHashMap<String, Vec<u32>> = FxHashMap::default();
        for (measure, m) in framework.all_measures().enumerate() {
            let mut add = |part: Part, reads: &[Read]| {
                for (at, read) in reads.iter().enumerate() {
                    by_kind.entry(read.kind.clone()).or_default().push(position(slots.len()));
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
        Self { framework, types, slots, by_kind, plan: OnceLock::new() }
    }

    /// What is made once of the framework.
    pub(crate) fn plan(&self) -> &Plan {
        self.plan.get_or_init(|| Plan::new(&self.framework, &self.types))
    }

    fn selector(&self, slot: u32) -> Option<(&Read, &Measure)> {
        let slot = self.slots.get(usize::try_from(slot).ok()?)?;
        let measure = match slot.measure.checked_sub(self.framework.indicators.len()) {
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

    /// Coverage counts for a framework when it is declared for both its parties, or for everybody.
    fn concerns_parties(&self, fact: &Fact) -> bool {
        let named = |party: &String| fact.actors.iter().any(|a| self.framework.includes(a, party));
        fact.actors.is_empty() || self.framework.parties.iter().all(named)
    }

    fn prepare(&self, record: &Record) -> Prepared {
        Prepared { seq: record.seq, fact: record.fact().and_then(|fact| self.prepare_fact(record, fact)) }
    }

    fn prepare_fact(&self, record: &Record, fact: &Fact) -> Option<PreparedFact> {
        let kind = self.types.get(&fact.kind)?;
        let mut prepared = PreparedFact {
            account: halves(digest(&[&fact.source, &fact.key])),
            observation: Observation::new(fact, record.seq, record.recorded_at, kind.temporal),
            slots: Vec::new(),
            payloads: Vec::new(),
            family: None,
            event: None,
            covers: None,
            heard: None,
        };
        for slot in self.by_kind.get(&fact.kind).into_iter().flatten() {
            let Some((read, measure)) = self.selector(*slot) else { continue };
            if read.takes(fact, &self.framework) {
                prepared.slots.push(*slot);
                if measure.formula.windowed() || measure.formula == Formula::Diversification {
                    prepared.payloads.push(Payload::read(*slot, measure, &self.framework, fact));
                }
            }
        }
        if !prepared.slots.is_empty() {
            prepared.family = Some(family(fact));
            prepared.event = event(fact);
        }
        if fact.kind == COVERAGE && self.concerns_parties(fact) {
            prepared.covers = fact.attribute("covers").map(|covers| digest(&[&covers]));
        }
        if fact.kind == HEARTBEAT && self.concerns_parties(fact) {
            prepared.heard = Heard::read(fact);
        }
        Some(prepared)
    }
}

/// Records prepared at a time by [`Projector::absorb`], and batches that may wait.
const BATCH: usize = 1024;
const WAITING: usize = 8;

impl Projector {
    /// An empty projector for a framework.
    pub fn new(framework: Arc<Framework>, types: Arc<FactTypes>) -> Self {
        let index = Arc::new(Index::new(framework, types));
        let (set_index, family_index) = (FxHashMap::default(), FxHashMap::default());
        Self { index, state: State::default(), set_index, family_index }
    }

    /// Makes room for that many more records, so that a long replay does not move its state around.
    pub fn reserve(&mut self, records: usize) {
        self.state.observations.reserve(records);
        self.state.accounts.reserve(records);
        self.state.account_index.reserve(records);
    }

    /// The framework it projects.
    pub fn framework(&self) -> &Framework {
        &self.index.framework
    }

    /// Highest sequence applied, system records included; 0 when none.
    pub fn head(&self) -> u64 {
        self.state.head
    }

    /// Takes one record. System records and facts of unknown types only advance the head; a record at or
    /// below the head has been taken before and is passed over.
    pub fn apply(&mut self, record: &Record) {
        if record.seq > self.state.head {
            let prepared = self.index.prepare(record);
            self.take(prepared);
        }
    }

    /// Takes all records that `source` hands out, in its order: the same as [`Projector::apply`] on each, with
    /// reading and selecting on one thread and folding on another.
    ///
    /// Errors are the source's; what it handed out before is taken.
    pub fn absorb<E: Send>(
        &mut self,
        source: impl FnOnce(&mut dyn FnMut(&Record)) -> Result<(), E> + Send,
    ) -> Result<(), E> {
        let index = Arc::clone(&self.index);
        let (send, receive) = std::sync::mpsc::sync_channel::<Vec<Prepared>>(WAITING);
        std::thread::scope(|scope| {
            let reader = scope.spawn(move || {
                let mut batch = Vec::with_capacity(BATCH);
                let result = source(&mut |record| {
                    batch.push(index.prepare(record));
                    if batch.len() == BATCH {
                        // The receiver outlives the reader, so a send never fails.
                        send.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).ok();
                    }
                });
                send.send(batch).ok();
                result
            });
            for prepared in receive.into_iter().flatten() {
                self.take(prepared);
            }
            // A panic of the source is its defect and goes on as one.
            reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn take(&mut self, prepared: Prepared) {
        if prepared.seq <= self.state.head {
            return;
        }
        self.state.head = prepared.seq;
        let Some(fact) = prepared.fact else { return };
        let mut obs = fact.observation;
        let here = position(self.state.observations.len());
        obs.account = self.account(fact.account);
        if !fact.slots.is_empty() {
            obs.slots = self.slot_set(fact.slots);
        }
        if !fact.payloads.is_empty() {
            obs.payload = position(self.state.payloads.len());
            self.state.payloads.push(fact.payloads);
        }
        if let Some(family) = fact.family {
            obs.family = self.family(family);
        }
        if let Some(event) = fact.event {
            let event = self.account(halves(event));
            self.state.events.push((here, event));
        }
        if let Some(covers) = fact.covers {
            self.state.coverage.push((covers, here));
        }
        if let Some(heard) = fact.heard {
            self.hear(heard, here);
        }
        if let Some(last) = usize::try_from(obs.account).ok().and_then(|a| self.state.accounts.get_mut(a)) {
            obs.previous = std::mem::replace(last, here);
        }
        self.state.observations.push(obs);
    }

    fn hear(&mut self, heard: Heard, here: u32) {
        let next = position(self.state.listeners.len());
        let at = *self.state.listener_index.entry(heard.key).or_insert(next);
        if at == next {
            self.state.listeners.push(heard.listener());
        }
        let listener = usize::try_from(at).ok().and_then(|at| self.state.listeners.get_mut(at));
        listener.into_iter().for_each(|l| l.beats.push(here));
    }

    /// Position of an account, which nobody need have stated anything of.
    fn account(&mut self, key: (u64, u64)) -> u32 {
        let next = position(self.state.accounts.len());
        let at = *self.state.account_index.entry(key).or_insert(next);
        if at == next {
            self.state.accounts.push(NONE);
        }
        at
    }

    fn slot_set(&mut self, set: Vec<u32>) -> u32 {
        if let Some(at) = self.set_index.get(&set) {
            return *at;
        }
        let at = position(self.state.slot_sets.len());
        self.state.slot_sets.push(set.clone());
        self.set_index.insert(set, at);
        at
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

    /// Measures, by position, that read any statement of the key an observation belongs to.
    pub(crate) fn measures_of(&self, obs: &Observation) -> std::collections::BTreeSet<usize> {
        let slot = |s: u32| usize::try_from(s).ok().and_then(|s| self.index.slots.get(s));
        self.account_slots(obs).into_iter().filter_map(slot).map(|s| s.measure).collect()
    }

    /// Last statement of the key an observation belongs to.
    pub(crate) fn last_of(&self, obs: &Observation) -> Option<u32> {
        usize::try_from(obs.account).ok().and_then(|a| self.state.accounts.get(a)).copied()
    }

    /// Keys that declare coverage, from the n-th declaration on, and whether they were there before it.
    pub(crate) fn coverage_from(&self, n: usize) -> Vec<(u32, bool)> {
        let new = self.state.coverage.get(n..).unwrap_or_default();
        let all = new.iter().filter_map(|(_, at)| self.observation(*at));
        all.map(|o| (o.account, o.previous != NONE)).collect()
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

fn halves(digest: u128) -> (u64, u64) {
    ((digest >> 64) as u64, digest as u64)
}

/// Positions fit 32 bits: a store of four thousand million facts is out of scope.
pub(super) fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(NONE)
}
