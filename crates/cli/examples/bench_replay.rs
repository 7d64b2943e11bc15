//! Cold replay: a million synthetic facts over 200 indicators, from the closed store on disk to an assessment.
//!
//! Prints a table: the raw read of the log's files as the limit, then the log decoded, folded and assessed.
//! `bench_replay [FACTS]`, default 1 000 000; says whether the goal (500 k facts/s, 1 GiB) is met. A busy machine
//! misses it without anything being wrong, so the exit code does not follow.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::framework::Framework;
use bellwether_model::{
    Attributes, Basis, Decimal, Evidence, Fact, FactTypes, Op, Period, Stamp, View, parse_moment,
};
use bellwether_projection::Projector;
use bellwether_store::{Append, EventLog, Segments, SystemClock};
use chrono::{DateTime, Days, Utc};

const INDICATORS: usize = 200;
const TYPES: usize = 50;
const GOAL_PER_SECOND: f64 = 500_000.0;
const GOAL_MEMORY_MIB: f64 = 1024.0;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: usize = std::env::args().nth(1).map_or(Ok(1_000_000), |n| n.parse())?;
    let dir = std::env::temp_dir().join(format!("bellwether-bench-replay-{}", std::process::id()));
    let result = run(&dir, count);
    std::fs::remove_dir_all(&dir).ok();
    result
}

fn run(dir: &Path, count: usize) -> Result<(), Box<dyn std::error::Error>> {
    let (types, framework) = configuration()?;
    fill(dir, count)?;
    let files = log_files(dir)?;

    let (bytes, raw) = timed(|| -> std::io::Result<u64> {
        let mut bytes = 0;
        for file in &files {
            bytes += std::fs::read(file)?.iter().map(|b| u64::from(*b)).sum::<u64>().min(1)
                + file.metadata()?.len();
        }
        Ok(bytes)
    });
    let bytes = bytes?;

    let (scanned, scan) = timed(|| -> Result<u64, Box<dyn std::error::Error>> {
        let log = Segments::open_read(dir, Arc::new(SystemClock))?;
        let mut n = 0;
        log.read(1, &mut |record| {
            n += u64::from(record.fact().is_some());
            ControlFlow::Continue(())
        })?;
        Ok(n)
    });
    let scanned = scanned?;

    let (assessed, replay) = timed(|| -> Result<(u64, Duration), Box<dyn std::error::Error>> {
        let log = Segments::open_read(dir, Arc::new(SystemClock))?;
        let mut projector = Projector::new(framework.clone(), types.clone());
        projector.reserve(usize::try_from(log.head())?);
        projector.absorb(|each| {
            log.read(1, &mut |record| {
                each(record);
                ControlFlow::Continue(())
            })
        })?;
        let (assessment, last) = timed(|| projector.assess(&View::at(instant("2026-01-01"))));
        let known = assessment.indicators.iter().filter(|m| m.value.is_some()).count();
        if known != INDICATORS {
            return Err(format!("{known} of {INDICATORS} indicators have a value").into());
        }
        Ok((assessment.facts, last))
    });
    let (visible, assess) = assessed?;

    let memory = peak_memory_mib();
    let rate = |d: Duration| count as f64 / d.as_secs_f64();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{count} facts over {INDICATORS} indicators, {:.0} MiB of log, {visible} visible",
        mib(bytes)
    )?;
    writeln!(out, "{:<46}{:>10}{:>14}{:>12}", "", "seconds", "facts/s", "÷ limit")?;
    for (name, time) in [
        ("limit: the log's files read, bytes touched", raw),
        ("log opened, verified and decoded", scan),
        ("cold replay: opened, decoded, folded, assessed", replay),
        ("  of which the assessment", assess),
    ] {
        let seconds = time.as_secs_f64();
        writeln!(out, "{name:<46}{seconds:>10.3}{:>14.0}{:>12.3}", rate(time), rate(time) / rate(raw))?;
    }
    writeln!(
        out,
        "peak memory {memory:.0} MiB (goal {GOAL_MEMORY_MIB:.0}); goal {GOAL_PER_SECOND:.0} facts/s"
    )?;
    writeln!(out, "peers: none installed here does an as-of replay of vintages; scanned {scanned}")?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = std::time::Instant::now();
    let value = work();
    (value, start.elapsed())
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

fn instant(text: &str) -> DateTime<Utc> {
    parse_moment(text).unwrap_or_default()
}

fn log_files(dir: &Path) -> std::io::Result<Vec<std::path::PathBuf>> {
    std::fs::read_dir(dir.join("log"))?.map(|e| e.map(|e| e.path())).collect()
}

/// Greatest resident size of this process so far; 0 where the system does not say.
fn peak_memory_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok()).map_or(0.0, |kib| kib / 1024.0)
}

type Configuration = (Arc<FactTypes>, Arc<Framework>);

/// 50 fact types and 200 indicators, four a type told apart by an attribute.
fn configuration() -> Result<Configuration, Box<dyn std::error::Error>> {
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
             stale_days = 400\nread = [{{ type = \"bench.t{:02}\", from = \"AAA\", where = {{ series = \"s{i:03}\" }} }}]\n",
            1.0 / INDICATORS as f64,
            i % TYPES,
        ));
    }
    let framework = Framework::parse("bench framework", &text, &types, None)?;
    Ok((Arc::new(types), Arc::new(framework)))
}

/// Fills a store: one fact in ten restates an earlier one under its key.
fn fill(dir: &Path, count: usize) -> Result<(), Box<dyn std::error::Error>> {
    let log = Segments::open(dir, Arc::new(SystemClock))?;
    let mut batch = Vec::new();
    // Knuth's MMIX multiplier: only has to scatter, and to be the same on every run.
    let mut state: u64 = 42;
    for n in 0..count {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let noise = i64::try_from(state >> 44).unwrap_or_default();
        let restated = n > INDICATORS && (state >> 33).is_multiple_of(10);
        let subject = if restated { n - INDICATORS } else { n };
        batch.push(fact(subject, noise, restated)?);
        if batch.len() == 5000 {
            log.append(Append::facts(std::mem::take(&mut batch)))?;
        }
    }
    log.append(Append::facts(batch))?;
    log.close()?;
    Ok(())
}

fn fact(subject: usize, noise: i64, restated: bool) -> Result<Fact, Box<dyn std::error::Error>> {
    let indicator = subject % INDICATORS;
    let day = u64::try_from(subject / INDICATORS)?;
    let start = instant("2012-01-01") + Days::new(day);
    let published = (start + Days::new(if restated { 40 } else { 2 })).date_naive();
    let mut attributes = Attributes::new();
    attributes.insert("series".to_owned(), format!("s{indicator:03}").into());
    attributes.insert("publisher".to_owned(), "bench".into());
    let mut fact = Fact {
        id: Default::default(),
        op: Op::Assert,
        kind: format!("bench.t{:02}", indicator % TYPES),
        source: "bench".to_owned(),
        key: format!("bench|s{indicator:03}|{}", start.format("%Y-%m-%d")),
        valid: Period::range(start, start + Days::new(1))?,
        published_at: Some(Stamp::Day(published)),
        published_basis: Basis::Stated,
        actors: vec!["AAA".to_owned(), "BBB".to_owned()],
        value: Some(Decimal::new(1_000_000 + noise, 2)),
        unit: Some("u".to_owned()),
        grade: "B2".parse()?,
        attributes,
        evidence: Evidence { uri: Some("https://example.org/bench".to_owned()), ..Evidence::default() },
        note: None,
    };
    fact.seal();
    Ok(fact)
}
