//! Feeds: bytes in, facts out, nothing lost.
//!
//! A feed is a connector (how bytes arrive) × a decoder (what the bytes are) × a mapping (which record makes
//! which facts), written down in a feed file ([`FeedSpec`]). [`ingest`] runs one over one source; what cannot
//! be taken is held in a [`Quarantine`] with its raw bytes, place, reason and remedy. [`fact_add`],
//! [`retract`] and [`judge`] put in single facts by hand.
//!
//! What is polled ([`FeedSpec::poller`]) finds [`Source`]s; [`take`] puts one into the log whole or not at all.
//!
//! Invariants: records read = mapped + skipped + quarantined; facts mapped = stored + duplicate; a record
//! makes all of its facts or none; one bad record never costs the others; the same source twice stores
//! nothing the second time.
//!
//! What is absent on purpose: a clock (the present moment is an argument), printing, and any reading of
//! what facts mean.

mod by_hand;
mod connector;
mod decoder;
mod encoding;
mod error;
mod feed;
mod hold;
mod ingest;
mod mapping;
mod pipeline;
mod prefilter;
mod quarantine;
mod report;
mod settle;
mod snapshot;
mod sniff;
mod take;
mod unpack;
mod vintage;

pub use by_hand::{Judgement, NewFact, fact_add, judge, retract};
pub use connector::{
    Connector, Cursor, Degraded, Done, FolderSettings, Form, HttpSettings, Index, Input, Poll, Polled,
    Polling, Published, Secret, Settle, Source, Timeouts, backoff,
};
pub use decoder::{Check, Decoder, Delimited, Empty, JsonPaths, Syndication, Unpivot, XmlRecords};
pub use encoding::Encoding;
pub use error::IngestError;
pub use feed::{Cadence, FeedSpec};
pub use ingest::{Options, ingest};
pub use mapping::Native;
pub use quarantine::{
    Cause, Entry, FileQuarantine, Quarantine, QuarantineCopy, Raw, Resolved, Summary, WholeSource,
    drop_entry, release, retry,
};
pub use report::{Facts, Records, Report};
pub use sniff::looks_like_html;
pub use take::{changed_at, cursor, fetched_at, remember, take};
pub use unpack::{Limits, Unpack, Unpacked, md5_matches};
