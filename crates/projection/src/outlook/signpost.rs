//! Signposts: what would have to be read for each scenario to become the most probable.
//!
//! Searched over the filter itself, from the end of the view's quarter: for one quarter ahead, then two, up to
//! [`FURTHEST`], the signal that brings the scenario furthest is added until it leads, then every signal that is not needed
//! is taken out again. The search is greedy: what it finds works and has nothing needless in it, but a smaller set, or one
//! for fewer quarters, may exist that it does not find. A signal is read in the quarters in which one of its periods ends, in
//! the same state throughout; of what is only known as a floor nothing but a high state can be read. Who will publish it is not known: readings of one
//! group in one quarter are taken for one report.

use bellwether_model::framework::{Formula, Kind, Measure, Transform};
use chrono::Datelike;
use serde::{Deserialize, Serialize};

use super::Outlook;
use crate::fold::moment;
use crate::scenario::{Model, Moment, Seen, filter};
use crate::state::time::{DAY, date};
use crate::state::{MeasureEval, STATE_WORDS, Weighed, weigh, words};

/// Quarters ahead that are searched.
const FURTHEST: u32 = 8;
/// Grade of the next reading of a signal that has none yet: fairly reliable, possibly true.
pub(super) const NEXT: (usize, usize) = (2, 2);

/// What would make one scenario the most probable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signpost {
    /// Scenario.
    pub scenario: String,
    /// Its probability in the view.
    pub now: f64,
    /// It is the most probable already.
    pub leads: bool,
    /// Fewest quarters after the view's within which the search finds it leading; `null` when it leads or none is found.
    pub quarters: Option<u32>,
    /// Last day of them.
    pub until: Option<String>,
    /// What would have to be read, in all of these quarters in which there is something to read.
    pub signals: Vec<SignpostSignal>,
    /// Its probability then.
    pub probability: Option<f64>,
    /// The next best then.
    pub second: Option<String>,
    /// Its probability.
    pub second_probability: Option<f64>,
    /// All of it in a sentence, but for the thresholds, whose figures are for who shows them to write.
    pub words: String,
}

/// One signal of a signpost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignpostSignal {
    /// Indicator or measure.
    pub indicator: String,
    /// `low`, `normal` or `high`.
    pub state: String,
    /// Values that count so, in the indicator's unit: above this; `null` without a lower end.
    pub above: Option<f64>,
    /// Below this; `null` without an upper end.
    pub below: Option<f64>,
    /// Unit.
    pub unit: String,
    /// Readings of it in the quarters named.
    pub readings: usize,
}

/// A signal in one state, as it can be read ahead: quarters counted from the first one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) readings: Vec<Seen>,
}

/// What a search found: positions of candidates, and the probabilities after them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) quarters: u32,
    pub(super) chosen: Vec<usize>,
    pub(super) after: Vec<f64>,
}

/// A set that makes `scenario` lead, of the first number of quarters for which the greedy search finds one, from `model`'s
/// prior. Not certain to be the smallest, nor the quarters the fewest.
pub(super) fn search(model: &Model, scenario: usize, candidates: &[Candidate]) -> Option<Found> {
    (1..=FURTHEST).find_map(|quarters| within(model, scenario, candidates, quarters))
}

fn within(model: &Model, scenario: usize, candidates: &[Candidate], quarters: u32) -> Option<Found> {
    let after = |chosen: &[usize]| {
        let all = chosen.iter().filter_map(|at| candidates.get(*at)).flat_map(|c| &c.readings);
        let seen: Vec<Seen> = all.filter(|s| s.quarter < quarters).copied().collect();
        filter(model, &seen, Some(Moment { quarter: quarters - 1, share: 1.0 })).posterior
    };
    let mut chosen: Vec<usize> = Vec::new();
    let mut p = after(&chosen);
    while lead(&p, scenario) <= 0.0 {
        let signal = |at: usize| candidates.get(at).and_then(|c| c.readings.first()).map(|s| s.signal);
        let taken = |at: &usize| chosen.iter().any(|c| signal(*c) == signal(*at));
        let readable =
            |at: &usize| candidates.get(*at).is_some_and(|c| c.readings.iter().any(|s| s.quarter < quarters));
        let (best, far) = (0..candidates.len())
            .filter(|at| !taken(at) && readable(at))
            .map(|at| {
                let next: Vec<usize> = chosen.iter().copied().chain([at]).collect();
                (at, lead(&after(&next), scenario))
            })
            .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))?;
        if far <= lead(&p, scenario) + 1e-9 {
            return None;
        }
        chosen.push(best);
        p = after(&chosen);
    }
    // The last one brought it about; any before it may have become needless.
    for at in chosen.clone() {
        let without: Vec<usize> = chosen.iter().copied().filter(|c| *c != at).collect();
        let q = after(&without);
        if lead(&q, scenario) > 0.0 {
            (chosen, p) = (without, q);
        }
    }
    Some(Found { quarters, chosen, after: p })
}

