//! What the log holds: facts and system records under one gapless sequence.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Fact;

/// Bookkeeping that shares the sequence and is never visible to an assessment: checkpoints, deliveries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// What it is, for instance `checkpoint`.
    pub system: String,
    /// Whom it concerns, for instance the feed.
    pub name: String,
    /// Payload of the kind.
    pub data: serde_json::Value,
}

/// Payload of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "nearly every record is a fact: a box would cost each of them")]
pub enum Body {
    /// A fact.
    Fact(Fact),
    /// Bookkeeping.
    System(System),
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Position from 1, gapless, assigned by the log.
    pub seq: u64,
    /// When the log took it, UTC; one instant an append, never decreasing.
    pub recorded_at: DateTime<Utc>,
    /// What it says.
    #[serde(flatten)]
    pub body: Body,
}

impl Record {
    /// Its type: that of the fact, `group.thing`, or the kind of bookkeeping, which has no dot: `checkpoint`, `alert`.
    pub fn kind(&self) -> &str {
        match &self.body {
            Body::Fact(fact) => &fact.kind,
            Body::System(system) => &system.system,
        }
    }

    /// The fact, when the record is one.
    pub fn fact(&self) -> Option<&Fact> {
        match &self.body {
            Body::Fact(fact) => Some(fact),
            Body::System(_) => None,
        }
    }
}
