//! `forecast list|score|record`.

use std::path::PathBuf;
use std::sync::Arc;

use bellwether_model::question::Questions;
use bellwether_projection::forecast::{Beside, ForecastRow, Ledger, Simulated};
use bellwether_server::Live;
use bellwether_server::forecasts::{Recorded, record as put};
use clap::{Args, Subcommand};

use crate::app::App;
use crate::args::{BasisArg, Bound, ClockArg, Format, Knowing, bound};
use crate::failure::Failure;
use crate::reading::Reading;
use crate::render;

const LIST_EXAMPLES: &str = "\
Examples:
  bellwether forecast list
  bellwether forecast list --all             with those that are answered
  bellwether forecast list --as-of 2026-12-31

Past is the frequency in the series' own past, same the answer that the newest
figure would give: what a forecast must beat. The arrow is the way of the last
90 days. Questions that are not yet in the log are unfiled: `bellwether
forecast record` files them.";

const SCORE_EXAMPLES: &str = "\
Examples:
  bellwether forecast score
  bellwether forecast score --backcasts      and the past, quarter by quarter
  bellwether forecast score --backcasts --from 2014-01-01 --to 2021-12-31
  bellwether forecast score --scenarios      what scenarios foresaw of signals

The headline is of what the log took before the answer could be known. Less is
better for Brier, log and CRPS; a skill is 1 - score / score of the reference,
with its 95 % interval: one that spans 0 shows nothing. Skill on the prior is
what the scenario probabilities add to a model that knows the framework's prior
and transition and has seen no signal.";

const RECORD_EXAMPLES: &str = "\
Examples:
  bellwether forecast record

Files new questions, adds today's probability of each open one and the answers
that have arrived. Running it again the same day adds nothing. What is in the
log is not changed by a changed file: that is another version beside it.
A daemon does this by itself.";

