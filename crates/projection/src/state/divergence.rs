//! Divergence measures with their thresholds: what alert rules read.

use super::core::Core;
use crate::assessment::{Divergence, ScenarioState};

/// All divergences that can be measured in the view, by kind, then row.
pub(crate) fn divergences(core: &Core<'_>, scenarios: &[ScenarioState]) -> Vec<Divergence> {
    let t = &core.framework.divergence;
    let mut out = Vec::new();
    let mut add = |kind: &str, row: &str, value: f64, threshold: f64| {
        out.push(Divergence {
            id: format!("divergence.{kind}.{row}"),
            kind: kind.to_owned(),
            value,
            threshold,
            tripped: value.abs() >= threshold,
        });
    };
    for eval in &core.measures {
        if let Some(z) = eval.state.distance.filter(|z| eval.fresh() && (!eval.lower || *z > 0.0)) {
            add("baseline", &eval.state.id, z, t.baseline);
        }
    }
    for (row, a) in core.framework.asymmetries.iter().zip(&core.asymmetries) {
        if let Some((now, before)) = a.value.zip(a.before) {
            add("asymmetry", &row.id, now - before, t.asymmetry);
        }
    }
    let indices: Vec<f64> = core.domains.iter().filter_map(|d| d.level).collect();
    if indices.len() > 1 {
        let highest = indices.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let lowest = indices.iter().copied().fold(f64::INFINITY, f64::min);
        add("cross_domain", "domains", highest - lowest, t.cross_domain);
    }
    for eval in core.measures.iter().filter(|e| e.spread > 0.0) {
        add("cross_source", &eval.state.id, eval.spread, t.cross_source);
    }
    for (row, state) in core.framework.scenarios.iter().zip(scenarios) {
        add("scenario", &row.id, state.probability - row.prior, t.scenario);
    }
    for (row, c) in core.framework.constraints.iter().zip(&core.constraints) {
        if let Some(distance) = c.distance {
            // Positive past the bound, in the constraint's own scale.
            add("envelope", &row.id, -distance / c.scale, t.envelope);
        }
    }
    // The envelope is signed: well inside a bound is not far past it.
    for d in out.iter_mut().filter(|d| d.kind == "envelope") {
        d.tripped = d.value > d.threshold;
    }
    out
}
