//! What makes a bound press, and what was meant by an id that does not exist.

use super::{Checker, SUM_TOLERANCE};
use crate::framework::composite::{As, Constraint, Input};
use crate::locate::Step;
use crate::near::near;

impl<'a> Checker<'a> {
    /// What makes a bound press: its own figure first, besides only scenarios and standing changes.
    pub(super) fn pressing(&mut self, i: usize, c: &'a Constraint) {
        let path = [Step::Key("constraint"), Step::At(i), Step::Key("inputs")];
        let outside = |input: &Input| matches!(input.reading, As::Probability | As::Shift);
        for (k, input) in c.inputs.iter().enumerate() {
            let at = |field: &'static str| {
                [Step::Key("constraint"), Step::At(i), Step::Key("inputs"), Step::At(k), Step::Key(field)]
            };
            if !self.stages.contains_key(input.of.as_str()) {
                let remedy = self.near(&input.of);
                self.push(&at("of"), format!("unknown id {}", input.of), remedy);
                continue;
            }
            self.reading(&path, k, input);
            if c.inputs.iter().take(k).any(|i| i.of == input.of && i.reading == input.reading) {
                let message = format!("{} is read twice in the same way", input.of);
                self.push(&at("of"), message, "keep one, with both weights");
            }
            let scenario = self.framework.scenarios.iter().any(|s| s.id == input.of);
            if !scenario && !outside(input) {
                self.push(
                    &at("of"),
                    "beside its figure a constraint reads scenarios and shifts only",
                    "add as = \"shift\", or name a scenario with as = \"probability\"",
                );
            }
            if !(input.weight > 0.0 && input.weight <= 0.5) {
                self.push(&at("weight"), "a weight lies above 0 and at most at a half", "correct it");
            }
        }
        let sum: f64 = c.presses + c.inputs.iter().map(|x| x.weight).sum::<f64>();
        let at = [Step::Key("constraint"), Step::At(i), Step::Key("presses")];
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            self.push(
                &at,
                format!("presses and the input weights add to {sum:.6}, not 1"),
                "correct the weights",
            );
        } else if c.presses < 0.5 {
            self.push(
                &at,
                "the bound's own figure is the main part of it",
                "give presses at least a half, the inputs the rest",
            );
        }
    }

    /// Remedy for an unknown id: the one nearest to it.
    pub(super) fn near(&self, wanted: &str) -> String {
        near(wanted, self.stages.keys().copied()).map_or_else(
            || "name a scenario, an indicator or a measure of this file".to_owned(),
            |id| format!("did you mean {id}?"),
        )
    }
}
