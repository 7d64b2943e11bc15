//! Levels of characters, roles, drivers, frictions and implications.

use bellwether_model::framework::{Composite, CompositeFormula};

use super::core::Core;
use super::strength::{PartPoints, Sum, sum};

/// Fewest domains for a spread, domains for a rank correlation, and drivers for a share.
const SPREAD_DOMAINS: usize = 3;
const RANK_DOMAINS: usize = 4;
const SHARE_DRIVERS: usize = 2;

/// Evaluates one row.
pub(crate) fn evaluate(core: &Core<'_>, row: &Composite) -> Sum {
    match row.formula {
        CompositeFormula::Points => {
            let parts = row
                .inputs
                .iter()
                .map(|i| {
                    ((i.of.clone(), i.reading), i.weight, i.sign.factor(), core.strength(&i.of, i.reading))
                })
                .collect();
            sum(parts, core.framework.rules.minimum_coverage)
        }
        CompositeFormula::Spread => over_rows(core, row, SPREAD_DOMAINS, |rows| {
            let highest = rows.iter().map(|r| r.1).fold(f64::NEG_INFINITY, f64::max);
            let lowest = rows.iter().map(|r| r.1).fold(f64::INFINITY, f64::min);
            Some(highest - lowest)
        }),
        CompositeFormula::Rank => over_rows(core, row, RANK_DOMAINS, |rows| {
            let levels: Vec<f64> = rows.iter().map(|r| r.1).collect();
            // Rank 1 is the highest pressure, so the stated ranks run against the levels.
            let stated: Vec<f64> =
                rows.iter().map(|r| -row.ranks.get(r.0).copied().unwrap_or_default()).collect();
            spearman(&levels, &stated).map(|rho| 100.0 * rho)
        }),
        CompositeFormula::ConstraintShare => over_rows(core, row, SHARE_DRIVERS, |rows| {
            let positive = |only: bool| -> f64 {
                rows.iter()
                    .filter(|r| !only || core.framework.drivers.iter().any(|d| d.id == r.0 && d.constraint))
                    .map(|r| r.1.max(0.0))
                    .sum()
            };
            let all = positive(false);
            (all > 0.0).then(|| 100.0 * positive(true) / all)
        }),
    }
}

/// A formula over whole rows: null when fewer than `least` of them are known.
///
/// Its band is the value itself: what the rows leave open is in their own bands.
fn over_rows(
    core: &Core<'_>,
    row: &Composite,
    least: usize,
    formula: impl Fn(&[(&str, f64)]) -> Option<f64>,
) -> Sum {
    let mut known: Vec<(&str, f64)> = Vec::new();
    let mut parts = Vec::new();
    let mut evidence = Vec::new();
    let mut inputs: Vec<_> = row.inputs.iter().collect();
    inputs.sort_by(|a, b| a.of.cmp(&b.of));
    for input in inputs {
        let strength = core.strength(&input.of, input.reading);
        parts.push(PartPoints {
            id: input.of.clone(),
            reading: input.reading,
            points: strength.value.map(|v| v * 100.0),
            weight: input.weight,
            sign: 0.0,
            floor: strength.floor,
        });
        if let Some(value) = strength.value {
            known.push((&input.of, value * 100.0));
            evidence.extend(strength.evidence);
        }
    }
    let level = (known.len() >= least).then(|| formula(&known)).flatten();
    evidence.sort_unstable();
    evidence.dedup();
    if level.is_none() {
        evidence.clear();
    }
    Sum { level, low: level, high: level, evidence, parts, ..Sum::default() }
}

/// Spearman's rank correlation with mean ranks for ties (Kendall & Gibbons, Rank Correlation Methods).
fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    let (ra, rb) = (ranks(a), ranks(b));
    let mean = (a.len() as f64 + 1.0) / 2.0;
    let dot = |x: &[f64], y: &[f64]| -> f64 { x.iter().zip(y).map(|(p, q)| (p - mean) * (q - mean)).sum() };
    let scale = dot(&ra, &ra) * dot(&rb, &rb);
    (scale > 0.0).then(|| dot(&ra, &rb) / scale.sqrt())
}

fn ranks(values: &[f64]) -> Vec<f64> {
    values
        .iter()
        .map(|v| {
            let below = values.iter().filter(|x| *x < v).count() as f64;
            let equal = values.iter().filter(|x| *x == v).count() as f64;
            below + (equal + 1.0) / 2.0
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rank_correlation_matches_hand_reckoning() {
        assert_eq!(spearman(&[1.0, 2.0, 3.0, 4.0], &[10.0, 20.0, 30.0, 40.0]), Some(1.0));
        assert_eq!(spearman(&[1.0, 2.0, 3.0, 4.0], &[4.0, 3.0, 2.0, 1.0]), Some(-1.0));
        // d = 1, −1, 0, 0: ρ = 1 − 6·2 / (4·15)
        assert!((spearman(&[1.0, 2.0, 3.0, 4.0], &[2.0, 1.0, 3.0, 4.0]).unwrap() - 0.8).abs() < 1e-12);
        assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), None);
    }
}
