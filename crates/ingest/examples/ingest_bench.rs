//! Speed of a `facts-csv` ingest into the durable log: `cargo run --release --example ingest_bench [ROWS] [FOLDER]`.
//!
//! Synthetic rows with the columns and lengths of the bundled history; the second run finds all of them known.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use bellwether_ingest::{FeedSpec, FileQuarantine, Input, Options, ingest};
use bellwether_model::FactTypes;
use bellwether_store::{EventLog, Memory, Segments, StoreClock, SystemClock};

const TYPES: &str = "[[fact]]\ntype = \"trade.flow\"\nmeaning = \"m\"\ntemporal = \"flow\"\nunits = [\"USD\"]\n\
                     value = \"required\"\nassume = { after = \"end\", days = 30 }\n";

fn rows(n: usize) -> String {
    let mut text = String::from(
        "fact_type,key,valid_start,valid_end,published_at,assume,actor_from,actor_to,value,unit,attributes,\
         source_name,source_url,source_grade,info_credibility,note\r\n",
    );
    for i in 0..n {
        let (year, month) = (1990 + i % 35, 1 + i / 35 % 12);
        let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        let _ = write!(
            text,
            "trade.flow,trade.flow|CHN-RUS|line {}|USD|China customs|{year}-M{month:02},{year}-{month:02}-01,\
             {next_year}-{next_month:02}-01,{next_year}-{next_month:02}-18,yes,CHN,RUS,{}.5,USD,\
             \"{{\"\"commodity\"\": \"\"crude oil\"\", \"\"currency\"\": \"\"USD\"\", \"\"direction\"\": \"\"import\"\", \
             \"\"domain\"\": \"\"economic_energy\"\", \"\"period\"\": \"\"month\"\", \"\"reporter\"\": \"\"China customs\"\"}}\",\
             Agency reprint,https://example.org/economy/{i},B,2,as printed\r\n",
            i / 420,
            1_000_000_000 + i * 7
        );
    }
    text
}

/// Time of the machine, through the store's clock: the libraries themselves have none.
fn clock() -> i64 {
    SystemClock.now().timestamp_micros()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let n = args.next().map_or(Ok(200_000), |n| n.parse())?;
    let folder = args.next().map_or_else(std::env::temp_dir, Into::into).join("ingest-bench");
    let spec = include_str!("../../../config/feeds/facts-csv.toml");
    let spec = FeedSpec::parse("facts-csv.toml", spec)?;
    let types = FactTypes::parse("facts.toml", TYPES)?;
    let text = rows(n);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{n} rows, {:.1} MB", text.len() as f64 / 1e6)?;
    writeln!(out, "{:<34} {:>9} {:>11} {:>9} {:>9}", "run", "seconds", "rows/s", "stored", "duplicate")?;
    let _ = std::fs::remove_dir_all(&folder);
    let mut quarantine = FileQuarantine::open(&folder.join("quarantine"))?;
    let log = Segments::open(&folder, std::sync::Arc::new(SystemClock))?;
    let memory = Memory::new(std::sync::Arc::new(SystemClock));
    let dry = |dry_run| Options { dry_run, ..Options::at(SystemClock.now()) };
    let runs: [(&str, &dyn EventLog, Options); 5] = [
        ("read, map and seal only (dry run)", &log, dry(true)),
        ("into memory", &memory, dry(false)),
        ("into the log, batch 1000, synced", &log, dry(false)),
        ("again, batch 1000", &log, dry(false)),
        ("again, batch 10000", &log, Options { batch: 10_000, ..dry(false) }),
    ];
    for (name, log, options) in runs {
        let start = clock();
        let report =
            ingest(log, &types, &spec, Input::bytes("bench.csv", text.clone()), &mut quarantine, &options)?;
        let took = Duration::from_micros((clock() - start).try_into()?).as_secs_f64();
        let rate = n as f64 / took;
        writeln!(
            out,
            "{name:<34} {took:>9.2} {rate:>11.0} {:>9} {:>9}",
            report.facts.stored, report.facts.duplicate
        )?;
    }
    drop(log);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
