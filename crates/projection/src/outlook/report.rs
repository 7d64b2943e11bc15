//! Everything about the scenarios of a view in one answer.

use bellwether_model::{Problem, View};
use chrono::Datelike;
use serde::{Deserialize, Serialize};

use super::{BalanceYear, BoundAhead, Fan, Refusal, Signpost, YearEnd, last_year};
use crate::assessment::{BalanceState, ScenarioState};
use crate::fold::Projector;
use crate::state::balance_state;
use crate::state::time::rfc3339;
use crate::{Diagnosticity, Sensitivity};

/// The scenarios: as weighed, as carried forward, and what would change them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenarios {
    /// World time of the view, exclusive bound, RFC 3339.
    pub as_of: String,
    /// Known time of the view, exclusive bound, RFC 3339.
    pub known_by: String,
    /// Last year shown.
    pub horizon: i32,
    /// Simulated paths behind each fan.
    pub paths: usize,
    /// In framework order, as in an assessment.
    pub scenarios: Vec<ScenarioState>,
    /// How well even the best scenario explains what was seen, 0–1.
    pub fit: Option<f64>,
    /// Readings that the fit rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fit_readings: Option<usize>,
    /// Probabilities at the end of each year, as the filter would have them if nothing more were read.
    pub year_ends: Vec<YearEnd>,
    /// What would make each scenario the most probable.
    pub signposts: Vec<Signpost>,
    /// What the next reading of each signal could tell, the most telling first.
    pub diagnosticity: Vec<Diagnosticity>,
    /// The balance, with what would turn it.
    pub balance: Option<BalanceState>,
    /// The balance at the end of each year, every figure as it stands.
    #[serde(default)]
    pub balance_ahead: Vec<BalanceYear>,
    /// The chance that the bounds of the envelope are crossed.
    #[serde(default)]
    pub bounds: Vec<BoundAhead>,
    /// Indicators in the years ahead.
    pub fans: Vec<Fan>,
    /// Indicators without a model, and why.
    pub refused: Vec<Refusal>,
    /// Which judgements the probabilities and the balance hang on; absent unless asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<Sensitivity>,
}

/// Paths that may be asked for.
pub const PATHS: std::ops::RangeInclusive<usize> = 100..=100_000;
/// Paths where nobody asks.
pub const USUAL_PATHS: usize = 10_000;
/// Paths times calendar quarters that an outlook may simulate: what it holds in memory grows with both.
const MOST: usize = 10_000_000;

impl Projector {
    /// The last year of an outlook from a view on `paths` simulated paths: the one asked for, else the framework's, 50
    /// years after the view at most. Errors name the years, or the number of paths, that can be asked for.
    pub fn horizon(&self, view: &View, asked: Option<i32>, paths: usize) -> Result<i32, Problem> {
        let first = view.as_of.year();
        let last = last_year(self.framework(), view);
        let quarters = usize::try_from(last.saturating_sub(first).saturating_add(1)).unwrap_or(1) * 4;
        if paths.saturating_mul(quarters) > MOST {
            let message = format!("{paths} paths through {quarters} quarters are too many to simulate");
            return Err(Problem::new(message, format!("ask for at most {} paths", MOST / quarters)));
        }
        let year = asked.unwrap_or(self.framework().horizon[1].clamp(first, last));
        if (first..=last).contains(&year) {
            return Ok(year);
        }
        let message = format!("the horizon {year} is out of reach of a view of {first}");
        Err(Problem::new(message, format!("ask for a year from {first} to {last}")))
    }

    /// The scenarios of a view up to a [`horizon`](Self::horizon), with fans over `paths` simulated paths, and with the
    /// sensitivity of the probabilities to every judgement where `sensitivity` asks for it.
    pub fn scenarios(&self, view: &View, horizon: i32, paths: usize, sensitivity: bool) -> Scenarios {
        let outlook = self.outlook(view, paths);
        let (fans, refused) = outlook.fans(horizon);
        Scenarios {
            as_of: rfc3339(view.as_of),
            known_by: rfc3339(view.known_by),
            horizon,
            paths,
            scenarios: outlook.scenarios().to_vec(),
            fit: outlook.fit.map(|f| f.0),
            fit_readings: outlook.fit.map(|f| f.1),
            year_ends: outlook.year_ends(horizon),
            signposts: outlook.signposts(),
            diagnosticity: self.diagnosticity(view),
            balance: balance_state(&outlook.core),
            balance_ahead: outlook.balance_ahead(horizon),
            bounds: outlook.bounds(horizon),
            fans,
            refused,
            sensitivity: if sensitivity { self.sensitivity(view) } else { None },
        }
    }
}
