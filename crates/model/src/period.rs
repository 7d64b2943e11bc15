//! Valid time: when something was so.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

use crate::stamp::moment;
use crate::{Problem, format_moment};

/// How finely the source states a valid time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// An exact moment.
    Instant,
    /// A calendar day, or several of them.
    Day,
    /// A calendar month.
    Month,
    /// A calendar quarter.
    Quarter,
    /// A half-year.
    Half,
    /// A calendar year.
    Year,
    /// January to the end of a month: the cumulative figures that customs offices print.
    YearToDate,
    /// Somewhere in the window, the source does not say when: never to be read as a day.
    Window,
}

/// Half-open valid period `[start, end)`, or an instant when `end` is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Period {
    /// First moment, UTC; inclusive.
    #[serde(with = "moment")]
    pub start: DateTime<Utc>,
    /// First moment after; absent for an instant.
    #[serde(with = "moment::optional", default)]
    pub end: Option<DateTime<Utc>>,
    /// Precision as the source states it.
    pub precision: Precision,
}

/// Length and calendar position of a period: equal labels of successive years compare with each other.
///
/// January to March is the first quarter and the year to March alike, so both carry one label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeriodClass {
    /// An instant or whole days that fill no calendar unit.
    Days,
    /// Calendar month 1–12.
    Month(u32),
    /// Calendar quarter 1–4.
    Quarter(u32),
    /// Half-year 1–2.
    Half(u32),
    /// Calendar year.
    Year,
    /// January to the end of month `n` where that is no other unit: 2, 4, 5, 7, 8, 9, 10, 11.
    YearToDate(u32),
}

impl Period {
    /// Builds a half-open period and derives its precision from the calendar.
    ///
    /// Errors when `end` is not after `start`.
    pub fn range(start: DateTime<Utc>, end: DateTime<Utc>) -> Result<Self, Problem> {
        if end <= start {
            return Err(Problem::new(
                "valid_end is not after valid_start",
                "valid_end is exclusive: one day is written start 2024-05-16, end 2024-05-17",
            )
            .text(format!("{} .. {}", format_moment(start), format_moment(end))));
        }
        let mut period = Self { start, end: Some(end), precision: Precision::Day };
        period.precision = match period.class() {
            PeriodClass::Days => Precision::Day,
            PeriodClass::Month(_) => Precision::Month,
            PeriodClass::Quarter(_) => Precision::Quarter,
            PeriodClass::Half(_) => Precision::Half,
            PeriodClass::Year => Precision::Year,
            PeriodClass::YearToDate(_) => Precision::YearToDate,
        };
        Ok(period)
    }

    /// An instant.
    pub fn instant(at: DateTime<Utc>) -> Self {
        Self { start: at, end: None, precision: Precision::Instant }
    }

    /// End, or the start for an instant.
    pub fn end_or_start(&self) -> DateTime<Utc> {
        self.end.unwrap_or(self.start)
    }

    /// Calendar class of the period, from its two ends alone.
    pub fn class(&self) -> PeriodClass {
        let Some(end) = self.end else { return PeriodClass::Days };
        let (s, e) = (self.start, end);
        let aligned = |t: DateTime<Utc>| t.day() == 1 && t.time() == NaiveTime::MIN;
        if !aligned(s) || !aligned(e) {
            return PeriodClass::Days;
        }
        let months = (e.year() - s.year()) * 12 + i32::try_from(e.month()).unwrap_or(0)
            - i32::try_from(s.month()).unwrap_or(0);
        match (months, s.month()) {
            (1, m) => PeriodClass::Month(m),
            (3, m) if m % 3 == 1 => PeriodClass::Quarter(m / 3 + 1),
            (6, 1) => PeriodClass::Half(1),
            (6, 7) => PeriodClass::Half(2),
            (12, 1) => PeriodClass::Year,
            (n, 1) if (2..12).contains(&n) => PeriodClass::YearToDate(u32::try_from(n).unwrap_or(0)),
            _ => PeriodClass::Days,
        }
    }

    /// Length in days, rounded down; 0 for an instant.
    pub fn days(&self) -> i64 {
        (self.end_or_start() - self.start).num_days()
    }

    /// Calendar year `[year-01-01, (year+1)-01-01)`, if the year is representable.
    pub fn year(year: i32) -> Option<Self> {
        let start = NaiveDate::from_ymd_opt(year, 1, 1)?.and_time(NaiveTime::MIN).and_utc();
        Self::range(start, start.checked_add_months(Months::new(12))?).ok()
    }
}

/// `at` moved by whole days, saturating at the ends of the calendar.
pub(crate) fn plus_days(at: DateTime<Utc>, days: u32) -> DateTime<Utc> {
    at.checked_add_days(Days::new(u64::from(days))).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_moment;

    fn class(start: &str, end: &str) -> PeriodClass {
        Period::range(parse_moment(start).unwrap(), parse_moment(end).unwrap()).unwrap().class()
    }

    #[test]
    fn labels_come_from_the_calendar() {
        assert_eq!(class("2023-01-01", "2024-01-01"), PeriodClass::Year);
        assert_eq!(class("2023-01-01", "2023-02-01"), PeriodClass::Month(1));
        assert_eq!(class("2023-01-01", "2023-04-01"), PeriodClass::Quarter(1));
        assert_eq!(class("2023-10-01", "2024-01-01"), PeriodClass::Quarter(4));
        assert_eq!(class("2023-07-01", "2024-01-01"), PeriodClass::Half(2));
        assert_eq!(class("2023-01-01", "2023-12-01"), PeriodClass::YearToDate(11));
        assert_eq!(class("2023-02-01", "2023-05-01"), PeriodClass::Days);
        assert_eq!(class("2024-05-16", "2024-05-17"), PeriodClass::Days);
    }

    #[test]
    fn an_empty_period_is_refused() {
        let at = parse_moment("2023-01-01").unwrap();
        assert!(Period::range(at, at).is_err());
    }
}
