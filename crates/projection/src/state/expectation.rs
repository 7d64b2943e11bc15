//! CEL conditions over the rows of a view.

use std::collections::HashMap;

use cel::objects::{Key, Map, Value};
use cel::{Context, Program};

use super::core::Core;
use crate::assessment::Trend;

/// Variables of one view, ready for any number of conditions.
pub(crate) struct Conditions<'a> {
    context: Context<'a, 'a>,
}

impl<'a> Conditions<'a> {
    /// `indicator[ID]` and `measure[ID]` give value, at_least, distance, change, trend; `domain[ID]` gives index
    /// and coverage. What is not known, or stale, is null.
    pub(crate) fn new(core: &Core<'_>) -> Self {
        let mut context = Context::default();
        let count = core.framework.indicators.len();
        let (mut indicators, mut measures) = (HashMap::new(), HashMap::new());
        for (i, eval) in core.measures.iter().enumerate() {
            let state = &eval.state;
            let fresh = |v: Option<f64>| number(v.filter(|_| eval.fresh()));
            let row = map([
                ("value", fresh(state.value)),
                ("at_least", fresh(state.at_least)),
                ("distance", fresh(state.distance)),
                ("change", fresh(state.change_on_year)),
                ("trend", trend(state.trend)),
            ]);
            if i < count { &mut indicators } else { &mut measures }.insert(Key::from(state.id.clone()), row);
        }
        let domains = core
            .framework
            .domains
            .iter()
            .zip(&core.domains)
            .map(|(d, s)| {
                (
                    Key::from(d.id.clone()),
                    map([("index", number(s.level)), ("coverage", number(Some(s.coverage)))]),
                )
            })
            .collect();
        for (name, rows) in [("indicator", indicators), ("measure", measures), ("domain", domains)] {
            context.add_variable_from_value(name, Value::Map(Map { map: std::sync::Arc::new(rows) }));
        }
        Self { context }
    }

    /// Whether a condition holds; `None` when it reads something that is not known.
    pub(crate) fn holds(&self, text: &str) -> Option<bool> {
        match Program::compile(text).ok()?.execute(&self.context) {
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
    Value::String(std::sync::Arc::new(word.to_owned()))
}

fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let map = fields.into_iter().map(|(name, value)| (Key::from(name.to_owned()), value)).collect();
    Value::Map(Map { map: std::sync::Arc::new(map) })
}
