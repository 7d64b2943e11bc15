//! What rules may read: the rows of an assessment by table, and the type of each of their fields.

use cel::Value;
use cel::objects::{Key, Map};
use std::sync::Arc;

use crate::Each;

/// A list of rows, or one of the two things that are one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Table {
    Domains,
    Indicators,
    Measures,
    Levels,
    Asymmetries,
    Constraints,
    Scenarios,
    Divergences,
    Expectations,
    Shifts,
    Balance,
    Fit,
}

/// Type of a field as an expression sees it: numbers are doubles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Number,
    Text,
    Flag,
    Numbers,
    Texts,
    /// A map of texts with these keys.
    Texted(&'static [&'static str]),
    /// A list of maps: keys of texts, of numbers.
    Maps(&'static [&'static str], &'static [&'static str]),
}

type Fields = &'static [(&'static str, Type)];

use Type::{Flag, Maps, Number, Numbers, Text, Texted, Texts};

const DOMAIN: Fields = &[
    ("id", Text),
    ("title", Text),
    ("domain", Text),
    ("index", Number),
    ("low", Number),
    ("high", Number),
    ("trajectory", Text),
    ("coverage", Number),
    ("confidence", Text),
    ("contributions", Maps(&["indicator"], &["points"])),
    ("expectations", Maps(&["id", "why"], &[])),
];
const MEASURE: Fields = &[
    ("id", Text),
    ("title", Text),
    ("domain", Text),
    ("sign", Number),
    ("unit", Text),
    ("value", Number),
    ("at_least", Number),
    ("period", Texted(&["start", "end"])),
    ("published_at", Text),
    ("published_basis", Text),
    ("vintages", Number),
    ("conflict", Flag),
    ("change_on_year", Number),
    ("distance", Number),
    ("trend", Text),
    ("stale", Flag),
    ("due", Text),
    ("detection_limit", Text),
    ("shifts", Texts),
    ("evidence", Numbers),
    ("also", Maps(&["name", "unit"], &["value", "vintages"])),
];
const LEVEL: Fields = &[
    ("id", Text),
    ("kind", Text),
    ("title", Text),
    ("sign", Number),
    ("party", Text),
    ("level", Number),
    ("low", Number),
    ("high", Number),
    ("direction", Text),
    ("evidence", Numbers),
];
const ASYMMETRY: Fields = &[
    ("id", Text),
    ("title", Text),
    ("value", Number),
    ("direction", Text),
    ("toward", Text),
    ("evidence", Numbers),
];
const CONSTRAINT: Fields = &[
    ("id", Text),
    ("title", Text),
    ("of", Text),
    ("domain", Text),
    ("scale", Number),
    ("value", Number),
    ("bound", Number),
    ("distance", Number),
    ("breached", Flag),
    ("evidence", Numbers),
    ("strength", Number),
    ("strength_low", Number),
    ("strength_high", Number),
    ("low", Number),
    ("high", Number),
    ("direction", Text),
    ("shifts", Texts),
];
const SCENARIO: Fields = &[
    ("id", Text),
    ("title", Text),
    ("prior", Number),
    ("probability", Number),
    ("words", Text),
    ("moved_by", Maps(&["indicator"], &["log_odds"])),
];
const DIVERGENCE: Fields = &[
    ("id", Text),
    ("kind", Text),
    ("of", Text),
    ("title", Text),
    ("domain", Text),
    ("sign", Number),
    ("value", Number),
    ("threshold", Number),
    ("tripped", Flag),
];
const EXPECTATION: Fields =
    &[("id", Text), ("domain", Text), ("title", Text), ("holds", Flag), ("why", Text)];
