//! The Turing change point data: 25 series marked by five people each. Read in place, never copied.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use bellwether_detect::gls::{Calendar, GlsAlarm, GlsConfig, GlsScan, Mode};
use serde::Deserialize;
use serde_json::Value;

use crate::noise::Noise;
use crate::peers;
use crate::score::Score;

/// Configurations scored on these data before the present one was fixed.
const PROTOTYPE_CONFIGURATIONS: usize = 2080;
/// Configurations scored since: materiality by the variance about a line (not taken), large steps on a trend exempt
/// from materiality at 6 (not taken) and at 10 standard deviations (taken: no score here changes by it); the guard
/// against unnamed cycles on every series (not taken), on those whose season was not taken off (not taken), and the
/// latter with no objection in young segments (taken). The last was decided on simulated runs of steps, but a look at
/// two series here had raised the question.
const OUR_CONFIGURATIONS: usize = 6;

const SUBSET: [&str; 25] = [
    "bank",
    "brent_spot",
    "businv",
    "centralia",
    "children_per_woman",
    "co2_canada",
    "construction",
    "debt_ireland",
    "gdp_argentina",
    "gdp_croatia",
    "gdp_iran",
    "gdp_japan",
    "global_co2",
    "homeruns",
    "jfk_passengers",
    "lga_passengers",
    "nile",
    "ozone",
    "rail_lines",
    "seatbelts",
    "shanghai_license",
    "unemployment_nl",
    "us_population",
    "usd_isk",
    "well_log",
];

pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) values: Vec<f64>,
    pub(crate) calendar: Calendar,
    pub(crate) annotators: Vec<Vec<usize>>,
}

#[derive(Deserialize)]
struct File {
    name: String,
    time: Time,
    series: Vec<Raw>,
}

#[derive(Deserialize)]
struct Time {
    format: Option<String>,
    raw: Option<Value>,
}

#[derive(Deserialize)]
struct Raw {
    raw: Vec<f64>,
}

/// Where data outside the project lie: `BELLWETHER_SHARED`, else `shared` beside the workspace.
pub(crate) fn shared() -> PathBuf {
    std::env::var_os("BELLWETHER_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")), PathBuf::from)
}

impl Time {
    fn calendar(&self) -> Calendar {
        match self.format.as_deref() {
            None => Calendar::None,
            Some("%Y") => Calendar::Annual,
            Some("%Y-%m") => match self.month_spacing() {
                Some(1) => Calendar::Monthly,
                Some(3) => Calendar::Quarterly,
                _ => Calendar::Dated,
            },
            Some(_) => Calendar::Dated,
        }
    }

    fn month_spacing(&self) -> Option<i64> {
        let months: Vec<i64> = self
            .raw
            .as_ref()?
            .as_array()?
            .iter()
            .filter_map(|v| v.as_str()?.split_once('-'))
            .filter_map(|(y, m)| Some(y.parse::<i64>().ok()? * 12 + m.parse::<i64>().ok()?))
            .collect();
        let mut steps: Vec<i64> = months.iter().zip(months.iter().skip(1)).map(|(a, b)| b - a).collect();
        steps.sort_unstable();
        steps.get(steps.len() / 2).copied()
    }
}

type Marks = BTreeMap<String, BTreeMap<String, Vec<usize>>>;

fn load(folder: &Path, name: &str, marks: &Marks) -> Result<Series, Box<dyn std::error::Error>> {
    let file: File = serde_json::from_slice(&std::fs::read(folder.join(format!("{name}.json")))?)?;
    let calendar = file.time.calendar();
    let values = file.series.into_iter().next().map(|s| s.raw).unwrap_or_default();
    let annotators = marks.get(name).map(|m| m.values().cloned().collect()).unwrap_or_default();
    Ok(Series { name: file.name, values, calendar, annotators })
}

impl Series {
    fn found(&self, mode: Mode) -> Vec<GlsAlarm> {
        GlsScan::new(GlsConfig::new(mode, self.calendar)).extend(&self.values)
    }

    pub(crate) fn score(&self, found: &[usize]) -> Score {
        Score::of(found, &self.annotators, self.values.len())
    }

