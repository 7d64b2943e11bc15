//! Scores of probabilities of categories.

/// Probabilities nearer to 0 or 1 than this are taken as this by [`log_score_clipped`]: one sure forecast that fails
/// would else cost infinitely much.
pub const CLIP: f64 = 0.01;

/// Brier score of the probability `p` of something that came true or not: (p − o)².
///
/// ```
/// # use bellwether_projection::forecast::score::brier_score;
/// assert_eq!(brier_score(0.75, true), 0.0625);
/// ```
pub fn brier_score(p: f64, outcome: bool) -> f64 {
    let miss = p - f64::from(u8::from(outcome));
    miss * miss
}

/// Brier score over exclusive categories (Brier 1950): Σ (pₖ − oₖ)²; twice [`brier_score`] for two of them.
///
/// `None` when `outcome` is no category.
pub fn brier_multi(p: &[f64], outcome: usize) -> Option<f64> {
    p.get(outcome)?;
    Some(p.iter().enumerate().map(|(k, p)| brier_score(*p, k == outcome)).sum())
}

/// Ranked probability score over ordered categories: Σ (Fₖ − Oₖ)².
pub fn rps_score(p: &[f64], outcome: usize) -> Option<f64> {
    p.get(outcome)?;
    let mut sum = 0.0;
    let mut below = 0.0;
    for (k, p) in p.iter().enumerate() {
        below += p;
        sum += brier_score(below, k >= outcome);
    }
    Some(sum)
}

/// Logarithmic score: −ln of the probability that was given to what happened. Infinite where that was 0.
pub fn log_score(p: f64, outcome: bool) -> f64 {
    let given = if outcome { p } else { 1.0 - p };
    if given > 0.0 { -libm::log(given) } else { f64::INFINITY }
}

/// [`log_score`] of the probability clipped to [[`CLIP`], 1 − [`CLIP`]].
pub fn log_score_clipped(p: f64, outcome: bool) -> f64 {
    log_score(p.clamp(CLIP, 1.0 - CLIP), outcome)
}
