//! Simulated series: false alarms where nothing changes, and what is found where something does.

use std::io::Write;
use std::ops::RangeInclusive;

use bellwether_detect::gls::{Calendar, GlsConfig, GlsScan, Mode};

use crate::noise::Noise;

const LENGTH: usize = 120;

/// AR(1) noise of unit innovations, started in its stationary law.
pub(crate) fn ar(noise: &mut Noise, phi: f64, n: usize, innovation: impl Fn(&mut Noise) -> f64) -> Vec<f64> {
    let mut last = innovation(noise) / (1.0 - phi * phi).sqrt();
    let mut series = vec![last];
    for _ in 1..n {
        last = phi * last + innovation(noise);
        series.push(last);
    }
    series
}

fn t3(noise: &mut Noise) -> f64 {
    let chi: f64 = (0..3).map(|_| noise.normal()).map(|z| z * z).sum();
    noise.normal() / (chi / 3.0).sqrt()
}

pub(crate) fn plus(mut series: Vec<f64>, f: impl Fn(f64) -> f64) -> Vec<f64> {
    series.iter_mut().enumerate().for_each(|(i, v)| *v += f(i as f64));
    series
}

/// Exponential growth, a tenth of noise on each value.
fn growth(noise: &mut Noise, rate: f64) -> Vec<f64> {
    (0..LENGTH).map(|i| 100.0 * libm::exp(rate * i as f64 + 0.1 * noise.normal())).collect()
}

/// Exponential growth under noise that does not grow: at first it looks linear.
fn bent(noise: &mut Noise) -> Vec<f64> {
    (0..LENGTH).map(|i| 100.0 * libm::exp(0.02 * i as f64) + 5.0 * noise.normal()).collect()
}

fn walk(noise: &mut Noise) -> Vec<f64> {
    let mut sum = 0.0;
    (0..LENGTH)
        .map(|_| {
            sum += noise.normal();
            sum
        })
        .collect()
}

type Make = fn(&mut Noise) -> Vec<f64>;

/// Name, goal, how to draw one.
const NULLS: [(&str, &str, Make); 13] = [
    ("AR(1), phi 0", "<= .03, .02", |z| ar(z, 0.0, LENGTH, Noise::normal)),
    ("AR(1), phi .3", "<= .03, .02", |z| ar(z, 0.3, LENGTH, Noise::normal)),
    ("AR(1), phi .6", "<= .03, .02", |z| ar(z, 0.6, LENGTH, Noise::normal)),
    ("AR(.8)", "", |z| ar(z, 0.8, LENGTH, Noise::normal)),
    ("AR(.3) + trend .05 a step", "", |z| plus(ar(z, 0.3, LENGTH, Noise::normal), |i| 0.05 * i)),
    ("AR(.3) + season of amplitude 3", "", |z| {
        plus(ar(z, 0.3, LENGTH, Noise::normal), |i| 3.0 * libm::sin(i * std::f64::consts::TAU / 12.0))
    }),
    ("t3 noise", "", |z| ar(z, 0.0, LENGTH, t3)),
    ("lognormal AR(.3)", "", |z| ar(z, 0.3, LENGTH, Noise::normal).into_iter().map(libm::exp).collect()),
    ("growth 1 % a step, 10 % noise", "", |z| growth(z, 0.01)),
    ("weak: AR(.6) with t3 noise", "<= .20, .05", |z| ar(z, 0.6, LENGTH, t3)),
    ("weak: growth 2 % a step, 10 % noise", "<= .40, .05", |z| growth(z, 0.02)),
    ("weak: random walk", "<= .10, .05", walk),
    ("weak: growth 2 %, constant noise", "bent, so not a null", bent),
];

/// Share of series that alarm, and alarms per series.
#[derive(Clone, Copy, Default)]
struct Rate {
    share: f64,
    alarms: f64,
}

