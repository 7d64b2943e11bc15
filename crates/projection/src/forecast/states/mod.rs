//! The scenarios scored by what they expect: the prequential way (Dawid, J. R. Statist. Soc. A 147, 1984).
//!
//! Nobody ever observes a scenario; what it makes likely can be observed. At the beginning of each quarter the posterior
//! as known then, carried through the quarter, says how likely a low, a normal and a high reading of each signal are.
//! The first reading of a period that ends in the quarter answers, as it first became known; a later revision does not
//! rewrite the answer, and what never came is not scored. `answers` finds the readings, `tables` adds up.

mod answers;
mod tables;

use bellwether_model::View;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::paired::Score;
use super::reading::Readings;
use super::score::{GainInterval, Reliability};
use crate::assessment::{SmoothedScenario, Span};
use crate::fold::{Projector, moment};
use crate::scenario::{STATES, expected, filter, frequencies, staying};
use crate::state::time::{rfc3339, span};
use crate::state::{Core, STATE_WORDS, Setting, evaluate, weigh};

use answers::{Answers, answers};

/// What heads the section.
const HEADING: &str = "in-sample: a framework that was made with this past in view, asked about it without hindsight; no \
                       evidence of skill ahead";

/// How well the scenario probabilities foresaw the signals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prequential {
    /// What the numbers are worth.
    pub heading: String,
    /// All readings; `null` when there are none.
    pub all: Option<StateScore>,
    /// By year.
    pub years: Vec<StateScore>,
    /// By quarter, those without readings too.
    pub quarters: Vec<QuarterScore>,
    /// By signal.
    pub signals: Vec<StateScore>,
    /// Of the probabilities of all states: does a state that is given 30 % come in 30 % of the cases?
    pub reliability: Option<Reliability>,
    /// Readings that were floors: they could have shown nothing but high, so they are not scored.
    pub floors: usize,
    /// Each reading, by quarter and signal.
    pub readings: Vec<StateReading>,
}

/// Scores of some readings over the three states.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateScore {
    /// What it is of.
    pub name: String,
    /// Readings.
    pub forecasts: usize,
    /// Logarithmic score, −ln of the probability of the state that came, clipped to 1 % and 99 %.
    pub log: Score,
    /// Brier score over the three states, 0 to 2.
    pub brier: Score,
    /// Ranked probability score.
    pub rps: Score,
    /// Gain of the log score on the prior, nats a reading: the mean log of the factor by which what came was given more.
    pub gain_prior: Option<GainInterval>,
    /// The same on the climatology.
    pub gain_climatology: Option<GainInterval>,
    /// The same on no change.
    pub gain_persistence: Option<GainInterval>,
}

/// One quarter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuarterScore {
    /// `2025-Q4`.
    pub name: String,
    /// Scenario probabilities when it began, as known then, by id.
    pub scenarios: Vec<SmoothedScenario>,
    /// Readings of its periods.
    pub forecasts: usize,
    /// Mean log score; `null` without readings.
    pub log: Option<f64>,
    /// Gain of the log score on the prior, nats in all: the log of the factor by which its readings favour the posterior.
    pub nats: Option<f64>,
}

/// One reading and what was expected of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateReading {
    /// Quarter in which its period ended.
    pub quarter: String,
    /// Signal's measure.
    pub signal: String,
    /// Period.
    pub period: Option<Span>,
    /// When it could first be known, RFC 3339.
    pub known_at: String,
    /// `low`, `normal` or `high`.
    pub state: String,
    /// Probabilities of low, normal and high by the posterior.
    pub expected: [f64; STATES],
    /// By the prior and the transition alone.
    pub prior: [f64; STATES],
    /// By the signal's own readings, as known then.
    pub climatology: [f64; STATES],
    /// By no change.
    pub persistence: [f64; STATES],
    /// Facts behind it.
    pub evidence: Vec<u64>,
}

/// One quarter as it was seen when it began.
struct Seen {
    /// Counted from year 0.
    quarter: i32,
    name: String,
    scenarios: Vec<SmoothedScenario>,
    came: Vec<Came>,
}

/// One reading with the forecasts of it.
struct Came {
    signal: usize,
    state: usize,
    /// Posterior, prior, climatology, persistence.
    said: [[f64; STATES]; 4],
    shown: StateReading,
}

