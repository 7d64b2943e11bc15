//! Fans of a framework of indicators that all have a model: how many paths a second, and whether ten thousand for all of
//! them stay within a second.
//!
//! `bench_fans [PATHS]`, default 10 000. The framework is the bundled one with its facts made up: every measure gets
//! twenty years of values, so that none is refused. A busy machine misses the goal without anything being wrong, so the
//! exit code does not follow.

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use bellwether_model::framework::Framework;
use bellwether_model::{
    Attributes, Basis, Body, Decimal, Evidence, Fact, FactTypes, Grade, Op, Period, Record, Stamp, View,
    parse_moment,
};
use bellwether_projection::Projector;

const GOAL: f64 = 1.0;
const RUNS: usize = 5;
/// Measures of each kind.
const LEVELS: usize = 40;
const SHARES: usize = 20;
const COUNTS: usize = 17;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: usize = std::env::args().nth(1).map_or(Ok(10_000), |n| n.parse())?;
    let (framework, types) = configuration()?;
    let mut projector = Projector::new(framework, types);
    for record in history()? {
        projector.apply(&record);
    }
    let view = View::at(parse_moment("2026-06-30")?);
    let mut out = std::io::stdout().lock();
    writeln!(out, "| fans | years | paths each | s, best of {RUNS} | paths/s |\n|---|---|---|---|---|")?;
    let (mut best, mut fans, mut years) = (f64::INFINITY, 0, 0);
    for _ in 0..RUNS {
        let began = Instant::now();
        let (made, refused) = projector.outlook(&view, paths).fans(2035);
        best = best.min(began.elapsed().as_secs_f64());
        if let Some(refused) = refused.first() {
            return Err(refused.to_string().into());
        }
        (fans, years) = (made.len(), made.first().map_or(0, |f| f.year_ends.len()));
    }
    let rate = (fans * paths) as f64 / best;
    writeln!(out, "| {fans} | {years} | {paths} | {best:.3} | {rate:.0} |")?;
    let met = if best <= GOAL { "met" } else { "missed" };
    writeln!(out, "\ngoal {GOAL} s for all of them, the assessment that they start from included: {met}")?;
    Ok(())
}

/// The bundled scenarios over measures of three kinds, half of them with a table.
fn configuration() -> Result<(Arc<Framework>, Arc<FactTypes>), Box<dyn std::error::Error>> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let types =
        FactTypes::parse("facts.toml", &std::fs::read_to_string(format!("{root}/config/facts.toml"))?)?;
    let text = std::fs::read_to_string(format!("{root}/config/frameworks/china-russia.toml"))?;
    let map = std::fs::read_to_string(format!("{root}/config/frameworks/china-russia.ids.txt"))?;
    let mut framework = Framework::parse("china-russia.toml", &text, &types, Some(&map))?;
    let model = |id: &str| framework.all_measures().find(|m| m.id == id).cloned().ok_or(format!("no {id}"));
    let (level, share, count) =
        (model("economic.trade-total")?, model("measure.swift-rmb")?, model("military.exercises")?);
    let signal = framework.signals.first().cloned().ok_or("no signal")?;
    let kinds = [("level", LEVELS, level), ("share", SHARES, share), ("count", COUNTS, count)];
    let (mut measures, mut signals) = (Vec::new(), Vec::new());
    for (kind, number, of) in kinds {
        for n in 0..number {
            let mut measure = of.clone();
            measure.id = format!("measure.{kind}-{n}");
            measure.domain = None;
            for read in &mut measure.read {
                read.key = Some(bellwether_model::framework::Match::One(format!("{kind}-{n}|*")));
            }
            if n % 2 == 0 {
                let mut signal = signal.clone();
                signal.of.clone_from(&measure.id);
                signals.push(signal);
            }
            measures.push(measure);
        }
    }
    framework.indicators.clear();
    framework.measures = measures;
    framework.signals = signals;
    for list in [&mut framework.roles, &mut framework.drivers, &mut framework.frictions] {
        list.clear();
    }
    framework.characters.clear();
    framework.implications.clear();
    framework.asymmetries.clear();
    framework.constraints.clear();
    framework.balance = None;
    Ok((Arc::new(framework), Arc::new(types)))
}

fn history() -> Result<Vec<Record>, Box<dyn std::error::Error>> {
    let mut out = Vec::new();
    let mut noise = 12_345_u64;
    let mut next = || {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (noise >> 33) % 1000
    };
    for year in 2006..2026_u64 {
        let whole = Period::range(
            parse_moment(&format!("{year}-01-01"))?,
            parse_moment(&format!("{}-01-01", year + 1))?,
        )?;
        for n in 0..LEVELS {
            let value = 100_000 + 5_000 * (year - 2006) + 20 * next();
            let attributes = [("direction", "two-way"), ("reporter", "CHN-GACC"), ("commodity", "all goods")];
            out.push(fact(
                "trade.flow",
                &format!("level-{n}|{year}"),
                whole.clone(),
                Some((value, 0, "USD")),
                &attributes,
            )?);
        }
        for n in 0..SHARES {
            for month in 1..=12 {
                let start = parse_moment(&format!("{year}-{month:02}-01"))?;
                let end = start.checked_add_months(chrono::Months::new(1)).ok_or("no month")?;
                let value = (200 + next() / 10, 4, "share");
                out.push(fact(
                    "finance.swift_rmb_share",
                    &format!("share-{n}|{year}-{month}"),
                    Period::range(start, end)?,
                    Some(value),
                    &[],
                )?);
            }
        }
        for n in 0..COUNTS {
            for k in 0..2 + next() % 5 {
                let day = Period::instant(parse_moment(&format!("{year}-0{}-15", k + 1))?);
                out.push(fact("exercise.held", &format!("count-{n}|{year}-{k}"), day, None, &[])?);
            }
        }
    }
    let recorded = parse_moment("2026-06-01")?;
    let numbered = (1..).zip(out);
    Ok(numbered.map(|(seq, fact)| Record { seq, recorded_at: recorded, body: Body::Fact(fact) }).collect())
}

fn fact(
    kind: &str,
    key: &str,
    valid: Period,
    value: Option<(u64, u32, &str)>,
    attributes: &[(&str, &str)],
) -> Result<Fact, Box<dyn std::error::Error>> {
    let published = valid.end.unwrap_or(valid.start);
    let mut fact = Fact {
        id: Default::default(),
        op: Op::Assert,
        kind: kind.to_owned(),
        source: "bench".to_owned(),
        key: key.to_owned(),
        published_at: Some(Stamp::Instant(published)),
        published_basis: Basis::Stated,
        valid,
        actors: vec!["CHN".to_owned(), "RUS".to_owned()],
        value: value.map(|(v, scale, _)| Decimal::from_i128_with_scale(i128::from(v), scale)),
        unit: value.map(|v| v.2.to_owned()),
        grade: Grade::new('A', 1)?,
        attributes: attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).into())).collect::<Attributes>(),
        evidence: Evidence::default(),
        note: None,
    };
    fact.seal();
    Ok(fact)
}
