//! Shifts: changes of measures, crossed bounds, expectations that stopped holding, quarters that no scenario
//! explains.

use std::sync::Arc;

use bellwether_model::View;

use super::bound::breaches;
use super::change::{Changes, Detection};
use super::core::Core;
use super::expectation::{Readings, expectations};
use super::misfit::{Looks, misfits};
use super::past::{Past, Read};
use super::plan::Plan;
use super::spell::Verdicts;
use crate::fold::Projector;

/// All shifts known in the view, oldest first, and those that a later statement took back.
pub(crate) fn shifts(projector: &Projector, view: &View, core: &Core<'_>) -> Changes {
    let keys = projector.keys_by_measure();
    Shifts::new(projector).read_on(projector, view, core, &Since { keys: &keys, dirt: &[], evaluated: &[] })
}

/// What finds the shifts, as far as it has read.
pub(crate) struct Shifts {
    detections: Vec<Detection>,
    readings: Readings,
    bounds: Vec<Verdicts>,
    expectations: Vec<Verdicts>,
    looks: Looks,
    begun: bool,
}

/// What came since the view before. Measures by position; one that a list does not name is read from the beginning.
pub(crate) struct Since<'a> {
    /// The keys that each measure reads, as [`Projector::keys_by_measure`] gives them.
    pub(crate) keys: &'a [Vec<u32>],
    /// The earliest moment that became another by what came; `i64::MAX` where none did.
    pub(crate) dirt: &'a [i64],
    /// Whether the measure shows something else than dates that slid.
    pub(crate) evaluated: &'a [bool],
}

impl Since<'_> {
    fn dirt(&self, index: usize) -> i64 {
        self.dirt.get(index).copied().unwrap_or(i64::MIN)
    }

    fn evaluated(&self, index: usize) -> bool {
        self.evaluated.get(index).copied().unwrap_or(true)
    }
}

impl Shifts {
    /// Nothing read.
    pub(crate) fn new(projector: &Projector) -> Self {
        let (framework, plan) = (&projector.index.framework, projector.index.plan());
        let asked = |(i, m)| Detection::new(m, plan.trends.contains(&i));
        let none = |_| Verdicts::default();
        Self {
            detections: framework.all_measures().enumerate().map(asked).collect(),
            readings: plan.walked.iter().map(|i| (*i, Read::default())).collect(),
            bounds: framework.constraints.iter().map(|_| Verdicts::default()).collect(),
            expectations: plan.expectations.iter().map(none).collect(),
            looks: Looks::default(),
            begun: false,
        }
    }

    /// Reads on to a view that ends no earlier than the one before, and tells all shifts.
    pub(crate) fn read_on(
        &mut self,
        projector: &Projector,
        view: &View,
        core: &Core<'_>,
        since: &Since<'_>,
    ) -> Changes {
        let plan: &Plan = projector.index.plan();
        let past = Past::new(projector, view, since.keys);
        let end = past.end();
        let (detections, readings) = (&mut self.detections, &mut self.readings);
        let mut detect = || {
            for (index, detection) in detections.iter_mut().enumerate() {
                let (dirt, eval) = (since.dirt(index), core.measures.get(index));
                let due = dirt < i64::MAX || end >= detection.until;
                if due || (detection.whole() && since.evaluated(index)) {
                    let keys = since.keys.get(index).map(Vec::as_slice).unwrap_or_default();
                    let eval = (index, eval.map(Arc::as_ref));
                    detection.read_on((projector, view, core.framework), eval, keys, dirt);
                } else {
                    detection.changed = i64::MAX;
                }
            }
        };
        let mut read = || {
            for (index, read) in readings.iter_mut() {
                let dirt = since.dirt(*index);
                if dirt < i64::MAX || end >= read.until {
                    past.read_on(*index, read, dirt);
                } else {
                    read.changed = i64::MAX;
                }
            }
        };
        if std::mem::replace(&mut self.begun, true) {
            detect();
            read();
        } else {
            // Two independent pure readings of the same past: that they run side by side changes no byte.
            std::thread::scope(|scope| {
                let other = scope.spawn(read);
                detect();
                // A panic in the other reading is a defect and goes on as one.
                other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            });
        }
        let mut changes = Changes {
            measures: detections.iter().map(|d| Arc::clone(&d.found)).collect(),
            ..Changes::default()
        };
        for found in detections.iter().map(|d| &d.found) {
            changes.standing.extend(found.standing.iter().cloned());
            changes.withdrawn.extend(found.withdrawn.iter().cloned());
        }
        let evaluated = |index: usize| since.evaluated(index);
        let trends = |index: usize| detections.get(index).map_or(i64::MAX, |d| d.changed);
        breaches(core, &past, readings, (&mut self.bounds, &evaluated), &mut changes);
        let (plan, kept) = (plan.expectations.as_slice(), self.expectations.as_mut_slice());
        expectations(core, &past, (plan, readings), kept, (evaluated, trends), &mut changes);
        misfits(core, &past, (&mut self.looks, |index| since.dirt(index)), &mut changes);
        changes.standing.sort_by(|a, b| (&a.known_at, &a.id).cmp(&(&b.known_at, &b.id)));
        changes.withdrawn.sort_by(|a, b| (&a.withdrawn_at, &a.id).cmp(&(&b.withdrawn_at, &b.id)));
        changes
    }

    /// World date from which time alone may add or take a shift; `i64::MAX` for never. What fades is not in it.
    pub(crate) fn until(&self) -> i64 {
        let detections = self.detections.iter().map(|d| d.until);
        let rules = self.bounds.iter().chain(&self.expectations).map(Verdicts::until);
        let all = detections.chain(self.readings.values().map(|r| r.until)).chain(rules);
        all.chain([self.looks.until]).min().unwrap_or(i64::MAX)
    }
}
