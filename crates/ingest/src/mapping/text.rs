//! Fields as text: numbers, dates, grades and names, each with its finding.

use bellwether_model::{Decimal, Grade, Period, Precision, Problem, Stamp, parse_moment};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

/// Longest key, type, unit or actor.
const MAX_NAME: usize = 500;

/// An exact decimal; blank is none. −0 is 0.
pub(crate) fn decimal(text: &str) -> Result<Option<Decimal>, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
    let parsed = if !plain {
        None
    } else if let Some((mantissa, _)) = text.split_once(['e', 'E']) {
        // The library rounds a long mantissa silently; an exact one it scales exactly or refuses.
        Decimal::from_str_exact(mantissa).and_then(|_| Decimal::from_scientific(text)).ok()
    } else {
        Decimal::from_str_exact(text).ok()
    };
    let Some(value) = parsed else {
        return Err(Problem::new(
            "not an exact decimal number",
            "write digits with a point, at most 28 of them, no thousands separators, no formula, NaN or infinity; \
             leave it blank when unknown",
        )
        .field("value")
        .text(text));
    };
    Ok(Some(if value.is_zero() { Decimal::ZERO } else { value }))
}

/// A moment; the plain calendar date, which nearly all are, without the detour of a general parser.
pub(super) fn moment(text: &str) -> Result<DateTime<Utc>, Problem> {
    match day(text) {
        Some(day) => Ok(day.and_time(NaiveTime::MIN).and_utc()),
        None => parse_moment(text),
    }
}

/// `YYYY-MM-DD` and nothing else.
fn day(text: &str) -> Option<NaiveDate> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return None };
    let number = |digits: &[&u8]| {
        digits.iter().try_fold(0_u32, |n, d| d.is_ascii_digit().then(|| n * 10 + u32::from(**d - b'0')))
    };
    let year = i32::try_from(number(&[y1, y2, y3, y4])?).ok().filter(|y| (1..=9998).contains(y))?;
    NaiveDate::from_ymd_opt(year, number(&[m1, m2])?, number(&[d1, d2])?)
}

/// Valid time from its two ends; a blank end makes an instant.
pub(crate) fn period(start: &str, end: &str) -> Result<Period, Problem> {
    let from = moment(start).map_err(|p| p.field("valid_start"))?;
    if end.trim().is_empty() {
        return Ok(Period::instant(from));
    }
    let to = moment(end).map_err(|p| p.field("valid_end"))?;
    Period::range(from, to).map_err(|p| p.field("valid_end"))
}

/// A publication; blank is none.
pub(crate) fn stamp(text: &str) -> Result<Option<Stamp>, Problem> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    if let Some(day) = day(text) {
        return Ok(Some(Stamp::Day(day)));
    }
    text.parse().map(Some).map_err(|p: Problem| p.field("published_at"))
}

/// A grade from its two columns; a blank half cannot be judged.
pub(crate) fn grade(source: &str, information: &str) -> Result<Grade, Problem> {
    let mut letters = source.trim().chars();
    let letter = match (letters.next(), letters.next()) {
        (None, _) => 'F',
        (Some(letter), None) => letter,
        _ => return Err(not_a_letter(source)),
    };
    let digit = match information.trim() {
        "" => 6,
        digit => digit.parse::<u8>().unwrap_or(0),
    };
    if !(1..=6).contains(&digit) {
        return Err(Problem::new("not an information credibility", "write 1 to 6, or leave it blank")
            .field("info_credibility")
            .text(information));
    }
    Grade::new(letter, digit).map_err(|_| not_a_letter(source))
}

fn not_a_letter(text: &str) -> Problem {
    Problem::new("not a source grade", "write one letter A to F, or leave it blank")
        .field("source_grade")
        .text(text)
}

/// Yes or no; blank is the default.
pub(crate) fn yes_no(field: &str, text: &str, default: bool) -> Result<bool, Problem> {
    match text.trim() {
        "" => Ok(default),
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err(Problem::new("neither yes nor no", "write yes or no, or leave it blank")
            .field(field)
            .text(text)),
    }
}

/// A name that others look up: not blank, no control or direction-changing characters, not too long.
///
/// Two keys that look alike and differ in an invisible character would be two series nobody can tell apart.
pub(crate) fn name(field: &str, text: &str) -> Result<(), Problem> {
    if text.is_empty() {
        return Err(Problem::new("is blank", format!("give the record a {field}")).field(field));
    }
    // Plain ASCII, nearly always: decided a byte at a time.
    if text.len() <= MAX_NAME && text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return Ok(());
    }
    if text.len() > MAX_NAME {
        return Err(Problem::new(format!("longer than {MAX_NAME} bytes"), "shorten it")
            .field(field)
            .text(text));
    }
    match text.chars().find(|c| c.is_control() || is_invisible(*c)) {
        Some(c) => Err(Problem::new(
            format!("holds the control or direction-changing character U+{:04X}", u32::from(c)),
            "remove it",
        )
        .field(field)
        .text(text)),
        None => Ok(()),
    }
}

/// Zero-width, bidirectional and byte-order characters.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{061C}')
}

/// Text of strangers made fit for a terminal and a log: what controls or hides is written as an escape.
pub(crate) fn neutral(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_invisible(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    shown
}

/// The same for a whole finding.
pub(crate) fn neutral_problem(problem: Problem) -> Problem {
    Problem {
        file: neutral(&problem.file),
        line: problem.line,
        field: neutral(&problem.field),
        text: problem.text,
        excerpt: problem.excerpt,
        message: neutral(&problem.message),
        remedy: neutral(&problem.remedy),
    }
}

/// Marks a period as a window when the source says only roughly when.
pub(crate) fn widen(period: &mut Period, says_precision: bool) {
    if says_precision && period.end.is_some() {
        period.precision = Precision::Window;
    }
}
