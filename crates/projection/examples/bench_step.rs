//! What a step costs: a pass over every moment of change of the bundled history, and one new fact on a framework of 500
//! indicators with a small and a large log behind it.
//!
//! Goals: a backtest of ten years takes several passes within 2 s; a new fact costs at most 100 ms, rules included.
//!
//! `cargo run --release -p bellwether-projection --example bench_step`

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::framework::Framework;
use bellwether_model::{
    Attributes, Basis, Body, Clock, Decimal, Evidence, Fact, FactTypes, KnownBasis, Op, Period, Record,
    Stamp, parse_moment,
};
use bellwether_projection::{Projector, Stepper};
use chrono::{DateTime, Days, Utc};

#[expect(dead_code, reason = "shared with the tests, which read more of it")]
#[expect(clippy::unwrap_used, clippy::panic, reason = "as the tests do")]
#[path = "../tests/it/support.rs"]
mod support;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const INDICATORS: usize = 500;
const TYPES: usize = 50;
/// New facts measured, each on an indicator of its own.
const NEW: usize = 40;

fn main() -> Outcome<()> {
    let mut out = std::io::stdout().lock();
    let projector = support::projector(&support::history());
    for pass in 1..=3 {
        let (steps, time) = timed(|| pass_over(&projector));
        writeln!(out, "history, pass {pass}: {steps} moments of change 2014 to 2026 in {:.1} ms", ms(time))?;
    }
    let view = Stepper::new(Clock::Published, KnownBasis::Any).view(instant("2026-11-25"));
    let (_, whole) = timed(|| (0..20).map(|_| projector.assess(&view).facts).sum::<u64>());
    writeln!(out, "history, one assessment by itself: {:.2} ms", ms(whole) / 20.0)?;
    // The last stands for ten million facts: what counts is how many are behind the indicator that gets a new one.
    for (count, series) in [(10_000, INDICATORS), (1_000_000, INDICATORS), (20_000, 1)] {
        let Costs { first, step, worst } = one_fact(count, series)?;
        writeln!(
            out,
            "{count} facts on {series} of {INDICATORS} indicators: first step {:.0} ms, a new fact {:.2} ms (median), {:.2} ms (worst of {NEW})",
            ms(first),
            ms(step),
            ms(worst)
        )?;
    }
    Ok(())
}

fn pass_over(projector: &Projector) -> usize {
    let mut stepper = Stepper::new(Clock::Published, KnownBasis::Any);
    let (mut at, end) = (instant("2014-01-01"), instant("2026-11-25"));
    let mut steps = 0;
    while at < end {
        stepper.step(projector, at);
        steps += 1;
        at = stepper.next(projector, at).unwrap_or(end);
    }
    steps
}

struct Costs {
    first: Duration,
    step: Duration,
    worst: Duration,
}

fn one_fact(count: usize, series: usize) -> Outcome<Costs> {
    let (types, framework) = configuration()?;
    let mut projector = Projector::new(framework, types);
    projector.reserve(count + NEW);
    for n in 0..count {
        projector.apply(&record(n, count, series)?);
    }
    let mut stepper = Stepper::new(Clock::Recorded, KnownBasis::Any);
    let (_, first) = timed(|| stepper.step(&projector, recorded(count)).touched.len());
    let mut times = Vec::new();
    for n in 0..NEW {
        let record = record(count + n, count, series)?;
        let (touched, time) = timed(|| {
            projector.apply(&record);
            stepper.step(&projector, record.recorded_at).touched.len()
        });
        if touched == 0 {
            return Err("a new fact touched nothing".into());
        }
        times.push(time);
    }
    times.sort_unstable();
    let step = times.get(times.len() / 2).copied().unwrap_or_default();
    Ok(Costs { first, step, worst: times.last().copied().unwrap_or_default() })
}

fn recorded(n: usize) -> DateTime<Utc> {
    instant("2026-01-01") + chrono::TimeDelta::microseconds(i64::try_from(n).unwrap_or_default())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = std::time::Instant::now();
    let value = work();
    (value, start.elapsed())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn instant(text: &str) -> DateTime<Utc> {
    parse_moment(text).unwrap_or_default()
}

fn configuration() -> Outcome<(Arc<FactTypes>, Arc<Framework>)> {
    let mut facts = String::new();
    for t in 0..TYPES {
        facts.push_str(&format!(
            "[[fact]]\ntype = \"bench.t{t:02}\"\nmeaning = \"synthetic\"\ntemporal = \"state\"\nunits = [\"u\"]\n"
        ));
    }
    let types = FactTypes::parse("bench facts", &facts)?;
    let mut text = String::from(
        r#"
id = "bench"
version = "1"
title = "bench"
description = "synthetic"
parties = ["AAA", "BBB"]
horizon = [2026, 2035]
[rules]
baseline = { from = "2012-01-01", to = "2020-01-01" }
minimum_points = 5
minimum_coverage = 0.3
flat_change = 0.02
flat_points = 2.5
late_copy_days = 120
density = 0.6
confidence = []
[divergence]
baseline = 2.0
asymmetry = 0.25
cross_domain = 60.0
cross_source = 0.05
scenario = 0.2
envelope = 0.0
reason = "bench"
[[domain]]
id = "all"
title = "all"
character = "synthetic"
"#,
    );
    for i in 0..INDICATORS {
        text.push_str(&format!(
            "[[indicator]]\nid = \"all.i{i:03}\"\ndomain = \"all\"\ntitle = \"i\"\nmeaning = \"m\"\nkind = \"level\"\n\
             unit = \"u\"\nsign = \"+\"\nweight = {}\nreason = \"r\"\nformula = \"value\"\ncadence = \"irregular\"\n\
             stale_days = 4000\nread = [{{ type = \"bench.t{:02}\", from = \"AAA\", where = {{ series = \"s{i:03}\" }} }}]\n",
            1.0 / INDICATORS as f64,
            i % TYPES,
        ));
    }
    let framework = Framework::parse("bench framework", &text, &types, None)?;
    Ok((Arc::new(types), Arc::new(framework)))
}

fn record(n: usize, count: usize, of: usize) -> Outcome<Record> {
    // Knuth's MMIX multiplier: only has to scatter, and to be the same on every run.
    let state = (n as u64).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    let noise = i64::try_from((state ^ (state >> 29)) >> 44).unwrap_or_default();
    let series = n % of;
    // The days end shortly before the log does, however long it is.
    let start = instant("2025-11-01") - Days::new(u64::try_from(count.div_ceil(of))?)
        + Days::new(u64::try_from(n / of)?);
    let mut attributes = Attributes::new();
    attributes.insert("series".to_owned(), format!("s{series:03}").into());
    let mut fact = Fact {
        id: Default::default(),
        op: Op::Assert,
        kind: format!("bench.t{:02}", series % TYPES),
        source: "bench".to_owned(),
        key: format!("bench|s{series:03}|{}", start.format("%Y-%m-%d")),
        valid: Period::range(start, start + Days::new(1))?,
        published_at: Some(Stamp::Day(start.date_naive())),
        published_basis: Basis::Stated,
        actors: vec!["AAA".to_owned(), "BBB".to_owned()],
        value: Some(Decimal::new(1_000_000 + noise, 2)),
        unit: Some("u".to_owned()),
        grade: "B2".parse()?,
        attributes,
        evidence: Evidence::default(),
        note: None,
    };
    fact.seal();
    Ok(Record { seq: u64::try_from(n)? + 1, recorded_at: recorded(n), body: Body::Fact(fact) })
}
