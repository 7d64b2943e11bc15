//! What is made once of a framework, whatever the view.

use std::collections::BTreeSet;

use bellwether_model::FactTypes;
use bellwether_model::framework::Framework;

use super::expectation::Reads;

/// What a framework says, made ready.
pub(crate) struct Plan {
    /// BLAKE3 of the framework and the fact types it reads.
    pub(crate) hash: String,
    /// By expectation, in the order of the domains; `None` for one that does not compile.
    pub(crate) expectations: Vec<Option<Reads>>,
    /// Measures, by position, whose past is read: by expectations and bounds.
    pub(crate) walked: BTreeSet<usize>,
    /// Measures whose trend some expectation reads.
    pub(crate) trends: BTreeSet<usize>,
}

impl Plan {
    pub(crate) fn new(framework: &Framework, types: &FactTypes) -> Self {
        let rows = framework.domains.iter().flat_map(|d| &d.expectations);
        let expectations: Vec<Option<Reads>> = rows.map(|row| Reads::new(framework, row)).collect();
        let bounded = framework.constraints.iter().map(|c| c.of.as_str());
        let bounded = bounded.filter_map(|of| framework.all_measures().position(|m| m.id == of));
        let read = expectations.iter().flatten();
        Self {
            hash: framework.hash(types),
            walked: read.clone().flat_map(|r| r.all.iter().copied()).chain(bounded).collect(),
            trends: read.filter(|r| r.trends).flat_map(|r| r.named.iter().copied()).collect(),
            expectations,
        }
    }
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan").field("hash", &self.hash).finish_non_exhaustive()
    }
}
