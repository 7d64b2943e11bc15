use bellwether_detect::{Alarm, CountLaw, Direction, Rate, RateConfig};
use proptest::prelude::*;

use crate::noise::Noise;

fn scan(config: RateConfig, series: &[(u64, f64)]) -> Vec<Alarm> {
    let mut rate = Rate::new(config);
    series.iter().filter_map(|(count, exposure)| rate.push(*count, *exposure)).collect()
}

/// Observations up to a false alarm, as a censored mean over seeded series of 1000.
fn run_length(config: RateConfig, draw: impl Fn(&mut Noise) -> u64) -> f64 {
    let (mut read, mut alarms) = (0_usize, 0_usize);
    for seed in 0..150 {
        let mut noise = Noise::new(seed);
        let mut rate = Rate::new(config);
        (0..config.warm_up).for_each(|_| assert!(rate.push(draw(&mut noise), 1.0).is_none()));
        let stop = (1..=1000).find(|_| rate.push(draw(&mut noise), 1.0).is_some());
        read += stop.unwrap_or(1000);
        alarms += usize::from(stop.is_some());
    }
    read as f64 / alarms.max(1) as f64
}

/// Default threshold: at least 1000 observations to a false alarm, under both laws, and no useless reserve.
#[test]
fn the_default_threshold_keeps_its_run_length() {
    let poisson = run_length(RateConfig::default(), |noise| noise.poisson(5.0));
    let binomial = run_length(RateConfig::default(), |noise| noise.negative_binomial(5.0, 0.5));
    assert!((1000.0..3500.0).contains(&poisson), "Poisson {poisson}");
    assert!((800.0..3500.0).contains(&binomial), "negative binomial {binomial}");
}

#[test]
fn the_law_is_chosen_from_the_past() {
    let mut noise = Noise::new(1);
    let (mut calm, mut bursts) = (Rate::new(RateConfig::default()), Rate::new(RateConfig::default()));
    for _ in 0..400 {
        calm.push(noise.poisson(6.0), 2.0);
        bursts.push(noise.negative_binomial(6.0, 0.5), 2.0);
    }
    assert_eq!(calm.law(), Some(CountLaw::Poisson));
    let Some(CountLaw::NegativeBinomial { dispersion }) = bursts.law() else { panic!("{:?}", bursts.law()) };
    assert!((dispersion - 0.5).abs() < 0.2, "{dispersion}");
}

/// The statistic against likelihoods written out for each cut, both rates at their best.
#[test]
fn every_statistic_equals_brute_force() {
    for (seed, dispersion) in (0..20).map(|seed| (seed, if seed % 2 == 0 { 0.0 } else { 0.5 })) {
        let mut noise = Noise::new(seed);
        let mut draw = |mean| {
            if dispersion > 0.0 { noise.negative_binomial(mean, dispersion) } else { noise.poisson(mean) }
        };
        let counts: Vec<u64> = (0..60).map(|i| draw(if i < 40 { 3.0 } else { 5.0 })).collect();
        let mut rate = Rate::new(RateConfig { threshold: f64::MAX, ..RateConfig::default() });
        for n in 1..=counts.len() {
            rate.push(counts[n - 1], 2.0);
            let Some(ours) = rate.statistic() else { continue };
            let law = rate.law().unwrap();
            let best = |part: &[u64]| {
                let mean = part.iter().sum::<u64>() as f64 / part.len() as f64;
                part.iter().map(|x| log_mass(law, *x as f64, mean)).sum::<f64>()
            };
            let (cuts, seen) = (24..n, &counts[..n]);
            let gain = |cut: usize| 2.0 * (best(&seen[..cut]) + best(&seen[cut..]) - best(seen));
            let theirs = cuts.map(gain).fold(0.0, f64::max);
            assert!(
                (ours - theirs).abs() <= 1e-8 * theirs.max(1.0),
                "at {n}, {law:?}: {ours} against {theirs}"
            );
        }
    }
}

/// Logarithm of the probability of a count, less what does not depend on the mean.
fn log_mass(law: CountLaw, count: f64, mean: f64) -> f64 {
    let x_log = |x: f64, y: f64| if x > 0.0 { x * libm::log(y) } else { 0.0 };
    match law {
        CountLaw::Poisson => x_log(count, mean) - mean,
        CountLaw::NegativeBinomial { dispersion } => {
            x_log(count, mean) - (count + 1.0 / dispersion) * libm::log(1.0 + dispersion * mean)
        }
    }
}

