//! Domains: index, trajectory, confidence, expectations.

use bellwether_model::View;
use bellwether_model::framework::Domain;

use super::change::{Asked, Changes};
use super::core::Core;
use super::strength::Sum;
use crate::assessment::{Confidence, Contribution, DomainState, ExpectationState, Trajectory, Trend};

/// States of all domains.
pub(crate) fn domain_states(
    core: &Core<'_>,
    view: &View,
    holds: &[Option<bool>],
    changes: &Changes,
) -> Vec<DomainState> {
    let framework = core.framework;
    let mut holds = holds.iter().copied();
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
            expectations: expectation_states(domain, &mut holds),
        })
        .collect()
}

/// Where the changes of the last year pull the domain, by weight and sign of their indicators.
///
/// A trend counts until a later change of its indicator. A changed spread or pattern pulls neither way and ends no
/// trend, nor does a crossed bound or a broken expectation: what moved them is a change of its own. Without a change the
/// domain is stable only if detectors that could show one read enough of its weight; else nothing can be said.
fn trajectory(core: &Core<'_>, domain: &Domain, view: &View, changes: &Changes) -> Trajectory {
    let (mut pull, mut read) = (0.0, 0.0);
    for (index, (measure, able)) in core.framework.indicators.iter().zip(&changes.measures).enumerate() {
        if measure.domain.as_ref() != Some(&domain.id) {
            continue;
        }
        if able.read {
            read += measure.weight;
        }
        let way = match changes.pull(index, Asked::now(view)).map(|p| p.direction) {
            Some(Trend::Up) => 1.0,
            Some(Trend::Down) => -1.0,
            Some(Trend::Flat | Trend::Unknown) | None => 0.0,
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
fn expectation_states(
    domain: &Domain,
    holds: &mut impl Iterator<Item = Option<bool>>,
) -> Vec<ExpectationState> {
    domain
        .expectations
        .iter()
        .map(|e| ExpectationState {
            id: e.id.clone(),
            holds: holds.next().flatten(),
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
