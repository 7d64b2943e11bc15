//! `why`.

use bellwether_alert::is_alert;
use bellwether_server::api::Explained;
use clap::Args;

use crate::alerts;
use crate::app::App;
use crate::args::{Format, ViewArgs};
use crate::failure::Failure;
use crate::render;

const EXAMPLES: &str = "\
Examples:
  bellwether why economic.trade-total    rule, figures, facts with sources
  bellwether why economic                what each indicator adds
  bellwether why scenario.a-stable-alignment
  bellwether why economic.trade-total --as-of 2022-06-30
  bellwether why trade-2027-260          a forecast question
  bellwether why alert.envelope-breach.constraint.trust.alliance

Any id that replay, board, gaps, shifts, forecast list or alerts shows
can be asked for. Why an alert fired has no view: it is told as it was.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WhyArgs {
    /// Indicator, domain, scenario, shift, forecast question or any other row
    id: String,
    #[command(flatten)]
    view: ViewArgs,
}

pub(crate) fn run(app: &mut App, args: &WhyArgs) -> Result<(), Failure> {
    if is_alert(&args.id) {
        // An alert is what was said then: no view changes it.
        let why = alerts::why(app, &args.id)?;
        return app.out.page(&why, |look| render::why_alert(&why, look));
    }
    let reading = app.reading(&args.view.knowing)?;
    // A fault in a question is no reason to say nothing of an indicator: `check` and `forecast` tell of it.
    let (questions, view) = (app.questions().unwrap_or_default(), app.view(&args.view));
    match reading.why(&questions, &args.id, &view) {
        Ok(explained) => app.out.page(&explained, |look| render::why(&explained, look)),
        Err(failure) => {
            if failure.exit_code() == 4 && matches!(app.out.format(), Format::Json | Format::Ndjson) {
                app.out.json(&None::<Explained>)?;
            }
            Err(failure)
        }
    }
}
