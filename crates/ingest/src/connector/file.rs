//! A file on disk.

use std::fs::File;
use std::path::Path;

use bellwether_model::Problem;

use super::Input;
use crate::IngestError;

pub(super) fn open(path: &Path) -> Result<Input, IngestError> {
    let shown = path.display().to_string();
    let file = File::open(path).map_err(|e| IngestError::read(&shown, &e))?;
    if file.metadata().is_ok_and(|meta| meta.is_dir()) {
        return Err(IngestError::Source(
            Problem::new("is a folder", "name the file in it").at(shown, 0).into(),
        ));
    }
    let name = path.file_name().map_or(shown, |name| name.to_string_lossy().into_owned());
    // A pipe or a device has no places to seek to.
    if !file.metadata().is_ok_and(|meta| meta.is_file()) {
        return Ok(Input::reader(name, file));
    }
    Input::file(name, file).map_err(|e| IngestError::read(&path.display().to_string(), &e))
}
