//! What makes two statements about an entry the same.

use bellwether_model::Fact;
use serde_json::Value;

use super::is_first_seen;

/// Attribute that says that the record states no date.
pub(super) const DATED: &str = "dated";
/// Value of [`DATED`].
pub(super) const FIRST_SEEN: &str = "first seen";
/// Attribute with the digest of what decides whether an entry changed, where the feed file says what does.
pub(super) const CONTENT: &str = "content";

/// Digest of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hash([u8; 16]);

impl Hash {
    /// Of anything.
    pub(super) fn of(parts: &[&[u8]]) -> Self {
        let mut hash = blake3::Hasher::new();
        for part in parts {
            hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(part);
        }
        let mut short = [0; 16];
        hash.finalize_xof().fill(&mut short);
        Self(short)
    }

    /// Of a listing, as mapped or as logged: where it stood, when it was published and, when the source states no
    /// date, the date it was first seen are left out.
    pub(super) fn of_fact(fact: &Fact) -> Self {
        if let Some(Value::String(digest)) = fact.attributes.get(CONTENT) {
            return Self::of(&[digest.as_bytes()]);
        }
        let undated = is_first_seen(&fact.valid)
            || fact.attributes.get(DATED).is_some_and(|v| v.as_str() == Some(FIRST_SEEN));
        let mut attributes = fact.attributes.clone();
        for own in ["list", "entry", DATED] {
            attributes.remove(own);
        }
        let valid = (!undated).then_some(&fact.valid);
        let value = fact.value.map(|v| v.normalize());
        let content = (
            (&fact.kind, valid, &fact.actors, value),
            (&fact.unit, fact.grade, &attributes, &fact.evidence.uri),
        );
        // Strings, ordered maps and decimals always serialise.
        Self::of(&[&serde_json::to_vec(&content).unwrap_or_default()])
    }

    /// Lower-case hexadecimal digits.
    pub(super) fn hex(self) -> String {
        self.0.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// The first eight of them.
    pub(super) fn short(self) -> String {
        self.0.iter().take(4).map(|b| format!("{b:02x}")).collect()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}
