//! What a scenario does to an indicator, read out of the framework's likelihood tables.
//!
//! A table says how often the standardised distance is low, normal and high while a scenario holds. Read as a normal
//! distribution, its two tail probabilities give the distance that is usual under that scenario. Between scenarios the
//! indicator moves by the difference of these usual distances, not to them: what the years since the baseline window
//! have done to the level stays.

use bellwether_model::framework::Signal;

/// Years after which two thirds of a change of scenario have reached the indicator.
pub(super) const LAG: f64 = 1.0;
/// Largest effect of a scenario on the scale of the model: a factor of e for levels, counts and odds.
const MOST: f64 = 1.0;
/// Bounds of a ratio of likelihoods, as in the filter.
const CLIP: f64 = 5.0;

/// Where each scenario pulls, on the scale of a model, against what is expected now; all zero for an indicator without
/// a table. `unit` is one standardised distance on that scale.
pub(super) fn pulls(signal: Option<&Signal>, ids: &[String], now: &[f64], unit: f64) -> Vec<f64> {
    let Some(signal) = signal else { return vec![0.0; ids.len()] };
    let usual: Vec<f64> = ids.iter().map(|id| usual(signal, id)).collect();
    let expected: f64 = usual.iter().zip(now).map(|(m, p)| m * p).sum();
    usual.iter().map(|m| ((m - expected) * unit).clamp(-MOST, MOST)).collect()
}

/// How much likelier than now a low and a high state are under each scenario: what multiplies the rates of steps down
/// and up of an ordinal scale.
pub(super) fn ratios(signal: Option<&Signal>, ids: &[String], now: &[f64]) -> Vec<[f64; 2]> {
    let Some(signal) = signal else { return vec![[1.0, 1.0]; ids.len()] };
    let rows: Vec<[f64; 3]> =
        ids.iter().map(|id| signal.likelihood.get(id).copied().unwrap_or([1.0 / 3.0; 3])).collect();
    let [low, _, high] =
        rows.iter().zip(now).fold([0.0; 3], |[a, b, c], ([l, n, h], p)| [a + p * l, b + p * n, c + p * h]);
    let ratio = |p: f64, q: f64| (p / q).clamp(1.0 / CLIP, CLIP);
    rows.iter().map(|[l, _, h]| [ratio(*l, low), ratio(*h, high)]).collect()
}

/// Distance that is usual under a scenario.
fn usual(signal: &Signal, id: &str) -> f64 {
    let [low, _, high] = signal.likelihood.get(id).copied().unwrap_or([1.0 / 3.0; 3]);
    let [from, to] = signal.thresholds;
    let (a, b) = (normal_quantile(low), normal_quantile(1.0 - high));
    let spread = if to > from && b > a { (to - from) / (b - a) } else { 1.0 };
    0.5 * (from + to) - 0.5 * spread * (a + b)
}

/// Quantile of the standard normal distribution (Acklam's rational approximation, relative error below 1.2e-9).
pub(super) fn normal_quantile(p: f64) -> f64 {
    let p = p.clamp(1e-12, 1.0 - 1e-12);
    let tail = |p: f64| {
        let q = (-2.0 * libm::log(p)).sqrt();
        (((((-7.784894002430293e-3 * q - 3.223964580411365e-1) * q - 2.400758277161838) * q
            - 2.549732539343734)
            * q
            + 4.374664141464968)
            * q
            + 2.938163982698783)
            / ((((7.784695709041462e-3 * q + 3.224671290700398e-1) * q + 2.445134137142996) * q
                + 3.754408661907416)
                * q
                + 1.0)
    };
    if p < 0.02425 {
        return tail(p);
    }
    if p > 1.0 - 0.02425 {
        return -tail(1.0 - p);
    }
    let q = p - 0.5;
    let r = q * q;
    (((((-3.969683028665376e1 * r + 2.209460984245205e2) * r - 2.759285104469687e2) * r
        + 1.38357751867269e2)
        * r
        - 3.066479806614716e1)
        * r
        + 2.506628277459239)
        * q
        / (((((-5.447609879822406e1 * r + 1.615858368580409e2) * r - 1.556989798598866e2) * r
            + 6.680131188771972e1)
            * r
            - 1.328068155288572e1)
            * r
            + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal() -> Signal {
        Signal {
            of: "x".into(),
            group: "g".into(),
            thresholds: [-1.0, 1.0],
            likelihood: [("a".to_owned(), [0.1, 0.4, 0.5]), ("b".to_owned(), [0.5, 0.4, 0.1])].into(),
            reason: String::new(),
        }
    }

    #[test]
    fn quantiles_of_the_normal_distribution() {
        for (p, z) in [(0.5, 0.0), (0.975, 1.959963985), (0.001, -3.090232306), (0.9, 1.281551566)] {
            assert!((normal_quantile(p) - z).abs() < 1e-7, "{p}");
        }
    }

    #[test]
    fn a_scenario_pulls_by_how_it_differs_from_what_is_expected_now() {
        let ids = ["a".to_owned(), "b".to_owned()];
        let even = pulls(Some(&signal()), &ids, &[0.5, 0.5], 0.5);
        assert!(even[0] > 0.0 && (even[0] + even[1]).abs() < 1e-12, "{even:?}");
        // Certain of one: it pulls nowhere, the other down.
        let sure = pulls(Some(&signal()), &ids, &[1.0, 0.0], 0.5);
        assert!(sure[0].abs() < 1e-12 && sure[1] < 0.0);
        assert_eq!(pulls(None, &ids, &[0.5, 0.5], 0.5), [0.0, 0.0]);
        let r = ratios(Some(&signal()), &ids, &[0.5, 0.5]);
        assert!((r[0][1] - 0.5 / 0.3).abs() < 1e-12 && (r[1][0] - 0.5 / 0.3).abs() < 1e-12);
    }
}
