//! `scenarios`.

use bellwether_projection::{Chance, PATHS, Scenarios, USUAL_PATHS};
use clap::Args;
use serde_json::{Value, json};

use crate::app::App;
use crate::args::{Format, ViewArgs};
use crate::failure::Failure;
use crate::render;

const EXAMPLES: &str = "\
Examples:
  bellwether scenarios
  bellwether scenarios --as-of 2022-06-30       that day, without hindsight
  bellwether scenarios --horizon 2030           fans to the end of that year
  bellwether scenarios --sensitivity            which judgements it hangs on

Year ends carry today's probabilities forward by the transition alone. Fans
are simulated with fixed seeds: the same facts give the same figures. What a
fan rests on, and why an indicator has none, is in --format json.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ScenariosArgs {
    /// Last year shown [default: the framework's]
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(i32).range(1900..=2200))]
    horizon: Option<i32>,
    /// Simulated paths behind each fan; a running daemon simulates 20000 at most
    #[arg(long, value_name = "N", default_value_t = USUAL_PATHS, value_parser = paths)]
    paths: usize,
    /// Add how much each judgement of the framework, ±50 %, changes the probabilities, and each weight the balance
    #[arg(long)]
    sensitivity: bool,
    #[command(flatten)]
    view: ViewArgs,
}

fn paths(text: &str) -> Result<usize, String> {
    let (least, most) = (PATHS.start(), PATHS.end());
    text.parse()
        .ok()
        .filter(|n| PATHS.contains(n))
        .ok_or_else(|| format!("not a number from {least} to {most}"))
}

const FIELDS: [&str; 11] =
    ["list", "id", "year", "probability", "p05", "p25", "p50", "p75", "p95", "number", "words"];

pub(crate) fn run(app: &mut App, args: &ScenariosArgs) -> Result<(), Failure> {
    let reading = app.reading(&args.view.knowing)?;
    let view = app.view(&args.view);
    let all = reading.scenarios(&view, args.horizon, args.paths, args.sensitivity)?;
    match app.out.format() {
        Format::Csv => app.out.csv(&rows(&all), &FIELDS),
        Format::Ndjson => {
            rows(&all).iter().try_for_each(|row| app.out.line(row))?;
            app.out.finish()
        }
        Format::Table | Format::Json => {
            app.out.page(&all, |look| render::scenarios(&all, &reading.framework, look))
        }
    }
}

/// Everything as one list of rows, for spreadsheets and streams.
fn rows(all: &Scenarios) -> Vec<Value> {
    let mut out = Vec::new();
    for s in &all.scenarios {
        let row = json!({ "list": "scenarios", "id": s.id, "probability": s.probability, "words": s.words });
        out.push(row);
    }
    for year in &all.year_ends {
        out.extend(year.scenarios.iter().map(|s| {
            json!({ "list": "year_ends", "id": s.id, "year": year.year, "probability": s.probability,
                "words": s.words })
        }));
    }
    for s in &all.signposts {
        out.push(json!({ "list": "signposts", "id": s.scenario, "probability": s.probability,
                "words": render::signpost(s) }));
    }
    for d in &all.diagnosticity {
        let words = format!("{} takes {} to {:.3}", d.most.state, d.most.scenario, d.most.after);
        out.push(json!({ "list": "diagnosticity", "id": d.indicator, "number": d.bits, "words": words }));
    }
    if let Some(balance) = &all.balance {
        let turning = balance.turning().join("; ");
        out.push(json!({ "list": "balance", "id": balance.id, "number": balance.value, "words": turning }));
        out.extend(balance.under.iter().map(|u| {
            json!({ "list": "balance_under", "id": u.id, "number": u.value, "words": "figures as they stand" })
        }));
        out.extend(all.balance_ahead.iter().map(|y| {
            json!({ "list": "balance_ahead", "id": balance.id, "year": y.year, "number": y.value,
                "words": "figures as they stand" })
        }));
    }
    for bound in &all.bounds {
        if let Some(reason) = &bound.reason {
            out.push(json!({ "list": "bounds", "id": bound.id, "words": reason }));
        }
        for y in bound.year_ends.iter().flatten() {
            let row = |id: String, at: &Option<Chance>, ever: &Option<Chance>| {
                json!({ "list": "bounds", "id": id, "year": y.year,
                    "probability": ever.as_ref().map(|c| c.probability),
                    "number": at.as_ref().map(|c| c.probability), "words": ever.as_ref().and_then(|c| c.words.as_ref()) })
            };
            out.push(row(bound.id.clone(), &Some(y.at.clone()), &Some(y.ever.clone())));
            out.extend(y.given.iter().map(|g| row(format!("{} given {}", bound.id, g.id), &g.at, &g.ever)));
        }
    }
    for fan in &all.fans {
        out.extend(fan.year_ends.iter().map(|y| {
            json!({ "list": "fans", "id": fan.id, "year": y.year, "p05": y.p05, "p25": y.p25, "p50": y.p50,
                "p75": y.p75, "p95": y.p95, "words": fan.model.family })
        }));
    }
    out.extend(all.refused.iter().map(|r| json!({ "list": "refused", "id": r.id, "words": r.reason })));
    for row in all.sensitivity.iter().flat_map(|s| &s.judgements) {
        let words = format!("{}: {:.3} to {:.3}", row.scenario, row.low, row.high);
        out.push(
            json!({ "list": "sensitivity", "id": format!("{} {}", row.kind, row.of), "number": row.change,
            "words": words }),
        );
    }
    for row in all.sensitivity.iter().flat_map(|s| &s.weights) {
        let end = |v: Option<f64>| v.map_or("unknown".to_owned(), |v| format!("{v:.1}"));
        let words = format!("balance {:.1}: {} to {}", row.before, end(row.low), end(row.high));
        out.push(
            json!({ "list": "sensitivity", "id": format!("weight {}", render::weight(row)), "number": row.change,
            "words": words }),
        );
    }
    out
}