#[derive(Debug, Subcommand)]
pub(crate) enum ForecastCommand {
    /// What is open, how likely it is, and against what
    #[command(after_help = LIST_EXAMPLES)]
    List(ListArgs),
    /// How good the forecasts were
    #[command(after_help = SCORE_EXAMPLES)]
    Score(ScoreArgs),
    /// Put questions, probabilities and answers into the log
    #[command(after_help = RECORD_EXAMPLES)]
    Record,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// As it stood on this date (inclusive) or at this instant [default: now]
    #[arg(long, value_name = "DATE|INSTANT", value_parser = bound)]
    as_of: Option<Bound>,
    /// With those that are answered
    #[arg(long)]
    all: bool,
    /// Another framework: a file, or the id of one in the configuration
    #[arg(long, value_name = "FILE|ID")]
    framework: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ScoreArgs {
    /// Forecasts made from this date on [default: all]
    #[arg(long, value_name = "DATE|INSTANT", value_parser = from)]
    from: Option<Bound>,
    /// Forecasts made and answers known up to this date (inclusive) [default: now]
    #[arg(long, value_name = "DATE|INSTANT", value_parser = bound)]
    to: Option<Bound>,
    /// Also ask the templates' questions about the past, without hindsight: in-sample, never in the headline
    #[arg(long)]
    backcasts: bool,
    /// Also score each quarter's scenario probabilities by the next reading of each signal, without hindsight: in-sample
    #[arg(long)]
    scenarios: bool,
    /// Another framework: a file, or the id of one in the configuration
    #[arg(long, value_name = "FILE|ID")]
    framework: Option<PathBuf>,
}

/// A first day: its own midnight.
fn from(text: &str) -> Result<Bound, String> {
    if text == "now" {
        return Ok(Bound::Now);
    }
    bellwether_model::parse_moment(text).map(Bound::At).map_err(|p| format!("{}; {}", p.message, p.remedy))
}

const FIELDS: [&str; 23] = [
    "id",
    "version",
    "about",
    "rule",
    "standing",
    "filed_at",
    "horizon",
    "settle",
    "threshold",
    "probability",
    "words",
    "before",
    "trend",
    "climatology",
    "persistence",
    "last",
    "median",
    "low",
    "high",
    "recorded",
    "outcome",
    "known_at",
    "value",
];

const TABLES: [&str; 31] = [
    "section",
    "by",
    "name",
    "questions",
    "forecasts",
    "came_true",
    "brier.value",
    "brier.climatology",
    "brier.persistence",
    "brier.skill_climatology.value",
    "brier.skill_climatology.interval.low",
    "brier.skill_climatology.interval.high",
    "brier.skill_persistence.value",
    "log.value",
    "log.climatology",
    "crps.value",
    "reliability.ece",
    "sharpness",
    "brier.prior",
    "brier.skill_prior.value",
    "brier.skill_prior.interval.low",
    "brier.skill_prior.interval.high",
    "log.prior",
    "log.persistence",
    "rps.value",
    "rps.prior",
    "gain_prior.value",
    "gain_prior.interval.low",
    "gain_prior.interval.high",
    "nats",
    "posterior",
];

pub(crate) fn run(app: &mut App, command: ForecastCommand) -> Result<(), Failure> {
    match command {
        ForecastCommand::List(args) => list(app, &args),
        ForecastCommand::Score(args) => score(app, &args),
        ForecastCommand::Record => record(app),
    }
}

fn list(app: &mut App, args: &ListArgs) -> Result<(), Failure> {
    let (reading, questions) = asked(app, args.framework.clone())?;
    let at = app.moment(args.as_of.unwrap_or(Bound::Now));
    let rows: Vec<ForecastRow> = reading.forecasts(&questions, at, args.all)?;
    app.out.list(&rows, &FIELDS, |look| render::forecasts(&rows, &reading.framework, look))
}

fn score(app: &mut App, args: &ScoreArgs) -> Result<(), Failure> {
    let (reading, questions) = asked(app, args.framework.clone())?;
    let from = args.from.map(|from| app.moment(from));
    let to = app.moment(args.to.unwrap_or(Bound::Now));
    let beside = Beside { backcasts: args.backcasts, scenarios: args.scenarios };
    let report = reading.forecast_scores(&questions, (from, to), beside)?;
    if app.out.format() == Format::Csv {
        let put = |rows: &mut Vec<serde_json::Value>, table: serde_json::Value, section: &str, by: &str| {
            let mut row = table;
            if let Some(cells) = row.as_object_mut() {
                cells.insert("section".to_owned(), section.into());
                cells.insert("by".to_owned(), by.into());
            }
            rows.push(row);
        };
        let mut rows = Vec::new();
        let sections = [("headline", Some(&report.headline)), ("backcasts", report.backcasts.as_ref())];
        for (name, section) in sections {
            let Some(section) = section else { continue };
            let lists =
                [("all", section.all.as_slice()), ("group", &section.groups), ("lead", &section.leads)];
            for (by, tables) in lists {
                for table in tables {
                    put(&mut rows, serde_json::to_value(table)?, name, by);
                }
            }
        }
        if let Some(scored) = &report.scenarios {
            let lists =
                [("all", scored.all.as_slice()), ("year", &scored.years), ("signal", &scored.signals)];
            for (by, tables) in lists {
                for table in tables {
                    put(&mut rows, serde_json::to_value(table)?, "scenarios", by);
                }
            }
            for quarter in &scored.quarters {
                // The columns of the other rows hold tables of scores; a quarter has the mean alone.
                let mut row = serde_json::to_value(quarter)?;
                if let Some(cells) = row.as_object_mut() {
                    cells.insert("log".to_owned(), serde_json::json!({ "value": quarter.log }));
                    let each = quarter.scenarios.iter().map(|s| format!("{}={}", s.id, s.probability));
                    cells.insert("posterior".to_owned(), each.collect::<Vec<_>>().into());
                }
                put(&mut rows, row, "scenarios", "quarter");
            }
        }
        return app.out.csv(&rows, &TABLES);
    }
    app.out.page(&report, |look| render::scores(&report, look))
}

/// The reading, and the questions of the configuration, which a daemon has itself.
fn asked(app: &App, framework: Option<PathBuf>) -> Result<(Reading, Questions), Failure> {
    let knowing = Knowing { clock: ClockArg::Published, known_basis: BasisArg::Any, framework };
    Ok((app.reading(&knowing)?, app.questions()?))
}

fn record(app: &mut App) -> Result<(), Failure> {
    let config = app.config();
    let types = Arc::new(config.types()?);
    let frameworks = config.frameworks(&types)?;
    let questions = config.questions(&frameworks)?;
    let log = app.open_write()?;
    let (mut ledger, mut added) = (Ledger::default(), Recorded::default());
    for framework in frameworks {
        let live = Live::apart(framework, Arc::clone(&types));
        added += put(&log, &mut ledger, &questions, &live, &Simulated::default(), app.now())?;
    }
    log.close()?;
    app.out.page(&added, |_| {
        let Recorded { questions, forecasts, resolutions } = added;
        format!(
            "{} filed, {} and {} added\n",
            render::counted(questions, "question", "questions"),
            render::counted(forecasts, "forecast", "forecasts"),
            render::counted(resolutions, "answer", "answers")
        )
    })
}