/// Log of a scenario's probability over the best other one's.
pub(super) fn lead(p: &[f64], scenario: usize) -> f64 {
    let own = p.get(scenario).copied().unwrap_or_default();
    let others = p.iter().enumerate().filter(|(s, _)| *s != scenario).map(|(_, p)| *p);
    libm::log(own / others.fold(f64::MIN_POSITIVE, f64::max))
}

impl Outlook<'_> {
    /// Signposts of all scenarios, in framework order.
    pub fn signposts(&self) -> Vec<Signpost> {
        let Some(weighed) = weigh(self.projector, &self.core, &self.view) else { return Vec::new() };
        let Some(until) = weighed.until else { return Vec::new() };
        let seen: Vec<Seen> = weighed.readings.iter().map(|r| r.seen).collect();
        let end = filter(&weighed.setting.model, &seen, Some(Moment { share: 1.0, ..until }));
        let ahead = Model { prior: end.posterior, ..weighed.setting.model.clone() };
        let first = until.quarter + 1;
        let candidates = self.candidates(&weighed, first);
        let framework = self.core.framework;
        framework
            .scenarios
            .iter()
            .filter_map(|row| {
                let at = weighed.setting.scenarios.iter().position(|s| s.id == row.id)?;
                let now = *weighed.filtered.posterior.get(at)?;
                if lead(&weighed.filtered.posterior, at) > 0.0 {
                    return Some(nothing(&row.id, now, true, format!("{} leads already", row.id)));
                }
                let Some(found) = search(&ahead, at, &candidates) else {
                    let words = format!(
                        "no readings within {FURTHEST} quarters were found that would make {} the most probable",
                        row.id
                    );
                    return Some(nothing(&row.id, now, false, words));
                };
                Some(self.signpost(&weighed, &row.id, at, now, first, &found, &candidates))
            })
            .collect()
    }

    /// Every signal in every state in which it can be read.
    fn candidates(&self, weighed: &Weighed<'_>, first: u32) -> Vec<Candidate> {
        let mut out = Vec::new();
        for (signal, row) in weighed.setting.signals.iter().enumerate() {
            let Some((eval, measure)) = self.core.measure(&row.of) else { continue };
            if eval.baseline_centre.is_none() {
                continue;
            }
            let last = weighed.readings.iter().rfind(|r| r.seen.signal == signal);
            let (source, information) = last.map_or(NEXT, |r| (r.seen.source, r.seen.information));
            let floor = eval.lower || eval.series.points.last().is_some_and(|p| p.lower);
            let possible = |state: usize| {
                let [above, below] = range(eval, measure, row.thresholds, state);
                let [least, most] = extent(eval, measure);
                above.is_none_or(|a| a < most) && below.is_none_or(|b| b > least)
            };
            for state in (0..STATE_WORDS.len()).filter(|s| (!floor || *s == 2) && possible(*s)) {
                let quarters = (0..FURTHEST).filter(|q| {
                    let end = weighed.setting.begins(first + q + 1);
                    end.is_some_and(|end| readable(measure, end, state == 2))
                });
                let cluster = weighed.setting.model.signals.get(signal).map_or(signal, |s| s.group);
                let readings: Vec<Seen> = quarters
                    .map(|quarter| Seen { quarter, signal, state, source, information, cluster, told: None })
                    .collect();
                if !readings.is_empty() {
                    out.push(Candidate { readings });
                }
            }
        }
        out
    }

    #[expect(clippy::too_many_arguments, reason = "one sentence and its numbers, made in one place")]
    fn signpost(
        &self,
        weighed: &Weighed<'_>,
        id: &str,
        at: usize,
        now: f64,
        first: u32,
        found: &Found,
        candidates: &[Candidate],
    ) -> Signpost {
        let mut signals: Vec<SignpostSignal> = found
            .chosen
            .iter()
            .filter_map(|c| {
                let candidate = candidates.get(*c)?;
                let seen = candidate.readings.first()?;
                let row = weighed.setting.signals.get(seen.signal)?;
                let (eval, measure) = self.core.measure(&row.of)?;
                let [above, below] = range(eval, measure, row.thresholds, seen.state);
                Some(SignpostSignal {
                    indicator: row.of.clone(),
                    state: STATE_WORDS.get(seen.state).copied().unwrap_or_default().to_owned(),
                    above,
                    below,
                    unit: measure.unit.clone(),
                    readings: candidate.readings.iter().filter(|s| s.quarter < found.quarters).count(),
                })
            })
            .collect();
        signals.sort_by(|a, b| a.indicator.cmp(&b.indicator));
        let probability = found.after.get(at).copied().unwrap_or_default();
        let others = found.after.iter().copied().enumerate().filter(|(s, _)| *s != at);
        let second = others.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        let second_id = second.and_then(|(s, _)| weighed.setting.scenarios.get(s)).map(|s| s.id.clone());
        let end = weighed.setting.begins(first + found.quarters).map(|end| date(end - DAY));
        let said: Vec<String> = signals.iter().map(|s| format!("{} is {}", s.indicator, s.state)).collect();
        let when = end.as_deref().unwrap_or_default();
        let what = if said.is_empty() { "nothing further is read".to_owned() } else { said.join(" and ") };
        let words =
            format!("{id} would lead by {when} at {probability:.2} ({}) if {what}", words(probability));
        Signpost {
            scenario: id.to_owned(),
            now,
            leads: false,
            quarters: Some(found.quarters),
            until: end,
            signals,
            probability: Some(probability),
            second: second_id,
            second_probability: second.map(|s| s.1),
            words,
        }
    }
}

