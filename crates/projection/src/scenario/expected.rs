//! What the next reading of a signal is expected to show, by the scenarios and by what must be beaten.

use super::{Model, STATES};

/// How likely each state of a signal's next reading is to somebody who believes `p`: Σ pₛ Lₛ, the predictive
/// distribution of the model for a report that is right. How a report will be graded nobody knows beforehand, so
/// nothing is tempered.
pub fn expected(model: &Model, signal: usize, p: &[f64]) -> [f64; STATES] {
    let rows = model.signals.get(signal).map(|s| s.rows.as_slice()).unwrap_or_default();
    let mut out = [0.0; STATES];
    for (p, row) in p.iter().zip(rows) {
        for (out, likelihood) in out.iter_mut().zip(row) {
            *out += p * likelihood;
        }
    }
    out
}

/// Frequency of each state among those read so far, one more of each added (Laplace).
pub fn frequencies(past: &[usize]) -> [f64; STATES] {
    let total = (past.len() + STATES) as f64;
    std::array::from_fn(|state| {
        let seen = past.iter().filter(|s| **s == state).count();
        (seen + 1) as f64 / total
    })
}

/// The last state again, as often as a state was followed by itself so far, the rest shared by the others; two that
/// stayed and one that did not are added. Nothing read: each alike.
pub fn staying(past: &[usize]) -> [f64; STATES] {
    let Some(last) = past.last() else { return [1.0 / STATES as f64; STATES] };
    let stayed = past.iter().zip(past.iter().skip(1)).filter(|(a, b)| a == b).count();
    let stays = (stayed + 2) as f64 / (past.len() - 1 + STATES) as f64;
    std::array::from_fn(|state| if state == *last { stays } else { (1.0 - stays) / (STATES - 1) as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_smoothed() {
        assert_eq!(frequencies(&[]), [1.0 / 3.0; 3]);
        assert_eq!(frequencies(&[2, 2, 1]), [1.0 / 6.0, 2.0 / 6.0, 3.0 / 6.0]);
        assert_eq!(staying(&[]), [1.0 / 3.0; 3]);
        // One stayed of two: three of five with those that are added.
        let [low, normal, high] = staying(&[2, 2, 1]);
        assert!((normal - 0.6).abs() < 1e-12 && (low - 0.2).abs() < 1e-12 && (high - 0.2).abs() < 1e-12);
    }
}
