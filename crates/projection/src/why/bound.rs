//! Why a bound is crossed or not, and why it presses as hard as it does.

use bellwether_model::framework::Sign;

use super::{Explanation, FactRef, FactRole, InputLine, figure, input_facts, limit_words, show};
use crate::assessment::{Assessment, Trend};
use crate::fold::Projector;
use crate::state::Core;

impl Projector {
    pub(super) fn why_bound(&self, core: &Core<'_>, all: &Assessment, id: &str) -> Option<Explanation> {
        let at = self.index.framework.constraints.iter().position(|c| c.id == id)?;
        let row = self.index.framework.constraints.get(at)?;
        let (state, pressing) = (all.constraints.get(at)?, core.pressing.get(at)?);
        let scale = show(row.scale);
        let mut formula = format!("{} of {}", limit_words(&row.bound), row.of);
        formula.push_str(&match row.inputs.len() {
            0 => format!("; presses by its tightness, 1 at the bound and past it, 0 at {scale} from it"),
            _ => format!(
                "; presses by {} · tightness + sum of weight · sign · reading of its inputs, cut to 0–1; tightness is 1 at the \
                 bound and past it, 0 at {scale} from it",
                show(row.presses)
            ),
        });
        let range = |low: Option<f64>, high: Option<f64>| {
            let end = |v: Option<f64>| v.map_or("unknown".to_owned(), show);
            (low.is_some() || high.is_some()).then(|| format!("{} to {}", end(low), end(high)))
        };
        let way = match state.direction {
            Trend::Up => Some("towards the bound"),
            Trend::Down => Some("away from the bound"),
            Trend::Flat => Some("neither towards the bound nor away from it"),
            Trend::Unknown => None,
        };
        let mut figures = vec![
            figure("value", state.value.map(show)),
            figure("bound", Some(show(state.bound))),
            figure("room left", state.distance.map(show)),
            figure("breached", state.breached.map(|b| b.to_string())),
            figure("may stand now at", range(state.low, state.high)),
            figure("by", Some(pressing.band.words())),
            figure("tightness", pressing.tightness.map(show)),
            figure("strength", state.strength.map(show)),
            figure("strength from", range(state.strength_low, state.strength_high)),
            figure("direction", way.map(str::to_owned)),
        ];
        figures.extend(state.shifts.iter().map(|id| figure("standing shift", Some(id.clone()))));
        let own = InputLine {
            of: row.of.clone(),
            weight: row.presses,
            sign: Sign::Plus,
            points: pressing.tightness.map(|t| 100.0 * row.presses * t),
            reason: "The room left before the bound.".to_owned(),
        };
        let besides = row.inputs.iter().zip(&pressing.parts).map(|(input, part)| InputLine {
            of: input.of.clone(),
            weight: input.weight,
            sign: input.sign,
            points: part.points,
            reason: input.reason.clone(),
        });
        let mut facts: Vec<FactRef> =
            state.evidence.iter().map(|seq| FactRef { seq: *seq, role: FactRole::Value }).collect();
        let others = input_facts(&pressing.strength.evidence);
        facts.extend(others.into_iter().filter(|f| !state.evidence.contains(&f.seq)));
        Some(Explanation {
            id: row.id.clone(),
            kind: "constraint".to_owned(),
            title: row.title.clone(),
            meaning: row.meaning.clone(),
            formula,
            unit: core.measure(&row.of).map(|m| m.1.unit.clone()).unwrap_or_default(),
            reason: row.reason.clone(),
            figures,
            inputs: std::iter::once(own).chain(besides).collect(),
            reports: Vec::new(),
            facts,
        })
    }
}
