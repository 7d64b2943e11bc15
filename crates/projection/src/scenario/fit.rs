//! Whether any scenario explains what was seen: a posterior-predictive p (Gelman, Meng & Stern, Statistica Sinica 6,
//! 1996).

use super::filter::one_a_signal;
use super::{Model, STATES, Seen, reliability, shares};

/// Steps a nat into which surprise is cut; sums of them are exact.
const STEPS: f64 = 32.0;

/// How well the best scenario explains `quarters` quarters up to the `last` one, 0–1, and which that is; `None` when
/// nothing was seen in them.
///
/// Under a scenario, each reading surprises by −share · ln P(state), tempered as the filter tempers; the p is the
/// probability that as many readings drawn from that scenario surprise more than these did, half of ties counted
/// ([`surprise`]). Small: what was seen is stranger than nearly anything that the scenario makes.
pub fn fit(model: &Model, seen: &[Seen], last: u32, quarters: u32) -> Option<(f64, usize)> {
    let mut sorted = seen.to_vec();
    sorted.sort_unstable();
    let mut read: Vec<(Seen, f64)> = Vec::new();
    for quarter in (last + 1).saturating_sub(quarters)..=last {
        let inside = one_a_signal(&sorted, quarter);
        let shares = shares(model, &inside);
        read.extend(inside.into_iter().zip(shares).filter(|(_, share)| *share > 0.0));
    }
    if read.is_empty() {
        return None;
    }
    let each = (0..model.len()).map(|scenario| (surprise(model, &read, scenario), scenario));
    each.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))
}

/// P that readings of the same signals, drawn from one scenario, surprise more than these; ties count half.
///
/// By convolution of the three surprises that each reading could have been, cut to a thirty-second of a nat: no
/// simulation and no approximation but the cut.
pub fn surprise(model: &Model, read: &[(Seen, f64)], scenario: usize) -> f64 {
    let mut chances = vec![1.0];
    let mut seen = 0_usize;
    for (reading, share) in read {
        let row = mixed_row(model, reading, scenario);
        let steps = row.map(|p| cut(-share * libm::log(p.max(f64::MIN_POSITIVE))));
        seen += steps.get(reading.state).copied().unwrap_or_default();
        let most = steps.iter().copied().max().unwrap_or_default();
        let mut next = vec![0.0; chances.len() + most];
        for (step, p) in steps.iter().zip(row) {
            for (to, chance) in next.iter_mut().skip(*step).zip(&chances) {
                *to += chance * p;
            }
        }
        chances = next;
    }
    let more: f64 = chances.iter().skip(seen + 1).sum();
    (more + 0.5 * chances.get(seen).copied().unwrap_or_default()).clamp(0.0, 1.0)
}

/// How likely each state of a reading is under a scenario, the contamination of its grade included.
pub(super) fn mixed_row(model: &Model, seen: &Seen, scenario: usize) -> [f64; STATES] {
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
