//! The scenarios ahead: what the filter itself would say if nothing more were read.

use bellwether_model::framework::Scenario;

use super::draw::Draw;
use crate::scenario::{Seen, filter};
use crate::state::Setting;
use crate::state::time::{shift_months, window_start};

/// Calendar quarters from a moment on. The first may be the rest of one.
#[derive(Clone, Debug)]
pub(crate) struct Quarters {
    pub(crate) from: i64,
    /// Ends, in time order.
    pub(crate) ends: Vec<i64>,
}

impl Quarters {
    /// The quarters from `from` until one ends at or after `until`.
    pub(crate) fn new(from: i64, until: i64) -> Self {
        let mut end = shift_months(window_start(from, 3), 3);
        let mut ends = vec![end];
        while end < until {
            let next = shift_months(end, 3);
            if next <= end {
                break;
            }
            end = next;
            ends.push(end);
        }
        Self { from, ends }
    }
}

/// Chances to go from each scenario (row) to each (column).
type Rows = Vec<Vec<f64>>;

/// The filter of a view carried forward without news. All in framework order.
pub(crate) struct Chain<'a> {
    pub(crate) ids: Vec<String>,
    /// Probabilities in the view.
    pub(crate) now: Vec<f64>,
    /// Probabilities at the end of each quarter.
    pub(crate) ahead: Vec<Vec<f64>>,
    /// What each quarter does to a path.
    steps: Vec<Rows>,
    setting: Option<Setting<'a>>,
    /// What the view has read.
    seen: Vec<Seen>,
}

impl<'a> Chain<'a> {
    /// `setting` is `None` for a framework without scenarios; `now` has the probabilities of the view.
    pub(crate) fn new(
        scenarios: &[Scenario],
        setting: Option<Setting<'a>>,
        mut seen: Vec<Seen>,
        now: Vec<f64>,
        quarters: &Quarters,
    ) -> Self {
        let ids: Vec<String> = scenarios.iter().map(|s| s.id.clone()).collect();
        let until = setting.as_ref().and_then(|s| s.moment(quarters.from));
        seen.retain(|s| until.is_some_and(|until| s.quarter <= until.quarter));
        let mut chain = Self { ids, now, ahead: Vec::new(), steps: Vec::new(), setting, seen };
        let (ahead, steps) = chain.carried(scenarios, quarters);
        (chain.ahead, chain.steps) = (ahead, steps);
        chain
    }

    fn carried(&self, scenarios: &[Scenario], quarters: &Quarters) -> (Vec<Vec<f64>>, Vec<Rows>) {
        let Some(setting) = &self.setting else {
            return (vec![self.now.clone(); quarters.ends.len()], vec![Rows::new(); quarters.ends.len()]);
        };
        let until = setting.moment(quarters.from);
        let last = quarters.ends.last().and_then(|end| setting.moment(*end));
        let path = filter(&setting.model, &self.seen, last).quarters;
        let at_end = |quarter: u32| {
            let at = usize::try_from(quarter).ok().and_then(|at| path.get(at));
            at.map_or_else(|| self.now.clone(), |q| self.ordered(&q.posterior))
        };
        let rows: Rows = scenarios.iter().map(|s| transition(s, &self.ids)).collect();
        let stay = || (0..self.ids.len()).map(|k| certain(k, self.ids.len())).collect::<Rows>();
        let each = quarters.ends.iter().map(|end| match (setting.moment(*end), until) {
            // The record has not begun: nothing drifts yet.
            (None, _) => (self.now.clone(), stay()),
            (Some(at), Some(until)) if at.quarter == until.quarter => {
                let before = at.quarter.checked_sub(1).and_then(|q| usize::try_from(q).ok());
                let start = before.and_then(|q| path.get(q));
                let start = start.map_or(&setting.model.prior, |q| &q.posterior);
                let drifted = self.ordered(&setting.model.drift(start, 1.0));
                let start = self.ordered(start);
                let end = at_end(at.quarter);
                let step = rest(&rows, until.share, [&start, &drifted], &self.now, &end);
                (end, step)
            }
            (Some(at), _) => (at_end(at.quarter), rows.clone()),
        });
        each.unzip()
    }

    /// Probabilities at a moment after the view, as the filter would have them if nothing more were read.
    pub(crate) fn at(&self, micros: i64) -> Vec<f64> {
        match self.setting.as_ref().and_then(|s| Some((s, s.moment(micros)?))) {
            Some((s, at)) => self.ordered(&filter(&s.model, &self.seen, Some(at)).posterior),
            None => self.now.clone(),
        }
    }

    /// From the filter's order to the framework's.
    fn ordered(&self, p: &[f64]) -> Vec<f64> {
        let of = |id: &String| {
            let at = self.setting.as_ref()?.scenarios.iter().position(|s| s.id == *id)?;
            p.get(at).copied()
        };
        self.ids.iter().map(|id| of(id).unwrap_or_default()).collect()
    }

    /// One possible course: the scenario during each quarter, from the one that holds now.
    pub(crate) fn course(&self, draw: &mut Draw) -> Vec<u8> {
        course(&self.now, &self.steps, draw)
    }
}

