//! The state of a machine at a moment, to go on from more than once.

use std::collections::BTreeMap;

use super::mute::Quiet;
use super::{Alert, Machine};
use crate::rule::RuleSet;

/// What a machine knows that its rules do not say.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    alerts: BTreeMap<String, Alert>,
    quiet: Quiet,
    dirty: bool,
}

impl Machine {
    /// Its state.
    pub(crate) fn save(&self) -> Saved {
        Saved { alerts: self.alerts.clone(), quiet: self.quiet.clone(), dirty: self.dirty }
    }

    /// A machine that goes on from a state under the same rules.
    pub(crate) fn resume(rules: &RuleSet, saved: &Saved) -> Self {
        let Saved { alerts, quiet, dirty } = saved.clone();
        Self { alerts, quiet, dirty, ..Self::new(rules) }
    }
}
