//! Calendar steps on microsecond times.

use bellwether_model::{Period, PeriodClass, format_moment};
use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, SecondsFormat, Utc};

use crate::assessment::Span;
use crate::fold::moment;

/// Microseconds in a day.
pub(crate) const DAY: i64 = 86_400_000_000;

/// `micros` moved by whole calendar months, saturating.
pub(crate) fn shift_months(micros: i64, months: i32) -> i64 {
    let step = Months::new(months.unsigned_abs());
    moment(micros)
        .and_then(|at| if months < 0 { at.checked_sub_months(step) } else { at.checked_add_months(step) })
        .map_or(micros, |at| at.timestamp_micros())
}

/// Start of the calendar window of `months` that holds `micros`; windows count from January.
pub(crate) fn window_start(micros: i64, months: u32) -> i64 {
    let Some(at) = moment(micros) else { return micros };
    let month0 = at.month0() / months.max(1) * months.max(1);
    NaiveDate::from_ymd_opt(at.year(), month0 + 1, 1)
        .map_or(micros, |d| d.and_time(NaiveTime::MIN).and_utc().timestamp_micros())
}

/// Calendar class of `[start, end)`.
pub(crate) fn class(start: i64, end: i64) -> PeriodClass {
    match (moment(start), moment(end)) {
        (Some(s), Some(e)) if e > s => Period::range(s, e).map_or(PeriodClass::Days, |p| p.class()),
        _ => PeriodClass::Days,
    }
}

/// A period for people and scripts: dates at midnight, RFC 3339 else.
pub(crate) fn span(start: i64, end: i64) -> Option<Span> {
    Some(Span { start: format_moment(moment(start)?), end: format_moment(moment(end)?) })
}

/// RFC 3339, UTC.
pub(crate) fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// RFC 3339 of microseconds; empty outside the calendar, which no logged fact reaches.
pub(crate) fn rfc3339_micros(micros: i64) -> String {
    moment(micros).map(rfc3339).unwrap_or_default()
}

/// Date of microseconds.
pub(crate) fn date(micros: i64) -> String {
    moment(micros).map(format_moment).unwrap_or_default()
}
