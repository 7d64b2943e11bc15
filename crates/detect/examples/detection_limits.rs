//! Writes the table behind `detection_limit`, some minutes:
//! `cargo run --release -p bellwether-detect --example detection_limits > limits && mv limits crates/detect/src/gls/limit_table.rs`

use std::io::Write;

use bellwether_detect::gls::{Calendar, simulate_limit};

const REPS: u32 = 400;
const SEED: u64 = 11;
const LENGTHS: [usize; 8] = [10, 16, 24, 36, 60, 120, 240, 480];
const PHIS: [f64; 8] = [0.0, 0.15, 0.3, 0.45, 0.6, 0.8, 0.9, 0.95];

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "//! Written by `cargo run --release -p bellwether-detect --example detection_limits`; do not edit.\n"
    )?;
    writeln!(out, "use super::limit::Rows;\n")?;
    writeln!(out, "#[cfg(test)]\npub(super) const REPS: u32 = {REPS};")?;
    writeln!(out, "#[cfg(test)]\npub(super) const SEED: u64 = {SEED};")?;
    writeln!(out, "/// Observations before the step, one row each.")?;
    writeln!(out, "pub(super) const LENGTHS: [usize; {}] = {LENGTHS:?};", LENGTHS.len())?;
    writeln!(out, "/// AR(1) coefficients, one column each.")?;
    writeln!(out, "pub(super) const PHIS: [f64; {}] = {PHIS:?};", PHIS.len())?;
    writeln!(
        out,
        "/// By seasonal cycle: height in standard deviations and observations until the alarm; (0, 0) for none."
    )?;
    writeln!(out, "pub(super) const TABLE: [(usize, Rows); 3] = [")?;
    for (cycle, cadence) in [(1, Calendar::Annual), (4, Calendar::Quarterly), (12, Calendar::Monthly)] {
        writeln!(out, "    (\n        {cycle},\n        [")?;
        for n in LENGTHS {
            let cell = |phi: &f64| {
                simulate_limit(n, *phi, cadence, REPS, SEED)
                    .map_or((0, 0), |limit| (limit.sigmas, limit.observations))
            };
            let cells: Vec<(u8, u8)> = PHIS.iter().map(cell).collect();
            writeln!(out, "            {cells:?},")?;
        }
        writeln!(out, "        ],\n    ),")?;
    }
    writeln!(out, "];")
}
