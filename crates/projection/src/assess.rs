//! One view, all rows.

use bellwether_model::View;
use bellwether_model::framework::{Composite, CompositeFormula};
use chrono::{DateTime, Utc};

use crate::assessment::{
    Assessment, AsymmetryState, ConstraintState, FrameworkRef, LevelState, MeasureState,
};
use crate::fold::Projector;
use crate::state::time::{rfc3339, shift_months};
use crate::state::{
    Changes, Conditions, Core, balance_state, divergences, domain_states, of_change, scenario_states, shifts,
    weigh,
};

impl Projector {
    /// Assesses a view. Cost grows with the accounts held, not with the views asked before.
    pub fn assess(&self, view: &View) -> Assessment {
        // Two independent pure evaluations: that they run side by side changes no byte.
        let (core, before) = std::thread::scope(|scope| {
            let earlier = scope.spawn(|| Core::new(self, &year_before(view)));
            let core = Core::new(self, view);
            (core, earlier.join())
        });
        // A panic in the other evaluation is a defect and goes on as one.
        let before = before.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        assemble(self, view, &core, &before)
    }
}

impl Projector {
    /// The same with [`Assessment::smoothed`]: what each quarter looks like from the end of the view. No other answer
    /// reads it.
    pub fn assess_with_hindsight(&self, view: &View) -> Assessment {
        let core = Core::new(self, view);
        let smoothed = weigh(self, &core, view).map(|w| w.smoothed());
        Assessment { smoothed: Some(smoothed.unwrap_or_default()), ..self.assess(view) }
    }
}

/// The same view a year earlier, its knowledge included: publication lags alike on both sides, so that a year
/// not yet published does not read as a year without change.
pub(crate) fn year_before(view: &View) -> View {
    let earlier = |at: DateTime<Utc>| {
        DateTime::from_timestamp_micros(shift_months(at.timestamp_micros(), -12)).unwrap_or(at)
    };
    View { as_of: earlier(view.as_of), known_by: earlier(view.known_by), ..*view }
}

fn assemble(projector: &Projector, view: &View, core: &Core<'_>, before: &Core<'_>) -> Assessment {
    let framework = &projector.index.framework;
    let found = shifts(projector, view, core);
    let conditions = Conditions::of(core, view, &found);
    let (scenarios, fit) = scenario_states(projector, core, view);
    let mut indicators = measure_states(core, &found);
    let measures = indicators.split_off(framework.indicators.len());
    let levels = |rows: &[Composite]| level_states(core, before, rows);
    Assessment {
        framework: FrameworkRef {
            id: framework.id.clone(),
            version: framework.version.clone(),
            hash: framework.hash(&projector.index.types),
        },
        engine: crate::ENGINE.to_owned(),
        as_of: rfc3339(view.as_of),
        known_by: rfc3339(view.known_by),
        clock: view.clock,
        facts: core.facts,
        head: core.head,
        domains: domain_states(core, view, &conditions, &found),
        indicators,
        characters: levels(&framework.characters),
        roles: levels(&framework.roles),
        drivers: levels(&framework.drivers),
        frictions: levels(&framework.frictions),
        implications: levels(&framework.implications),
        asymmetries: asymmetry_states(core),
        constraints: constraint_states(core),
        divergences: divergences(core, &scenarios),
        scenarios,
        fit,
        balance: balance_state(core),
        shifts: found.standing,
        measures,
        withdrawn: found.withdrawn,
        smoothed: None,
    }
}

fn measure_states(core: &Core<'_>, found: &Changes) -> Vec<MeasureState> {
    core.measures
        .iter()
        .zip(&found.limits)
        .map(|(eval, limit)| {
            let mut state = eval.state.clone();
            state.detection_limit = limit.clone();
            state.shifts =
                found.standing.iter().filter(|s| s.indicator == state.id).map(|s| s.id.clone()).collect();
            state
        })
        .collect()
}

fn level_states(core: &Core<'_>, before: &Core<'_>, rows: &[Composite]) -> Vec<LevelState> {
    rows.iter()
        .map(|row| {
            let now = core.levels.get(row.id.as_str()).cloned().unwrap_or_default();
            let rules = &core.framework.rules;
            let change = before.levels.get(row.id.as_str()).and_then(|then| match row.formula {
                CompositeFormula::Points => now.change_since(then, rules.minimum_coverage),
                _ => now.level.zip(then.level).map(|(a, b)| a - b),
            });
            LevelState {
                id: row.id.clone(),
                level: now.level,
                low: now.low,
                high: now.high,
                direction: of_change(now.level.and(change), rules.flat_points),
                evidence: now.evidence,
            }
        })
        .collect()
}

fn asymmetry_states(core: &Core<'_>) -> Vec<AsymmetryState> {
    let [first, second] = &core.framework.parties;
    core.framework
        .asymmetries
        .iter()
        .zip(&core.asymmetries)
        .map(|(row, a)| AsymmetryState {
            id: row.id.clone(),
            value: a.value,
            direction: a.direction(core.framework.rules.flat_change),
            toward: a
                .value
                .filter(|v| *v != 0.0)
                .map(|v| if v > 0.0 { first.clone() } else { second.clone() }),
            evidence: a.evidence.clone(),
        })
        .collect()
}

fn constraint_states(core: &Core<'_>) -> Vec<ConstraintState> {
    core.framework
        .constraints
        .iter()
        .zip(&core.constraints)
        .map(|(row, c)| ConstraintState {
            id: row.id.clone(),
            value: c.value,
            bound: c.bound,
            distance: c.distance,
            breached: c.breached(),
            evidence: c.evidence.clone(),
        })
        .collect()
}
