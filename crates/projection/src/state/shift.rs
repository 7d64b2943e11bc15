//! Shifts: changes of measures, crossed bounds, expectations that stopped holding, quarters that no scenario
//! explains.

use std::collections::BTreeSet;

use bellwether_model::View;

use super::bound::breaches;
use super::change::{self, Changes};
use super::core::Core;
use super::expectation::{Readings, expectations, read_by_expectations};
use super::misfit::misfits;
use super::past::Past;
use crate::fold::Projector;

/// All shifts known in the view, oldest first, and those that a later statement took back.
pub(crate) fn shifts(projector: &Projector, view: &View, core: &Core<'_>) -> Changes {
    let keys = projector.keys_by_measure();
    let past = Past::new(projector, view, &keys);
    let framework = core.framework;
    let bounded = framework.constraints.iter().map(|c| c.of.as_str());
    let bounded = bounded.filter_map(|of| framework.all_measures().position(|m| m.id == of));
    let walked: BTreeSet<usize> = read_by_expectations(framework).into_iter().chain(bounded).collect();
    // Two independent pure readings of the same past: that they run side by side changes no byte.
    let (mut changes, readings) = std::thread::scope(|scope| {
        let readings =
            scope.spawn(|| -> Readings { walked.iter().map(|i| (*i, past.readings(*i))).collect() });
        (change::changes(projector, view, core, &keys, None), readings.join())
    });
    // A panic in the other reading is a defect and goes on as one.
    let readings = readings.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    breaches(core, &past, &readings, &mut changes);
    expectations(core, &past, &readings, &mut changes);
    misfits(core, &past, &mut changes);
    changes.standing.sort_by(|a, b| (&a.known_at, &a.id).cmp(&(&b.known_at, &b.id)));
    changes.withdrawn.sort_by(|a, b| (&a.withdrawn_at, &a.id).cmp(&(&b.withdrawn_at, &b.id)));
    changes
}
