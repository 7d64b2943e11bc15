//! What an ingest came to.

use serde::Serialize;

/// Counts of records; `read` is always the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Records {
    /// Records in the source.
    pub read: u64,
    /// Made at least one fact.
    pub mapped: u64,
    /// Left out by a rule of the feed.
    pub skipped: u64,
    /// Held back with a reason.
    pub quarantined: u64,
}

/// Counts of facts; together they are the facts mapped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// New in the log.
    pub stored: u64,
    /// Already in the log, or twice in the source.
    pub duplicate: u64,
}

/// `{"feed","records":{"read","mapped","skipped","quarantined"},"facts":{"stored","duplicate"},"head"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Feed.
    pub feed: String,
    /// Records of the source.
    pub records: Records,
    /// Facts made of them.
    pub facts: Facts,
    /// Highest sequence of the log afterwards.
    pub head: u64,
    /// What the operator should know beside the counts; no part of the JSON.
    #[serde(skip)]
    pub notes: Vec<String>,
}

impl Report {
    /// Adds the counts of a further source of the same feed; the later head counts.
    pub fn absorb(&mut self, other: &Report) {
        self.records.read += other.records.read;
        self.records.mapped += other.records.mapped;
        self.records.skipped += other.records.skipped;
        self.records.quarantined += other.records.quarantined;
        self.facts.stored += other.facts.stored;
        self.facts.duplicate += other.facts.duplicate;
        self.head = self.head.max(other.head);
        self.notes.extend(other.notes.iter().cloned());
    }
}
