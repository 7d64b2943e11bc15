//! `why`.

use bellwether_model::Record;
use bellwether_projection::{Explanation, Figure, InputLine};
use clap::Args;
use serde::Serialize;

use crate::app::App;
use crate::args::{Format, ViewArgs};
use crate::failure::Failure;
use crate::render::{self, JoinedFact};
use crate::{near, out};

const EXAMPLES: &str = "\
Examples:
  bellwether why economic.trade-total    rule, figures, facts with sources
  bellwether why economic                what each indicator adds
  bellwether why scenario.a-stable-alignment
  bellwether why economic.trade-total --as-of 2022-06-30

Any id that replay, board, gaps or shifts shows can be asked for.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WhyArgs {
    /// Indicator, domain, scenario, shift or any other row
    id: String,
    #[command(flatten)]
    view: ViewArgs,
}

/// An explanation with its facts read from the log.
#[derive(Serialize)]
struct Joined<'a> {
    id: &'a str,
    kind: &'a str,
    title: &'a str,
    meaning: &'a str,
    formula: &'a str,
    unit: &'a str,
    reason: &'a str,
    figures: &'a [Figure],
    inputs: &'a [InputLine],
    facts: &'a [JoinedFact],
}

pub(crate) fn run(app: &mut App, args: &WhyArgs) -> Result<(), Failure> {
    let reading = app.reading(&args.view.knowing)?;
    let view = app.view(&args.view);
    let Some(explained) = reading.projector.why(&args.id, &view) else {
        if matches!(app.out.format(), Format::Json | Format::Ndjson) {
            app.out.json(&None::<Explanation>)?;
        }
        let known = reading.ids(&view);
        return Err(Failure::nothing(
            format!("no row {} in this view", args.id),
            near::remedy(&args.id, known.iter().map(String::as_str), "`bellwether replay` shows all ids"),
        ));
    };
    let mut facts = Vec::with_capacity(explained.facts.len());
    let late = reading.framework.rules.late_copy_days;
    for link in &explained.facts {
        match reading.log.get(link.seq)?.as_ref().and_then(Record::fact) {
            Some(fact) => facts.push(JoinedFact::new(link.seq, link.role, fact, late)),
            None => out::note(&format!("sequence {} holds no fact", link.seq)),
        }
    }
    let Explanation { id, kind, title, meaning, formula, unit, reason, figures, inputs, .. } = &explained;
    let joined = Joined { id, kind, title, meaning, formula, unit, reason, figures, inputs, facts: &facts };
    app.out.page(&joined, |look| render::why(&explained, &facts, look))
}
