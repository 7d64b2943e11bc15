//! `board`.

use clap::Args;

use crate::app::App;
use crate::args::ViewArgs;
use crate::failure::Failure;
use crate::render;

const EXAMPLES: &str = "\
Examples:
  bellwether board
  bellwether board --as-of 2022-06-30        that day, without hindsight
  bellwether board --format csv > board.csv

z is the distance from the norm in robust standard deviations.
The next line is the constraint, bound or divergence threshold that the value
would cross first, with the share of room left before it.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BoardArgs {
    #[command(flatten)]
    view: ViewArgs,
}

const FIELDS: [&str; 17] = [
    "id",
    "domain",
    "title",
    "unit",
    "value",
    "at_least",
    "period.start",
    "period.end",
    "change_on_year",
    "trend",
    "distance",
    "threshold.of",
    "threshold.room",
    "stale",
    "due",
    "history",
    "shifts",
];

pub(crate) fn run(app: &mut App, args: &BoardArgs) -> Result<(), Failure> {
    let reading = app.reading(&args.view.knowing)?;
    let view = app.view(&args.view);
    let rows = reading.board(&view)?;
    app.out.list(&rows, &FIELDS, |look| render::board(&rows, &reading.framework, look))
}
