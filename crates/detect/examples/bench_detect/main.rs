//! Tables of the detectors: `cargo run --release -p bellwether-detect --example bench_detect [-- --short]`.
//!
//! Reads the benchmark data in place where it exists and says so where it does not. `--short` stays below a minute.

mod cost;
mod nab;
#[path = "../../tests/it/noise.rs"]
#[expect(dead_code, reason = "shared with the tests, which draw more kinds of noise")]
mod noise;
mod peers;
mod score;
mod sims;
mod speed;
mod tcpd;

use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let short = std::env::args().skip(1).any(|arg| arg == "--short");
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "bellwether-detect {}: tables{}",
        env!("CARGO_PKG_VERSION"),
        if short { ", short form" } else { "" }
    )?;
    tcpd::run(&mut out, short)?;
    sims::run(&mut out, short)?;
    cost::run(&mut out)?;
    nab::run(&mut out, short)?;
    speed::run(&mut out, short)?;
    Ok(())
}
