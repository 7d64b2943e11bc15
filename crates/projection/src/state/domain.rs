//! Domains: index, trajectory, confidence, expectations.

use bellwether_model::framework::Domain;

use super::core::Core;
use super::expectation::Conditions;
use super::strength::Sum;
use crate::assessment::{Confidence, Contribution, DomainState, ExpectationState, Trajectory};

/// States of all domains; `before` is the same view a year earlier.
pub(crate) fn domain_states(
    core: &Core<'_>,
    before: &Core<'_>,
    conditions: &Conditions<'_>,
) -> Vec<DomainState> {
    let framework = core.framework;
    framework
        .domains
        .iter()
        .zip(&core.domains)
        .map(|(domain, sum)| DomainState {
            id: domain.id.clone(),
            index: sum.level,
            low: sum.low,
            high: sum.high,
            trajectory: trajectory(core, sum, before.domain(&domain.id)),
            coverage: sum.coverage + 0.0,
            confidence: confidence(core, domain, sum),
            contributions: sum
                .parts
                .iter()
                .map(|p| Contribution { indicator: p.id.clone(), points: p.points })
                .collect(),
            expectations: domain
                .expectations
                .iter()
                .map(|e| ExpectationState {
                    id: e.id.clone(),
                    holds: conditions.holds(&e.when),
                    why: format!("{}: {}", e.when, e.reason),
                })
                .collect(),
        })
        .collect()
}

/// Change over the year of what can be compared; see [`Sum::change_since`].
fn trajectory(core: &Core<'_>, now: &Sum, before: Option<&Sum>) -> Trajectory {
    let rules = &core.framework.rules;
    let flat = rules.flat_points;
    let change = now.level.and_then(|_| now.change_since(before?, rules.minimum_coverage));
    match change {
        None => Trajectory::Unknown,
        Some(change) if change > flat => Trajectory::Converging,
        Some(change) if change < -flat => Trajectory::Diverging,
        Some(_) => Trajectory::Stable,
    }
}

/// First row of the framework's table whose three conditions hold; low when none does.
fn confidence(core: &Core<'_>, domain: &Domain, sum: &Sum) -> Confidence {
    let (mut covered, mut graded, mut doubtful) = (0.0, 0.0, 0.0);
    for part in sum.parts.iter().filter(|p| p.points.is_some()) {
        let Some((eval, measure)) = core.measure(&part.id) else { continue };
        covered += measure.weight;
        if eval.grade.source() <= 'B' {
            graded += measure.weight;
        }
        if eval.lower || eval.state.conflict {
            doubtful += measure.weight;
        }
    }
    if covered <= 0.0 {
        return Confidence::Low;
    }
    let row = core.framework.rules.confidence.iter().find(|row| {
        sum.coverage >= row.coverage && graded / covered >= row.graded && doubtful / covered <= row.doubtful
    });
    debug_assert!(core.framework.domains.contains(domain), "a domain of another framework");
    match row.map(|r| r.level.as_str()) {
        Some("high") => Confidence::High,
        Some("moderate") => Confidence::Moderate,
        _ => Confidence::Low,
    }
}
