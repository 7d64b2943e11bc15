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
    Some(f64::midpoint(lower, upper))
}

/// Median and scaled MAD of a sample. `None` when empty or not finite.
pub fn spread(values: &[f64]) -> Option<Spread> {
    let centre = median(values)?;
    let deviations: Vec<f64> = values.iter().map(|v| (v - centre).abs()).collect();
    Some(Spread { median: centre, sigma: NORMAL_CONSISTENCY * median(&deviations)? })
}

/// Median of a finite sample in any order, which is left in another order.
pub(crate) fn median_in_place(values: &mut [f64]) -> Option<f64> {
    let half = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    if values.is_empty() {
        return None;
    }
    let (below, upper, _) = values.select_nth_unstable_by(half, f64::total_cmp);
    let upper = *upper;
    if !even {
        return Some(upper);
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, |a, b| if a < b { b } else { a });
    Some(f64::midpoint(lower, upper))
}

/// A sample kept in order, so that median and MAD cost no sorting.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    sorted: Vec<f64>,
}

impl Window {
    pub(crate) fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Adds a value; one that is not finite is passed over.
    pub(crate) fn insert(&mut self, value: f64) {
        if value.is_finite() {
            let at = self.sorted.partition_point(|v| v.total_cmp(&value).is_lt());
            self.sorted.insert(at, value);
        }
    }

    /// Removes one copy of a value that was added before.
    pub(crate) fn remove(&mut self, value: f64) {
        if let Ok(at) = self.sorted.binary_search_by(|v| v.total_cmp(&value)) {
            self.sorted.remove(at);
        }
    }

    /// Median; `None` when empty.
    pub(crate) fn median(&self) -> Option<f64> {
        let upper = *self.sorted.get(self.sorted.len() / 2)?;
        if self.sorted.len() % 2 == 1 {
            return Some(upper);
        }
        let lower = *self.sorted.get(self.sorted.len() / 2 - 1)?;
        Some(f64::midpoint(lower, upper))
    }

    /// Mean absolute deviation from the median; `None` when empty.
    pub(crate) fn mean_deviation(&self) -> Option<f64> {
        let centre = self.median()?;
        Some(self.sorted.iter().map(|v| (v - centre).abs()).sum::<f64>() / self.sorted.len() as f64)
    }

    /// Median and scaled MAD; `None` when empty.
    pub(crate) fn spread(&self) -> Option<Spread> {
        let n = self.sorted.len();
        let centre = self.median()?;
        // Deviations grow outward from the centre on both sides: a merge yields them in order.
        let split = self.sorted.partition_point(|v| *v < centre);
        let (below, above) = self.sorted.split_at_checked(split)?;
        let mut left = below.iter().rev().map(|v| centre - v).peekable();
        let mut right = above.iter().map(|v| v - centre).peekable();
        let (mut lower, mut upper) = (0.0, 0.0);
        for _ in 0..=n / 2 {
            let nearer = match (left.peek(), right.peek()) {
                (Some(l), Some(r)) if l <= r => left.next(),
                (Some(_), None) => left.next(),
                _ => right.next(),
            };
            (lower, upper) = (upper, nearer?);
        }
        let mad = if n % 2 == 1 { upper } else { f64::midpoint(lower, upper) };
        Some(Spread { median: centre, sigma: NORMAL_CONSISTENCY * mad })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_agrees_with_sorting() {
        let mut window = Window::default();
        let values: Vec<f64> = (0..200_u32).map(|i| f64::from(i.wrapping_mul(2_654_435_761) >> 20)).collect();
        for (i, v) in values.iter().enumerate() {
            window.insert(*v);
            if i >= 17 {
                window.remove(values[i - 17]);
            }
            let sample = &values[i.saturating_sub(16)..=i];
            assert_eq!(window.spread(), spread(sample), "at {i}");
            assert_eq!(median_in_place(&mut sample.to_vec()), median(sample), "at {i}");
        }
    }

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
