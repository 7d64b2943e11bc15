//! Functions that feed files have beside those of CEL.

mod countries;
mod numbers;

use std::sync::Arc;

use bellwether_model::{format_moment, parse_moment};
use cel::{Context, ExecutionError, ResolveResult};
use chrono::{Duration, NaiveDate};

/// Names of the functions, for checking feed files.
const NAMES: [&str; 4] = ["date", "add_days", "trim", "lower"];

/// Names of all functions, for findings about feed files.
pub(super) fn names() -> String {
    [&NAMES[..], &numbers::NAMES[..]].concat().join(", ")
}

/// Adds `date(text, format)` (strftime format to `YYYY-MM-DD`), `add_days(date, n)`, `trim(text)`, `lower(text)`.
pub(super) fn add(context: &mut Context<'_, '_>) -> Result<(), cel::DeclarationError> {
    context.add_function("date", date)?;
    context.add_function("add_days", add_days)?;
    context.add_function("trim", |text: Arc<String>| text.trim().to_owned())?;
    context.add_function("lower", |text: Arc<String>| text.to_lowercase())?;
    numbers::add(context)
}

fn date(text: Arc<String>, format: Arc<String>) -> ResolveResult {
    NaiveDate::parse_from_str(text.trim(), &format).map(|d| d.format("%Y-%m-%d").to_string().into()).map_err(
        |e| ExecutionError::FunctionError {
            function: "date".into(),
            message: format!("{text:?} is no date of the form {format}: {e}"),
        },
    )
}

fn add_days(text: Arc<String>, days: i64) -> ResolveResult {
    let moved = parse_moment(&text)
        .ok()
        .and_then(|at| Duration::try_days(days).and_then(|by| at.checked_add_signed(by)))
        .filter(|at| (1..=9998).contains(&chrono::Datelike::year(at)));
    moved.map(|at| format_moment(at).into()).ok_or_else(|| ExecutionError::FunctionError {
        function: "add_days".into(),
        message: format!("{text:?} plus {days} days is no date"),
    })
}
