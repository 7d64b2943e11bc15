//! JSON numbers without the detour over binary fractions.

use bellwether_model::Problem;
use serde_json::Value;

use super::super::json;

/// Reads one record; numbers that a 64-bit integer does not hold become text, as they are written.
pub(in super::super) fn value(raw: &[u8]) -> Result<Value, Problem> {
    match quoted(raw) {
        None => json::value(raw),
        Some(exact) => json::value(&exact),
    }
}

/// The record with such numbers in quotes, or nothing when there are none.
fn quoted(raw: &[u8]) -> Option<Vec<u8>> {
    let mut exact: Option<Vec<u8>> = None;
    let mut copied = 0;
    let mut at = 0;
    while let Some(byte) = raw.get(at) {
        match byte {
            b'"' => at += string(raw.get(at..).unwrap_or_default()),
            b'-' | b'0'..=b'9' => {
                let rest = raw.get(at..).unwrap_or_default();
                let n = rest
                    .iter()
                    .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.'))
                    .count();
                let number = rest.get(..n).unwrap_or_default();
                if is_inexact(number) {
                    let exact = exact.get_or_insert_default();
                    exact.extend(raw.get(copied..at).unwrap_or_default());
                    exact.push(b'"');
                    exact.extend(number);
                    exact.push(b'"');
                    copied = at + n;
                }
                at += n;
            }
            _ => at += 1,
        }
    }
    if let Some(exact) = &mut exact {
        exact.extend(raw.get(copied..).unwrap_or_default());
    }
    exact
}

/// Length of a string with its quotes; of what is left when it is never closed.
fn string(rest: &[u8]) -> usize {
    let mut escaped = false;
    for (at, byte) in rest.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// A number of JSON's grammar that an integer of 64 bits does not hold. What is no number is left to the reader.
fn is_inexact(number: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(number) else { return false };
    plain(text) && text.parse::<i64>().is_err() && text.parse::<u64>().is_err()
}

/// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
fn plain(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}
