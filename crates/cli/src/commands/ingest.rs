//! `ingest`.

use std::io::IsTerminal;

use bellwether_ingest::{Connector, FileQuarantine, Input, Options, Report, ingest};
use bellwether_model::Stamp;
use clap::Args;

use crate::app::App;
use crate::args::stamp;
use crate::failure::Failure;
use crate::render::counted;
use crate::{near, out};

const EXAMPLES: &str = "\
Examples:
  bellwether ingest --feed facts-csv facts.csv
  bellwether ingest --feed facts-csv one.csv two.csv --dry-run
  cat facts.ndjson | bellwether ingest --feed facts-ndjson -
  bellwether ingest --feed gdelt-events 20260302101500.export.CSV.zip
  bellwether ingest --feed ofac-sdn sdn.csv --published-at 2021-07-07

Every record read is mapped, skipped by a rule of the feed or quarantined;
one bad record never stops the others. The same source twice stores nothing
the second time. A list that comes whole is stored as what it changes, in
whatever order its copies come; one that shrank too far is held as a whole.
The feeds: `bellwether check`.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct IngestArgs {
    /// Feed of the configuration
    #[arg(long, value_name = "NAME")]
    feed: String,
    /// Files, or - for standard input
    #[arg(value_name = "PATH|-")]
    paths: Vec<String>,
    /// Count, and store nothing
    #[arg(long)]
    dry_run: bool,
    /// When records that do not say so were published
    #[arg(long, value_name = "DATE|INSTANT", value_parser = stamp)]
    published_at: Option<Stamp>,
}

pub(crate) fn run(app: &mut App, args: &IngestArgs) -> Result<(), Failure> {
    let config = app.config();
    let types = config.types()?;
    let feeds = config.feeds()?;
    let Some(feed) = feeds.get(&args.feed) else {
        let all = format!("feeds: {}", feeds.keys().map(String::as_str).collect::<Vec<_>>().join(", "));
        return Err(Failure::usage(
            format!("no feed {}", args.feed),
            near::remedy(&args.feed, feeds.keys().map(String::as_str), &all),
        ));
    };
    let paths = sources(args, &feed.connector)?;
    let options =
        Options { dry_run: args.dry_run, published_at: args.published_at, ..Options::at(app.now()) };
    let mut total = Report { feed: feed.name.clone(), ..Report::default() };
    let outcome = if args.dry_run {
        let log = app.open_read()?;
        let mut held = Vec::new();
        each(&paths, &mut total, |input| ingest(&*log, &types, feed, input, &mut held, &options))
    } else {
        let log = app.open_write()?;
        let mut quarantine = FileQuarantine::open(&app.store_dir()?.join("quarantine"))?;
        let done =
            each(&paths, &mut total, |input| ingest(&log, &types, feed, input, &mut quarantine, &options));
        log.close()?;
        done
    };
    if let Err(failure) = outcome {
        if total.records.read > 0 {
            out::note(&format!("taken before the fault:\n{}", summary(&total, args.dry_run)));
        }
        return Err(failure);
    }
    app.out.page(&total, |_| summary(&total, args.dry_run))?;
    total.notes.iter().for_each(|note| out::note(note));
    if total.records.quarantined > 0 && !args.dry_run {
        out::note("`bellwether quarantine list` says what was held back and why");
    }
    Ok(())
}

/// Paths to read; that each can be opened is known before anything is stored.
fn sources(args: &IngestArgs, connector: &Connector) -> Result<Vec<String>, Failure> {
    if args.paths.is_empty() {
        if *connector != Connector::Stdin && std::io::stdin().is_terminal() {
            return Err(Failure::usage("nothing to read", "name a file, or - for standard input"));
        }
        return Ok(vec!["-".to_owned()]);
    }
    for path in args.paths.iter().filter(|p| *p != "-") {
        Input::open(path)?;
    }
    Ok(args.paths.clone())
}

fn each(
    paths: &[String],
    total: &mut Report,
    mut one: impl FnMut(Input) -> Result<Report, bellwether_ingest::IngestError>,
) -> Result<(), Failure> {
    for path in paths {
        total.absorb(&one(Input::open(path)?)?);
    }
    Ok(())
}

fn summary(report: &Report, dry_run: bool) -> String {
    let Report { feed, records, facts, head, .. } = report;
    let stored = if dry_run { "would be stored" } else { "stored" };
    format!(
        "feed {feed}\n  \
         {} read = {} mapped + {} skipped + {} quarantined\n  \
         {} = {} {stored} + {} duplicate\n  \
         head of the log: {head}\n",
        counted(records.read, "record", "records"),
        records.mapped,
        records.skipped,
        records.quarantined,
        counted(facts.stored + facts.duplicate, "fact", "facts"),
        facts.stored,
        facts.duplicate,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellwether_ingest::{Facts, Records};

    #[test]
    fn the_sums_are_shown() {
        let report = Report {
            feed: "facts-csv".into(),
            records: Records { read: 10, mapped: 7, skipped: 1, quarantined: 2 },
            facts: Facts { stored: 6, duplicate: 1 },
            head: 42,
            notes: Vec::new(),
        };
        assert_eq!(
            summary(&report, false),
            concat!(
                "feed facts-csv\n",
                "  10 records read = 7 mapped + 1 skipped + 2 quarantined\n",
                "  7 facts = 6 stored + 1 duplicate\n",
                "  head of the log: 42\n",
            )
        );
    }
}
