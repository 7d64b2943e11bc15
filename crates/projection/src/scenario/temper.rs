//! From a reading and its grade to a likelihood.

use super::{Model, Seen};

/// Least probability of a scenario: never 0, whatever was seen.
const LEAST: f64 = 1e-9;

/// How far a reading is believed: reliability of the source times credibility of the information, 0–1.
pub fn reliability(model: &Model, seen: &Seen) -> f64 {
    let share = |table: &[f64; 6], at: usize| table.get(at).copied().unwrap_or(0.0);
    share(&model.source, seen.source) * share(&model.information, seen.information)
}

/// Likelihood of a reading under each scenario, as a contamination mixture r·L + (1 − r)·L̄ (Huber, Annals of
/// Mathematical Statistics 35, 1964): L̄, the mean over scenarios, is what a report says that has nothing to do with the
/// world. A poor source goes towards saying nothing, never towards the opposite. No two scenarios differ by more than the
/// model's clip: what is least likely is raised.
pub fn tempered(model: &Model, seen: &Seen) -> Vec<f64> {
    let Some(signal) = model.signals.get(seen.signal) else { return vec![1.0; model.len()] };
    let rows = signal.rows.iter().map(|row| row.get(seen.state).copied().unwrap_or(1.0));
    let likelihood: Vec<f64> = rows.collect();
    let mean = likelihood.iter().sum::<f64>() / (likelihood.len().max(1) as f64);
    let r = reliability(model, seen);
    let mixed: Vec<f64> = likelihood.iter().map(|l| r * l + (1.0 - r) * mean).collect();
    let least = mixed.iter().copied().fold(0.0, f64::max) / model.clip;
    mixed.into_iter().map(|l| l.max(least)).collect()
}

/// Probabilities that add to 1, none of them 0; equal ones where nothing is left to tell them apart.
pub fn normalised(p: &[f64]) -> Vec<f64> {
    let scale = |p: &[f64]| {
        let total: f64 = p.iter().sum();
        let even = 1.0 / (p.len().max(1) as f64);
        p.iter().map(|x| if total > 0.0 && total.is_finite() { x / total } else { even }).collect::<Vec<_>>()
    };
    let p = scale(p);
    if p.iter().all(|x| *x >= LEAST) {
        return p;
    }
    scale(&p.iter().map(|x| x.max(LEAST)).collect::<Vec<_>>())
}

/// ln(p / (1 − p)), finite for 0 and 1 too.
pub fn logit(p: f64) -> f64 {
    let p = p.clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON);
    libm::log(p) - libm::log1p(-p)
}
