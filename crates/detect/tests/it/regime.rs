use bellwether_detect::{Alarm, ChangeKind, Detector, Regime, RegimeConfig};
use proptest::prelude::*;

use crate::noise::Noise;

fn brief() -> RegimeConfig {
    RegimeConfig { probation: 200, refractory: 50, ..RegimeConfig::default() }
}

/// A cycle of 48 points under a small one of 5, which stands still from 1600 and from 2560, both times in phase.
fn cycle(n: usize) -> Vec<f64> {
    let still = |i: usize| (1600..1700).contains(&i) || (2560..2660).contains(&i);
    let large = |i: usize| 10.0 * libm::sin((i % 48) as f64 / 48.0 * std::f64::consts::TAU);
    (0..n).map(|i| (i * 7 % 5) as f64 + if still(i) { 0.0 } else { large(i) }).collect()
}

#[test]
fn a_cycle_that_stops_is_novel_once() {
    let alarms = Regime::new(RegimeConfig::default()).scan(&cycle(3000));
    assert_eq!(alarms.len(), 1, "{alarms:?}");
    assert_eq!(alarms[0].kind, ChangeKind::Regime);
    assert!((1605..1700).contains(&alarms[0].alarm_index), "{alarms:?}");
    assert!(alarms[0].alarm_index - alarms[0].onset_index < 39, "{alarms:?}");
}

#[test]
fn an_alarm_is_followed_by_rest_and_probation_never_alarms() {
    let mut noise = Noise::new(6);
    let wild: Vec<f64> = (0..2000).map(|i| noise.normal() * f64::from(1 << (i / 100))).collect();
    let alarms = Regime::new(brief()).scan(&wild);
    assert!(alarms.len() > 3);
    assert!(alarms[0].alarm_index >= 200);
    assert!(alarms.windows(2).all(|w| w[1].alarm_index - w[0].alarm_index >= 50), "{alarms:?}");
}

#[test]
fn a_constant_feed_is_quiet_and_its_first_move_is_not() {
    let mut feed = vec![5.0; 1000];
    assert_eq!(Regime::new(brief()).scan(&feed), []);
    feed.extend([6.0; 20]);
    let alarms = Regime::new(brief()).scan(&feed);
    assert_eq!(alarms.len(), 1);
    assert_eq!(alarms[0].alarm_index, 1000);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn alarms_of_a_prefix_are_the_alarms_so_far(
        feed in prop::collection::vec(prop_oneof![8 => -1.0..1.0_f64, 1 => -50.0..50.0_f64, 1 => Just(f64::NAN)], 1..400),
        at in 0..400_usize,
    ) {
        let regime = Regime::new(RegimeConfig { probation: 60, refractory: 5, ..RegimeConfig::default() });
        let all = regime.scan(&feed);
        let at = at.min(feed.len());
        let so_far: Vec<Alarm> = all.iter().filter(|a| a.alarm_index < at).copied().collect();
        prop_assert_eq!(regime.scan(&feed[..at]), so_far);
    }

    #[test]
    fn the_unit_does_not_matter(seed in 0..1000_u64) {
        let mut noise = Noise::new(seed);
        let feed: Vec<f64> = (0..600).map(|i| noise.normal() + if i > 400 { 3.0 } else { 0.0 }).collect();
        let scaled: Vec<f64> = feed.iter().map(|x| x * 1024.0).collect();
        let indices = |feed: &[f64]| Regime::new(brief()).scan(feed).iter().map(|a| a.alarm_index).collect::<Vec<_>>();
        prop_assert_eq!(indices(&feed), indices(&scaled));
    }
}

#[test]
fn the_state_survives_storage_bit_by_bit() {
    let mut noise = Noise::new(8);
    let mut whole = Regime::new(RegimeConfig { probation: 60, refractory: 5, ..RegimeConfig::default() });
    let mut stored = whole.clone();
    for i in 0..300 {
        let x = noise.normal() * if i > 150 { 4.0 } else { 1.0 };
        assert_eq!(whole.push(x), stored.push(x));
        stored = postcard::from_bytes(&postcard::to_allocvec(&stored).unwrap()).unwrap();
        assert_eq!(whole, stored);
    }
}
