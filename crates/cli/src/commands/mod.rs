//! One file a command.

pub(crate) mod alerts;
pub(crate) mod backtest;
pub(crate) mod board;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod copies;
pub(crate) mod demo;
pub(crate) mod detect;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod fact;
pub(crate) mod forecast;
pub(crate) mod gaps;
pub(crate) mod import;
pub(crate) mod ingest;
pub(crate) mod init;
pub(crate) mod judge;
pub(crate) mod notify;
pub(crate) mod quarantine;
pub(crate) mod replay;
pub(crate) mod scenarios;
pub(crate) mod series;
pub(crate) mod shifts;
pub(crate) mod silence;
pub(crate) mod store;
pub(crate) mod watch;
pub(crate) mod why;

use crate::app::App;
use crate::args::{Cli, Command};
use crate::failure::Failure;

/// Runs a command.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    if let Some(url) = &cli.global.server
        && !reads(&cli.command)
    {
        return Err(Failure::usage(
            format!(
                "a daemon elsewhere answers questions and takes what is said of alerts; {url} cannot be asked for this"
            ),
            "leave --server out: the command then works on the store itself",
        ));
    }
    let mut app = App::new(cli.global);
    let app = &mut app;
    match cli.command {
        Command::Demo(args) => demo::run(app, &args),
        Command::Init(args) => init::run(app, &args),
        Command::Check(args) => check::run(app, &args),
        Command::Doctor(args) => doctor::run(app, &args),
        Command::Watch(args) => watch::run(app, &args),
        Command::Ingest(args) => ingest::run(app, &args),
        Command::Fact(command) => fact::run(app, command),
        Command::Judge(args) => judge::run(app, args),
        Command::Replay(args) => replay::run(app, &args),
        Command::Board(args) => board::run(app, &args),
        Command::Gaps(args) => gaps::run(app, &args),
        Command::Shifts(args) => shifts::run(app, &args),
        Command::Scenarios(args) => scenarios::run(app, &args),
        Command::Series(args) => series::run(app, &args),
        Command::Diff(args) => diff::run(app, &args),
        Command::Backtest(args) => backtest::run(app, &args),
        Command::Forecast(command) => forecast::run(app, command),
        Command::Detect(args) => detect::run(app, &args),
        Command::Why(args) => why::run(app, &args),
        Command::Alerts(args) => alerts::run(app, &args),
        Command::Ack(args) => alerts::ack(app, &args),
        Command::Silence(command) => silence::run(app, &command),
        Command::Events(args) => events::run(app, &args),
        Command::Import(args) => import::run(app, &args),
        Command::Quarantine(command) => quarantine::run(app, command),
        Command::Store(command) => store::run(app, &command),
        Command::Notify(command) => notify::run(app, &command),
        Command::Completions(args) => completions::completions(app, &args),
        Command::Man(args) => completions::man(app, &args),
    }
}

/// Commands that a daemon can answer.
fn reads(command: &Command) -> bool {
    use quarantine::QuarantineCommand;
    matches!(
        command,
        Command::Replay(_)
            | Command::Board(_)
            | Command::Gaps(_)
            | Command::Shifts(_)
            | Command::Scenarios(_)
            | Command::Series(_)
            | Command::Diff(_)
            | Command::Why(_)
            | Command::Backtest(_)
            | Command::Events(_)
            | Command::Alerts(_)
            | Command::Ack(_)
            | Command::Silence(_)
            | Command::Forecast(forecast::ForecastCommand::List(_) | forecast::ForecastCommand::Score(_))
            | Command::Quarantine(QuarantineCommand::List | QuarantineCommand::Show { .. })
            | Command::Store(store::StoreCommand::Stats)
    )
}
