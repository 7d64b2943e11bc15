//! `detect`: the detectors of the product on any series, without a store.

mod readers;
mod series;

use std::io::BufRead;

use bellwether_detect::gls::Mode;
use bellwether_detect::{ChangeKind, Direction};
use clap::{Args, ValueEnum};
use serde::Serialize;

use self::readers::{Name, Reader};
use self::series::{Line, Lines};
use crate::app::App;
use crate::args::Format;
use crate::failure::Failure;
use crate::render::{Align, Cell, Fit, Page, Style, Table, counted};

const EXAMPLES: &str = "\
Examples:
  bellwether detect trade.csv       time,value with a header, or a value a line
  bellwether detect --mode alert --format json -
  tail -f feed.csv | bellwether detect --format ndjson   each alarm as it comes

The time column says the calendar: YYYY annual; YYYY-MM monthly or quarterly,
by the first step; YYYY-MM-DD dated; none counts observations. Detectors:
gls-scan (level and trend of statistical series), focus (level of fast feeds),
rate (whole counts), regime (novel patterns of dense feeds), robust-step.
Indices count from 0. The alarms of a prefix are the alarms so far.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DetectArgs {
    /// CSV with the columns time,value, or one value a line; - for standard input
    #[arg(default_value = "-")]
    file: String,
    /// What the alarms are for: every find, only fresh ones, or a lower threshold for a screen
    #[arg(long, value_enum, default_value_t = ModeName::Record)]
    mode: ModeName,
    /// Detectors, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', default_value = "gls-scan")]
    detectors: Vec<Name>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ModeName {
    Record,
    Alert,
    Screening,
}

impl From<ModeName> for Mode {
    fn from(name: ModeName) -> Self {
        match name {
            ModeName::Record => Mode::Record,
            ModeName::Alert => Mode::Alert,
            ModeName::Screening => Mode::Screening,
        }
    }
}

/// One alarm as scripts read it.
#[derive(Clone, Debug, Serialize)]
struct Row {
    detector: &'static str,
    kind: ChangeKind,
    alarm_index: usize,
    onset_index: usize,
    direction: Direction,
    size: f64,
    statistic: f64,
    threshold: f64,
    sigmas: f64,
    onset_low: usize,
    onset_high: usize,
    alarm_at: Option<String>,
    onset_at: Option<String>,
    late: bool,
}

#[derive(Debug, Serialize)]
struct Answer<'a> {
    n: usize,
    alarms: &'a [Row],
    refused: Option<String>,
}

/// Reads a series and tells its alarms.
pub(crate) fn run(app: &mut App, args: &DetectArgs) -> Result<(), Failure> {
    let input: Box<dyn BufRead> = if args.file == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        let file = std::fs::File::open(&args.file).map_err(|e| Failure::source(&args.file, &e))?;
        Box::new(std::io::BufReader::new(file))
    };
    let name = if args.file == "-" { "standard input" } else { &args.file };
    let mut lines = Lines::new(name, input);
    // The calendar shows in the first two times; until then the values wait.
    let mut waiting: Vec<Line> = Vec::new();
    while waiting.len() < 2
        && let Some(line) = lines.next().transpose()?
    {
        waiting.push(line);
    }
    let calendar = series::calendar(&waiting);
    let mut readers: Vec<Reader> =
        args.detectors.iter().map(|d| Reader::new(*d, args.mode.into(), calendar)).collect();
    let (mut times, mut rows): (Vec<Option<String>>, Vec<Row>) = (Vec::new(), Vec::new());
    let live = app.out.format() == Format::Ndjson;
    let mut rest = waiting.into_iter().map(Ok).chain(lines);
    while let Some(line) = rest.next().transpose()? {
        let value = line.value;
        times.push(line.time);
        for reader in &mut readers {
            let Some(found) = reader.push(value) else { continue };
            let row = row(reader.name(), &found, &times);
            if live {
                app.out.line(&row)?;
                app.out.finish()?;
            }
            rows.push(row);
        }
    }
    let refused: Vec<String> = readers.iter().filter_map(Reader::refusal).collect();
    let refused = if refused.is_empty() { None } else { Some(refused.join("; ")) };
    tell(app, &Answer { n: times.len(), alarms: &rows, refused })
}

fn row(detector: &'static str, found: &readers::Found, times: &[Option<String>]) -> Row {
    let alarm = &found.alarm;
    let time = |at: usize| times.get(at).cloned().flatten();
    Row {
        detector,
        kind: alarm.kind,
        alarm_index: alarm.alarm_index,
        onset_index: alarm.onset_index,
        direction: alarm.direction,
        size: alarm.size,
        statistic: alarm.statistic,
        threshold: alarm.threshold,
        sigmas: alarm.sigmas,
        onset_low: found.onset_low,
        onset_high: found.onset_high,
        alarm_at: time(alarm.alarm_index),
        onset_at: time(alarm.onset_index),
        late: found.late,
    }
}

const FIELDS: [&str; 9] = [
    "detector",
    "kind",
    "alarm_index",
    "onset_index",
    "direction",
    "size",
    "statistic",
    "threshold",
    "sigmas",
];

fn tell(app: &mut App, answer: &Answer<'_>) -> Result<(), Failure> {
    match app.out.format() {
        Format::Json => app.out.json(answer),
        // Each alarm has been told when it happened.
        Format::Ndjson => {
            if let Some(why) = &answer.refused {
                crate::out::note(&format!("refused: {why}"));
            }
            app.out.finish()
        }
        Format::Csv => app.out.csv(answer.alarms, &FIELDS),
        Format::Table => app.out.page(answer, |look| {
            let mut page = Page::new(look);
            let what = if answer.alarms.is_empty() { "no alarm" } else { "alarms" };
            page.heading(&counted(answer.n, "observation", "observations"), what);
            page.table(&table(answer.alarms));
            if let Some(why) = &answer.refused {
                page.paragraph(&format!("Refused: {why}."), Style::Warn);
            }
            page.finish()
        }),
    }
}

fn table(rows: &[Row]) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new(&[
        ("alarm", Left, Fit::Keep),
        ("onset", Left, Fit::Keep),
        ("between", Left, Fit::Keep),
        ("change", Left, Fit::Keep),
        ("size", Right, Fit::Keep),
        ("σ", Right, Fit::Keep),
        ("statistic", Right, Fit::Keep),
        ("threshold", Right, Fit::Keep),
        ("detector", Left, Fit::Keep),
    ]);
    for row in rows {
        let at = |time: &Option<String>, index: usize| time.clone().unwrap_or_else(|| index.to_string());
        let way = if row.direction == Direction::Up { "▲" } else { "▼" };
        let kind = format!("{:?}", row.kind).to_lowercase();
        table.row([
            at(&row.alarm_at, row.alarm_index).into(),
            at(&row.onset_at, row.onset_index).into(),
            format!("{}–{}", row.onset_low, row.onset_high).into(),
            Cell::new(format!("{way} {kind}{}", if row.late { ", found late" } else { "" }), Style::Bold),
            format!("{:.4}", row.size).into(),
            format!("{:+.1}", row.sigmas).into(),
            format!("{:.1}", row.statistic).into(),
            format!("{:.1}", row.threshold).into(),
            row.detector.into(),
        ]);
    }
    table
}
