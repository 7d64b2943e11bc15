//! Who published a statement, and which event it speaks of.

use bellwether_model::{Fact, base_key};

use super::observation::Observation;
use super::payload::digest;
use super::projector::{Projector, position};

/// What stands for the event of a fact that is not simply its own account: the text of its attribute `event`, whoever
/// states it, else the account that a rival copy belongs to.
pub(super) fn event(fact: &Fact) -> Option<u128> {
    let stated = fact.attribute("event").map(|text| text.trim().to_lowercase());
    if let Some(text) = stated.filter(|text| !text.is_empty()) {
        return Some(digest(&["event", "", &text]));
    }
    let base = base_key(&fact.key);
    (base != fact.key).then(|| digest(&[&fact.source, base]))
}

impl Projector {
    pub(super) fn family(&mut self, name: String) -> u32 {
        if let Some(at) = self.family_index.get(&name) {
            return *at;
        }
        let at = position(self.state.families.len());
        self.state.families.push(name.clone());
        self.family_index.insert(name, at);
        at
    }

    /// Name of a publisher family.
    pub(crate) fn family_name(&self, at: u32) -> &str {
        usize::try_from(at).ok().and_then(|at| self.state.families.get(at)).map_or("", String::as_str)
    }

    /// The statement of a sequence, with its position.
    pub(crate) fn stated(&self, seq: u64) -> Option<(u32, &Observation)> {
        let at = self.state.observations.binary_search_by_key(&seq, |o| o.seq).ok()?;
        Some((position(at), self.state.observations.get(at)?))
    }

    /// The account that stands for the event of a statement: its own, or the one that all statements of one event share.
    pub(crate) fn event_of(&self, at: u32, obs: &Observation) -> u32 {
        let found = self.state.events.binary_search_by_key(&at, |(at, _)| *at).ok();
        found.and_then(|n| self.state.events.get(n)).map_or(obs.account, |(_, event)| *event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The publisher takes four bytes that were padding; stated events stand beside, for the few that state one.
    #[test]
    fn a_statement_stays_small() {
        assert!(size_of::<Observation>() <= 112, "{}", size_of::<Observation>());
    }
}
