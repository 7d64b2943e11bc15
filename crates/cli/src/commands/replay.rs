//! `replay`.

use std::path::PathBuf;

use bellwether_projection::Comparison;
use clap::Args;
use serde_json::{Value, json};

use crate::app::App;
use crate::args::{Format, Knowing, ViewArgs};
use crate::failure::Failure;
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
      the same facts read another way
  bellwether replay --framework other.toml --against china-russia
      two readings side by side: what the other one changes
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
    /// Show what --framework reads otherwise than this one: a file, or the id of one in the configuration
    #[arg(long, value_name = "FILE|ID", requires = "framework", conflicts_with = "hindsight")]
    against: Option<PathBuf>,
    /// With --against: show every difference in the table
    #[arg(long, requires = "against")]
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
    let reading = app.reading(&args.view.knowing)?;
    let view = app.view(&args.view);
    let assessment =
        if args.hindsight { reading.assess_with_hindsight(&view)? } else { reading.assess(&view)? };
    if let Some(base) = &args.against {
        let knowing = Knowing { framework: Some(base.clone()), ..args.view.knowing.clone() };
        // A store is read by one at a time.
        drop(reading);
        let comparison = Comparison::new(&app.reading(&knowing)?.assess(&view)?, &assessment);
        if app.out.format() == Format::Csv {
            return app.out.csv(&comparison.changed, &["id", "path", "base", "other"]);
        }
        return app.out.page(&comparison, |look| render::comparison(&comparison, args.all, look));
    }
    if app.out.format() == Format::Csv {
        return app.out.csv(&rows(&serde_json::to_value(&assessment)?), &FIELDS);
    }
    // Only the table shows gaps.
    let gaps = if app.out.format() == Format::Table { reading.gaps(&view)? } else { Vec::new() };
    app.out.page(&assessment, |look| render::assessment(&assessment, &reading.framework, &gaps, look))
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
