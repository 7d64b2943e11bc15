//! A file with a line of JSON a notification. A line is on disk before it counts as delivered.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Answer, Receiver, Sending};
use crate::Notification;

/// How far back a line is looked for that was written before a crash and not acknowledged. Longer than the longest line
/// but for a flood; what lies further back was acknowledged.
const TAIL: u64 = 4 << 20;

/// A file that grows by a line a notification.
#[derive(Debug)]
pub(super) struct Lines {
    file: Arc<Target>,
}

#[derive(Debug)]
struct Target {
    path: PathBuf,
    writing: Mutex<()>,
}

impl Lines {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { file: Arc::new(Target { path, writing: Mutex::new(()) }) }
    }
}

impl Target {
    fn write(&self, notification: &Notification) -> io::Result<&'static str> {
        let _one = self.writing.lock();
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&self.path)?;
        let tail = tail(&mut file)?;
        let id = notification.id.to_string();
        if tail.iter().any(|line| line.get("id").and_then(Value::as_str) == Some(&id)) {
            return Ok("already there");
        }
        let mut line = serde_json::to_vec(notification)?;
        line.push(b'\n');
        file.write_all(&line)?;
        file.sync_all()?;
        Ok("written")
    }
}

/// The last whole lines. A last line without an end that is no document is what a crash left: it is cut off, and what
/// it was to say is written again.
fn tail(file: &mut File) -> io::Result<Vec<Value>> {
    let length = file.metadata()?.len();
    let from = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    Read::by_ref(file).take(TAIL).read_to_end(&mut bytes)?;
    let last = bytes.split(|byte| *byte == b'\n').next_back().unwrap_or_default();
    if !last.is_empty() {
        if serde_json::from_slice::<Value>(last).is_ok() {
            file.write_all(b"\n")?;
        } else {
            file.set_len(length - last.len() as u64)?;
        }
    }
    Ok(bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
}

impl Receiver for Lines {
    fn send<'a>(&'a self, notification: &'a Notification, _now: DateTime<Utc>) -> Sending<'a> {
        Box::pin(async move {
            // Waiting for a disk is not for the threads that everybody shares.
            let (file, notification) = (Arc::clone(&self.file), notification.clone());
            match tokio::task::spawn_blocking(move || file.write(&notification)).await {
                Ok(Ok(what)) => Answer::Taken(what.into()),
                Ok(Err(error)) => Answer::away(format!("cannot be written: {error}")),
                Err(_) => Answer::failed("the writing ended before it was done"),
            }
        })
    }
}
