//! Numbers, months and pieces of text as statistical tables write them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use cel::{Context, ExecutionError, ResolveResult, Value};
use chrono::{Datelike, Days, Months, NaiveDate};
use regex::Regex;
use rust_decimal::Decimal;

use super::countries;

/// Names of the functions here, for checking feed files.
pub(super) const NAMES: [&str; 8] =
    ["number", "scale", "extract", "join", "months", "month_start", "month_end", "country"];

/// Patterns kept compiled; a feed has a handful.
const MAX_PATTERNS: usize = 64;

/// Adds `number(text)` (`1,234.50 ` to `1234.50`; blank stays blank), `scale(number, factor)` (exact product of
/// two decimals in text), `extract(text, regex)` (its first group, else the match; blank without one),
/// `join(list, text)` (texts of a list with another between them),
/// `month_start(text)` and `month_end(text)` (first day of the month, first day after it; of `1995-04`,
/// `1995-04-30`, or of the span `2024-01:2024-02`), `months(text)` (the same as `1995-04`, or the span) and
/// `country(text)` (alpha-3 code of an alpha-2 or alpha-3 code or English name; blank when it is none).
pub(super) fn add(context: &mut Context<'_, '_>) -> Result<(), cel::DeclarationError> {
    context.add_function("number", |text: Arc<String>| number(&text))?;
    context.add_function("scale", |text: Arc<String>, factor: Arc<String>| scale(&text, &factor))?;
    let patterns: Mutex<HashMap<String, Regex>> = Mutex::default();
    context.add_function("extract", move |text: Arc<String>, pattern: Arc<String>| {
        extract(&patterns, &text, &pattern)
    })?;
    context.add_function("join", |list: Arc<Vec<Value>>, between: Arc<String>| join(&list, &between))?;
    let day = |day: NaiveDate| day.format("%Y-%m-%d").to_string();
    context.add_function("month_start", move |text: Arc<String>| -> ResolveResult {
        span(&text, "month_start").map(|(first, _)| day(first.0).into())
    })?;
    context.add_function("month_end", move |text: Arc<String>| -> ResolveResult {
        span(&text, "month_end").map(|(_, last)| day(last.1).into())
    })?;
    context.add_function("months", |text: Arc<String>| -> ResolveResult {
        span(&text, "months").map(|(first, last)| {
            let label = |month: Month| month.0.format("%Y-%m").to_string();
            if first == last {
                label(first).into()
            } else {
                format!("{}:{}", label(first), label(last)).into()
            }
        })
    })?;
    context
        .add_function("country", |text: Arc<String>| countries::alpha3(&text).unwrap_or_default().to_owned())
}

fn refuse(function: &str, message: String) -> ExecutionError {
    ExecutionError::FunctionError { function: function.into(), message }
}

/// Digits in groups of three or in none; anything else is refused, not guessed.
fn number(text: &str) -> ResolveResult {
    let text = text.trim();
    if text.is_empty() {
        return Ok(String::new().into());
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').map_or((unsigned, None), |(w, f)| (w, Some(f)));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let grouped = || {
        let mut groups = whole.split(',');
        groups.next().is_some_and(|first| digits(first) && first.len() <= 3)
            && groups.all(|group| digits(group) && group.len() == 3)
    };
    if !(digits(whole) || grouped()) || fraction.is_some_and(|f| !digits(f)) {
        return Err(refuse(
            "number",
            format!("{text:?} is no number with a point and groups of three digits"),
        ));
    }
    Ok(text.replace(',', "").into())
}

fn scale(text: &str, factor: &str) -> ResolveResult {
    if text.trim().is_empty() {
        return Ok(String::new().into());
    }
    let decimal = |text: &str| {
        Decimal::from_str_exact(text.trim())
            .map_err(|_| refuse("scale", format!("{text:?} is no exact decimal number")))
    };
    let product = decimal(text)?
        .checked_mul(decimal(factor)?)
        .ok_or_else(|| refuse("scale", format!("{text} times {factor} is too large")))?;
    Ok(product.normalize().to_string().into())
}

fn extract(patterns: &Mutex<HashMap<String, Regex>>, text: &str, pattern: &str) -> ResolveResult {
    let mut known = patterns.lock().map_err(|_| refuse("extract", "the patterns are lost".to_owned()))?;
    if !known.contains_key(pattern) {
        let compiled = Regex::new(pattern).map_err(|e| refuse("extract", e.to_string()))?;
        if known.len() >= MAX_PATTERNS {
            known.clear();
        }
        known.insert(pattern.to_owned(), compiled);
    }
    let found = known.get(pattern).and_then(|regex| regex.captures(text));
    let found = found.and_then(|groups| groups.get(1).or_else(|| groups.get(0)));
    Ok(found.map(|m| m.as_str().to_owned()).unwrap_or_default().into())
}

fn join(list: &[Value], between: &str) -> ResolveResult {
    let texts = list.iter().map(|value| match value {
        Value::String(text) => Ok(text.as_str()),
        other => Err(refuse("join", format!("{} in the list is no text", other.type_of()))),
    });
    Ok(texts.collect::<Result<Vec<_>, _>>()?.join(between).into())
}

/// First day of a month and first day after it.
type Month = (NaiveDate, NaiveDate);

/// First and last month of a span; of one month, twice the same.
fn span(text: &str, function: &str) -> Result<(Month, Month), ExecutionError> {
    let text = text.trim();
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    one_month(first).zip(one_month(last)).filter(|(first, last)| first.0 <= last.0).ok_or_else(|| {
        refuse(function, format!("{text:?} is no month such as 1995-04, 1995-04-30 or 2024-01:2024-02"))
    })
}

/// `YYYY-MM`, or its first or last day: a day in the middle names no month.
fn one_month(text: &str) -> Option<Month> {
    let text = text.trim();
    let start = match text.len() {
        7 => NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok()?,
        10 => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?,
        _ => return None,
    };
    let first = start.with_day(1)?;
    let end = first.checked_add_months(Months::new(1))?;
    let whole = start == first || start.checked_add_days(Days::new(1))? == end;
    whole.then_some((first, end))
}
