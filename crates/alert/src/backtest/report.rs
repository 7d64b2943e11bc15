//! Answers: the figures of rules, the curve of a sweep, the rule that a budget proposes.

use bellwether_model::Problem;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::score::Score;
use super::vary::{Setting, Sweep, present, vary};
use crate::Rule;

/// What rules were worth over a range of days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// A line a rule, in the order of the rules.
    pub rules: Vec<Score>,
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// Reference events in the range.
    pub events: usize,
}

/// The curve of one parameter of one rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Swept {
    /// Rule.
    pub rule: String,
    /// Parameter.
    pub parameter: String,
    /// Where the rule stands now; `null` where it does not say.
    pub present: Option<f64>,
    /// In the order of the sweep.
    pub values: Vec<Tried>,
    /// What a budget proposes.
    pub proposal: Option<Proposal>,
}

/// The rule at one value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// Value; days for durations.
    pub value: f64,
    /// As it stands in the rule.
    pub toml: String,
    /// How often it fires.
    pub firings: usize,
    /// Firings that an event bears out.
    pub matched: usize,
    /// Of the firings.
    pub precision: Option<f64>,
    /// Of the events that it speaks of.
    pub recall: Option<f64>,
    /// Firings without an event, a year.
    pub false_alarms_per_year: Option<f64>,
    /// What chance gives.
    pub null_precision: Option<f64>,
    /// How often chance does as well.
    pub null_p: Option<f64>,
}

/// A rule for a budget of false alarms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// False alarms a year that are wanted at most.
    pub budget: f64,
    /// Value of the parameter.
    pub value: f64,
    /// What speaks for it, and how far.
    pub why: String,
    /// The rule, to put into a file.
    pub toml: String,
}

/// Puts scores of the sweep's variants beside its values.
pub fn swept(rule: &Rule, sweep: &Sweep, scores: &[Score]) -> Swept {
    let values = sweep.values.iter().zip(scores).map(|(setting, score)| tried(setting, score)).collect();
    let now = present(rule, &sweep.parameter);
    Swept { rule: rule.id.clone(), parameter: sweep.parameter.clone(), present: now, values, proposal: None }
}

fn tried(setting: &Setting, score: &Score) -> Tried {
    Tried {
        value: setting.number,
        toml: setting.toml.clone(),
        firings: score.firings,
        matched: score.matched,
        precision: score.precision,
        recall: score.recall,
        false_alarms_per_year: score.false_alarms_per_year,
        null_precision: score.null_precision,
        null_p: score.null_p,
    }
}

/// The least strict value that keeps within `budget` false alarms a year: the one that fires most; of those the one with
/// the best recall, then the nearest to where the rule stands. `None` when no value both fires and keeps within it.
pub fn propose(rule: &Rule, swept: &Swept, budget: f64) -> Result<Option<Proposal>, Problem> {
    let far = |value: f64| swept.present.map_or(0.0, |now| (value - now).abs());
    let within =
        swept.values.iter().filter(|v| v.firings > 0 && v.false_alarms_per_year.is_some_and(|n| n <= budget));
    let best = within.min_by(|a, b| {
        let recall = |v: &Tried| v.recall.unwrap_or(0.0);
        let by_firings = b.firings.cmp(&a.firings);
        by_firings.then(recall(b).total_cmp(&recall(a))).then(far(a.value).total_cmp(&far(b.value)))
    });
    let Some(best) = best else { return Ok(None) };
    let why = why(swept, best, budget);
    let toml = vary(rule, &swept.parameter, &best.toml)?;
    let toml = format!("# {why}\n{}\n", toml.trim());
    Ok(Some(Proposal { budget, value: best.value, why, toml }))
}

fn why(swept: &Swept, best: &Tried, budget: f64) -> String {
    let share = |value: Option<f64>| value.map_or("–".to_owned(), |v| format!("{:.0}%", v * 100.0));
    format!(
        "{} = {}: of {} values tried the least strict within {budget} false alarms a year ({:.2}). {} of {} firings \
         matched, recall {}, precision {} where chance gives {}. In-sample: chosen on the events that it is scored by.",
        swept.parameter,
        best.toml.trim_matches('"'),
        swept.values.len(),
        best.false_alarms_per_year.unwrap_or(0.0),
        best.matched,
        best.firings,
        share(best.recall),
        share(best.precision),
        share(best.null_precision),
    )
}
