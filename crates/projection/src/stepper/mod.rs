//! One assessment after another, and what changed between them.
//!
//! A step evaluates again only the measures of which something became known or which time alone changes, and reads on
//! where their detectors, bounds and expectations stopped; the rows above are cheap and made anew. It shares every
//! part with [`Projector::assess`], whose answers it gives.

mod arrivals;
mod lane;
mod memo;
mod touched;

use std::collections::BTreeSet;

use bellwether_model::{Clock, KnownBasis, View};
use chrono::{DateTime, TimeDelta, Utc};

use crate::assessment::Assessment;
use crate::fold::{Projector, moment};
use crate::state::midnight;
use memo::{Memo, Next};
use touched::touched;

/// Steps through time over one projector. Each step is what [`Projector::assess`] answers for its moment.
///
/// Between steps the projector may take more records, whatever their dates.
pub struct Stepper {
    clock: Clock,
    basis: KnownBasis,
    last: Option<Assessment>,
    memo: Option<Box<Memo>>,
}

/// One step.
#[derive(Debug)]
pub struct Step<'a> {
    /// The assessment of what was known at the moment, that moment included, about the world up to it.
    pub assessment: &'a Assessment,
    /// Ids of the rows that the assessment shows otherwise than the step before did, or did not show; of all rows at the
    /// first step. Rows that are gone are named too. A row of which only the dates of a sliding window moved is not:
    /// the `period` of a measure over a trailing window moves with every step.
    pub touched: BTreeSet<String>,
}

impl std::fmt::Debug for Stepper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = self.last.as_ref().map(|a| &a.as_of);
        f.debug_struct("Stepper").field("clock", &self.clock).field("at", &at).finish_non_exhaustive()
    }
}

impl Stepper {
    /// Before the first step.
    pub fn new(clock: Clock, basis: KnownBasis) -> Self {
        Self { clock, basis, last: None, memo: None }
    }

    /// The view of a moment: facts known at that very moment count.
    pub fn view(&self, at: DateTime<Utc>) -> View {
        let known_by = at.checked_add_signed(TimeDelta::microseconds(1)).unwrap_or(at);
        View { as_of: at, known_by, clock: self.clock, basis: self.basis }
    }

    /// Steps to a moment. A step backwards is answered too, at the cost of a first one.
    pub fn step(&mut self, projector: &Projector, at: DateTime<Utc>) -> Step<'_> {
        let view = self.view(at);
        let micros = at.timestamp_micros();
        let kept = self.memo.take().filter(|memo| memo.goes_on(projector, micros));
        let (memo, next) = match (kept, self.last.take()) {
            (Some(mut memo), Some(last)) => {
                let next = memo.go(projector, &view, last);
                (memo, next)
            }
            (_, before) => {
                let (memo, now) = Memo::new(projector, &view);
                (Box::new(memo), Next { before, now, quiet: false })
            }
        };
        self.memo = Some(memo);
        let touched = match next.quiet {
            true => BTreeSet::new(),
            false => touched(projector.framework(), next.before.as_ref(), &next.now),
        };
        Step { assessment: self.last.insert(next.now), touched }
    }

    /// The earliest moment after `after` at which an assessment may differ from the one of `after`, with what the
    /// projector holds; the dates of sliding windows apart. `None` when none is to come.
    ///
    /// It is a moment at which something becomes known, or a midnight: what time alone changes is named at the first
    /// midnight at which it holds. Nothing may change at a moment named, none is missed. It looks ahead from the last
    /// step; asked of an earlier moment, of one past what that step could tell, or while the projector holds facts that
    /// no step has met, it names no later moment than the next midnight.
    pub fn next(&self, projector: &Projector, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let micros = after.timestamp_micros();
        let view = self.view(after);
        let next = match &self.memo {
            Some(memo) => memo.next(projector, &view, micros),
            None => Some(midnight(micros.saturating_add(1))),
        };
        next.and_then(moment)
    }
}
