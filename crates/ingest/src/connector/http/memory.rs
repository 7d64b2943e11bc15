//! What a feed remembers between two polls of an address.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::manifest::Place;
use super::settings::HttpSettings;
use crate::connector::Cursor;

/// The cursor of an HTTP feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// Fingerprint of the address: what is remembered of another one is forgotten.
    of: String,
    /// When the source last answered.
    pub(super) fetched_at: DateTime<Utc>,
    /// Since when the content is the same: the moment of the newest take.
    pub(super) changed_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_modified: Option<String>,
    /// BLAKE3 of the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) digest: Option<String>,
    /// Newest stamp that was taken of an index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last: Option<DateTime<Utc>>,
    /// Addresses that were taken at that stamp.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    at: Vec<String>,
    /// Sources of an index that were given up.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) skipped: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Memory {
    /// Reads a cursor; one of another address, or none, remembers nothing.
    pub(super) fn of(cursor: &Cursor, settings: &HttpSettings, now: DateTime<Utc>) -> Self {
        let of: String = blake3::hash(settings.url.as_str().as_bytes()).to_hex().chars().take(16).collect();
        let remembered: Option<Self> = serde_json::from_value(cursor.clone()).ok();
        remembered.filter(|memory| memory.of == of).unwrap_or(Self {
            of,
            fetched_at: now,
            changed_at: now,
            etag: None,
            last_modified: None,
            digest: None,
            last: None,
            at: Vec::new(),
            skipped: 0,
        })
    }

    pub(super) fn cursor(&self) -> Cursor {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Whether a source of an index was taken. Several may bear one stamp.
    pub(super) fn has(&self, (at, url): &Place) -> bool {
        self.last.is_some_and(|last| *at < last || (*at == last && self.at.contains(url)))
    }

    /// Remembers a source as taken.
    pub(super) fn pass(&mut self, (at, url): Place) {
        if self.last.is_none_or(|last| last < at) {
            self.last = Some(at);
            self.at.clear();
        }
        self.at.push(url);
    }
}
