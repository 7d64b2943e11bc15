//! A GDELT file filtered to a relationship and stored.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use bellwether_ingest::{FeedSpec, FileQuarantine, Input, Options, ingest};
use bellwether_model::FactTypes;
use bellwether_store::{Segments, StoreClock, SystemClock};

use crate::{peers, rows, timed};

/// Starts the peak of resident memory anew, where the system lets it.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Peak of resident memory in MB.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e3
}

/// The least that any reader does: all bytes, and its lines counted.
fn lines(path: &Path) -> std::io::Result<usize> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    let mut lines = 0;
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok(lines);
        }
        lines += memchr::memchr_iter(b'\n', buffer.get(..n).unwrap_or_default()).count();
    }
}

fn gzip(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut packed = flate2::write::GzEncoder::new(File::create(to)?, flate2::Compression::fast());
    std::io::copy(&mut File::open(from)?, &mut packed)?;
    packed.finish().map(|_| ())
}

struct Line {
    name: String,
    took: f64,
    peak: f64,
    rest: String,
}

/// Prints a table for each share of rows that is stored.
pub(crate) fn run(out: &mut impl Write, n: usize, folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let spec =
        FeedSpec::parse("gdelt-events.toml", include_str!("../../../../config/feeds/gdelt-events.toml"))?;
    let types = FactTypes::parse("facts.toml", include_str!("../../../../config/facts.toml"))?;
    for (permille, n) in [(10, n / 10), (1, n), (10, n), (100, n)] {
        let path = folder.join("export.tsv");
        let bytes = rows::write(&path, n, permille)?;
        writeln!(
            out,
            "\ngdelt-events: {n} rows, {:.0} MB, {:.1} % of them stored, two facts each",
            bytes as f64 / 1e6,
            permille as f64 / 10.0
        )?;
        writeln!(out, "{:<42} {:>8} {:>11} {:>7} {:>8}", "run", "seconds", "rows/s", "× limit", "peak MB")?;
        let mut table = Vec::new();
        lines(&path)?;
        forget_peak();
        let (_, limit) = timed(|| lines(&path))?;
        table.push(Line {
            name: "read the bytes, count lines (the limit)".into(),
            took: limit,
            peak: peak(),
            rest: String::new(),
        });
        let packed = folder.join("export.tsv.gz");
        gzip(&path, &packed)?;
        let log = Segments::open(&folder.join(format!("store-{permille}-{n}")), Arc::new(SystemClock))?;
        let mut quarantine = FileQuarantine::open(&folder.join("quarantine"))?;
        for (name, dry_run, source) in [
            ("filter and map (dry run)", true, &path),
            ("filter, map, into the log, synced", false, &path),
            ("again: all of it known", false, &path),
            ("again, from gzip", false, &packed),
        ] {
            let options = Options { dry_run, ..Options::at(SystemClock.now()) };
            let input = Input::open(&source.display().to_string())?;
            forget_peak();
            let (report, took) = timed(|| ingest(&log, &types, &spec, input, &mut quarantine, &options))?;
            let (r, f) = (report.records, report.facts);
            let rest = format!(
                "{} mapped, {} skipped, {} held; {} stored, {} duplicate",
                r.mapped, r.skipped, r.quarantined, f.stored, f.duplicate
            );
            table.push(Line { name: name.into(), took, peak: peak(), rest });
        }
        for peers::Answer { name, seconds, peak_mb, rows } in peers::ask(&path, folder) {
            table.push(Line { name, took: seconds, peak: peak_mb, rest: format!("{rows} rows") });
        }
        for Line { name, took, peak, rest } in table {
            let (rate, ratio) = (n as f64 / took, took / limit);
            writeln!(out, "{name:<42} {took:>8.3} {rate:>11.0} {ratio:>7.1} {peak:>8.0}  {rest}")?;
        }
        drop(log);
        std::fs::remove_file(&path)?;
    }
    writeln!(out, "DuckDB rows need an interpreter that imports duckdb: BELLWETHER_PYTHON names it.")?;
    Ok(())
}
