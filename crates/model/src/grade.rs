//! Source grades on the Admiralty (NATO STANAG 2511) scale.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Problem;

/// Source reliability A–F and information credibility 1–6, written `B2`.
///
/// Orders from best to worst, source first. F and 6 mean "cannot be judged", not "worst", but they
/// order last: an unjudged source never displaces a judged one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grade {
    source: u8,
    information: u8,
}

impl Grade {
    /// "Cannot be judged" on both scales.
    pub const UNKNOWN: Grade = Grade { source: b'F', information: 6 };

    /// Checks and builds a grade from its two parts, for instance `'B'` and `2`.
    pub fn new(source: char, information: u8) -> Result<Self, Problem> {
        let upper = source.to_ascii_uppercase();
        if !('A'..='F').contains(&upper) || !(1..=6).contains(&information) {
            return Err(Problem::new(
                "not an Admiralty grade",
                "use a source A-F and an information 1-6, as in B2",
            )
            .text(format!("{source}{information}")));
        }
        Ok(Self { source: upper as u8, information })
    }

    /// Source reliability, `'A'..='F'`.
    pub fn source(self) -> char {
        char::from(self.source)
    }

    /// Information credibility, `1..=6`.
    pub fn information(self) -> u8 {
        self.information
    }

    /// Whether a fact of this grade may set a value on its own. Information 4 (doubtful), 5 (improbable)
    /// may inform an explanation, never set a value alone.
    pub fn may_set_value(self) -> bool {
        self.information <= 3 || self.information == 6
    }

    /// Compact form for storage: `(source letter as byte, information)`.
    pub fn to_bytes(self) -> [u8; 2] {
        [self.source, self.information]
    }

    /// Inverse of [`Grade::to_bytes`].
    pub fn from_bytes(bytes: [u8; 2]) -> Result<Self, Problem> {
        let [source, information] = bytes;
        Self::new(char::from(source), information)
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.source(), self.information)
    }
}

impl FromStr for Grade {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let mut chars = text.trim().chars();
        match (chars.next(), chars.next().and_then(|c| c.to_digit(10)), chars.next()) {
            (Some(source), Some(information), None) => {
                Self::new(source, u8::try_from(information).unwrap_or(u8::MAX))
            }
            _ => Err(Problem::new(
                "not an Admiralty grade",
                "use a source A-F and an information 1-6, as in B2",
            )
            .text(text)),
        }
    }
}

impl Serialize for Grade {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Grade {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grades_parse_order_and_refuse() {
        let b2: Grade = "B2".parse().unwrap();
        assert_eq!(b2.to_string(), "B2");
        assert!(b2 < "C1".parse().unwrap(), "source reliability orders first");
        assert!(!"B4".parse::<Grade>().unwrap().may_set_value());
        for bad in ["", "G1", "A7", "A0", "AA", "B22"] {
            assert!(bad.parse::<Grade>().is_err(), "{bad}");
        }
    }
}
