//! What a new fact costs: 10 000 rules over 500 indicators.
//!
//! Prints a table: the assessment of the moment, the rules that read what changed, and as the peer, in the same run, all
//! rules evaluated again. `bench_alerts [RULES] [INDICATORS] [FACTS] [RULES A FILE]`; says whether the goal (100 ms a fact) is met. A busy
//! machine misses it without anything being wrong, so the exit code does not follow.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use bellwether_alert::{Machine, RuleSet};
use bellwether_model::framework::{Framework, Match};
use bellwether_model::{
    Attributes, Basis, Body, Clock, Decimal, Evidence, Fact, FactTypes, KnownBasis, Op, Period, Record,
    parse_moment,
};
use bellwether_projection::{Projector, Stepper};
use chrono::TimeDelta;

const GOAL_MS: f64 = 100.0;
const YEARS: std::ops::Range<i32> = 2005..2029;
/// Rules of a file: what a person would still read.
const A_FILE: usize = 100;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let argument = |at: usize, default: usize| std::env::args().nth(at).map_or(Ok(default), |n| n.parse());
    run(argument(1, 10_000)?, argument(2, 500)?, argument(3, 40)?, argument(4, A_FILE)?)
}

fn run(count: usize, indicators: usize, facts: usize, a_file: usize) -> Outcome<()> {
    let mut out = std::io::stdout();
    let (framework, types) = configuration(indicators)?;
    let (rules, parsing) = timed(|| rules(count, indicators, a_file.max(1)));
    let rules = rules?;
    let mut projector = Projector::new(Arc::clone(&framework), types);
    let mut now = parse_moment("2030-01-01T09:00:00Z")?;
    let mut seq = 0;
    for year in YEARS {
        for at in 0..indicators {
            seq += 1;
            projector.apply(&Record { seq, recorded_at: now, body: Body::Fact(figure(at, year, seq)?) });
        }
    }
    let mut stepper = Stepper::new(Clock::Recorded, KnownBasis::Any);
    let mut machine = Machine::new(&rules);
    let first = stepper.step(&projector, now);
    let opening = machine.step(now, first.assessment, &first.touched, &framework).len();

    let (mut assess, mut touched, mut naive) = (Vec::new(), Vec::new(), Vec::new());
    let (mut evaluated, mut rows, mut events) = (0, 0, 0);
    for n in 0..facts {
        seq += 1;
        now += TimeDelta::seconds(10);
        let fact = figure((n * 37) % indicators, YEARS.end, seq)?;
        projector.apply(&Record { seq, recorded_at: now, body: Body::Fact(fact) });
        let (step, took) = timed(|| stepper.step(&projector, now));
        assess.push(took);
        rows += step.touched.len();
        let before = machine.counts().evaluated;
        let (said, took) = timed(|| machine.step(now, step.assessment, &step.touched, &framework));
        touched.push(took);
        evaluated += machine.counts().evaluated - before;
        events += said.len();
        // The peer: the same machine told to look at everything. It must have nothing to add.
        machine.set_rules(&rules);
        let (more, took) = timed(|| machine.step(now, step.assessment, &step.touched, &framework));
        naive.push(took);
        if !more.is_empty() {
            return Err("looking at everything found what looking at the touched rows had missed".into());
        }
    }
    let number = |n: u64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    let a_fact = |total: u64| number(total) / number(u64::try_from(facts).unwrap_or(1).max(1));
    let (assess, touched, naive) = (median(assess), median(touched), median(naive));
    let parsing = parsing.as_secs_f64();
    writeln!(out, "{count} rules, {indicators} indicators, {seq} facts; rules parsed in {parsing:.2} s")?;
    writeln!(out, "{opening} events at first, {events} after it\n")?;
    writeln!(out, "| a new fact, median of {facts} | ms | limit | rules evaluated |\n|---|---|---|---|")?;
    writeln!(
        out,
        "| assessment of the moment, {:.1} rows touched | {assess:.3} | | |",
        a_fact(u64::try_from(rows)?)
    )?;
    writeln!(out, "| rules that read what changed | {touched:.3} | {GOAL_MS} | {:.1} |", a_fact(evaluated))?;
    writeln!(out, "| both | {:.3} | {GOAL_MS} | |", assess + touched)?;
    writeln!(out, "| peer: all rules again | {naive:.3} | | {count} |")?;
    let met = if assess + touched <= GOAL_MS { "met" } else { "missed" };
    writeln!(out, "\nratio of the peer to ours {:.1}; goal {met}", naive / touched)?;
    Ok(())
}

