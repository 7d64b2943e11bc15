//! A daemon as the source of what is read: where it is, and how it is asked.
//!
//! Whoever reads a store that a daemon holds asks the daemon, and so does whoever names one with `--server`. What comes
//! back is read into the same structures that a read of the store makes, so one drawing code serves both.

mod client;
mod told;

use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::Path;

use bellwether_model::Record;
use bellwether_server::Address;
use bellwether_store::owner;

use crate::failure::Failure;

pub(crate) use client::Remote;
pub(crate) use told::Told;

/// A daemon that holds a store.
pub(crate) struct Holder {
    /// Where it listens.
    pub(crate) url: String,
    /// Process and host, from the lock.
    pub(crate) who: String,
}

impl Holder {
    /// What a command that writes is told.
    pub(crate) fn keeps_the_store(&self) -> Failure {
        let Self { url, who } = self;
        Failure::Daemon(Box::new(Told::nothing(
            format!("the store is held by a daemon: {who}, listening at {url}"),
            format!(
                "POST facts to {url}/v1/events (a daemon puts forecasts on record by itself), or stop it and run this again"
            ),
            7,
        )))
    }
}

/// The daemon that holds the store in `dir`, by what it left there and by the lock.
///
/// The file alone proves nothing: it outlives a killed daemon, and its port may be a stranger's by then. Only that of
/// the process that has the lock counts, so a token never goes to anybody else.
pub(crate) fn holder(dir: &Path) -> Option<Holder> {
    let url = Address::find(dir)?.url;
    let who = owner(dir).ok().flatten()?;
    Some(Holder { url, who })
}

/// The daemon to ask about the store in `dir`; `None` when none holds it.
pub(crate) fn found(dir: &Path) -> Result<Option<Remote>, Failure> {
    let Some(holder) = holder(dir) else { return Ok(None) };
    let remote = Remote::new(&holder.url, Some(holder.who))?;
    remote.probe()?;
    Ok(Some(remote))
}

impl Remote {
    /// Visits the records that the daemon's log holds from `from` to `until`, as the log itself would be read.
    ///
    /// An answer that is cut off is taken up where it ended: either it goes on, or the daemon says what is wrong there.
    pub(crate) fn events(
        &self,
        kind: Option<&str>,
        from: u64,
        until: u64,
        visit: &mut dyn FnMut(&Record) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        let mut next = from;
        loop {
            let mut query = vec![("from", next.to_string()), ("until", until.to_string())];
            query.extend(kind.map(|kind| ("type", kind.to_owned())));
            let mut reader = BufReader::new(self.stream(&["v1", "events"], &query)?);
            let begun = next;
            let mut line = Vec::new();
            let cut = loop {
                line.clear();
                match reader.read_until(b'\n', &mut line) {
                    Ok(0) => return Ok(()),
                    Ok(_) if line.last() != Some(&b'\n') => break "a line without end".to_owned(),
                    Ok(_) => {
                        let record: Record = serde_json::from_slice(&line).map_err(|e| self.odd(&e))?;
                        next = record.seq.saturating_add(1);
                        if visit(&record).is_break() {
                            return Ok(());
                        }
                    }
                    Err(e) => break e.to_string(),
                }
            };
            if next == begun {
                return Err(self.silent(&cut));
            }
        }
    }
}
