//! The chance that a bound of the envelope is crossed in the years ahead, whichever scenario holds and given each.
//!
//! Read off the same simulated paths as the fans: each knows the course of its scenarios. A share of paths is never 0 and
//! never 1, (k + ½) / (n + 1) (Krichevsky and Trofimov, 1981). A bound whose measure has no model gets no chance, and
//! the reason why.

use bellwether_model::framework::{Constraint, Limit};
use chrono::Datelike;
use serde::{Deserialize, Serialize};

use super::model::Law;
use super::{Outlook, year_end};
use crate::state::{given, time::window_start, words};

/// Fewest paths in a scenario at a date that give a chance in it.
const PATHS_OF_ONE: usize = 50;

/// A probability with its words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chance {
    /// Never 0 and never 1.
    pub probability: f64,
    /// ICD 203 words; `null` where the figures are floors: the chance is a lower bound, and no words say "at least".
    pub words: Option<String>,
}

/// A bound of the envelope in the years ahead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoundAhead {
    /// Constraint.
    pub id: String,
    /// Measure that it bounds.
    pub of: String,
    /// Unit of the measure.
    pub unit: String,
    /// The bound.
    pub bound: f64,
    /// It is an upper one.
    pub maximum: bool,
    /// Whether it is crossed now; `null` when not known.
    pub breached: Option<bool>,
    /// The figures are floors: the chances are of what will be recorded, at least.
    pub floor: bool,
    /// Why there is no chance; `null` where there is one.
    pub reason: Option<String>,
    /// Year ends that are not known yet; `null` without a model.
    pub year_ends: Option<Vec<BoundYear>>,
}

/// A bound at the end of a year.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoundYear {
    /// Year.
    pub year: i32,
    /// Crossed by the figure of that year end.
    pub at: Chance,
    /// Crossed by that of some period end after the view, up to it.
    pub ever: Chance,
    /// The same given each scenario in the last quarter of the year, in framework order.
    pub given: Vec<BoundGiven>,
}

/// A bound at the end of a year in one scenario; `null` where too few paths are in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoundGiven {
    /// Scenario.
    pub id: String,
    /// Crossed at the year end.
    pub at: Option<Chance>,
    /// Crossed at some period end up to it.
    pub ever: Option<Chance>,
}

/// The balance at the end of a year, every figure as it stands and the scenarios as probable as they will be then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BalanceYear {
    /// Year.
    pub year: i32,
    /// Σ points; `null` under the least coverage.
    pub value: Option<f64>,
}

impl Outlook<'_> {
    /// The bounds of the envelope up to `horizon`, in framework order.
    pub fn bounds(&self, horizon: i32) -> Vec<BoundAhead> {
        let rows = self.core.framework.constraints.iter().zip(&self.core.constraints);
        rows.map(|(row, state)| {
            let unit = self.core.measure(&row.of).map(|(_, m)| m.unit.clone()).unwrap_or_default();
            let mut out = BoundAhead {
                id: row.id.clone(),
                of: row.of.clone(),
                unit,
                bound: state.bound,
                maximum: state.maximum,
                breached: state.breached(),
                floor: false,
                reason: None,
                year_ends: None,
            };
            match self.crossings(row, horizon) {
                Ok((floor, years)) => (out.floor, out.year_ends) = (floor, Some(years)),
                Err(reason) => out.reason = Some(reason),
            }
            out
        })
        .collect()
    }

    fn crossings(&self, row: &Constraint, horizon: i32) -> Result<(bool, Vec<BoundYear>), String> {
        let fitted = self.fit(&row.of).map_err(|refusal| refusal.reason)?;
        let floor = fitted.note.floor;
        let beyond: Box<dyn Fn(f64) -> bool> = match row.bound {
            Limit { max: Some(max), .. } => Box::new(move |v| v > max),
            Limit { min: Some(_), .. } if floor => {
                return Err(
                    "only floors are known, and a floor cannot show that a minimum is crossed".to_owned()
                );
            }
            Limit { min: Some(min), .. } => Box::new(move |v| v < min),
            Limit { .. } => return Err("it has no bound".to_owned()),
        };
        let from = self.quarters().from;
        let years: Vec<(i32, i64)> = (self.view.as_of.year()..=horizon.min(self.last_year()))
            .filter_map(|year| Some((year, year_end(year)?)))
            .filter(|(_, end)| match fitted.law {
                Law::Walk(_) => window_start(*end, fitted.months) > fitted.last.0,
                _ => *end > from,
            })
            .collect();
        let ends: Vec<i64> = years.iter().map(|y| y.1).collect();
        let paths = self.paths(&row.of, &fitted, &ends);
        let years = years.iter().zip(paths).map(|((year, end), [at, high, low])| {
            let extreme = if row.bound.max.is_some() { high } else { low };
            let crossed = |list: &[f64]| list.iter().map(|v| beyond(*v)).collect::<Vec<bool>>();
            self.bound_year((*year, *end), floor, &crossed(&at), &crossed(&extreme))
        });
        Ok((floor, years.collect()))
    }

    fn bound_year(&self, (year, end): (i32, i64), floor: bool, at: &[bool], ever: &[bool]) -> BoundYear {
        let quarter = self.quarters().ends.partition_point(|e| *e < end);
        let held: Vec<usize> = self.courses.during(Some(quarter)).collect();
        let given = self.chain.ids.iter().enumerate().map(|(scenario, id)| {
            let within = |crossed: &[bool]| {
                let of = held.iter().zip(crossed).filter(|(held, _)| **held == scenario);
                let (k, n) = count(of.map(|(_, crossed)| *crossed));
                (n >= PATHS_OF_ONE).then(|| chance(k, n, floor))
            };
            BoundGiven { id: id.clone(), at: within(at), ever: within(ever) }
        });
        let of = |crossed: &[bool]| {
            let (k, n) = count(crossed.iter().copied());
            chance(k, n, floor)
        };
        BoundYear { year, at: of(at), ever: of(ever), given: given.collect() }
    }

    /// The balance at the end of each year up to `horizon`, by how probable the scenarios will be; empty where no part of
    /// it reads them.
    pub fn balance_ahead(&self, horizon: i32) -> Vec<BalanceYear> {
        if self.core.framework.balance.is_none() || self.core.outside().scenarios.is_empty() {
            return Vec::new();
        }
        let years = self.year_ends(horizon).into_iter();
        years
            .map(|end| {
                let of = |id: &str| end.scenarios.iter().find(|s| s.id == id).map_or(0.0, |s| s.probability);
                BalanceYear { year: end.year, value: given(&self.core, of) }
            })
            .collect()
    }
}

fn count(crossed: impl Iterator<Item = bool>) -> (usize, usize) {
    crossed.fold((0, 0), |(k, n), crossed| (k + usize::from(crossed), n + 1))
}

/// k of n paths, of a figure or of a floor of it.
fn chance(k: usize, n: usize, floor: bool) -> Chance {
    let probability = (k as f64 + 0.5) / (n as f64 + 1.0);
    Chance { probability, words: (!floor).then(|| words(probability).to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_paths_is_never_certain() {
        assert_eq!(count([true, false, true].into_iter()), (2, 3));
        let of = |k, floor| chance(k, 99, floor);
        assert_eq!((of(0, false).probability, of(99, true).probability), (0.005, 0.995));
        assert_eq!(of(0, false).words.as_deref(), Some("almost no chance"));
        assert_eq!(of(0, true).words, None, "at least 0.5 % may be anything");
    }
}
