//! The posterior ahead: what the filter itself may say at a date.
//!
//! Whether a scenario will be given more than one half is not how likely it is: the first asks for the posterior after
//! what will have been read by then. So worlds are drawn from the framework's own model: the scenario that holds, by
//! the transition; in each quarter the readings that the same quarter of the last four had, of the same signals, grades
//! and clusters, each in a state drawn from its likelihoods under that scenario, contaminated as the filter takes it;
//! and the filter goes forward through them as it would through facts. Readings of a cluster repeat each other, so they
//! surprise together. Of a floor nothing but a high state is read. Figures still to come about quarters that are over are
//! left out.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::Outlook;
use super::draw::Draw;
use super::signpost::NEXT;
use crate::scenario::{Model, Moment, STATES, Seen, filter, mixed_row};
use crate::state::{Weighed, weigh};

/// Worlds: a probability of one half is known to about two hundredths.
const WORLDS: usize = 500;
/// Quarters after which the readings of one come again.
const YEAR: u32 = 4;

/// A reading to come.
struct Slot {
    /// Its state is drawn.
    seen: Seen,
    floor: bool,
    /// By scenario: states with their probabilities, least surprising first.
    rows: Vec<[(usize, f64); STATES]>,
}

impl Outlook<'_> {
    /// What the filter gives a scenario now, and what it gives it at the end of a date (exclusive bound) in each of five
    /// hundred worlds, least first; `None` without that scenario or before the filter's start.
    ///
    /// Somebody who has seen no signal begins to look now.
    pub(crate) fn posterior_ahead(&self, id: &str, at: DateTime<Utc>) -> Option<(f64, Vec<f64>)> {
        let weighed = weigh(self.projector, &self.core, &self.view)?;
        let scenario = weighed.setting.scenarios.iter().position(|s| s.id == id)?;
        let now = self.states.iter().find(|s| s.id == id)?.probability;
        let (from, until) = (weighed.until?, weighed.setting.moment(at.timestamp_micros())?);
        let further = until.quarter.checked_sub(from.quarter)?;
        let model = &weighed.setting.model;
        let known: Vec<Seen> = weighed.readings.iter().map(|r| r.seen).filter(|_| !self.unseen).collect();
        // The quarter that is under way starts anew, with what was read in it.
        let share = if further == 0 { until.share } else { 1.0 };
        let begun = filter(model, &known, Some(Moment { quarter: from.quarter, share }));
        let before = from.quarter.checked_sub(1).and_then(|q| begun.quarters.get(usize::try_from(q).ok()?));
        let prior = before.map_or_else(|| model.prior.clone(), |quarter| quarter.posterior.clone());
        let ahead = Model { prior, ..model.clone() };
        let inside: Vec<Seen> =
            known.iter().filter(|s| s.quarter == from.quarter).map(|s| Seen { quarter: 0, ..*s }).collect();
        let usual: Vec<Vec<Slot>> =
            (0..YEAR).map(|q| self.usual(&weighed, (from.quarter + q).checked_sub(YEAR))).collect();
        let read: BTreeSet<usize> = inside.iter().map(|s| s.signal).collect();
        let mut draw = Draw::named("filter ahead");
        let mut worlds: Vec<f64> = (0..WORLDS)
            .filter_map(|_| {
                let mut state = draw.pick(begun.posterior.iter().copied());
                let mut seen = inside.clone();
                for (quarter, slots) in (0..=further).zip(usual.iter().cycle()) {
                    let share = if quarter == further { until.share } else { 1.0 };
                    if quarter > 0 {
                        state = next(model, state, share, &mut draw);
                    }
                    let gone = if quarter == 0 { from.share } else { 0.0 };
                    // Of a quarter that ends after the date, its part of the readings.
                    let part = if share < 1.0 { ((share - gone) / (1.0 - gone)).max(0.0) } else { 1.0 };
                    let slots = slots.iter().filter(|s| quarter > 0 || !read.contains(&s.seen.signal));
                    readings(slots, (quarter, state, part), &mut draw, &mut seen);
                }
                let end = filter(&ahead, &seen, Some(Moment { quarter: further, share: until.share }));
                end.posterior.get(scenario).copied()
            })
            .collect();
        worlds.sort_unstable_by(f64::total_cmp);
        Some((now, worlds))
    }

    /// What was read in a quarter that is over, floors that showed nothing included, cluster by cluster.
    fn usual(&self, weighed: &Weighed<'_>, quarter: Option<u32>) -> Vec<Slot> {
        let (Some(quarter), setting) = (quarter, &weighed.setting) else { return Vec::new() };
        let as_of = self.view.as_of.timestamp_micros();
        // Numbers that no reading of the view has.
        let free = weighed.readings.iter().map(|r| r.seen.cluster + 1).max().unwrap_or_default();
        let mut out: Vec<Slot> = Vec::new();
        for (signal, row) in setting.signals.iter().enumerate() {
            let Some((eval, measure)) = self.core.measure(&row.of) else { continue };
            let own = || weighed.readings.iter().filter(|r| r.seen.signal == signal);
            let whole = setting.whole(self.projector, signal, (eval, measure), as_of);
            let whole = whole.get(&quarter).map(|w| w.floor);
            let seen = match own().find(|r| r.seen.quarter == quarter) {
                Some(reading) => Seen { cluster: free + reading.seen.cluster, told: None, ..reading.seen },
                // A floor that was not high: it could have been.
                None if whole == Some(true) => {
                    let last = own().next_back().map(|r| (r.seen.source, r.seen.information));
                    let (source, information) = last.unwrap_or(NEXT);
                    Seen {
                        quarter,
                        signal,
                        state: 2,
                        source,
                        information,
                        cluster: 2 * free + signal,
                        told: None,
                    }
                }
                None => continue,
            };
            let rows = (0..setting.model.len()).map(|scenario| {
                let row = mixed_row(&setting.model, &seen, scenario);
                let mut states =
                    std::array::from_fn(|state| (state, row.get(state).copied().unwrap_or_default()));
                states.sort_by(|a: &(usize, f64), b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                states
            });
            let rows = rows.collect();
            out.push(Slot { seen, floor: whole.unwrap_or(measure.lower_bound), rows });
        }
        out
    }
}

