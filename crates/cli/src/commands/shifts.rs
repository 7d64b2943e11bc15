//! `shifts`.

use clap::Args;

use crate::app::App;
use crate::args::ViewArgs;
use crate::failure::Failure;
use crate::render;

const EXAMPLES: &str = "\
Examples:
  bellwether shifts
  bellwether shifts --as-of 2022-12-31   flagged by then, without hindsight
  bellwether why shift.ID                the figures and facts behind one

The list is oldest first in every form but the table.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ShiftsArgs {
    #[command(flatten)]
    view: ViewArgs,
}

const FIELDS: [&str; 15] = [
    "id",
    "indicator",
    "detector",
    "kind",
    "direction",
    "known_at",
    "onset.at",
    "onset.low",
    "onset.high",
    "size",
    "sigmas",
    "statistic",
    "threshold",
    "provisional",
    "evidence",
];

pub(crate) fn run(app: &mut App, args: &ShiftsArgs) -> Result<(), Failure> {
    let reading = app.reading(&args.view.knowing)?;
    let view = app.view(&args.view);
    let assessment = reading.assess(&view)?;
    let (rows, withdrawn) = (assessment.shifts, assessment.withdrawn);
    app.out.list(&rows, &FIELDS, |look| render::shifts(&rows, &withdrawn, &reading.framework, look))
}
