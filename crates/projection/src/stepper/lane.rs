//! Measures of a view that moves forward: each is evaluated again only when something that it reads changed.

use std::sync::Arc;

use bellwether_model::View;

use crate::fold::Projector;
use crate::state::{MeasureEval, Outside, Source, evaluate, evaluate_all};

/// Evaluations of all measures, as of where the view ended last.
pub(super) struct Lane {
    pub(super) at: i64,
    pub(super) evals: Vec<Arc<MeasureEval>>,
    /// Measures of which only what the rows above read is kept: points but for the last two are not.
    short: Vec<bool>,
}

impl Lane {
    /// Evaluates a view.
    pub(super) fn new(projector: &Projector, view: &View) -> Self {
        let at = view.as_of.timestamp_micros();
        Self { at, evals: evaluate_all(projector, &projector.resolve(view), view, true), short: Vec::new() }
    }

    /// The same for rows above alone: of long series nothing is kept, unless scenarios or detectors read them.
    pub(super) fn short(projector: &Projector, view: &View) -> Self {
        let whole = Outside::rests_on(projector.framework());
        let mut lane = Self::new(projector, view);
        lane.short = (0..lane.evals.len()).map(|index| !whole.contains(&index)).collect();
        for (eval, _) in lane.evals.iter_mut().zip(&lane.short).filter(|(_, short)| **short) {
            shorten(Arc::make_mut(eval));
        }
        lane
    }

    /// World date from which time alone may change a measure.
    pub(super) fn until(&self) -> i64 {
        self.evals.iter().map(|e| e.until).min().unwrap_or(i64::MAX)
    }

    /// Moves to a later view; tells which measures were evaluated again. The others' windows slide.
    pub(super) fn go(
        &mut self,
        projector: &Projector,
        view: &View,
        keys: &[Vec<u32>],
        dirty: impl Fn(usize) -> bool,
    ) -> Vec<bool> {
        let framework = projector.framework();
        self.at = view.as_of.timestamp_micros();
        let all = framework.all_measures().zip(&mut self.evals).zip(keys).enumerate();
        all.map(|(index, ((measure, eval), keys))| {
            let due = dirty(index) || self.at >= eval.until;
            if due {
                let resolved = projector.resolve_some(keys, view);
                let source = Source { projector, resolved: &resolved, view, measure, index, ahead: true };
                let mut now = evaluate(&source, &framework.rules);
                if self.short.get(index) == Some(&true) {
                    shorten(&mut now);
                }
                *eval = Arc::new(now);
            } else if measure.formula.windowed() {
                Arc::make_mut(eval).slide(measure, self.at);
            }
            due
        })
        .collect()
    }
}

/// Rows above read the newest point and the one before it.
fn shorten(eval: &mut MeasureEval) {
    let points = &mut eval.series.points;
    points.drain(..points.len().saturating_sub(2));
    points.shrink_to_fit();
    eval.baseline = Vec::new();
}
