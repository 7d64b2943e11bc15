//! Rows made from other rows: roles, drivers, frictions, implications, characters, asymmetries, constraints, balance.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a rise means for alignment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sign {
    /// A rise means more.
    #[serde(rename = "+")]
    Plus,
    /// A rise means less.
    #[serde(rename = "-")]
    Minus,
    /// Context only.
    #[default]
    #[serde(rename = "0")]
    Zero,
}

impl Sign {
    /// +1, −1 or 0.
    pub fn factor(self) -> f64 {
        match self {
            Sign::Plus => 1.0,
            Sign::Minus => -1.0,
            Sign::Zero => 0.0,
        }
    }
}

/// How an input becomes a strength between −1 and 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum As {
    /// tanh(z / 2) of the standardised distance; a domain's index or a composite's level over 100.
    #[default]
    Distance,
    /// Position of the value on the measure's scale, 0–1.
    Scale,
    /// Probability of a scenario, 0–1.
    Probability,
    /// Of a measure: 1 while a change upwards stands, −1 downwards, 0 where a change would have shown.
    Shift,
}

/// One input of a composite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Id of an indicator, measure, domain, scenario or earlier composite.
    pub of: String,
    /// Weight, 0–1; the weights of a row add to 1.
    pub weight: f64,
    /// Direction.
    #[serde(default = "plus")]
    pub sign: Sign,
    /// How it is read.
    #[serde(default, rename = "as")]
    pub reading: As,
    /// Why it is here.
    pub reason: String,
}

fn plus() -> Sign {
    Sign::Plus
}

/// How a composite's inputs make its level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CompositeFormula {
    /// Σ 100 · w · sign · strength; null under the least coverage.
    #[default]
    Points,
    /// Highest minus lowest index of the domains named; null under three of them.
    Spread,
    /// 100 × Spearman rank correlation of domain indices with the stated `ranks`; null under four domains.
    Rank,
    /// 100 × share of positive driver levels that is marked constraint-driven; null under two drivers.
    ConstraintShare,
}

/// A row with a level between −100 and 100.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Composite {
    /// `role.…`, `driver.…`, `friction.…`, `implication.…`, `character.…`.
    pub id: String,
    /// Heading.
    pub title: String,
    /// What the level says.
    pub meaning: String,
    /// Party that the row concerns, for roles.
    #[serde(default)]
    pub party: Option<String>,
    /// What a rise means for alignment, for drivers and frictions.
    #[serde(default)]
    pub sign: Sign,
    /// Driver imposed from outside rather than wanted: counts in the constraint share.
    #[serde(default)]
    pub constraint: bool,
    /// Unit of the level.
    #[serde(default = "points")]
    pub unit: String,
    /// How inputs make the level.
    #[serde(default)]
    pub formula: CompositeFormula,
    /// Inputs; for `spread`, `rank` and `constraint-share` the rows it ranges over.
    pub inputs: Vec<Input>,
    /// Stated ranks of `rank`, 1 highest.
    #[serde(default)]
    pub ranks: BTreeMap<String, f64>,
    /// Why it is built so.
    pub reason: String,
}

fn points() -> String {
    "points".to_owned()
}

/// Two dependences to weigh against each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// Measure: how far the second party depends on the first.
    pub a: String,
    /// Measure: how far the first party depends on the second.
    pub b: String,
    /// What the pair compares and how far it may be trusted.
    pub reason: String,
}

/// A one-sided dependence: ln(a / b); positive favours the first party.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asymmetry {
    /// `asymmetry.…`.
    pub id: String,
    /// Heading.
    pub title: String,
    /// What the number says.
    pub meaning: String,
    /// Pairs, best first; the pair with the most recent older half is used.
    pub pairs: Vec<Pair>,
    /// Why it is built so.
    pub reason: String,
}

/// A limit on a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Breached above this.
    #[serde(default)]
    pub max: Option<f64>,
    /// Breached below this.
    #[serde(default)]
    pub min: Option<f64>,
}

/// A bound of the envelope; crossing it is a first-class shift.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constraint {
    /// `constraint.…`.
    pub id: String,
    /// Heading.
    pub title: String,
    /// What the bound says.
    pub meaning: String,
    /// Indicator or measure whose value is bounded.
    pub of: String,
    /// The bound, in the measure's unit.
    pub bound: Limit,
    /// Distance from the bound, in the measure's unit, from which the constraint exerts no pull.
    pub scale: f64,
    /// Weight of the room left in how hard the bound presses, at least a half; with the weights of `inputs` it adds to 1.
    #[serde(default = "whole", skip_serializing_if = "is_whole")]
    pub presses: f64,
    /// What else makes it press: scenarios and standing changes. A breach asks the figure alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
    /// Why this bound and scale.
    pub reason: String,
}

fn whole() -> f64 {
    1.0
}

// What says nothing of it has the hash that it had before there was such a weight.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_whole(presses: &f64) -> bool {
    *presses == 1.0
}

/// Incentives for alignment minus incentives for separation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// `balance.…`.
    pub id: String,
    /// Heading.
    pub title: String,
    /// What the number says.
    pub meaning: String,
    /// Parts: drivers, roles, frictions, constraints; the weights add to 1.
    pub inputs: Vec<Input>,
    /// Why these weights.
    pub reason: String,
}
