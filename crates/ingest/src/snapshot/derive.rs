//! From vintages to facts: what each entry's history says, and how that differs from what was said so far.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::Stamp;

use super::hash::Hash;
use super::known::{Entry, Family, Known, Statement, Vintage, Words, ending_of};
use super::{At, at};

/// What a vintage says about an entry.
#[derive(Clone, Debug)]
enum Said {
    Present(Statement),
    Absent,
    Unknown,
}

/// One vintage of a list, as read.
#[derive(Debug)]
pub(super) struct Literal<'l> {
    pub(super) at: At,
    /// Entries that it holds.
    pub(super) present: &'l BTreeMap<String, Hash>,
    /// Only some of a vintage that is known: nothing follows for the others.
    pub(super) amends: bool,
}

/// How a spell ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Removed,
    Merged(String),
}

/// A fact to be stored.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A listing, or a further vintage of one.
    List { entry: String, stamp: Stamp, key: String, start: Stamp, words: Words, restated: bool },
    /// The end of a spell; the words are the last ones said in it.
    End { entry: String, stamp: Stamp, key: String, ended: Ended, restated: bool },
    /// The withdrawal of what no longer follows.
    Withdraw { seq: u64 },
}

/// What a spell's end says.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    /// Key of the spell.
    pub(super) spell: String,
    pub(super) end: End,
    /// Publication of the vintage that shows it.
    pub(super) shown_by: Stamp,
    /// What was last said, and its digest.
    pub(super) words: Words,
    pub(super) last: String,
}

/// What follows from a vintage.
#[derive(Debug, Default)]
pub(super) struct Derived {
    pub(super) steps: Vec<Step>,
    /// Entries that the vintage before held.
    pub(super) before: usize,
    /// Of these, entries that this one no longer holds, under no other id either.
    pub(super) lost: usize,
    /// Entries that got a statement of this very vintage, or that an increment took out with one.
    pub(super) stated: usize,
}

/// Compares a vintage, which `known` already names, with its neighbours.
pub(super) fn derive(known: &Known, list: &str, new: &Literal<'_>) -> Derived {
    let mut derived = Derived::default();
    let history = History { known, list, new };
    let names: BTreeSet<&String> = if new.amends {
        new.present.keys().collect()
    } else {
        let removed = known.vintages.get(&new.at).into_iter().flat_map(|v| &v.removed);
        known.entries.keys().chain(new.present.keys()).chain(removed).collect()
    };
    let mut former: BTreeSet<&str> = BTreeSet::new();
    let blank = Entry::default();
    for name in &names {
        let entry = known.entries.get(*name).unwrap_or(&blank);
        let before = before(entry, new.at);
        derived.before += usize::from(before.is_some());
        let said = history.new_said(name);
        let changed = match (&before, &said) {
            (_, Said::Unknown) => false,
            (Some(before), Said::Present(now)) => before.hash != now.hash || history.must_state(name, new.at),
            (None, Said::Absent) => false,
            (Some(_), Said::Absent) | (None, Said::Present(_)) => true,
        };
        if changed {
            history.entry(name, entry, &mut derived);
            former.extend(history.formers(name));
        }
    }
    // Ids that an entry takes over end otherwise than by removal.
    for name in former {
        if let Some(entry) = known.entries.get(name)
            && !names.iter().any(|n| n.as_str() == name && new.amends)
        {
            history.entry(name, entry, &mut derived);
        }
    }
    derived.count(known, new);
    derived
}

impl Derived {
    /// Drops what was found twice, and counts.
    fn count(&mut self, known: &Known, new: &Literal<'_>) {
        let mut seen = BTreeSet::new();
        self.steps.retain(|step| seen.insert(format!("{step:?}")));
        let here = |s: &&Step| s.at() == Some(new.at);
        self.lost = self
            .steps
            .iter()
            .filter(here)
            .filter(|s| matches!(s, Step::End { ended: Ended { end: End::Removed, .. }, .. }))
            .count();
        let removed = |entry: &String| known.vintages.get(&new.at).is_some_and(|v| v.removed.contains(entry));
        let stated = |step: &&Step| match step {
            Step::List { entry, .. } => new.present.contains_key(entry),
            Step::End { entry, .. } => removed(entry),
            Step::Withdraw { .. } => false,
        };
        self.stated = self.steps.iter().filter(here).filter(stated).count();
    }
}

/// The last word about an entry before a vintage; `None` when it is not on the list.
fn before(entry: &Entry, at: At) -> Option<&Statement> {
    let (listed, statement) = entry.listed.range(..at).next_back()?;
    let ended = entry.ended.range(..at).next_back();
    ended.is_none_or(|ended| listed > ended).then_some(statement)
}

