//! What of a batch is new.

use bellwether_model::{Basis, Fact};
use rustc_hash::FxHashMap;
use uuid::Uuid;

use crate::Error;

/// Drops from `facts` what the log or the batch itself already says. Returns what is left and the number
/// dropped. `stored` finds a stored statement like the one given.
pub(crate) fn admit(
    facts: Vec<Fact>,
    mut stored: impl FnMut(&Fact) -> Result<bool, Error>,
) -> Result<(Vec<Fact>, u64), Error> {
    let mut new: Vec<Fact> = Vec::with_capacity(facts.len());
    let mut seen: FxHashMap<Uuid, Vec<usize>> = FxHashMap::default();
    let mut dropped = 0_u64;
    for mut fact in facts {
        if fact.id.is_nil() {
            fact.seal();
        }
        let before = seen.entry(fact.id).or_default();
        let in_batch = before.iter().filter_map(|i| new.get(*i)).any(|other| same_statement(other, &fact));
        if in_batch || stored(&fact)? {
            dropped += 1;
        } else {
            before.push(new.len());
            new.push(fact);
        }
    }
    Ok((new, dropped))
}

/// Whether two facts have the same source, key and content: what their ids are made of.
pub(crate) fn same_statement(a: &Fact, b: &Fact) -> bool {
    let stated = |fact: &Fact| fact.published_at.filter(|_| fact.published_basis == Basis::Stated);
    a.source == b.source
        && a.key == b.key
        && a.op == b.op
        && a.kind == b.kind
        && a.valid == b.valid
        && a.actors == b.actors
        && a.value == b.value
        && a.unit == b.unit
        && a.attributes == b.attributes
        && a.grade == b.grade
        && a.evidence.uri == b.evidence.uri
        && stated(a) == stated(b)
}
