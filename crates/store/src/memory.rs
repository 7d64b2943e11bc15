//! The contract without a disk: for tests, and for what-if runs that leave no trace.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use bellwether_model::{Body, Fact, Record, System};
use chrono::{DateTime, Utc};
use tokio::sync::watch;
use uuid::Uuid;

use crate::admit::{admit, same_statement};
use crate::log::{CHECKPOINT, SNAPSHOTS};
use crate::segments::{check_next, not_before};
use crate::{Append, Error, EventLog, Receipt, StoreClock, held};

/// Records handed out at once while reading.
const CHUNK: usize = 1024;

/// A log in memory, gone when dropped.
pub struct Memory {
    clock: Arc<dyn StoreClock>,
    state: Mutex<State>,
    durable: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    records: Vec<Arc<Record>>,
    ids: HashMap<Uuid, Vec<u64>>,
    /// By key, then source.
    keys: BTreeMap<String, BTreeMap<String, Vec<u64>>>,
    checkpoints: HashMap<String, serde_json::Value>,
    snapshots: BTreeMap<(String, u64), Vec<u8>>,
}

impl State {
    fn head(&self) -> u64 {
        self.records.len() as u64
    }

    fn get(&self, seq: u64) -> Option<&Arc<Record>> {
        self.records.get(usize::try_from(seq.checked_sub(1)?).ok()?)
    }

    fn push(&mut self, recorded_at: DateTime<Utc>, body: Body) -> u64 {
        let seq = self.head().saturating_add(1);
        match &body {
            Body::Fact(fact) => {
                self.ids.entry(fact.id).or_default().push(seq);
                let sources = self.keys.entry(fact.key.clone()).or_default();
                sources.entry(fact.source.clone()).or_default().push(seq);
            }
            Body::System(System { system, name, data }) if system == CHECKPOINT => {
                self.checkpoints.insert(name.clone(), data.clone());
            }
            Body::System(_) => {}
        }
        self.records.push(Arc::new(Record { seq, recorded_at, body }));
        seq
    }

    fn holds(&self, fact: &Fact) -> bool {
        let stored = self.ids.get(&fact.id).into_iter().flatten().filter_map(|seq| self.get(*seq)?.fact());
        stored.into_iter().any(|other| same_statement(other, fact))
    }
}

impl Memory {
    /// An empty log.
    pub fn new(clock: Arc<dyn StoreClock>) -> Self {
        Self { clock, state: Mutex::default(), durable: watch::Sender::new(0) }
    }
}

impl EventLog for Memory {
    fn append(&self, batch: Append) -> Result<Receipt, Error> {
        let mut state = held(&self.state);
        let head = state.head();
        if let Some(expected) = batch.expected_head.filter(|expected| *expected != head) {
            return Err(Error::HeadMoved { expected, head });
        }
        let (facts, duplicate) = admit(batch.facts, |fact| Ok(state.holds(fact)))?;
        let last = state.records.last().map_or(DateTime::<Utc>::MIN_UTC, |r| r.recorded_at);
        let at = not_before(self.clock.now(), last);
        let seqs: Vec<u64> = facts.into_iter().map(|fact| state.push(at, Body::Fact(fact))).collect();
        for system in batch.systems {
            state.push(at, Body::System(system));
        }
        let head = state.head();
        self.durable.send_replace(head);
        Ok(Receipt { stored: seqs.len() as u64, duplicate, head, seqs })
    }

    fn read(&self, from: u64, visit: &mut dyn FnMut(&Record) -> ControlFlow<()>) -> Result<(), Error> {
        let head = self.head();
        let mut next = from.max(1);
        while next <= head {
            let start = usize::try_from(next - 1).unwrap_or(usize::MAX);
            let most = usize::try_from(head - next + 1).unwrap_or(CHUNK).min(CHUNK);
            // The lock is not held while visiting: a visitor may append.
            let chunk: Vec<_> = held(&self.state).records.iter().skip(start).take(most).cloned().collect();
            for record in &chunk {
                if visit(record).is_break() {
                    return Ok(());
                }
            }
            next += most as u64;
        }
        Ok(())
    }

    fn head(&self) -> u64 {
        held(&self.state).head()
    }

    fn get(&self, seq: u64) -> Result<Option<Record>, Error> {
        Ok(held(&self.state).get(seq).map(|record| Record::clone(record)))
    }

    fn keys_latest(&self, source: &str, key: &str) -> Result<Vec<u64>, Error> {
        let state = held(&self.state);
        Ok(state.keys.get(key).and_then(|sources| sources.get(source)).cloned().unwrap_or_default())
    }

    fn find_key(&self, key: &str) -> Result<Vec<(String, Vec<u64>)>, Error> {
        let state = held(&self.state);
        let sources = state.keys.get(key).into_iter().flatten();
        Ok(sources.map(|(source, seqs)| (source.clone(), seqs.clone())).collect())
    }

    fn checkpoint(&self, feed: &str) -> Result<Option<serde_json::Value>, Error> {
        Ok(held(&self.state).checkpoints.get(feed).cloned())
    }

    fn snapshot_put(&self, name: &str, seq: u64, bytes: &[u8]) -> Result<(), Error> {
        let mut state = held(&self.state);
        if seq <= state.head() {
            state.snapshots.insert((name.to_owned(), seq), bytes.to_vec());
            let of = (name.to_owned(), 0)..=(name.to_owned(), u64::MAX);
            let surplus = state.snapshots.range(of.clone()).count().saturating_sub(SNAPSHOTS);
            let gone: Vec<_> = state.snapshots.range(of).take(surplus).map(|(key, _)| key.clone()).collect();
            gone.iter().for_each(|key| drop(state.snapshots.remove(key)));
        }
        Ok(())
    }

    fn snapshot_get(&self, name: &str, at_most: u64) -> Result<Option<(u64, Vec<u8>)>, Error> {
        let state = held(&self.state);
        let mut upto = state.snapshots.range((name.to_owned(), 0)..=(name.to_owned(), at_most));
        Ok(upto.next_back().map(|((_, seq), bytes)| (*seq, bytes.clone())))
    }

    fn subscribe(&self) -> watch::Receiver<u64> {
        self.durable.subscribe()
    }

    fn import(&self, records: &mut dyn Iterator<Item = Result<Record, Error>>) -> Result<Receipt, Error> {
        let mut state = held(&self.state);
        if state.head() > 0 {
            return Err(Error::NotEmpty { head: state.head() });
        }
        let mut taken = State::default();
        let mut stored = 0;
        let mut last = DateTime::<Utc>::MIN_UTC;
        for record in records {
            let record = check_next(record?, taken.head().saturating_add(1), last)?;
            last = record.recorded_at;
            stored += u64::from(record.fact().is_some());
            taken.push(record.recorded_at, record.body);
        }
        *state = taken;
        let head = state.head();
        self.durable.send_replace(head);
        Ok(Receipt { stored, duplicate: 0, head, seqs: Vec::new() })
    }
}
