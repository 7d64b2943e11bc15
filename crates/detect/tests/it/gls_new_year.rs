//! Chinese New Year moves between January and February; that is no change.

use bellwether_detect::gls::{Calendar, GlsConfig, GlsScan, Mode, NewYear};
use proptest::prelude::*;

use crate::noise::Noise;

/// Day of the year of each New Year from 2000 to 2026, 21 January being 21.
const NEW_YEAR: [u8; 27] = [
    36, 24, 43, 32, 22, 40, 29, 49, 38, 26, 45, 34, 23, 41, 31, 50, 39, 28, 47, 36, 25, 43, 32, 22, 41, 29,
    48,
];

/// Monthly trade from January 2000: level, season, noise, and a holiday of 15 days that takes `drop` of the days'
/// trade, wherever they fall.
fn trade(seed: u64, drop: f64, growth: f64) -> Vec<f64> {
    let mut noise = Noise::new(seed);
    let month = |year: usize, month: usize| {
        let start = i32::from(NEW_YEAR[year]) - 5;
        let holiday = start..start + 15;
        let days = match month {
            0 => holiday.filter(|d| *d <= 31).count() as f64 / 31.0,
            1 => holiday.filter(|d| (32..=59).contains(d)).count() as f64 / 28.0,
            _ => 0.0,
        };
        let season = 4.0 * libm::cos(month as f64 * std::f64::consts::TAU / 12.0);
        (100.0 + season) * (1.0 - drop * days) * libm::exp(growth * (year * 12 + month) as f64)
    };
    (0..NEW_YEAR.len() * 12).map(|i| month(i / 12, i % 12) * (1.0 + 0.02 * noise.normal())).collect()
}

fn joined(series: &[f64]) -> Vec<(usize, f64)> {
    NewYear::starting_in(1).map_or_else(Vec::new, |join| join.join(series))
}

/// Share of a hundred ten-year series that raise an alarm.
fn alarmed(drop: f64, read: impl Fn(&[f64]) -> usize) -> usize {
    let ten_years =
        |seed| trade(seed, drop, [0.0, 0.003][(seed % 2) as usize]).into_iter().take(120).collect();
    (0..100)
        .filter(|seed| {
            let series: Vec<f64> = ten_years(*seed);
            read(&series) > 0
        })
        .count()
}

fn scan(calendar: Calendar, series: &[f64]) -> usize {
    GlsScan::new(GlsConfig::new(Mode::Record, calendar)).extend(series).len()
}

#[test]
fn the_move_of_the_new_year_raises_nothing() {
    let read = |months: &[f64]| {
        let values: Vec<f64> = joined(months).into_iter().map(|(_, v)| v).collect();
        scan(Calendar::MonthlyJoined, &values)
    };
    // No more than the false alarms of noise alone: 3 in 100.
    for drop in [0.0, 0.2, 0.4, 0.6, 0.8] {
        assert!(alarmed(drop, read) <= 3, "drop {drop}: {}", alarmed(drop, read));
    }
    // What the join is for: a large holiday read month by month is taken for change.
    assert!(alarmed(0.8, |months| scan(Calendar::Monthly, months)) > 50);
}

#[test]
fn a_true_step_beside_the_new_year_is_still_found() {
    for seed in 0..10 {
        let mut series = trade(seed, 0.6, 0.0);
        series.iter_mut().skip(150).for_each(|v| *v *= 1.25);
        let joined = joined(&series);
        let values: Vec<f64> = joined.iter().map(|(_, v)| *v).collect();
        let alarms = GlsScan::new(GlsConfig::new(Mode::Record, Calendar::MonthlyJoined)).extend(&values);
        let onset = alarms.first().map(|f| joined[f.alarm.onset_index].0);
        assert_eq!(onset, Some(150), "seed {seed}: {alarms:?}");
    }
}

proptest! {
    #[test]
    fn a_year_has_eleven_observations_and_keeps_its_sum(first in 1_u8..=12, months in prop::collection::vec(-1e3..1e3_f64, 0..60)) {
        let joined = NewYear::starting_in(first).unwrap().join(&months);
        let month = |i: usize| (usize::from(first) - 1 + i) % 12 + 1;
        prop_assert!(joined.iter().all(|(i, _)| month(*i) != 1));
        for (i, v) in joined {
            let expected = if month(i) == 2 { f64::midpoint(months[i - 1], months[i]) } else { months[i] };
            prop_assert_eq!(v, expected);
        }
    }
}
