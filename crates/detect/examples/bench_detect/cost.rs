//! What an observation costs the level and trend scan.

use std::io::Write;
use std::time::Instant;

use bellwether_detect::gls::{Calendar, GlsConfig, GlsScan, Mode};

use crate::noise::Noise;
use crate::sims::{ar, plus};

/// Microseconds for the observation at each length, not the mean on the way there.
pub(crate) fn run(out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "\nCost of the level and trend scan, us for the observation at that length (best of 9)")?;
    writeln!(
        out,
        "{:<40} {:>7} {:>7} {:>7} {:>7}   must <= 10 at 120, <= 30 at 480",
        "", 120, 480, 1000, 2000
    )?;
    let season = |i: f64| 4.0 * libm::sin(i * std::f64::consts::TAU / 12.0);
    let plain = ar(&mut Noise::new(9), 0.3, 2_020, Noise::normal);
    let seasonal = plus(plain.clone(), season);
    let growing: Vec<f64> =
        plus(plain.clone(), |i| season(i) + 0.02 * i).into_iter().map(|v| libm::exp(v / 10.0)).collect();
    let teeth: Vec<f64> =
        plain.iter().enumerate().map(|(i, v)| 20.0 * (i % 11) as f64 / 11.0 + v / 2.0).collect();
    for (name, series) in [
        ("AR(.3) noise", &plain),
        ("with a season, adjusted", &seasonal),
        ("growing, log scale, season adjusted", &growing),
        ("a sawtooth that nobody named", &teeth),
    ] {
        write!(out, "{name:<40}")?;
        for n in [120, 480, 1_000, 2_000] {
            write!(out, " {:>7.1}", at_length(series, n))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time; no answer depends on it")]
fn at_length(series: &[f64], n: usize) -> f64 {
    const AROUND: usize = 10;
    let mut scan = GlsScan::new(GlsConfig::new(Mode::Record, Calendar::Monthly));
    scan.extend(series.get(..n - AROUND).unwrap_or_default());
    let rest = series.get(n - AROUND..n + AROUND).unwrap_or_default();
    let mut best = f64::MAX;
    for _ in 0..9 {
        let mut scan = scan.clone();
        let start = Instant::now();
        std::hint::black_box(scan.extend(rest));
        best = best.min(start.elapsed().as_secs_f64());
    }
    best * 1e6 / rest.len() as f64
}
