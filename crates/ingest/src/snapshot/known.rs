//! The vintages known so far, as the log tells them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::ControlFlow;

use bellwether_model::{Body, Fact, Op, Stamp, base_key};
use bellwether_store::EventLog;
use serde_json::Value;

use super::hash::Hash;
use super::{At, VINTAGE, at, base};
use crate::IngestError;

/// Where the words of a statement are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// In the log, at this sequence.
    Logged(u64),
    /// In the vintage at hand.
    New,
}

/// One statement about an entry.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) at: At,
    pub(super) key: String,
    pub(super) hash: Hash,
    pub(super) words: Words,
    /// Said again later than the vintage that shows it, since its key was withdrawn.
    pub(super) restated: bool,
}

/// One vintage.
#[derive(Clone, Debug)]
pub(super) struct Vintage {
    pub(super) stamp: Stamp,
    /// Names only some entries: the others are unknown.
    pub(super) partial: bool,
    /// Entries that could not be read.
    pub(super) unknown: BTreeSet<String>,
    /// Entries that an increment takes out.
    pub(super) removed: BTreeSet<String>,
    /// What was read under this publication, one list or several increments: digests of content and of bytes.
    pub(super) digests: BTreeSet<String>,
    /// Source it was read from.
    pub(super) file: Option<String>,
}

impl Vintage {
    /// Whether it says nothing about an entry that it does not name.
    pub(super) fn is_unknown(&self, entry: &str) -> bool {
        self.partial || self.unknown.contains(entry) || self.unknown.contains(base(entry))
    }
}

/// What is said about one spell, or its end, under one key and its copies.
#[derive(Debug, Default)]
pub(super) struct Family {
    /// What was not withdrawn.
    pub(super) live: BTreeMap<At, Statement>,
    /// Keys used so far, withdrawn ones too.
    pub(super) keys: BTreeSet<String>,
}

/// What is said about one entry.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// Listings, where a vintage shows them.
    pub(super) listed: BTreeMap<At, Statement>,
    /// Vintages that end a spell.
    pub(super) ended: BTreeSet<At>,
    /// By key without its copy number.
    pub(super) families: BTreeMap<String, Family>,
}

/// Everything known about one list.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) vintages: BTreeMap<At, Vintage>,
    pub(super) entries: BTreeMap<String, Entry>,
    /// By former id: entries that name it, and when they did.
    pub(super) aliases: BTreeMap<String, BTreeMap<String, BTreeSet<At>>>,
    /// The other way round.
    pub(super) formers: BTreeMap<String, BTreeSet<String>>,
}

/// What the records of the log say about one list, before withdrawals.
#[derive(Default)]
struct Gathered {
    known: Known,
    /// By entry; whether it ends a spell.
    said: Vec<(String, Statement, bool)>,
}

