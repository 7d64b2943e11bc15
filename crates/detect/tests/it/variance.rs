use bellwether_detect::{Alarm, Detector, Direction, Variance, VarianceConfig, spread};
use proptest::prelude::*;

use crate::noise::Noise;

#[test]
fn every_statistic_equals_brute_force() {
    for seed in 0..10 {
        let mut noise = Noise::new(seed);
        let series: Vec<f64> = (0..300).map(|i| noise.normal() * if i > 150 { 1.5 } else { 1.0 }).collect();
        let config = VarianceConfig { threshold: f64::MAX, warm_up: 20, clip: 3.0 };
        let mut variance = Variance::new(config);
        let learnt = spread(&series[..20]).unwrap();
        let width = |x: &f64| ((x - learnt.median) / learnt.sigma).abs().clamp(0.1, 3.0).powi(2);
        let squares: Vec<f64> = series.iter().map(width).collect();
        let deviance = |part: &[f64]| {
            let n = part.len() as f64;
            n * libm::log(part.iter().sum::<f64>() / n)
        };
        for n in 1..=series.len() {
            assert_eq!(variance.push(series[n - 1]), None);
            let Some(ours) = variance.statistic() else { continue };
            let seen = &squares[..n];
            let gain = |cut: usize| deviance(seen) - deviance(&seen[..cut]) - deviance(&seen[cut..]);
            let theirs = (1..n).map(gain).fold(0.0, f64::max);
            assert!((ours - theirs).abs() <= 1e-9 * theirs.max(1.0), "at {n}: {ours} against {theirs}");
        }
    }
}

#[test]
fn wider_and_narrower_are_found_once_each_and_outliers_are_not() {
    let mut noise = Noise::new(1);
    let width = |i: usize| if (500..1000).contains(&i) { 2.5 } else { 1.0 };
    let mut series: Vec<f64> = (0..1500).map(|i| 40.0 + width(i) * noise.normal()).collect();
    (50..400).step_by(90).for_each(|i| series[i] += 1000.0);
    let alarms = Variance::new(VarianceConfig::default()).scan(&series);
    let found: Vec<Direction> = alarms.iter().map(|a| a.direction).collect();
    assert_eq!(found, [Direction::Up, Direction::Down], "{alarms:?}");
    assert!(
        alarms[0].onset_index.abs_diff(500) <= 10 && alarms[1].onset_index.abs_diff(1000) <= 10,
        "{alarms:?}"
    );
}

#[test]
fn quiet_noise_stays_quiet_at_the_default() {
    let alarmed = (0..40_u64).filter(|seed| {
        let mut noise = Noise::new(*seed);
        let mut variance = Variance::new(VarianceConfig::default());
        (0..5000).any(|_| variance.push(noise.normal()).is_some())
    });
    assert!(alarmed.count() <= 1);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn alarms_of_a_prefix_are_the_alarms_so_far(
        series in prop::collection::vec(prop_oneof![8 => -1.0..1.0_f64, 1 => -9.0..9.0_f64, 1 => Just(f64::NAN)], 1..150),
        at in 0..150_usize,
    ) {
        let config = VarianceConfig { threshold: 6.0, warm_up: 10, clip: 3.0 };
        let (mut whole, mut prefix) = (Variance::new(config), Variance::new(config));
        let mut so_far: Vec<Alarm> = Vec::new();
        for (i, x) in series.iter().enumerate() {
            let alarm = whole.push(*x);
            if i < at {
                prop_assert_eq!(prefix.push(*x), alarm);
                prefix = postcard::from_bytes(&postcard::to_allocvec(&prefix).unwrap()).unwrap();
                so_far.extend(alarm);
            }
        }
        prop_assert_eq!(Variance::new(config).scan(&series[..at.min(series.len())]), so_far);
    }
}