/// The invented pair with one indicator many times over.
fn configuration(indicators: usize) -> Outcome<(Arc<Framework>, Arc<FactTypes>)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let types = FactTypes::parse("facts.toml", &std::fs::read_to_string(root.join("config/facts.toml"))?)?;
    let text = std::fs::read_to_string(root.join("fixtures/dyads/xaa-xbb.toml"))?;
    let mut framework = Framework::parse("xaa-xbb.toml", &text, &types, None)?;
    let model = framework.indicators.first().cloned().ok_or("no indicator")?;
    for at in 0..indicators {
        let mut one = model.clone();
        one.id = format!("commerce.i{at}");
        one.weight = 0.0;
        for read in &mut one.read {
            read.matching.insert("commodity".to_owned(), Match::One(format!("c{at}")));
        }
        framework.indicators.push(one);
    }
    Ok((Arc::new(framework), Arc::new(types)))
}

/// Equally many rules for each indicator, with rising thresholds.
fn rules(count: usize, indicators: usize, a_file: usize) -> Outcome<RuleSet> {
    let mut files = Vec::new();
    for from in (0..count).step_by(a_file) {
        let rule = |n: usize| {
            let (row, level) =
                (format!("indicator['commerce.i{}']", n % indicators), 1000 + 50 * (n / indicators));
            format!(
                "[[rule]]\nid = \"r{n}\"\ntitle = \"R\"\nwhen = \"abs({row}.value) > {level}.0 && !{row}.stale\"\n\
                 keep = \"7d\"\nseverity = \"info\"\nsummary = \"{{{row}.value}}\"\n\n"
            )
        };
        files.push((format!("r{from}.toml"), (from..count.min(from + a_file)).map(rule).collect::<String>()));
    }
    Ok(RuleSet::parse(files.iter().map(|(f, t)| (f.as_str(), t.as_str())))?)
}

fn figure(at: usize, year: i32, seq: u64) -> Outcome<Fact> {
    let commodity = format!("c{at}");
    let attributes: Attributes = [
        ("commodity", commodity.as_str()),
        ("currency", "USD"),
        ("direction", "two-way"),
        ("reporter", "XAA-customs"),
        ("period", "year"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.into()))
    .collect();
    let mut fact = Fact {
        id: Default::default(),
        op: Op::Assert,
        kind: "trade.flow".to_owned(),
        source: "bench".to_owned(),
        key: format!("trade.flow|{commodity}|{year}"),
        valid: Period::range(
            parse_moment(&format!("{year}-01-01"))?,
            parse_moment(&format!("{}-01-01", year + 1))?,
        )?,
        published_at: Some(format!("{}-02-10", year + 1).parse()?),
        published_basis: Basis::Stated,
        actors: vec!["XAA".to_owned(), "XBB".to_owned()],
        value: Some(Decimal::from(1000 + (seq * 7919) % 997)),
        unit: Some("USD".to_owned()),
        grade: "A1".parse()?,
        attributes,
        evidence: Evidence::default(),
        note: None,
    };
    fact.seal();
    Ok(fact)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = std::time::Instant::now();
    let value = work();
    (value, start.elapsed())
}

/// Median in milliseconds.
fn median(mut all: Vec<Duration>) -> f64 {
    all.sort_unstable();
    all.get(all.len() / 2).map_or(0.0, |d| d.as_secs_f64() * 1e3)
}
