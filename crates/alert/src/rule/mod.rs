//! A rule as `config/rules/*.toml` states it.

mod check;
mod compile;
pub(crate) mod duration;
mod inhibit;
mod read;
mod set;

pub(crate) use compile::Ready;
pub(crate) use duration::words as duration_words;
pub use inhibit::{Inhibit, Matchers};
pub use set::RuleSet;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// To be read with the morning's papers.
    Info,
    /// To be looked at today.
    Warning,
    /// To be looked at now.
    Critical,
}

/// Rows that a rule is asked about, one alert a row. The names are those of the assessment's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Each {
    /// Domains.
    Domains,
    /// Indicators.
    Indicators,
    /// Further measures.
    Measures,
    /// Characters, roles, drivers, frictions and implications.
    Levels,
    /// Asymmetries.
    Asymmetries,
    /// Constraints.
    Constraints,
    /// Scenarios.
    Scenarios,
    /// Standing expectations of the domains.
    Expectations,
    /// Divergence measures.
    Divergences,
    /// Flagged shifts.
    Shifts,
}

/// A CEL expression with its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    /// Text as it stands in the file.
    pub text: String,
    /// Line on which the text begins, from 1.
    pub line: usize,
}

/// What a firing of the rule claims, for `backtest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// CEL giving a domain id, or `"any"`.
    pub domain: Expression,
    /// CEL giving a list of expected directions of reference events: `alignment_up`, `alignment_down`, `envelope`,
    /// `shock`.
    pub directions: Expression,
}

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Short name, unique among all files.
    pub id: String,
    /// Heading.
    pub title: String,
    /// Rows it is asked about; absent: asked once, about the whole assessment.
    pub each: Option<Each>,
    /// Which of the rows it concerns, by what never changes about a row (`row.id`, `row.kind`, …).
    pub only: Option<Expression>,
    /// When it trips. Reading something unknown gives neither yes nor no.
    pub when: Expression,
    /// When a firing alert recovers; absent: when `when` is known not to hold. Never by missing data.
    pub until: Option<Expression>,
    /// How long `when` must hold before it fires.
    pub hold: TimeDelta,
    /// How long `until` must hold before it resolves.
    pub keep: TimeDelta,
    /// After how long an alert about a happening resolves by itself; absent: never.
    pub expires: Option<TimeDelta>,
    /// Severity.
    pub severity: Severity,
    /// Fixed labels; `rule`, `subject`, `domain`, `severity` and `kind` are added.
    pub labels: BTreeMap<String, String>,
    /// Labels whose equal values put alerts into one notification.
    pub group_by: Vec<String>,
    /// Sentence with `{CEL}` in braces.
    pub summary: String,
    /// What to do.
    pub runbook: String,
    /// Why this threshold.
    pub reason: String,
    /// What a firing claims; absent: the rule is left out of a backtest.
    pub backtest: Option<Mapping>,
    /// Numbers that its expressions read as `parameter.NAME`, for `backtest --sweep`.
    pub parameters: BTreeMap<String, f64>,
    /// File that it stands in.
    pub file: String,
    /// Line on which it begins, from 1.
    pub line: usize,
    /// The rule's own text as it stands in the file.
    pub text: String,
    /// BLAKE3 over everything but comments, `title`, `runbook` and `reason`: what it does, not what it says.
    pub version: String,
}

/// Labels that every alert may get beside those of its rule.
const ADDED: [&str; 5] = ["rule", "subject", "domain", "severity", "kind"];

/// What is known of a label before there is an alert.
pub(crate) enum Known<'r> {
    /// Its value.
    Value(&'r str),
    /// It comes from the row.
    OfARow,
    /// No alert of the rule has it.
    Never,
}

impl Rule {
    /// What its alerts have under a label.
    pub(crate) fn label(&self, name: &str) -> Known<'_> {
        match name {
            "rule" => Known::Value(&self.id),
            "severity" => Known::Value(self.severity.word()),
            name if ADDED.contains(&name) => Known::OfARow,
            name => self.labels.get(name).map_or(Known::Never, |value| Known::Value(value)),
        }
    }
}

impl Severity {
    /// As files and labels write it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }
}
