//! `judge`.

use bellwether_ingest::{Judgement, judge};
use bellwether_model::framework::{Framework, Kind, Measure};
use bellwether_model::{Decimal, Grade};
use chrono::NaiveDate;
use clap::Args;

use super::fact::{Operator, Stored, grade};
use crate::app::App;
use crate::args::Bound;
use crate::failure::Failure;
use crate::near;

const EXAMPLES: &str = "\
Examples:
  bellwether judge military.defence-commitment 1 --grade B2 \\
      --basis 'the treaty promises consultation'
  bellwether judge technological.advanced-transfer 2 --grade C3 \\
      --basis 'engines sold openly' --on 2026-06-30

The value is a step of the indicator's scale; a wrong one is refused with
the steps named. A judgement holds until the next one, and ages.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct JudgeArgs {
    /// Indicator with a coded scale
    indicator: String,
    /// Step of the scale
    #[arg(allow_negative_numbers = true)]
    value: Decimal,
    /// What the judgement rests on
    #[arg(long, value_name = "TEXT")]
    basis: String,
    /// Admiralty grade: source A-F, information 1-6
    #[arg(long, value_parser = grade)]
    grade: Grade,
    /// Day judged [default: today]
    #[arg(long, value_name = "DATE")]
    on: Option<NaiveDate>,
    /// Another framework: a file, or the id of one in the configuration
    #[arg(long, value_name = "FILE|ID")]
    framework: Option<std::path::PathBuf>,
    #[command(flatten)]
    operator: Operator,
}

pub(crate) fn run(app: &mut App, args: JudgeArgs) -> Result<(), Failure> {
    let types = app.config().types()?;
    let framework = app.framework(&types, args.framework.as_deref())?;
    let measure = find(&framework, &args.indicator)?;
    on_scale(measure, args.value)?;
    let as_of = args.on.unwrap_or_else(|| app.moment(Bound::Now).date_naive());
    let judgement = Judgement {
        indicator: args.indicator,
        value: args.value,
        basis: args.basis,
        grade: args.grade,
        operator: args.operator.name()?,
        as_of,
        actors: framework.parties.to_vec(),
    };
    let log = app.open_write()?;
    let receipt = judge(&log, &types, judgement, app.now())?;
    log.close()?;
    Stored::show(app, &receipt)
}

fn find<'f>(framework: &'f Framework, id: &str) -> Result<&'f Measure, Failure> {
    let judged = || framework.all_measures().filter(|m| m.kind == Kind::Ordinal);
    if let Some(measure) = framework.all_measures().find(|m| m.id == id) {
        return if measure.kind == Kind::Ordinal {
            Ok(measure)
        } else {
            let names: Vec<&str> = judged().map(|m| m.id.as_str()).collect();
            Err(Failure::usage(
                format!("{id} is measured, not judged"),
                format!("judge one of {}, or state a fact with `bellwether fact add`", names.join(", ")),
            ))
        };
    }
    let known: Vec<&str> = judged().map(|m| m.id.as_str()).collect();
    let all = format!("judged are {}", known.join(", "));
    Err(Failure::nothing(format!("no indicator {id}"), near::remedy(id, known.iter().copied(), &all)))
}

/// The value must be one of the scale's steps.
fn on_scale(measure: &Measure, value: Decimal) -> Result<(), Failure> {
    let Some([low, high]) = measure.scale else { return Ok(()) };
    let number: f64 = value.to_string().parse().unwrap_or(f64::NAN);
    if number.fract() == 0.0 && (low..=high).contains(&number) {
        return Ok(());
    }
    let steps: Vec<String> =
        measure.steps.iter().enumerate().map(|(n, step)| format!("{} {step}", low + n as f64)).collect();
    let remedy = if steps.is_empty() {
        format!("give a whole number from {low} to {high}")
    } else {
        format!("the steps are: {}", steps.join(" · "))
    };
    Err(Failure::usage(format!("{value} is no step of {}", measure.id), remedy))
}
