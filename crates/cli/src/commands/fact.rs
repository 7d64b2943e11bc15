//! `fact add` and `fact retract`.

mod written;

use bellwether_ingest::{NewFact, fact_add, retract};
use bellwether_model::{Decimal, Grade, Period, Problem, Stamp};
use bellwether_store::{EventLog, Receipt};
use chrono::{Days, Utc};
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::args::stamp;
use crate::failure::Failure;

const ADD: &str = "\
Examples:
  bellwether fact add --type visit.held --key 'visit.held|2026-11 Beijing' \\
      --start 2026-11-20 --end 2026-11-22 --actor RUS --actor CHN \\
      --attribute level='head of government' --attribute place=Beijing \\
      --grade B2 --published-at 2026-11-20
  bellwether fact add - < fact.json

A date alone as --start is that one day; --end is exclusive. On standard
input: one native record with type, key, valid{start,end}, grade.
The same key again states a new value for the same thing: both stay in the
log, the later known one counts.";

const RETRACT: &str = "\
Examples:
  bellwether fact retract 'visit.held|2026-11 Beijing' --reason 'called off'

From now on (or from --published-at) nothing is said under the key; replays
of earlier dates still see it.";

#[derive(Debug, Subcommand)]
pub(crate) enum FactCommand {
    /// State one fact
    #[command(after_help = ADD)]
    Add(AddArgs),
    /// Withdraw what a key says
    #[command(after_help = RETRACT)]
    Retract(RetractArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Read the fact as JSON from standard input
    #[arg(value_name = "-", value_parser = ["-"], conflicts_with_all = ["kind", "key", "start"])]
    stdin: Option<String>,
    /// Fact type of facts.toml
    #[arg(long = "type", value_name = "TYPE", required_unless_present = "stdin")]
    kind: Option<String>,
    /// Natural key
    #[arg(long, required_unless_present = "stdin")]
    key: Option<String>,
    /// First day or instant
    #[arg(long, value_name = "DATE|INSTANT", value_parser = stamp, required_unless_present = "stdin")]
    start: Option<Stamp>,
    /// First day or instant after
    #[arg(long, value_name = "DATE|INSTANT", value_parser = stamp)]
    end: Option<Stamp>,
    /// Who, to whom: once for each
    #[arg(long = "actor", value_name = "CODE")]
    actors: Vec<String>,
    /// Exact decimal
    #[arg(long, allow_negative_numbers = true, requires = "unit")]
    value: Option<Decimal>,
    /// Unit of the value
    #[arg(long)]
    unit: Option<String>,
    /// Admiralty grade: source A-F, information 1-6
    #[arg(long, value_name = "GRADE", value_parser = grade, required_unless_present = "stdin")]
    grade: Option<Grade>,
    /// Further particulars: once for each
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = attribute)]
    attributes: Vec<(String, String)>,
    /// Address of the source
    #[arg(long, value_name = "URL")]
    source_url: Option<String>,
    /// When the source published it; else it is known only since now
    #[arg(long, value_name = "DATE|INSTANT", value_parser = stamp)]
    published_at: Option<Stamp>,
    /// Remark
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    operator: Operator,
}

#[derive(Debug, Args)]
pub(crate) struct RetractArgs {
    /// Key to withdraw
    key: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Feed that said it, when several did
    #[arg(long, value_name = "FEED")]
    source: Option<String>,
    /// When the source withdrew it; else since now
    #[arg(long, value_name = "DATE|INSTANT", value_parser = stamp)]
    published_at: Option<Stamp>,
    #[command(flatten)]
    operator: Operator,
}

/// Who signs.
#[derive(Debug, Args)]
pub(crate) struct Operator {
    /// Who signs [default: $USER, else the account]
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
}

impl Operator {
    /// The name given, else the user's.
    pub(crate) fn name(&self) -> Result<String, Failure> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let user = || ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(variable);
        self.operator
            .clone()
            .or_else(user)
            .or_else(account)
            .ok_or_else(|| Failure::usage("nobody signs: $USER is not set", "give the name: --operator NAME"))
    }
}

