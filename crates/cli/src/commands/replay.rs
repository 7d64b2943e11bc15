//! `replay`.

use std::path::{Path, PathBuf};

use bellwether_projection::{Assessment, Comparison};
use clap::Args;
use serde_json::{Value, json};

use crate::app::{App, is_file_name};
use crate::args::{Format, Knowing, ViewArgs};
use crate::failure::Failure;
use crate::reading::Reading;
use crate::{out, render};

const EXAMPLES: &str = "\
Examples:
  bellwether replay
      what is known now
  bellwether replay --as-of 2022-06-30
      what could be known on that day: no hindsight
  bellwether replay --as-of 2022-06-30 --known-by now
      that day as it is known today
  bellwether replay --clock recorded --known-by 2026-01-31
      what this store held by then
  bellwether replay --framework other.toml
      the same facts read another way, side by side with the configuration's
  bellwether replay --framework other.toml --against third.toml
      or with another one; --format json: the assessment by other.toml itself
  bellwether replay --hindsight
      and how the scenarios of each past quarter look from today";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    view: ViewArgs,
    /// Add the scenario probabilities of every quarter as seen from the end, with hindsight: not what could be known then
    #[arg(long)]
    hindsight: bool,
    /// Compare the reading by --framework with the one by this: a file, or the id of one in the configuration. The table of a --framework FILE is compared without it: with the configuration's framework of that id, else its first
    #[arg(long, value_name = "FILE|ID", requires = "framework", conflicts_with = "hindsight")]
    against: Option<PathBuf>,
    /// Of two readings: show every difference in the table
    #[arg(long, requires = "framework")]
    all: bool,
}

/// Rows of an assessment that have one number, with the field that holds it.
const LISTS: [(&str, &str); 11] = [
    ("domains", "index"),
    ("indicators", "value"),
    ("characters", "level"),
    ("roles", "level"),
    ("drivers", "level"),
    ("frictions", "level"),
    ("implications", "level"),
    ("asymmetries", "value"),
    ("constraints", "value"),
    ("scenarios", "probability"),
    ("measures", "value"),
];

const FIELDS: [&str; 7] = ["list", "id", "number", "low", "high", "direction", "evidence"];

pub(crate) fn run(app: &mut App, args: &ReplayArgs) -> Result<(), Failure> {
    if args.hindsight && app.out.format() == Format::Csv {
        out::note("--hindsight: CSV does not hold the smoothed probabilities, --format json does");
    }
    let mut reading = app.reading(&args.view.knowing)?;
    let view = app.view(&args.view);
    let assessment =
        if args.hindsight { reading.assess_with_hindsight(&view)? } else { reading.assess(&view)? };
    if let Some((base, known)) = base(app, args, &reading)? {
        // A store is read by one at a time.
        drop(reading);
        let read = app.reading(&known)?.assess(&view)?;
        if args.against.is_some() || read.framework.hash != assessment.framework.hash {
            return compare(app, args, (base.as_deref(), &read), &assessment);
        }
        out::note(&format!("that file reads as {} of the configuration does", read.framework.id));
        reading = app.reading(&args.view.knowing)?;
    }
    if app.out.format() == Format::Csv {
        return app.out.csv(&rows(&serde_json::to_value(&assessment)?), &FIELDS);
    }
    // Only the table shows gaps.
    let gaps = if app.out.format() == Format::Table { reading.gaps(&view)? } else { Vec::new() };
    app.out.page(&assessment, |look| render::assessment(&assessment, &reading.framework, &gaps, look))
}

/// What the reading is compared with: what is asked for; for the table of a file, the configuration's own.
fn base(
    app: &App,
    args: &ReplayArgs,
    reading: &Reading,
) -> Result<Option<(Option<PathBuf>, Knowing)>, Failure> {
    let knowing = |framework: Option<PathBuf>| Knowing { framework, ..args.view.knowing.clone() };
    if let Some(base) = &args.against {
        return Ok(Some((Some(base.clone()), knowing(Some(base.clone())))));
    }
    let file = args.view.knowing.framework.as_deref().is_some_and(is_file_name);
    if !file || args.hindsight || app.out.format() != Format::Table {
        return Ok(None);
    }
    // The one of that id where the configuration has it. A daemon elsewhere answers by its first.
    let id = reading.framework.id.as_str();
    let here = app.global.server.is_none() || app.global.config.is_some();
    let twin = here && app.config().frameworks(&app.config().types()?)?.iter().any(|f| f.id == id);
    Ok(Some((None, knowing(twin.then(|| PathBuf::from(id))))))
}

fn compare(
    app: &mut App,
    args: &ReplayArgs,
    (file, base): (Option<&Path>, &Assessment),
    other: &Assessment,
) -> Result<(), Failure> {
    let comparison = Comparison::new(base, other);
    if app.out.format() == Format::Csv {
        return app.out.csv(&comparison.changed, &["id", "path", "base", "other"]);
    }
    let names = names((file, base), (args.view.knowing.framework.as_deref(), other));
    app.out.page(&comparison, |look| render::comparison(&comparison, &names, args.all, look))
}

/// What two readings are called: id and version; where these are equal, the names of the files.
fn names(base: (Option<&Path>, &Assessment), other: (Option<&Path>, &Assessment)) -> [String; 2] {
    let version = |a: &Assessment| format!("{} {}", a.framework.id, a.framework.version);
    let file = |(path, a): (Option<&Path>, &Assessment)| {
        let name = path.filter(|path| is_file_name(path)).and_then(Path::file_name);
        name.map_or_else(|| version(a), |name| name.to_string_lossy().into_owned())
    };
    let hash = |a: &Assessment| a.framework.hash.chars().take(8).collect::<String>();
    let (mut a, mut b) = (version(base.1), version(other.1));
    if a == b {
        (a, b) = (file(base), file(other));
    }
    if a == b {
        (a, b) = (format!("{a} ({})", hash(base.1)), format!("{b} ({})", hash(other.1)));
    }
    [a, b]
}

/// The assessment as one list of rows, for spreadsheets.
fn rows(assessment: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    for (list, number) in LISTS {
        for row in assessment.get(list).and_then(Value::as_array).into_iter().flatten() {
            let of = |name: &str| row.get(name).cloned().unwrap_or(Value::Null);
            let direction = ["trajectory", "trend", "direction"].into_iter().find_map(|name| row.get(name));
            all.push(json!({
                "list": list, "id": of("id"), "number": of(number), "low": of("low"), "high": of("high"),
                "direction": direction, "evidence": of("evidence"),
            }));
        }
    }
    if let Some(balance) = assessment.get("balance").filter(|b| !b.is_null()) {
        let of = |name: &str| balance.get(name).cloned().unwrap_or(Value::Null);
        all.push(json!({
            "list": "balance", "id": of("id"), "number": of("value"), "low": of("low"), "high": of("high"),
        }));
    }
    all
}
