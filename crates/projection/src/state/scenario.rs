//! Scenario probabilities: the prior moved by one plain Bayesian step.
//!
//! What this is not: a filter over time. It reads the present states of the signals once, takes a group of
//! signals as one report (its signals share the exponent 1), and clips each likelihood ratio against the mean.
//! Persistence, entry and decay of scenarios, source tempering and smoothing need a filter with the
//! framework's transition rows, which this step does not use.

use std::collections::BTreeMap;

use bellwether_model::framework::{Signal, SignalState};

use super::core::Core;
use crate::assessment::{Move, ScenarioState};

/// Bounds of a likelihood ratio against the mean over scenarios: no single observation decides.
const CLIP: f64 = 5.0;

/// Scenario states and how well the best scenario explains what was seen.
pub(crate) fn scenario_states(core: &Core<'_>) -> (Vec<ScenarioState>, Option<f64>) {
    let scenarios = &core.framework.scenarios;
    let seen = observed(core);
    let mut group_sizes: BTreeMap<&str, f64> = BTreeMap::new();
    for (signal, _) in &seen {
        *group_sizes.entry(signal.group.as_str()).or_default() += 1.0;
    }
    let mut p: Vec<f64> = scenarios.iter().map(|s| s.prior).collect();
    let mut moves: Vec<Vec<Move>> = vec![Vec::new(); scenarios.len()];
    for (signal, state) in &seen {
        let likelihood: Vec<f64> = scenarios.iter().map(|s| probability(signal, &s.id, *state)).collect();
        let mean = likelihood.iter().sum::<f64>() / likelihood.len() as f64;
        let exponent = 1.0 / group_sizes.get(signal.group.as_str()).copied().unwrap_or(1.0);
        let weights: Vec<f64> =
            likelihood.iter().map(|l| libm::pow((l / mean).clamp(1.0 / CLIP, CLIP), exponent)).collect();
        let before = p.clone();
        let total: f64 = p.iter().zip(&weights).map(|(p, w)| p * w).sum();
        p = p.iter().zip(&weights).map(|(p, w)| p * w / total).collect();
        for ((list, now), then) in moves.iter_mut().zip(&p).zip(&before) {
            list.push(Move { indicator: signal.of.clone(), log_odds: logit(*now) - logit(*then) });
        }
    }
    let best = p.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).and_then(|(i, _)| scenarios.get(i));
    let fit = best.filter(|_| !seen.is_empty()).map(|best| fit(&seen, &best.id));
    let states = scenarios
        .iter()
        .zip(&p)
        .zip(moves)
        .map(|((s, p), moved_by)| ScenarioState {
            id: s.id.clone(),
            probability: *p,
            words: words(*p).to_owned(),
            moved_by,
        })
        .collect();
    (states, fit)
}

/// Signals whose state can be told, in id order: a fresh distance; a floor only when it is already high.
fn observed<'a>(core: &Core<'a>) -> Vec<(&'a Signal, SignalState)> {
    let mut seen: Vec<(&Signal, SignalState)> = core
        .framework
        .signals
        .iter()
        .filter_map(|signal| {
            let (eval, _) = core.measure(&signal.of)?;
            let state = signal.state(eval.state.distance.filter(|_| eval.fresh())?);
            (!eval.lower || state == SignalState::High).then_some((signal, state))
        })
        .collect();
    seen.sort_by(|a, b| a.0.of.cmp(&b.0.of));
    seen
}

fn probability(signal: &Signal, scenario: &str, state: SignalState) -> f64 {
    let Some([low, normal, high]) = signal.likelihood.get(scenario) else { return 1.0 / 3.0 };
    match state {
        SignalState::Low => *low,
        SignalState::Normal => *normal,
        SignalState::High => *high,
    }
}

/// Geometric mean of P(seen) over P(most likely state) under the best scenario: 1 when nothing surprises.
fn fit(seen: &[(&Signal, SignalState)], scenario: &str) -> f64 {
    let logs: f64 = seen
        .iter()
        .map(|(signal, state)| {
            let most =
                signal.likelihood.get(scenario).map_or(1.0, |row| row.iter().copied().fold(0.0, f64::max));
            libm::log(probability(signal, scenario, *state) / most)
        })
        .sum();
    libm::exp(logs / seen.len() as f64)
}

fn logit(p: f64) -> f64 {
    libm::log(p) - libm::log1p(-p)
}

/// Words of estimative probability (Intelligence Community Directive 203).
pub(crate) fn words(p: f64) -> &'static str {
    match p {
        p if p < 0.05 => "almost no chance",
        p if p < 0.20 => "very unlikely",
        p if p < 0.45 => "unlikely",
        p if p < 0.55 => "roughly even chance",
        p if p < 0.80 => "likely",
        p if p < 0.95 => "very likely",
        _ => "almost certain",
    }
}
