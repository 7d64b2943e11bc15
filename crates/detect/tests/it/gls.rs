//! Properties of the level and trend scan.

use bellwether_detect::gls::{Calendar, GlsAlarm, GlsConfig, GlsScan, Mode, Model, Refusal};
use bellwether_detect::{ChangeKind, Detector, Direction};
use proptest::prelude::*;

use crate::noise::Noise;

fn found(mode: Mode, calendar: Calendar, series: &[f64]) -> Vec<GlsAlarm> {
    GlsScan::new(GlsConfig::new(mode, calendar)).extend(series)
}

fn places(found: &[GlsAlarm]) -> Vec<(usize, usize, Model)> {
    found.iter().map(|f| (f.alarm.alarm_index, f.alarm.onset_index, f.model)).collect()
}

/// Noise of unit variance, plus `mean` of the index.
fn series(seed: u64, n: usize, mean: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut noise = Noise::new(seed);
    (0..n).map(|i| mean(i as f64) + noise.normal()).collect()
}

fn step(at: f64, height: f64) -> impl Fn(f64) -> f64 {
    move |i| if i < at { 0.0 } else { height }
}

#[test]
fn a_step_says_what_it_is() {
    let alarms = found(Mode::Record, Calendar::Monthly, &series(4, 120, step(60.0, 4.0)));
    assert_eq!(places(&alarms), [(63, 60, Model::Step)]);
    let found = &alarms[0];
    assert_eq!((found.alarm.kind, found.alarm.direction), (ChangeKind::Level, Direction::Up));
    assert!(
        (found.alarm.size - 4.0).abs() < 1.5 && (found.alarm.sigmas - found.alarm.size).abs() < 1.0,
        "{found:?}"
    );
    assert!(found.alarm.statistic > found.alarm.threshold && found.alarm.threshold >= 12.0);
    assert!(found.onset_low <= 60 && 60 <= found.onset_high && found.onset_high < 63);
    assert_eq!((found.slope_change, found.logarithm, found.late), (0.0, false, false));
}

#[test]
fn a_kink_is_a_trend_and_has_a_slope() {
    let alarms =
        found(Mode::Record, Calendar::Annual, &series(2, 60, |i| 0.5 * i - 1.5 * (i - 30.0).max(0.0)));
    let found = alarms.first().unwrap();
    assert_eq!(found.alarm.kind, found.model.kind());
    let kink = alarms.iter().find(|f| f.model.kind() == ChangeKind::Trend).unwrap_or(found);
    assert_eq!(kink.alarm.direction, Direction::Down);
    assert!((kink.slope_change + 1.5).abs() < 0.7, "{alarms:?}");
    assert!(kink.alarm.onset_index.abs_diff(30) <= 8, "{alarms:?}");
}

#[test]
fn growth_is_read_in_logarithms_and_sized_in_units() {
    let mut noise = Noise::new(3);
    let level = |i: i32| 100.0 * libm::exp(0.02 * f64::from(i)) * if i < 80 { 1.0 } else { 1.5 };
    let series: Vec<f64> = (0..120).map(|i| level(i) * libm::exp(0.02 * noise.normal())).collect();
    let alarms = found(Mode::Record, Calendar::Monthly, &series);
    assert_eq!(places(&alarms).first().map(|p| p.1), Some(80));
    let found = &alarms[0];
    assert!(found.logarithm && found.model == Model::StepOnTrend, "{found:?}");
    let true_size = level(found.alarm.alarm_index as i32) / 3.0;
    assert!((found.alarm.size / true_size - 1.0).abs() < 0.1, "{found:?} {true_size}");
}

#[test]
fn a_step_at_14_of_40_is_located() {
    for calendar in
        [Calendar::Annual, Calendar::Quarterly, Calendar::Monthly, Calendar::MonthlyJoined, Calendar::Dated]
    {
        for seed in 0..20 {
            for height in [6.0, -6.0] {
                let alarms = found(Mode::Record, calendar, &series(seed, 40, step(14.0, height)));
                let near = alarms.iter().any(|f| f.alarm.onset_index.abs_diff(14) <= 1);
                assert!(near, "{calendar:?} {seed}: {:?}", places(&alarms));
            }
        }
    }
    // Without a calendar 40 observations are refused, not answered with silence.
    let mut scan = GlsScan::new(GlsConfig::new(Mode::Record, Calendar::None));
    assert_eq!(scan.extend(&series(0, 40, step(14.0, 6.0))), []);
    assert_eq!(scan.refusal(), Some(Refusal::WarmUp { have: 40, need: 60 }));
}

