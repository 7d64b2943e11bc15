//! From all statements to the ones a view reads: the latest known vintage of each key.

use std::cmp::Ordering;

use bellwether_model::{Basis, Op, View};

use super::observation::{NONE, Observation, confirms};
use super::projector::Projector;

/// The latest known vintage of one key in one view.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    /// The statement that counts.
    pub(crate) at: u32,
    /// Distinct values stated so far, confirmations apart.
    pub(crate) vintages: u32,
    /// Statements since the key was last withdrawn, confirmations included.
    pub(crate) statements: u32,
    /// Two different values share the latest known time.
    pub(crate) conflict: bool,
}

/// Everything a view reads.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// Accounts by selector.
    pub(crate) by_slot: Vec<Vec<Account>>,
    /// Assertions visible and not withdrawn.
    pub(crate) facts: u64,
    /// Highest visible sequence.
    pub(crate) head: u64,
}

impl Projector {
    /// Resolves a view: for each key the latest known vintage, withdrawn keys left out.
    pub(crate) fn resolve(&self, view: &View) -> Resolved {
        self.resolve_some(&self.state.accounts, view)
    }

    /// The same over some keys, each given by its last statement.
    pub(crate) fn resolve_some(&self, keys: &[u32], view: &View) -> Resolved {
        let mut out = Resolved { by_slot: vec![Vec::new(); self.index.slots.len()], facts: 0, head: 0 };
        let mut chain: Vec<u32> = Vec::new();
        for last in keys {
            self.chain(*last, view, &mut chain);
            let Some(head) = chain.iter().filter_map(|at| self.observation(*at)).map(|o| o.seq).max() else {
                continue;
            };
            out.head = out.head.max(head);
            let Some(found) = self.latest(&chain, view) else { continue };
            out.facts += u64::from(found.statements);
            let Some(obs) = self.observation(found.at) else { continue };
            for slot in self.slots_of(obs) {
                if let Some(list) = usize::try_from(*slot).ok().and_then(|s| out.by_slot.get_mut(s)) {
                    list.push(found);
                }
            }
        }
        out
    }

    /// How many statements of a key stand in the view; the key is given by its last statement.
    pub(crate) fn standing(&self, last: u32, view: &View) -> u32 {
        let mut chain = Vec::new();
        self.chain(last, view, &mut chain);
        self.latest(&chain, view).map_or(0, |found| found.statements)
    }

    /// The last statement of every key.
    pub(crate) fn lasts(&self) -> &[u32] {
        &self.state.accounts
    }

    /// Visible statements of an account in known order, ties by grade and id: the last one wins.
    pub(crate) fn chain(&self, last: u32, view: &View, chain: &mut Vec<u32>) {
        chain.clear();
        let mut at = last;
        while at != NONE {
            let Some(obs) = self.observation(at) else { break };
            if obs.visible(view) {
                chain.push(at);
            }
            at = obs.previous;
        }
        if chain.len() > 1 {
            chain.sort_by(|a, b| match (self.observation(*a), self.observation(*b)) {
                (Some(a), Some(b)) => order(a, b, view),
                _ => Ordering::Equal,
            });
        }
    }

    pub(crate) fn latest(&self, chain: &[u32], view: &View) -> Option<Account> {
        let mut current: Option<(u32, &Observation)> = None;
        let mut withdrawn: Option<i64> = None;
        let (mut vintages, mut statements, mut conflict) = (0_u32, 0_u32, false);
        for at in chain {
            let obs = self.observation(*at)?;
            let known = obs.known_in(view);
            if obs.op == Op::Retract {
                (current, withdrawn, statements, conflict) = (None, Some(known), 0, false);
                continue;
            }
            if let Some(since) = withdrawn {
                // Only a later statement of the source itself brings a withdrawn key back.
                if obs.basis != Basis::Stated || known <= since {
                    continue;
                }
                withdrawn = None;
            }
            statements += 1;
            match current {
                Some((_, before)) if self.same(before, obs) => {}
                Some((_, before)) => {
                    conflict = before.known_in(view) == known;
                    vintages += 1;
                    current = Some((*at, obs));
                }
                None => {
                    vintages += 1;
                    current = Some((*at, obs));
                }
            }
        }
        let (at, _) = current?;
        Some(Account { at, vintages, statements, conflict })
    }

    /// By measure, the keys that any statement of it reads; each given by its last statement.
    pub(crate) fn keys_by_measure(&self) -> Vec<Vec<u32>> {
        let mut keys: Vec<Vec<u32>> = vec![Vec::new(); self.index.framework.all_measures().count()];
        let measures = |set: &Vec<u32>| -> Vec<usize> {
            let slot = |s: &u32| usize::try_from(*s).ok().and_then(|s| self.index.slots.get(s));
            set.iter().filter_map(slot).map(|s| s.measure).collect()
        };
        let by_set: Vec<Vec<usize>> = self.state.slot_sets.iter().map(measures).collect();
        for last in &self.state.accounts {
            let mut at = *last;
            while let Some(obs) = self.observation(at) {
                let read = usize::try_from(obs.slots).ok().and_then(|set| by_set.get(set));
                for measure in read.into_iter().flatten() {
                    // A key's statements follow each other, so a repetition is the newest entry.
                    if let Some(list) = keys.get_mut(*measure).filter(|list| list.last() != Some(last)) {
                        list.push(*last);
                    }
                }
                at = obs.previous;
            }
        }
        keys
    }

