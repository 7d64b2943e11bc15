//! Functions that feed files have beside those of CEL.

mod countries;
mod numbers;

use std::sync::Arc;

use super::text::moment;
use bellwether_model::{counted, format_moment, parse_moment};
use cel::objects::Key;
use cel::{Context, ExecutionError, ResolveResult, Value};
use chrono::{Duration, Months, NaiveDate, NaiveDateTime, SecondsFormat};

/// Names of the functions, for checking feed files.
const NAMES: [&str; 14] = [
    "date",
    "instant",
    "add_days",
    "add_months",
    "days_between",
    "latest",
    "trim",
    "lower",
    "before",
    "find",
    "text",
    "texts",
    "phrase",
    "unique",
];

/// Names of all functions, for findings about feed files.
pub(super) fn names() -> String {
    [&NAMES[..], &numbers::NAMES[..]].concat().join(", ")
}

/// Adds `date(text, format)` (strftime format to `YYYY-MM-DD`), `instant(text, format)` (UTC), `add_days(date, n)`,
/// `add_months(date, n)`, `days_between(from, to)` (whole days), `latest(dates)`, `trim(text)`, `lower(text)`,
/// `before(text, mark)` (all of it without the mark), `find(table, text)` (value of the longest key that the text
/// holds, else blank), and those of [`paths`](super::paths).
pub(super) fn add(context: &mut Context<'_, '_>) -> Result<(), cel::DeclarationError> {
    context.add_function("date", date)?;
    context.add_function("instant", instant)?;
    context.add_function("add_days", add_days)?;
    context.add_function("days_between", days_between)?;
    context.add_function("before", before)?;
    context.add_function("find", find)?;
    context.add_function("add_months", add_months)?;
    context.add_function("latest", latest)?;
    super::paths::add(context)?;
    context.add_function("trim", |text: Arc<String>| text.trim().to_owned())?;
    context.add_function("lower", |text: Arc<String>| text.to_lowercase())?;
    numbers::add(context)
}

fn date(text: Arc<String>, format: Arc<String>) -> ResolveResult {
    date_of(&text, &format).map(Value::from).map_err(|e| ExecutionError::FunctionError {
        function: "date".into(),
        message: format!("{text:?} is no date of the form {format}: {e}"),
    })
}

/// The number that digits make.
fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0_u32, |n, d| d.is_ascii_digit().then(|| n * 10 + u32::from(*d - b'0')))
}

/// A date as eight digits; `None` leaves it to the general parser.
fn eight_digits(text: &[u8]) -> Option<NaiveDate> {
    let (year, rest) = text.split_first_chunk::<4>()?;
    let (month, day) = rest.split_first_chunk::<2>()?;
    let [_, _] = day else { return None };
    NaiveDate::from_ymd_opt(i32::try_from(digits(year)?).ok()?, digits(month)?, digits(day)?)
}

/// `YYYY-MM-DD` of a text.
pub(super) fn date_of(text: &str, format: &str) -> Result<String, chrono::ParseError> {
    let text = text.trim();
    let quick = if format == "%Y%m%d" { eight_digits(text.as_bytes()) } else { None };
    // Shown by itself a date is in this form, without the detour of a format.
    quick.map_or_else(|| NaiveDate::parse_from_str(text, format), Ok).map(|date| date.to_string())
}

fn instant(text: Arc<String>, format: Arc<String>) -> ResolveResult {
    instant_of(&text, &format).map(Value::from).map_err(|e| ExecutionError::FunctionError {
        function: "instant".into(),
        message: format!("{text:?} is no moment of the form {format}: {e}"),
    })
}

/// A moment as fourteen digits; `None` leaves it to the general parser, a leap second too.
fn fourteen_digits(text: &[u8]) -> Option<NaiveDateTime> {
    let (date, time) = text.split_first_chunk::<8>()?;
    let [h1, h2, m1, m2, s1, s2] = time else { return None };
    let (hour, minute, second) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?, digits(&[*s1, *s2])?);
    eight_digits(date)?.and_hms_opt(hour, minute, second)
}

/// RFC 3339 in UTC of a text.
pub(super) fn instant_of(text: &str, format: &str) -> Result<String, chrono::ParseError> {
    let text = text.trim();
    let quick = if format == "%Y%m%d%H%M%S" { fourteen_digits(text.as_bytes()) } else { None };
    // Midnight is said in full: a bare date would be known only a day later.
    quick
        .map_or_else(|| NaiveDateTime::parse_from_str(text, format), Ok)
        .map(|at| at.and_utc().to_rfc3339_opts(SecondsFormat::Secs, true))
}

fn days_between(from: Arc<String>, to: Arc<String>) -> ResolveResult {
    days_from_to(&from, &to).map(Value::from).map_err(|text| ExecutionError::FunctionError {
        function: "days_between".into(),
        message: format!("{text:?} is no date"),
    })
}

/// Whole days between two moments, or the text that is none.
pub(super) fn days_from_to<'t>(from: &'t str, to: &'t str) -> Result<i64, &'t str> {
    let moment = |text: &'t str| moment(text).map_err(|_| text);
    let to = moment(to)?;
    Ok((to - moment(from)?).num_days())
}

fn before(text: Arc<String>, mark: Arc<String>) -> String {
    text.split_once(mark.as_str()).map_or(text.as_str(), |(before, _)| before).to_owned()
}

fn find(table: Value, text: Arc<String>) -> ResolveResult {
    let Value::Map(map) = &table else {
        return Err(ExecutionError::FunctionError {
            function: "find".into(),
            message: "the first argument must be a table".into(),
        });
    };
    let keys = map.map.iter().filter_map(|(key, value)| match key {
        Key::String(key) if text.contains(key.as_str()) => Some((key.len(), key, value)),
        _ => None,
    });
    // The order of a map is no order: the longest key, and of equal ones the first by letters, decides.
    let found = keys.max_by(|a, b| (a.0, b.1).cmp(&(b.0, a.1)));
    Ok(found.map_or_else(|| Value::String(Arc::default()), |(_, _, value)| value.clone()))
}

fn add_days(text: Arc<String>, days: i64) -> ResolveResult {
    days_added(&text, days).map(Value::from).ok_or_else(|| ExecutionError::FunctionError {
        function: "add_days".into(),
        message: format!("{text:?} plus {} is no date", counted(days, "day", "days")),
    })
}

/// A date some days later.
pub(super) fn days_added(text: &str, days: i64) -> Option<String> {
    let at = moment(text).ok()?;
    let moved = Duration::try_days(days).and_then(|by| at.checked_add_signed(by))?;
    (1..=9998).contains(&chrono::Datelike::year(&moved)).then(|| format_moment(moved))
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
        message: format!("{text:?} plus {} is no date", counted(months, "month", "months")),
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
