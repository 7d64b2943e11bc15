//! Do the scenario probabilities keep their promises? `cargo run --release -p bellwether-projection --example
//! bench_calibration [-- --short]`.
//!
//! Worlds are drawn from the bundled framework's own model with a seed: scenarios that follow one another by its
//! transition, a report of a group now and then, graded, right as often as the grade says, echoed by its publisher through
//! other signals of the group and by its event through those of others; now and then a second publisher reports of the
//! group, of another event or, as often as the framework says that reports repeat each other, of the same. Readers see who
//! published what and which event was named, not which second report only repeats. Each reader sees the same reports and
//! is scored on the scenario that was so. Beside ours: the reader who knows the world's numbers and which reports repeat
//! others, and two that do without: the prior alone, and one plain step of Bayes on the states in sight.

#![expect(clippy::indexing_slicing, reason = "a benchmark over tables that it made itself")]

mod readers;
mod score;
mod world;

use std::io::Write;

use readers::{Reader, bundled};
use score::{Score, coverage};
use world::{World, jitter, odd};

/// Share of quarters in which a year looks too strange, of those whose world the model describes.
const FALSE_MISFITS: f64 = 0.02;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let short = std::env::args().skip(1).any(|arg| arg == "--short");
    let worlds: u64 = if short { 300 } else { 3000 };
    let mut out = std::io::stdout().lock();
    let model = bundled()?;
    writeln!(out, "Scenario probabilities on {worlds} simulated worlds of ten years\n")?;
    writeln!(
        out,
        "{:<34}{:>9}{:>9}{:>9}{:>12}",
        "drawn from the framework's numbers", "ECE", "Brier", "log", "× truth"
    )?;
    let drawn: Vec<World> = (0..worlds).map(|seed| World::draw(seed, &model, &model)).collect();
    let readers = [Reader::Ours, Reader::Truth, Reader::Plain, Reader::Prior];
    let scores: Vec<Score> = readers.iter().map(|r| Score::of(*r, &model, &model, &drawn)).collect();
    let truth = scores[1].brier();
    for (reader, score) in readers.iter().zip(&scores) {
        let (ece, brier, log) = (score.ece(), score.brier(), score.log());
        writeln!(out, "{:<34}{ece:>9.4}{brier:>9.4}{log:>9.4}{:>12.3}", reader.name(), brier / truth)?;
    }
    let inside = coverage(&model, &drawn);
    let ours = &scores[0];

    // The framework's authors are wrong by a fifth here and there.
    let wrong: Vec<(World, _)> = (0..worlds)
        .map(|seed| {
            let real = jitter(seed, &model, 0.2);
            (World::draw(seed ^ 0x5eed, &real, &model), real)
        })
        .collect();
    writeln!(
        out,
        "\n{:<34}{:>9}{:>9}{:>9}{:>12}",
        "each number misjudged by about 20 %", "ECE", "Brier", "log", "× truth"
    )?;
    let mut misjudged =
        [Reader::Ours, Reader::Truth, Reader::Plain, Reader::Prior].map(|r| (r, Score::default()));
    for (world, real) in &wrong {
        for (reader, score) in &mut misjudged {
            score.add(*reader, &model, real, world);
        }
    }
    let knows = misjudged[1].1.brier();
    for (reader, score) in &misjudged {
        let (ece, brier, log) = (score.ece(), score.brier(), score.log());
        writeln!(out, "{:<34}{ece:>9.4}{brier:>9.4}{log:>9.4}{:>12.3}", reader.name(), brier / knows)?;
    }

    let strange: Vec<World> = (0..worlds).map(|seed| World::draw(seed, &odd(&model), &model)).collect();
    let (false_alarms, median) = score::misfits(&model, &drawn);
    let (found, strange_median) = score::misfits(&model, &strange);

    writeln!(out, "\n{:<52}{:>10}{:>12}{:>8}", "", "limit", "ours", "")?;
    let mut missed = 0;
    let mut line = |what: &str, must: &str, ours: f64, kept: bool| -> std::io::Result<()> {
        missed += usize::from(!kept);
        writeln!(out, "{what:<52}{must:>10}{ours:>12.4}{:>8}", if kept { "kept" } else { "MISSED" })
    };
    line("expected calibration error", "≤ .02", ours.ece(), ours.ece() <= 0.02)?;
    line(
        "Brier against the filter that knows",
        "≤ 1.05",
        ours.brier() / truth,
        ours.brier() / truth <= 1.05,
    )?;
    line(
        "90 % intervals cover",
        ".88–.92",
        inside,
        (0.88..=0.92).contains(&inside) || short && (0.85..=0.95).contains(&inside),
    )?;
    line("misfits flagged, worlds of the framework", "≤ .02", false_alarms, false_alarms <= FALSE_MISFITS)?;
    line("misfits flagged, worlds that none describes", "≥ .50", found, found >= 0.5)?;
    writeln!(
        out,
        "median fit {median:.3} in worlds of the framework, {strange_median:.4} in worlds that none describes"
    )?;
    if missed > 0 {
        return Err(format!("{missed} limits were missed").into());
    }
    Ok(())
}
