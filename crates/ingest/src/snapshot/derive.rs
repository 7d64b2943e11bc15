//! From vintages to facts: what each entry's history says, and how that differs from what was said so far.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::Stamp;

use super::hash::Hash;
use super::known::{Entry, Known, Statement, Vintage, Words};
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
    List { entry: String, stamp: Stamp, key: String, start: Stamp, words: Words },
    /// The end of a spell; the words are the last ones said in it.
    End { entry: String, stamp: Stamp, key: String, spell: String, end: End, words: Words },
    /// The withdrawal of what no longer follows.
    Withdraw { seq: u64 },
}

/// What follows from a vintage.
#[derive(Debug, Default)]
pub(super) struct Derived {
    pub(super) steps: Vec<Step>,
    /// Entries that the vintage before held.
    pub(super) before: usize,
    /// Of these, entries that this one no longer holds, under no other id either.
    pub(super) lost: usize,
    /// Entries that got a statement of this very vintage.
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
            (None, Said::Absent) => entry.listed.range(new.at..).any(|(at, _)| *at != new.at),
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
    derived.count(new);
    derived
}

impl Derived {
    /// Drops what was found twice, and counts.
    fn count(&mut self, new: &Literal<'_>) {
        let mut seen = BTreeSet::new();
        self.steps.retain(|step| seen.insert(format!("{step:?}")));
        let here = |s: &&Step| s.at() == Some(new.at);
        self.lost = self
            .steps
            .iter()
            .filter(here)
            .filter(|s| matches!(s, Step::End { end: End::Removed, .. }))
            .count();
        self.stated = self
            .steps
            .iter()
            .filter(here)
            .filter(|s| matches!(s, Step::List { entry, .. } if new.present.contains_key(entry)))
            .count();
    }
}

/// The last word about an entry before a vintage; `None` when it is not on the list.
fn before(entry: &Entry, at: At) -> Option<&Statement> {
    let listed = entry.listed.range(..at).next_back();
    let ended = entry.ended.range(..at).next_back();
    match (listed, ended) {
        (Some((listed, statement)), Some((ended, _))) => (listed > ended).then_some(statement),
        (listed, _) => listed.map(|(_, statement)| statement),
    }
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
            let words = Words::New;
            return Said::Present(Statement { at: self.new.at, key: String::new(), hash: *hash, words });
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
            let ended = entry.ended.contains_key(at);
            if ended {
                carried = None;
            }
            let stated = entry.listed.get(at);
            if let Some(statement) = stated {
                carried = Some(statement.clone());
            }
            // A vintage that is only amended keeps what it says about the others.
            let said = if *at == self.new.at && !(self.new.amends && !self.new.present.contains_key(name)) {
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
        let mut listed: BTreeMap<At, (String, Step)> = BTreeMap::new();
        let mut ended: BTreeMap<At, (String, Step)> = BTreeMap::new();
        // Statements that only repeat what holds.
        let mut repeats: BTreeSet<(At, String)> = BTreeSet::new();
        let mut spell: Option<(String, Stamp, Statement)> = None;
        let mut previous: Option<Stamp> = None;
        for (at, vintage, said) in self.timeline(name, entry) {
            let stamp = vintage.stamp;
            let list = |key: &String, start: Stamp, words: Words| Step::List {
                entry: name.to_owned(),
                stamp,
                key: key.clone(),
                start,
                words,
            };
            spell = match (spell, said) {
                (None, Said::Present(now)) => {
                    let key = format!("{}|{name}#{}", self.list, label(previous, stamp));
                    listed.insert(at, (key.clone(), list(&key, stamp, now.words)));
                    Some((key, stamp, now))
                }
                (Some((key, start, last)), Said::Present(now)) => {
                    let explicit = now.at == at;
                    if now.hash != last.hash || (explicit && self.must_state(name, at)) {
                        listed.insert(at, (key.clone(), list(&key, start, now.words)));
                    } else {
                        repeats.insert((at, key.clone()));
                    }
                    let last = if now.hash == last.hash { last } else { now };
                    Some((key, start, last))
                }
                (Some((key, _, last)), Said::Absent) => {
                    let end = self.heir(name, at).map_or(End::Removed, End::Merged);
                    let word = match &end {
                        End::Removed => "delisted".to_owned(),
                        End::Merged(into) => format!("merged|{into}"),
                    };
                    // What the spell last said is in the removal, so it is in its key.
                    let ending = format!("{key}|{word}|{stamp}|{}", last.hash.short());
                    let step = Step::End {
                        entry: name.to_owned(),
                        stamp,
                        key: ending.clone(),
                        spell: key,
                        end,
                        words: last.words,
                    };
                    ended.insert(at, (ending, step));
                    None
                }
                (spell, _) => spell,
            };
            previous = Some(stamp);
        }
        let mut settle = |was: &BTreeMap<At, Statement>, wanted: BTreeMap<At, (String, Step)>| {
            for (at, statement) in was {
                let stays = wanted.get(at).is_some_and(|(key, _)| *key == statement.key)
                    || repeats.contains(&(*at, statement.key.clone()));
                if let (false, Words::Logged(seq)) = (stays, statement.words) {
                    derived.steps.push(Step::Withdraw { seq });
                }
            }
            for (at, (key, step)) in wanted {
                if was.get(&at).is_none_or(|statement| statement.key != key) {
                    derived.steps.push(step);
                }
            }
        };
        settle(&entry.listed, listed);
        settle(&entry.ended, ended);
    }
}

/// Name of a spell: where it starts, after which vintage.
fn label(previous: Option<Stamp>, start: Stamp) -> String {
    previous.map_or_else(|| start.to_string(), |previous| format!("{previous}..{start}"))
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
