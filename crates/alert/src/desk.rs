//! A log and its follower together: what a daemon writes, and what a read without one works out in memory.

use std::ops::ControlFlow;
use std::sync::Arc;

use bellwether_model::framework::Framework;
use bellwether_model::{Body, Clock, FactTypes, KnownBasis, Record, System, View};
use bellwether_projection::Projector;
use bellwether_store::{Append, Error, EventLog};
use chrono::{DateTime, Utc};

use crate::follow::Follower;
use crate::system::{Payload, RulesInForce};
use crate::why::{Inquiry, Why};
use crate::{AlertEvent, RuleSet};

/// The log, folded by somebody who keeps it for others too.
pub trait Folded {
    /// Lends the projector. It has taken everything that the log held at the call, or more, and does not change meanwhile.
    ///
    /// # Errors
    /// Whatever reading the log gives.
    fn lend<T>(&self, log: &dyn EventLog, look: impl FnOnce(&Projector) -> T) -> Result<T, Error>;
}

/// Keeps alerts level with a log. It has one owner, as the log has. It folds no facts of its own: they are lent to it.
#[derive(Debug)]
pub struct Desk {
    follower: Follower,
    by: (Arc<Framework>, Arc<FactTypes>),
    wanted: RulesInForce,
    /// What the log says is in force.
    in_force: Option<RulesInForce>,
    /// Time of the newest record taken.
    newest: DateTime<Utc>,
    /// What happened and is not in the log yet.
    unwritten: Vec<AlertEvent>,
    /// What would be in the log had it been written, behind its end.
    imagined: Vec<Record>,
    /// When there is something to do although nothing is appended.
    midnight: Option<DateTime<Utc>>,
}

impl Desk {
    /// Before the first record; `rules` are those that are to be in force.
    pub fn new(framework: Arc<Framework>, types: Arc<FactTypes>, rules: &RuleSet) -> Self {
        let wanted = RulesInForce::new(rules, framework.hash(&types));
        Self {
            follower: Follower::live(),
            by: (framework, types),
            wanted,
            in_force: None,
            newest: DateTime::<Utc>::MIN_UTC,
            unwritten: Vec::new(),
            imagined: Vec::new(),
            midnight: None,
        }
    }

    /// Whether it reads by this framework and these fact types.
    pub fn is_of(&mut self, framework: &Arc<Framework>, types: &Arc<FactTypes>) -> bool {
        let (mine, theirs) = &self.by;
        // Hashing a framework costs more than most questions: it is done once for each that is read again.
        if Arc::ptr_eq(mine, framework) && Arc::ptr_eq(theirs, types) {
            return true;
        }
        let same = self.wanted.framework == framework.hash(types);
        if same {
            self.by = (Arc::clone(framework), Arc::clone(types));
        }
        same
    }

    /// Other rules are to be in force, from the next [`Desk::write`] on.
    pub fn want(&mut self, rules: &RuleSet) {
        if !self.wanted.is_text_of(rules) {
            self.wanted = RulesInForce::new(rules, &self.wanted.framework);
        }
    }

    /// Takes what the log has and reads on by the rules that it says are in force, whatever the configuration is: for what
    /// people say of alerts. Answers whether there are any.
    ///
    /// # Errors
    /// Whatever reading the log gives.
    pub fn by_the_log(&mut self, log: &dyn EventLog) -> Result<bool, Error> {
        self.take(log, u64::MAX)?;
        if let Some(rules) = &self.in_force {
            self.wanted = rules.clone();
        }
        Ok(self.in_force.is_some())
    }

    /// Whether it has taken everything that the log has: after a refused append it can be asked all the same.
    pub fn is_level(&self, log: &dyn EventLog) -> bool {
        self.follower.head() >= log.head()
    }

    /// The follower, level with the log as of the last call.
    pub fn follower(&self) -> &Follower {
        &self.follower
    }

    /// The next moment at which there is something to do although nothing is appended, as of the last look: a midnight.
    pub fn next_midnight(&self) -> Option<DateTime<Utc>> {
        self.midnight
    }

    /// Takes what the log has, puts the rules in force that are to be, evaluates up to `now` and appends what happened.
    /// Answers the sequence up to which every moment has all of its steps in the log, and how many steps were appended.
    ///
    /// The projector is given back after each moment: nobody waits for a long catching-up.
    ///
    /// # Errors
    /// Whatever the log gives. What happened and could not be appended is kept for the next call.
    pub fn write(
        &mut self,
        log: &dyn EventLog,
        folded: &impl Folded,
        now: DateTime<Utc>,
    ) -> Result<(u64, usize), Error> {
        self.append(log)?;
        self.take(log, u64::MAX)?;
        if !self.is_in_force() {
            log.append(Append::systems(vec![self.wanted.record()]))?;
            self.take(log, u64::MAX)?;
        }
        // What is appended meanwhile is for the next call, or writing might never come to an end.
        let now = now.max(self.newest);
        while folded.lend(log, |projector| self.advance(log, projector, now))?? {}
        let steps = self.unwritten.len();
        let settled = self.append(log)?.unwrap_or_else(|| self.follower.head());
        Ok((settled, steps))
    }

