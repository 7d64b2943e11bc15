//! Selectors: which facts a measure reads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Framework;
use crate::{Fact, Period, PeriodClass, Precision};

/// One text or any of several; `*` stands for any run of characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Match {
    /// One pattern.
    One(String),
    /// Any of these patterns.
    Any(Vec<String>),
}

impl Match {
    /// Whether `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Match::One(pattern) => glob(pattern, text),
            Match::Any(patterns) => patterns.iter().any(|p| glob(p, text)),
        }
    }
}

/// Whether `text` matches `pattern`, in which `*` stands for any run of characters. Linear time.
pub fn glob(pattern: &str, text: &str) -> bool {
    if !pattern.contains('*') {
        return pattern == text;
    }
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.split_once(part) {
            Some((_, tail)) => rest = tail,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Which period lengths a selector takes: never two of them in one series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeriodKind {
    /// Calendar months.
    Month,
    /// Calendar quarters.
    Quarter,
    /// Half-years.
    Half,
    /// Calendar years.
    Year,
    /// January to the end of a month; growth compares equal months only.
    YearToDate,
    /// Days, dated states and windows.
    Days,
    /// Any length: only for states and happenings, which do not accumulate.
    #[default]
    Any,
}

impl PeriodKind {
    /// Whether a period belongs to the kind. A first quarter, first half or whole year is also January to a month.
    pub fn takes(self, period: &Period) -> bool {
        let class = period.class();
        match self {
            PeriodKind::Any => true,
            PeriodKind::Month => matches!(class, PeriodClass::Month(_)),
            PeriodKind::Quarter => matches!(class, PeriodClass::Quarter(_)),
            PeriodKind::Half => matches!(class, PeriodClass::Half(_)),
            PeriodKind::Year => class == PeriodClass::Year,
            PeriodKind::YearToDate => matches!(
                class,
                PeriodClass::YearToDate(_)
                    | PeriodClass::Quarter(1)
                    | PeriodClass::Half(1)
                    | PeriodClass::Month(1)
            ),
            PeriodKind::Days => class == PeriodClass::Days,
        }
    }
}

/// One selector. A fact is read when every given part matches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// Fact type.
    #[serde(rename = "type")]
    pub kind: String,
    /// First actor.
    #[serde(default)]
    pub from: Option<Match>,
    /// Second actor.
    #[serde(default)]
    pub to: Option<Match>,
    /// Both parties among the actors, the members of organisations named, or the attribute `others`.
    #[serde(default)]
    pub both: bool,
    /// Unit of the value.
    #[serde(default)]
    pub unit: Option<String>,
    /// Period length; the series' primary class.
    #[serde(default)]
    pub period: PeriodKind,
    /// Attributes that must match.
    #[serde(default, rename = "where")]
    pub matching: BTreeMap<String, Match>,
    /// Attributes that must not match; an absent attribute passes.
    #[serde(default)]
    pub except: BTreeMap<String, Match>,
    /// Key pattern.
    #[serde(default)]
    pub key: Option<Match>,
    /// Key pattern to leave out.
    #[serde(default)]
    pub except_key: Option<Match>,
    /// Only facts whose source states the period no looser than a day: windows are left out.
    #[serde(default)]
    pub exact: bool,
    /// Multiplies the value, for instance tonnes of liquefied gas to cubic metres.
    #[serde(default)]
    pub factor: Option<f64>,
    /// Name of the series in `why`; also says which definition and reporter it stands for.
    #[serde(default)]
    pub label: Option<String>,
}

impl Read {
    /// Whether the selector reads the fact.
    pub fn takes(&self, fact: &Fact, framework: &Framework) -> bool {
        let actor = |want: &Option<Match>, at: usize| {
            want.as_ref().is_none_or(|m| fact.actors.get(at).is_some_and(|a| m.matches(a)))
        };
        self.kind == fact.kind
            && actor(&self.from, 0)
            && actor(&self.to, 1)
            && self.unit.as_ref().is_none_or(|u| fact.unit.as_ref() == Some(u))
            && self.period.takes(&fact.valid)
            && !(self.exact && fact.valid.precision == Precision::Window)
            && self.key.as_ref().is_none_or(|m| m.matches(&fact.key))
            && !self.except_key.as_ref().is_some_and(|m| m.matches(&fact.key))
            && self.matching.iter().all(|(name, m)| fact.attribute(name).is_some_and(|a| m.matches(&a)))
            && !self.except.iter().any(|(name, m)| fact.attribute(name).is_some_and(|a| m.matches(&a)))
            && (!self.both || framework.parties.iter().all(|p| involves(fact, framework, p)))
    }
}

fn involves(fact: &Fact, framework: &Framework, party: &str) -> bool {
    fact.actors.iter().any(|a| framework.includes(a, party))
        || fact
            .attributes
            .get("others")
            .and_then(|v| v.as_array())
            .is_some_and(|list| list.iter().filter_map(|v| v.as_str()).any(|a| framework.includes(a, party)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (pattern, text, want) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("*|package-13|*", "EU|package-13|CHN", true),
            ("a*a", "a", false),
            ("a*b*c", "a-b-c", true),
            ("*", "", true),
            ("", "x", false),
        ] {
            assert_eq!(glob(pattern, text), want, "{pattern} on {text}");
        }
    }
}