#[test]
fn late_finds_are_kept_but_not_announced() {
    // Small and long: found, but late.
    let late = (0..40).find_map(|seed| {
        let series = series(seed, 120, step(60.0, 1.3));
        let record = found(Mode::Record, Calendar::Monthly, &series);
        record.first().is_some_and(|f| f.late).then_some((series, record))
    });
    let (series, record) = late.unwrap();
    assert!(record[0].alarm.alarm_index - record[0].alarm.onset_index > Mode::FRESH);
    let mut alert = GlsScan::new(GlsConfig::new(Mode::Alert, Calendar::Monthly));
    let announced = alert.extend(&series);
    assert_eq!(alert.found(), record, "the same finds");
    assert_eq!(announced, record.into_iter().filter(|f| !f.late).collect::<Vec<_>>());
}

#[test]
fn refusals_say_why() {
    let config = GlsConfig::new(Mode::Record, Calendar::Annual);
    let mut scan = GlsScan::new(config);
    assert_eq!(scan.refusal(), Some(Refusal::WarmUp { have: 0, need: 10 }));
    assert_eq!(scan.extend(&[5.0; 30]), []);
    assert_eq!((scan.refusal(), scan.reading()), (Some(Refusal::NoVariance), None));
    assert_eq!(scan.push(5.1), None);
    assert_eq!(scan.refusal(), None);
    for bad in [f64::NAN, f64::INFINITY, 1e101] {
        let mut scan = scan.clone();
        assert_eq!(scan.push(bad), None);
        assert_eq!(scan.push(1.0), None);
        assert_eq!(scan.refusal(), Some(Refusal::NotMeasured { index: 31 }));
        assert_eq!(scan.history().len(), 31);
    }
    let said: Vec<String> =
        [Refusal::WarmUp { have: 3, need: 10 }, Refusal::NoVariance, Refusal::NotMeasured { index: 4 }]
            .iter()
            .map(ToString::to_string)
            .collect();
    assert!(said[0].starts_with("3 of the 10 observations"), "{said:?}");
    assert!(said[2].contains("observation 4"), "{said:?}");
}

#[test]
fn noise_raises_few_alarms() {
    let calm = |seed| found(Mode::Record, Calendar::Monthly, &series(seed, 120, |_| 0.0)).len();
    assert!((0..60).map(calm).sum::<usize>() <= 2);
}

#[test]
fn a_sawtooth_that_the_warm_up_knows_is_no_change() {
    // 60 observations: two cycles at least.
    for cycle in 5..=30_usize {
        let teeth: Vec<f64> = (0..12 * cycle.max(10)).map(|i| (i % cycle) as f64).collect();
        assert_eq!(found(Mode::Record, Calendar::None, &teeth), [], "cycle {cycle}");
        assert_eq!(found(Mode::Record, Calendar::None, &teeth.iter().map(|v| -v).collect::<Vec<_>>()), []);
    }
    let longer: Vec<f64> = (0..480).map(|i| f64::from(i % 40)).collect();
    let mut config = GlsConfig::new(Mode::Record, Calendar::None);
    config.warm_up = 80;
    assert_eq!(GlsScan::new(config).extend(&longer), []);
}

/// `shape` of the phase from 0 to 1, under noise of deviation `sigma`, from every beginning in the cycle.
fn cycles_are_no_change(calendar: Calendar, cycle: usize, sigma: f64, shape: impl Fn(f64) -> f64) {
    for start in 0..cycle {
        let mut noise = Noise::new((cycle * 100 + start) as u64);
        let mut value = |i| shape(((i + start) % cycle) as f64 / cycle as f64) + sigma * noise.normal();
        let series: Vec<f64> = (0..130).map(&mut value).collect();
        let alarms = found(Mode::Record, calendar, &series);
        assert_eq!(places(&alarms), [], "{calendar:?}, cycle {cycle}, noise {sigma}, from {start}");
    }
}

