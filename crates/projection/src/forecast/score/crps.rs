//! Continuous ranked probability score, in the unit of what was forecast: ∫ (F(x) − 1{y ≤ x})² dx.

/// Of an ensemble of equally likely values: E|X − y| − ½ E|X − X′|, both expectations over the ensemble.
///
/// Estimator `nrg` of `scoringrules`: exact for the empirical distribution. `None` when empty.
pub fn crps_ensemble(y: f64, ensemble: &[f64]) -> Option<f64> {
    let weighted: Vec<(f64, f64)> = ensemble.iter().map(|x| (*x, 1.0)).collect();
    crps_weighted(y, &weighted)
}

/// Of values with weights, which need not add to 1. `None` when they add to nothing.
pub fn crps_weighted(y: f64, values: &[(f64, f64)]) -> Option<f64> {
    let mut sorted: Vec<(f64, f64)> = values.iter().filter(|(_, w)| *w > 0.0).copied().collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = sorted.iter().map(|(_, w)| w).sum();
    if !(total > 0.0 && total.is_finite()) {
        return None;
    }
    // The integral is a sum over the steps of F, cut at y.
    let (mut sum, mut below) = (0.0, 0.0);
    for (at, (x, w)) in sorted.iter().enumerate() {
        below += w / total;
        let next = sorted.get(at + 1).map_or(*x, |(next, _)| *next);
        let (left, right) = (y.clamp(*x, next) - x, next - y.clamp(*x, next));
        sum += left * below * below + right * (1.0 - below) * (1.0 - below);
    }
    let (first, last) = (sorted.first()?.0, sorted.last()?.0);
    Some(sum + (first - y).max(0.0) + (y - last).max(0.0))
}

/// Pinball loss of the quantile `q` of level `alpha`.
pub fn quantile_score(y: f64, q: f64, alpha: f64) -> f64 {
    if y < q { (1.0 - alpha) * (q - y) } else { alpha * (y - q) }
}

/// Of quantiles and their levels: twice the mean pinball loss, as `scoringrules.crps_quantile` has it.
pub fn crps_quantile(y: f64, quantiles: &[(f64, f64)]) -> Option<f64> {
    if quantiles.is_empty() {
        return None;
    }
    let sum: f64 = quantiles.iter().map(|(q, alpha)| quantile_score(y, *q, *alpha)).sum();
    Some(2.0 * sum / quantiles.len() as f64)
}

/// Of a normal distribution (Gneiting et al. 2005); of a point when `sigma` is 0.
pub fn crps_normal(y: f64, mu: f64, sigma: f64) -> f64 {
    if sigma <= 0.0 {
        return (y - mu).abs();
    }
    let z = (y - mu) / sigma;
    let density = libm::exp(-0.5 * z * z) / libm::sqrt(2.0 * std::f64::consts::PI);
    sigma * (z * (2.0 * normal_cdf(z) - 1.0) + 2.0 * density - 1.0 / libm::sqrt(std::f64::consts::PI))
}

/// Of a log-normal distribution with the mean and the deviation of its logarithm (Baran & Lerch 2015).
pub fn crps_lognormal(y: f64, mu: f64, sigma: f64) -> f64 {
    if sigma <= 0.0 {
        return (y - libm::exp(mu)).abs();
    }
    let mean = libm::exp(mu + 0.5 * sigma * sigma);
    let z = if y > 0.0 { (libm::log(y) - mu) / sigma } else { f64::NEG_INFINITY };
    let tail = normal_cdf(z - sigma) + normal_cdf(sigma / std::f64::consts::SQRT_2) - 1.0;
    y * (2.0 * normal_cdf(z) - 1.0) - 2.0 * mean * tail
}

/// Distribution function of the standard normal.
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}
