//! Fact types: what may be stated, in which unit, with which particulars (`config/facts.toml`).

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::locate::Step;
use crate::period::plus_days;
use crate::{Basis, Fact, Locator, Op, Problem, Problems, Stamp};

/// How valid time reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Temporal {
    /// Accumulates over its period; counts once the period is over.
    Flow,
    /// Holds from its start until superseded.
    State,
    /// Happens; counts from its start.
    Instant,
}

/// Whether a fact of the type carries a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueRule {
    /// Must be there.
    Required,
    /// May be there.
    #[default]
    Optional,
}

/// From where an assumed publication is reckoned when the source states none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Anchor {
    Start,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Assume {
    after: Anchor,
    days: u32,
}

/// Plausibility limits of a value in one unit; outside them a record is held, never clipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plausible {
    /// Unit the limits are in.
    pub unit: String,
    /// Least plausible value.
    #[serde(default)]
    pub min: Option<Decimal>,
    /// Greatest plausible value.
    #[serde(default)]
    pub max: Option<Decimal>,
    /// Only for facts whose attributes equal these.
    #[serde(default, rename = "where")]
    pub matching: BTreeMap<String, String>,
    /// Only for facts between these actors, in either order; empty means any.
    #[serde(default)]
    pub between: Vec<String>,
}

/// One fact type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactType {
    /// Name, `group.thing`.
    #[serde(rename = "type")]
    pub name: String,
    /// One line: what a fact of this type says.
    pub meaning: String,
    /// How its valid time reads.
    pub temporal: Temporal,
    /// Units a value may come in; empty when the type carries none.
    #[serde(default)]
    pub units: Vec<String>,
    /// Whether a value must be there.
    #[serde(default)]
    pub value: ValueRule,
    /// Attributes that must be there and not be blank.
    #[serde(default)]
    pub required: Vec<String>,
    /// Assumed publication; absent means that a blank publication is never assumed.
    #[serde(default)]
    assume: Option<Assume>,
    /// Plausibility limits.
    #[serde(default)]
    pub plausible: Vec<Plausible>,
}

/// An interval longer than this has a start that says nothing about when it was reported.
const START_MEANINGLESS_DAYS: i64 = 366;

impl FactType {
    /// Day on which a fact without stated publication is assumed to have been published.
    ///
    /// Events count from their start, periods from their end; an interval of more than a year always from its end.
    pub fn assumed_publication(&self, fact: &Fact) -> Option<Stamp> {
        let assume = self.assume?;
        let from = match assume.after {
            Anchor::Start if fact.valid.days() <= START_MEANINGLESS_DAYS => fact.valid.start,
            _ => fact.valid.end_or_start(),
        };
        Some(Stamp::Day(plus_days(from, assume.days).date_naive()))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    fact: Vec<FactType>,
}

/// The registry of fact types, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct FactTypes {
    by_name: BTreeMap<String, FactType>,
}

