//! When a question is answered yes: a quantity, a comparison, a bound, a date.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Problem;

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// The value; a floor answers only what it already exceeds.
    Value,
    /// What has been reported by the settling day, floors taken as they are: nobody claims that it is all.
    Reported,
    /// Probability of a scenario.
    Probability,
}

/// How it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Above.
    Above,
    /// Not below.
    AtLeast,
    /// Below.
    Below,
    /// Not above.
    AtMost,
}

impl Comparison {
    /// Whether it holds.
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Comparison::Above => value > bound,
            Comparison::AtLeast => value >= bound,
            Comparison::Below => value < bound,
            Comparison::AtMost => value <= bound,
        }
    }

    /// Whether a greater value makes it true rather than false.
    pub fn upward(self) -> bool {
        matches!(self, Comparison::Above | Comparison::AtLeast)
    }

    fn sign(self) -> &'static str {
        match self {
            Comparison::Above => ">",
            Comparison::AtLeast => ">=",
            Comparison::Below => "<",
            Comparison::AtMost => "<=",
        }
    }
}

/// What it is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// A number in the unit of the measure.
    Fixed(f64),
    /// So many times the newest comparable value that was known when the question was filed; fixed from then on.
    Last(f64),
}

/// Which reading counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// The one of a calendar period, with its name.
    In {
        /// `2026`, `2026-H1`, `2026-Q3`, `2026-05`, or `2026-YTD10` for January to October.
        name: String,
        /// First day.
        start: NaiveDate,
        /// First day after.
        end: NaiveDate,
    },
    /// The newest whose period has ended on the day and after the question was filed.
    At(NaiveDate),
    /// Any whose period ends after the question was filed and not after the day.
    By(NaiveDate),
}

/// `QUANTITY COMPARISON BOUND WHEN`, for instance `value >= 250e9 in 2026`.
///
/// In words: `value`, `reported` or `probability`; `>`, `>=`, `<`, `<=`; a number, `last`, or a number `* last`;
/// `in PERIOD`, `at DATE`, `by DATE`. Serialised as that text.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// What is read.
    pub of: Quantity,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub threshold: Threshold,
    /// Which reading.
    pub when: When,
}

impl Rule {
    /// First moment after what the question is about: its horizon.
    pub fn end(&self) -> DateTime<Utc> {
        let day = match &self.when {
            When::In { end, .. } => *end,
            When::At(day) | When::By(day) => day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX),
        };
        day.and_time(NaiveTime::MIN).and_utc()
    }
}

const FORM: &str = "write QUANTITY COMPARISON BOUND WHEN, for instance `value >= 250e9 in 2026`, `reported > last at \
                    2026-12-31` or `value < 0.9 * last by 2027-06-30`";

impl FromStr for Rule {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let wrong = |what: &str| Problem::new(format!("no rule: {what}"), FORM).text(text);
        let words: Vec<&str> = text.split_whitespace().collect();
        let (of, sign, bound, word, date) = match words.as_slice() {
            [of, sign, bound, word, date] => (of, sign, vec![*bound], word, date),
            [of, sign, factor, "*", last, word, date] => (of, sign, vec![*factor, *last], word, date),
            _ => return Err(wrong("five words, or seven with a factor")),
        };
        let of = match *of {
            "value" => Quantity::Value,
            "reported" => Quantity::Reported,
            "probability" => Quantity::Probability,
            _ => return Err(wrong("the quantity is value, reported or probability")),
        };
        let comparison = [Comparison::Above, Comparison::AtLeast, Comparison::Below, Comparison::AtMost]
            .into_iter()
            .find(|c| c.sign() == *sign)
            .ok_or_else(|| wrong("the comparison is >, >=, < or <="))?;
        let number = |text: &str| {
            text.parse::<f64>().ok().filter(|n| n.is_finite()).ok_or_else(|| wrong("the bound is no number"))
        };
        let threshold = match bound.as_slice() {
            ["last"] => Threshold::Last(1.0),
            [fixed] => Threshold::Fixed(number(fixed)?),
            [factor, "last"] => Threshold::Last(number(factor)?),
            _ => return Err(wrong("a factor stands before `* last`")),
        };
        let when = match *word {
            "in" => period(date).ok_or_else(|| {
                wrong("a period is written 2026, 2026-H1, 2026-Q3, 2026-05, or 2026-YTD10 for January to October")
            })?,
            "at" => When::At(day(date).ok_or_else(|| wrong("a date is written YYYY-MM-DD"))?),
            "by" => When::By(day(date).ok_or_else(|| wrong("a date is written YYYY-MM-DD"))?),
            _ => return Err(wrong("a reading is chosen by in, at or by")),
        };
        Ok(Self { of, comparison, threshold, when })
    }
}