struct History<'h> {
    known: &'h Known,
    list: &'h str,
    new: &'h Literal<'h>,
}

impl<'h> History<'h> {
    /// What the vintage at hand says about an entry.
    fn new_said(&self, name: &str) -> Said {
        if let Some(hash) = self.new.present.get(name) {
            return Said::Present(Statement {
                at: self.new.at,
                key: String::new(),
                hash: *hash,
                words: Words::New,
                restated: false,
            });
        }
        match self.known.vintages.get(&self.new.at) {
            Some(v) if v.removed.contains(name) => Said::Absent,
            Some(v) if v.is_unknown(name) => Said::Unknown,
            _ => Said::Absent,
        }
    }

    /// Whether presence in that vintage must be stated even where nothing changed: it does not follow from silence.
    fn must_state(&self, name: &str, at: At) -> bool {
        self.known.vintages.get(&at).is_some_and(|v| v.is_unknown(name))
    }

    /// What each vintage says about an entry, those that say nothing left out.
    fn timeline(&self, name: &str, entry: &Entry) -> Vec<(At, &'h Vintage, Said)> {
        let mut carried: Option<Statement> = None;
        let mut all = Vec::new();
        for (at, vintage) in &self.known.vintages {
            let ended = entry.ended.contains(at);
            if ended {
                carried = None;
            }
            let stated = entry.listed.get(at);
            if let Some(statement) = stated {
                carried = Some(statement.clone());
            }
            // A vintage that is only amended keeps what it says about the others.
            let said = if *at == self.new.at && (!self.new.amends || self.new.present.contains_key(name)) {
                match (self.new_said(name), stated) {
                    // Another increment of the same publication said it.
                    (Said::Unknown, Some(statement)) => Said::Present(statement.clone()),
                    (said, _) => said,
                }
            } else if let Some(statement) = stated {
                Said::Present(statement.clone())
            } else if ended || vintage.removed.contains(name) {
                Said::Absent
            } else if vintage.is_unknown(name) {
                Said::Unknown
            } else {
                carried.clone().map_or(Said::Absent, Said::Present)
            };
            if !matches!(said, Said::Unknown) {
                all.push((*at, vintage, said));
            }
        }
        all
    }

    /// Former ids that the entry names.
    fn formers(&self, name: &str) -> impl Iterator<Item = &'h str> {
        self.known.formers.get(name).into_iter().flatten().map(String::as_str)
    }

    /// The entry that an absent one goes on as.
    fn heir(&self, name: &str, at: At) -> Option<String> {
        let blank = Entry::default();
        let named = self.known.aliases.get(name)?;
        named.iter().find_map(|(heir, ats)| {
            let entry = self.known.entries.get(heir).unwrap_or(&blank);
            let timeline = self.timeline(heir, entry);
            let last = timeline.iter().rev().find(|(then, _, _)| *then <= at)?;
            match &last.2 {
                Said::Present(statement) if ats.contains(&statement.at) => Some(heir.clone()),
                _ => None,
            }
        })
    }

    /// What follows for one entry, against what was said.
    fn entry(&self, name: &str, entry: &Entry, derived: &mut Derived) {
        let (spells, ends) = self.wanted(name, entry);
        let none = Family::default();
        let keys: BTreeSet<&String> = entry.families.keys().chain(spells.keys()).chain(ends.keys()).collect();
        for base in keys {
            let family = entry.families.get(base).unwrap_or(&none);
            let (spell, end) = (spells.get(base), ends.get(base));
            let states: BTreeMap<At, Hash> = match (spell, end) {
                (Some(spell), _) => spell.states.iter().map(|(at, (hash, ..))| (*at, *hash)).collect(),
                (_, Some((at, hash, _))) => BTreeMap::from([(*at, *hash)]),
                (None, None) => BTreeMap::new(),
            };
            for Repaired { at, shown, key } in repair(base, family, &states, &mut derived.steps) {
                let (entry, restated) = (name.to_owned(), at != shown);
                // What is said again is published with what it replaces.
                let replaced = self.known.vintages.get(&at).map(|v| v.stamp);
                let step = match (spell, end) {
                    (Some(spell), _) => spell.states.get(&shown).map(|(_, words, stamp)| Step::List {
                        entry,
                        stamp: replaced.unwrap_or(*stamp),
                        key,
                        start: spell.start,
                        words: *words,
                        restated,
                    }),
                    (_, Some((_, _, ended))) => Some(Step::End {
                        entry,
                        stamp: replaced.unwrap_or(ended.shown_by),
                        key,
                        ended: ended.clone(),
                        restated,
                    }),
                    (None, None) => None,
                };
                derived.steps.extend(step);
            }
        }
    }

    /// The spells of an entry as the vintages have them, and their ends, by key.
    fn wanted(&self, name: &str, entry: &Entry) -> (BTreeMap<String, Spell>, Ends) {
        let mut spells: BTreeMap<String, Spell> = BTreeMap::new();
        let mut ends = Ends::new();
        let mut open: Option<(String, Statement)> = None;
        for (at, vintage, said) in self.timeline(name, entry) {
            let stamp = vintage.stamp;
            open = match (open, said) {
                (None, Said::Present(now)) => {
                    let key = format!("{}|{name}#{stamp}", self.list);
                    let states = BTreeMap::from([(at, (now.hash, now.words, stamp))]);
                    spells.insert(key.clone(), Spell { start: stamp, states });
                    Some((key, now))
                }
                (Some((key, last)), Said::Present(now)) => {
                    let explicit = now.at == at && self.must_state(name, at);
                    if (now.hash != last.hash || explicit)
                        && let Some(spell) = spells.get_mut(&key)
                    {
                        spell.states.insert(at, (now.hash, now.words, stamp));
                    }
                    Some((key, if now.hash == last.hash { last } else { now }))
                }
                (Some((key, last)), Said::Absent) => {
                    let end = self.heir(name, at).map_or(End::Removed, End::Merged);
                    let (word, into) = match &end {
                        End::Removed => ("delisted", ""),
                        End::Merged(into) => ("merged", into.as_str()),
                    };
                    let digest = last.hash.short();
                    let hash = ending_of(into, &stamp.to_string(), &digest);
                    let ending = format!("{key}|{word}");
                    let ended = Ended { spell: key, end, shown_by: stamp, words: last.words, last: digest };
                    ends.insert(ending, (at, hash, ended));
                    None
                }
                (open, _) => open,
            };
        }
        (spells, ends)
    }
}

