//! What composites read beside measures, domains and each other: how probable scenarios are, and which changes stand.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::View;
use bellwether_model::framework::{As, Framework, Input};

use super::change::{Asked, Changes, changes_of};
use super::core::Core;
use super::scenario::weigh;
use super::strength::{Strength, Width};
use crate::assessment::Trend;
use crate::fold::Projector;

/// Quarters whose readings are named as evidence of a scenario; older ones have faded.
const NAMED: u32 = 4;

/// Changes read for one view, by measure.
pub(crate) type Kept = BTreeMap<String, Strength>;

/// Strengths by id, of the rows that some composite or bound reads so.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outside {
    /// World date of the view.
    pub(crate) at: i64,
    pub(crate) scenarios: BTreeMap<String, Strength>,
    pub(crate) changes: Kept,
}

impl Outside {
    /// Whether any row of the framework reads so.
    pub(crate) fn asked(framework: &Framework) -> bool {
        inputs(framework).any(|i| matches!(i.reading, As::Probability | As::Shift))
    }

    /// Measures whose whole series that takes, by position.
    pub(crate) fn rests_on(framework: &Framework) -> BTreeSet<usize> {
        let asked =
            |reading: As| inputs(framework).filter(move |i| i.reading == reading).map(|i| i.of.as_str());
        let mut ids: BTreeSet<&str> = asked(As::Shift).collect();
        if asked(As::Probability).next().is_some() {
            ids.extend(framework.signals.iter().map(|s| s.of.as_str()));
        }
        let all = framework.all_measures().enumerate();
        all.filter(|(_, m)| ids.contains(m.id.as_str())).map(|(index, _)| index).collect()
    }

    /// Reads what the composites of the framework ask for, `found` being the changes of the view where they are known already;
    /// it costs nothing where none asks.
    pub(crate) fn new(projector: &Projector, view: &View, core: &Core<'_>, found: Option<&Changes>) -> Self {
        Self::going_on(projector, view, core, found, None)
    }

    /// The same, with what an earlier view of the same path read for measures that did not move since (`moved` by position).
    pub(crate) fn going_on(
        projector: &Projector,
        view: &View,
        core: &Core<'_>,
        found: Option<&Changes>,
        kept: Option<(&Kept, &[bool])>,
    ) -> Self {
        let asked = |reading: As| -> BTreeSet<&str> {
            inputs(core.framework).filter(|i| i.reading == reading).map(|i| i.of.as_str()).collect()
        };
        Self {
            at: view.as_of.timestamp_micros(),
            scenarios: scenarios(projector, view, core, &asked(As::Probability)),
            changes: standing(projector, view, core, &asked(As::Shift), (found, kept)),
        }
    }
}

impl Outside {
    /// The same with scenarios as probable as told; the band is that of none in doubt.
    pub(crate) fn with(&self, probability: impl Fn(&str) -> f64) -> Self {
        let scenarios = self.scenarios.keys();
        let scenarios = scenarios.map(|id| (id.clone(), Strength::exact(probability(id), Vec::new())));
        Self { scenarios: scenarios.collect(), ..self.clone() }
    }
}

/// Inputs of all rows that are made of others.
fn inputs(framework: &Framework) -> impl Iterator<Item = &Input> {
    let rows = [
        &framework.frictions,
        &framework.drivers,
        &framework.roles,
        &framework.characters,
        &framework.implications,
    ];
    let bounds = framework.constraints.iter().flat_map(|c| &c.inputs);
    let balance = framework.balance.iter().flat_map(|b| &b.inputs);
    rows.into_iter().flatten().flat_map(|c| &c.inputs).chain(bounds).chain(balance)
}

/// Probability, 0–1. A scenario holds or it does not: the band is one standard deviation of that, √(p (1 − p)).
fn scenarios(
    projector: &Projector,
    view: &View,
    core: &Core<'_>,
    asked: &BTreeSet<&str>,
) -> BTreeMap<String, Strength> {
    let weighed = if asked.is_empty() { None } else { weigh(projector, core, view) };
    let Some(weighed) = weighed else { return BTreeMap::new() };
    let newest = weighed.readings.iter().map(|r| r.seen.quarter).max().unwrap_or_default();
    let named = weighed.readings.iter().filter(|r| r.seen.quarter + NAMED > newest);
    let mut evidence: Vec<u64> = named.flat_map(|r| r.seqs.iter().copied()).collect();
    evidence.sort_unstable();
    evidence.dedup();
    let rows = weighed.setting.scenarios.iter().zip(&weighed.filtered.posterior);
    rows.filter(|(s, _)| asked.contains(s.id.as_str()))
        .map(|(s, p)| {
            let spread = (p * (1.0 - p)).max(0.0).sqrt();
            let strength = Strength {
                value: Some(*p),
                low: (p - spread).max(0.0),
                high: (p + spread).min(1.0),
                evidence: evidence.clone(),
                ..Strength::default()
            };
            let width = Width { scenarios: strength.high - strength.low, ..Width::default() };
            let strength = Strength { width, ..strength };
            (s.id.clone(), strength)
        })
        .collect()
}

/// 1 while a change upwards stands, −1 downwards, 0 where the detector would have shown one; else nothing is known.
fn standing(
    projector: &Projector,
    view: &View,
    core: &Core<'_>,
    asked: &BTreeSet<&str>,
    (found, kept): (Option<&Changes>, Option<(&Kept, &[bool])>),
) -> Kept {
    if asked.is_empty() {
        return BTreeMap::new();
    }
    let rows = || core.framework.all_measures().enumerate().filter(|(_, m)| asked.contains(m.id.as_str()));
    let known = |index: usize, id: &str| {
        kept.filter(|(_, moved)| moved.get(index) == Some(&false)).and_then(|(kept, _)| kept.get(id))
    };
    let wanted: BTreeSet<usize> =
        rows().filter(|(index, m)| known(*index, &m.id).is_none()).map(|(index, _)| index).collect();
    let own = found.is_none().then(|| changes_of(projector, view, core, &wanted));
    let Some(found) = found.or(own.as_ref()) else { return BTreeMap::new() };
    let now = Asked::now(view);
    rows()
        .map(|(index, measure)| {
            if let Some(known) = known(index, &measure.id) {
                return (measure.id.clone(), known.clone());
            }
            let pull = found.pull(index, now);
            let value = match pull.map(|p| p.direction) {
                Some(Trend::Up) => Some(1.0),
                Some(Trend::Down) => Some(-1.0),
                Some(_) => None,
                None => found.measures.get(index).filter(|m| m.read).map(|_| 0.0),
            };
            let strength = match value {
                Some(v) => Strength::exact(v, pull.map(|p| p.evidence.clone()).unwrap_or_default()),
                None => Strength::missing(-1.0, 1.0),
            };
            (measure.id.clone(), strength)
        })
        .collect()
}