fn course(now: &[f64], steps: &[Rows], draw: &mut Draw) -> Vec<u8> {
    let mut state = draw.pick(now.iter().copied());
    let each = steps.iter().map(|rows| {
        let during = state;
        if let Some(row) = rows.get(state) {
            state = draw.pick(row.iter().copied());
        }
        u8::try_from(during).unwrap_or(u8::MAX)
    });
    each.collect()
}

/// A scenario's row of the transition matrix, scaled to add to 1 exactly.
fn transition(scenario: &Scenario, ids: &[String]) -> Vec<f64> {
    let row: Vec<f64> =
        ids.iter().map(|id| scenario.transition.get(id).copied().unwrap_or_default()).collect();
    let total: f64 = row.iter().sum();
    row.iter().map(|p| p / total).collect()
}

fn certain(k: usize, of: usize) -> Vec<f64> {
    (0..of).map(|j| if j == k { 1.0 } else { 0.0 }).collect()
}

/// What the rest of a quarter does to a path, of which `share` has drifted: `start` and `drifted` are the probabilities at
/// its beginning and, by the transition alone, at its end. A path that has drifted already stays, one that has not takes
/// the whole step; what readings make of the end beyond that moves as few paths as can be. So `now` becomes `end`.
fn rest(rows: &Rows, share: f64, [start, drifted]: [&[f64]; 2], now: &[f64], end: &[f64]) -> Rows {
    let n = now.len();
    let plain: Rows = (0..n)
        .map(|k| {
            let of = |p: &[f64]| p.get(k).copied().unwrap_or_default();
            let (moved, waits) = (share * of(drifted), (1.0 - share) * of(start));
            let done = if moved + waits > 0.0 { moved / (moved + waits) } else { share };
            let row = rows.get(k).cloned().unwrap_or_default();
            certain(k, n).iter().zip(row).map(|(own, t)| done * own + (1.0 - done) * t).collect()
        })
        .collect();
    let reached = stepped(now, &plain);
    let lacks: Vec<f64> = end.iter().zip(&reached).map(|(end, p)| (end - p).max(0.0)).collect();
    let total: f64 = lacks.iter().sum();
    let keeps: Vec<f64> =
        end.iter().zip(&reached).map(|(end, p)| if *p > *end { end / p } else { 1.0 }).collect();
    let mended = |row: &Vec<f64>| -> Vec<f64> {
        let leaves: f64 = row.iter().zip(&keeps).map(|(p, keep)| p * (1.0 - keep)).sum();
        let gains = lacks.iter().map(|lack| if total > 0.0 { leaves * lack / total } else { 0.0 });
        row.iter().zip(&keeps).zip(gains).map(|((p, keep), gain)| p * keep + gain).collect()
    };
    plain.iter().map(mended).collect()
}

/// Probabilities after a step.
fn stepped(p: &[f64], rows: &Rows) -> Vec<f64> {
    let mut next = vec![0.0; p.len()];
    for (p, row) in p.iter().zip(rows) {
        for (next, t) in next.iter_mut().zip(row) {
            *next += p * t;
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Rows {
        vec![vec![0.9, 0.1], vec![0.3, 0.7]]
    }

    fn near(a: &[f64], b: &[f64]) {
        assert!(a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12), "{a:?} {b:?}");
    }

    #[test]
    fn quarters_end_where_the_calendar_does() {
        let micros = |text: &str| bellwether_model::parse_moment(text).unwrap().timestamp_micros();
        let ends = |from, until| Quarters::new(micros(from), micros(until)).ends;
        assert_eq!(ends("2026-02-15", "2026-04-01"), [micros("2026-04-01")]);
        assert_eq!(ends("2026-01-01", "2026-06-02"), [micros("2026-04-01"), micros("2026-07-01")]);
    }

    #[test]
    fn the_rest_of_a_quarter_ends_where_the_filter_does() {
        let start = [0.4, 0.6];
        let drifted = stepped(&start, &rows());
        for share in [0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0] {
            let now: Vec<f64> = start.iter().zip(&drifted).map(|(a, b)| a + share * (b - a)).collect();
            // Without a reading nothing has to be mended; with one, paths move to where it puts the end.
            for (now, end) in [(now.clone(), drifted.clone()), (vec![0.8, 0.2], vec![0.85, 0.15])] {
                let step = rest(&rows(), share, [&start, &drifted], &now, &end);
                near(&stepped(&now, &step), &end);
                for row in &step {
                    assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12 && row.iter().all(|p| *p >= 0.0));
                }
            }
        }
        near(&rest(&rows(), 1.0, [&start, &drifted], &drifted, &drifted)[0], &[1.0, 0.0]);
        near(&rest(&rows(), 0.0, [&start, &drifted], &start, &drifted)[0], &rows()[0]);
    }

    #[test]
    fn courses_follow_the_steps() {
        let (now, steps) = ([0.4, 0.6], vec![rows(); 7]);
        let mut draw = Draw::named("courses");
        let courses: Vec<Vec<u8>> = (0..20_000).map(|_| course(&now, &steps, &mut draw)).collect();
        let mut want = now.to_vec();
        for at in 0..steps.len() {
            let share = courses.iter().filter(|c| c[at] == 0).count() as f64 / 20_000.0;
            assert!((share - want[0]).abs() < 0.012, "{at}: {share} {want:?}");
            want = stepped(&want, &steps[at]);
        }
    }
}