/// The scenario a share of a quarter later.
fn next(model: &Model, state: usize, share: f64, draw: &mut Draw) -> usize {
    let Some(row) = model.transition.get(state) else { return state };
    let stays = |to: usize| if to == state { 1.0 - share } else { 0.0 };
    draw.pick(row.iter().enumerate().map(|(to, chance)| share * chance + stays(to)))
}

/// Draws the readings of a quarter under a scenario, each with probability `part`; those of one cluster at one quantile
/// of surprise.
fn readings<'s>(
    slots: impl Iterator<Item = &'s Slot>,
    (quarter, scenario, part): (u32, usize, f64),
    draw: &mut Draw,
    out: &mut Vec<Seen>,
) {
    let mut quantiles: BTreeMap<usize, f64> = BTreeMap::new();
    for slot in slots {
        let mut left = *quantiles.entry(slot.seen.cluster).or_insert_with(|| draw.uniform());
        if part < 1.0 && draw.uniform() >= part {
            continue;
        }
        let states = slot.rows.get(scenario).into_iter().flatten();
        let drawn = states.copied().find(|(_, chance)| {
            left -= chance;
            left < 0.0
        });
        let state = drawn.or_else(|| slot.rows.get(scenario)?.last().copied()).map_or(1, |(state, _)| state);
        if !slot.floor || state == 2 {
            out.push(Seen { quarter, state, ..slot.seen });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Repeats, SignalRows};

    fn model() -> Model {
        Model {
            prior: vec![0.6, 0.4],
            transition: vec![vec![0.95, 0.05], vec![0.1, 0.9]],
            signals: vec![SignalRows { group: 0, rows: vec![[0.6, 0.3, 0.1], [0.1, 0.3, 0.6]] }],
            source: [1.0; 6],
            information: [0.9; 6],
            clip: 1e6,
            repeats: Repeats { usual: 0.0, of: BTreeMap::new() },
        }
    }

    /// Posteriors of the first scenario after eight quarters, a reading in each.
    fn worlds(n: usize, floor: bool) -> Vec<f64> {
        let (m, mut draw) = (model(), Draw::named("worlds"));
        let seen =
            Seen { quarter: 0, signal: 0, state: 0, source: 0, information: 0, cluster: 0, told: None };
        let rows = (0..2)
            .map(|s| {
                let row = mixed_row(&m, &seen, s);
                let mut states = [(0, row[0]), (1, row[1]), (2, row[2])];
                states.sort_by(|a, b| b.1.total_cmp(&a.1));
                states
            })
            .collect();
        let slot = Slot { seen, floor, rows };
        (0..n)
            .map(|_| {
                let (mut state, mut seen) = (draw.pick(m.prior.iter().copied()), Vec::new());
                for quarter in 0..8 {
                    state = next(&m, state, 1.0, &mut draw);
                    readings([&slot].into_iter(), (quarter, state, 1.0), &mut draw, &mut seen);
                }
                filter(&m, &seen, Some(Moment { quarter: 7, share: 1.0 })).posterior[0]
            })
            .collect()
    }

    #[test]
    fn the_mean_of_the_posteriors_is_the_propagated_probability_and_they_spread() {
        let found = worlds(4000, false);
        let alone = filter(&model(), &[], Some(Moment { quarter: 7, share: 1.0 })).posterior[0];
        let mean = found.iter().sum::<f64>() / found.len() as f64;
        assert!((mean - alone).abs() < 0.02, "{mean} {alone}");
        // What is read decides: hardly a world stays at what is expected now.
        let far = found.iter().filter(|p| (**p - alone).abs() > 0.1).count();
        assert!(far > found.len() / 2, "{far}");
        let over = found.iter().filter(|p| **p > 0.8).count() as f64 / found.len() as f64;
        assert!(alone < 0.8 && over > 0.2 && over < 0.8, "{alone} {over}");
    }

    #[test]
    fn a_floor_shows_nothing_but_high() {
        let (plain, floor) = (worlds(500, false), worlds(500, true));
        // A high reading speaks against the first scenario, and nothing else is read.
        let alone = filter(&model(), &[], Some(Moment { quarter: 7, share: 1.0 })).posterior[0];
        assert!(plain.iter().any(|p| *p > alone + 0.1) && floor.iter().all(|p| *p < alone + 1e-9));
    }
}