fn nothing(id: &str, now: f64, leads: bool, words: String) -> Signpost {
    Signpost {
        scenario: id.to_owned(),
        now,
        leads,
        quarters: None,
        until: None,
        signals: Vec::new(),
        probability: None,
        second: None,
        second_probability: None,
        words,
    }
}

/// Whether a measure can be read in the quarter that ends at `end`. A number of happenings that is high shows before its
/// window is over.
fn readable(measure: &Measure, end: i64, high: bool) -> bool {
    let Some(months) = measure.cadence.months() else { return true };
    let grows = measure.formula.windowed() && !matches!(measure.formula, Formula::Mean | Formula::Agreement);
    let month = moment(end).map_or(0, |at| at.month0());
    (grows && high) || months <= 3 || month.is_multiple_of(months)
}

/// Values that a measure can have.
fn extent(eval: &MeasureEval, measure: &Measure) -> [f64; 2] {
    match measure.kind {
        Kind::Share => [0.0, 1.0],
        Kind::Ordinal => measure.scale.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]),
        Kind::Count => [0.0, f64::INFINITY],
        Kind::Level if eval.series.points.iter().all(|p| p.value >= 0.0) => [0.0, f64::INFINITY],
        Kind::Level => [f64::NEG_INFINITY, f64::INFINITY],
    }
}

