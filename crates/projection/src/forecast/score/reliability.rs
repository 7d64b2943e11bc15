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

/// The table of `(probability, outcome)` in so many bands of equal width; `None` when there are no forecasts or no bands.
pub fn reliability(forecasts: &[(f64, bool)], bands: usize) -> Option<Reliability> {
    if forecasts.is_empty() || bands == 0 {
        return None;
    }
    let total = forecasts.len() as f64;
    let one = |outcome: bool| f64::from(u8::from(outcome));
    let base = forecasts.iter().map(|(_, o)| one(*o)).sum::<f64>() / total;
    let mut murphy =
        Murphy { reliability: 0.0, resolution: 0.0, uncertainty: base * (1.0 - base), within: 0.0 };
    let (mut bins, mut ece) = (Vec::new(), 0.0);
    for band in 0..bands {
        let edge = |n: usize| n as f64 / bands as f64;
        let (low, high) = (edge(band), edge(band + 1));
        let inside: Vec<&(f64, bool)> = forecasts
            .iter()
            .filter(|(p, _)| (low..high).contains(p) || (band + 1 == bands && *p >= high))
            .collect();
        if inside.is_empty() {
            bins.push(Bin { low, high, n: 0, forecast: None, observed: None });
            continue;
        }
        let n = inside.len() as f64;
        let forecast = inside.iter().map(|(p, _)| p).sum::<f64>() / n;
        let observed = inside.iter().map(|(_, o)| one(*o)).sum::<f64>() / n;
        murphy.reliability += n / total * (forecast - observed) * (forecast - observed);
        murphy.resolution += n / total * (observed - base) * (observed - base);
        murphy.within += inside
            .iter()
            .map(|(p, o)| (p - forecast) * (p - forecast) - 2.0 * (p - forecast) * (one(*o) - observed))
            .sum::<f64>()
            / total;
        ece += n / total * (forecast - observed).abs();
        bins.push(Bin { low, high, n: inside.len(), forecast: Some(forecast), observed: Some(observed) });
    }
    Some(Reliability { bins, murphy, ece })
}

/// Sharpness: the mean of 1 − 4 p (1 − p); 0 when all say one half, 1 when all are sure. It needs no outcomes.
pub fn sharpness(probabilities: &[f64]) -> Option<f64> {
    let n = probabilities.len();
    (n > 0).then(|| probabilities.iter().map(|p| 1.0 - 4.0 * p * (1.0 - p)).sum::<f64>() / n as f64)
}
