//! Moments as text, exactly there and back.

use chrono::{DateTime, Days, NaiveTime, SecondsFormat, Utc};

/// RFC 3339 with as many decimals as the moment needs.
pub(crate) fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A moment, or the beginning of a day.
pub(crate) fn parse(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    text.parse::<chrono::NaiveDate>().ok().map(|day| day.and_time(NaiveTime::MIN).and_utc())
}

/// Whether the moment is a midnight.
pub(crate) fn is_midnight(at: DateTime<Utc>) -> bool {
    at.time() == NaiveTime::MIN
}

/// The first midnight at or after a moment.
pub(crate) fn midnight_from(at: DateTime<Utc>) -> DateTime<Utc> {
    if is_midnight(at) { at } else { midnight_after(at) }
}

/// The first midnight after a moment.
pub(crate) fn midnight_after(at: DateTime<Utc>) -> DateTime<Utc> {
    let day = at.date_naive().checked_add_days(Days::new(1));
    day.map_or(DateTime::<Utc>::MAX_UTC, |day| day.and_time(NaiveTime::MIN).and_utc())
}