    /// One annotator against the others, averaged.
    fn human(&self) -> Score {
        let one = |i: usize| {
            let others = self.annotators.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, a)| a.clone());
            let others: Vec<_> = others.collect();
            let own = self.annotators.get(i).map(Vec::as_slice).unwrap_or_default();
            Score::of(own, &others, self.values.len())
        };
        Score::mean(&(0..self.annotators.len()).map(one).collect::<Vec<_>>())
    }
}

fn onsets(found: &[GlsAlarm]) -> Vec<usize> {
    found.iter().map(|f| f.alarm.onset_index).collect()
}

fn alarms(found: &[GlsAlarm]) -> Vec<usize> {
    found.iter().map(|f| f.alarm.alarm_index).collect()
}

/// 90 % bootstrap interval of the mean over series.
fn bootstrap(values: &[f64]) -> (f64, f64) {
    let mut noise = Noise::new(3);
    let n = values.len();
    let mut means: Vec<f64> = (0..2000)
        .map(|_| {
            let pick = |_| values.get((noise.uniform() * n as f64) as usize).copied().unwrap_or(0.0);
            (0..n).map(pick).sum::<f64>() / n as f64
        })
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    let at = |i: usize| means.get(i).copied().unwrap_or(0.0);
    (at(100), at(1899))
}

pub(crate) fn row(out: &mut impl Write, name: &str, scores: &[Score], goals: &str) -> std::io::Result<()> {
    let mean = Score::mean(scores);
    let f1 = bootstrap(&scores.iter().map(|s| s.f1).collect::<Vec<_>>());
    let cover = bootstrap(&scores.iter().map(|s| s.cover).collect::<Vec<_>>());
    let (f1, cover) = (format!("{:.2}-{:.2}", f1.0, f1.1), format!("{:.2}-{:.2}", cover.0, cover.1));
    writeln!(out, "{name:<34} {:>5.3} {f1:>10} {:>7.3} {cover:>10}   {goals}", mean.f1, mean.cover)
}

/// Prints the tables.
pub(crate) fn run(out: &mut impl Write, short: bool) -> Result<(), Box<dyn std::error::Error>> {
    writeln!(out, "\nTuring change point data, subset25 (univariate, complete, no quality_control)")?;
    let folder = shared().join("bench/tcpd");
    let Ok(text) = std::fs::read(folder.join("annotations.json")) else {
        writeln!(out, "ABSENT: no data at {} (BELLWETHER_SHARED names another folder)", folder.display())?;
        return Ok(());
    };
    let marks: Marks = serde_json::from_slice(&text)?;
    let set = SUBSET.iter().map(|name| load(&folder, name, &marks)).collect::<Result<Vec<_>, _>>()?;
    headline(out, &set, &folder)?;
    peers::run(out, &set)?;
    silent(out, &folder, &marks)?;
    causality(out, &set)?;
    if !short {
        per_series(out, &set)?;
    }
    Ok(())
}

fn headline(out: &mut impl Write, set: &[Series], folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    writeln!(
        out,
        "{:<34} {:>5} {:>10} {:>7} {:>10}   must / stretch; 90 % intervals are a bootstrap over the series",
        "", "F1", "90 %", "cover", "90 %"
    )?;
    let each = |f: &dyn Fn(&Series) -> Score| set.iter().map(f).collect::<Vec<_>>();
    row(out, "ZERO (never alarms)", &each(&|s| s.score(&[])), "")?;
    row(out, "HUMAN (one against the others)", &each(&Series::human), "")?;
    published(out, folder)?;
    let record: Vec<_> = set.iter().map(|s| s.found(Mode::Record)).collect();
    let scored = |f: &dyn Fn(&[GlsAlarm]) -> Vec<usize>, found: &[Vec<GlsAlarm>]| {
        set.iter().zip(found).map(|(s, found)| s.score(&f(found))).collect::<Vec<_>>()
    };
    row(out, "record, located onset", &scored(&onsets, &record), ".75/.67, .80/.70")?;
    row(out, "record, at alarm time", &scored(&alarms, &record), ".69/.63, .72/.66")?;
    let alert: Vec<_> = set.iter().map(|s| s.found(Mode::Alert)).collect();
    row(out, "alert, located onset", &scored(&onsets, &alert), "")?;
    row(out, "alert, at alarm time", &scored(&alarms, &alert), ".73/.66, .78/.69")?;
    let screening: Vec<_> = set.iter().map(|s| s.found(Mode::Screening)).collect();
    row(out, "screening, located onset", &scored(&onsets, &screening), "")?;
    row(out, "screening, at alarm time", &scored(&alarms, &screening), "")?;
    writeln!(
        out,
        "one configuration for all series; configurations scored on these data: {PROTOTYPE_CONFIGURATIONS} by the \
         prototype, {OUR_CONFIGURATIONS} since"
    )?;
    Ok(())
}