impl FactTypes {
    /// Parses `config/facts.toml`.
    ///
    /// Errors: every syntax error, duplicate name, name without a dot, required value without a unit, and
    /// plausibility limit in a unit that the type does not have, each with its line.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        let locator = Locator::new(file, text)?;
        let parsed: File = locator.parse()?;
        let mut problems = Problems::default();
        let mut by_name = BTreeMap::new();
        for (i, fact) in parsed.fact.into_iter().enumerate() {
            let at = |field: &'static str| [Step::Key("fact"), Step::At(i), Step::Key(field)];
            // Judgements are of no group: they say which indicator they are about.
            if !fact.name.contains('.') && fact.name != "judgement" {
                problems.push(locator.problem(
                    &at("type"),
                    "a fact type is named group.thing",
                    "write a dot in it",
                ));
            }
            if fact.value == ValueRule::Required && fact.units.is_empty() {
                problems.push(locator.problem(
                    &at("value"),
                    "a required value needs a unit",
                    "add units = [\"…\"]",
                ));
            }
            for limit in &fact.plausible {
                if !fact.units.contains(&limit.unit) {
                    problems.push(locator.problem(
                        &at("plausible"),
                        format!("the limit's unit {} is none of the type's units", limit.unit),
                        "use one of its units",
                    ));
                }
            }
            if by_name.contains_key(&fact.name) {
                problems.push(locator.problem(
                    &at("type"),
                    "the fact type is defined twice",
                    "remove one of them",
                ));
            }
            by_name.insert(fact.name.clone(), fact);
        }
        problems.into_result(Self { by_name })
    }

    /// BLAKE3 of all types, 64 hexadecimal digits; blind to comments, layout and the order in the file.
    pub fn hash(&self) -> String {
        blake3::hash(&serde_json::to_vec(self).unwrap_or_default()).to_hex().to_string()
    }

    /// The type of that name.
    pub fn get(&self, name: &str) -> Option<&FactType> {
        self.by_name.get(name)
    }

    /// All types, in name order.
    pub fn iter(&self) -> impl Iterator<Item = &FactType> {
        self.by_name.values()
    }

    /// The registry cut down to some names: what a framework hash covers.
    pub fn only<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> BTreeMap<&'a str, &FactType> {
        names.into_iter().filter_map(|name| self.by_name.get(name).map(|t| (name, t))).collect()
    }

    /// Checks a fact against its type. A retraction needs only a known type.
    ///
    /// Errors name the field and the remedy; file and line are the caller's to add.
    pub fn check(&self, fact: &Fact) -> Result<(), Problem> {
        let Some(kind) = self.by_name.get(&fact.kind) else {
            return Err(Problem::new("unknown fact type", self.suggest(&fact.kind))
                .field("fact_type")
                .text(&fact.kind));
        };
        if fact.op == Op::Retract {
            return Ok(());
        }
        for name in &kind.required {
            if fact.attribute(name).is_none_or(|text| text.trim().is_empty()) {
                return Err(Problem::new(
                    format!("{} needs the attribute {name}", kind.name),
                    format!("add \"{name}\" to attributes"),
                )
                .field("attributes"));
            }
        }
        match (fact.value, fact.unit.as_deref()) {
            (None, _) if kind.value == ValueRule::Required => {
                return Err(Problem::new(
                    format!("{} needs a value", kind.name),
                    format!("give a number in {}", kind.units.join(" or ")),
                )
                .field("value"));
            }
            (Some(value), Some(unit)) if !unit.is_empty() => self.check_value(kind, fact, value, unit)?,
            (Some(value), _) => {
                return Err(Problem::new(
                    "a value without a unit",
                    format!("use {}", kind.units.join(" or ")),
                )
                .field("unit")
                .text(value.to_string()));
            }
            _ => {}
        }
        Ok(())
    }

    fn check_value(&self, kind: &FactType, fact: &Fact, value: Decimal, unit: &str) -> Result<(), Problem> {
        if !kind.units.iter().any(|u| u == unit) {
            let remedy = if kind.units.is_empty() {
                "leave value and unit blank".to_owned()
            } else {
                format!("use {}", kind.units.join(" or "))
            };
            return Err(Problem::new(format!("{} has no unit {unit}", kind.name), remedy)
                .field("unit")
                .text(unit));
        }
        for limit in kind.plausible.iter().filter(|l| l.unit == unit && l.applies(fact)) {
            let low = limit.min.is_some_and(|min| value < min);
            let high = limit.max.is_some_and(|max| value > max);
            if low || high {
                let bound = if low { limit.min } else { limit.max }.unwrap_or_default();
                let side = if low { "below" } else { "above" };
                return Err(Problem::new(
                    format!("implausible value: {side} the limit of {bound} {unit} for {}", kind.name),
                    "check the figure at its source; raise the limit in config/facts.toml if it is right, then retry",
                )
                .field("value")
                .text(value.to_string()));
            }
        }
        Ok(())
    }

    /// Fills the publication of a fact that states none: assumed by the type's rule, else recorded.
    pub fn settle_publication(&self, fact: &mut Fact, may_assume: bool) {
        if fact.published_at.is_some() && fact.published_basis == Basis::Stated {
            return;
        }
        let assumed =
            self.by_name.get(&fact.kind).filter(|_| may_assume).and_then(|t| t.assumed_publication(fact));
        fact.published_basis = if assumed.is_some() { Basis::Assumed } else { Basis::Recorded };
        fact.published_at = assumed;
    }

    /// Remedy for an unknown type: the nearest known one, when there is any near.
    fn suggest(&self, name: &str) -> String {
        let group = name.split('.').next().unwrap_or_default();
        let near: Vec<&str> =
            self.by_name.keys().map(String::as_str).filter(|k| k.split('.').next() == Some(group)).collect();
        if near.is_empty() {
            "define it in config/facts.toml or correct the name".to_owned()
        } else {
            format!("known here: {}; or define it in config/facts.toml", near.join(", "))
        }
    }
}

