//! Which readings repeat each other: one publisher family, or one underlying event, is behind them.
//!
//! Two readings of one quarter repeat each other when they are of one group and the same families publish at least half of
//! both, or when the events behind the one with fewer facts are for at least half of these facts behind the other as well,
//! whatever their groups. Two readings without facts (nothing happened, and it was looked for) are of one publisher. What
//! is linked so, directly or over others, is one cluster. In a later quarter the same events tell nothing again.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::scenario::SignalReading;
use crate::fold::Projector;
use crate::scenario::Seen;

/// What is behind a reading, as numbers of facts; both lists in the order of their indices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// By publisher family.
    pub(crate) families: Vec<(u32, u64)>,
    /// By underlying event.
    events: Vec<(u32, u64)>,
    facts: u64,
}

/// What is behind a point, kept once it was asked. A copy starts anew: its facts may become others.
#[derive(Debug, Default)]
pub(crate) struct OriginCell(OnceLock<Arc<Origin>>);

impl OriginCell {
    pub(crate) fn get(&self, make: impl FnOnce() -> Origin) -> Arc<Origin> {
        Arc::clone(self.0.get_or_init(|| Arc::new(make())))
    }
}

impl Clone for OriginCell {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Origin {
    /// Of the facts with these sequences.
    pub(crate) fn of(projector: &Projector, seqs: &[u64]) -> Self {
        let (mut families, mut events) = (Vec::new(), Vec::new());
        for (at, obs) in seqs.iter().filter_map(|seq| projector.stated(*seq)) {
            families.push(obs.family);
            events.push(projector.event_of(at, obs));
        }
        let facts = families.len() as u64;
        Self { families: counted(families), events: counted(events), facts }
    }

    /// The same families publish at least half of both.
    pub(crate) fn one_publisher(&self, other: &Self) -> bool {
        // Shares of facts, over the common denominator.
        let both =
            common(&self.families, &other.families).map(|(a, b)| (a * other.facts).min(b * self.facts));
        2 * both.sum::<u64>() >= self.facts * other.facts && (self.facts == 0) == (other.facts == 0)
    }

