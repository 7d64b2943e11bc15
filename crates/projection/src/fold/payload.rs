//! What windowed formulas read from a fact's attributes, hashed so that the fold keeps no text.

use bellwether_model::framework::{Formula, Framework, Measure};
use bellwether_model::{Decimal, Fact, base_key};
use serde::{Deserialize, Serialize};

use super::observation::Packed;

/// Attributes of one fact as one selector reads them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Payload {
    pub(crate) slot: u32,
    /// What makes several records one happening.
    pub(crate) group: u128,
    /// Sum or maximum of the attributes `of`, or the fact's value.
    pub(crate) number: Option<Packed>,
    /// Distinct things the fact names.
    pub(crate) tags: Vec<u128>,
    /// Which party cast the vote, 0 or 1; 2 for neither.
    pub(crate) party: u8,
}

/// 128 bits of BLAKE3: equal texts meet, different ones do not in practice.
pub(crate) fn digest(parts: &[&str]) -> u128 {
    let mut hash = blake3::Hasher::new();
    for part in parts {
        hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let all = hash.finalize();
    all.as_bytes().first_chunk::<16>().map_or(0, |first| u128::from_le_bytes(*first))
}

impl Payload {
    /// Reads a fact for a windowed measure.
    pub(crate) fn read(slot: u32, measure: &Measure, framework: &Framework, fact: &Fact) -> Self {
        let group = match measure.formula {
            Formula::Agreement => named(measure, fact)
                .unwrap_or_else(|| digest(&[&fact.attribute("resolution").unwrap_or_default()])),
            _ => happening(measure, fact),
        };
        let [first, second] = &framework.parties;
        let party = match fact.actors.first() {
            Some(a) if a == first => 0,
            Some(a) if a == second => 1,
            _ => 2,
        };
        let tags = match measure.formula {
            Formula::Distinct => tags(measure, fact),
            Formula::Diversification => fact.actors.first().map(|a| digest(&[a])).into_iter().collect(),
            // Whoever is absent made no choice.
            Formula::Agreement => fact
                .attribute("choice")
                .filter(|choice| choice != "absent")
                .map(|choice| digest(&[&choice]))
                .into_iter()
                .collect(),
            _ => Vec::new(),
        };
        Self { slot, group, number: number(measure, fact), tags, party }
    }
}

fn happening(measure: &Measure, fact: &Fact) -> u128 {
    named(measure, fact).unwrap_or_else(|| digest(&[&fact.source, base_key(&fact.key)]))
}

/// What the attributes `group` make one, where the fact has all of them.
fn named(measure: &Measure, fact: &Fact) -> Option<u128> {
    let named: Vec<_> = measure.group.iter().filter_map(|name| fact.attribute(name)).collect();
    (!measure.group.is_empty() && named.len() == measure.group.len()).then(|| {
        let mut parts: Vec<&str> = vec![&fact.kind];
        parts.extend(named.iter().map(|c| &**c));
        digest(&parts)
    })
}

fn number(measure: &Measure, fact: &Fact) -> Option<Packed> {
    if measure.of.is_empty() || measure.formula == Formula::Distinct {
        return fact.value.map(Packed::new);
    }
    let numbers = measure.of.iter().filter_map(|name| fact.attribute(name)?.parse::<Decimal>().ok());
    let folded = match measure.formula {
        Formula::Max => numbers.max(),
        _ => numbers.fold(None, |sum: Option<Decimal>, n| sum.unwrap_or_default().checked_add(n)),
    };
    folded.map(Packed::new)
}

/// Distinct things named by the attributes `of`: list items, or parts of a text between commas, without case.
fn tags(measure: &Measure, fact: &Fact) -> Vec<u128> {
    let mut tags: Vec<u128> = measure
        .of
        .iter()
        .filter_map(|name| fact.attributes.get(name))
        .flat_map(|value| match value {
            serde_json::Value::Array(items) => {
                items.iter().filter_map(|v| v.as_str()).map(str::to_owned).collect::<Vec<_>>()
            }
            serde_json::Value::String(text) => text.split(',').map(str::to_owned).collect(),
            other => vec![other.to_string()],
        })
        .map(|text| text.trim().to_lowercase())
        .filter(|text| !text.is_empty())
        .map(|text| digest(&[&text]))
        .collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}
