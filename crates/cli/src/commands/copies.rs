//! `store backup`, `restore` and `salvage`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_ingest::QuarantineCopy;
use bellwether_store::{Chain, Salvaged, Segments, SystemClock};
use clap::Args;
use serde::Serialize;

use crate::app::App;
use crate::failure::Failure;
use crate::out;
use crate::render::counted;

#[derive(Debug, Args)]
pub(crate) struct CopyArgs {
    /// Folder of the copy
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
}

/// What was copied.
#[derive(Serialize)]
struct Copied {
    head: u64,
    segments: u64,
    log_bytes: u64,
}

/// Copies the store, in use or not, into a new folder.
pub(crate) fn backup(app: &mut App, to: &Path) -> Result<(), Failure> {
    let store = here(app)?;
    if !app.store_exists()? {
        return Err(Failure::nothing(format!("no store at {}", store.display()), "name it: --store DIR"));
    }
    let copied = copy(&store, to)?;
    told(app, &copied, "copied to", to)
}

/// Makes the store from a backup.
pub(crate) fn restore(app: &mut App, from: &Path) -> Result<(), Failure> {
    let store = here(app)?;
    if !from.join("log").is_dir() {
        return Err(Failure::nothing(format!("no backup at {}", from.display()), "name the folder of one"));
    }
    let copied = copy(from, &store)?;
    told(app, &copied, "restored to", &store)
}

/// Copies what a damaged store still holds into a new one.
pub(crate) fn salvage(app: &mut App, to: &Path) -> Result<(), Failure> {
    let store = here(app)?;
    if !app.store_exists()? {
        return Err(Failure::nothing(format!("no store at {}", store.display()), "name it: --store DIR"));
    }
    let held = QuarantineCopy::begin(&store.join("quarantine"))?;
    let salvaged = Segments::salvage(&store, to, Arc::new(SystemClock))?;
    held.finish(&to.join("quarantine"))?;
    app.out.page(&salvaged, |_| page(&salvaged))?;
    match salvaged.exit_code() {
        0 => Ok(()),
        _ => {
            out::note(
                "feeds go on from where they were: ingest again what the lost records came from, known facts are passed over",
            );
            Err(Failure::Broken)
        }
    }
}

fn page(salvaged: &Salvaged) -> String {
    let Salvaged { copied, head, lost, anchor } = salvaged;
    let mut text = format!("{copied} records copied, up to sequence {head}\n");
    for lost in lost {
        let range = if lost.from == lost.to {
            lost.from.to_string()
        } else {
            format!("{} to {}", lost.from, lost.to)
        };
        text.push_str(&format!("lost: {range}: {}\n", lost.why));
    }
    match anchor {
        Some(_) if lost.is_empty() => text.push_str("nothing is lost\n"),
        Some(_) => {}
        None => text.push_str("the head anchor is unreadable: what is lost behind that cannot be told\n"),
    }
    text
}

/// Copies log and quarantine and reads the copy: a backup that nobody has read is none.
fn copy(from: &Path, to: &Path) -> Result<Copied, Failure> {
    let held = QuarantineCopy::begin(&from.join("quarantine"))?;
    let log = Segments::open_read(from, Arc::new(SystemClock))?;
    log.backup(to)?;
    held.finish(&to.join("quarantine"))?;
    let verified = Segments::verify(to)?;
    if verified.chain == Chain::Broken {
        let at = verified.first_bad.map_or_else(String::new, |seq| format!(" at sequence {seq}"));
        out::complain(&format!("the copy is damaged{at}; check the disks, remove it and copy again"));
        return Err(Failure::Broken);
    }
    let stats = Segments::open_read(to, Arc::new(SystemClock))?.stats();
    Ok(Copied { head: stats.head, segments: stats.segments, log_bytes: stats.log_bytes })
}

fn told(app: &mut App, copied: &Copied, how: &str, to: &Path) -> Result<(), Failure> {
    app.out.page(copied, |_| {
        format!(
            "{}, {} bytes, {how} {} and read again\n",
            counted(copied.head, "record", "records"),
            copied.log_bytes,
            to.display()
        )
    })
}

/// The store's folder: files are copied where they lie.
fn here(app: &App) -> Result<PathBuf, Failure> {
    if app.global.server.is_some() {
        return Err(Failure::usage(
            "a store is copied where it lies, not through its server",
            "run it there without --server; a daemon may go on meanwhile",
        ));
    }
    app.store_dir()
}
