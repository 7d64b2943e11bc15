//! What the scenarios are scored on: states of signals whose period is over, and what the prior alone says.

use std::collections::BTreeMap;

use bellwether_model::View;
use bellwether_model::framework::{Framework, Measure, SignalState};

use super::measure::{MeasureEval, transformed};
use super::scenario::{Setting, periods, words};
use crate::assessment::ScenarioState;
use crate::fold::Projector;
use crate::scenario::filter;

/// State of a signal over a period that is over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Whole {
    /// Low 0, normal 1, high 2.
    pub(crate) state: usize,
    /// More may have happened: such a reading could never have said anything but high.
    pub(crate) floor: bool,
    pub(crate) period: (i64, i64),
    pub(crate) seqs: Vec<u64>,
}

impl Setting<'_> {
    /// States of one signal in a view that ends at `as_of`, by quarter of the filter in which their period ended.
    ///
    /// The same periods as the filter reads, but for the window that is not over, and floors whatever they show: which
    /// state a reading turns out to be must not decide whether it is read. Of several in a quarter the newest counts, a
    /// figure before a floor.
    pub(crate) fn whole(
        &self,
        projector: &Projector,
        signal: usize,
        (eval, measure): (&MeasureEval, &Measure),
        as_of: i64,
    ) -> BTreeMap<u32, Whole> {
        let mut out: BTreeMap<u32, Whole> = BTreeMap::new();
        let (Some(row), Some((centre, sigma))) = (self.signals.get(signal), eval.baseline_centre) else {
            return out;
        };
        let over = if measure.formula.windowed() {
            eval.series.points.iter().map(|p| (p.end.saturating_sub(1), p)).collect()
        } else {
            periods(projector, measure, eval, as_of)
        };
        for (at, point) in over.into_iter().filter(|(at, _)| *at < as_of) {
            let Some(quarter) = self.since(at) else { continue };
            let Some(x) = transformed(measure, point.value) else { continue };
            let state = match row.state((x - centre) / sigma) {
                SignalState::Low => 0,
                SignalState::Normal => 1,
                SignalState::High => 2,
            };
            let floor = point.lower || measure.lower_bound;
            if floor && out.get(&quarter).is_some_and(|kept| !kept.floor) {
                continue;
            }
            let period = (point.start, point.end);
            out.insert(quarter, Whole { state, floor, period, seqs: point.seqs.clone() });
        }
        out
    }
}

/// Scenarios by the framework's prior and transition alone, in framework order: what a view says that has seen nothing.
pub(crate) fn prior_states(framework: &Framework, view: &View) -> Vec<ScenarioState> {
    let Some(setting) = Setting::new(framework) else { return Vec::new() };
    let until = setting.moment(view.as_of.timestamp_micros());
    let alone = filter(&setting.model, &[], until).posterior;
    let probability = |id: &str| {
        let at = setting.scenarios.iter().position(|s| s.id == id)?;
        alone.get(at).copied()
    };
    let rows = framework.scenarios.iter().filter_map(|s| Some((s, probability(&s.id)?)));
    rows.map(|(s, probability)| ScenarioState {
        id: s.id.clone(),
        probability,
        words: words(probability).to_owned(),
        moved_by: Vec::new(),
    })
    .collect()
}
