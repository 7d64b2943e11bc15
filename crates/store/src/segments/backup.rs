//! A copy of the log while it is being written.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use super::{LOG, Segments};
use crate::Error;
use crate::disk::{Disk, OsDisk};
use crate::segment::anchor::Anchor;

/// Where a copy is made before it gets its name: one that is cut short is no log.
const PART: &str = "log.part";

impl Segments {
    /// Copies the log as it is now into the new or empty store folder `to`; appends go on meanwhile. Returns
    /// the head of the copy. A store is restored by backing it up the other way, or by copying the folder.
    ///
    /// The folder `log` appears when it is whole and on disk. The index is not copied, the first open builds it.
    ///
    /// # Errors
    /// [`Error::Occupied`] when `to` already holds a log; [`Error::Io`]; [`Error::DiskFull`].
    pub fn backup(&self, to: &Path) -> Result<u64, Error> {
        unoccupied(to)?;
        let (log, part) = (to.join(LOG), to.join(PART));
        match fs::remove_dir_all(&part) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(Error::io(&part)(e)),
            _ => fs::create_dir_all(&part).map_err(Error::io(&part))?,
        }
        let (segments, (count, chain)) = {
            // Between two appends the catalog and the tip agree; after it neither changes what is copied.
            let _between = self.committer()?;
            (self.catalog().0.clone(), *crate::held(&self.tip))
        };
        for segment in segments {
            let target = part.join(crate::segment::name(segment.first));
            let copied = fs::File::open(&segment.path).and_then(|file| {
                let mut out = fs::File::create_new(&target)?;
                let copied = io::copy(&mut file.take(segment.bytes), &mut out)?;
                out.sync_all()?;
                Ok(copied)
            });
            if copied.map_err(Error::io(&target))? != segment.bytes {
                return Err(Error::damaged(segment.first, "a segment is shorter than it was"));
            }
        }
        Anchor { count, chain }.write(&part, &OsDisk)?;
        // Over an empty folder of that name, and over nothing else.
        fs::rename(&part, &log).map_err(Error::io(&log))?;
        OsDisk.sync_dir(to).map_err(Error::io(to))?;
        Ok(count)
    }
}

/// Whether a store folder holds no log yet, be it absent.
pub(crate) fn unoccupied(dir: &Path) -> Result<(), Error> {
    let path = dir.join(LOG);
    let first = match fs::read_dir(&path) {
        Ok(mut entries) => entries.next(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(Error::io(&path)(e)),
    };
    if first.is_some() { Err(Error::Occupied { path }) } else { Ok(()) }
}
