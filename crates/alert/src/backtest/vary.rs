//! A rule with one of its numbers changed.

use bellwether_model::{Problem, Problems};
use toml::de::{DeTable, DeValue};

use crate::{Rule, RuleSet};

/// Values of one parameter of a rule, from `PARAM=A..B/N`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// `for`, `keep`, or a name under `[rule.parameters]`.
    pub parameter: String,
    /// As they would stand in the rule, in order.
    pub values: Vec<Setting>,
}

/// One value of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// On the axis; days for durations.
    pub number: f64,
    /// As TOML.
    pub toml: String,
}

/// Values that a sweep may have.
const MOST: usize = 200;

impl Sweep {
    /// Parses `PARAM=A..B/N`: N values, A and B among them. A and B are numbers, or durations like `7d` and `36h` for `for`
    /// and `keep`.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let wrong = |what: &str| {
            Problem::new(
                what.to_owned(),
                "write PARAM=A..B/N, for instance `limit=1..3/9` or `for=0d..28d/5`",
            )
            .text(text)
        };
        let (parameter, range) = text.split_once('=').ok_or_else(|| wrong("no parameter"))?;
        let (range, n) = range.rsplit_once('/').ok_or_else(|| wrong("no number of values"))?;
        let (from, to) = range.split_once("..").ok_or_else(|| wrong("no range"))?;
        let n: usize = n.trim().parse().map_err(|_| wrong("the number of values is no whole number"))?;
        if !(2..=MOST).contains(&n) {
            return Err(wrong(&format!("a sweep has 2 to {MOST} values")));
        }
        let parameter = parameter.trim();
        let times = timed(parameter);
        let read = |text: &str| if times { days(text.trim()) } else { text.trim().parse().ok() };
        let ends = read(from).zip(read(to)).filter(|(a, b)| a.is_finite() && b.is_finite() && a != b);
        let (a, b) = ends.ok_or_else(|| {
            wrong(if times {
                "the ends are no two durations"
            } else {
                "the ends are no two different numbers"
            })
        })?;
        let steps = (n - 1) as f64;
        let values = (0..n).map(|i| {
            let number = plain(a + (b - a) * (i as f64 / steps));
            if times { Setting::duration(number) } else { Setting { number, toml: literal(number) } }
        });
        Ok(Self { parameter: parameter.to_owned(), values: values.collect() })
    }
}

impl Setting {
    /// Whole minutes, in the largest unit that gives a whole number.
    fn duration(days: f64) -> Self {
        let minutes = (days * 1440.0).round();
        let (n, unit) = if minutes % 1440.0 == 0.0 {
            (minutes / 1440.0, "d")
        } else if minutes % 60.0 == 0.0 {
            (minutes / 60.0, "h")
        } else {
            (minutes, "m")
        };
        Self { number: minutes / 1440.0, toml: format!("\"{n}{unit}\"") }
    }
}

fn timed(parameter: &str) -> bool {
    matches!(parameter, "for" | "keep")
}

fn days(text: &str) -> Option<f64> {
    let cut = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at_checked(cut)?;
    let number: f64 = number.trim().parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0)?;
    let per_day = match unit {
        "w" => 1.0 / 7.0,
        "d" => 1.0,
        "h" => 24.0,
        "m" => 1440.0,
        _ => return None,
    };
    Some(number / per_day)
}

/// Without the dust of binary fractions: twelve significant digits.
fn plain(number: f64) -> f64 {
    format!("{number:.11e}").parse().unwrap_or(number)
}

/// A TOML number.
fn literal(number: f64) -> String {
    format!("{number:?}")
}

/// Whether the rule has a parameter of that name.
///
/// # Errors
/// It does not; the remedy names those that it has.
pub fn known(rule: &Rule, parameter: &str) -> Result<(), Problem> {
    if timed(parameter) || rule.parameters.contains_key(parameter) {
        return Ok(());
    }
    let names: Vec<&str> =
        ["for", "keep"].into_iter().chain(rule.parameters.keys().map(String::as_str)).collect();
    let message = format!("the rule {} has no parameter {parameter}", rule.id);
    Err(Problem::new(message, format!("it has {}", names.join(", "))))
}

/// The rule's text with a parameter at another value: only that value changes, comments and layout stay.
pub fn vary(rule: &Rule, parameter: &str, value: &str) -> Result<String, Problem> {
    known(rule, parameter)?;
    replaced(&rule.text, parameter, value).map_err(|p| p.at(&rule.file, 0))
}