/// Published scores of offline methods with their defaults: they see the whole series.
fn published(out: &mut impl Write, folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let Ok(text) = std::fs::read(folder.join("published_scores.json")) else { return Ok(()) };
    let file: Value = serde_json::from_slice(&text)?;
    for method in ["binseg", "pelt", "bocpd"] {
        let get = |name: &&str, what: &str| {
            file.pointer(&format!("/subset25/{name}/default_{what}_{method}"))?.as_f64()
        };
        let score = |name| Some(Score { f1: get(name, "f1")?, cover: get(name, "cover")? });
        let scores: Vec<Score> = SUBSET.iter().filter_map(score).collect();
        let goals = format!("published, offline, defaults; {} series", scores.len());
        row(out, &method.to_uppercase(), &scores, &goals)?;
    }
    Ok(())
}

fn silent(out: &mut impl Write, folder: &Path, marks: &Marks) -> Result<(), Box<dyn std::error::Error>> {
    write!(out, "alarms where nobody marked a change:")?;
    for name in ["bank", "quality_control_5"] {
        let series = load(folder, name, marks)?;
        write!(out, " {name} {} (must 0)", series.found(Mode::Record).len())?;
    }
    writeln!(out)?;
    Ok(())
}

/// Alarms of a prefix, in another unit, against the alarms so far.
fn causality(out: &mut impl Write, set: &[Series]) -> std::io::Result<()> {
    let (mut equal, mut all) = (0, 0);
    for series in set {
        let whole = series.found(Mode::Record);
        let n = series.values.len();
        let ends = whole.iter().map(|f| f.alarm.alarm_index + 1);
        let cuts: Vec<usize> = [n / 4, n / 3, n / 2, 2 * n / 3, 3 * n / 4].into_iter().chain(ends).collect();
        for cut in cuts {
            let prefix: Vec<f64> = series.values.iter().take(cut).map(|v| v * 3.7).collect();
            let again = GlsScan::new(GlsConfig::new(Mode::Record, series.calendar)).extend(&prefix);
            let so_far = whole.iter().filter(|f| f.alarm.alarm_index < cut);
            let place = |f: &GlsAlarm| (f.alarm.alarm_index, f.alarm.onset_index);
            equal += usize::from(so_far.map(place).eq(again.iter().map(place)));
            all += 1;
        }
    }
    writeln!(out, "causality: {equal} of {all} truncations, rescaled by 3.7, give the alarms so far")
}

fn per_series(out: &mut impl Write, set: &[Series]) -> std::io::Result<()> {
    writeln!(
        out,
        "\n{:<20} {:>4}  {:<11} {:<11} {:<11} {:<11} (onset, alarm)",
        "F1/cover", "n", "located", "at alarm", "ZERO", "HUMAN"
    )?;
    for series in set {
        let found = series.found(Mode::Record);
        let show = |s: Score| format!("{:.2}/{:.2}", s.f1, s.cover);
        let places: Vec<_> = onsets(&found).into_iter().zip(alarms(&found)).collect();
        writeln!(
            out,
            "{:<20} {:>4}  {:<11} {:<11} {:<11} {:<11} {places:?}",
            series.name,
            series.values.len(),
            show(series.score(&onsets(&found))),
            show(series.score(&alarms(&found))),
            show(series.score(&[])),
            show(series.human()),
        )?;
    }
    Ok(())
}
