//! One-to-one matching of firings and events.

/// A firing and an event that may belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// Position of the firing.
    pub(super) firing: usize,
    /// Position of the event.
    pub(super) event: usize,
    /// Days from the alarm to the event, positive when the alarm was early.
    pub(super) lead: i64,
}

/// Weight of a day against the preference for early alarms: more than there are pairs.
const DAY: i64 = 1 << 32;

impl Edge {
    fn cost(&self) -> i64 {
        self.lead.abs() * DAY + i64::from(self.lead < 0)
    }
}

/// As many pairs as can be, each firing and each event in one at most. Among all such choices the one with the fewest
/// days between alarms and events in sum; then the one with the most alarms on the early side; what is equal still goes
/// to the earlier event and the earlier firing. Pairs come in order of events.
///
/// Successive shortest augmenting paths (Bellman–Ford), exact for graphs of this size.
pub(super) fn best(firings: usize, events: usize, edges: &[Edge]) -> Vec<Edge> {
    let mut of_firing: Vec<Option<Edge>> = vec![None; firings];
    let mut of_event: Vec<Option<Edge>> = vec![None; events];
    while let Some(path) = shortest(&of_firing, &of_event, edges) {
        // From the free end backwards: each firing leaves the event it had, which the next edge then takes.
        for edge in path {
            set(&mut of_firing, edge.firing, edge);
            set(&mut of_event, edge.event, edge);
        }
    }
    of_event.into_iter().flatten().collect()
}

fn set(list: &mut [Option<Edge>], at: usize, edge: Edge) {
    list.get_mut(at).into_iter().for_each(|slot| *slot = Some(edge));
}

/// The cheapest way to one pair more: the edges to put in, from the free firing's to the free event's.
fn shortest(of_firing: &[Option<Edge>], of_event: &[Option<Edge>], edges: &[Edge]) -> Option<Vec<Edge>> {
    let mut to_firing: Vec<Option<i64>> =
        of_firing.iter().map(|mate| if mate.is_none() { Some(0) } else { None }).collect();
    let mut to_event: Vec<Option<(i64, Edge)>> = vec![None; of_event.len()];
    loop {
        let mut changed = false;
        for edge in edges {
            let Some(Some(so_far)) = to_firing.get(edge.firing) else { continue };
            if of_event.get(edge.event).copied().flatten().is_some_and(|mate| mate.firing == edge.firing) {
                continue;
            }
            let cost = so_far + edge.cost();
            let Some(best) = to_event.get_mut(edge.event) else { continue };
            if best.is_some_and(|(known, _)| known <= cost) {
                continue;
            }
            *best = Some((cost, *edge));
            changed = true;
            if let Some(mate) = of_event.get(edge.event).copied().flatten() {
                to_firing.get_mut(mate.firing).into_iter().for_each(|to| *to = Some(cost - mate.cost()));
            }
        }
        if !changed {
            break;
        }
    }
    let free = of_event.iter().zip(&to_event).filter(|(mate, _)| mate.is_none()).filter_map(|(_, to)| *to);
    let mut last = free.min_by_key(|(cost, edge)| (*cost, edge.event))?.1;
    let mut path = vec![last];
    while let Some(left) = of_firing.get(last.firing).copied().flatten() {
        last = to_event.get(left.event).copied().flatten()?.1;
        path.push(last);
    }
    path.reverse();
    Some(path)
}

/// Size of the largest matching, where firing `n` may go with the events `of[n]`.
pub(super) fn most(events: usize, of: &[&[usize]]) -> usize {
    let mut mate: Vec<Option<usize>> = vec![None; events];
    let mut seen: Vec<usize> = vec![0; events];
    (0..of.len()).filter(|n| augment(*n, n + 1, of, &mut mate, &mut seen)).count()
}