impl Known {
    /// Reads the lists named from the log.
    pub(super) fn load(
        log: &dyn EventLog,
        feed: &str,
        lists: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Known>, IngestError> {
        let mut found: HashMap<String, Gathered> = HashMap::new();
        let mut withdrawn: HashSet<(String, At)> = HashSet::new();
        log.read(1, &mut |record| {
            if let Body::Fact(fact) = &record.body
                && fact.source == feed
                && let Some(list) = fact.attributes.get("list").and_then(Value::as_str)
                && lists.contains(list)
                && let Some(stamp) = fact.published_at
            {
                if fact.op == Op::Retract {
                    withdrawn.insert((fact.key.clone(), at(stamp)));
                } else {
                    found.entry(list.to_owned()).or_default().take(fact, stamp, record.seq);
                }
            }
            ControlFlow::Continue(())
        })?;
        let mut all = BTreeMap::new();
        for list in lists {
            let Gathered { mut known, said } = found.remove(list).unwrap_or_default();
            for (name, statement, ends) in said {
                let entry = known.entries.entry(name).or_default();
                let family = entry.families.entry(base_key(&statement.key).to_owned()).or_default();
                family.keys.insert(statement.key.clone());
                if withdrawn.contains(&(statement.key.clone(), statement.at)) {
                    continue;
                }
                match (ends, statement.restated) {
                    (_, true) => {}
                    (true, false) => {
                        entry.ended.insert(statement.at);
                    }
                    (false, false) => {
                        entry.listed.insert(statement.at, statement.clone());
                    }
                }
                family.live.insert(statement.at, statement);
            }
            all.insert(list.clone(), known);
        }
        Ok(all)
    }

    /// Notes that `entry` names its former ids.
    pub(super) fn alias(&mut self, entry: &str, fact: &Fact, at: At) {
        for former in referents(fact).filter(|former| *former != entry) {
            let named = self.aliases.entry(former.to_owned()).or_default();
            named.entry(entry.to_owned()).or_default().insert(at);
            self.formers.entry(entry.to_owned()).or_default().insert(former.to_owned());
        }
    }
}

/// Attribute of whatever ends a spell: the key of its listing.
pub(super) const ENDS: &str = "ends";

/// Attribute of it: the vintage that shows the end.
pub(super) const SHOWN_BY: &str = "vintage";
/// Attribute of it: digest of what was last said.
pub(super) const LAST: &str = "last";
/// Note of what is said again under a copy of its key.
pub(super) const RESTATED: &str = "said again: its former key was withdrawn";

/// Digest of the end of a spell.
fn ending(fact: &Fact) -> Hash {
    let text = |name: &str| fact.attribute(name).unwrap_or_default();
    ending_of(&text("into"), &text(SHOWN_BY), &text(LAST))
}

/// The same of its parts.
pub(super) fn ending_of(into: &str, vintage: &str, last: &str) -> Hash {
    Hash::of(&[into.as_bytes(), vintage.as_bytes(), last.as_bytes()])
}

/// Former ids that a listing names.
pub(super) fn referents(fact: &Fact) -> impl Iterator<Item = &str> {
    fact.attributes.get("referents").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

impl Gathered {
    fn take(&mut self, fact: &Fact, stamp: Stamp, seq: u64) {
        if fact.kind == VINTAGE {
            self.vintage(fact, stamp);
            return;
        }
        let Some(entry) = fact.attributes.get("entry").and_then(Value::as_str) else { return };
        let ends = fact.attributes.contains_key(ENDS);
        let statement = Statement {
            at: at(stamp),
            key: fact.key.clone(),
            hash: if ends { ending(fact) } else { Hash::of_fact(fact) },
            words: Words::Logged(seq),
            restated: fact.note.as_deref() == Some(RESTATED),
        };
        if !ends && !statement.restated {
            self.known.alias(entry, fact, statement.at);
        }
        self.said.push((entry.to_owned(), statement, ends));
    }

    fn vintage(&mut self, fact: &Fact, stamp: Stamp) {
        let names = |attribute: &str| -> BTreeSet<String> {
            let list = fact.attributes.get(attribute).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let digest = fact.attribute("digest").unwrap_or_default().into_owned();
        let read = Vintage {
            stamp,
            partial: fact.attributes.contains_key("partial"),
            unknown: names("unknown"),
            removed: names("removed"),
            digests: fact.evidence.digest.clone().into_iter().chain([digest]).collect(),
            file: fact.evidence.file.clone(),
        };
        self.known.add(read);
    }
}

impl Known {
    /// Adds a vintage, or a further increment of the same publication.
    pub(super) fn add(&mut self, read: Vintage) {
        match self.vintages.entry(at(read.stamp)) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(read);
            }
            std::collections::btree_map::Entry::Occupied(mut place) => {
                let there = place.get_mut();
                there.partial &= read.partial;
                there.unknown.extend(read.unknown);
                there.removed.extend(read.removed);
                there.digests.extend(read.digests);
            }
        }
    }
}
