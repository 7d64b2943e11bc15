//! What a measure showed at each moment, as it became known: what conditions and bounds are walked over.

use std::collections::BTreeSet;

use bellwether_model::View;
use bellwether_model::framework::{As, Baseline, Measure};
use chrono::NaiveTime;

use super::knowledge::{WALK_MOMENTS, WALK_STATEMENTS, time};
use super::measure::{MeasureEval, evaluate};
use super::scenario::{Setting, SignalReading};
use super::series::Source;
use super::strength::{Strength, of_measure};
use super::time::{DAY, shift_months, window_start};
use crate::fold::Projector;

/// Statements times months beyond which a measure is not walked at all.
const GRID_COST: usize = 2_000_000;

/// One measure at one moment, which lasts until the next.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) at: i64,
    /// What a condition reads; nothing of it once it is stale.
    pub(crate) row: Row,
    /// Value or floor, stale or not.
    pub(crate) shown: Option<f64>,
    pub(crate) floor: bool,
    /// Period of the value.
    pub(crate) period: Option<(i64, i64)>,
    pub(crate) seqs: Vec<u64>,
    /// What it gives to its domain.
    pub(crate) strength: Strength,
}

/// What a condition reads of a measure.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Row {
    pub(crate) value: Option<f64>,
    pub(crate) at_least: Option<f64>,
    pub(crate) distance: Option<f64>,
    pub(crate) change: Option<f64>,
}

impl Row {
    pub(crate) fn of(eval: &MeasureEval) -> Self {
        if !eval.fresh() {
            return Self::default();
        }
        let s = &eval.state;
        Self { value: s.value, at_least: s.at_least, distance: s.distance, change: s.change_on_year }
    }
}

/// The past of a view's measures.
pub(crate) struct Past<'a> {
    projector: &'a Projector,
    view: &'a View,
    measures: Vec<&'a Measure>,
    keys: &'a [Vec<u32>],
}

impl<'a> Past<'a> {
    /// `keys` are those of [`Projector::keys_by_measure`].
    pub(crate) fn new(projector: &'a Projector, view: &'a View, keys: &'a [Vec<u32>]) -> Self {
        Self { projector, view, measures: projector.index.framework.all_measures().collect(), keys }
    }

    /// The view's world date.
    pub(crate) fn end(&self) -> i64 {
        self.view.as_of.timestamp_micros()
    }

    /// The last moment at which anything can become known or happen in the view.
    pub(crate) fn last(&self) -> i64 {
        self.end().min(self.view.known_by.timestamp_micros())
    }

    /// Readings of a signal for the scenarios, as the world stood at one moment and was known at another.
    pub(crate) fn signal_readings(
        &self,
        setting: &Setting<'_>,
        signal: usize,
        of: &str,
        (as_of, known): (i64, i64),
    ) -> Vec<SignalReading> {
        let Some(index) = self.measures.iter().position(|m| m.id == of) else { return Vec::new() };
        let (Some(eval), Some(measure)) = (self.eval(index, as_of, known), self.measures.get(index)) else {
            return Vec::new();
        };
        setting.readings(self.projector, signal, (&eval, measure), as_of)
    }

    /// A measure as it stood in the world before `as_of`, as far as was known at `known`; neither goes past the view.
    pub(crate) fn eval(&self, index: usize, as_of: i64, known: i64) -> Option<MeasureEval> {
        let (measure, keys) = (*self.measures.get(index)?, self.keys.get(index)?);
        let view = View {
            as_of: time(as_of).min(self.view.as_of),
            known_by: time(known.saturating_add(1)).min(self.view.known_by),
            ..*self.view
        };
        let resolved = self.projector.resolve_some(keys, &view);
        let source = Source { projector: self.projector, resolved: &resolved, view: &view, measure, index };
        Some(evaluate(&source, &self.projector.index.framework.rules))
    }

    /// A reading at one moment.
    pub(crate) fn reading(&self, index: usize, as_of: i64, known: i64) -> Option<Reading> {
        let eval = self.eval(index, as_of, known)?;
        let measure = self.measures.get(index)?;
        Some(Reading {
            at: known,
            row: Row::of(&eval),
            shown: eval.reading,
            floor: eval.lower,
            period: eval.series.headline().map(|p| (p.start, p.end)),
            strength: of_measure(&eval, measure, As::Distance),
            seqs: eval.state.evidence,
        })
    }

    /// Readings at every moment at which the measure can change, in order.
    ///
    /// What is stated changes it the moment it is known; what time alone does (a window slides, a value ages) is
    /// looked at from the next midnight on. Beyond the limits of [`walk`](super::knowledge::walk) the measure is
    /// looked at on the first of each month only, so that a flag comes up to a month late; a measure whose statements
    /// times months exceed two million is not walked: `None`, and nothing is flagged that rests on it.
    pub(crate) fn readings(&self, index: usize) -> Option<Vec<Reading>> {
        let moments = self.moments(index)?;
        Some(moments.into_iter().filter_map(|at| self.reading(index, at, at)).collect())
    }