/// A spell: what is said, from when on.
struct Spell {
    start: Stamp,
    states: BTreeMap<At, (Hash, Words, Stamp)>,
}

/// Ends of spells by their keys.
type Ends = BTreeMap<String, (At, Hash, Ended)>;

/// Something to be said.
struct Repaired {
    /// When.
    at: At,
    /// Which state: the one of that moment, or an earlier one that still holds.
    shown: At,
    /// Under which key.
    key: String,
}

/// Compares what should be said under a key with what was.
///
/// A wrong statement is withdrawn, with everything after it, and the rest is said again under the next copy of the
/// key: at the time of a withdrawal nothing can be said under the key withdrawn.
fn repair(base: &str, family: &Family, states: &BTreeMap<At, Hash>, steps: &mut Vec<Step>) -> Vec<Repaired> {
    let state = |at: &At| states.range(..=*at).next_back();
    let wrong = |at: &At, statement: &Statement| state(at).is_none_or(|(_, hash)| *hash != statement.hash);
    let from = family.live.iter().find(|(at, statement)| wrong(at, statement)).map(|(at, _)| *at);
    let next = match family.keys.len() {
        0 => base.to_owned(),
        n => format!("{base}|copy{}", n + 1),
    };
    let mut said = Vec::new();
    if let Some(from) = from {
        for statement in family.live.range(from..).map(|(_, s)| s) {
            if let Words::Logged(seq) = statement.words {
                steps.push(Step::Withdraw { seq });
            }
        }
        if let Some((shown, _)) = state(&from).filter(|(shown, _)| **shown != from) {
            said.push(Repaired { at: from, shown: *shown, key: next.clone() });
        }
    }
    for (at, hash) in states {
        let key = if from.is_some_and(|from| *at >= from) {
            next.clone()
        } else if family.live.get(at).is_some_and(|s| s.hash == *hash) {
            continue;
        } else {
            family.live.range(..*at).next_back().map_or_else(|| next.clone(), |(_, s)| s.key.clone())
        };
        said.push(Repaired { at: *at, shown: *at, key });
    }
    said
}

impl Step {
    /// Publication of the fact; a withdrawal has that of the fact withdrawn.
    pub(super) fn at(&self) -> Option<At> {
        match self {
            Step::List { stamp, .. } | Step::End { stamp, .. } => Some(at(*stamp)),
            Step::Withdraw { .. } => None,
        }
    }
}
