//! `store`.

use bellwether_store::{Chain, Segments, Stats, SystemClock, owner};
use clap::Subcommand;
use serde_json::json;
use std::sync::Arc;

use super::copies::{CopyArgs, backup, restore, salvage};
use crate::app::App;
use crate::failure::Failure;
use crate::out;
use crate::render::counted;

const EXAMPLES: &str = "\
Examples:
  bellwether store verify           read every byte; exit code 0 or 5
  bellwether store stats
  bellwether store rebuild-index    build the index anew from the log
  bellwether store backup DIR       a copy; a daemon may go on meanwhile
  bellwether store salvage DIR      what a damaged log still holds
  bellwether --store NEW store restore DIR

A backup has the log and the quarantine, and is read once it is there.
Salvage says which sequences are lost; a record `lost` stands in the place of
each that others follow. Exit code 5 when any is.";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum StoreCommand {
    /// Check every byte of the log against its chain and anchor
    Verify,
    /// Records, files, sizes
    Stats,
    /// Throw the index away and build it from the log
    RebuildIndex,
    /// Copy the store, in use or not, into a new folder
    Backup(CopyArgs),
    /// Make the store from a backup; refused where there is a log
    Restore(CopyArgs),
    /// Copy what a damaged store still holds into a new folder, and say what is lost
    Salvage(CopyArgs),
}

pub(crate) fn run(app: &mut App, command: &StoreCommand) -> Result<(), Failure> {
    match command {
        StoreCommand::Verify => verify(app),
        StoreCommand::Stats => stats(app),
        StoreCommand::RebuildIndex => rebuild(app),
        StoreCommand::Backup(args) => backup(app, &args.dir),
        StoreCommand::Restore(args) => restore(app, &args.dir),
        StoreCommand::Salvage(args) => salvage(app, &args.dir),
    }
}

fn verify(app: &mut App) -> Result<(), Failure> {
    let dir = app.store_dir()?;
    let found = Segments::verify(&dir)?;
    if !app.store_exists()? && found.chain == Chain::Ok {
        out::note(&format!("no store at {}: there is nothing to verify", dir.display()));
    }
    app.out.page(&found, |_| match (found.chain, found.first_bad) {
        (Chain::Ok, _) => {
            format!("ok: {}, nothing missing, nothing changed\n", counted(found.events, "record", "records"))
        }
        (Chain::Broken, bad) => format!(
            "broken: {} of {} whole, the first bad one is {}\n",
            found.events,
            counted(found.head, "record", "records"),
            bad.map_or("unknown".to_owned(), |b| b.to_string())
        ),
    })?;
    match found.exit_code() {
        0 => Ok(()),
        _ => {
            out::note(
                "restore a backup, or copy what is whole into a new store: `bellwether store salvage DIR`",
            );
            Err(Failure::Broken)
        }
    }
}

fn stats(app: &mut App) -> Result<(), Failure> {
    if let Some(remote) = app.remote()? {
        let stats = remote.get(&["v1", "store", "stats"], &[])?;
        return show(app, &stats, remote.holder());
    }
    let dir = app.store_dir()?;
    let holder = owner(&dir).ok().flatten();
    let stats = if app.store_exists()? {
        // The index can be measured by its owner only.
        match holder.as_ref().map_or_else(|| Segments::open(&dir, Arc::new(SystemClock)).ok(), |_| None) {
            Some(owned) => owned.stats(),
            None => Segments::open_read(&dir, Arc::new(SystemClock))?.stats(),
        }
    } else {
        out::note(&format!("no store at {}", dir.display()));
        Stats { head: 0, segments: 0, log_bytes: 0, index_bytes: 0 }
    };
    show(app, &stats, holder.as_deref())
}

fn show(app: &mut App, stats: &Stats, holder: Option<&str>) -> Result<(), Failure> {
    app.out.page(stats, |_| {
        let held = holder.map(|h| format!("held by       {h}\n")).unwrap_or_default();
        format!(
            "records       {}\nsegments      {}\nlog           {} bytes\nindex         {} bytes\n{held}",
            stats.head, stats.segments, stats.log_bytes, stats.index_bytes
        )
    })
}

fn rebuild(app: &mut App) -> Result<(), Failure> {
    let dir = app.store_dir()?;
    if !app.store_exists()? {
        return Err(Failure::nothing(format!("no store at {}", dir.display()), "name it: --store DIR"));
    }
    let records = Segments::rebuild_index(&dir)?;
    app.out.page(&json!({ "records": records }), |_| {
        format!("index built from {}\n", counted(records, "record", "records"))
    })
}
