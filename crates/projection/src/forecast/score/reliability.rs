//! Whether what is given 30 % comes true in 30 % of the cases.

use serde::{Deserialize, Serialize};

/// Forecasts of one band of probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Lower end, included.
    pub low: f64,
    /// Upper end, excluded but for 1.
    pub high: f64,
    /// Forecasts.
    pub n: usize,
    /// Mean probability; `null` without forecasts.
    pub forecast: Option<f64>,
    /// Share that came true; `null` without forecasts.
    pub observed: Option<f64>,
}

/// Murphy (1973): Brier score = reliability − resolution + uncertainty + what the bins hide.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Murphy {
    /// Mean squared distance of the forecasts of a bin from what came true in it; 0 is best.
    pub reliability: f64,
    /// Mean squared distance of what came true in the bins from the base rate; more is better.
    pub resolution: f64,
    /// Variance of the outcomes.
    pub uncertainty: f64,
    /// Within-bin variance less twice the within-bin covariance (Stephenson et al. 2008): makes the sum exact.
    pub within: f64,
}

/// A reliability table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// Bands of equal width, lowest first.
    pub bins: Vec<Bin>,
    /// Parts of the Brier score.
    pub murphy: Murphy,
    /// Expected calibration error: Σ n/N |forecast − observed|.
    pub ece: f64,
}

/// A forecast with what came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighted {
    /// Probability, 0–1.
    pub probability: f64,
    /// Whether it came true.
    pub outcome: bool,
    /// What it weighs, above 0.
    pub weight: f64,
}

/// The table of `(probability, outcome)` in so many bands of equal width; `None` when there are no forecasts or no bands.
pub fn reliability(forecasts: &[(f64, bool)], bands: usize) -> Option<Reliability> {
    let alike = |(probability, outcome): &(f64, bool)| Weighted {
        probability: *probability,
        outcome: *outcome,
        weight: 1.0,
    };
    reliability_weighted(&forecasts.iter().map(alike).collect::<Vec<_>>(), bands)
}

/// The same of forecasts that weigh differently: shares and means are weighted, so that the parts add to the weighted
/// Brier score; `n` of a band counts.
pub fn reliability_weighted(forecasts: &[Weighted], bands: usize) -> Option<Reliability> {
    if forecasts.is_empty() || bands == 0 {
        return None;
    }
    let total = forecasts.iter().map(|f| f.weight).sum::<f64>();
    let one = |f: &Weighted| f64::from(u8::from(f.outcome));
    let base = forecasts.iter().map(|f| f.weight * one(f)).sum::<f64>() / total;
    let mut murphy =
        Murphy { reliability: 0.0, resolution: 0.0, uncertainty: base * (1.0 - base), within: 0.0 };
    let (mut bins, mut ece) = (Vec::new(), 0.0);
    for band in 0..bands {
        let edge = |n: usize| n as f64 / bands as f64;
        let (low, high) = (edge(band), edge(band + 1));
        let inside: Vec<&Weighted> = forecasts
            .iter()
            .filter(|f| (low..high).contains(&f.probability) || (band + 1 == bands && f.probability >= high))
            .collect();
        if inside.is_empty() {
            bins.push(Bin { low, high, n: 0, forecast: None, observed: None });
            continue;
        }
        let n = inside.iter().map(|f| f.weight).sum::<f64>();
        let forecast = inside.iter().map(|f| f.weight * f.probability).sum::<f64>() / n;
        let observed = inside.iter().map(|f| f.weight * one(f)).sum::<f64>() / n;
        murphy.reliability += n / total * (forecast - observed) * (forecast - observed);
        murphy.resolution += n / total * (observed - base) * (observed - base);
        murphy.within += inside
            .iter()
            .map(|f| {
                let off = f.probability - forecast;
                f.weight * (off * off - 2.0 * off * (one(f) - observed))
            })
            .sum::<f64>()
            / total;
        ece += n / total * (forecast - observed).abs();
        bins.push(Bin { low, high, n: inside.len(), forecast: Some(forecast), observed: Some(observed) });
    }
    Some(Reliability { bins, murphy, ece })
}

/// Sharpness: the weighted mean of 1 − 4 p (1 − p); 0 when all say one half, 1 when all are sure. It needs no outcomes.
pub fn sharpness(forecasts: &[Weighted]) -> Option<f64> {
    let total = forecasts.iter().map(|f| f.weight).sum::<f64>();
    let sure = |p: f64| 1.0 - 4.0 * p * (1.0 - p);
    (total > 0.0).then(|| forecasts.iter().map(|f| f.weight * sure(f.probability)).sum::<f64>() / total)
}