fn false_alarms(make: Make, config: GlsConfig, reps: u64) -> Rate {
    let mut rate = Rate::default();
    for seed in 0..reps {
        let alarms = GlsScan::new(config).extend(&make(&mut Noise::new(1_000 + seed))).len();
        rate.alarms += alarms as f64 / reps as f64;
        rate.share += f64::from(u8::from(alarms > 0)) / reps as f64;
    }
    rate
}

/// Prints the tables.
pub(crate) fn run(out: &mut impl Write, short: bool) -> std::io::Result<()> {
    let reps = if short { 1_000 } else { 4_000 };
    writeln!(
        out,
        "\nFalse alarms of the level and trend scan in {LENGTH} observations, {reps} seeded series each, monthly: share \
         of series that alarm / alarms a series"
    )?;
    writeln!(
        out,
        "{:<36} {:>13} {:>13} {:>13}   must, stretch (record)",
        "", "record", "alert", "screening"
    )?;
    let show = |rate: Rate| format!("{:.3} / {:.3}", rate.share, rate.alarms);
    let zero = show(Rate::default());
    writeln!(out, "{:<36} {zero:>13} {zero:>13} {zero:>13}", "ZERO (never alarms)")?;
    for (name, goal, make) in NULLS {
        let rate = |mode| show(false_alarms(make, GlsConfig::new(mode, Calendar::Monthly), reps));
        let (record, alert, screening) = (rate(Mode::Record), rate(Mode::Alert), rate(Mode::Screening));
        writeln!(out, "{name:<36} {record:>13} {alert:>13} {screening:>13}   {goal}")?;
    }
    power(out, if short { 300 } else { 1_500 })?;
    sawtooths(out, if short { 1 } else { 4 })
}

/// What was made of one change at 60 of 120, over many series.
#[derive(Default)]
struct Finds {
    delays: Vec<usize>,
    errors: Vec<isize>,
    covered: usize,
    width: usize,
}

impl Finds {
    fn of(phi: f64, step: f64, slope: f64, reps: u64) -> Self {
        let mut finds = Self::default();
        let sigma = 1.0 / (1.0 - phi * phi).sqrt();
        for seed in 0..reps {
            let noise = ar(&mut Noise::new(5_000 + seed), phi, LENGTH, Noise::normal);
            let change =
                |i: f64| if i < CHANGE as f64 { 0.0 } else { sigma * (step + slope * (i - CHANGE as f64)) };
            let found =
                GlsScan::new(GlsConfig::new(Mode::Record, Calendar::Monthly)).extend(&plus(noise, change));
            let Some(find) = found.iter().find(|f| f.alarm.alarm_index >= CHANGE) else { continue };
            finds.delays.push(find.alarm.alarm_index - CHANGE);
            finds.errors.push(find.alarm.onset_index.cast_signed() - CHANGE.cast_signed());
            finds.covered += usize::from((find.onset_low..=find.onset_high).contains(&CHANGE));
            finds.width += find.onset_high - find.onset_low + 1;
        }
        finds.delays.sort_unstable();
        finds.errors.sort_unstable();
        finds
    }
}

/// Where the change is put.
const CHANGE: usize = 60;

fn power(out: &mut impl Write, reps: u64) -> std::io::Result<()> {
    writeln!(
        out,
        "\nOne change at {CHANGE} of {LENGTH}, {reps} series each, in standard deviations of the noise: found | median delay \
         | onset error 10, 50, 90 % | onset in its interval | mean width"
    )?;
    for (name, step, slope) in [
        ("step 1", 1.0, 0.0),
        ("step 2", 2.0, 0.0),
        ("step 3", 3.0, 0.0),
        ("step 4", 4.0, 0.0),
        ("kink .1 a step", 0.0, 0.1),
        ("kink .2 a step", 0.0, 0.2),
    ] {
        for phi in [0.0, 0.3, 0.6] {
            let finds = Finds::of(phi, step, slope, reps);
            let n = finds.delays.len();
            let error = |tenths: usize| finds.errors.get(n * tenths / 10).copied().unwrap_or(0);
            let share = |part: usize, of: usize| part as f64 / of.max(1) as f64;
            writeln!(
                out,
                "{name:<16} phi {phi:>2}   {:.2} | {:>2} | {:>3} {:>2} {:>2} | {:.2} | {:.1}",
                n as f64 / reps as f64,
                finds.delays.get(n / 2).copied().unwrap_or(0),
                error(1),
                error(5),
                error(9),
                share(finds.covered, n),
                share(finds.width, n),
            )?;
        }
    }
    writeln!(out, "a kink found as a later step has the interval of that step: read it as \"at or before\"")
}

