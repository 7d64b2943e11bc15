//! The series of a measure as it became known, step by step: what an observer would have seen at each moment.

use std::collections::BTreeSet;

use bellwether_model::View;
use bellwether_model::framework::Measure;
use chrono::{DateTime, Utc};

use super::listening::Listening;
use super::series::{Point, Source};
use super::time::{shift_months, window_start};
use crate::fold::Projector;

/// Statements and moments beyond which a series is read as it stands and not as it became known: walking costs
/// their product.
pub(crate) const WALK_STATEMENTS: usize = 600;
pub(crate) const WALK_MOMENTS: usize = 900;

/// What tells two states of a point apart: period, value to the bit, floor, restated.
type Shown = (i64, i64, u64, bool, bool);

/// A walk through the knowledge of one measure, as far as it went.
#[derive(Default)]
pub(crate) struct Walk {
    moments: Vec<i64>,
    /// What the feeds had heard at the last of them.
    stage: usize,
    shown: Option<(usize, Vec<Shown>)>,
}

impl Walk {
    /// Whether the walk can go on over `moments`: they begin with those walked, and nothing that became known since
    /// (`dirt`, the earliest moment of it) concerns those.
    pub(crate) fn goes_on(&self, moments: &[i64], dirt: i64, listening: &Listening<'_>) -> bool {
        let Some(last) = self.moments.last() else { return true };
        dirt > *last && moments.starts_with(&self.moments) && listening.stage(*last) == self.stage
    }

    /// Walks on and hands out the points of the measure whenever they change, or what its feeds have heard:
    /// `(moment, points)`. `keys` are the keys that the measure reads.
    pub(crate) fn go(
        &mut self,
        projector: &Projector,
        view: &View,
        (index, measure): (usize, &Measure),
        keys: &[u32],
        (moments, listening): (Vec<i64>, &Listening<'_>),
        mut each: impl FnMut(i64, &[Point]),
    ) {
        for at in moments.iter().skip(self.moments.len()).copied() {
            // A period may end after the last thing that the view knows: neither date goes past the view's own.
            let (as_of, known_by) = (time(at).min(view.as_of), time(at.saturating_add(1)).min(view.known_by));
            let then = View { as_of, known_by, ..*view };
            let resolved = projector.resolve_some(keys, &then);
            let source = Source { projector, resolved: &resolved, view: &then, measure, index, ahead: false };
            // Freshness does not choose the series here: a detector stays on the primary one as long as it has facts.
            let points = source.series(|_| true).points;
            let seen =
                points.iter().map(|p| (p.start, p.end, p.value.to_bits(), p.lower, p.restated)).collect();
            let seen = (listening.stage(at), seen);
            if self.shown.as_ref() != Some(&seen) {
                each(at, &points);
                self.shown = Some(seen);
            }
        }
        self.stage = moments.last().map_or(0, |last| listening.stage(*last));
        self.moments = moments;
    }
}

/// Moments at which the series can change, in order; `None` when there are too many to walk.
pub(crate) fn moments(
    projector: &Projector,
    view: &View,
    measure: &Measure,
    keys: &[u32],
    listening: &Listening<'_>,
) -> Option<Vec<i64>> {
    let mut moments: BTreeSet<i64> = BTreeSet::new();
    let (mut chain, mut statements, mut first) = (Vec::new(), 0, i64::MAX);
    for last in keys {
        projector.chain(*last, view, &mut chain);
        statements += chain.len();
        if statements > WALK_STATEMENTS {
            return None;
        }
        for obs in chain.iter().filter_map(|at| projector.observation(*at)) {
            moments.insert(obs.known_in(view).max(obs.counts_from));
            first = first.min(obs.start);
        }
    }
    if measure.formula.windowed() && statements > 0 {
        moments.extend(projector.coverage_times(view));
        moments.extend(listening.moments().iter().filter(|at| **at >= first));
        // A window is complete when it ends, whether or not anything is stated that day.
        let months = measure.cadence.months()?;
        let as_of = view.as_of.timestamp_micros();
        let step = i32::try_from(months).ok()?;
        let mut end = shift_months(window_start(first, months), step);
        while end <= as_of && moments.len() <= WALK_MOMENTS {
            moments.insert(end);
            let next = shift_months(end, step);
            if next <= end {
                break;
            }
            end = next;
        }
    }
    (moments.len() <= WALK_MOMENTS).then(|| moments.into_iter().collect())
}

pub(crate) fn time(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