    /// The same in memory alone, for a log that somebody else owns, or nobody, as far as the projector has it. Answers
    /// whether the log had not been evaluated by these rules up to there: what follows is what would happen now.
    ///
    /// # Errors
    /// Whatever reading the log gives.
    pub fn read(
        &mut self,
        log: &dyn EventLog,
        projector: &Projector,
        now: DateTime<Utc>,
    ) -> Result<bool, Error> {
        self.take(log, projector.head())?;
        Ok(self.catch_up(projector, now))
    }

    /// The same for records that were [pushed](Desk::push) one by one, and that the projector has.
    pub fn catch_up(&mut self, projector: &Projector, now: DateTime<Utc>) -> bool {
        let now = now.max(self.newest);
        if !self.is_in_force() {
            let record = self.imagine(self.wanted.record(), now);
            self.push(&record);
        }
        for step in self.follower.settle(projector, now) {
            self.imagine(step.record(), now);
        }
        !self.imagined.is_empty()
    }

    /// Evaluates the next moment with everything that the projector has; `false` when there is none up to `now`.
    fn advance(
        &mut self,
        log: &dyn EventLog,
        projector: &Projector,
        now: DateTime<Utc>,
    ) -> Result<bool, Error> {
        self.take(log, projector.head())?;
        let more = self.follower.advance(projector, now, &mut self.unwritten);
        if !more {
            self.midnight = self.follower.next_midnight(projector);
        }
        Ok(more)
    }

    fn imagine(&mut self, system: System, now: DateTime<Utc>) -> Record {
        let behind = self.imagined.last().map_or(self.follower.head(), |last| last.seq);
        let record = Record { seq: behind.saturating_add(1), recorded_at: now, body: Body::System(system) };
        self.imagined.push(record.clone());
        record
    }

    /// Why an alert, open or over; `None` when nothing was ever said of it.
    ///
    /// # Errors
    /// Whatever reading the log gives.
    pub fn why(
        &self,
        log: &dyn EventLog,
        projector: &Projector,
        alert: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Why>, Error> {
        let mut inquiry = Inquiry::new(alert);
        log.read(1, &mut |record| {
            inquiry.push(record);
            ControlFlow::Continue(())
        })?;
        self.imagined.iter().for_each(|record| inquiry.imagine(record));
        let seqs = inquiry.evidence().unwrap_or_default().to_vec();
        let facts: Vec<Record> =
            seqs.into_iter().filter_map(|seq| log.get(seq).transpose()).collect::<Result<_, _>>()?;
        let known_by = now.checked_add_signed(chrono::TimeDelta::microseconds(1)).unwrap_or(now);
        let view = View { as_of: now, known_by, clock: Clock::Recorded, basis: KnownBasis::Any };
        Ok(inquiry.answer(&facts, projector, &view))
    }

    /// Takes a record.
    pub fn push(&mut self, record: &Record) {
        self.newest = self.newest.max(record.recorded_at);
        if let Some(rules) = RulesInForce::of(record) {
            self.in_force = Some(rules);
        }
        self.follower.push(record);
    }

    fn is_in_force(&self) -> bool {
        match &self.in_force {
            // Their text too: what to do, and why a threshold, is told with an alert.
            Some(now) => now == &self.wanted,
            // A log that never had rules needs none to be told that there are none.
            None => self.wanted.versions.is_empty(),
        }
    }

    /// Takes what the log has, up to a sequence.
    fn take(&mut self, log: &dyn EventLog, upto: u64) -> Result<(), Error> {
        let from = self.follower.head().saturating_add(1);
        if from > upto {
            return Ok(());
        }
        log.read(from, &mut |record| {
            if record.seq > upto {
                return ControlFlow::Break(());
            }
            self.push(record);
            ControlFlow::Continue(())
        })
    }

    /// Appends what is not in the log yet, all of it or nothing; answers the head after it.
    fn append(&mut self, log: &dyn EventLog) -> Result<Option<u64>, Error> {
        if self.unwritten.is_empty() {
            return Ok(None);
        }
        let steps: Vec<System> = self.unwritten.iter().map(Payload::record).collect();
        let receipt = log.append(Append::systems(steps))?;
        self.unwritten.clear();
        self.take(log, u64::MAX)?;
        Ok(Some(receipt.head))
    }
}
