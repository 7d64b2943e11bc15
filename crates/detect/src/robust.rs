//! Median and median absolute deviation.

/// Makes the MAD of a normal sample estimate its standard deviation (Hampel 1974).
const NORMAL_CONSISTENCY: f64 = 1.4826;

/// Centre and robust standard deviation of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Median.
    pub median: f64,
    /// 1.4826 × median absolute deviation.
    pub sigma: f64,
}

/// Median of a sample; the mean of the two middle values when even. `None` when empty or not finite.
pub fn median(values: &[f64]) -> Option<f64> {
    if values.is_empty() || values.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *sorted.get(sorted.len() / 2 - 1)?;
    Some(lower + (upper - lower) / 2.0)
}

/// Median and scaled MAD of a sample. `None` when empty or not finite.
pub fn spread(values: &[f64]) -> Option<Spread> {
    let centre = median(values)?;
    let deviations: Vec<f64> = values.iter().map(|v| (v - centre).abs()).collect();
    Some(Spread { median: centre, sigma: NORMAL_CONSISTENCY * median(&deviations)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even_samples() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[f64::NAN]), None);
    }

    #[test]
    fn the_spread_ignores_one_outlier() {
        let s = spread(&[1.0, 2.0, 3.0, 4.0, 1000.0]).unwrap();
        assert_eq!(s.median, 3.0);
        assert!((s.sigma - 1.4826).abs() < 1e-12);
    }
}
