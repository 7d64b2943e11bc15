//! Whether any scenario explains what was seen: a posterior-predictive p (Gelman, Meng & Stern, Statistica Sinica 6,
//! 1996).

use std::collections::BTreeMap;

use super::filter::one_a_signal;
use super::{Model, STATES, Seen, reliability, shares};

/// Steps a nat into which surprise is cut; sums of them are exact.
const STEPS: f64 = 32.0;

/// How well the best scenario explains `quarters` quarters up to the `last` one, 0–1, which that is, and on how many
/// readings that rests; `None` when nothing was seen in them.
///
/// Under a scenario, a reading surprises by −share · ln P(state), tempered as the filter tempers; the p is the
/// probability that as many readings drawn from that scenario surprise more than these did, half of ties counted
/// ([`surprise`]). Small: what was seen is stranger than nearly anything that the scenario makes.
pub fn fit(model: &Model, seen: &[Seen], last: u32, quarters: u32) -> Option<(f64, usize, usize)> {
    // How strange a quarter looks does not hang on what was told before it.
    let mut sorted: Vec<Seen> = seen.iter().map(|s| Seen { told: None, ..*s }).collect();
    sorted.sort_unstable();
    let mut clusters: BTreeMap<(u32, usize), Vec<(Seen, f64)>> = BTreeMap::new();
    for quarter in (last + 1).saturating_sub(quarters)..=last {
        let inside = one_a_signal(&sorted, quarter);
        let shares = shares(model, &inside);
        for (seen, share) in inside.into_iter().zip(shares).filter(|(_, share)| *share > 0.0) {
            clusters.entry((quarter, seen.cluster)).or_default().push((seen, share));
        }
    }
    if clusters.is_empty() {
        return None;
    }
    let clusters: Vec<Vec<(Seen, f64)>> = clusters.into_values().collect();
    let readings = clusters.iter().map(Vec::len).sum();
    let each = (0..model.len()).map(|scenario| (surprise(model, &clusters, scenario), scenario, readings));
    each.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))
}

/// P that readings of the same signals, drawn from one scenario, surprise more than these; ties count half.
///
/// `clusters` are readings with their shares, by cluster. Those of one cluster repeat each other, so they are drawn
/// together (all at the same quantile of surprise), those of different clusters apart. By convolution, with surprise cut
/// to a thirty-second of a nat: no simulation, and no approximation but the cut.
pub fn surprise(model: &Model, clusters: &[Vec<(Seen, f64)>], scenario: usize) -> f64 {
    let mut chances = vec![1.0];
    let mut seen = 0_usize;
    for cluster in clusters {
        let (pieces, here) = together(model, cluster, scenario);
        seen += here;
        let most = pieces.iter().map(|(step, _)| *step).max().unwrap_or_default();
        let mut next = vec![0.0; chances.len() + most];
        for (step, p) in pieces {
            for (to, chance) in next.iter_mut().skip(step).zip(&chances) {
                *to += chance * p;
            }
        }
        chances = next;
    }
    let more: f64 = chances.iter().skip(seen + 1).sum();
    (more + 0.5 * chances.get(seen).copied().unwrap_or_default()).clamp(0.0, 1.0)
}

/// Surprises that a cluster could have been, in steps, with their probabilities; and the one that it was.
fn together(model: &Model, cluster: &[(Seen, f64)], scenario: usize) -> (Vec<(usize, f64)>, usize) {
    let mut here = 0.0;
    let mut each: Vec<Vec<(f64, f64)>> = Vec::with_capacity(cluster.len());
    for (reading, share) in cluster {
        let row = mixed_row(model, reading, scenario);
        let nats = row.map(|p| -share * libm::log(p.max(f64::MIN_POSITIVE)));
        here += nats.get(reading.state).copied().unwrap_or_default();
        let mut outcomes: Vec<(f64, f64)> = nats.into_iter().zip(row).collect();
        outcomes.sort_by(|a, b| a.0.total_cmp(&b.0));
        each.push(outcomes);
    }
    let mut ends: Vec<f64> = Vec::new();
    for outcomes in &each {
        let mut below = 0.0;
        ends.extend(outcomes.iter().map(|(_, p)| {
            below += p;
            below.min(1.0)
        }));
    }
    ends.sort_by(f64::total_cmp);
    let mut from = 0.0;
    let mut pieces = Vec::with_capacity(ends.len());
    for end in ends.into_iter().filter(|end| *end > 0.0) {
        let middle = 0.5 * (from + end);
        let nats: f64 = each.iter().map(|outcomes| at(outcomes, middle)).sum();
        pieces.push((cut(nats), end - from));
        from = end;
    }
    (pieces, cut(here))
}

/// The outcome at a quantile.
fn at(outcomes: &[(f64, f64)], quantile: f64) -> f64 {
    let mut below = 0.0;
    for (nats, p) in outcomes {
        below += p;
        if quantile <= below {
            return *nats;
        }
    }
    outcomes.last().map_or(0.0, |last| last.0)
}

/// How likely each state of a reading is under a scenario, the contamination of its grade included.
pub(crate) fn mixed_row(model: &Model, seen: &Seen, scenario: usize) -> [f64; STATES] {
    let mut out = [0.0; STATES];
    let Some(signal) = model.signals.get(seen.signal) else { return out };
    let r = reliability(model, seen);
    for (state, out) in out.iter_mut().enumerate() {
        let at = |row: &[f64; STATES]| row.get(state).copied().unwrap_or_default();
        let mean = signal.rows.iter().map(at).sum::<f64>() / (signal.rows.len().max(1) as f64);
        *out = r * signal.rows.get(scenario).map_or(mean, at) + (1.0 - r) * mean;
    }
    out
}

/// Nats as whole steps, 0 to a thousand nats.
fn cut(nats: f64) -> usize {
    let steps = libm::round(nats.clamp(0.0, 1000.0) * STEPS);
    // Within the limits of the clamp: exact.
    steps as usize
}