#[test]
fn rises_and_falls_are_found_and_the_next_segment_is_learnt() {
    let mut noise = Noise::new(9);
    let mean = |i: usize| if (100..200).contains(&i) { 12.0 } else { 4.0 };
    let series: Vec<(u64, f64)> = (0..300).map(|i| (noise.poisson(mean(i)), 1.0)).collect();
    let alarms = scan(RateConfig::default(), &series);
    let found: Vec<Direction> = alarms.iter().map(|a| a.direction).collect();
    assert_eq!(found, [Direction::Up, Direction::Down], "{alarms:?}");
    assert!(
        alarms[0].onset_index.abs_diff(100) <= 2 && alarms[1].onset_index.abs_diff(200) <= 2,
        "{alarms:?}"
    );
    assert!(alarms.iter().all(|a| a.alarm_index - a.onset_index < 10), "{alarms:?}");
}

/// Twice the reporting with twice the events is no change of rate; the same events at half the exposure are one.
#[test]
fn exposure_explains_counts() {
    for dispersion in [0.0, 0.5] {
        let mut noise = Noise::new(4);
        let mut draw = |mean: f64| match dispersion {
            0.0 => noise.poisson(mean),
            d => noise.negative_binomial(mean, d),
        };
        let mut series: Vec<(u64, f64)> = (0..120)
            .map(|i| if i < 60 { 1.0 } else { 3.0 })
            .map(|exposure| (draw(5.0 * exposure), exposure))
            .collect();
        let strict = RateConfig { threshold: 20.0, ..RateConfig::default() };
        assert_eq!(scan(strict, &series), []);
        series.extend((0..40).map(|_| (draw(15.0), 0.5)));
        let alarms = scan(strict, &series);
        assert_eq!(alarms.len(), 1, "{alarms:?}");
        assert!(
            alarms[0].direction == Direction::Up && alarms[0].onset_index.abs_diff(120) <= 5,
            "{alarms:?}"
        );
    }
}

#[test]
fn a_known_rate_needs_no_learning_of_it() {
    let mut noise = Noise::new(2);
    let series: Vec<(u64, f64)> =
        (0..60).map(|i| (noise.poisson(if i < 24 { 2.0 } else { 6.0 }), 1.0)).collect();
    let alarms = scan(RateConfig { rate: Some(2.0), ..RateConfig::default() }, &series);
    assert_eq!(alarms.len(), 1);
    assert!((alarms[0].size - 4.0).abs() < 2.5, "{alarms:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn alarms_of_a_prefix_are_the_alarms_so_far(
        series in prop::collection::vec((0..30_u64, prop_oneof![Just(1.0), 0.5..2.0_f64, Just(0.0), Just(f64::NAN)]), 1..120),
        at in 0..120_usize,
    ) {
        let config = RateConfig { threshold: 6.0, warm_up: 8, window: 20, rate: None };
        let all = scan(config, &series);
        let at = at.min(series.len());
        let so_far: Vec<Alarm> = all.iter().filter(|a| a.alarm_index < at).copied().collect();
        prop_assert_eq!(scan(config, &series[..at]), so_far);
    }

    #[test]
    fn any_input_is_survived(
        series in prop::collection::vec((prop_oneof![Just(0), Just(u64::MAX), 0..5_u64], prop_oneof![Just(1.0), 1e-300..1e300_f64]), 1..80),
    ) {
        let config = RateConfig { threshold: 1.0, warm_up: 2, window: 10, rate: None };
        for alarm in scan(config, &series) {
            prop_assert!(alarm.onset_index <= alarm.alarm_index && alarm.statistic.is_finite());
        }
    }
}

#[test]
fn the_state_survives_storage_bit_by_bit() {
    let mut noise = Noise::new(11);
    let mut whole = Rate::new(RateConfig { threshold: 6.0, ..RateConfig::default() });
    let mut stored = whole.clone();
    for _ in 0..200 {
        let (count, exposure) = (noise.negative_binomial(4.0, 1.0), noise.uniform());
        assert_eq!(whole.push(count, exposure), stored.push(count, exposure));
        stored = postcard::from_bytes(&postcard::to_allocvec(&stored).unwrap()).unwrap();
        assert_eq!(whole, stored);
    }
}