#[test]
fn a_noisy_sawtooth_that_the_warm_up_knows_is_no_change() {
    for (calendar, cycles) in [
        (Calendar::None, [5, 7, 13, 29, 30].as_slice()),
        (Calendar::Dated, &[5, 8, 12]),
        (Calendar::Monthly, &[7, 11]),
    ] {
        for (cycle, sigma) in cycles.iter().flat_map(|c| [0.01, 0.05, 0.2].map(|sigma| (*c, sigma))) {
            cycles_are_no_change(calendar, cycle, sigma, |phase| phase);
            cycles_are_no_change(calendar, cycle, sigma, |phase| -phase);
        }
    }
}

#[test]
fn other_cycles_are_no_change_either() {
    for cycle in [7, 16, 30] {
        for sigma in [0.02, 0.1] {
            let sine = |phase: f64| libm::sin(phase * std::f64::consts::TAU);
            cycles_are_no_change(Calendar::None, cycle, sigma, sine);
            cycles_are_no_change(Calendar::None, cycle, sigma, |phase| f64::from(u8::from(phase < 0.5)));
            cycles_are_no_change(Calendar::None, cycle, sigma, |phase| (2.0 * phase - 1.0).abs());
        }
    }
}

#[test]
fn a_step_on_an_unnamed_cycle_is_found() {
    for cycle in [5, 9, 20, 28] {
        for seed in 0..5 {
            let tooth = |i: f64| 10.0 * (i % f64::from(cycle)) / f64::from(cycle);
            let series = series(seed, 150, |i| tooth(i) + step(100.0, 20.0)(i));
            let alarms = found(Mode::Record, Calendar::None, &series);
            assert_eq!(alarms.len(), 1, "cycle {cycle}, {seed}: {:?}", places(&alarms));
            let found = &alarms[0].alarm;
            assert!(found.onset_index.abs_diff(100) <= 1 && found.alarm_index <= 108, "{cycle} {found:?}");
        }
    }
}

#[test]
fn the_state_survives_storage() {
    let series = series(11, 120, |i| step(50.0, 5.0)(i) + 3.0 * libm::sin(i * std::f64::consts::TAU / 12.0));
    let mut whole = GlsScan::new(GlsConfig::new(Mode::Record, Calendar::Monthly));
    let mut stored = whole.clone();
    for v in &series {
        let expected = whole.push(*v);
        assert_eq!(stored.push(*v), expected);
        let bytes = postcard::to_allocvec(&stored).unwrap();
        stored = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(stored, whole);
        let text = serde_json::to_string(&whole.found()).unwrap();
        assert_eq!(serde_json::from_str::<Vec<GlsAlarm>>(&text).unwrap(), whole.found());
    }
    assert_eq!(whole.found().len(), 1);
}

#[test]
fn the_trait_gives_the_same_alarms() {
    let scan = GlsScan::new(GlsConfig::new(Mode::Record, Calendar::Dated));
    let series = series(5, 100, step(50.0, 5.0));
    assert_eq!(scan.name(), "gls-scan");
    assert_eq!(scan.scan(&series).len(), 1);
    assert_eq!(scan.scan(&series)[0], scan.clone().extend(&series)[0].alarm);
}

fn calendars() -> impl Strategy<Value = Calendar> {
    prop_oneof![
        Just(Calendar::Annual),
        Just(Calendar::Quarterly),
        Just(Calendar::Monthly),
        Just(Calendar::MonthlyJoined),
        Just(Calendar::Dated),
        Just(Calendar::None)
    ]
}

