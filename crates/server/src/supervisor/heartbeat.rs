//! That a feed was alive, as a fact: silence of the world and silence of a dead feed differ.

use bellwether_ingest::{Cadence, FeedSpec};
use bellwether_model::{Attributes, Basis, Evidence, Fact, FactTypes, Grade, Op, Period, Stamp};
use bellwether_store::{Append, Error, EventLog};
use chrono::{DateTime, Utc};

/// Fact type of a heartbeat.
pub(crate) const HEARTBEAT: &str = "heartbeat.seen";
/// `source` of heartbeats.
const SOURCE: &str = "bellwether";

/// The step in which a feed makes at most one heartbeat: an hour for daily feeds, a day for all others.
fn step(feed: &FeedSpec, now: DateTime<Utc>) -> String {
    let format = if feed.cadence == Cadence::Daily { "%Y-%m-%dT%HZ" } else { "%Y-%m-%d" };
    now.format(format).to_string()
}

/// Stores that `feed` was alive at `now` and what it covers, unless the log says so for this step already.
pub(crate) fn beat(
    log: &dyn EventLog,
    types: &FactTypes,
    feed: &FeedSpec,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    // A configuration without the type does not want them.
    if types.get(HEARTBEAT).is_none() {
        return Ok(());
    }
    let key = format!("heartbeat|{}|{}", feed.name, step(feed, now));
    if !log.keys_latest(SOURCE, &key)?.is_empty() {
        return Ok(());
    }
    let mut attributes = Attributes::from([("feed".to_owned(), feed.name.as_str().into())]);
    if !feed.covers.is_empty() {
        attributes.insert("covers".to_owned(), feed.covers.clone().into());
    }
    let mut fact = Fact {
        id: Default::default(),
        op: Op::Assert,
        kind: HEARTBEAT.to_owned(),
        source: SOURCE.to_owned(),
        key,
        valid: Period::instant(now),
        published_at: Some(Stamp::Instant(now)),
        published_basis: Basis::Stated,
        actors: Vec::new(),
        value: None,
        unit: None,
        grade: Grade::new('A', 1).unwrap_or(Grade::UNKNOWN),
        attributes,
        evidence: Evidence::default(),
        note: None,
    };
    fact.seal();
    log.append(Append::facts(vec![fact])).map(drop)
}
