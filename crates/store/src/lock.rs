//! One owner: an advisory lock that says who holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::Error;

/// File name in the store folder.
pub(crate) const NAME: &str = "LOCK";

/// Held as long as the store is open. The operating system lets go of it when the process dies.
pub(crate) struct Lock {
    file: File,
    /// What the previous owner left behind when it did not close: the boot it ran under.
    pub(crate) left_open_under: Option<String>,
}

impl Lock {
    /// Takes the lock of the store at `dir`, or says who has it.
    pub(crate) fn take(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(NAME);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(Error::io(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Busy { holder: holder(&mut file), path }),
            Err(TryLockError::Error(e)) => return Err(Error::io(&path)(e)),
        }
        let before = read(&mut file);
        let left_open_under = (!before.is_empty()).then(|| field(&before, "boot").unwrap_or_default());
        let text = format!("pid={}\nhost={}\nboot={}\n", std::process::id(), host(), boot());
        overwrite(&mut file, &text).map_err(Error::io(&path))?;
        Ok(Self { file, left_open_under })
    }

    /// Whether the machine went down since the previous owner, which did not close.
    pub(crate) fn after_power_cut(&self) -> bool {
        self.left_open_under.as_ref().is_some_and(|before| *before != boot())
    }

    /// Notes that the store was closed in good order.
    pub(crate) fn closed(&mut self) -> std::io::Result<()> {
        overwrite(&mut self.file, "")?;
        self.file.sync_data()
    }
}

/// Who holds the store at `dir`, as written in its lock file; `None` when nobody does.
///
/// # Errors
/// [`Error::Io`].
pub fn owner(dir: &Path) -> Result<Option<String>, Error> {
    let path: PathBuf = dir.join(NAME);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io(&path)(e)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(holder(&mut file))),
        Err(TryLockError::Error(e)) => Err(Error::io(&path)(e)),
    }
}

fn holder(file: &mut File) -> String {
    let text = read(file);
    match (field(&text, "pid"), field(&text, "host")) {
        (Some(pid), Some(host)) => format!("process {pid} on {host}"),
        _ => "another process that did not leave its name".into(),
    }
}

fn field(text: &str, name: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
    Some(value.chars().filter(|c| !c.is_control()).take(100).collect())
}

/// The file is small and may be anything: what cannot be read counts as empty.
fn read(file: &mut File) -> String {
    let mut text = String::new();
    let got = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(1024).read_to_string(&mut text));
    if got.is_err() {
        text = "?".into();
    }
    text
}

fn overwrite(file: &mut File, text: &str) -> std::io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text.as_bytes())
}

fn host() -> String {
    system("/proc/sys/kernel/hostname").unwrap_or_else(|| "this machine".into())
}

/// Names the present boot of the machine, empty where it does not tell.
fn boot() -> String {
    system("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}

fn system(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}
