//! Group commit: appends that wait for the committer share its next sync.
//!
//! Every append stays an atomic batch of its own; only the sync is shared. One of those who wait leads: it
//! writes all that wait, syncs once and hands out the receipts. Waiting on a mutex would not do: whoever has
//! just been served is running and gets it before those it woke, and then leads for itself alone.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use bellwether_model::{Body, Fact};

use super::{Committer, Segments, not_before};
use crate::admit::{admit, same_statement};
use crate::cache;
use crate::codec::BodyRef;
use crate::ids::Ids;
use crate::{Append, Error, Receipt, held};

/// Most appends under one sync.
const MOST: usize = 512;

type Slot = Arc<Mutex<Option<Result<Receipt, Error>>>>;

/// Appends that wait for the committer.
#[derive(Default)]
pub(super) struct Queue {
    line: Mutex<Line>,
    /// Somebody was served, or nobody leads any more.
    turn: Condvar,
}

#[derive(Default)]
struct Line {
    /// Oldest first.
    waiting: VecDeque<(Append, Slot)>,
    led: bool,
}

/// Leadership, given up even by a panic.
struct Lead<'q>(&'q Queue);

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        held(&self.0.line).led = false;
        self.0.turn.notify_all();
    }
}

/// Written and not yet synced.
struct Written {
    receipt: Receipt,
    /// Sequence of the first of `bodies`.
    first: u64,
    bodies: Vec<Body>,
}

impl Segments {
    /// Appends that wait for the committer just now.
    pub fn waiting(&self) -> usize {
        held(&self.queue.line).waiting.len()
    }

    pub(super) fn enqueue(&self, batch: Append) -> Result<Receipt, Error> {
        let slot = Slot::default();
        let mut line = held(&self.queue.line);
        line.waiting.push_back((batch, Arc::clone(&slot)));
        loop {
            if let Some(outcome) = held(&slot).take() {
                return outcome;
            }
            if line.led {
                line = self.queue.turn.wait(line).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            line.led = true;
            let n = line.waiting.len().min(MOST);
            let batch: Vec<_> = line.waiting.drain(..n).collect();
            drop(line);
            {
                let _lead = Lead(&self.queue);
                // Fails only after a panic in the middle of an append, for everybody from then on.
                self.commit(&mut *self.committer()?, batch);
            }
            line = held(&self.queue.line);
        }
    }

    /// Writes every append of `batch`, syncs once, and answers each.
    fn commit(&self, committer: &mut Committer, batch: Vec<(Append, Slot)>) {
        let now = self.clock.now();
        let mut written = Vec::with_capacity(batch.len());
        for (append, slot) in batch {
            match self.write(committer, append, now) {
                Ok(done) => written.push((done, slot)),
                Err(error) => *held(&slot) = Some(Err(error)),
            }
        }
        let Some(writer) = &mut committer.writer else { return };
        if let Err(error) = writer.check().and_then(|()| writer.sync_if_dirty()) {
            let why = match error {
                Error::Poisoned { why } => why,
                other => other.to_string(),
            };
            for (_, slot) in written {
                *held(&slot) = Some(Err(Error::Poisoned { why: why.clone() }));
            }
            return;
        }
        let tip = (writer.head(), writer.chain());
        let moved = tip.0 > self.durable.borrow().to_owned();
        if moved {
            *held(&self.tip) = tip;
        }
        let mut slots = Vec::with_capacity(written.len());
        let mut learned = Vec::new();
        for (done, slot) in written {
            learned.extend((done.first..).zip(done.bodies));
            slots.push((slot, done.receipt));
        }
        if let Some(index) = self.index() {
            // All at once: the index must never claim to cover what it has not seen.
            index.learn(learned.into_iter(), tip);
        }
        if moved {
            self.durable.send_replace(tip.0);
            writer.anchor_if_due(now);
        }
        for (slot, receipt) in slots {
            *held(&slot) = Some(Ok(receipt));
        }
    }

    /// Writes one append as a batch of its own, without sync.
    fn write(
        &self,
        committer: &mut Committer,
        append: Append,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Written, Error> {
        let Committer { writer, ids } = committer;
        let writer = writer.as_mut().ok_or(Error::ReadOnly)?;
        writer.check()?;
        let before = writer.head();
        if let Some(expected) = append.expected_head.filter(|expected| *expected != before) {
            return Err(Error::HeadMoved { expected, head: before });
        }
        let (facts, duplicate) = admit(append.facts, |fact| self.holds(ids, fact))?;
        let first = before.saturating_add(1);
        if facts.is_empty() && append.systems.is_empty() {
            let receipt = Receipt { stored: 0, duplicate, head: before, seqs: Vec::new() };
            return Ok(Written { receipt, first, bodies: Vec::new() });
        }
        let at = not_before(now, writer.last_at);
        let mut group = writer.begin()?;
        let pushed = facts
            .iter()
            .map(BodyRef::Fact)
            .chain(append.systems.iter().map(BodyRef::System))
            .try_for_each(|body| group.push(at, body));
        if let Err(error) = pushed {
            group.abort();
            return Err(error);
        }
        let placed = group.finish(at)?;
        self.place(&placed);
        let seqs: Vec<u64> = (first..).take(facts.len()).collect();
        for (fact, seq) in facts.iter().zip(&seqs) {
            ids.insert(fact.id, *seq);
        }
        let receipt = Receipt { stored: seqs.len() as u64, duplicate, head: writer.head(), seqs };
        let bodies =
            facts.into_iter().map(Body::Fact).chain(append.systems.into_iter().map(Body::System)).collect();
        Ok(Written { receipt, first, bodies })
    }

    /// Whether the log holds this very statement. The id only says where to look.
    fn holds(&self, ids: &Ids, fact: &Fact) -> Result<bool, Error> {
        for seq in ids.candidates(fact.id) {
            let block = self.block(seq)?;
            let stored = cache::record(&block, seq).and_then(bellwether_model::Record::fact);
            if stored.is_some_and(|stored| stored.id == fact.id && same_statement(stored, fact)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
