//! Heartbeats: on which days each feed was heard, and from when to when that could be known.

use std::collections::BTreeMap;

use bellwether_model::{Basis, Fact, Op, View};
use serde::{Deserialize, Serialize};

use super::observation::NONE;
use super::payload::digest;
use super::projector::Projector;

/// Fact type by which a feed says that it was alive.
pub(crate) const HEARTBEAT: &str = "heartbeat.seen";
/// Microseconds in a day.
const DAY: i64 = 86_400_000_000;

/// A feed as its heartbeats name it, with the fact types whose happenings it says it would bring.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Listener {
    feed: String,
    /// Digests of fact types.
    covers: Vec<u128>,
    /// Observations of its heartbeats.
    pub(super) beats: Vec<u32>,
}

/// What a heartbeat says, before it is folded.
pub(super) struct Heard {
    /// Feed and covered types as one number.
    pub(super) key: u128,
    feed: String,
    covers: Vec<u128>,
}

/// One day on which a feed was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Beat {
    /// Known from this moment until that; `i64::MAX` when it was never taken back.
    pub(crate) from: i64,
    pub(crate) until: i64,
    /// Breaks ties by content, as sequences follow the arrival.
    id: (u64, u64),
    pub(crate) seq: u64,
}

impl Heard {
    /// What a heartbeat says; `None` when it names no feed or nothing that the feed covers.
    pub(super) fn read(fact: &Fact) -> Option<Self> {
        let feed = fact.attribute("feed").filter(|_| fact.op == Op::Assert)?.into_owned();
        let mut covers: Vec<u128> = match fact.attributes.get("covers")? {
            serde_json::Value::Array(kinds) => {
                kinds.iter().filter_map(|kind| kind.as_str()).map(|kind| digest(&[kind])).collect()
            }
            serde_json::Value::String(kind) => vec![digest(&[kind])],
            _ => Vec::new(),
        };
        covers.sort_unstable();
        covers.dedup();
        let words: Vec<String> = covers.iter().map(u128::to_string).collect();
        let mut parts = vec![feed.as_str()];
        parts.extend(words.iter().map(String::as_str));
        let key = digest(&parts);
        (!covers.is_empty()).then_some(Self { key, feed, covers })
    }

    pub(super) fn listener(self) -> Listener {
        Listener { feed: self.feed, covers: self.covers, beats: Vec::new() }
    }
}

impl Projector {
    /// Heartbeats of each listener, in arrival order.
    pub(crate) fn beats(&self) -> impl Iterator<Item = &[u32]> {
        self.state.listeners.iter().map(|l| l.beats.as_slice())
    }

    /// Whether a listener covers one of some fact types, given by their digests.
    pub(crate) fn listens(&self, listener: usize, kinds: &[u128]) -> bool {
        self.state.listeners.get(listener).is_some_and(|l| kinds.iter().any(|kind| l.covers.contains(kind)))
    }

    /// Days (since the epoch) on which each feed that covers a fact type was heard, as far as the view sees.
    ///
    /// Of the heartbeats of a day that stand, the one known first is kept.
    pub(crate) fn heard(&self, kind: &str, view: &View) -> BTreeMap<&str, BTreeMap<i64, Vec<Beat>>> {
        let want = digest(&[kind]);
        let mut out: BTreeMap<&str, BTreeMap<i64, Vec<Beat>>> = BTreeMap::new();
        let mut chain = Vec::new();
        for listener in self.state.listeners.iter().filter(|l| l.covers.contains(&want)) {
            let days = out.entry(&listener.feed).or_default();
            for at in &listener.beats {
                let Some(obs) = self.observation(*at).filter(|o| o.visible(view)) else { continue };
                let mut keep = |from: i64, until: i64| {
                    let beats = days.entry(obs.start.div_euclid(DAY)).or_default();
                    let new = Beat { from, until, id: obs.id, seq: obs.seq };
                    match beats.iter_mut().find(|b| b.until == until) {
                        Some(same) => *same = new.min(*same),
                        None => beats.push(new),
                    }
                };
                let last = usize::try_from(obs.account).ok().and_then(|a| self.state.accounts.get(a));
                if obs.previous == NONE && last == Some(at) {
                    keep(obs.known_in(view), i64::MAX);
                    continue;
                }
                self.chain(last.copied().unwrap_or(NONE), view, &mut chain);
                self.spans(*at, &chain, view).into_iter().for_each(|(from, until)| keep(from, until));
            }
        }
        for beats in out.values_mut().flat_map(BTreeMap::values_mut) {
            beats.sort_unstable();
        }
        out
    }

    /// From when to when a statement was the one that counts among those of its key, in known order.
    fn spans(&self, at: u32, chain: &[u32], view: &View) -> Vec<(i64, i64)> {
        let mut spans: Vec<(i64, i64)> = Vec::new();
        let (mut current, mut withdrawn): (Option<u32>, Option<i64>) = (None, None);
        for next in chain {
            let Some(obs) = self.observation(*next) else { continue };
            let known = obs.known_in(view);
            let before = current;
            if obs.op == Op::Retract {
                (current, withdrawn) = (None, Some(known));
            } else if withdrawn.is_none_or(|since| obs.basis == Basis::Stated && known > since) {
                let same = current.and_then(|c| self.observation(c)).is_some_and(|c| self.same(c, obs));
                current = if same { current } else { Some(*next) };
                withdrawn = None;
            }
            if before == Some(at) && current != Some(at) {
                spans.last_mut().into_iter().for_each(|s| s.1 = known);
            } else if before != Some(at) && current == Some(at) {
                spans.push((known, i64::MAX));
            }
        }
        spans
    }
}
