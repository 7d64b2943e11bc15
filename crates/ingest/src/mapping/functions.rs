//! Functions that feed files have beside those of CEL.

use std::sync::Arc;

use bellwether_model::{format_moment, parse_moment};
use cel::{Context, ExecutionError, ResolveResult, Value};
use chrono::{Duration, Months, NaiveDate};

/// Names of the functions, for checking feed files.
pub(super) const NAMES: [&str; 10] =
    ["date", "add_days", "add_months", "latest", "trim", "lower", "text", "texts", "phrase", "unique"];

/// Adds `date(text, format)` (strftime format to `YYYY-MM-DD`), `add_days(date, n)`, `add_months(date, n)`,
/// `latest(dates)`, `trim(text)`, `lower(text)`, and those of [`paths`](super::paths).
pub(super) fn add(context: &mut Context<'_, '_>) -> Result<(), cel::DeclarationError> {
    context.add_function("date", date)?;
    context.add_function("add_days", add_days)?;
    context.add_function("add_months", add_months)?;
    context.add_function("latest", latest)?;
    super::paths::add(context)?;
    context.add_function("trim", |text: Arc<String>| text.trim().to_owned())?;
    context.add_function("lower", |text: Arc<String>| text.to_lowercase())
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

fn add_months(text: Arc<String>, months: i64) -> ResolveResult {
    let size = u32::try_from(months.unsigned_abs()).ok().map(Months::new);
    let moved = parse_moment(&text)
        .ok()
        .zip(size)
        .and_then(|(at, by)| if months < 0 { at.checked_sub_months(by) } else { at.checked_add_months(by) });
    let moved = moved.filter(|at| (1..=9998).contains(&chrono::Datelike::year(at)));
    moved.map(|at| format_moment(at).into()).ok_or_else(|| ExecutionError::FunctionError {
        function: "add_months".into(),
        message: format!("{text:?} plus {months} months is no date"),
    })
}

/// The latest of a list of dates; blank ones count for nothing.
fn latest(dates: Arc<Vec<Value>>) -> ResolveResult {
    let refuse = |message: String| ExecutionError::FunctionError { function: "latest".into(), message };
    let mut latest = None;
    for date in dates.iter() {
        let Value::String(text) = date else {
            return Err(refuse(format!("{} is no date", date.type_of())));
        };
        if !text.trim().is_empty() {
            let at = parse_moment(text.trim()).map_err(|_| refuse(format!("{text:?} is no date")))?;
            latest = latest.max(Some(at));
        }
    }
    Ok(latest.map(format_moment).unwrap_or_default().into())
}
