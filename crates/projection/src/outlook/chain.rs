//! The scenarios ahead: the posterior carried forward by the framework's transition matrix.

use bellwether_model::framework::Scenario;

use super::draw::Draw;
use crate::state::time::{shift_months, window_start};

/// Calendar quarters from a moment on: the steps of the transition. The first may be the rest of one.
#[derive(Clone, Debug)]
pub(crate) struct Quarters {
    pub(crate) from: i64,
    /// Ends, in time order.
    pub(crate) ends: Vec<i64>,
    /// How much of the first quarter is ahead, 0–1.
    pub(crate) first: f64,
}

impl Quarters {
    /// The quarters from `from` until one ends at or after `until`.
    pub(crate) fn new(from: i64, until: i64) -> Self {
        let start = window_start(from, 3);
        let mut end = shift_months(start, 3);
        let first = (end - from) as f64 / (end - start).max(1) as f64;
        let mut ends = vec![end];
        while end < until {
            let next = shift_months(end, 3);
            if next <= end {
                break;
            }
            end = next;
            ends.push(end);
        }
        Self { from, ends, first }
    }

    /// Part of the quarter at a position that is ahead.
    fn fraction(&self, at: usize) -> f64 {
        if at == 0 { self.first } else { 1.0 }
    }
}

/// The transition matrix of a framework, its rows scaled to add to 1 exactly.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) ids: Vec<String>,
    rows: Vec<Vec<f64>>,
}

impl Chain {
    pub(crate) fn new(scenarios: &[Scenario]) -> Self {
        let ids: Vec<String> = scenarios.iter().map(|s| s.id.clone()).collect();
        let rows = scenarios
            .iter()
            .map(|s| {
                let row: Vec<f64> =
                    ids.iter().map(|id| s.transition.get(id).copied().unwrap_or_default()).collect();
                let total: f64 = row.iter().sum();
                row.iter().map(|p| p / total).collect()
            })
            .collect();
        Self { ids, rows }
    }

    /// Probabilities after part of a quarter: who leaves does so at any moment of it with equal chance.
    pub(crate) fn step(&self, p: &[f64], fraction: f64) -> Vec<f64> {
        let mut next: Vec<f64> = p.iter().map(|p| p * (1.0 - fraction)).collect();
        for (p, row) in p.iter().zip(&self.rows) {
            for (next, t) in next.iter_mut().zip(row) {
                *next += fraction * p * t;
            }
        }
        next
    }

    /// Probabilities at the end of each quarter.
    pub(crate) fn ahead(&self, now: &[f64], quarters: &Quarters) -> Vec<Vec<f64>> {
        let mut p = now.to_vec();
        (0..quarters.ends.len())
            .map(|at| {
                p = self.step(&p, quarters.fraction(at));
                p.clone()
            })
            .collect()
    }

    /// One possible course: the scenario during each quarter, from the one that holds now.
    pub(crate) fn course(&self, now: &[f64], quarters: &Quarters, draw: &mut Draw) -> Vec<u8> {
        let mut state = draw.pick(now.iter().copied());
        (0..quarters.ends.len())
            .map(|at| {
                let during = state;
                let fraction = quarters.fraction(at);
                if let Some(row) = self.rows.get(state) {
                    let stay = 1.0 - fraction;
                    let own = state;
                    state = draw.pick(
                        row.iter().enumerate().map(|(k, t)| fraction * t + if k == own { stay } else { 0.0 }),
                    );
                }
                u8::try_from(during).unwrap_or(u8::MAX)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain() -> Chain {
        Chain { ids: vec!["a".into(), "b".into()], rows: vec![vec![0.9, 0.1], vec![0.3, 0.7]] }
    }

    fn micros(text: &str) -> i64 {
        bellwether_model::parse_moment(text).unwrap().timestamp_micros()
    }

    #[test]
    fn whole_quarters_are_powers_of_the_matrix() {
        let q = Quarters::new(micros("2026-01-01"), micros("2027-01-01"));
        assert_eq!((q.ends.len(), q.first), (4, 1.0));
        let ahead = chain().ahead(&[1.0, 0.0], &q);
        // T^n of a two-state chain: π + (1 − a − b)^n (1 − π), π = b / (a + b).
        for (n, p) in ahead.iter().enumerate() {
            let want = 0.75 + 0.25 * libm::pow(0.6, n as f64 + 1.0);
            assert!((p[0] - want).abs() < 1e-12 && (p[0] + p[1] - 1.0).abs() < 1e-12, "{n}: {p:?}");
        }
    }

    #[test]
    fn part_of_a_quarter_moves_in_part() {
        let q = Quarters::new(micros("2026-02-15"), micros("2026-04-01"));
        assert_eq!(q.first, 0.5);
        let p = chain().ahead(&[1.0, 0.0], &q);
        assert!((p[0][1] - 0.05).abs() < 1e-12);
    }

    #[test]
    fn courses_follow_the_matrix() {
        let q = Quarters::new(micros("2026-02-15"), micros("2028-01-01"));
        let (c, now) = (chain(), [0.4, 0.6]);
        let mut draw = Draw::named("courses");
        let courses: Vec<Vec<u8>> = (0..20_000).map(|_| c.course(&now, &q, &mut draw)).collect();
        let want = c.ahead(&now, &q);
        for at in 1..q.ends.len() {
            let share = courses.iter().filter(|c| c[at] == 0).count() as f64 / 20_000.0;
            assert!((share - want[at - 1][0]).abs() < 0.012, "{at}: {share} {:?}", want[at - 1]);
        }
    }
}
