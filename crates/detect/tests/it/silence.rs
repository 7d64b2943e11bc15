use bellwether_detect::{Alarm, Direction, Heartbeat, Silence, SilenceConfig, SilenceVerdict};
use proptest::prelude::*;

use crate::noise::Noise;

fn fresh() -> Silence {
    Silence::new(SilenceConfig::default())
}

/// Learnt from `events` in as many days with one a day.
fn daily(events: usize) -> Silence {
    let mut silence = fresh();
    (0..events).for_each(|_| assert!(silence.push(1, 1.0, Heartbeat::Alive).is_none()));
    silence
}

#[test]
fn the_probability_is_the_gamma_poisson_predictive() {
    let mut silence = daily(20);
    for quiet in 1..=4 {
        silence.push(0, 1.0, Heartbeat::Alive);
        let expected = libm::pow(20.0 / (20.0 + f64::from(quiet)), 20.5);
        let SilenceVerdict::Quiet { probability } = silence.verdict() else {
            panic!("{:?}", silence.verdict())
        };
        assert!((probability - expected).abs() < 1e-12, "{probability} {expected}");
    }
}

#[test]
fn a_silence_alarms_once_with_its_onset() {
    let mut silence = daily(50);
    let alarms: Vec<Alarm> = (0..60).filter_map(|_| silence.push(0, 1.0, Heartbeat::Alive)).collect();
    assert_eq!(alarms.len(), 1);
    assert_eq!((alarms[0].onset_index, alarms[0].alarm_index), (50, 54));
    assert_eq!(alarms[0].direction, Direction::Down);
    assert!(alarms[0].statistic < alarms[0].threshold && alarms[0].size < 0.0);
    silence.push(1, 1.0, Heartbeat::Alive);
    assert_eq!(silence.verdict(), SilenceVerdict::Active);
    assert!((0..40).any(|_| silence.push(0, 1.0, Heartbeat::Alive).is_some()), "a new spell may alarm again");
}

#[test]
fn a_dead_feed_is_refused_and_teaches_nothing() {
    let mut silence = daily(50);
    let rate = silence.rate();
    for _ in 0..1000 {
        assert_eq!(silence.push(0, 1.0, Heartbeat::Missing), None);
        assert_eq!(silence.verdict(), SilenceVerdict::Refused);
    }
    assert_eq!(silence.rate(), rate);
    // A spell that the outage interrupts goes on where it stood.
    let quiet = (0..20).position(|_| silence.push(0, 1.0, Heartbeat::Alive).is_some());
    assert_eq!(quiet, Some(4));
    let mut interrupted = daily(50);
    (0..4).for_each(|_| assert_eq!(interrupted.push(0, 1.0, Heartbeat::Alive), None));
    (0..9).for_each(|_| assert_eq!(interrupted.push(0, 1.0, Heartbeat::Missing), None));
    assert!(interrupted.push(0, 1.0, Heartbeat::Alive).is_some());
}

#[test]
fn no_exposure_is_refused_too() {
    let mut silence = daily(50);
    for exposure in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(silence.push(0, exposure, Heartbeat::Alive), None);
        assert_eq!(silence.verdict(), SilenceVerdict::Refused);
    }
}

#[test]
fn few_events_do_not_say_what_is_usual() {
    let mut silence = daily(4);
    assert!((0..10_000).all(|_| silence.push(0, 1.0, Heartbeat::Alive).is_none()));
    assert_eq!(silence.verdict(), SilenceVerdict::WarmingUp);
}

#[test]
fn what_is_old_is_forgotten_by_half_lives() {
    let mut forgetful = Silence::new(SilenceConfig { half_life: Some(10.0), ..SilenceConfig::default() });
    for day in 0..300 {
        assert_eq!(forgetful.push(if day < 200 { 10 } else { 1 }, 1.0, Heartbeat::Alive), None);
    }
    assert!(forgetful.rate().unwrap() < 1.2, "{:?}", forgetful.rate());
}

/// Finely observed Poisson arrivals at a known-to-nobody rate: one quiet spell in a hundred is flagged.
#[test]
fn one_spell_in_a_hundred_is_flagged() {
    let (mut spells, mut alarms) = (0_u32, 0_u32);
    for seed in 0..40 {
        let mut noise = Noise::new(seed);
        let mut silence = fresh();
        for _ in 0..5000 {
            let count = noise.poisson(0.05);
            alarms += u32::from(silence.push(count, 0.1, Heartbeat::Alive).is_some());
            spells += u32::from(count > 0);
        }
    }
    let share = f64::from(alarms) / f64::from(spells);
    assert!((0.006..0.014).contains(&share), "{alarms} of {spells}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_prefix_alarms_alike_and_storage_changes_nothing(
        feed in prop::collection::vec((0..3_u64, 0.1..9.0_f64, any::<bool>()), 1..80),
        at in 0..80_usize,
    ) {
        let beat = |alive| if alive { Heartbeat::Alive } else { Heartbeat::Missing };
        let config = SilenceConfig { alarm_below: 0.2, warm_up: 2, half_life: Some(30.0) };
        let (mut whole, mut prefix) = (Silence::new(config), Silence::new(config));
        for (i, (count, exposure, alive)) in feed.iter().enumerate() {
            let alarm = whole.push(*count, *exposure, beat(*alive));
            prop_assert!(alarm.is_none() || *alive);
            if i < at {
                prop_assert_eq!(prefix.push(*count, *exposure, beat(*alive)), alarm);
                prefix = postcard::from_bytes(&postcard::to_allocvec(&prefix).unwrap()).unwrap();
            }
        }
    }
}
