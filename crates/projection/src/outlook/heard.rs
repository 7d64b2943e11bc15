//! Up to when the silence of a measure's sources means that nothing happened.
//!
//! Facts come late and feeds stop. The time between the last of them and the view is not empty but unknown: what happened
//! in it, and will be recorded of it, is drawn as the years ahead are. A measure is heard until the latest of
//! - the newest happening on record,
//! - the end of declared coverage (`coverage.declared` of every fact type it reads), cut at the view,
//! - the end of what feeds heard without a break since then: whole months by heartbeats, then the days of the running one,
//!
//! and never beyond the view. With coverage or heartbeats up to the view nothing is left unknown before it.

use bellwether_model::framework::{Formula, Measure};

use super::Outlook;
use crate::state::Listening;

impl Outlook<'_> {
    /// Moment up to which a measure of happenings was heard; the view's own where nothing says more.
    pub(super) fn heard(&self, measure: &Measure) -> i64 {
        let view = self.quarters().from;
        let Some(source) = self.source(&measure.id) else { return view };
        let [newest, declared] = source.told_until();
        // A happening counts from its first moment on.
        let newest = newest.map(|at| at.saturating_add(1));
        let Some(told) = newest.into_iter().chain(declared).max() else { return view };
        // Stocks and distinct names are made of happenings too.
        let read = Measure { formula: Formula::Count, ..measure.clone() };
        let listening = Listening::new(self.projector, &self.view, &read);
        listening.reach(told.min(view), self.view.known_by.timestamp_micros()).min(view)
    }
}