/// Series with and without changes, trends, seasons, outliers; some positive so that logarithms are weighed.
fn any_series() -> impl Strategy<Value = Vec<f64>> {
    let shape = (0_u64..1 << 32, 6_usize..140, -6.0..6.0_f64, -0.3..0.3_f64, 0.0..4.0_f64, 0..4_u8);
    shape.prop_map(|(seed, n, height, bend, season, scale)| {
        let at = (seed % 97) as f64 / 97.0 * n as f64;
        let mean = |i: f64| {
            step(at, height)(i)
                + bend * (i - at / 2.0).max(0.0)
                + season * libm::sin(i * std::f64::consts::TAU / 12.0)
                + if i == (at / 3.0).floor() { 15.0 } else { 0.0 }
        };
        let base = series(seed, n, mean);
        match scale {
            0 => base.iter().map(|v| libm::exp(v / 6.0)).collect(),
            1 => base.iter().map(|v| v + 40.0).collect(),
            // Whole numbers make ties.
            2 => base.iter().map(|v| v.round()).collect(),
            _ => base,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A prefix, scanned alone, gives the alarms so far, to the bit.
    #[test]
    fn nothing_looks_ahead(series in any_series(), calendar in calendars(), cut in 0.0..1.0_f64) {
        let cut = (cut * series.len() as f64) as usize;
        let whole = found(Mode::Record, calendar, &series);
        let so_far: Vec<GlsAlarm> = whole.iter().filter(|f| f.alarm.alarm_index < cut).copied().collect();
        prop_assert_eq!(found(Mode::Record, calendar, &series[..cut]), so_far);
    }

    /// Another unit changes nothing but the sizes.
    #[test]
    fn the_unit_does_not_matter(series in any_series(), calendar in calendars(), exponent in -20..20_i32) {
        let factor = libm::ldexp(1.0, exponent);
        let scaled: Vec<f64> = series.iter().map(|v| v * factor).collect();
        let (ours, theirs) = (found(Mode::Record, calendar, &series), found(Mode::Record, calendar, &scaled));
        prop_assert_eq!(places(&ours), places(&theirs));
        for (a, b) in ours.iter().zip(&theirs) {
            prop_assert!((a.alarm.size * factor - b.alarm.size).abs() <= 1e-6 * b.alarm.size.abs());
            prop_assert!((a.alarm.sigmas - b.alarm.sigmas).abs() <= 1e-6 * b.alarm.sigmas.abs());
            prop_assert!((a.alarm.statistic - b.alarm.statistic).abs() <= 1e-6 * b.alarm.statistic);
        }
    }

    /// Neither does the origin, where no logarithm is at stake; upside down only the direction turns.
    #[test]
    fn origin_and_sign_do_not_matter(seed in 0_u64..1 << 32, height in -6.0..6.0_f64, calendar in calendars()) {
        let base = series(seed, 100, step(50.0, height));
        let shifted: Vec<f64> = base.iter().map(|v| v - 4096.0).collect();
        let turned: Vec<f64> = base.iter().map(|v| -v).collect();
        let ours = found(Mode::Record, calendar, &base);
        let theirs = found(Mode::Record, calendar, &shifted);
        prop_assert_eq!(places(&ours), places(&theirs));
        for (a, b) in ours.iter().zip(&theirs) {
            prop_assert!((a.alarm.statistic - b.alarm.statistic).abs() <= 1e-6 * b.alarm.statistic);
            prop_assert!((a.alarm.size - b.alarm.size).abs() <= 1e-6 * b.alarm.size.abs());
        }
        let over = found(Mode::Record, calendar, &turned);
        prop_assert_eq!(places(&ours), places(&over));
        prop_assert!(ours.iter().zip(&over).all(|(a, b)| a.alarm.direction != b.alarm.direction));
    }

    /// Whatever comes in, what goes out is ordered and finite.
    #[test]
    fn alarms_are_sound(series in prop::collection::vec(prop_oneof![
        4 => -10.0..10.0_f64, 1 => Just(0.0), 1 => Just(1e100), 1 => -1e-300..1e-300_f64, 1 => 1e90..1e99_f64,
    ], 0..90), calendar in calendars()) {
        let mut scan = GlsScan::new(GlsConfig::new(Mode::Screening, calendar));
        for f in scan.extend(&series) {
            let a = f.alarm;
            prop_assert!(f.onset_low <= a.onset_index && a.onset_index <= f.onset_high && f.onset_high <= a.alarm_index);
            prop_assert!(a.alarm_index + 1 >= scan.config().warm_up);
            prop_assert!([a.size, a.sigmas, a.statistic, a.threshold, f.phi, f.slope_change].iter().all(|v| v.is_finite()));
            prop_assert!(a.statistic > a.threshold && (0.0..=0.95).contains(&f.phi));
        }
        prop_assert!(scan.reading().is_none_or(|r| r.statistic.is_finite() && r.sigma.is_finite()));
    }
}
