//! Points in time as sources state them.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Problem;

/// A publication time as stated: a day, or an instant.
///
/// A day is known from the following 00:00Z, never earlier: nobody can tell at what hour of the day a
/// date-only publication appeared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stamp {
    /// Date only.
    Day(NaiveDate),
    /// Exact instant, UTC.
    Instant(DateTime<Utc>),
}

impl Stamp {
    /// First instant at which the publication counts as known.
    pub fn known_from(self) -> DateTime<Utc> {
        match self {
            Stamp::Day(day) => midnight(day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX)),
            Stamp::Instant(at) => at,
        }
    }

    /// The instant the stamp starts at: the day's own 00:00Z, or the instant.
    pub fn start(self) -> DateTime<Utc> {
        match self {
            Stamp::Day(day) => midnight(day),
            Stamp::Instant(at) => at,
        }
    }
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// Parses `YYYY-MM-DD` (as 00:00Z of that day) or an RFC 3339 instant, years 1 to 9998.
pub fn parse_moment(text: &str) -> Result<DateTime<Utc>, Problem> {
    text.parse::<Stamp>().map(Stamp::start)
}

/// Writes a moment as a date when it falls on midnight UTC, else as RFC 3339.
pub fn format_moment(at: DateTime<Utc>) -> String {
    if at.time() == NaiveTime::MIN {
        at.date_naive().to_string()
    } else {
        at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }
}

impl FromStr for Stamp {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let trimmed = text.trim();
        let parsed = if trimmed.len() == 10 {
            NaiveDate::parse_from_str(trimmed, "%Y-%m-%d").ok().map(Stamp::Day)
        } else {
            DateTime::parse_from_rfc3339(trimmed).ok().map(|at| Stamp::Instant(at.with_timezone(&Utc)))
        };
        let year = |stamp: &Stamp| chrono::Datelike::year(&stamp.start());
        parsed.filter(|stamp| (1..=9998).contains(&year(stamp))).ok_or_else(|| {
            Problem::new(
                "not a date or instant",
                "write a calendar date YYYY-MM-DD or an RFC 3339 instant such as 2024-05-16T12:00:00Z",
            )
            .text(text)
        })
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stamp::Day(day) => write!(f, "{day}"),
            Stamp::Instant(at) => write!(f, "{}", at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        }
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Serde adapter: moments as `YYYY-MM-DD` at midnight UTC, else RFC 3339.
pub(crate) mod moment {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(at: &DateTime<Utc>, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&format_moment(*at))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<DateTime<Utc>, D::Error> {
        parse_moment(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }

    pub(crate) mod optional {
        use super::*;

        pub(crate) fn serialize<S: Serializer>(at: &Option<DateTime<Utc>>, s: S) -> Result<S::Ok, S::Error> {
            match at {
                Some(at) => s.serialize_str(&format_moment(*at)),
                None => s.serialize_none(),
            }
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            d: D,
        ) -> Result<Option<DateTime<Utc>>, D::Error> {
            Option::<String>::deserialize(d)?
                .map(|text| parse_moment(&text).map_err(serde::de::Error::custom))
                .transpose()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_known_from_the_following_midnight() {
        let day: Stamp = "2023-01-13".parse().unwrap();
        assert_eq!(format_moment(day.known_from()), "2023-01-14");
        let instant: Stamp = "2023-01-13T10:00:00+08:00".parse().unwrap();
        assert_eq!(instant.to_string(), "2023-01-13T02:00:00Z");
        assert_eq!(instant.known_from(), instant.start());
    }

    #[test]
    fn wrong_dates_are_refused() {
        for bad in ["", "2023-02-30", "13/01/2023", "2023-1-13", "0000-01-01", "2023-01-13T25:00:00Z"] {
            assert!(bad.parse::<Stamp>().is_err(), "{bad}");
        }
    }
}
