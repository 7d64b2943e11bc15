//! What the next reading of a signal could tell.

use super::fit::mixed_row;
use super::{Model, STATES, Seen, normalised, tempered};

/// What one reading would be worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Gain {
    /// Expected information about which scenario holds, in bits: the mutual information of scenario and reading
    /// (Lindley, Annals of Mathematical Statistics 27, 1956).
    pub bits: f64,
    /// How likely each state is.
    pub chances: [f64; STATES],
    /// Probabilities after each state.
    pub after: [Vec<f64>; STATES],
}

/// What a reading of `next`'s signal and grade would be worth to somebody who believes `p`; its state is not read. The
/// reading is taken to be its cluster's only one.
pub fn gain(model: &Model, p: &[f64], next: &Seen) -> Gain {
    let rows: Vec<[f64; STATES]> = (0..model.len()).map(|s| mixed_row(model, next, s)).collect();
    let mut out = Gain { bits: 0.0, chances: [0.0; STATES], after: std::array::from_fn(|_| Vec::new()) };
    for (state, (chance, after)) in out.chances.iter_mut().zip(&mut out.after).enumerate() {
        *chance = p.iter().zip(&rows).map(|(p, row)| p * row.get(state).copied().unwrap_or_default()).sum();
        let likelihood = tempered(model, &Seen { state, ..*next });
        *after = normalised(&p.iter().zip(&likelihood).map(|(p, l)| p * l).collect::<Vec<_>>());
        // In bits, from what is believed now to what would be believed then.
        let moved: f64 = after
            .iter()
            .zip(p)
            .filter(|(a, p)| **a > 0.0 && **p > 0.0)
            .map(|(a, p)| a * libm::log2(a / p))
            .sum();
        out.bits += *chance * moved;
    }
    out.bits = out.bits.max(0.0);
    out
}
