//! Whether each expectation holds in a view.

use bellwether_model::View;

use super::change::{Asked, Changes};
use super::condition::{Conditions, Named};
use super::core::Core;
use super::expectation::Reads;
use super::past::Row;
use crate::assessment::Trend;

/// Answers by expectation, kept from one view to the next with what they were read from.
#[derive(Default)]
pub(crate) struct Holds {
    kept: Vec<Option<(Inputs, Option<bool>)>>,
}

/// What a condition reads: measures with their trends, index and coverage of domains.
#[derive(Clone, Debug, PartialEq)]
struct Inputs {
    measures: Vec<(Row, Trend)>,
    domains: Vec<(Option<f64>, f64)>,
}

impl Holds {
    /// Answers for a view, in the order of the domains: `None` where something that is read is not known.
    pub(crate) fn read_on(
        &mut self,
        plan: &[Option<Reads>],
        core: &Core<'_>,
        view: &View,
        changes: &Changes,
    ) -> Vec<Option<bool>> {
        let mut conditions = None;
        self.kept.resize(plan.len(), None);
        let rows = plan.iter().zip(&mut self.kept);
        rows.map(|(reads, kept)| {
            let reads = reads.as_ref()?;
            let inputs = inputs(reads, core, view, changes);
            if let Some((before, holds)) = kept
                && *before == inputs
            {
                return *holds;
            }
            let holds = ask(conditions.get_or_insert_with(Conditions::new), reads, core, &inputs);
            *kept = Some((inputs, holds));
            holds
        })
        .collect()
    }
}

fn inputs(reads: &Reads, core: &Core<'_>, view: &View, changes: &Changes) -> Inputs {
    let now = Asked::now(view);
    let (measures, domains) = &reads.shown;
    let measure = |i: &usize| {
        let row = core.measures.get(*i).map(|eval| Row::of(eval)).unwrap_or_default();
        (row, if reads.trends { changes.trend(*i, now) } else { Trend::Unknown })
    };
    let domain = |i: &usize| core.domains.get(*i).map(|sum| (sum.level, sum.coverage)).unwrap_or_default();
    Inputs { measures: measures.iter().map(measure).collect(), domains: domains.iter().map(domain).collect() }
}

fn ask(conditions: &mut Conditions, reads: &Reads, core: &Core<'_>, inputs: &Inputs) -> Option<bool> {
    let (measures, domains) = &reads.shown;
    let count = core.framework.indicators.len();
    let measures = measures.iter().zip(&inputs.measures).filter_map(|(i, (row, trend))| {
        let id = core.measures.get(*i)?.state.id.as_str();
        Some(Named { id, indicator: *i < count, row: *row, trend: *trend })
    });
    let domains = domains.iter().zip(&inputs.domains);
    let domains = domains.filter_map(|(i, (index, coverage))| {
        Some((core.framework.domains.get(*i)?.id.as_str(), *index, *coverage))
    });
    conditions.set(measures, domains);
    conditions.run(&reads.program)
}
