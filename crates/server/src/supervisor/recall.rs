//! What the log remembers of the feeds from before the start.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use bellwether_model::{Body, System};
use bellwether_store::{CHECKPOINT, Error, EventLog};
use chrono::{DateTime, Utc};

use super::heartbeat::HEARTBEAT;
use crate::Reads;

#[derive(Default)]
struct Last {
    success: Option<DateTime<Utc>>,
    new: Option<DateTime<Utc>>,
}

/// Reads the log once and tells the health when each feed last answered and last brought something.
///
/// Facts do not say by which feed they came, as a native record names its own source; the checkpoint behind them does.
pub(crate) fn recall(log: &dyn EventLog, reads: &Reads) -> Result<(), Error> {
    let mut feeds: BTreeMap<String, Last> =
        reads.configured().feeds.keys().map(|name| (name.clone(), Last::default())).collect();
    let mut after_fact = false;
    log.read(1, &mut |record| {
        match &record.body {
            Body::Fact(fact) if fact.kind == HEARTBEAT => {
                let name = fact.attribute("feed");
                if let Some(last) = name.and_then(|name| feeds.get_mut(&*name)) {
                    last.success = last.success.max(Some(record.recorded_at));
                }
            }
            Body::System(System { system, name, .. }) if system == CHECKPOINT && after_fact => {
                if let Some(last) = feeds.get_mut(name) {
                    last.new = last.new.max(Some(record.recorded_at));
                }
            }
            _ => {}
        }
        after_fact = record.fact().is_some_and(|fact| fact.kind != HEARTBEAT);
        ControlFlow::Continue(())
    })?;
    for (name, last) in feeds {
        reads.health.recalled(&name, last.success.max(last.new), last.new);
    }
    Ok(())
}
