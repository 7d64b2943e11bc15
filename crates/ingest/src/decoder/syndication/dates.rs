//! Dates of feeds: RFC 822 and RFC 3339, with their customary slips named instead of guessed around.

use bellwether_model::{Problem, format_moment};
use chrono::{DateTime, Duration, FixedOffset, NaiveDate, NaiveDateTime, TimeZone, Utc};

/// A moment as a feed states it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Moment {
    /// In UTC, or the day when no time is stated.
    pub(super) at: String,
    /// Its day where it was written.
    pub(super) day: String,
}

/// Forms without a zone.
const LOCAL: [&str; 8] = [
    "%a, %d %b %Y %H:%M:%S",
    "%a, %d %b %Y %H:%M",
    "%d %b %Y %H:%M:%S",
    "%d %b %Y %H:%M",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
];
/// Forms with a zone that the general parsers do not take.
const ZONED: [&str; 4] =
    ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f %#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z"];
/// Names that mean UTC everywhere.
const UNIVERSAL: [&str; 4] = ["GMT", "UTC", "UT", "Z"];
/// Names that RFC 822 defines; elsewhere they may mean another zone, and the feed file's zone goes before them.
const AMERICAN: [&str; 8] = ["EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT"];

/// Reads a date; `zone` is that of dates which state none.
pub(super) fn read(written: &str, zone: Option<FixedOffset>) -> Result<Moment, Problem> {
    let text = written.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Ok(day) = NaiveDate::parse_from_str(&text, "%Y-%m-%d") {
        let day = day.to_string();
        return Ok(Moment { at: day.clone(), day });
    }
    // The end of a day, which is the beginning of the next.
    let (text, days) = match midnight(&text) {
        Some(text) => (text, 1),
        None => (text, 0),
    };
    let refuse = |message: &str, remedy: &str| Err(Problem::new(message, remedy).text(written));
    let at = match zoned(&text, zone) {
        Zoned::At(at) => at,
        Zoned::Local(local) => match zone.map(|zone| zone.from_local_datetime(&local).single()) {
            Some(Some(at)) => at,
            _ => {
                return refuse(
                    "a date without a zone",
                    "state the publisher's in the feed file, as zone = \"+08:00\" under [decoder]",
                );
            }
        },
        Zoned::Unknown => {
            return refuse(
                "a zone that is not known",
                "state it in the feed file, as zone = \"+03:00\" under [decoder]",
            );
        }
        Zoned::None => {
            return refuse("not a date of RFC 822 or RFC 3339", "correct it, or enter the statement by hand");
        }
    };
    match at.checked_add_signed(Duration::days(days)) {
        Some(at) => Ok(Moment {
            at: format_moment(at.with_timezone(&Utc)),
            day: at.date_naive().format("%Y-%m-%d").to_string(),
        }),
        None => refuse("a date beyond all calendars", "correct it, or enter the statement by hand"),
    }
}

enum Zoned {
    At(DateTime<FixedOffset>),
    Local(NaiveDateTime),
    Unknown,
    None,
}

fn zoned(text: &str, zone: Option<FixedOffset>) -> Zoned {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Zoned::At(at);
    }
    if let Some(at) = ZONED.iter().find_map(|form| DateTime::parse_from_str(text, form).ok()) {
        return Zoned::At(at);
    }
    // A zone by name: the general parser takes any that it does not know for UTC.
    if let Some((before, name)) = text.rsplit_once(' ')
        && name.bytes().all(|b| b.is_ascii_alphabetic())
        && let Some(local) = local(before)
    {
        let upper = name.to_ascii_uppercase();
        if UNIVERSAL.contains(&upper.as_str()) {
            return Zoned::At(local.and_utc().fixed_offset());
        }
        if zone.is_some() {
            return Zoned::Local(local);
        }
        if !AMERICAN.contains(&upper.as_str()) {
            return Zoned::Unknown;
        }
    }
    if let Ok(at) = DateTime::parse_from_rfc2822(text) {
        return Zoned::At(at);
    }
    local(text).map_or(Zoned::None, Zoned::Local)
}

fn local(text: &str) -> Option<NaiveDateTime> {
    LOCAL.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
}

/// The text with 24:00 made 00:00.
fn midnight(text: &str) -> Option<String> {
    let at = [" 24:00", "T24:00"].iter().find_map(|clock| text.find(clock))? + 1;
    let (before, after) = (text.get(..at)?, text.get(at + "24:00".len()..)?);
    // Nothing comes after the last moment of a day.
    let seconds = after.strip_prefix(":00").unwrap_or(after);
    if seconds.starts_with([':', '.']) {
        return None;
    }
    Some(format!("{before}00:00{after}"))
}
