//! `series`.

use bellwether_projection::SeriesRow;
use bellwether_server::api::no_indicator;
use clap::Args;

use crate::app::App;
use crate::args::ViewArgs;
use crate::failure::Failure;
use crate::render;

const EXAMPLES: &str = "\
Examples:
  bellwether series economic.trade-total
  bellwether series economic.trade-total --vintages
      every value stated for a period, in turn
  bellwether series economic.trade-total --as-of 2022-06-30 --format csv";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SeriesArgs {
    /// Indicator or measure
    indicator: String,
    /// Show superseded values too
    #[arg(long)]
    vintages: bool,
    #[command(flatten)]
    view: ViewArgs,
}

const FIELDS: [&str; 7] =
    ["period_start", "period_end", "value", "published_at", "seq", "vintage", "at_least"];

pub(crate) fn run(app: &mut App, args: &SeriesArgs) -> Result<(), Failure> {
    let reading = app.reading(&args.view.knowing)?;
    let view = app.view(&args.view);
    let measure = reading.framework.all_measures().find(|m| m.id == args.indicator);
    let Some(measure) = measure else {
        app.out.list::<SeriesRow>(&[], &FIELDS, |_| String::new())?;
        let known = reading.framework.all_measures().map(|m| m.id.as_str());
        return Err(Failure::Nothing(Box::new(no_indicator(&args.indicator, known))));
    };
    let rows = reading.series(&args.indicator, &view, args.vintages)?;
    if rows.is_empty() {
        app.out.list::<SeriesRow>(&[], &FIELDS, |_| String::new())?;
        return Err(Failure::nothing(
            format!("{} has no value in this view", measure.id),
            format!("`bellwether why {}` says what it reads", measure.id),
        ));
    }
    app.out.list(&rows, &FIELDS, |look| render::series(&rows, measure, look))
}