/// Values that are in a state: above the first, below the second.
fn range(eval: &MeasureEval, measure: &Measure, thresholds: [f64; 2], state: usize) -> [Option<f64>; 2] {
    let Some((centre, sigma)) = eval.baseline_centre else { return [None, None] };
    let value = |z: f64| match measure.transform {
        Transform::Log => libm::exp(centre + z * sigma),
        Transform::None => centre + z * sigma,
    };
    let [low, high] = thresholds.map(value);
    match state {
        0 => [None, Some(low)],
        1 => [Some(low), Some(high)],
        _ => [Some(high), None],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::SignalRows;

    fn model() -> Model {
        let signal = |group, a: [f64; 3], b: [f64; 3], c: [f64; 3]| SignalRows { group, rows: vec![a, b, c] };
        Model {
            prior: vec![0.7, 0.2, 0.1],
            transition: vec![vec![0.9, 0.06, 0.04], vec![0.1, 0.85, 0.05], vec![0.05, 0.05, 0.9]],
            signals: vec![
                signal(0, [0.1, 0.4, 0.5], [0.5, 0.4, 0.1], [0.3, 0.4, 0.3]),
                signal(0, [0.1, 0.5, 0.4], [0.4, 0.5, 0.1], [0.3, 0.4, 0.3]),
                signal(1, [0.2, 0.6, 0.2], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6]),
                signal(2, [0.15, 0.5, 0.35], [0.4, 0.45, 0.15], [0.2, 0.3, 0.5]),
            ],
            source: [0.95, 0.85, 0.7, 0.45, 0.2, 0.5],
            information: [0.95, 0.8, 0.6, 0.35, 0.1, 0.5],
            clip: 5.0,
            repeats: Default::default(),
        }
    }

    fn candidates() -> Vec<Candidate> {
        (0..4)
            .flat_map(|signal| (0..3).map(move |state| (signal, state)))
            .map(|(signal, state)| Candidate {
                readings: (0..FURTHEST)
                    .filter(|q| signal != 3 || q % 4 == 3)
                    .map(|quarter| Seen {
                        quarter,
                        signal,
                        state,
                        source: 0,
                        information: 0,
                        cluster: [0, 0, 1, 2][signal],
                        told: None,
                    })
                    .collect(),
            })
            .collect()
    }

    /// The signposted readings, fed to the whole filter after its history, make the scenario lead; less does not.
    #[test]
    fn what_is_signposted_does_it_and_nothing_of_it_is_needless() {
        let m = model();
        let history: Vec<Seen> = (0..10)
            .flat_map(|quarter| {
                [(0, 2), (2, 1)].map(|(signal, state)| Seen {
                    quarter,
                    signal,
                    state,
                    source: 1,
                    information: 1,
                    cluster: signal,
                    told: None,
                })
            })
            .collect();
        let end = filter(&m, &history, Some(Moment { quarter: 9, share: 1.0 })).posterior;
        assert!(lead(&end, 0) > 0.0);
        let ahead = Model { prior: end, ..m.clone() };
        for scenario in [1, 2] {
            let all = candidates();
            let found = search(&ahead, scenario, &all).unwrap();
            let run = |chosen: &[usize], quarters: u32| {
                let mut seen = history.clone();
                let later = chosen.iter().flat_map(|c| &all[*c].readings).filter(|s| s.quarter < quarters);
                seen.extend(later.map(|s| Seen { quarter: s.quarter + 10, ..*s }));
                filter(&m, &seen, Some(Moment { quarter: 9 + quarters, share: 1.0 })).posterior
            };
            let after = run(&found.chosen, found.quarters);
            assert!(lead(&after, scenario) > 0.0, "{scenario}: {after:?}");
            for (a, b) in after.iter().zip(&found.after) {
                assert!((a - b).abs() < 1e-12);
            }
            for needless in &found.chosen {
                let rest: Vec<usize> = found.chosen.iter().copied().filter(|c| c != needless).collect();
                assert!(lead(&run(&rest, found.quarters), scenario) <= 0.0, "{scenario} without {needless}");
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_no_signpost() {
        let only: Vec<Candidate> = candidates().into_iter().filter(|c| c.readings[0].signal == 3).collect();
        let weak: Vec<Candidate> = only
            .iter()
            .map(|c| Candidate {
                readings: c.readings.iter().map(|s| Seen { source: 4, information: 4, ..*s }).collect(),
            })
            .collect();
        let model = Model { transition: vec![vec![0.98, 0.01, 0.01]; 3], ..model() };
        assert_eq!(search(&model, 2, &weak), None);
    }
}
