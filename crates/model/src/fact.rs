//! The fact: one statement of one source about one thing at one time.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Grade, Period, Stamp};

/// UUIDv5 namespace of fact ids (RFC 9562), fixed for ever.
pub const NAMESPACE: Uuid = Uuid::from_u128(0x6d0e_6a52_5b5c_4b0a_9b1e_b1f3_6c1d_7a01);

/// Whether a fact states or withdraws.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// States a value or a happening.
    #[default]
    Assert,
    /// Withdraws the key: from its own known time on, nothing is said under it.
    Retract,
}

/// Where the known time of a fact comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// The source states when it published.
    Stated,
    /// The source does not say; the fact type's rule assumes it.
    Assumed,
    /// Nobody can say: known only since the log recorded it.
    Recorded,
}

/// Attributes of a fact, ordered by name; unknown ones are kept.
pub type Attributes = BTreeMap<String, serde_json::Value>;

/// Where a fact was read. None of it but `uri` is part of the content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Address of the source.
    #[serde(default)]
    pub uri: Option<String>,
    /// File or stream the record came from.
    #[serde(default)]
    pub file: Option<String>,
    /// Line in `file`, from 1.
    #[serde(default)]
    pub line: Option<u64>,
    /// SHA-256-sized BLAKE3 digest of the raw record, lower-case hexadecimal.
    #[serde(default)]
    pub digest: Option<String>,
}

/// A fact in native form: the event of the log without `seq` and `recorded_at`.
///
/// JSON: `id`, `op`, `type`, `source`, `key`, `valid`, `published_at`, `published_basis`, `actors`,
/// `value` (decimal as a string, in the base unit), `unit`, `grade`, `attributes`, `evidence`, `note`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// UUIDv5 of (source, key, content); see [`Fact::seal`].
    #[serde(default)]
    pub id: Uuid,
    /// States or withdraws.
    #[serde(default)]
    pub op: Op,
    /// Fact type of `config/facts.toml`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Feed that delivered it.
    pub source: String,
    /// Natural key of the record in the feed.
    pub key: String,
    /// When it was so.
    pub valid: Period,
    /// Publication as stated or assumed; absent for basis `recorded`.
    #[serde(default)]
    pub published_at: Option<Stamp>,
    /// Where `published_at` comes from.
    pub published_basis: Basis,
    /// ISO 3166-1 alpha-3 or organisation codes, in order: who, to whom.
    #[serde(default)]
    pub actors: Vec<String>,
    /// Exact decimal in `unit`.
    #[serde(default)]
    pub value: Option<Decimal>,
    /// Base unit of the fact type.
    #[serde(default)]
    pub unit: Option<String>,
    /// Admiralty grade.
    pub grade: Grade,
    /// Further particulars by name.
    #[serde(default)]
    pub attributes: Attributes,
    /// Where it was read.
    #[serde(default)]
    pub evidence: Evidence,
    /// Free remark of whoever recorded it; not content.
    #[serde(default)]
    pub note: Option<String>,
}

/// What of a fact makes two records the same statement; serialised in this order for the id.
#[derive(Serialize)]
struct Content<'a> {
    op: Op,
    kind: &'a str,
    valid: &'a Period,
    actors: &'a [String],
    value: Option<Decimal>,
    unit: Option<&'a str>,
    attributes: &'a Attributes,
    grade: Grade,
    uri: Option<&'a str>,
    published: Option<Stamp>,
}

impl Fact {
    /// Computes the id from source, key and content and stores it.
    ///
    /// Content leaves out the recording time, the place in the file and the note; a publication time that
    /// was assumed stays blank in it, so that a changed assumption makes no new fact.
    pub fn seal(&mut self) {
        self.id = self.content_id();
    }

