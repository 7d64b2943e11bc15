//! What may stand on the command line.

use std::path::PathBuf;

use bellwether_model::{Clock, KnownBasis, Stamp, View};
use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands;

const EXAMPLES: &str = "\
Examples:
  bellwether demo                            a first look, on bundled facts
  bellwether ingest --feed facts-csv my.csv  take in facts
  bellwether board                           one line an indicator
  bellwether replay --as-of 2022-06-30       what could be known on that day
  bellwether scenarios                       what may come, and what would tell
  bellwether why economic.trade-total        rule, figures, sources of a number
  bellwether watch                           run as a daemon, feeds and HTTP
  bellwether doctor                          what is missing, and what to do

Store: --store, else $BELLWETHER_STORE, else the folder for user data.
A store that a daemon holds is read through the daemon; --server names one
elsewhere, and a token for it stands in $BELLWETHER_TOKEN.
Configuration: --config, else ./config with a facts.toml in it, else built in.
Exit codes: 0 ok, 1 internal, 2 usage, 3 configuration, 4 nothing matched,
5 integrity, 6 source unavailable, 7 store busy, 10 an alert is firing.";

/// Tracks the relations of two countries from dated facts, replays any date and says why.
#[derive(Debug, Parser)]
#[command(name = "bellwether", version, after_help = EXAMPLES, max_term_width = 110, args_override_self = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Store folder
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
    /// Configuration folder: facts.toml, frameworks/, feeds/, rules/, questions/, receivers.toml
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) config: Option<PathBuf>,
    /// A running daemon to read from, instead of a store [token: $BELLWETHER_TOKEN]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// Form of the output
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    /// CSV: leave cells as they are that a spreadsheet would run as formulas
    #[arg(long, global = true)]
    pub(crate) raw: bool,
}

/// Form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// One JSON document
    Json,
    /// For spreadsheets
    Csv,
    /// One JSON document a line
    Ndjson,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a store of the bundled facts and show what it says
    Demo(commands::demo::DemoArgs),
    /// Write a configuration folder, for China and Russia or for another pair
    Init(commands::init::InitArgs),
    /// Check the configuration and name every fault
    Check(commands::check::CheckArgs),
    /// Tell what is missing, and what to do about it
    Doctor(commands::doctor::DoctorArgs),
    /// Run as a daemon: ask the feeds, take in what is pushed, answer over HTTP
    Watch(commands::watch::WatchArgs),
    /// Take in facts from files or standard input
    Ingest(commands::ingest::IngestArgs),
    /// State or withdraw one fact by hand
    #[command(subcommand)]
    Fact(commands::fact::FactCommand),
    /// Put down a judgement about an indicator on a coded scale
    Judge(commands::judge::JudgeArgs),
    /// Assess what could be known on a date
    Replay(commands::replay::ReplayArgs),
    /// One line an indicator: value, change, distance, history
    Board(commands::board::BoardArgs),
    /// What is missing, stale or due, and what it costs
    Gaps(commands::gaps::GapsArgs),
    /// Flagged changes
    Shifts(commands::shifts::ShiftsArgs),
    /// The scenarios: probabilities, years ahead, signposts, what the answer hangs on
    Scenarios(commands::scenarios::ScenariosArgs),
    /// The history of one indicator
    Series(commands::series::SeriesArgs),
    /// Forecast questions: what is open and how likely, the record, how good it was
    #[command(subcommand)]
    Forecast(commands::forecast::ForecastCommand),
    /// Look for changes in any series, without a store
    Detect(commands::detect::DetectArgs),
    /// What changed between two dates, and which facts changed it
    Diff(commands::diff::DiffArgs),
    /// What rules were worth over the history, against chance
    Backtest(commands::backtest::BacktestArgs),
    /// Why a number is what it is: rule, figures, facts, sources
    Why(commands::why::WhyArgs),
    /// Open alerts
    Alerts(commands::alerts::AlertsArgs),
    /// Take note of an alert
    Ack(commands::alerts::AckArgs),
    /// Keep alerts from being sent for a time
    #[command(subcommand)]
    Silence(commands::silence::SilenceCommand),
    /// The log itself, one JSON record a line
    Events(commands::events::EventsArgs),
    /// Take over an exported log into an empty store
    Import(commands::import::ImportArgs),
    /// Records held back at ingest
    #[command(subcommand)]
    Quarantine(commands::quarantine::QuarantineCommand),
    /// Try receivers of alerts, see what waits for them and what was given up
    #[command(subcommand)]
    Notify(commands::notify::NotifyCommand),
    /// Look after the store folder
    #[command(subcommand)]
    Store(commands::store::StoreCommand),
    /// Completions for a shell
    Completions(commands::completions::CompletionsArgs),
    /// The manual page
    Man(commands::completions::ManArgs),
}

