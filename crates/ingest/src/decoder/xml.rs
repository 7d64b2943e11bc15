//! Records of one XML document: elements of a name, wherever they stand.
//!
//! The outline is cut by a scanner of tags that follows no reference and no DTD ([`markup`], [`walk`]); one record at
//! a time is then read by a full parser ([`value`]).

mod markup;
mod value;
mod walk;

use serde::{Deserialize, Serialize};

pub(super) use value::value;
pub(super) use walk::{Rules, Walker};

use super::envelope::{Check, Empty};

/// Settings of the XML decoder.
///
/// A record reaches the mapping as JSON: an element with neither attributes nor elements in it is its text, without
/// blanks around it. Any other is an object of its children by name (with prefix, if there is one), of several of one
/// name as a list, of attributes as `@name`, and of `#text`: all text inside in order, when it has some of its own.
/// The record itself also says its `#name`. Only `&lt; &gt; &amp; &apos; &quot;` and character references are
/// resolved; a document type with declarations of its own is refused, one that names a file is not followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct XmlRecords {
    /// Names of the elements that are records, with prefix if they have one.
    pub records: Vec<String>,
    /// Name that the root must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// What must stand around the records; paths start below the root.
    #[serde(default)]
    pub envelope: Vec<Check>,
    /// What a document without a record means.
    #[serde(default)]
    pub empty: Empty,
}

impl XmlRecords {
    pub(super) fn rules(&self) -> Rules {
        Rules {
            records: self.records.clone(),
            roots: self.root.iter().cloned().collect(),
            local: false,
            lenient: false,
        }
    }
}
