//! The Numenta Anomaly Benchmark, read in place.

mod score;

use std::collections::BTreeMap;
use std::io::{Error, Result, Write};
use std::path::{Path, PathBuf};

use bellwether_detect::{Detector, Regime, RegimeConfig, Resolution};
use score::{Cost, Window};
use serde::Deserialize;

/// Configurations that were scored on this benchmark before the default was fixed.
const TRIED: usize = 248;
const PROFILES: [&str; 3] = ["standard", "reward_low_FP_rate", "reward_low_FN_rate"];

#[derive(Deserialize)]
struct Profile {
    #[serde(rename = "CostMatrix")]
    cost: Cost,
}

struct Labelled {
    values: Vec<f64>,
    windows: Vec<Window>,
}

/// Beside the workspace, or where `BELLWETHER_SHARED` says.
fn folder() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    std::env::var_os("BELLWETHER_SHARED").map_or_else(beside, PathBuf::from).join("bench/nab")
}

fn json<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T> {
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}

fn series(path: &Path, limits: &[[String; 2]]) -> Result<Labelled> {
    let text = std::fs::read_to_string(path)?;
    let bad = || Error::other(format!("{}: not `timestamp,value` or a label without a row", path.display()));
    let rows: Option<Vec<(&str, f64)>> = text
        .lines()
        .skip(1)
        .map(|line| line.split_once(',').and_then(|(time, value)| Some((time, value.trim().parse().ok()?))))
        .collect();
    let rows = rows.ok_or_else(bad)?;
    let row = |time: &String| {
        let time = time.split_once('.').map_or(time.as_str(), |(whole, _)| whole);
        rows.iter().position(|(t, _)| *t == time)
    };
    let windows: Option<Vec<Window>> = limits.iter().map(|[from, to]| Some((row(from)?, row(to)?))).collect();
    Ok(Labelled { windows: windows.ok_or_else(bad)?, values: rows.iter().map(|(_, v)| *v).collect() })
}

/// Alarm rows of one file, each with its statistic.
type Alarms = Vec<(usize, f64)>;
type Watch = fn(&Labelled) -> Alarms;

fn scan(config: RegimeConfig, file: &Labelled) -> Alarms {
    Regime::new(config).scan(&file.values).iter().map(|a| (a.alarm_index, a.statistic)).collect()
}

/// Probation and refractory follow the length of the file, which the benchmark tells a detector.
fn told(config: RegimeConfig, file: &Labelled) -> Alarms {
    let probation = score::probation(file.values.len());
    scan(RegimeConfig { probation, refractory: probation / 5, ..config }, file)
}

fn alone(window: usize, bins: usize) -> RegimeConfig {
    RegimeConfig { resolutions: [Resolution { window, bins }; 2], ..RegimeConfig::default() }
}

fn row(out: &mut impl Write, name: &str, scores: &[Option<f64>], note: &str) -> Result<()> {
    write!(out, "{name:<46}")?;
    for score in scores {
        match score {
            Some(score) => write!(out, " {score:>8.1}")?,
            None => write!(out, " {:>8}", "-")?,
        }
    }
    writeln!(out, "  {note}")
}

/// Normalised score of all files, with the alarms whose statistic is at least `least`.
fn corpus(files: &[Labelled], alarms: &[Alarms], least: f64, cost: Cost) -> f64 {
    let each = files.iter().zip(alarms).map(|(file, alarms)| {
        let strong: Vec<usize> = alarms.iter().filter(|a| a.1 >= least).map(|a| a.0).collect();
        score::points(file.values.len(), &file.windows, &strong, cost)
    });
    let (points, windows) = each.fold((0.0, 0), |(p, w), (points, windows)| (p + points, w + windows));
    score::normalised(points, windows, cost)
}

/// The same with the least statistic that scores best.
fn best(files: &[Labelled], alarms: &[Alarms], cost: Cost) -> f64 {
    let levels = alarms.iter().flatten().map(|a| a.1);
    levels.map(|least| corpus(files, alarms, least, cost)).fold(0.0, f64::max)
}

/// Prints the table; there is no shorter one.
pub(crate) fn run(out: &mut impl Write, _short: bool) -> Result<()> {
    let folder = folder();
    writeln!(out, "\nNumenta Anomaly Benchmark, official scoring")?;
    if !folder.is_dir() {
        return writeln!(out, "not run: its data is not at {}", folder.display());
    }
    let labels: BTreeMap<String, Vec<[String; 2]>> = json(&folder.join("labels/combined_windows.json"))?;
    let profiles: BTreeMap<String, Profile> = json(&folder.join("config/profiles.json"))?;
    let published: BTreeMap<String, BTreeMap<String, f64>> =
        json(&folder.join("results/final_results.json"))?;
    let files: Result<Vec<Labelled>> =
        labels.iter().map(|(name, limits)| series(&folder.join("data").join(name), limits)).collect();
    let files = files?;
    let windows: usize = files.iter().map(|f| f.windows.len()).sum();
    writeln!(
        out,
        "{} files, {windows} windows; one fixed configuration, about {TRIED} were tried on this data before",
        files.len()
    )?;
    writeln!(out, "{:<46} {:>8} {:>8} {:>8}", "detector", "standard", "low FP", "low FN")?;
    let ours: [(&str, Watch); 6] = [
        ("ZERO (never alarms)", |_| Vec::new()),
        ("the labels themselves", |f| f.windows.iter().map(|w| (w.0, 1.0)).collect()),
        ("regime (must 57/48, stretch 70/67)", |f| told(RegimeConfig::default(), f)),
        ("  window 39, 3 bins alone", |f| told(alone(39, 3), f)),
        ("  window 26, 5 bins alone", |f| told(alone(26, 5), f)),
        ("  probation 750, refractory 150 in every file", |f| scan(RegimeConfig::default(), f)),
    ];
    for (name, detector) in ours {
        let alarms: Vec<Alarms> = files.iter().map(detector).collect();
        let scores = PROFILES.map(|profile| Some(corpus(&files, &alarms, 0.0, profiles.get(profile)?.cost)));
        let per_file = alarms.iter().map(Vec::len).sum::<usize>() as f64 / files.len() as f64;
        row(out, name, &scores, &format!("{per_file:.1} alarms a file"))?;
    }
    let alarms: Vec<Alarms> = files.iter().map(|f| told(RegimeConfig::default(), f)).collect();
    let scores = PROFILES.map(|profile| Some(best(&files, &alarms, profiles.get(profile)?.cost)));
    row(
        out,
        "  threshold chosen per profile on these data",
        &scores,
        "as the published rows are, not a claim",
    )?;
    for (name, note) in [
        ("ARTime", ""),
        ("contextOSE", "CAD OSE"),
        ("relativeEntropy", "bins from the whole file, threshold optimised"),
        ("windowedGaussian", ""),
        ("skyline", ""),
        ("random", ""),
    ] {
        let scores = PROFILES.map(|profile| published.get(name)?.get(profile).copied());
        row(out, &format!("published: {name}"), &scores, note)?;
    }
    Ok(())
}
