//! How far the balance hangs on each weight behind it: its own, and those of the rows that it is made of.
//!
//! Points are linear in weights and the measures rest on none, so nothing is read again: the sums alone are made anew,
//! with the cuts that they have. The weights of a row add to 1 in any framework, so the others of the row share what is
//! left, in their proportions. A bound presses at least by half of its own figure, as any framework has it.

use bellwether_model::framework::{As, CompositeFormula, Framework, Input};

use super::core::Core;

/// One weight, half as large and half as large again.
pub(crate) struct WeightSwing {
    pub(crate) row: String,
    pub(crate) input: String,
    pub(crate) reading: As,
    pub(crate) value: f64,
    /// The balance with half of it; `None` where too little would be known of it.
    pub(crate) low: Option<f64>,
    /// With half of it more.
    pub(crate) high: Option<f64>,
}

/// Every weight from the balance down to measures, row by row; empty where the balance is not known.
pub(crate) fn weight_swings(core: &Core<'_>) -> Vec<WeightSwing> {
    let mut edited = core.framework.clone();
    let mut out = Vec::new();
    for row in rows(core) {
        let named: Vec<(String, As, f64)> = parts(&mut edited, &row)
            .into_iter()
            .map(|(of, reading, weight)| (of, reading, *weight))
            .collect();
        if !weighs(core.framework, &row) {
            continue;
        }
        let bound = core.framework.constraints.iter().any(|c| c.id == row);
        let weights: Vec<f64> = named.iter().map(|part| part.2).collect();
        for (at, (input, reading, value)) in named.into_iter().enumerate() {
            let least = if bound && at == 0 { 0.5 } else { 0.0 };
            let mut swing = |by: f64| {
                set(&mut edited, &row, &scaled(&weights, at, by, least)?);
                core.balance_under(&edited)
            };
            let (low, high) = (swing(0.5), swing(1.5));
            set(&mut edited, &row, &weights);
            if scaled(&weights, at, 0.5, least).is_some() {
                out.push(WeightSwing { row: row.clone(), input, reading, value, low, high });
            }
        }
    }
    out
}

/// The balance and the rows under it that are made of others, nearest first.
fn rows(core: &Core<'_>) -> Vec<String> {
    let known = core.balance.as_ref().and_then(|sum| sum.level).is_some();
    let mut out: Vec<String> =
        core.framework.balance.iter().filter(|_| known).map(|b| b.id.clone()).collect();
    let mut framework = core.framework.clone();
    let mut at = 0;
    while let Some(row) = out.get(at).cloned() {
        let below: Vec<String> = parts(&mut framework, &row).into_iter().map(|part| part.0).collect();
        for id in below {
            if !out.contains(&id) && !parts(&mut framework, &id).is_empty() {
                out.push(id);
            }
        }
        at += 1;
    }
    out
}

/// Whether a row is a weighted sum: a spread, a rank and a share take their rows whole.
fn weighs(framework: &Framework, id: &str) -> bool {
    let Framework { frictions, drivers, roles, characters, implications, .. } = framework;
    let mut all = [frictions, drivers, roles, characters, implications].into_iter().flatten();
    all.find(|c| c.id == id).is_none_or(|c| c.formula == CompositeFormula::Points)
}

/// What a row is made of, with the weights; nothing for a row that is made of no others.
fn parts<'f>(framework: &'f mut Framework, id: &str) -> Vec<(String, As, &'f mut f64)> {
    fn read(i: &mut Input) -> (String, As, &mut f64) {
        (i.of.clone(), i.reading, &mut i.weight)
    }
    let Framework {
        balance,
        constraints,
        domains,
        indicators,
        frictions,
        drivers,
        roles,
        characters,
        implications,
        ..
    } = framework;
    if let Some(row) = balance.as_mut().filter(|b| b.id == id) {
        return row.inputs.iter_mut().map(read).collect();
    }
    let mut composites = [frictions, drivers, roles, characters, implications].into_iter().flatten();
    if let Some(row) = composites.find(|c| c.id == id) {
        return row.inputs.iter_mut().map(read).collect();
    }
    if let Some(row) = constraints.iter_mut().find(|c| c.id == id) {
        let own = (row.of.clone(), As::Distance, &mut row.presses);
        return std::iter::once(own).chain(row.inputs.iter_mut().map(read)).collect();
    }
    if !domains.iter().any(|d| d.id == id) {
        return Vec::new();
    }
    let of_domain = indicators.iter_mut().filter(|m| m.domain.as_deref() == Some(id));
    of_domain.map(|m| (m.id.clone(), As::Distance, &mut m.weight)).collect()
}

fn set(framework: &mut Framework, row: &str, weights: &[f64]) {
    for ((_, _, to), weight) in parts(framework, row).into_iter().zip(weights) {
        *to = *weight;
    }
}

/// One weight scaled, as far as `least`, the others in their proportions; `None` where there are no others.
fn scaled(weights: &[f64], at: usize, by: f64, least: f64) -> Option<Vec<f64>> {
    let whole: f64 = weights.iter().sum();
    let old = *weights.get(at)?;
    let others = whole - old;
    if old <= 0.0 || others <= 1e-9 {
        return None;
    }
    let new = (old * by).max(least).min(whole);
    let rest = (whole - new) / others;
    Some(weights.iter().enumerate().map(|(i, w)| if i == at { new } else { w * rest }).collect())
}
