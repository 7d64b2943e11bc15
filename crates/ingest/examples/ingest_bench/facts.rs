//! A `facts-csv` ingest: every row becomes a fact. Synthetic rows with the columns and lengths of the bundled history; the
//! second run finds all of them known.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use bellwether_ingest::{FeedSpec, FileQuarantine, Input, Options, ingest};
use bellwether_model::FactTypes;
use bellwether_store::{EventLog, Memory, Segments, StoreClock, SystemClock};

use crate::timed;

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

/// Runs on `n` rows and prints a line for each way.
pub(crate) fn run(out: &mut impl Write, n: usize, folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let spec = FeedSpec::parse("facts-csv.toml", include_str!("../../../../config/feeds/facts-csv.toml"))?;
    let types = FactTypes::parse("facts.toml", TYPES)?;
    let text = rows(n);
    writeln!(out, "\nfacts-csv: {n} rows, {:.1} MB, all of them facts", text.len() as f64 / 1e6)?;
    writeln!(out, "{:<42} {:>8} {:>11} {:>9} {:>9}", "run", "seconds", "rows/s", "stored", "duplicate")?;
    let folder = folder.join("facts");
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
        let input = Input::bytes("bench.csv", text.clone());
        let (report, took) = timed(|| ingest(log, &types, &spec, input, &mut quarantine, &options))?;
        let rate = n as f64 / took;
        let facts = report.facts;
        writeln!(out, "{name:<42} {took:>8.2} {rate:>11.0} {:>9} {:>9}", facts.stored, facts.duplicate)?;
    }
    Ok(())
}