/// Name of the account that this process runs under, where the system tells.
#[cfg(unix)]
fn account() -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let uid = std::fs::metadata("/proc/self").ok()?.uid().to_string();
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    })
}

#[cfg(not(unix))]
fn account() -> Option<String> {
    None
}

/// What was stored by hand.
#[derive(Serialize)]
pub(crate) struct Stored {
    stored: u64,
    duplicate: u64,
    seq: Option<u64>,
    head: u64,
}

impl Stored {
    fn text(&self) -> String {
        match self.seq {
            Some(seq) => format!("stored as sequence {seq}\n"),
            None => format!("nothing new: the log already says so (head {})\n", self.head),
        }
    }

    /// Shows what became of one fact.
    pub(crate) fn show(app: &mut App, receipt: &Receipt) -> Result<(), Failure> {
        let stored = Self {
            stored: receipt.stored,
            duplicate: receipt.duplicate,
            seq: receipt.seqs.first().copied(),
            head: receipt.head,
        };
        app.out.page(&stored, |_| stored.text())
    }
}

pub(crate) fn run(app: &mut App, command: FactCommand) -> Result<(), Failure> {
    let receipt = match command {
        FactCommand::Add(args) => add(app, args)?,
        FactCommand::Retract(args) => withdraw(app, &args)?,
    };
    Stored::show(app, &receipt)
}

fn add(app: &App, args: AddArgs) -> Result<Receipt, Failure> {
    let operator = args.operator.name()?;
    let new = if args.stdin.is_some() { written::read_stdin()? } else { from_flags(args)? };
    let types = app.config().types()?;
    let log = app.open_write()?;
    let receipt = fact_add(&log, &types, new, &operator, app.now())?;
    log.close()?;
    Ok(receipt)
}

fn withdraw(app: &App, args: &RetractArgs) -> Result<Receipt, Failure> {
    let operator = args.operator.name()?;
    let unknown = || {
        Failure::nothing(
            format!("nothing is said under the key {}", args.key),
            "`bellwether events` shows the keys, `bellwether why ID` those behind a number",
        )
    };
    if !app.store_exists()? {
        return Err(unknown());
    }
    let log = app.open_write()?;
    if log.find_key(&args.key)?.is_empty() {
        return Err(unknown());
    }
    let source = args.source.as_deref();
    let receipt = retract(&log, &args.key, source, &args.reason, &operator, args.published_at, app.now())?;
    log.close()?;
    Ok(receipt)
}

fn from_flags(args: AddArgs) -> Result<NewFact, Failure> {
    let (Some(kind), Some(key), Some(start), Some(grade)) = (args.kind, args.key, args.start, args.grade)
    else {
        return Err(Failure::usage(
            "a fact needs type, key, start and grade",
            "see `bellwether fact add --help`",
        ));
    };
    Ok(NewFact {
        kind,
        key,
        valid: period(start, args.end)?,
        published_at: args.published_at,
        actors: args.actors,
        value: args.value,
        unit: args.unit,
        grade,
        attributes: args.attributes.into_iter().map(|(name, value)| (name, Value::String(value))).collect(),
        uri: args.source_url,
        note: args.note,
    })
}

/// A date alone is that day, an instant alone that instant.
fn period(start: Stamp, end: Option<Stamp>) -> Result<Period, Failure> {
    let end = match (start, end) {
        (_, Some(end)) => end.start(),
        (Stamp::Day(day), None) => {
            let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
            next.and_time(chrono::NaiveTime::MIN).and_local_timezone(Utc).single().unwrap_or(start.start())
        }
        (Stamp::Instant(at), None) => return Ok(Period::instant(at)),
    };
    Period::range(start.start(), end).map_err(|p| Failure::Usage(Box::new(p.field("--end"))))
}

/// A grade of the command line.
pub(crate) fn grade(text: &str) -> Result<Grade, String> {
    text.parse().map_err(|p: Problem| format!("{}; {}", p.message, p.remedy))
}

fn attribute(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}