impl Plausible {
    fn applies(&self, fact: &Fact) -> bool {
        let attributes = self
            .matching
            .iter()
            .all(|(name, want)| fact.attribute(name).is_some_and(|have| have == want.as_str()));
        let actors = self.between.is_empty()
            || (fact.actors.len() == self.between.len()
                && self.between.iter().all(|a| fact.actors.contains(a)));
        attributes && actors
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Evidence, Period, parse_moment};

    const TOML: &str = r#"
[[fact]]
type = "finance.reserve_share"
meaning = "share of a currency in reserves"
temporal = "state"
units = ["share"]
value = "required"
required = ["definition"]
assume = { after = "end", days = 30 }
plausible = [{ unit = "share", min = "0", max = "1" }]

[[fact]]
type = "visit.held"
meaning = "a visit"
temporal = "instant"
assume = { after = "start", days = 7 }
"#;

    fn fact(kind: &str, value: Option<&str>, unit: Option<&str>) -> Fact {
        Fact {
            id: uuid::Uuid::nil(),
            op: Op::Assert,
            kind: kind.into(),
            source: "test".into(),
            key: "k".into(),
            valid: Period::range(parse_moment("2020-01-01").unwrap(), parse_moment("2020-02-01").unwrap())
                .unwrap(),
            published_at: None,
            published_basis: Basis::Recorded,
            actors: vec!["RUS".into(), "CHN".into()],
            value: value.map(|v| v.parse().unwrap()),
            unit: unit.map(str::to_owned),
            grade: "B2".parse().unwrap(),
            attributes: [("definition".to_owned(), "x".into())].into(),
            evidence: Evidence::default(),
            note: None,
        }
    }

    #[test]
    fn each_misfit_names_its_field_and_remedy() {
        let types = FactTypes::parse("facts.toml", TOML).unwrap();
        let field = |f: &Fact| types.check(f).map_err(|p| (p.field, !p.remedy.is_empty()));
        assert_eq!(field(&fact("finance.reserve_share", Some("0.13"), Some("share"))), Ok(()));
        assert_eq!(field(&fact("finance.reserve_share", None, None)), Err(("value".into(), true)));
        assert_eq!(
            field(&fact("finance.reserve_share", Some("13"), Some("USD"))),
            Err(("unit".into(), true))
        );
        assert_eq!(
            field(&fact("finance.reserve_share", Some("-0.1"), Some("share"))),
            Err(("value".into(), true))
        );
        assert_eq!(
            field(&fact("finance.reserv", Some("0.1"), Some("share"))),
            Err(("fact_type".into(), true))
        );
        let mut blank = fact("finance.reserve_share", Some("0.1"), Some("share"));
        blank.attributes.clear();
        assert_eq!(field(&blank), Err(("attributes".into(), true)));
    }

    #[test]
    fn a_blank_publication_is_assumed_by_type_or_only_recorded() {
        let types = FactTypes::parse("facts.toml", TOML).unwrap();
        let settled = |kind: &str, may: bool| {
            let mut f = fact(kind, None, None);
            types.settle_publication(&mut f, may);
            (f.published_basis, f.published_at.map(|s| s.to_string()))
        };
        assert_eq!(settled("finance.reserve_share", true), (Basis::Assumed, Some("2020-03-02".into())));
        assert_eq!(settled("visit.held", true), (Basis::Assumed, Some("2020-01-08".into())));
        assert_eq!(settled("visit.held", false), (Basis::Recorded, None));
    }

    #[test]
    fn a_registry_names_the_line_of_each_fault() {
        let bad = "[[fact]]\ntype = \"nodot\"\nmeaning = \"m\"\ntemporal = \"flow\"\nvalue = \"required\"\n";
        let problems = FactTypes::parse("facts.toml", bad).unwrap_err();
        let lines: Vec<usize> = problems.0.iter().map(|p| p.line).collect();
        assert_eq!(lines, [2, 5], "{problems}");
    }
}
