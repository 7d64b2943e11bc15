//! Durations as a person writes them.

use bellwether_model::Problem;
use chrono::TimeDelta;

const UNITS: [(&str, i64); 5] = [("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
/// Ten years: longer is a slip.
const LONGEST: i64 = 3_660 * 86_400;

/// Reads `7d`, `12h`, `1w 2d`.
pub(super) fn parse(text: &str) -> Result<TimeDelta, Problem> {
    let refuse = |message: &str| {
        Err(Problem::new(message, "write a number with w, d, h, m or s: \"7d\", \"12h\"").text(text))
    };
    let mut seconds = 0_i64;
    let mut digits = String::new();
    let mut any = false;
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        if c.is_ascii_digit() && digits.len() < 9 {
            digits.push(c);
            continue;
        }
        let unit = UNITS.iter().find(|(name, _)| name.chars().eq([c]));
        let (Some((_, unit)), Ok(count)) = (unit, digits.parse::<i64>()) else {
            return refuse("not a duration");
        };
        seconds = seconds.saturating_add(count.saturating_mul(*unit));
        digits.clear();
        any = true;
    }
    if !any || !digits.is_empty() {
        return refuse("not a duration");
    }
    if seconds > LONGEST {
        return refuse("longer than ten years");
    }
    Ok(TimeDelta::seconds(seconds))
}

/// A duration in the largest unit that gives a whole number, `7d`.
pub(crate) fn words(delta: TimeDelta) -> String {
    let seconds = delta.num_seconds();
    let unit = UNITS.iter().skip(1).find(|(_, unit)| seconds % unit == 0);
    unit.map_or_else(String::new, |(name, unit)| format!("{}{name}", seconds / unit))
}