    /// The id that this fact's source, key and content give: UUIDv5 over BLAKE3 of canonical JSON.
    pub fn content_id(&self) -> Uuid {
        let content = Content {
            op: self.op,
            kind: &self.kind,
            valid: &self.valid,
            actors: &self.actors,
            value: self.value.map(|v| v.normalize()),
            unit: self.unit.as_deref(),
            attributes: &self.attributes,
            grade: self.grade,
            uri: self.evidence.uri.as_deref(),
            published: self.published_at.filter(|_| self.published_basis == Basis::Stated),
        };
        let mut hash = blake3::Hasher::new();
        for part in [self.source.as_bytes(), self.key.as_bytes()] {
            hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(part);
        }
        // Strings, ordered maps and decimals always serialise.
        hash.update(&serde_json::to_vec(&content).unwrap_or_default());
        Uuid::new_v5(&NAMESPACE, hash.finalize().as_bytes())
    }

    /// First moment at which this fact counts as known on the published clock.
    pub fn known_from(&self, recorded_at: DateTime<Utc>) -> DateTime<Utc> {
        match (self.published_basis, self.published_at) {
            (Basis::Recorded, _) | (_, None) => recorded_at,
            (_, Some(stamp)) => stamp.known_from(),
        }
    }

    /// Days between the end of the valid time and the stated publication; `None` when nothing is stated.
    ///
    /// A large one marks a late copy: a page that repeats an old figure says nothing about its first release.
    pub fn publication_lag_days(&self) -> Option<i64> {
        let stated = self.published_at.filter(|_| self.published_basis == Basis::Stated)?;
        Some((stated.start() - self.valid.end_or_start()).num_days())
    }

    /// Attribute as text: strings as they are, other JSON printed.
    pub fn attribute(&self, name: &str) -> Option<std::borrow::Cow<'_, str>> {
        self.attributes.get(name).map(|value| match value {
            serde_json::Value::String(text) => text.as_str().into(),
            other => other.to_string().into(),
        })
    }
}

/// Key without a trailing `|copyN` or `|alt`: rival accounts of one thing share their base key.
pub fn base_key(key: &str) -> &str {
    match key.rsplit_once('|') {
        Some((base, "alt")) => base,
        Some((base, tail)) => match tail.strip_prefix("copy") {
            Some(n) if !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()) => base,
            _ => key,
        },
        None => key,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::parse_moment;

    pub(crate) fn fact() -> Fact {
        let start = parse_moment("2022-01-01").unwrap();
        let mut fact = Fact {
            id: Uuid::nil(),
            op: Op::Assert,
            kind: "trade.flow".into(),
            source: "facts-csv".into(),
            key: "trade.flow|CHN-RUS|total|2022".into(),
            valid: Period::range(start, parse_moment("2023-01-01").unwrap()).unwrap(),
            published_at: Some("2023-01-13".parse().unwrap()),
            published_basis: Basis::Stated,
            actors: vec!["CHN".into(), "RUS".into()],
            value: Some("190270000000".parse().unwrap()),
            unit: Some("USD".into()),
            grade: "C2".parse().unwrap(),
            attributes: Attributes::new(),
            evidence: Evidence::default(),
            note: None,
        };
        fact.seal();
        fact
    }

    #[test]
    fn the_id_ignores_place_note_and_trailing_zeros() {
        let a = fact();
        let mut b = fact();
        b.note = Some("seen twice".into());
        b.evidence.line = Some(7);
        b.value = Some("190270000000.00".parse().unwrap());
        assert_eq!(a.id, b.content_id());
        b.grade = "B2".parse().unwrap();
        assert_ne!(a.id, b.content_id());
    }

    #[test]
    fn an_assumed_publication_is_not_content() {
        let mut a = fact();
        a.published_basis = Basis::Assumed;
        let mut b = a.clone();
        b.published_at = Some("2023-02-01".parse().unwrap());
        assert_eq!(a.content_id(), b.content_id());
    }

    #[test]
    fn native_json_round_trips() {
        let a = fact();
        let text = serde_json::to_string(&a).unwrap();
        assert!(text.contains("\"value\":\"190270000000\""), "{text}");
        assert_eq!(serde_json::from_str::<Fact>(&text).unwrap(), a);
    }

    #[test]
    fn rivals_share_a_base_key() {
        assert_eq!(base_key("a|2015|copy2"), "a|2015");
        assert_eq!(base_key("a|2021|alt"), "a|2021");
        assert_eq!(base_key("a|copycat"), "a|copycat");
        assert_eq!(base_key("a|copy"), "a|copy");
    }
}
