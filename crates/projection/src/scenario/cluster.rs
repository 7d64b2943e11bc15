//! Repeats weigh as one report, further reports of a group as less than one each.

use std::collections::BTreeMap;

use super::{Model, Seen, reliability};

/// A reading believed less than this share of the best one of its group, or of its cluster, is outranked: it does not
/// dilute it.
const OUTRANKED: f64 = 0.5;

/// How much separate reports of one group repeat each other: 0 as little as two groups do, 1 wholly.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Repeats {
    /// Of groups that are not named.
    pub usual: f64,
    /// By group.
    pub of: BTreeMap<usize, f64>,
}

impl Repeats {
    /// Of one group, 0–1.
    pub fn within(&self, group: usize) -> f64 {
        self.of.get(&group).copied().unwrap_or(self.usual).clamp(0.0, 1.0)
    }
}

/// Exponent of each reading of one quarter.
///
/// A cluster ([`Seen::cluster`]) is one report, whatever it says and of whichever groups: its readings share the weight of
/// one by how far they are believed. The n clusters of one group are as good as n / (1 + (n − 1)·ρ) reports that know
/// nothing of each other (the design effect of Kish, Survey Sampling, 1965), ρ being how much they repeat each other: each
/// weighs 1 / (1 + (n − 1)·ρ). One that is believed less than the best counts in n by how far, or a weaker report that
/// agrees would take away from a strong one. Readings believed well below the best of their group or cluster are set
/// aside first, so that many poor ones neither add to a good report nor drown it. What an earlier quarter was told already
/// ([`Seen::told`]) is no news.
pub fn shares(model: &Model, seen: &[Seen]) -> Vec<f64> {
    let group = |s: &Seen| model.signals.get(s.signal).map_or(usize::MAX, |signal| signal.group);
    let trust: Vec<f64> = seen.iter().map(|s| reliability(model, s)).collect();
    let trust = outranked(&trust, seen.iter().map(group));
    let trust = outranked(&trust, seen.iter().map(|s| s.cluster));
    let news: Vec<f64> = seen.iter().map(|s| news(model, s)).collect();
    let trust: Vec<f64> =
        trust.into_iter().zip(&news).map(|(trust, news)| if *news > 0.0 { trust } else { 0.0 }).collect();
    let mut whole: BTreeMap<usize, f64> = BTreeMap::new();
    let mut clusters: BTreeMap<usize, BTreeMap<usize, f64>> = BTreeMap::new();
    for (seen, trust) in seen.iter().zip(&trust).filter(|(_, trust)| **trust > 0.0) {
        *whole.entry(seen.cluster).or_default() += trust;
        let best = clusters.entry(group(seen)).or_default().entry(seen.cluster).or_default();
        *best = best.max(*trust);
    }
    let counted: BTreeMap<usize, f64> =
        clusters.into_iter().map(|(group, all)| (group, count(all))).collect();
    seen.iter()
        .zip(trust.iter().zip(&news))
        .map(|(seen, (trust, news))| {
            let whole = whole.get(&seen.cluster).copied().filter(|_| *trust > 0.0);
            let n = counted.get(&group(seen)).copied().unwrap_or(1.0);
            whole.map_or(0.0, |whole| {
                news * trust / whole / (1.0 + (n - 1.0) * model.repeats.within(group(seen)))
            })
        })
        .collect()
}

/// How much of a reading was not told before, 0–1: what is told again adds only what its teller is believed more.
fn news(model: &Model, seen: &Seen) -> f64 {
    let own = reliability(model, seen);
    let before =
        seen.told.map(|(source, information)| reliability(model, &Seen { source, information, ..*seen }));
    before.filter(|_| own > 0.0).map_or(1.0, |before| (1.0 - before / own).max(0.0))
}

/// Number of clusters, each by its best trust against that of the best one.
fn count(clusters: BTreeMap<usize, f64>) -> f64 {
    let mut trust: Vec<f64> = clusters.into_values().collect();
    // By size: the numbers of clusters mean nothing.
    trust.sort_by(f64::total_cmp);
    let most = trust.last().copied().unwrap_or(1.0);
    trust.into_iter().map(|trust| trust / most).sum()
}

/// Trust without that of what is outranked by the best with the same number.
fn outranked(trust: &[f64], numbers: impl Iterator<Item = usize> + Clone) -> Vec<f64> {
    let mut best: BTreeMap<usize, f64> = BTreeMap::new();
    for (number, trust) in numbers.clone().zip(trust) {
        let most = best.entry(number).or_default();
        *most = most.max(*trust);
    }
    let least = |number: usize| OUTRANKED * best.get(&number).copied().unwrap_or_default();
    numbers.zip(trust).map(|(number, trust)| if *trust < least(number) { 0.0 } else { *trust }).collect()
}
