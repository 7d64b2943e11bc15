//! Domains: index, trajectory, confidence, expectations.

use bellwether_model::View;
use bellwether_model::framework::Domain;

use super::change::Changes;
use super::core::Core;
use super::expectation::Conditions;
use super::strength::Sum;
use super::time::{rfc3339_micros, shift_months};
use crate::assessment::{Confidence, Contribution, DomainState, ExpectationState, Trajectory, Trend};

/// States of all domains.
pub(crate) fn domain_states(
    core: &Core<'_>,
    view: &View,
    conditions: &Conditions<'_>,
    changes: &Changes,
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
            trajectory: trajectory(core, domain, view, changes),
            coverage: sum.coverage + 0.0,
            confidence: confidence(core, domain, sum),
            contributions: sum
                .parts
                .iter()
                .map(|p| Contribution { indicator: p.id.clone(), points: p.points })
                .collect(),
            expectations: expectation_states(domain, conditions),
        })
        .collect()
}

/// Where the changes of the last year pull the domain, by weight and sign of their indicators.
///
/// A trend counts until a later change of its indicator. Without a change the domain is stable only if detectors
/// that could show one read enough of its weight; else nothing can be said.
fn trajectory(core: &Core<'_>, domain: &Domain, view: &View, changes: &Changes) -> Trajectory {
    let since = rfc3339_micros(shift_months(view.as_of.timestamp_micros(), -12));
    let (mut pull, mut read) = (0.0, 0.0);
    for (measure, able) in core.framework.indicators.iter().zip(&changes.read) {
        if measure.domain.as_ref() != Some(&domain.id) {
            continue;
        }
        if *able {
            read += measure.weight;
        }
        let newest = changes
            .standing
            .iter()
            .filter(|s| s.indicator == measure.id)
            .max_by(|a, b| (&a.onset.at, &a.known_at).cmp(&(&b.onset.at, &b.known_at)));
        let Some(shift) = newest.filter(|s| s.kind == "trend" || s.known_at >= since) else { continue };
        let way = match shift.direction {
            Trend::Up => 1.0,
            Trend::Down => -1.0,
            Trend::Flat | Trend::Unknown => 0.0,
        };
        pull += way * measure.sign.factor() * measure.weight;
    }
    if pull > 0.0 {
        Trajectory::Converging
    } else if pull < 0.0 {
        Trajectory::Diverging
    } else if read + 1e-9 >= core.framework.rules.minimum_coverage {
        Trajectory::Stable
    } else {
        Trajectory::Unknown
    }
}

/// States of a domain's standing expectations.
pub(crate) fn expectation_states(domain: &Domain, conditions: &Conditions<'_>) -> Vec<ExpectationState> {
    domain
        .expectations
        .iter()
        .map(|e| ExpectationState {
            id: e.id.clone(),
            holds: conditions.holds(&e.when),
            why: format!("{}: {}", e.when, e.reason),
        })
        .collect()
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
