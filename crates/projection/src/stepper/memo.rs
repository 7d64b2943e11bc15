//! What is kept from one step to the next.

use bellwether_model::View;

use super::arrivals::{Arrivals, shows};
use super::lane::Lane;
use crate::assess::{assemble, year_before};
use crate::assessment::Assessment;
use crate::fold::Projector;
use crate::state::time::{rfc3339, shift_months, window_start};
use crate::state::{Core, Holds, Kept, Levels, Outside, Shifts, Since, a_year_after, crossing, midnight};

/// An assessment with the one before it, where the two must be compared.
pub(super) struct Next {
    pub(super) before: Option<Assessment>,
    pub(super) now: Assessment,
    /// Nothing but dates moved.
    pub(super) quiet: bool,
}

pub(super) struct Memo {
    arrivals: Arrivals,
    now: Lane,
    /// The year-earlier view, which gives levels a direction.
    earlier: Lane,
    levels: Levels,
    /// Changes that the year-earlier levels read.
    kept: Kept,
    shifts: Shifts,
    holds: Holds,
    /// By key, its statements that stand; their sum, and the highest sequence seen.
    standing: Vec<u32>,
    facts: u64,
    head: u64,
    /// When the next change of direction stops pulling its domain.
    fades: i64,
    /// The first of the next month, when scenarios drift on and bands of bounds widen, or the moment after one, when a
    /// quarter begins.
    drifts: i64,
    /// Whether levels read scenarios or changes.
    outside: bool,
    /// The year-earlier view could not be reached by going on.
    anew: bool,
}

impl Memo {
    pub(super) fn new(projector: &Projector, view: &View) -> (Self, Assessment) {
        let year = year_before(view);
        // Two independent pure evaluations: that they run side by side changes no byte.
        let (now, earlier) = std::thread::scope(|scope| {
            let earlier = scope.spawn(|| Lane::short(projector, &year));
            (Lane::new(projector, view), earlier.join())
        });
        // A panic in the other evaluation is a defect and goes on as one.
        let earlier = earlier.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let standing: Vec<u32> =
            projector.lasts().iter().map(|last| projector.standing(*last, view)).collect();
        let seen = projector.observations().iter().filter(|o| o.visible(view));
        let (levels, kept) = levels(projector, &year, &earlier, None);
        let mut memo = Self {
            arrivals: Arrivals::new(projector, view, earlier.at),
            levels,
            kept,
            now,
            earlier,
            shifts: Shifts::new(projector),
            holds: Holds::default(),
            facts: standing.iter().map(|n| u64::from(*n)).sum(),
            head: seen.map(|o| o.seq).max().unwrap_or(0),
            standing,
            fades: i64::MAX,
            drifts: i64::MAX,
            outside: Outside::asked(projector.framework()),
            anew: false,
        };
        let assessment = memo.assess(projector, view, &[], &[]);
        (memo, assessment)
    }

    /// Whether a step to a moment can start from here.
    pub(super) fn goes_on(&self, projector: &Projector, at: i64) -> bool {
        self.now.at <= at && self.arrivals.follows(projector)
    }

    /// Goes on to a later view.
    pub(super) fn go(&mut self, projector: &Projector, view: &View, mut last: Assessment) -> Next {
        let (from, upto) = (self.now.at, view.as_of.timestamp_micros());
        let (anew, new) = self.arrivals.take(projector, view, self.earlier.at);
        let count = self.now.evals.len();
        let (mut dirt, mut dirty, mut old) = (vec![i64::MAX; count], vec![false; count], vec![false; count]);
        for measure in &anew {
            set(&mut dirt, *measure, i64::MIN);
            set(&mut dirty, *measure, true);
            set(&mut old, *measure, true);
        }
        let late = new.iter().copied().filter(|(at, _)| *at <= from);
        let seen: Vec<(i64, u32)> = self.arrivals.between(from, upto).chain(late).collect();
        for (at, statement) in &seen {
            let concerns = self.arrivals.concerns(projector, *statement);
            for measure in &concerns.measures {
                lower(&mut dirt, *measure, *at);
                set(&mut dirty, *measure, true);
            }
            for measure in &concerns.heard {
                lower(&mut dirt, *measure, if concerns.anew { i64::MIN } else { *at });
            }
            self.count(projector, view, *statement);
        }
        let moved_earlier = self.go_earlier(projector, view, old, &new);
        let due = self.now.until() <= upto
            || self.shifts.until() <= upto
            || self.fades <= upto
            || self.drifts <= upto;
        let evaluated = self.now.go(projector, view, &self.arrivals.keys, |i| dirty.get(i) == Some(&true));
        self.arrivals.forget(self.earlier.at);
        let came = !seen.is_empty() || dirt.iter().any(|at| *at < i64::MAX);
        if !due && !came && !moved_earlier {
            slide(&mut last, &self.now, view);
            return Next { before: None, now: last, quiet: true };
        }
        let now = self.assess(projector, view, &dirt, &evaluated);
        Next { before: Some(last), now, quiet: false }
    }

