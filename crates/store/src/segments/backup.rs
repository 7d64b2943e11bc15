//! A copy of the log while it is being written.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use super::{LOG, Segments};
use crate::Error;
use crate::disk::{Disk, OsDisk};
use crate::segment::anchor::Anchor;

impl Segments {
    /// Copies the log as it is now into the new or empty store folder `to`; appends go on meanwhile. Returns
    /// the head of the copy. A store is restored by backing it up the other way, or by copying the folder.
    ///
    /// The anchor is written last: a copy cut short is refused when opened. The index is not copied, the
    /// first open builds it.
    ///
    /// # Errors
    /// [`Error::Io`], also when `to` already holds a log; [`Error::DiskFull`].
    pub fn backup(&self, to: &Path) -> Result<u64, Error> {
        let log = to.join(LOG);
        fs::create_dir_all(&log).map_err(Error::io(&log))?;
        if fs::read_dir(&log).map_err(Error::io(&log))?.next().is_some() {
            return Err(Error::io(&log)(io::ErrorKind::AlreadyExists.into()));
        }
        let (segments, (count, chain)) = {
            // Between two appends the catalog and the tip agree; after it neither changes what is copied.
            let _between = self.committer()?;
            (self.catalog().0.clone(), *crate::held(&self.tip))
        };
        for segment in segments {
            let target = log.join(crate::segment::name(segment.first));
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
        Anchor { count, chain }.write(&log, &OsDisk)?;
        OsDisk.sync_dir(to).map_err(Error::io(to))?;
        Ok(count)
    }
}
