//! Small throughput table: durable append and scan, beside a raw file with the same payload in the same run.
//!
//! `cargo run --release -p bellwether-store --example store_bench [ROWS]`. Ratios travel between machines,
//! rows a second do not.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark prints and measures time")]

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use bellwether_model::{Basis, Evidence, Fact, Op, Period, Stamp};
use bellwether_store::{Append, EventLog, Segments, SystemClock};
use chrono::{DateTime, Days, NaiveDate, Utc};

fn fact(n: u64) -> Result<Fact, Box<dyn Error>> {
    let day = NaiveDate::from_ymd_opt(2000, 1, 1)
        .and_then(|d| d.checked_add_days(Days::new(n % 9000)))
        .ok_or("no such day")?;
    let start: DateTime<Utc> = day.and_hms_opt(0, 0, 0).ok_or("no such time")?.and_utc();
    let end = start.checked_add_days(Days::new(1)).ok_or("no such day")?;
    let mut fact = Fact {
        id: uuid::Uuid::nil(),
        op: Op::Assert,
        kind: "trade.flow".into(),
        source: "customs-monthly".into(),
        key: format!("trade.flow|CHN-RUS|{:05}|{day}|{}", n.wrapping_mul(2_654_435_761) % 99_991, n / 9000),
        valid: Period::range(start, end)?,
        published_at: Some(Stamp::Day(day)),
        published_basis: Basis::Stated,
        actors: vec!["CHN".into(), "RUS".into()],
        value: Some((n.wrapping_mul(6_364_136_223_846_793_005) % 1_000_000_000).into()),
        unit: Some("USD".into()),
        grade: "B2".parse()?,
        attributes: [("commodity", "2709"), ("direction", "import"), ("reporter", "CHN")]
            .map(|(k, v)| (k.to_owned(), serde_json::Value::from(v)))
            .into(),
        evidence: Evidence {
            uri: Some("https://stats.example.org/monthly.csv".into()),
            file: Some("monthly.csv".into()),
            line: Some(n),
            digest: None,
        },
        note: None,
    };
    fact.seal();
    Ok(fact)
}

/// Seconds this thread has had on a core (Linux): a busy machine does not count.
fn on_core() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).map_or(f64::NAN, |ns| ns / 1e9)
}

fn main() -> Result<(), Box<dyn Error>> {
    let rows: u64 = std::env::args().nth(1).map_or(Ok(200_000), |n| n.parse())?;
    let dir = std::env::current_dir()?.join("target/store_bench");
    drop(std::fs::remove_dir_all(&dir));
    std::fs::create_dir_all(&dir)?;
    let facts: Vec<Fact> = (0..rows).map(fact).collect::<Result<_, _>>()?;
    let plain: usize = facts.iter().map(|f| serde_json::to_vec(f).map_or(0, |t| t.len())).sum();

    println!("| what | rows | rows/s | ÷ raw |\n|---|---|---|---|");
    let mut packed = 0;
    for size in [1000_usize, 100, 1] {
        let part =
            if size == 1 { facts.get(..2000.min(facts.len())) } else { facts.get(..) }.unwrap_or_default();
        let batches: Vec<Vec<Fact>> = part.chunks(size).map(<[Fact]>::to_vec).collect();
        // 259 bytes: a fact in postcard, as design measurements have it.
        let raw = {
            let mut file = File::create(dir.join("raw"))?;
            let row = [7_u8; 259];
            let start = Instant::now();
            for batch in &batches {
                let bytes = row.repeat(batch.len());
                file.write_all(&crc32fast::hash(&bytes).to_le_bytes())?;
                file.write_all(&bytes)?;
                file.sync_data()?;
            }
            part.len() as f64 / start.elapsed().as_secs_f64()
        };
        println!("| raw file + CRC + sync, batch {size} | {} | {raw:.0} | 1.00 |", part.len());
        let store = dir.join(format!("batch{size}"));
        let log = Segments::open(&store, Arc::new(SystemClock))?;
        let (start, core) = (Instant::now(), on_core());
        for batch in batches {
            log.append(Append::facts(batch))?;
        }
        let rate = part.len() as f64 / start.elapsed().as_secs_f64();
        println!("| durable append, batch {size} | {} | {rate:.0} | {:.2} |", part.len(), rate / raw);
        println!(
            "| the same, a second on a core | {} | {:.0} | |",
            part.len(),
            part.len() as f64 / (on_core() - core)
        );
        if size == 1000 {
            packed = log.stats().log_bytes;
        }
        let start = Instant::now();
        log.close()?;
        println!("| close, batch {size} | {} | {:.3} s | |", part.len(), start.elapsed().as_secs_f64());
    }

    let log = Segments::open(&dir.join("writers"), Arc::new(SystemClock))?;
    let start = Instant::now();
    std::thread::scope(|scope| {
        let each = facts.len().min(64 * 200) / 64;
        for part in facts.chunks(each.max(1)).take(64) {
            let log = &log;
            scope.spawn(move || {
                for fact in part {
                    drop(log.append(Append::facts(vec![fact.clone()])));
                }
            });
        }
    });
    let rate = log.head() as f64 / start.elapsed().as_secs_f64();
    println!("| durable append, 64 writers × 1 | {} | {rate:.0} | |", log.head());
    log.close()?;

    let start = Instant::now();
    let log = Segments::open(&dir.join("batch1000"), Arc::new(SystemClock))?;
    println!("| open, warm index | {rows} | {:.3} s | |", start.elapsed().as_secs_f64());
    // Once to warm the page cache.
    log.read(1, &mut |_| ControlFlow::Continue(()))?;
    let (start, core) = (Instant::now(), on_core());
    let mut seen = 0_u64;
    log.read(1, &mut |record| {
        seen += u64::from(record.fact().is_some());
        ControlFlow::Continue(())
    })?;
    println!("| scan, decoded to records | {seen} | {:.0} | |", seen as f64 / start.elapsed().as_secs_f64());
    println!("| the same, a second on a core | {seen} | {:.0} | |", seen as f64 / (on_core() - core));
    let start = Instant::now();
    let again = log.append(Append::facts(facts.clone()))?;
    let rate = again.duplicate as f64 / start.elapsed().as_secs_f64();
    println!("| duplicates, each confirmed | {} | {rate:.0} | |", again.duplicate);
    let start = Instant::now();
    let mut hits = 0;
    for fact in facts.iter().step_by(17).take(20_000) {
        hits += log.keys_latest(&fact.source, &fact.key)?.len();
    }
    println!("| keys_latest | {hits} | {:.0} | |", hits as f64 / start.elapsed().as_secs_f64());
    log.close()?;
    let start = Instant::now();
    Segments::rebuild_index(&dir.join("batch1000"))?;
    println!("| rebuild index | {rows} | {:.3} s | |", start.elapsed().as_secs_f64());
    println!(
        "disk: {:.1} bytes a row, {:.2} of 259 (postcard), {:.2} of its JSON",
        packed as f64 / rows as f64,
        packed as f64 / rows as f64 / 259.0,
        packed as f64 / plain as f64
    );
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}