    /// Brings the levels of the year before along; tells whether they may differ.
    fn go_earlier(
        &mut self,
        projector: &Projector,
        view: &View,
        mut dirty: Vec<bool>,
        new: &[(i64, u32)],
    ) -> bool {
        let year = year_before(view);
        let (from, upto) = (self.earlier.at, year.as_of.timestamp_micros());
        if year.known_by.timestamp_micros() != upto.saturating_add(1) {
            // The last microsecond before a leap day, or before its anniversary, parts the two dates.
            self.levels = Core::new(projector, &year).into_levels();
            self.anew = true;
            return true;
        }
        // The anniversary of a leap day is that of the day before it.
        let anew = std::mem::take(&mut self.anew) || upto < from;
        let late = new.iter().copied().filter(|(at, _)| *at <= from);
        let mut heard = false;
        for (_, statement) in self.arrivals.between(from, upto).chain(late) {
            let concerns = self.arrivals.concerns(projector, statement);
            heard |= !concerns.heard.is_empty();
            for measure in concerns.measures {
                set(&mut dirty, measure, true);
            }
        }
        let dirty = |i: usize| anew || dirty.get(i) == Some(&true);
        let which = self.earlier.go(projector, &year, &self.arrivals.keys, dirty);
        let moved = which.contains(&true);
        // Scenarios drift with the months, and changes fade.
        let now = view.as_of.timestamp_micros();
        let changed = heard || self.fades <= now;
        let drifted = self.outside && (changed || self.drifts <= now);
        if moved || anew || drifted {
            // The months move scenarios alone; a change moves with its measure, with what is heard, and when it fades.
            let kept = (!anew && !changed).then_some((&self.kept, which.as_slice()));
            (self.levels, self.kept) = levels(projector, &year, &self.earlier, kept);
        }
        moved || anew || drifted
    }

    fn assess(&mut self, projector: &Projector, view: &View, dirt: &[i64], evaluated: &[bool]) -> Assessment {
        let mut core = Core::over(projector.framework(), (self.facts, self.head), self.now.evals.clone());
        let since = Since { keys: &self.arrivals.keys, dirt, evaluated };
        let found = self.shifts.read_on(projector, view, &core, &since);
        core.compose(Outside::new(projector, view, &core, Some(&found)));
        // A year on, and another for the view of the year before.
        let fades = found.fading().flat_map(|known| {
            [12, 24].map(|months| crossing(|at| shift_months(at, -months), known, months, self.now.at))
        });
        self.fades = fades.flatten().min().unwrap_or(i64::MAX);
        let framework = projector.framework();
        let by_month = !framework.scenarios.is_empty() || !framework.constraints.is_empty();
        let (first, at) = (window_start(self.now.at, 1), self.now.at);
        let drifts = if at == first { first.saturating_add(1) } else { shift_months(first, 1) };
        self.drifts = if by_month { drifts } else { i64::MAX };
        assemble(projector, view, &core, (&self.levels, &mut self.holds), found)
    }

    /// Counts the statements that stand of a statement's key.
    fn count(&mut self, projector: &Projector, view: &View, statement: u32) {
        let Some(obs) = projector.observation(statement) else { return };
        self.head = self.head.max(obs.seq);
        let (Some(last), Ok(account)) = (projector.last_of(obs), usize::try_from(obs.account)) else {
            return;
        };
        if self.standing.len() < projector.lasts().len() {
            self.standing.resize(projector.lasts().len(), 0);
        }
        let now = projector.standing(last, view);
        if let Some(before) = self.standing.get_mut(account) {
            self.facts = (self.facts + u64::from(now)).saturating_sub(u64::from(*before));
            *before = now;
        }
    }

    /// The earliest moment after `after` at which a step may show something else.
    pub(super) fn next(&self, projector: &Projector, view: &View, after: i64) -> Option<i64> {
        let tomorrow = midnight(after.saturating_add(1));
        let mut best: Option<i64> = None;
        let mut take = |at: i64| best = best.into_iter().chain([at]).min();
        let named = |at: i64, known: i64| if at == known { at } else { midnight(at) };
        let waiting = self.arrivals.waiting(projector);
        for obs in waiting {
            shows(obs, view)
                .filter(|at| *at > after)
                .into_iter()
                .for_each(|at| take(named(at, obs.known_in(view))));
        }
        let mut first: Option<i64> = None;
        for (at, statement) in self.arrivals.after(after) {
            if first.is_some_and(|first| at >= first) {
                break;
            }
            let known = projector.observation(statement).map_or(at, |o| o.known_in(view));
            first = first.into_iter().chain([named(at, known)]).min();
        }
        first.into_iter().for_each(&mut take);
        let met = waiting.is_empty()
            && after >= self.now.at
            && self.arrivals.between(self.now.at, after).next().is_none();
        if !met || self.anew {
            take(tomorrow);
            return best;
        }
        let time = self.now.until().min(self.shifts.until()).min(self.fades).min(self.drifts);
        if time < i64::MAX {
            take(if time > after { midnight(time) } else { tomorrow });
        }
        let year = self.arrivals.after(self.earlier.at).next().map_or(i64::MAX, |(at, _)| at);
        let year = year.min(self.earlier.until());
        if year < i64::MAX {
            take(a_year_after(year, after));
        }
        best
    }
}

fn levels(projector: &Projector, year: &View, lane: &Lane, kept: Option<(&Kept, &[bool])>) -> (Levels, Kept) {
    let mut core = Core::over(projector.framework(), (0, 0), lane.evals.clone());
    let outside = Outside::going_on(projector, year, &core, None, kept);
    let kept = outside.changes.clone();
    core.compose(outside);
    (core.into_levels(), kept)
}

/// Nothing but dates: those of the view, and of its trailing windows.
fn slide(last: &mut Assessment, lane: &Lane, view: &View) {
    last.as_of = rfc3339(view.as_of);
    last.known_by = rfc3339(view.known_by);
    for (state, eval) in last.indicators.iter_mut().chain(&mut last.measures).zip(&lane.evals) {
        if state.period != eval.state.period {
            state.period.clone_from(&eval.state.period);
        }
    }
}

fn set<T: Copy>(list: &mut [T], index: usize, value: T) {
    list.get_mut(index).into_iter().for_each(|slot| *slot = value);
}

fn lower(list: &mut [i64], index: usize, value: i64) {
    list.get_mut(index).into_iter().for_each(|slot| *slot = value.min(*slot));
}
