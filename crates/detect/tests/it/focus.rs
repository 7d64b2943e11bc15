use bellwether_detect::{Alarm, Detector, Direction, Focus, FocusConfig};
use proptest::prelude::*;

use crate::noise::Noise;

/// Every statistic visible, no alarm ever.
fn watching(mean: Option<f64>) -> Focus {
    Focus::new(FocusConfig { threshold: f64::MAX, warm_up: 0, sigma: Some(1.0), mean })
}

/// Twice the log likelihood ratio over every cut, from segment means in two passes.
fn brute_force(series: &[f64], known: Option<f64>) -> f64 {
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let cuts = if known.is_some() { 0..series.len() } else { 1..series.len() };
    cuts.map(|cut| {
        let (before, after) = series.split_at(cut);
        let (n, m) = (before.len() as f64, after.len() as f64);
        match known {
            Some(known) => m * (mean(after) - known).powi(2),
            None => n * m / (n + m) * (mean(after) - mean(before)).powi(2),
        }
    })
    .fold(0.0, f64::max)
}

fn agrees(series: &[f64], known: Option<f64>) -> Result<(), TestCaseError> {
    let mut focus = watching(known);
    for n in 1..=series.len() {
        prop_assert!(focus.push(series[n - 1]).is_none());
        let (ours, theirs) = (focus.statistic().unwrap_or(0.0), brute_force(&series[..n], known));
        prop_assert!((ours - theirs).abs() <= 1e-9 * theirs.max(1.0), "at {n}: {ours} against {theirs}");
    }
    Ok(())
}

fn walk() -> impl Strategy<Value = Vec<f64>> {
    let smooth = prop::collection::vec(-10.0..10.0_f64, 1..120);
    let rough = prop::collection::vec(prop_oneof![Just(0.0), Just(1.0), Just(-1.0), -1e4..1e4_f64], 1..120);
    let drifting = smooth.clone().prop_map(|v| {
        v.iter()
            .scan(0.0, |s, x| {
                *s += x;
                Some(*s)
            })
            .collect()
    });
    prop_oneof![smooth, rough, drifting]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_statistic_equals_brute_force(series in walk(), level in prop_oneof![Just(0.0), -1e3..1e3_f64]) {
        let series: Vec<f64> = series.iter().map(|x| x + level).collect();
        agrees(&series, None)?;
        agrees(&series, Some(level))?;
    }

    #[test]
    fn alarms_of_a_prefix_are_the_alarms_so_far(series in walk(), at in 0..120_usize) {
        let focus = Focus::new(FocusConfig { threshold: 12.0, warm_up: 5, sigma: None, mean: None });
        let all = focus.scan(&series);
        let at = at.min(series.len());
        let so_far: Vec<Alarm> = all.iter().filter(|a| a.alarm_index < at).copied().collect();
        prop_assert_eq!(focus.scan(&series[..at]), so_far);
    }
}

#[test]
fn steps_up_and_down_are_found_once_each() {
    let mut noise = Noise::new(7);
    let level = |i: usize| if (400..900).contains(&i) { 3.0 } else { 0.0 };
    let series: Vec<f64> = (0..1500).map(|i| 50.0 + 2.0 * (level(i) + noise.normal())).collect();
    let alarms = Focus::new(FocusConfig::default()).scan(&series);
    let found: Vec<Direction> = alarms.iter().map(|a| a.direction).collect();
    assert_eq!(found, [Direction::Up, Direction::Down], "{alarms:?}");
    assert!(
        alarms[0].onset_index.abs_diff(400) <= 2 && alarms[1].onset_index.abs_diff(900) <= 2,
        "{alarms:?}"
    );
    assert!((alarms[0].size - 6.0).abs() < 2.0 && (alarms[0].sigmas - 3.0).abs() < 1.0, "{alarms:?}");
}

#[test]
fn gaps_keep_their_index_and_change_nothing() {
    let mut noise = Noise::new(3);
    let mut series = noise.normals(300);
    series.iter_mut().skip(150).for_each(|x| *x += 4.0);
    let known = FocusConfig { warm_up: 100, sigma: Some(1.0), ..FocusConfig::default() };
    let whole = Focus::new(known).scan(&series);
    let gap = [f64::NAN, f64::INFINITY, 1e300];
    let holed: Vec<f64> = gap
        .iter()
        .copied()
        .chain(series[..120].iter().copied())
        .chain(gap)
        .chain(series[120..].iter().copied())
        .collect();
    let found = Focus::new(known).scan(&holed);
    assert_eq!(whole.len(), 1);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].onset_index, whole[0].onset_index + 6);
}

#[test]
fn the_state_survives_storage_bit_by_bit() {
    let series = Noise::new(11).normals(500);
    let mut whole = Focus::new(FocusConfig { threshold: 9.0, ..FocusConfig::default() });
    let mut stored = whole.clone();
    for x in series {
        assert_eq!(whole.push(x), stored.push(x));
        stored = postcard::from_bytes(&postcard::to_allocvec(&stored).unwrap()).unwrap();
        assert_eq!(whole, stored);
    }
}

#[test]
fn memory_grows_with_the_logarithm() {
    let mut noise = Noise::new(5);
    let mut focus = watching(None);
    (0..100_000).for_each(|_| assert!(focus.push(noise.normal()).is_none()));
    assert!(focus.kept() < 80, "{}", focus.kept());
}

/// The default threshold on quiet noise: at most one series of 10 000 in a hundred.
#[test]
fn quiet_noise_stays_quiet_at_the_default() {
    let alarmed = (0..40_u64).filter(|seed| {
        let mut noise = Noise::new(*seed);
        let mut focus = Focus::new(FocusConfig::default());
        (0..10_000).any(|_| focus.push(noise.normal()).is_some())
    });
    assert_eq!(alarmed.count(), 0);
}