    /// At least half of the facts of the smaller speak of events of the other.
    pub(crate) fn one_event(&self, other: &Self) -> bool {
        let (mut mine, mut theirs) = (0, 0);
        for (a, b) in common(&self.events, &other.events) {
            (mine, theirs) = (mine + a, theirs + b);
        }
        let covers = |shared: u64, facts: u64| facts > 0 && 2 * shared >= facts;
        (self.facts <= other.facts && covers(mine, self.facts))
            || (other.facts <= self.facts && covers(theirs, other.facts))
    }
}

/// How often each occurs.
fn counted(mut all: Vec<u32>) -> Vec<(u32, u64)> {
    all.sort_unstable();
    let mut out: Vec<(u32, u64)> = Vec::new();
    for index in all {
        match out.last_mut().filter(|(last, _)| *last == index) {
            Some((_, n)) => *n += 1,
            None => out.push((index, 1)),
        }
    }
    out
}

/// Numbers of what two lists have in common; the shorter one is looked up in the longer.
fn common<'a>(a: &'a [(u32, u64)], b: &'a [(u32, u64)]) -> impl Iterator<Item = (u64, u64)> + 'a {
    let swapped = a.len() > b.len();
    let (few, many) = if swapped { (b, a) } else { (a, b) };
    few.iter().filter_map(move |(index, n)| {
        let (_, m) = many.get(many.binary_search_by_key(index, |(i, _)| *i).ok()?)?;
        Some(if swapped { (*m, *n) } else { (*n, *m) })
    })
}

/// Writes into each reading which cluster of its quarter it is in: the first signal of it. `group` is that of a signal.
pub(crate) fn cluster(readings: &mut [SignalReading], group: impl Fn(usize) -> usize) {
    let mut quarters: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (at, reading) in readings.iter().enumerate() {
        quarters.entry(reading.seen.quarter).or_default().push(at);
    }
    for inside in quarters.into_values() {
        let here: Vec<&SignalReading> = inside.iter().filter_map(|at| readings.get(*at)).collect();
        let clusters = linked(&here, &group);
        for (at, cluster) in inside.into_iter().zip(clusters) {
            if let Some(reading) = readings.get_mut(at) {
                reading.seen.cluster = cluster;
            }
        }
    }
}

/// Writes into each reading whether it was told before: of all events behind it, by readings of earlier quarters that said
/// the same of the same signal, or anything of another; by how well the least believed of these events was. `readings` are
/// in the order of their quarters. A reading without facts tells of no event.
pub(crate) fn tell(readings: &mut [SignalReading], trust: impl Fn(&Seen) -> f64) {
    // By event: what was said of which signal, and by whom.
    let mut known: BTreeMap<u32, Vec<Seen>> = BTreeMap::new();
    let mut quarter = Vec::new();
    for reading in readings {
        if quarter.first().is_some_and(|(seen, _): &(Seen, Arc<Origin>)| seen.quarter < reading.seen.quarter)
        {
            for (seen, origin) in quarter.drain(..) {
                for (event, _) in &origin.events {
                    known.entry(*event).or_default().push(seen);
                }
            }
        }
        let same = |s: &&Seen| s.signal != reading.seen.signal || s.state == reading.seen.state;
        let best = |event: &u32| {
            let said = known.get(event).into_iter().flatten().filter(same);
            said.max_by(|a, b| trust(a).total_cmp(&trust(b)).then_with(|| b.cmp(a)))
        };
        let told: Option<Vec<&Seen>> = reading.origin.events.iter().map(|(event, _)| best(event)).collect();
        let least = told.iter().flatten().min_by(|a, b| trust(a).total_cmp(&trust(b)).then_with(|| a.cmp(b)));
        reading.seen.told = least.map(|s| (s.source, s.information));
        quarter.push((reading.seen, Arc::clone(&reading.origin)));
    }
}

/// The least signal that each reading is linked with.
fn linked(readings: &[&SignalReading], group: impl Fn(usize) -> usize) -> Vec<usize> {
    let mut clusters: Vec<usize> = readings.iter().map(|r| r.seen.signal).collect();
    for (n, a) in readings.iter().enumerate() {
        for (m, b) in readings.iter().enumerate().skip(n + 1) {
            let (Some(own), Some(other)) = (clusters.get(n).copied(), clusters.get(m).copied()) else {
                continue;
            };
            let joined = own == other
                || group(a.seen.signal) == group(b.seen.signal) && a.origin.one_publisher(&b.origin)
                || a.origin.one_event(&b.origin);
            if joined {
                let (keep, gone) = (own.min(other), own.max(other));
                clusters.iter_mut().filter(|c| **c == gone).for_each(|c| *c = keep);
            }
        }
    }
    clusters
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Facts as (family, event).
    fn origin(facts: &[(u32, u32)]) -> Origin {
        Origin {
            families: counted(facts.iter().map(|f| f.0).collect()),
            events: counted(facts.iter().map(|f| f.1).collect()),
            facts: facts.len() as u64,
        }
    }

    #[test]
    fn half_of_both_makes_one_publisher_and_half_of_the_smaller_one_event() {
        for (a, b, publisher, event) in [
            (vec![(1, 1)], vec![(1, 2)], true, false),
            (vec![(1, 1)], vec![(2, 1)], false, true),
            (vec![(1, 1)], vec![(2, 2)], false, false),
            // Half of the one and all of the other; less than half.
            (vec![(1, 1), (2, 2)], vec![(1, 3)], true, false),
            (vec![(1, 1), (2, 2), (3, 3)], vec![(1, 4)], false, false),
            (vec![(1, 1), (1, 2), (2, 3)], vec![(1, 4), (1, 5), (3, 6)], true, false),
            // The same mixture of many is one publisher as well.
            (vec![(1, 1), (2, 2), (3, 3)], vec![(1, 4), (2, 5), (3, 6)], true, false),
            // One of the smaller one's two facts, three of the greater one's four.
            (vec![(1, 1), (1, 2)], vec![(2, 1), (2, 3), (2, 4)], false, true),
            (vec![(1, 1), (1, 2), (1, 3)], vec![(2, 1), (2, 1), (2, 1), (2, 4)], false, false),
            // Equally many: enough of either.
            (vec![(1, 1), (1, 1), (1, 2)], vec![(2, 1), (2, 4), (2, 5)], false, true),
            // Of nothing that happened there is no publisher and no event.
            (vec![], vec![], true, false),
            (vec![], vec![(1, 1)], false, false),
        ] {
            let (x, y) = (origin(&a), origin(&b));
            assert_eq!((x.one_publisher(&y), x.one_event(&y)), (publisher, event), "{a:?} {b:?}");
            assert_eq!((y.one_publisher(&x), y.one_event(&x)), (publisher, event), "{b:?} {a:?}");
        }
    }
}