/// Scores the scenario probabilities at every beginning of a quarter in `[from, to)` by the readings known before `to`;
/// `None` for a framework without scenarios.
pub(super) fn score(
    projector: &Projector,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Option<Prequential> {
    let setting = Setting::new(projector.framework())?;
    let readings = Readings::new(projector, &View::at(to));
    let begins: Vec<(u32, DateTime<Utc>)> = (0..)
        .map_while(|q| Some((q, moment(setting.begins(q)?)?)))
        .take_while(|(_, at)| *at < to)
        .filter(|(_, at)| *at >= from)
        .collect();
    let found: Vec<Answers> = parts(setting.signals.len(), |signal| answers(&readings, &setting, signal, to));
    let seen: Vec<Seen> = parts(begins.len(), |at| {
        let (quarter, at) = begins.get(at).copied().unwrap_or((0, to));
        quarter_at(&readings, &setting, &found, quarter, at)
    });
    let first = begins.first().map_or(u32::MAX, |(q, _)| *q);
    let last = begins.last().map_or(0, |(q, _)| *q);
    let floors = found.iter().flat_map(|a| &a.floors).filter(|q| (first..=last).contains(*q)).count();
    let names: Vec<&str> = setting.signals.iter().map(|s| s.of.as_str()).collect();
    Some(tables::tables(&seen, &names, floors))
}

/// What is made of each of `n` things that do not meet, in their order, on as many threads as there are.
fn parts<T: Send>(n: usize, of: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let all: Vec<usize> = (0..n).collect();
    std::thread::scope(|scope| {
        let of = &of;
        let running: Vec<_> = all
            .chunks(n.div_ceil(threads).max(1))
            .map(|part| scope.spawn(move || part.iter().map(|at| of(*at)).collect::<Vec<T>>()))
            .collect();
        // A panic in a part is a defect and goes on as one.
        running
            .into_iter()
            .flat_map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

fn quarter_at(
    readings: &Readings<'_>,
    setting: &Setting<'_>,
    found: &[Answers],
    quarter: u32,
    at: DateTime<Utc>,
) -> Seen {
    let (projector, view) = (readings.projector, View::at(at));
    let weighed = weigh(projector, &Core::new(projector, &view), &view);
    let posterior = weighed.map(|w| w.filtered.posterior).unwrap_or_default();
    let until = setting.moment(at.timestamp_micros());
    let alone = filter(&setting.model, &[], until).posterior;
    let ahead = [&posterior, &alone].map(|p| setting.model.drift(p, 1.0));
    let name = tables::named(at);
    let came = found.iter().enumerate().filter_map(|(signal, answers)| {
        let answer = answers.read.get(&quarter).filter(|a| a.known_at >= at)?;
        let row = setting.signals.get(signal)?;
        let past = known(readings, setting, signal, at);
        let [expected, prior] = ahead.each_ref().map(|p| expected(&setting.model, signal, p));
        let (climatology, persistence) = (frequencies(&past), staying(&past));
        let shown = StateReading {
            quarter: name.clone(),
            signal: row.of.clone(),
            period: span(answer.whole.period.0, answer.whole.period.1),
            known_at: rfc3339(answer.known_at),
            state: STATE_WORDS.get(answer.whole.state).copied().unwrap_or_default().to_owned(),
            expected,
            prior,
            climatology,
            persistence,
            evidence: answer.whole.seqs.clone(),
        };
        let said = [expected, prior, climatology, persistence];
        Some(Came { signal, state: answer.whole.state, said, shown })
    });
    let came = came.collect();
    let scenarios = setting.scenarios.iter().zip(&posterior);
    let scenarios = scenarios.map(|(s, p)| SmoothedScenario { id: s.id.clone(), probability: *p }).collect();
    Seen { quarter: tables::counted(at), name, scenarios, came }
}

/// States of a signal's readings known before `at`, oldest first, floors apart.
fn known(readings: &Readings<'_>, setting: &Setting<'_>, signal: usize, at: DateTime<Utc>) -> Vec<usize> {
    let whole = states(readings, setting, signal, at);
    whole.into_values().filter(|w| !w.floor).map(|w| w.state).collect()
}

/// States of a signal by quarter, as known before `at`.
fn states(
    readings: &Readings<'_>,
    setting: &Setting<'_>,
    signal: usize,
    at: DateTime<Utc>,
) -> std::collections::BTreeMap<u32, crate::state::Whole> {
    let Some((index, measure)) = setting.signals.get(signal).and_then(|row| readings.measure(&row.of)) else {
        return std::collections::BTreeMap::new();
    };
    let rules = &readings.projector.framework().rules;
    let eval = readings.with(index, at, at, |source| evaluate(source, rules));
    eval.map(|eval| setting.whole(readings.projector, signal, (&eval, measure), at.timestamp_micros()))
        .unwrap_or_default()
}
