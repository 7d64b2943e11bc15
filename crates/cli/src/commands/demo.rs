//! `demo`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_alert::{AlertQuery, Desk};
use bellwether_ingest::{FileQuarantine, Input, Options, Report, ingest};
use bellwether_model::View;
use bellwether_store::{StoreClock, SystemClock};
use clap::Args;

use crate::app::{self, App};
use crate::config::{Config, embedded};
use crate::failure::Failure;
use crate::{out, render};

const EXAMPLES: &str = "\
Examples:
  bellwether demo                 a store in a new temporary folder
  bellwether demo --dir my-demo   a store that stays

The folder must be new, empty or a demo store already.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DemoArgs {
    /// Folder for the store
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Do not offer the dashboard (it is not part of this version)
    #[arg(long)]
    no_serve: bool,
}

const FILES: [&str; 3] = ["china-russia-facts.csv", "assessment-judgements.csv", "coverage.csv"];
const FEED: &str = "facts-csv";
/// File that tells a demo store from a store of one's own.
const MARK: &str = "DEMO";

pub(crate) fn run(app: &mut App, args: &DemoArgs) -> Result<(), Failure> {
    let dir = folder(args.dir.as_deref().or(app.global.store.as_deref()))?;
    app.global.store = Some(dir.clone());
    // The bundled facts go with the built-in configuration, whatever ./config holds.
    let config = app.global.config.as_deref().map_or(Config::BuiltIn, |asked| Config::resolve(Some(asked)));
    let types = Arc::new(config.types()?);
    let frameworks = config.frameworks(&types)?;
    let feeds = config.feeds()?;
    let Some((framework, feed)) = frameworks.first().zip(feeds.get(FEED)) else {
        return Err(Failure::usage(format!("the configuration lacks the feed {FEED}"), "leave --config out"));
    };

    let log = app.open_write()?;
    let mark = "A store made by `bellwether demo`; delete the folder when you are done.\n";
    std::fs::write(dir.join(MARK), mark).map_err(|e| cannot_use(&dir, &e))?;
    let mut quarantine = FileQuarantine::open(&dir.join("quarantine"))?;
    let mut total = Report::default();
    // The answer's "now" comes after the ingest: it must see what only the recording makes known.
    let begun = SystemClock.now();
    for name in FILES {
        let text = embedded(&format!("fixtures/history/{name}")).unwrap_or_default();
        let input = Input::bytes(name, text.as_bytes());
        total.absorb(&ingest(&log, &types, feed, input, &mut quarantine, &Options::at(begun))?);
    }
    out::note(&format!(
        "{} into the store {}: {} new, {} known, {} quarantined",
        render::counted(total.records.read, "bundled record", "bundled records"),
        dir.display(),
        render::counted(total.facts.stored, "fact", "facts"),
        total.facts.duplicate,
        render::counted(total.records.quarantined, "record", "records")
    ));
    let projector = app::project(&log, Arc::clone(framework), Arc::clone(&types))?;
    let mut desk = Desk::new(Arc::clone(framework), types, &config.rules()?);
    desk.read(&log, &projector, app.moment(crate::args::Bound::Now))?;
    let alerts = desk.alerts(AlertQuery::default(), app.now());
    log.close()?;
    let view = View::at(app.moment(crate::args::Bound::Now));
    let assessment = projector.assess(&view);
    app.out.page(&assessment, |look| {
        render::assessment(&assessment, framework, &projector.gaps(&view), look)
            + "\n"
            + &render::alerts(&alerts, look)
            + &next(&dir)
    })?;
    if !args.no_serve {
        out::note("the dashboard is not part of this version");
    }
    Ok(())
}

/// The folder of the store: the one asked for, when it may be used, else a new temporary one.
fn folder(asked: Option<&Path>) -> Result<PathBuf, Failure> {
    let Some(dir) = asked else {
        let made = tempfile::Builder::new().prefix("bellwether-demo-").tempdir();
        return made.map(tempfile::TempDir::keep).map_err(|e| cannot_use(&std::env::temp_dir(), &e));
    };
    match std::fs::read_dir(dir) {
        Ok(mut entries) => {
            if entries.next().is_none() || dir.join(MARK).is_file() {
                Ok(dir.to_owned())
            } else {
                Err(Failure::usage(
                    format!("{} is in use and no demo store", dir.display()),
                    "name a new folder: --dir DIR",
                ))
            }
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(dir.to_owned()),
        Err(e) => Err(cannot_use(dir, &e)),
    }
}

fn cannot_use(dir: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("{} cannot be used: {error}", dir.display()), "name another folder: --dir DIR")
}

fn next(dir: &Path) -> String {
    let store = shell_word(&dir.display().to_string());
    let lines = [
        ("board", "one line an indicator"),
        ("gaps", "what is missing, and what would close it"),
        ("alerts", "what somebody should look at"),
        ("why economic.trade-total", "rule, figures and sources of a number"),
        ("replay --as-of 2022-02-23", "what could be known on the day before the invasion"),
        ("diff --from 2022-02-23 --to 2023-02-23", "what a year changed, and which facts"),
        ("series economic.trade-total --vintages", "every value as it was revised"),
    ];
    let mut text = String::from("\nWhat to try next\n");
    for (command, what) in lines {
        text.push_str(&format!("  bellwether --store {store} {command}\n      {what}\n"));
    }
    text
}

/// A path as a word of a shell.
fn shell_word(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_');
    if path.chars().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_for_a_shell() {
        assert_eq!(shell_word("/tmp/a-b_c.d"), "/tmp/a-b_c.d");
        assert_eq!(shell_word("it's here"), r"'it'\''s here'");
    }

    #[test]
    fn a_folder_in_use_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(folder(Some(dir.path())).is_ok());
        assert!(folder(Some(&dir.path().join("new"))).is_ok());
        std::fs::write(dir.path().join("mine"), "x").unwrap();
        assert_eq!(folder(Some(dir.path())).unwrap_err().exit_code(), 2);
        std::fs::write(dir.path().join(MARK), "x").unwrap();
        assert!(folder(Some(dir.path())).is_ok());
    }
}
