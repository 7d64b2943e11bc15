//! The driver: the log in, steps of alerts out, live and replayed alike.
//!
//! The grid: every append that brought facts, rules, a silence or a window, at its `recorded_at`, and every UTC midnight, on
//! the recorded clock. A moment is passed over where neither the assessment nor an alert can change at it.

use std::collections::VecDeque;

use bellwether_model::{Body, Clock, KnownBasis, Record, System};
use bellwether_projection::{Projector, Stepper};
use chrono::{DateTime, Utc};

use crate::machine::{Counts, Machine};
use crate::rule::RuleSet;
use crate::system::Payload;
use crate::{AlertEvent, AlertState, Happening, time};

/// What waits for the evaluation to reach it.
#[derive(Debug)]
enum Waiting {
    /// An append that brought facts.
    Append(DateTime<Utc>),
    /// What somebody said about alerts.
    Said(Box<Record>),
}

impl Waiting {
    fn at(&self) -> DateTime<Utc> {
        match self {
            Self::Append(at) => *at,
            Self::Said(record) => record.recorded_at,
        }
    }
}

/// How the log's own steps of alerts are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// They are what has happened: nothing up to them is evaluated again.
    Live,
    /// They are left aside: everything is evaluated.
    Replay,
}

/// Follows a log and says what happens to alerts.
///
/// Records go in in log order, [`Follower::settle`] evaluates up to a moment. What it hands out is to be appended; when it
/// comes back with the log it is recognised. After a restart a new follower takes the whole log and goes on behind the
/// last step that was appended: what was evaluated and not appended is evaluated again, with the same result.
///
/// It folds no facts: whoever asks lends it a projector that has taken just the records that were pushed, and may serve
/// others with it in between.
pub struct Follower {
    stepper: Stepper,
    machine: Machine,
    mode: Mode,
    waiting: VecDeque<Waiting>,
    /// Moment up to which everything has happened.
    reached: Option<DateTime<Utc>>,
    /// Whether that moment comes from the log and not from a step of this follower.
    restored: bool,
    head: u64,
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower")
            .field("head", &self.head)
            .field("reached", &self.reached)
            .finish_non_exhaustive()
    }
}

impl Follower {
    /// A follower of a live log, at its beginning. Rules come from the log's `rules` records.
    pub fn live() -> Self {
        Self::with(Mode::Live)
    }

    /// The same for a replay, which evaluates what the log says was evaluated.
    pub fn replaying() -> Self {
        Self::with(Mode::Replay)
    }

    fn with(mode: Mode) -> Self {
        Self {
            stepper: Stepper::new(Clock::Recorded, KnownBasis::Any),
            machine: Machine::new(&RuleSet::default()),
            mode,
            waiting: VecDeque::new(),
            reached: None,
            restored: false,
            head: 0,
        }
    }

    /// Highest sequence taken.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// The rules in force at the moment reached.
    pub fn rules(&self) -> &RuleSet {
        self.machine.rules()
    }

    /// The machine as of the moment reached.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Evaluations so far.
    pub fn counts(&self) -> Counts {
        self.machine.counts()
    }

    /// Open alerts as muted at a moment.
    pub fn alerts(&self, at: DateTime<Utc>) -> Vec<AlertState> {
        self.machine.alerts(at)
    }

    /// Takes the next record of the log. Nothing is evaluated before [`Follower::settle`].
    pub fn push(&mut self, record: &Record) {
        if record.seq <= self.head {
            return;
        }
        self.head = record.seq;
        let Body::System(system) = &record.body else {
            let next = Waiting::Append(record.recorded_at);
            let same = |w: &Waiting| matches!(w, Waiting::Append(at) if *at == record.recorded_at);
            if !self.waiting.back().is_some_and(same) {
                self.waiting.push_back(next);
            }
            return;
        };
        if system.system == AlertEvent::KIND {
            if self.mode == Mode::Live {
                self.recognise(record);
            }
        } else if is_said(system) {
            self.waiting.push_back(Waiting::Said(Box::new(record.clone())));
        }
    }

    /// A step that the log has: one of ours that came back, or what happened before this follower was.
    fn recognise(&mut self, record: &Record) {
        let Some(at) = AlertEvent::of(record).and_then(|e| time::parse(&e.at)) else { return };
        let known = self.reached.is_some_and(|reached| at < reached || (at == reached && !self.restored));
        if known {
            return;
        }
        // Everything up to its moment has been evaluated, with what had been said by then.
        while let Some(next) = self.waiting.front() {
            if next.at() > at {
                break;
            }
            if let Some(Waiting::Said(said)) = self.waiting.pop_front() {
                self.machine.told(&said);
            }
        }
        self.machine.restore(record);
        (self.reached, self.restored) = (Some(at), true);
    }

    /// Evaluates everything up to `now`, midnights included, and hands out what happened, in order.
    pub fn settle(&mut self, projector: &Projector, now: DateTime<Utc>) -> Vec<AlertEvent> {
        let mut out = Vec::new();
        while self.advance(projector, now, &mut out) {}
        out
    }