/// What the parameter stands at now, on the axis of a [`Setting`].
pub fn present(rule: &Rule, parameter: &str) -> Option<f64> {
    let days = |time: chrono::TimeDelta| time.num_minutes() as f64 / 1440.0;
    match parameter {
        "for" => Some(days(rule.hold)),
        "keep" => Some(days(rule.keep)),
        name => rule.parameters.get(name).copied(),
    }
}

/// The rule as it is, and behind it one rule for each value of the sweep.
///
/// # Errors
/// A parameter that the rule does not have, and what is wrong with the rule at a value.
pub fn variants(rule: &Rule, sweep: &Sweep) -> Result<RuleSet, Problems> {
    let mut files = vec![(rule.file.clone(), rule.text.clone())];
    for (n, setting) in sweep.values.iter().enumerate() {
        let text = vary(rule, &sweep.parameter, &setting.toml)?;
        let id = format!("\"{}-at-{}\"", rule.id, n + 1);
        let text = replaced(&text, "id", &id).map_err(|p| p.at(&rule.file, 0))?;
        files.push((format!("{} with {} = {}", rule.file, sweep.parameter, setting.toml), text));
    }
    RuleSet::parse(files.iter().map(|(file, text)| (file.as_str(), text.as_str())))
}

fn first<'t, 'd>(document: &'t DeTable<'d>) -> Option<&'t DeTable<'d>> {
    match document.get("rule")?.get_ref() {
        DeValue::Array(rules) => match rules.first()?.get_ref() {
            DeValue::Table(rule) => Some(rule),
            _ => None,
        },
        _ => None,
    }
}

fn replaced(text: &str, parameter: &str, value: &str) -> Result<String, Problem> {
    let no_rule = || Problem::new("the text of the rule cannot be read", "run `bellwether check`");
    let table = DeTable::parse(text).map_err(|_| no_rule())?;
    let rule = first(table.get_ref()).ok_or_else(no_rule)?;
    let parameters = rule.get("parameters").map(|p| p.get_ref());
    let found = match parameters {
        Some(DeValue::Table(all)) if all.contains_key(parameter) => all.get(parameter),
        _ => rule.get(parameter),
    };
    let Some(span) = found.map(toml::Spanned::span) else {
        // Not stated is zero: the line goes under the heading.
        let head = text.find("[[rule]]").ok_or_else(no_rule)? + "[[rule]]".len();
        let (before, after) = text.split_at_checked(head).ok_or_else(no_rule)?;
        return Ok(format!("{before}\n{parameter} = {value}{after}"));
    };
    let part = |range| text.get::<std::ops::Range<usize>>(range).ok_or_else(no_rule);
    Ok(format!("{}{value}{}", part(0..span.start)?, part(span.end..text.len())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_is_evenly_spaced_with_both_ends() {
        let check = |text: &str, want: &[&str]| {
            let values = Sweep::parse(text).unwrap().values;
            assert_eq!(values.iter().map(|v| v.toml.as_str()).collect::<Vec<_>>(), want, "{text}");
        };
        check("limit=0.1..0.4/4", &["0.1", "0.2", "0.3", "0.4"]);
        check("limit=3..1/3", &["3.0", "2.0", "1.0"]);
        check("for=0d..2w/3", &["\"0d\"", "\"7d\"", "\"14d\""]);
        check(
            "keep=12h..2d/4",
            &["\"12h\"", "\"24h\"", "\"36h\"", "\"2d\""].map(|v| if v == "\"24h\"" { "\"1d\"" } else { v }),
        );
        for bad in [
            "",
            "x",
            "x=1",
            "x=1..2",
            "x=1..2/1",
            "x=1..2/1000",
            "x=a..b/3",
            "x=1..1/3",
            "for=1..2/3",
            "x=1..inf/3",
        ] {
            assert!(Sweep::parse(bad).is_err(), "{bad}");
        }
    }

    const RULE: &str =
        "[[rule]]\nid = \"a\" # first\nkeep = \"7d\"\n[rule.parameters]\nlimit = 2.5 # why\nother = 1\n";

    #[test]
    fn only_the_value_changes() {
        let check = |parameter: &str, value: &str, from: &str, to: &str| {
            assert_eq!(replaced(RULE, parameter, value).unwrap(), RULE.replace(from, to));
        };
        check("limit", "3.0", "limit = 2.5", "limit = 3.0");
        check("other", "3.0", "other = 1", "other = 3.0");
        check("keep", "\"1d\"", "keep = \"7d\"", "keep = \"1d\"");
        check("for", "\"1d\"", "[[rule]]\n", "[[rule]]\nfor = \"1d\"\n");
        check("id", "\"b\"", "id = \"a\"", "id = \"b\"");
    }
}
