//! `diff`.

use clap::Args;

use crate::app::App;
use crate::args::{Bound, Format, Knowing, bound};
use crate::failure::Failure;
use crate::render;

const EXAMPLES: &str = "\
Examples:
  bellwether diff --from 2022-01-31 --to 2023-01-31
      two days, each as it could be known then
  bellwether diff --from 2023-02-28 --to now --as-of 2022-12-31
      one day as known by two dates: what came late or was revised

The table shows what rows say; --all adds the figures behind them.
JSON and CSV hold everything.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DiffArgs {
    /// First date
    #[arg(long, value_name = "DATE|INSTANT", value_parser = bound)]
    from: Bound,
    /// Second date
    #[arg(long, value_name = "DATE|INSTANT|now", value_parser = bound)]
    to: Bound,
    /// Compare two states of knowledge about the world up to this date
    #[arg(long, value_name = "DATE|INSTANT", value_parser = bound)]
    as_of: Option<Bound>,
    /// Show every change in the table
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    knowing: Knowing,
}

const FIELDS: [&str; 6] = ["id", "path", "before", "after", "cause", "because"];

pub(crate) fn run(app: &mut App, args: &DiffArgs) -> Result<(), Failure> {
    let (from, to) = (app.moment(args.from), app.moment(args.to));
    if from > to {
        return Err(Failure::usage(
            "--from comes after --to",
            "--from is the earlier date, --to the later one: exchange them",
        ));
    }
    let reading = app.reading(&args.knowing)?;
    let as_of = args.as_of.map(|bound| app.moment(bound));
    let diff = reading.diff((from, to), as_of, |as_of, known_by| args.knowing.view(as_of, known_by))?;
    if app.out.format() == Format::Csv {
        return app.out.csv(&diff.changed, &FIELDS);
    }
    app.out.page(&diff, |look| render::diff(&diff, args.all, look))
}
