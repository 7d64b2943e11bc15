use bellwether_detect::{Posterior, PosteriorConfig};
use proptest::prelude::*;

use crate::noise::Noise;

fn read(series: &[f64]) -> Posterior {
    let mut posterior = Posterior::new(PosteriorConfig::default());
    series.iter().for_each(|x| posterior.push(*x));
    posterior
}

/// Adams & MacKay with a constant hazard: alarming on run length 0 is alarming on a constant.
#[test]
fn the_probability_of_a_run_of_nothing_is_the_hazard_at_every_step() {
    let mut noise = Noise::new(3);
    let config = PosteriorConfig { hazard: 0.02, ..PosteriorConfig::default() };
    let mut posterior = Posterior::new(config);
    for i in 0..600 {
        posterior.push(noise.normal() + if i > 300 { 50.0 } else { 0.0 });
        let lengths: Vec<f64> = posterior.run_lengths().collect();
        if i + 1 < config.warm_up {
            assert!(lengths.is_empty());
            continue;
        }
        assert_eq!(lengths[0], 0.02, "at {i}");
        assert!((lengths.iter().sum::<f64>() - 1.0).abs() < 1e-9, "at {i}");
        assert!(lengths.len() <= 241);
    }
}

#[test]
fn the_onset_of_a_step_lies_within_its_interval() {
    let (mut hits, mut width) = (0, 0);
    for seed in 0..100 {
        let mut noise = Noise::new(seed);
        let series: Vec<f64> =
            (0..140).map(|i| 7.0 + 3.0 * noise.normal() + if i < 100 { 0.0 } else { 6.0 }).collect();
        let onset = read(&series).onset().unwrap();
        assert!(onset.low <= onset.index && onset.index <= onset.high, "{onset:?}");
        hits += usize::from((onset.low..=onset.high).contains(&100));
        width += onset.high - onset.low;
    }
    assert!(hits >= 80, "{hits} of 100 intervals hold the onset");
    assert!(width < 100 * 15, "{width}");
}

#[test]
fn without_a_change_the_run_is_unbounded() {
    let series = Noise::new(1).normals(150);
    let onset = read(&series).onset().unwrap();
    assert!(onset.unbounded && onset.index == 0, "{onset:?}");
    let long = Noise::new(1).normals(900);
    let onset = read(&long).onset().unwrap();
    assert!(onset.unbounded && onset.index == 660, "{onset:?}");
}

#[test]
fn a_change_is_still_dated_after_long_calm() {
    let mut noise = Noise::new(5);
    let series: Vec<f64> = (0..2000).map(|i| noise.normal() + if i < 1950 { 0.0 } else { 3.0 }).collect();
    let posterior = read(&series);
    let onset = posterior.onset().unwrap();
    assert!(onset.index.abs_diff(1950) <= 2 && !onset.unbounded, "{onset:?}");
    assert!(posterior.since(1900) > 0.99 && posterior.since(1990) < 0.05);
}

#[test]
fn against_the_recursion_written_out() {
    let series = Noise::new(12).normals(60);
    let (hazard, warm) = (0.05, 10);
    let mut posterior = Posterior::new(PosteriorConfig { hazard, warm_up: warm, longest: 240 });
    series.iter().for_each(|x| posterior.push(*x));
    let prior = bellwether_detect::spread(&series[..warm]).unwrap();
    // Marginal likelihood of a run from the products of its predictive densities, each from the whole run anew.
    let predictive = |run: &[f64], x: f64| {
        let n = run.len() as f64;
        let (k0, a0, b0) = (0.1, 2.0, 2.0 * prior.sigma * prior.sigma);
        let mean = run.iter().sum::<f64>() / n.max(1.0);
        let squares: f64 = run.iter().map(|v| (v - mean).powi(2)).sum();
        let (k, a) = (k0 + n, a0 + n / 2.0);
        let m = (k0 * prior.median + n * mean) / k;
        let b = b0 + squares / 2.0 + k0 * n * (mean - prior.median).powi(2) / (2.0 * k);
        let s2 = b * (k + 1.0) / (a * k);
        let t = (x - m).powi(2) / s2;
        libm::exp(libm::lgamma(a + 0.5) - libm::lgamma(a)) / (2.0 * a * std::f64::consts::PI * s2).sqrt()
            * libm::pow(1.0 + t / (2.0 * a), -(a + 0.5))
    };
    let mut runs = vec![1.0];
    for (i, x) in series.iter().enumerate() {
        let joint: Vec<f64> =
            runs.iter().enumerate().map(|(r, p)| p * predictive(&series[i - r..i], *x)).collect();
        let total: f64 = joint.iter().sum();
        runs = std::iter::once(hazard).chain(joint.iter().map(|j| j * (1.0 - hazard) / total)).collect();
    }
    for (r, (ours, theirs)) in posterior.run_lengths().zip(&runs).enumerate() {
        assert!((ours - theirs).abs() < 1e-9, "run length {r}: {ours} against {theirs}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_series_gives_a_distribution_and_storage_changes_nothing(
        series in prop::collection::vec(prop_oneof![6 => -1.0..1.0_f64, 1 => Just(f64::NAN), 1 => -1e150..1e150_f64, 2 => Just(0.0)], 1..120),
    ) {
        let mut whole = Posterior::new(PosteriorConfig { longest: 40, ..PosteriorConfig::default() });
        let mut stored = whole.clone();
        for x in series {
            whole.push(x);
            stored.push(x);
            stored = postcard::from_bytes(&postcard::to_allocvec(&stored).unwrap()).unwrap();
            prop_assert_eq!(&whole, &stored);
            let total: f64 = whole.run_lengths().sum();
            prop_assert!(whole.run_lengths().len() == 0 || (total - 1.0).abs() < 1e-9, "{}", total);
        }
    }
}
