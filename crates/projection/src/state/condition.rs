//! CEL conditions over the rows of a view.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use cel::objects::{Key, Map, Value};
use cel::{Context, Env, Program};

use super::past::Row;
use crate::assessment::Trend;

/// A measure as a condition reads it.
pub(crate) struct Named<'a> {
    pub(crate) id: &'a str,
    /// Read as `indicator[ID]`, else as `measure[ID]`.
    pub(crate) indicator: bool,
    pub(crate) row: Row,
    pub(crate) trend: Trend,
}

/// A domain as a condition reads it: id, index, coverage.
pub(crate) type NamedDomain<'a> = (&'a str, Option<f64>, f64);

/// Variables of one view, ready for any number of conditions.
pub(crate) struct Conditions {
    context: Context<'static, 'static>,
}

impl Conditions {
    /// Conditions over no rows.
    pub(crate) fn new() -> Self {
        // The functions of the language are the same everywhere; to list them costs more than most conditions.
        static ENV: OnceLock<Arc<Env>> = OnceLock::new();
        Self { context: Context::with_env(Arc::clone(ENV.get_or_init(|| Arc::new(Env::stdlib())))) }
    }

    /// Replaces the rows. `indicator[ID]` and `measure[ID]` give value, at_least, distance, change, trend;
    /// `domain[ID]` gives index and coverage. What is not known, or stale, is null.
    pub(crate) fn set<'n>(
        &mut self,
        measures: impl Iterator<Item = Named<'n>>,
        domains: impl Iterator<Item = NamedDomain<'n>>,
    ) {
        let (mut indicators, mut others) = (HashMap::new(), HashMap::new());
        for named in measures {
            let Row { value, at_least, distance, change } = named.row;
            let row = map([
                ("value", number(value)),
                ("at_least", number(at_least)),
                ("distance", number(distance)),
                ("change", number(change)),
                ("trend", trend(named.trend)),
            ]);
            if named.indicator { &mut indicators } else { &mut others }
                .insert(Key::from(named.id.to_owned()), row);
        }
        let domains = domains
            .map(|(id, index, coverage)| {
                (
                    Key::from(id.to_owned()),
                    map([("index", number(index)), ("coverage", number(Some(coverage)))]),
                )
            })
            .collect();
        for (name, rows) in [("indicator", indicators), ("measure", others), ("domain", domains)] {
            self.context.add_variable_from_value(name, Value::Map(Map { map: Arc::new(rows) }));
        }
    }

    /// Whether a condition holds; `None` when it reads something that is not known.
    pub(crate) fn run(&self, program: &Program) -> Option<bool> {
        match program.execute(&self.context) {
            Ok(Value::Bool(holds)) => Some(holds),
            _ => None,
        }
    }
}

fn number(value: Option<f64>) -> Value {
    value.map_or(Value::Null, Value::Float)
}

fn trend(trend: Trend) -> Value {
    let word = match trend {
        Trend::Up => "up",
        Trend::Flat => "flat",
        Trend::Down => "down",
        Trend::Unknown => return Value::Null,
    };
    Value::String(Arc::new(word.to_owned()))
}

fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let map = fields.into_iter().map(|(name, value)| (Key::from(name.to_owned()), value)).collect();
    Value::Map(Map { map: Arc::new(map) })
}