/// Which view is asked for.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "View")]
pub(crate) struct ViewArgs {
    /// The world up to this date (inclusive) or instant; alone, it bounds what is known too [default: now]
    #[arg(long, value_name = "DATE|INSTANT", value_parser = bound)]
    pub(crate) as_of: Option<Bound>,
    /// What could be known by then; `now` asks for hindsight [default: as --as-of]
    #[arg(long, value_name = "DATE|INSTANT|now", value_parser = bound)]
    pub(crate) known_by: Option<Bound>,
    #[command(flatten)]
    pub(crate) knowing: Knowing,
}

/// What counts as known, and who reads it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "View")]
pub(crate) struct Knowing {
    /// Known when it was published, or when this store recorded it
    #[arg(long, value_enum, default_value_t = ClockArg::Published)]
    pub(crate) clock: ClockArg,
    /// Which publication times count: any, or only those that the source states
    #[arg(long, value_enum, default_value_t = BasisArg::Any)]
    pub(crate) known_basis: BasisArg,
    /// Another framework: a file, or the id of one in the configuration
    #[arg(long, value_name = "FILE|ID")]
    pub(crate) framework: Option<PathBuf>,
}

/// A bound of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Now,
    At(DateTime<Utc>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClockArg {
    Published,
    Recorded,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BasisArg {
    Any,
    Stated,
}

impl Knowing {
    /// The view between two resolved bounds.
    pub(crate) fn view(&self, as_of: DateTime<Utc>, known_by: DateTime<Utc>) -> View {
        View {
            as_of,
            known_by,
            clock: match self.clock {
                ClockArg::Published => Clock::Published,
                ClockArg::Recorded => Clock::Recorded,
            },
            basis: match self.known_basis {
                BasisArg::Any => KnownBasis::Any,
                BasisArg::Stated => KnownBasis::Stated,
            },
        }
    }
}

/// A date means the following 00:00Z.
pub(crate) fn bound(text: &str) -> Result<Bound, String> {
    if text == "now" {
        return Ok(Bound::Now);
    }
    View::parse_bound(text).map(Bound::At).map_err(|p| format!("{}; {}", p.message, p.remedy))
}

/// A publication time: a date or an instant.
pub(crate) fn stamp(text: &str) -> Result<Stamp, String> {
    text.parse::<Stamp>().map_err(|p| format!("{}; {}", p.message, p.remedy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn examples_fit_a_narrow_window() {
        fn check(command: &clap::Command) {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            for line in after.lines() {
                assert!(line.chars().count() <= 79, "{}: {line}", command.get_name());
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }

    #[test]
    fn a_date_bounds_the_following_midnight() {
        let at = |text: &str| {
            bound(text).map(|b| if let Bound::At(at) = b { at.to_rfc3339() } else { "now".into() })
        };
        assert_eq!(at("2022-06-30").unwrap(), "2022-07-01T00:00:00+00:00");
        assert_eq!(at("2022-06-30T12:00:00Z").unwrap(), "2022-06-30T12:00:00+00:00");
        assert_eq!(at("now").unwrap(), "now");
        assert!(at("yesterday").unwrap_err().contains("YYYY-MM-DD"));
    }
}
