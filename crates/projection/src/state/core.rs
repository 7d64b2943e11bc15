//! All rows of one view, evaluated in the order in which they may read each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::View;
use bellwether_model::framework::{As, Framework, Measure};

use super::level;
use super::measure::{MeasureEval, evaluate_all};
use super::outside::Outside;
use super::pressing::{Pressing, pressing};
use super::relation::{self, Asymmetry, Constraint};
use super::strength::{Strength, Sum, of_measure, sum};
use crate::fold::{Projector, Resolved};

/// Levels of a view by row, kept without it.
pub(crate) type Levels = BTreeMap<String, Sum>;

/// Rows of one view. Directions of levels compare two of them.
#[derive(Clone)]
pub(crate) struct Core<'a> {
    pub(crate) framework: &'a Framework,
    pub(crate) facts: u64,
    pub(crate) head: u64,
    pub(crate) measures: Vec<Arc<MeasureEval>>,
    pub(crate) domains: Vec<Sum>,
    pub(crate) asymmetries: Vec<Asymmetry>,
    pub(crate) constraints: Vec<Constraint>,
    /// By constraint.
    pub(crate) pressing: Vec<Pressing>,
    pub(crate) levels: BTreeMap<&'a str, Sum>,
    pub(crate) balance: Option<Sum>,
    outside: Outside,
    positions: BTreeMap<&'a str, usize>,
}

impl<'a> Core<'a> {
    /// Evaluates a view.
    pub(crate) fn new(projector: &'a Projector, view: &View) -> Self {
        let resolved: Resolved = projector.resolve(view);
        let measures = evaluate_all(projector, &resolved, view, false);
        let mut core = Self::over(&projector.index.framework, (resolved.facts, resolved.head), measures);
        core.compose(Outside::new(projector, view, &core, None));
        core
    }

    /// Domains, asymmetries and constraints over measures that were evaluated already; `(facts, head)` are those of the view.
    /// What is made of these rows waits for [`compose`](Self::compose).
    pub(crate) fn over(
        framework: &'a Framework,
        (facts, head): (u64, u64),
        measures: Vec<Arc<MeasureEval>>,
    ) -> Self {
        let mut core = Self {
            framework,
            facts,
            head,
            measures,
            domains: Vec::new(),
            asymmetries: Vec::new(),
            constraints: Vec::new(),
            pressing: Vec::new(),
            levels: BTreeMap::new(),
            balance: None,
            outside: Outside::default(),
            positions: framework.all_measures().enumerate().map(|(i, m)| (m.id.as_str(), i)).collect(),
        };
        core.sum_domains();
        core.asymmetries = framework.asymmetries.iter().map(|a| relation::asymmetry(&core, a)).collect();
        core.constraints = framework.constraints.iter().map(|c| relation::constraint(&core, c)).collect();
        core
    }

    fn sum_domains(&mut self) {
        let framework = self.framework;
        self.domains = framework
            .domains
            .iter()
            .map(|domain| {
                let parts = framework
                    .indicators
                    .iter()
                    .filter(|m| m.domain.as_ref() == Some(&domain.id))
                    .map(|m| {
                        let strength = self.strength(&m.id, As::Distance);
                        ((m.id.clone(), As::Distance), m.weight, m.sign.factor(), strength)
                    })
                    .collect();
                sum(parts, framework.rules.minimum_coverage)
            })
            .collect();
    }

    /// The balance under another framework that differs in weights alone.
    pub(crate) fn balance_under(&self, framework: &Framework) -> Option<f64> {
        let mut other: Core<'_> = self.clone();
        other.framework = framework;
        other.sum_domains();
        other.compose(self.outside.clone());
        other.balance?.level
    }

    /// How hard bounds press, levels and the balance.
    pub(crate) fn compose(&mut self, outside: Outside) {
        let framework = self.framework;
        self.outside = outside;
        let bounds = framework.constraints.iter().zip(&self.constraints);
        self.pressing = bounds.map(|(row, state)| pressing(self, row, state, self.outside.at)).collect();
        // Constraint shares range over drivers, so they come after all of them.
        let (plain, derived): (Vec<_>, Vec<_>) = framework
            .frictions
            .iter()
            .chain(&framework.drivers)
            .chain(&framework.roles)
            .chain(&framework.characters)
            .chain(&framework.implications)
            .partition(|c| {
                c.formula == bellwether_model::framework::CompositeFormula::Points && !late(&c.id)
            });
        for composite in plain.into_iter().chain(derived) {
            let level = level::evaluate(self, composite);
            self.levels.insert(&composite.id, level);
        }
        self.balance = framework.balance.as_ref().map(|b| {
            let parts = b
                .inputs
                .iter()
                .map(|i| {
                    ((i.of.clone(), i.reading), i.weight, i.sign.factor(), self.strength(&i.of, i.reading))
                })
                .collect();
            sum(parts, framework.rules.minimum_coverage)
        });
    }

    /// What was read of scenarios and changes.
    pub(crate) fn outside(&self) -> &Outside {
        &self.outside
    }

    /// Levels by row.
    pub(crate) fn into_levels(self) -> Levels {
        self.levels.into_iter().map(|(id, sum)| (id.to_owned(), sum)).collect()
    }

    /// Measure of that id with its definition.
    pub(crate) fn measure(&self, id: &str) -> Option<(&MeasureEval, &'a Measure)> {
        let at = *self.positions.get(id)?;
        let count = self.framework.indicators.len();
        let measure = match at.checked_sub(count) {
            None => self.framework.indicators.get(at)?,
            Some(at) => self.framework.measures.get(at)?,
        };
        Some((self.measures.get(at)?.as_ref(), measure))
    }

    /// Sum of the domain of that id.
    pub(crate) fn domain(&self, id: &str) -> Option<&Sum> {
        let at = self.framework.domains.iter().position(|d| d.id == id)?;
        self.domains.get(at)
    }

    /// What the row of that id gives to a row above it.
    pub(crate) fn strength(&self, id: &str, reading: As) -> Strength {
        if reading == As::Shift {
            return self.outside.changes.get(id).cloned().unwrap_or(Strength::missing(-1.0, 1.0));
        }
        if let Some(scenario) = self.outside.scenarios.get(id) {
            return scenario.clone();
        }
        if let Some((eval, measure)) = self.measure(id) {
            return of_measure(eval, measure, reading);
        }
        if let Some(domain) = self.domain(id) {
            return Strength::of_sum(domain);
        }
        if let Some(level) = self.levels.get(id) {
            return Strength::of_sum(level);
        }
        if let Some(at) = self.framework.asymmetries.iter().position(|a| a.id == id) {
            return self.asymmetries.get(at).map_or(Strength::missing(-1.0, 1.0), Asymmetry::strength);
        }
        if let Some(at) = self.framework.constraints.iter().position(|c| c.id == id) {
            return self.pressing.get(at).map_or(Strength::missing(0.0, 1.0), |p| p.strength.clone());
        }
        Strength::missing(if reading == As::Probability { 0.0 } else { -1.0 }, 1.0)
    }
}

/// Rows that may read drivers and roles.
fn late(id: &str) -> bool {
    id.starts_with("character.") || id.starts_with("implication.")
}