    fn moments(&self, index: usize) -> Option<Vec<i64>> {
        let (measure, keys) = (*self.measures.get(index)?, self.keys.get(index)?);
        let mut stated: Vec<Stated> = Vec::new();
        let mut chain = Vec::new();
        for last in keys {
            self.projector.chain(*last, self.view, &mut chain);
            stated.extend(chain.iter().filter_map(|at| self.projector.observation(*at)).map(|o| Stated {
                known: o.known_in(self.view).max(o.counts_from),
                start: o.start,
                end: o.end,
            }));
        }
        if stated.len() <= WALK_STATEMENTS {
            let moments = self.changes(measure, &stated);
            if moments.len() <= WALK_MOMENTS {
                return Some(moments.into_iter().collect());
            }
        }
        self.grid(&stated)
    }

    fn changes(&self, measure: &Measure, stated: &[Stated]) -> BTreeSet<i64> {
        let mut moments: BTreeSet<i64> = stated.iter().map(|s| s.known).collect();
        let as_of = self.view.as_of.timestamp_micros();
        let mut later = |at: i64| {
            if at <= as_of && !stated.is_empty() {
                moments.insert(at);
            }
        };
        let windowed = measure.formula.windowed();
        let age = i64::from(measure.stale_days) * DAY;
        let since = |s: &Stated| if windowed { s.start } else { s.end };
        for s in stated {
            // It ages unless something newer was known by then.
            let stale = since(s).saturating_add(age);
            if !stated.iter().any(|o| since(o) > since(s) && o.known <= stale) {
                later(midnight(stale.saturating_add(1)));
            }
        }
        let Some(months) = measure.cadence.months().filter(|_| windowed) else { return moments };
        let months = i32::try_from(months).unwrap_or(12);
        for s in stated {
            // Out of the window, into the window a year earlier, and out of that.
            [months, 12, 12 + months].into_iter().for_each(|m| later(leaves(s.start, m)));
        }
        for (known, start, end) in
            self.projector.coverage_of(measure.reads().map(|r| r.kind.as_str()), self.view)
        {
            later(known);
            later(leaves(start.saturating_sub(1), months));
            later(leaves(start.saturating_sub(1), 12 + months));
            later(midnight(end.saturating_add(1)));
            later(leaves(end, 12));
        }
        // Whole windows are read by the baseline alone.
        if let Baseline::Window { to, .. } =
            measure.baseline.as_ref().unwrap_or(&self.projector.index.framework.rules.baseline)
        {
            let last = to.and_time(NaiveTime::MIN).and_utc().timestamp_micros().min(as_of);
            let first = stated.iter().map(|s| s.start).min().unwrap_or(i64::MAX);
            let mut end = shift_months(window_start(first, months.unsigned_abs()), months);
            while end <= last && moments.len() <= WALK_MOMENTS {
                moments.insert(end);
                end = shift_months(end, months);
            }
        }
        moments
    }

    /// Firsts of the months since anything was known.
    fn grid(&self, stated: &[Stated]) -> Option<Vec<i64>> {
        let (first, newest) = (stated.iter().map(|s| s.known).min()?, stated.iter().map(|s| s.known).max()?);
        let last = newest.max(self.view.as_of.timestamp_micros()).min(self.view.known_by.timestamp_micros());
        let mut moments = Vec::new();
        let mut at = shift_months(window_start(first, 1), 1);
        while at <= last {
            moments.push(at);
            let next = shift_months(at, 1);
            if next <= at || moments.len() * stated.len() > GRID_COST {
                return None;
            }
            at = next;
        }
        Some(moments)
    }
}

/// A statement of a key that the measure reads.
struct Stated {
    known: i64,
    start: i64,
    end: i64,
}

/// The first midnight not before.
fn midnight(micros: i64) -> i64 {
    micros.saturating_add(DAY - 1).div_euclid(DAY).saturating_mul(DAY)
}

/// The first midnight from which a window of so many months leaves out what started at `start`.
fn leaves(start: i64, months: i32) -> i64 {
    let mut at = midnight(shift_months(start, months).saturating_add(1));
    // Months have ends of their own: at most three days are missing.
    for _ in 0..3 {
        if shift_months(at, -months) > start {
            break;
        }
        at = at.saturating_add(DAY);
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> i64 {
        bellwether_model::parse_moment(text).unwrap().timestamp_micros()
    }

    #[test]
    fn a_window_leaves_a_day_out_at_the_first_midnight_that_it_does_not_reach() {
        for (start, months, left) in [
            ("2022-03-10", 12, "2023-03-11"),
            ("2022-03-10T08:00:00Z", 12, "2023-03-11"),
            ("2023-01-31", 1, "2023-03-01"),
            ("2024-02-29", 12, "2025-03-01"),
        ] {
            let at = leaves(micros(start), months);
            assert_eq!(at, micros(left), "{start} + {months}");
            assert!(shift_months(at, -months) > micros(start));
            assert!(shift_months(at - DAY, -months) <= micros(start));
        }
    }
}
