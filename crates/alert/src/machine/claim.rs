//! What a firing claims, for a backtest.

use bellwether_model::framework::Framework;
use bellwether_projection::Assessment;
use cel::Value;

use super::Machine;
use crate::expression::Compiled;
use crate::scope::Scope;
use crate::{AlertEvent, time};

impl Machine {
    /// Domain (or `any`) and directions that the rule of an event claims, from the assessment of the event's moment; `None`
    /// for a rule without `backtest`, or when a claim reads something that is not known.
    pub fn claim(
        &self,
        event: &AlertEvent,
        assessment: &Assessment,
        framework: &Framework,
    ) -> Option<(String, Vec<String>)> {
        let (_, ready) = self.rules.ready(self.rules.position(&event.rule)?)?;
        let scope = Scope::new(time::parse(&event.at)?, assessment, framework);
        let get = |of: &Compiled| {
            let read = |r| scope.value(r, event.subject.as_deref());
            self.engine.get(of, &of.reads.iter().map(read).collect::<Vec<_>>())
        };
        let Some(Value::String(domain)) = get(ready.domain.as_ref()?) else { return None };
        let Some(Value::List(directions)) = get(ready.directions.as_ref()?) else { return None };
        let directions = directions.iter().filter_map(|d| match d {
            Value::String(text) => Some(text.to_string()),
            _ => None,
        });
        Some((domain.to_string(), directions.collect()))
    }
}