    /// Known times of declared coverage that the view sees.
    pub(crate) fn coverage_times(&self, view: &View) -> Vec<i64> {
        let all = self.state.coverage.iter().filter_map(|(_, at)| self.observation(*at));
        all.filter(|o| o.visible(view)).map(|o| o.known_in(view)).collect()
    }

    /// Declared coverage of some fact types that the view sees: known time, start, end; withdrawn ones too.
    pub(crate) fn coverage_of<'k>(
        &self,
        kinds: impl Iterator<Item = &'k str>,
        view: &View,
    ) -> Vec<(i64, i64, i64)> {
        let want: Vec<u128> = kinds.map(|kind| super::payload::digest(&[kind])).collect();
        let all = self.state.coverage.iter().filter(|(covers, _)| want.contains(covers));
        // By account: a withdrawal says of nothing that it covers.
        let accounts: std::collections::BTreeSet<u32> =
            all.filter_map(|(_, at)| self.observation(*at)).map(|o| o.account).collect();
        let (mut out, mut chain) = (Vec::new(), Vec::new());
        for account in accounts {
            let Some(last) = usize::try_from(account).ok().and_then(|a| self.state.accounts.get(a)) else {
                continue;
            };
            self.chain(*last, view, &mut chain);
            let seen = chain.iter().filter_map(|at| self.observation(*at));
            out.extend(seen.map(|o| (o.known_in(view), o.start, o.end)));
        }
        out
    }

    /// Every visible statement of the key that an observation belongs to, in known order.
    pub(crate) fn vintages(&self, at: u32, view: &View) -> Vec<Vintage> {
        let mut chain = Vec::new();
        let last = self
            .observation(at)
            .and_then(|o| self.state.accounts.get(usize::try_from(o.account).ok()?))
            .copied()
            .unwrap_or(NONE);
        self.chain(last, view, &mut chain);
        let mut out = Vec::new();
        let mut current: Option<&Observation> = None;
        let mut number = 0;
        for at in chain {
            let Some(obs) = self.observation(at).filter(|o| o.op == Op::Assert) else {
                current = None;
                continue;
            };
            let confirms = current.is_some_and(|before| self.same(before, obs));
            if !confirms {
                number += 1;
                current = Some(obs);
            }
            out.push(Vintage { at, number, confirms });
        }
        out
    }

    /// A later statement that says the same: equal value within rounding, same period, same reading.
    pub(super) fn same(&self, before: &Observation, after: &Observation) -> bool {
        let value = match (before.value, after.value) {
            (Some(a), Some(b)) => confirms(a, b, before.rounds && after.rounds),
            (None, None) => true,
            _ => false,
        };
        value
            && (before.start, before.end, before.slots) == (after.start, after.end, after.slots)
            && self.payloads(before) == self.payloads(after)
    }

    fn payloads(&self, obs: &Observation) -> &[super::payload::Payload] {
        usize::try_from(obs.payload).ok().and_then(|p| self.state.payloads.get(p)).map_or(&[], Vec::as_slice)
    }

    /// Intervals, merged and sorted, over which a fact type's coverage is declared in the view.
    pub(crate) fn declared(&self, kind: &str, view: &View) -> Vec<(i64, i64)> {
        let want = super::payload::digest(&[kind]);
        let mut chain = Vec::new();
        let mut spans: Vec<(i64, i64)> = self
            .state
            .coverage
            .iter()
            .filter(|(covers, _)| *covers == want)
            .filter_map(|(_, at)| {
                let obs = self.observation(*at)?;
                let last = self.state.accounts.get(usize::try_from(obs.account).ok()?)?;
                self.chain(*last, view, &mut chain);
                let latest = self.latest(&chain, view)?;
                (latest.at == *at).then_some((obs.start, obs.end))
            })
            .collect();
        spans.sort_unstable();
        let mut merged: Vec<(i64, i64)> = Vec::new();
        for (start, end) in spans {
            match merged.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        merged
    }
}

/// One statement of a key.
pub(crate) struct Vintage {
    pub(crate) at: u32,
    /// Position among the distinct values, from 1.
    pub(crate) number: u32,
    /// Says the same as the vintage before it.
    pub(crate) confirms: bool,
}

/// Known order; at one known time a withdrawal comes last, then the better grade, then the larger id.
fn order(a: &Observation, b: &Observation, view: &View) -> Ordering {
    a.known_in(view)
        .cmp(&b.known_in(view))
        .then_with(|| a.op.cmp(&b.op))
        .then_with(|| b.grade().cmp(&a.grade()))
        .then_with(|| a.id.cmp(&b.id))
}
