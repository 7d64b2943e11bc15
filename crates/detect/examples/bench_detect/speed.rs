//! Cost per observation of the detectors for fast feeds and events.

use std::io::{Result, Write};
use std::time::Instant;

use bellwether_detect::{
    Focus, FocusConfig, Heartbeat, Posterior, PosteriorConfig, Rate, RateConfig, Regime, RegimeConfig,
    Silence, SilenceConfig, Variance, VarianceConfig,
};

use crate::noise::Noise;

/// Nanoseconds an observation: the best of three runs, one alone when it is long.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time; no answer depends on it")]
fn cost<S, A>(n: usize, fresh: impl Fn() -> S, push: impl Fn(&mut S, usize) -> A) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..3 {
        let mut state = fresh();
        let start = Instant::now();
        for i in 0..n {
            std::hint::black_box(push(&mut state, i));
        }
        std::hint::black_box(&mut state);
        let seconds = start.elapsed().as_secs_f64();
        best = best.min(seconds);
        if seconds > 2.0 {
            break;
        }
    }
    best * 1e9 / n as f64
}

fn row(out: &mut impl Write, name: &str, sizes: &[usize], cost: impl Fn(usize) -> f64) -> Result<()> {
    write!(out, "{name:<46}")?;
    for n in sizes {
        write!(out, " {:>9.0}", cost(*n))?;
    }
    writeln!(out)
}

fn head(out: &mut impl Write, sizes: &[usize]) -> Result<()> {
    write!(out, "{:<46}", "observations")?;
    sizes.iter().try_for_each(|n| write!(out, " {n:>9}"))?;
    writeln!(out)
}

/// Prints the table; `short` leaves out the longest runs.
pub(crate) fn run(out: &mut impl Write, short: bool) -> Result<()> {
    writeln!(out, "\nCost, ns an observation; seeded noise made beforehand, nothing alarms")?;
    let all = [1_000, 10_000, 100_000, 1_000_000, 10_000_000];
    let sizes = if short { all.split_at(3).0 } else { &all };
    let longest = sizes.last().copied().unwrap_or(0);
    let mut noise = Noise::new(1);
    let normals: Vec<f64> = (0..longest).map(|_| noise.normal()).collect();
    let normal = |i: usize| normals.get(i).copied().unwrap_or(0.0);
    head(out, sizes)?;
    for (name, mean) in [("FOCuS, mean before unknown", None), ("FOCuS, mean before known", Some(0.0))] {
        let config = FocusConfig { threshold: f64::MAX, mean, ..FocusConfig::default() };
        row(out, name, sizes, |n| cost(n, || Focus::new(config), |f, i| f.push(normal(i))))?;
    }
    let sizes: &[usize] = if short { &[10_000] } else { &[10_000, 1_000_000] };
    head(out, sizes)?;
    let variance = VarianceConfig { threshold: f64::MAX, ..VarianceConfig::default() };
    row(out, "variance", sizes, |n| cost(n, || Variance::new(variance), |v, i| v.push(normal(i))))?;
    let regime = RegimeConfig { refractory: usize::MAX, ..RegimeConfig::default() };
    row(out, "regime", sizes, |n| cost(n, || Regime::new(regime), |r, i| r.push(normal(i))))?;
    events(out, sizes, &mut noise)?;
    let posterior = PosteriorConfig::default();
    row(out, "posterior", sizes, |n| cost(n, || Posterior::new(posterior), |p, i| p.push(normal(i))))
}

fn events(out: &mut impl Write, sizes: &[usize], noise: &mut Noise) -> Result<()> {
    let longest = sizes.last().copied().unwrap_or(0);
    let poisson: Vec<u64> = (0..longest).map(|_| noise.poisson(4.0)).collect();
    let bursts: Vec<u64> = (0..longest).map(|_| noise.negative_binomial(4.0, 0.5)).collect();
    let rare: Vec<u64> = (0..longest).map(|_| noise.poisson(0.2)).collect();
    let at = |counts: &[u64], i: usize| counts.get(i).copied().unwrap_or(0);
    let config = RateConfig { threshold: f64::MAX, ..RateConfig::default() };
    let fresh = || Rate::new(config);
    row(out, "rate, Poisson", sizes, |n| cost(n, fresh, |r, i| r.push(at(&poisson, i), 1.0)))?;
    row(out, "rate, negative binomial, equal exposures", sizes, |n| {
        cost(n, fresh, |r, i| r.push(at(&bursts, i), 1.0))
    })?;
    let few = sizes.split_at(1).0;
    row(out, "rate, negative binomial, exposures vary", few, |n| {
        cost(n, fresh, |r, i| r.push(at(&bursts, i), 1.0 + (i % 3) as f64))
    })?;
    let silence = SilenceConfig::default();
    row(out, "silence", sizes, |n| {
        cost(n, || Silence::new(silence), |s, i| s.push(at(&rare, i), 1.0, Heartbeat::Alive))
    })
}