    /// Evaluates the next moment up to `now` at which something may change; `false` when there is none. Further records
    /// may be pushed before the next call, as long as the projector has taken them too.
    pub fn advance(&mut self, projector: &Projector, now: DateTime<Utc>, out: &mut Vec<AlertEvent>) -> bool {
        while let Some(at) = self.waiting.front().map(Waiting::at).filter(|at| *at <= now) {
            if let Some(midnight) = self.midnight(projector, at, false) {
                self.evaluate(projector, midnight, out);
                return true;
            }
            // A clock that stood still: the moment is evaluated again with what came.
            let at = self.reached.map_or(at, |reached| at.max(reached));
            let evaluated = match self.waiting.pop_front() {
                Some(Waiting::Said(record)) => {
                    self.machine.told(&record);
                    // Before the first word about alerts there is nothing to evaluate.
                    self.reached.get_or_insert(at);
                    // Rules and silences take effect at once; an acknowledgement moves nothing.
                    self.machine.changed() || self.due(projector).is_some_and(|due| due <= at)
                }
                _ => self.due(projector).is_none_or(|due| due <= at),
            };
            if evaluated {
                self.evaluate(projector, at, out);
                return true;
            }
        }
        // What a long log leaves here at the start is not needed again.
        self.waiting.shrink_to_fit();
        let midnight = self.midnight(projector, now, true);
        midnight.into_iter().for_each(|midnight| self.evaluate(projector, midnight, out));
        midnight.is_some()
    }

    /// The earliest moment at which anything may change, in what is held; not later than the next append.
    fn due(&self, projector: &Projector) -> Option<DateTime<Utc>> {
        let reached = self.reached?;
        let known = self.stepper.next(projector, reached);
        known.into_iter().chain(self.machine.next_deadline(reached)).min()
    }

    /// The next moment at which [`Follower::settle`] has something to do although nothing is appended: a midnight.
    pub fn next_midnight(&self, projector: &Projector) -> Option<DateTime<Utc>> {
        self.due(projector).map(|due| time::midnight_from(due.max(self.reached.unwrap_or(due))))
    }

    /// The next midnight to evaluate, after the moment reached and before (or up to) another.
    fn midnight(&self, projector: &Projector, end: DateTime<Utc>, included: bool) -> Option<DateTime<Utc>> {
        let (reached, due) = (self.reached?, self.due(projector)?);
        let next = time::midnight_from(due);
        let next = if next <= reached { time::midnight_after(reached) } else { next };
        (next < end || (next == end && included)).then_some(next)
    }

    fn evaluate(&mut self, projector: &Projector, at: DateTime<Utc>, out: &mut Vec<AlertEvent>) {
        if self.reached.is_none() || self.machine.idle() {
            // Without rules nothing happens; the first step after there are some looks at everything.
            self.reached = self.reached.map(|_| at);
            return;
        }
        let step = self.stepper.step(projector, at);
        out.extend(self.machine.step(at, step.assessment, &step.touched, projector.framework()));
        (self.reached, self.restored) = (Some(at), false);
    }
}

fn is_said(system: &System) -> bool {
    use crate::system::{Ack, Maintenance, RulesInForce, Silence};
    [RulesInForce::KIND, Ack::KIND, Silence::KIND, Maintenance::KIND].contains(&system.system.as_str())
}

/// A step of an alert on the published clock, with what a firing claims.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The step.
    pub event: AlertEvent,
    /// Domain, or `any`; `None` but for a firing of a rule with `backtest`.
    pub domain: Option<String>,
    /// Directions claimed.
    pub directions: Vec<String>,
}

/// What the rules would have said from one moment to another, both included, by what the world could know: the machine on
/// the published clock, over what the projector holds. Steps in order; nothing is silenced.
///
/// What holds at `from` already fires at `from`.
pub fn published(
    rules: &RuleSet,
    projector: &Projector,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Vec<Claim> {
    let mut machine = Machine::new(rules);
    let mut stepper = Stepper::new(Clock::Published, KnownBasis::Any);
    let framework = projector.framework();
    let mut out = Vec::new();
    let mut at = from;
    while at <= to {
        let step = stepper.step(projector, at);
        for event in machine.step(at, step.assessment, &step.touched, framework) {
            let claim = (event.happening == Happening::Firing)
                .then(|| machine.claim(&event, step.assessment, framework))
                .flatten();
            let (domain, directions) = claim.map_or((None, Vec::new()), |(d, ds)| (Some(d), ds));
            out.push(Claim { event, domain, directions });
        }
        let deadline = machine.next_deadline(at).map(time::midnight_from);
        let next = stepper.next(projector, at).into_iter().chain(deadline).min();
        match next.filter(|next| *next > at) {
            Some(next) => at = next,
            None => break,
        }
    }
    out
}
