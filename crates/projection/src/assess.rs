//! One view, all rows.

use bellwether_model::View;
use bellwether_model::framework::{As, Composite, CompositeFormula, Constraint};
use chrono::{DateTime, Utc};

use crate::assessment::{
    Assessment, AsymmetryState, ConstraintState, FrameworkRef, LevelState, MeasureState, Shift, Trend,
};
use crate::fold::Projector;
use crate::state::time::{rfc3339, shift_months};
use crate::state::{
    Asked, Changes, Core, Holds, Levels, balance_state, divergences, domain_states, of_change,
    scenario_states, shifts, weigh,
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
        let found = shifts(self, view, &core);
        assemble(self, view, &core, (&before.into_levels(), &mut Holds::default()), found)
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

/// All rows of a view, given its measures, the levels of the year before, the answers kept and the shifts.
pub(crate) fn assemble(
    projector: &Projector,
    view: &View,
    core: &Core<'_>,
    (before, holds): (&Levels, &mut Holds),
    found: Changes,
) -> Assessment {
    let framework = &projector.index.framework;
    let holds = holds.read_on(&projector.index.plan().expectations, core, view, &found);
    let (scenarios, fit) = scenario_states(projector, core, view);
    let mut indicators = measure_states(core, &found);
    let measures = indicators.split_off(framework.indicators.len());
    let levels = |rows: &[Composite]| level_states(core, before, rows);
    Assessment {
        framework: FrameworkRef {
            id: framework.id.clone(),
            version: framework.version.clone(),
            hash: projector.index.plan().hash.clone(),
        },
        engine: crate::ENGINE.to_owned(),
        as_of: rfc3339(view.as_of),
        known_by: rfc3339(view.known_by),
        clock: view.clock,
        facts: core.facts,
        head: core.head,
        domains: domain_states(core, view, &holds, &found),
        indicators,
        characters: levels(&framework.characters),
        roles: levels(&framework.roles),
        drivers: levels(&framework.drivers),
        frictions: levels(&framework.frictions),
        implications: levels(&framework.implications),
        asymmetries: asymmetry_states(core),
        constraints: constraint_states(core, view, &found),
        divergences: divergences(core, &scenarios),
        scenarios,
        fit: fit.map(|f| f.0),
        fit_readings: fit.map(|f| f.1),
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
        .zip(&found.measures)
        .map(|(eval, changed)| {
            let mut state = eval.state.clone();
            state.detection_limit = changed.limit.clone();
            state.shifts =
                found.standing.iter().filter(|s| s.indicator == state.id).map(|s| s.id.clone()).collect();
            state
        })
        .collect()
}

fn level_states(core: &Core<'_>, before: &Levels, rows: &[Composite]) -> Vec<LevelState> {
    rows.iter()
        .map(|row| {
            let now = core.levels.get(row.id.as_str()).cloned().unwrap_or_default();
            let rules = &core.framework.rules;
            let change = before.get(row.id.as_str()).and_then(|then| match row.formula {
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

fn constraint_states(core: &Core<'_>, view: &View, found: &Changes) -> Vec<ConstraintState> {
    let rows = core.framework.constraints.iter().zip(&core.constraints).zip(&core.pressing);
    rows.map(|((row, c), pressing)| {
        let strength = &pressing.strength;
        ConstraintState {
            id: row.id.clone(),
            value: c.value,
            bound: c.bound,
            distance: c.distance,
            breached: c.breached(),
            evidence: c.evidence.clone(),
            strength: strength.value,
            strength_low: strength.value.map(|_| strength.low),
            strength_high: strength.value.map(|_| strength.high),
            low: pressing.band.low,
            high: pressing.band.high,
            direction: approach(core, view, row, found),
            shifts: behind(row, found),
        }
    })
    .collect()
}

/// Towards the bound is up, away from it down.
fn approach(core: &Core<'_>, view: &View, row: &Constraint, found: &Changes) -> Trend {
    let measure = core.framework.all_measures().position(|m| m.id == row.of);
    let pull = measure.and_then(|index| found.pull(index, Asked::now(view))).map(|pull| pull.direction);
    let own = core.measure(&row.of).map_or(Trend::Unknown, |(eval, _)| eval.state.trend);
    match (pull.unwrap_or(own), row.bound.max.is_some()) {
        (Trend::Up, false) => Trend::Down,
        (Trend::Down, false) => Trend::Up,
        (way, _) => way,
    }
}

/// Standing shifts of a bound, of its measure and of those whose changes it reads.
fn behind(row: &Constraint, found: &Changes) -> Vec<String> {
    let read = |id: &str| row.inputs.iter().any(|i| i.reading == As::Shift && i.of == id);
    let of = |s: &&Shift| s.indicator == row.of || s.indicator == row.id || read(&s.indicator);
    found.standing.iter().filter(of).map(|s| s.id.clone()).collect()
}
