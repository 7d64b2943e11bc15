//! What the log remembers of the feeds from before the start.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use bellwether_store::{Error, EventLog};
use chrono::{DateTime, Utc};

use super::heartbeat::HEARTBEAT;
use crate::Reads;

#[derive(Default)]
struct Last {
    success: Option<DateTime<Utc>>,
    new: Option<DateTime<Utc>>,
}

/// Reads the log once and tells the health when each feed last answered and last brought something.
pub(crate) fn recall(log: &dyn EventLog, reads: &Reads) -> Result<(), Error> {
    let mut feeds: BTreeMap<String, Last> =
        reads.configured().feeds.keys().map(|name| (name.clone(), Last::default())).collect();
    log.read(1, &mut |record| {
        if let Some(fact) = record.fact() {
            if let Some(last) = feeds.get_mut(&fact.source) {
                last.new = last.new.max(Some(record.recorded_at));
            } else if fact.kind == HEARTBEAT
                && let Some(name) = fact.attribute("feed")
                && let Some(last) = feeds.get_mut(&*name)
            {
                last.success = last.success.max(Some(record.recorded_at));
            }
        }
        ControlFlow::Continue(())
    })?;
    for (name, last) in feeds {
        reads.health.recalled(&name, last.success.max(last.new), last.new);
    }
    Ok(())
}
