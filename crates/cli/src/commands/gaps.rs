//! `gaps`.

use clap::Args;

use crate::app::App;
use crate::args::ViewArgs;
use crate::failure::Failure;
use crate::render;

const EXAMPLES: &str = "\
Examples:
  bellwether gaps
  bellwether gaps --as-of 2023-12-31 --format json";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct GapsArgs {
    #[command(flatten)]
    view: ViewArgs,
}

const FIELDS: [&str; 6] = ["id", "kind", "last", "due", "costs", "waits_for"];

pub(crate) fn run(app: &mut App, args: &GapsArgs) -> Result<(), Failure> {
    let reading = app.reading(&args.view.knowing)?;
    let view = app.view(&args.view);
    let rows = reading.gaps(&view)?;
    app.out.list(&rows, &FIELDS, |look| render::gaps(&rows, look))
}
