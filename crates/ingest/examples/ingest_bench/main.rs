//! Speed and memory of an ingest: `cargo run --release --example ingest_bench [ROWS] [FOLDER]`.
//!
//! A GDELT file of ROWS rows (a million unless stated), filtered to a relationship and stored in the durable log, beside the
//! plain reading of its bytes and beside DuckDB with the same filter, where `BELLWETHER_PYTHON` names an interpreter that
//! imports it; then a fifth as many rows of facts, all of them stored. FOLDER takes some hundred MB and is left clean.

mod facts;
mod gdelt;
mod peers;
mod rows;

use std::io::Write;

use bellwether_store::{StoreClock, SystemClock};

/// Runs something and gives the seconds that it took, by the store's clock: the libraries themselves have none.
fn timed<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<(T, f64), E> {
    let now = || SystemClock.now().timestamp_micros();
    let start = now();
    let done = work()?;
    Ok((done, (now() - start) as f64 / 1e6))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let n = args.next().map_or(Ok(1_000_000), |n| n.parse())?;
    let folder = args.next().map_or_else(std::env::temp_dir, Into::into).join("ingest-bench");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    let mut out = std::io::stdout().lock();
    gdelt::run(&mut out, n, &folder)?;
    facts::run(&mut out, n / 5, &folder)?;
    out.flush()?;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