fn augment(
    firing: usize,
    round: usize,
    of: &[&[usize]],
    mate: &mut [Option<usize>],
    seen: &mut [usize],
) -> bool {
    for event in of.get(firing).copied().unwrap_or_default() {
        match seen.get_mut(*event) {
            Some(last) if *last != round => *last = round,
            _ => continue,
        }
        let held = mate.get(*event).copied().flatten();
        if held.is_none_or(|other| augment(other, round, of, mate, seen)) {
            mate.get_mut(*event).into_iter().for_each(|slot| *slot = Some(firing));
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(edges: &[(usize, usize, i64)], want: &[(usize, usize)]) {
        let edges: Vec<Edge> = edges
            .iter()
            .map(|(firing, event, lead)| Edge { firing: *firing, event: *event, lead: *lead })
            .collect();
        let firings = edges.iter().map(|e| e.firing + 1).max().unwrap_or(0);
        let events = edges.iter().map(|e| e.event + 1).max().unwrap_or(0);
        let found: Vec<_> = best(firings, events, &edges).iter().map(|e| (e.firing, e.event)).collect();
        assert_eq!(found, want);
        let of: Vec<Vec<usize>> =
            (0..firings).map(|f| edges.iter().filter(|e| e.firing == f).map(|e| e.event).collect()).collect();
        let of: Vec<&[usize]> = of.iter().map(Vec::as_slice).collect();
        assert_eq!(most(events, &of), want.len());
    }

    #[test]
    fn one_to_one_conflicts_are_settled_for_the_most_pairs() {
        check(&[], &[]);
        // Two alarms for one event: the nearer; as near, the early one; alike, the first.
        check(&[(0, 0, -40), (1, 0, 10)], &[(1, 0)]);
        check(&[(0, 0, -5), (1, 0, 5)], &[(1, 0)]);
        check(&[(0, 0, 5), (1, 0, 5)], &[(0, 0)]);
        // One alarm for two events: the nearer; alike, the earlier event.
        check(&[(0, 0, -60), (0, 1, 20)], &[(0, 1)]);
        check(&[(0, 0, 20), (0, 1, 20)], &[(0, 0)]);
        // The nearest pair would cost a pair.
        check(&[(0, 0, 30), (0, 1, 0), (1, 1, -80)], &[(0, 0), (1, 1)]);
        // A chain of three.
        check(&[(0, 0, -10), (0, 1, -1), (1, 1, -10), (1, 2, -1), (2, 2, -90)], &[(0, 0), (1, 1), (2, 2)]);
        // Most pairs in several ways: the least sum of days.
        check(&[(0, 0, -50), (0, 1, -10), (1, 0, -20), (1, 1, -30)], &[(1, 0), (0, 1)]);
    }

    /// Every choice of pairs, tried.
    fn by_hand(edges: &[Edge], used: (u32, u32)) -> (usize, i64) {
        let Some((first, rest)) = edges.split_first() else { return (0, 0) };
        let without = by_hand(rest, used);
        let bits = (1 << first.firing, 1 << first.event);
        if used.0 & bits.0 != 0 || used.1 & bits.1 != 0 {
            return without;
        }
        let (pairs, cost) = by_hand(rest, (used.0 | bits.0, used.1 | bits.1));
        let with = (pairs + 1, cost + first.cost());
        if (with.0, -with.1) > (without.0, -without.1) { with } else { without }
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_better_than_the_best(raw in proptest::collection::vec((0_usize..5, 0_usize..5, -90_i64..=30), 0..14)) {
            let mut edges: Vec<Edge> = Vec::new();
            for (firing, event, lead) in raw {
                if !edges.iter().any(|e| (e.firing, e.event) == (firing, event)) {
                    edges.push(Edge { firing, event, lead });
                }
            }
            let found = best(5, 5, &edges);
            let of: Vec<Vec<usize>> = (0..5)
                .map(|f| edges.iter().filter(|e| e.firing == f).map(|e| e.event).collect())
                .collect();
            let of: Vec<&[usize]> = of.iter().map(Vec::as_slice).collect();
            proptest::prop_assert_eq!(most(5, &of), found.len());
            let cost: i64 = found.iter().map(Edge::cost).sum();
            proptest::prop_assert_eq!((found.len(), cost), by_hand(&edges, (0, 0)));
        }
    }
}
