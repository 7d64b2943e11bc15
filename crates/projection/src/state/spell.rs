//! Spells during which a rule is broken, from its verdicts as they became known.

use std::collections::BTreeMap;

use crate::assessment::{Shift, Withdrawn};

/// What is kept of a rule from one view to a later one: its verdicts, and the flags that they made.
#[derive(Default)]
pub(crate) struct Verdicts {
    said: BTreeMap<i64, Option<bool>>,
    still: BTreeMap<(i64, i64), bool>,
    pub(super) standing: Vec<Shift>,
    pub(super) withdrawn: Vec<Withdrawn>,
    /// World date from which time alone may change the flags.
    pub(super) until: i64,
    done: bool,
}

impl Verdicts {
    /// Whether the flags must be made again, of which nothing changes that was known before `changed`.
    pub(super) fn outdated(&mut self, changed: i64, evaluated: bool, end: i64) -> bool {
        if self.done && changed == i64::MAX && !evaluated && end < self.until {
            return false;
        }
        self.said.split_off(&changed);
        self.still.retain(|(_, now), _| *now < changed);
        self.standing.clear();
        self.withdrawn.clear();
        (self.until, self.done) = (i64::MAX, true);
        true
    }

    /// World date from which time alone may change the flags; `i64::MAX` for never.
    pub(super) fn until(&self) -> i64 {
        if self.done { self.until } else { i64::MAX }
    }

    /// The verdict of a moment, told once.
    pub(super) fn verdict(&mut self, at: i64, tell: impl FnOnce() -> Option<bool>) -> Option<bool> {
        *self.said.entry(at).or_insert_with(tell)
    }

    /// Whether what was read at one moment breaks the rule yet as known at another: told once, unless `tell` says that
    /// its answer may change with time, and when.
    pub(super) fn still(&mut self, then: i64, now: i64, tell: impl FnOnce() -> (bool, i64)) -> bool {
        if let Some(known) = self.still.get(&(then, now)) {
            return *known;
        }
        let (holds, until) = tell();
        if until == i64::MAX {
            self.still.insert((then, now), holds);
        }
        self.until = self.until.min(until);
        holds
    }
}

/// A spell: flagged once, at the moment it could first be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spell {
    /// Verdict that flagged it.
    pub(crate) began: usize,
    /// Last verdict before it that said that the rule held.
    pub(crate) before: Option<usize>,
    /// When a statement about the same periods took it back.
    pub(crate) withdrawn: Option<i64>,
    /// Later periods ended it.
    pub(crate) over: bool,
}

impl Spell {
    pub(crate) fn stands(&self) -> bool {
        self.withdrawn.is_none() && !self.over
    }
}

/// Spells of `verdicts`: the moment, and whether the rule is broken, `None` where that is not known.
///
/// A spell begins when the rule is broken after it held, however long nothing was known in between; `from_start` says
/// that it also begins when the rule is broken at first sight. What is no longer known neither ends nor takes back a
/// spell by itself. `still(began, at)` tells whether the periods that the spell rests on break the rule yet as known
/// at `at`: it is asked when the rule holds again or is not known, and if they do not, the spell is taken back at that
/// moment. `same(a, b)` tells whether two verdicts rest on the same newest period: a spell taken back that comes
/// again with it is the old one and keeps its moment.
pub(crate) fn spells(
    verdicts: &[(i64, Option<bool>)],
    from_start: bool,
    mut still: impl FnMut(usize, i64) -> bool,
    same: impl Fn(usize, usize) -> bool,
) -> Vec<Spell> {
    let mut out: Vec<Spell> = Vec::new();
    let mut open: Option<Spell> = None;
    let mut held = from_start;
    let mut before = None;
    for (i, (at, broken)) in verdicts.iter().enumerate() {
        match (broken, open) {
            (Some(true), None) if held => {
                let again = out.iter().rposition(|s| s.withdrawn.is_some() && same(s.began, i));
                let old = again.map(|n| out.remove(n));
                open = Some(match old {
                    Some(old) => Spell { withdrawn: None, ..old },
                    None => Spell { began: i, before, withdrawn: None, over: false },
                });
            }
            (Some(true), _) => {}
            (_, Some(spell)) if !still(spell.began, *at) => {
                out.push(Spell { withdrawn: Some(*at), ..spell });
                open = None;
            }
            (Some(false), Some(spell)) => {
                out.push(Spell { over: true, ..spell });
                open = None;
            }
            (Some(false) | None, _) => {}
        }
        if *broken == Some(false) {
            (held, before) = (true, Some(i));
        }
    }
    out.extend(open);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `+` holds, `-` broken, `?` not known, `r` holds by a revision, `x` not known by one; `B`egan, `W`ithdrawn,
    /// `O`ver and `S`tanding by position.
    fn check(verdicts: &str, from_start: bool, want: &[&str]) {
        let list: Vec<(i64, Option<bool>)> = (0..)
            .zip(verdicts.chars())
            .map(|(at, c)| {
                (
                    at,
                    match c {
                        '-' => Some(true),
                        '+' | 'r' => Some(false),
                        _ => None,
                    },
                )
            })
            .collect();
        let revised = |at: i64| matches!(verdicts.chars().nth(at.try_into().unwrap()), Some('r' | 'x'));
        let found = spells(&list, from_start, |_, at| !revised(at), |a, b| b - a == 2);
        let shown: Vec<String> = found
            .iter()
            .map(|s| match (s.withdrawn, s.over) {
                (Some(at), _) => format!("B{}W{at}", s.began),
                (None, true) => format!("B{}O", s.began),
                (None, false) => format!("B{}S", s.began),
            })
            .collect();
        assert_eq!(shown, want, "{verdicts}");
    }

    #[test]
    fn a_spell_begins_after_it_held_and_ends_or_is_taken_back() {
        check("", false, &[]);
        check("++-", false, &["B2S"]);
        check("+?-", false, &["B2S"]);
        check("?-", false, &[]);
        check("?-", true, &["B1S"]);
        check("-+-", false, &["B2S"]);
        check("+--+", false, &["B1O"]);
        check("+-?", false, &["B1S"]);
        check("+-?+", false, &["B1O"]);
        check("+-r", false, &["B1W2"]);
        check("+-x", false, &["B1W2"]);
        check("+-r-", false, &["B1S"]);
        check("+-r?-", false, &["B1W2", "B4S"]);
        check("+-x??-", false, &["B1W2", "B5S"]);
        check("+-+-", false, &["B1O", "B3S"]);
    }
}
