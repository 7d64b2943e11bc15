//! Isolated outliers replaced by the median around them (Hampel, JASA 69 (1974) 383).

/// Observations on each side of the one judged.
const REACH: usize = 3;
/// Observations that must follow before one is judged: a fresh step is no outlier.
const LATER: usize = 2;
/// Noise standard deviations beyond which a value is replaced.
const CUT: f64 = 6.0;

/// Appends `x` to `out` with outliers replaced; `sigma` is the noise, from the MAD of first differences over √2.
pub(super) fn clean(x: &[f64], sigma: f64, out: &mut Vec<f64>) {
    out.clear();
    out.extend_from_slice(x);
    if sigma <= 0.0 {
        return;
    }
    let cut = CUT * sigma;
    let windows = x.windows(2 * REACH + 1).filter_map(<[f64]>::first_chunk);
    for (window, target) in windows.zip(out.iter_mut().skip(REACH)) {
        let middle = median_of_7(*window);
        if (*target - middle).abs() > cut {
            *target = middle;
        }
    }
    // One more observation has two later ones but only six in its window.
    let Some([a, b, c, judged, d, e]) = x.last_chunk::<6>() else { return };
    let mut sorted = [*a, *b, *c, *judged, *d, *e];
    sorted.sort_unstable_by(f64::total_cmp);
    let [_, _, low, high, _, _] = sorted;
    let middle = if (judged - low).abs() < (judged - high).abs() { low } else { high };
    if (judged - middle).abs() > cut
        && let Some(target) = out.iter_mut().rev().nth(LATER)
    {
        *target = middle;
    }
}

/// Devillard's median network: 13 exchanges, no branch.
fn median_of_7([a, b, c, d, e, f, g]: [f64; 7]) -> f64 {
    let (a, f) = order(a, f);
    let (a, d) = order(a, d);
    let (b, g) = order(b, g);
    let (c, e) = order(c, e);
    let (_, b) = order(a, b);
    let (d, f) = order(d, f);
    let (c, g) = order(c, g);
    let (c, d) = order(c, d);
    let (d, _) = order(d, g);
    let (e, _) = order(e, f);
    let (b, e) = order(b, e);
    let (_, d) = order(b, d);
    let (d, _) = order(d, e);
    let _ = c;
    d
}

fn order(a: f64, b: f64) -> (f64, f64) {
    (if a < b { a } else { b }, if a < b { b } else { a })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_finds_the_median_of_every_pattern() {
        // A network right on all zero-one inputs is right on all inputs (Knuth 5.3.4).
        for bits in 0..128_u32 {
            let x: [f64; 7] = std::array::from_fn(|i| f64::from(bits >> i & 1));
            assert_eq!(median_of_7(x), f64::from(u8::from(bits.count_ones() >= 4)), "{bits:07b}");
        }
    }

    #[test]
    fn one_spike_goes_and_a_step_stays() {
        let mut out = Vec::new();
        clean(&[1.0, 1.1, 0.9, 1.0, 9.0, 1.1, 0.9, 1.0, 1.05], 0.1, &mut out);
        assert_eq!(out, [1.0, 1.1, 0.9, 1.0, 1.0, 1.1, 0.9, 1.0, 1.05]);
        let step = [1.0, 1.1, 0.9, 1.0, 1.1, 9.0, 9.1];
        clean(&step, 0.1, &mut out);
        assert_eq!(out, step, "two observations are not enough to judge by");
        let longer = [1.0, 1.1, 0.9, 1.0, 1.1, 9.0, 9.1, 9.05];
        clean(&longer, 0.1, &mut out);
        assert_eq!(out, longer);
    }

    #[test]
    fn short_series_and_silent_noise_stay_as_they_are() {
        let mut out = Vec::new();
        clean(&[1.0, 99.0], 0.1, &mut out);
        assert_eq!(out, [1.0, 99.0]);
        clean(&[1.0, 1.0, 1.0, 99.0, 1.0, 1.0, 1.0, 1.0], 0.0, &mut out);
        assert_eq!(out[3], 99.0);
    }
}
