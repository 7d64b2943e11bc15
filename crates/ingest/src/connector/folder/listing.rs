//! One look into a folder.

use std::fs::{DirEntry, File, Metadata};
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::settings::FolderSettings;

/// What tells one state of a file from another without reading it: size, and time of change in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Look(pub(super) u64, pub(super) u64);

impl Look {
    fn at(meta: &Metadata) -> Self {
        let since =
            meta.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        Self(meta.len(), u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// What a look finds.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Files that match, by name in ascending order, each with the moment since which it is as it is.
    pub(super) files: Vec<(String, Look, DateTime<Utc>)>,
    /// Side files, likewise.
    pub(super) beside: Vec<(String, Look, DateTime<Utc>)>,
    /// Entries that would match and are not taken, and why.
    pub(super) refused: Vec<(String, &'static str)>,
}

/// Endings of files that are still being written.
const UNDER_WAY: &[&str] =
    &["~", ".crdownload", ".download", ".filepart", ".part", ".partial", ".swp", ".temp", ".tmp"];

fn is_under_way(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    name.starts_with(['.', '~']) || UNDER_WAY.iter().any(|ending| lower.ends_with(ending))
}

/// Looks into the folder.
pub(super) fn list(settings: &FolderSettings, beside: &[String]) -> io::Result<Listing> {
    let mut listing = Listing::default();
    for entry in std::fs::read_dir(&settings.path)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            listing.refused.push((name.to_string_lossy().into_owned(), "its name is not UTF-8"));
            continue;
        };
        let aside = beside.iter().any(|side| side.eq_ignore_ascii_case(name));
        if is_under_way(name) || !(aside || settings.pattern.is_match(name)) {
            continue;
        }
        match look(&entry) {
            Ok(Some((look, since))) => {
                let files = if aside { &mut listing.beside } else { &mut listing.files };
                files.push((name.to_owned(), look, since));
            }
            Ok(None) => {}
            Err(why) => listing.refused.push((name.to_owned(), why)),
        }
    }
    listing.files.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    listing.beside.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    listing.refused.sort_unstable();
    Ok(listing)
}

/// `None` for a folder, and for a file that is gone again.
fn look(entry: &DirEntry) -> Result<Option<(Look, DateTime<Utc>)>, &'static str> {
    // Of the entry itself, not of what a link leads to.
    let Ok(meta) = entry.metadata() else { return Ok(None) };
    match meta.file_type() {
        kind if kind.is_symlink() => Err("it is a link, which may lead anywhere"),
        kind if kind.is_dir() => Ok(None),
        kind if kind.is_file() => Ok(Some((Look::at(&meta), since(&meta)))),
        _ => Err("it is no ordinary file"),
    }
}

/// Since when neither content nor marks of a file changed. A copy may bear the time of its original: what the system
/// notes about the file itself counts where there is such a thing.
fn since(meta: &Metadata) -> DateTime<Utc> {
    let modified = meta.modified().map_or(DateTime::<Utc>::MAX_UTC, DateTime::from);
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let nanoseconds = u32::try_from(meta.ctime_nsec()).unwrap_or_default();
        let changed = DateTime::from_timestamp(meta.ctime(), nanoseconds);
        modified.max(changed.unwrap_or(DateTime::<Utc>::MAX_UTC))
    }
    #[cfg(not(unix))]
    modified
}

/// Opens a file that was listed, if it is still the one that was looked at.
pub(super) fn open(path: &Path, look: Look) -> io::Result<Option<File>> {
    let before = std::fs::symlink_metadata(path)?;
    if !before.is_file() || Look::at(&before) != look {
        return Ok(None);
    }
    let file = File::open(path)?;
    // Between the look and the opening a link may have taken its place.
    Ok(is_same(&before, &file.metadata()?).then_some(file))
}

#[cfg(unix)]
fn is_same(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn is_same(a: &Metadata, b: &Metadata) -> bool {
    Look::at(a) == Look::at(b)
}

/// Whether the file still is what it was when it was opened.
pub(super) fn is_unchanged(file: &File, look: Look) -> bool {
    file.metadata().is_ok_and(|meta| Look::at(&meta) == look)
}