const SHIFT: Fields = &[
    ("id", Text),
    ("indicator", Text),
    ("title", Text),
    ("domain", Text),
    ("sign", Number),
    ("detector", Text),
    ("kind", Text),
    ("direction", Text),
    ("known_at", Text),
    ("onset", Texted(&["at", "low", "high"])),
    ("size", Number),
    ("sigmas", Number),
    ("statistic", Number),
    ("threshold", Number),
    ("provisional", Flag),
    ("late", Flag),
    ("evidence", Numbers),
    ("age_days", Number),
    ("onset_days", Number),
];
const BALANCE: Fields = &[
    ("id", Text),
    ("title", Text),
    ("value", Number),
    ("low", Number),
    ("high", Number),
    ("parts", Maps(&["id"], &["points"])),
    ("band", Maps(&["from"], &["points"])),
    ("under", Maps(&["id"], &["value"])),
];

/// Fields that depend on the moment and not only on what is known.
const CLOCKED: [&str; 2] = ["age_days", "onset_days"];

/// Names under which an expression finds rows.
pub(crate) const ROOTS: [(&str, Table); 11] = [
    ("domain", Table::Domains),
    ("indicator", Table::Indicators),
    ("measure", Table::Measures),
    ("level", Table::Levels),
    ("asymmetry", Table::Asymmetries),
    ("constraint", Table::Constraints),
    ("scenario", Table::Scenarios),
    ("divergence", Table::Divergences),
    ("expectation", Table::Expectations),
    ("balance", Table::Balance),
    ("fit", Table::Fit),
];

impl Table {
    /// The table that a name of [`ROOTS`] stands for.
    pub(crate) fn named(root: &str) -> Option<Self> {
        ROOTS.iter().find(|(name, _)| *name == root).map(|(_, table)| *table)
    }

    /// Fields with their types.
    pub(crate) fn fields(self) -> Fields {
        match self {
            Table::Domains => DOMAIN,
            Table::Indicators | Table::Measures => MEASURE,
            Table::Levels => LEVEL,
            Table::Asymmetries => ASYMMETRY,
            Table::Constraints => CONSTRAINT,
            Table::Scenarios => SCENARIO,
            Table::Divergences => DIVERGENCE,
            Table::Expectations => EXPECTATION,
            Table::Shifts => SHIFT,
            Table::Balance => BALANCE,
            Table::Fit => &[("", Number)],
        }
    }

    /// Type of a field, where there is one of the name.
    pub(crate) fn field(self, name: &str) -> Option<Type> {
        self.fields().iter().find(|(field, _)| *field == name).map(|(_, kind)| *kind)
    }

    /// Whether the field changes by time alone.
    pub(crate) fn clocked(self, field: &str) -> bool {
        self == Table::Shifts && CLOCKED.contains(&field)
    }
}

impl From<Each> for Table {
    fn from(each: Each) -> Self {
        match each {
            Each::Domains => Table::Domains,
            Each::Indicators => Table::Indicators,
            Each::Measures => Table::Measures,
            Each::Levels => Table::Levels,
            Each::Asymmetries => Table::Asymmetries,
            Each::Constraints => Table::Constraints,
            Each::Scenarios => Table::Scenarios,
            Each::Expectations => Table::Expectations,
            Each::Divergences => Table::Divergences,
            Each::Shifts => Table::Shifts,
        }
    }
}

impl Type {
    /// Some value of the type, to try an expression with.
    pub(crate) fn sample(self) -> Value {
        let text = || Value::String(Arc::new("a".to_owned()));
        let texts =
            |keys: &[&str]| keys.iter().map(|k| (Key::from((*k).to_owned()), text())).collect::<Vec<_>>();
        match self {
            Number => Value::Float(1.5),
            Text => text(),
            Flag => Value::Bool(true),
            Numbers => Value::List(Arc::new(vec![Value::Float(1.5)])),
            Texts => Value::List(Arc::new(vec![text()])),
            Texted(keys) => Value::Map(Map { map: Arc::new(texts(keys).into_iter().collect()) }),
            Maps(keys, numbers) => {
                let numbers = numbers.iter().map(|k| (Key::from((*k).to_owned()), Value::Float(1.5)));
                let map = texts(keys).into_iter().chain(numbers).collect();
                Value::List(Arc::new(vec![Value::Map(Map { map: Arc::new(map) })]))
            }
        }
    }
}