/// Name, what the time column says, cycles in the data.
const FAMILIES: [(&str, Calendar, RangeInclusive<usize>); 4] = [
    ("no calendar, cycles of 5 to 28", Calendar::None, 5..=28),
    ("no calendar, cycles of 29 and 30", Calendar::None, 29..=30),
    ("dated, cycles of 5 to 12", Calendar::Dated, 5..=12),
    ("monthly, cycles of 5 and 7 to 11", Calendar::Monthly, 5..=11),
];

/// Sawtooths whose cycle nobody named.
fn sawtooths(out: &mut impl Write, seeds: u64) -> std::io::Result<()> {
    writeln!(
        out,
        "\nSawtooths of unnamed cycle, 180 observations and at least 12 cycles, all beginnings in the cycle, rising and \
         falling; AR(1) noise as a share of the height, {seeds} seeds: series with alarms (must 0)"
    )?;
    for (name, calendar, cycles) in FAMILIES {
        let mut columns = String::new();
        for (label, sigma, phi) in [
            ("none", 0.0, 0.0),
            ("1 %", 0.01, 0.0),
            ("2 %", 0.02, 0.0),
            ("5 %", 0.05, 0.0),
            ("10 %", 0.1, 0.0),
            ("20 %", 0.2, 0.0),
            ("phi .3: 2 %", 0.02, 0.3),
            ("10 %", 0.1, 0.3),
            ("20 %", 0.2, 0.3),
        ] {
            let seeds = if sigma > 0.0 { seeds } else { 1 };
            let (alarmed, all) = teeth(calendar, cycles.clone(), sigma, phi, seeds);
            columns += &format!("  {label}: {alarmed} of {all}");
        }
        writeln!(out, "{name:<34}{columns}")?;
    }
    writeln!(
        out,
        "29 and 30 are barely seen twice in the warm-up of 60; 6 is half a year, so part of the season"
    )
}

fn teeth(
    calendar: Calendar,
    cycles: RangeInclusive<usize>,
    sigma: f64,
    phi: f64,
    seeds: u64,
) -> (usize, usize) {
    let (mut alarmed, mut all) = (0, 0);
    for cycle in cycles.filter(|cycle| calendar.cycle() == 1 || !calendar.cycle().is_multiple_of(*cycle)) {
        for (start, seed) in (0..cycle).flat_map(|start| (0..seeds).map(move |seed| (start, seed))) {
            let mut noise = Noise::new(seed * 10_000 + (cycle * 100 + start) as u64);
            let scale = sigma * (1.0 - phi * phi).sqrt();
            let noise = ar(&mut noise, phi, (12 * cycle).max(180), Noise::normal);
            for height in [1.0, -1.0] {
                let tooth = |i: usize| height * ((i + start) % cycle) as f64 / cycle as f64;
                let series: Vec<f64> = noise.iter().enumerate().map(|(i, v)| tooth(i) + scale * v).collect();
                let found = GlsScan::new(GlsConfig::new(Mode::Record, calendar)).extend(&series);
                alarmed += usize::from(!found.is_empty());
                all += 1;
            }
        }
    }
    (alarmed, all)
}