fn day(text: &str) -> Option<NaiveDate> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    (text.len() == 10 && (1..=9990).contains(&day.year())).then_some(day)
}

fn period(name: &str) -> Option<When> {
    let (year, part) = name.split_once('-').map_or((name, ""), |(year, part)| (year, part));
    if year.len() != 4 || !year.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let year: i32 = year.parse().ok().filter(|y| (1..=9990).contains(y))?;
    let digits = |text: &str| text.parse::<u32>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
    let (first, months) = if part.is_empty() && !name.contains('-') {
        (1, 12)
    } else if let Some(n) = part.strip_prefix("YTD").and_then(digits) {
        (1, (1..=12).contains(&n).then_some(n)?)
    } else if let Some(n) = part.strip_prefix('H').and_then(digits) {
        ((1..=2).contains(&n).then_some(n * 6 - 5)?, 6)
    } else if let Some(n) = part.strip_prefix('Q').and_then(digits) {
        ((1..=4).contains(&n).then_some(n * 3 - 2)?, 3)
    } else {
        (digits(part).filter(|n| part.len() == 2 && (1..=12).contains(n))?, 1)
    };
    let start = NaiveDate::from_ymd_opt(year, first, 1)?;
    Some(When::In { name: name.to_owned(), start, end: start.checked_add_months(Months::new(months))? })
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = match self.of {
            Quantity::Value => "value",
            Quantity::Reported => "reported",
            Quantity::Probability => "probability",
        };
        write!(f, "{of} {} ", self.comparison.sign())?;
        match self.threshold {
            Threshold::Fixed(n) => write!(f, "{}", plain(n))?,
            Threshold::Last(1.0) => write!(f, "last")?,
            Threshold::Last(n) => write!(f, "{} * last", plain(n))?,
        }
        match &self.when {
            When::In { name, .. } => write!(f, " in {name}"),
            When::At(day) => write!(f, " at {day}"),
            When::By(day) => write!(f, " by {day}"),
        }
    }
}

/// Shortest text of a number, with an exponent where it has many digits.
fn plain(n: f64) -> String {
    let (a, b) = (format!("{n}"), format!("{n:e}"));
    if b.len() < a.len() { b } else { a }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rule {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_read_back_as_written() {
        for text in [
            "value >= 2.5e11 in 2026",
            "reported > last at 2026-12-31",
            "value < 0.9 * last by 2027-06-30",
            "probability <= 0.4 at 2030-12-31",
            "value >= 0.05 in 2026-Q3",
            "value > 1 in 2026-YTD10",
        ] {
            assert_eq!(text.parse::<Rule>().unwrap().to_string(), text);
        }
        let end = |text: &str| text.parse::<Rule>().unwrap().end().date_naive().to_string();
        assert_eq!(end("value > 1 in 2026-H2"), "2027-01-01");
        assert_eq!(end("value > 1 in 2026-02"), "2026-03-01");
        assert_eq!(end("value > 1 at 2026-12-31"), "2027-01-01");
    }

    #[test]
    fn what_is_no_rule_is_refused_with_the_form() {
        for text in [
            "",
            "value >= 250",
            "price >= 1 in 2026",
            "value => 1 in 2026",
            "value > x in 2026",
            "value > nan in 2026",
            "value > 1 in 2026-Q5",
            "value > 1 in 26",
            "value > 1 in 2026-",
            "value > 1 at 2026",
            "value > 1 at 2026-02-30",
            "value > last * 2 in 2026",
            "value > 1 on 2026-12-31",
        ] {
            assert!(text.parse::<Rule>().is_err_and(|p| p.remedy == FORM), "{text}");
        }
    }
}
