//! Scenario probabilities in one view: from measures to readings of signals, through the filter, to states.
//!
//! A reading is one period of a signal's measure, with its latest vintage known in the view, in the quarter in which the
//! period ended; a state that lasts is read in the quarter in which it began. So a figure counts once, however long it
//! stands and however late it came; what was not known by the view is not read, and the order of arrival cannot matter.
//! Of several periods that end in one quarter the newest counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::framework::{
    CREDIBILITIES, Evidence, Formula, Framework, Measure, PeriodKind, RELIABILITIES, Scenario, Signal,
    SignalState,
};
use bellwether_model::{Grade, View};
use chrono::{Datelike, NaiveDate, NaiveTime};

use super::core::Core;
use super::measure::{MeasureEval, transformed};
use super::repeat::{Origin, cluster, tell};
use super::series::Point;
use super::time::shift_months;
use crate::assessment::{Move, ScenarioState, Smoothed, SmoothedScenario};
use crate::fold::{Projector, moment};
use crate::scenario::{Filtered, Model, Moment, Repeats, Seen, SignalRows, filter, fit, reliability, smooth};

/// What the drift alone did, among the indicators of `moved_by`.
pub const TRANSITION: &str = "transition";

/// A framework's scenarios as the filter takes them: scenarios and signals in id order.
pub(crate) struct Setting<'a> {
    pub(crate) model: Model,
    pub(crate) scenarios: Vec<&'a Scenario>,
    pub(crate) signals: Vec<&'a Signal>,
    pub(crate) evidence: Evidence,
    /// Groups of signals by their number.
    pub(crate) groups: Vec<&'a str>,
    /// Quarter of the start, counted from year 0.
    start: i64,
}

/// One reading of a signal.
#[derive(Clone, Debug)]
pub(crate) struct SignalReading {
    /// Measure that it is of.
    pub(crate) of: String,
    pub(crate) seen: Seen,
    pub(crate) period: (i64, i64),
    pub(crate) distance: f64,
    pub(crate) grade: Grade,
    pub(crate) seqs: Vec<u64>,
    /// Who and what is behind it.
    pub(crate) origin: Arc<Origin>,
}

/// Scenarios in one view.
pub(crate) struct Weighed<'a> {
    pub(crate) setting: Setting<'a>,
    pub(crate) readings: Vec<SignalReading>,
    pub(crate) until: Option<Moment>,
    pub(crate) filtered: Filtered,
    /// Fit, which scenario explains best, and readings that it rests on.
    pub(crate) fit: Option<(f64, usize, usize)>,
}

impl<'a> Setting<'a> {
    /// `None` for a framework without scenarios.
    pub(crate) fn new(framework: &'a Framework) -> Option<Self> {
        let mut scenarios: Vec<&Scenario> = framework.scenarios.iter().collect();
        scenarios.sort_by(|a, b| a.id.cmp(&b.id));
        let mut signals: Vec<&Signal> = framework.signals.iter().collect();
        signals.sort_by(|a, b| a.of.cmp(&b.of));
        let groups: Vec<&str> =
            signals.iter().map(|s| s.group.as_str()).collect::<BTreeSet<_>>().into_iter().collect();
        let group = |id: &str| groups.binary_search(&id).ok();
        let evidence = framework.evidence();
        let grades = |table: &BTreeMap<String, f64>, names: [&str; 6]| {
            names.map(|name| table.get(name).copied().unwrap_or_default())
        };
        let even = 1.0 / 3.0;
        let model = Model {
            prior: scenarios.iter().map(|s| s.prior).collect(),
            transition: scenarios
                .iter()
                .map(|s| {
                    scenarios.iter().map(|to| s.transition.get(&to.id).copied().unwrap_or(0.0)).collect()
                })
                .collect(),
            signals: signals
                .iter()
                .map(|signal| SignalRows {
                    group: group(&signal.group).unwrap_or_default(),
                    rows: scenarios
                        .iter()
                        .map(|s| signal.likelihood.get(&s.id).copied().unwrap_or([even; 3]))
                        .collect(),
                })
                .collect(),
            source: grades(&evidence.source, RELIABILITIES),
            information: grades(&evidence.information, CREDIBILITIES),
            clip: evidence.clip,
            repeats: Repeats {
                usual: evidence.repeats,
                of: evidence.groups.iter().filter_map(|g| Some((group(&g.id)?, g.repeats))).collect(),
            },
        };
        let start = quarter_of(evidence.start.and_time(NaiveTime::MIN).and_utc().timestamp_micros())?;
        (!scenarios.is_empty()).then_some(Self { model, scenarios, signals, evidence, groups, start })
    }

    /// The filter's moment for a world date, exclusive; `None` before the start. Within a quarter the drift goes by whole
    /// months: what nobody learnt moves nothing from one day to the next.
    pub(crate) fn moment(&self, as_of: i64) -> Option<Moment> {
        let quarter = self.since(as_of.saturating_sub(1))?;
        let first = self.begins(quarter)?;
        let months = (1..=3).take_while(|months| shift_months(first, *months) <= as_of).count();
        Some(Moment { quarter, share: months as f64 / 3.0 })
    }

    /// Quarters since the start.
    pub(super) fn since(&self, micros: i64) -> Option<u32> {
        u32::try_from(quarter_of(micros)? - self.start).ok()
    }

    /// First moment of a quarter of the filter.
    pub(crate) fn begins(&self, quarter: u32) -> Option<i64> {
        let absolute = self.start + i64::from(quarter);
        let month = u32::try_from(absolute.rem_euclid(4)).ok()? * 3 + 1;
        let day = NaiveDate::from_ymd_opt(i32::try_from(absolute.div_euclid(4)).ok()?, month, 1)?;
        Some(day.and_time(NaiveTime::MIN).and_utc().timestamp_micros())
    }

    /// Readings of one signal in a view that ends at `as_of`, one a quarter at most.
    pub(crate) fn readings(
        &self,
        projector: &Projector,
        signal: usize,
        (eval, measure): (&MeasureEval, &Measure),
        as_of: i64,
    ) -> Vec<SignalReading> {
        let (Some(row), Some((centre, sigma))) = (self.signals.get(signal), eval.baseline_centre) else {
            return Vec::new();
        };
        let mut out: BTreeMap<u32, SignalReading> = BTreeMap::new();
        for (at, point) in periods(projector, measure, eval, as_of) {
            let Some(quarter) = self.since(at) else { continue };
            let Some(distance) = transformed(measure, point.value).map(|x| (x - centre) / sigma) else {
                continue;
            };
            let state = row.state(distance);
            // Of a floor only a high one says anything.
            if (point.lower || measure.lower_bound) && state != SignalState::High {
                continue;
            }
            let state = match state {
                SignalState::Low => 0,
                SignalState::Normal => 1,
                SignalState::High => 2,
            };
            let source = usize::from((point.grade.source() as u8).saturating_sub(b'A'));
            let information = usize::from(point.grade.information().saturating_sub(1));
            // A cluster of its own until all readings of the quarter are there.
            let seen = Seen { quarter, signal, state, source, information, cluster: signal, told: None };
            let reading = SignalReading {
                of: row.of.clone(),
                seen,
                period: (point.start, point.end),
                distance,
                grade: point.grade,
                seqs: point.seqs.clone(),
                origin: point.origin(projector),
            };
            // In the order of their ends: the newest of a quarter stays.
            out.insert(quarter, reading);
        }
        out.into_values().collect()
    }

    /// The readings in order, with the clusters that they are in and what was told before.
    pub(crate) fn clustered(&self, mut readings: Vec<SignalReading>) -> Vec<SignalReading> {
        readings.sort_by_key(|r| r.seen);
        tell(&mut readings, |seen| reliability(&self.model, seen));
        cluster(&mut readings, |signal| self.model.signals.get(signal).map_or(usize::MAX, |s| s.group));
        readings
    }
}

/// Periods of a measure that count once each, with the moment in whose quarter they are read, in order.
pub(super) fn periods<'e>(
    projector: &Projector,
    measure: &Measure,
    eval: &'e MeasureEval,
    as_of: i64,
) -> Vec<(i64, &'e Point)> {
    let series = &eval.series;
    if measure.formula.windowed() {
        // A floor of the window that is not over yet only grows, but for means and shares.
        let grows = !matches!(measure.formula, Formula::Mean | Formula::Agreement);
        let open = series.open.iter().filter(|_| grows);
        let whole = series.points.iter().map(|p| (p.end, p));
        // What is open ends where the view does, whenever it was last evaluated.
        let all = whole.chain(open.map(|p| (as_of, p)));
        return all.map(|(end, p)| (end.saturating_sub(1), p)).collect();
    }
    // Sums since January grow through the year: only one month of it compares with the norm, that of the newest.
    let cumulative = measure.read.get(series.read).is_some_and(|r| r.period == PeriodKind::YearToDate);
    let class = series.points.last().map(Point::class);
    let mut until = i64::MIN;
    let mut out = Vec::new();
    for point in series.points.iter().filter(|p| !cumulative || Some(p.class()) == class) {
        let Some(counts) = projector.observation(point.at).map(|o| o.counts_from) else { continue };
        let flow = counts >= point.end && point.end > point.start;
        // Figures for overlapping periods are not two reports.
        if flow && point.start < until {
            continue;
        }
        if flow {
            until = point.end;
        }
        out.push((if flow { point.end } else { counts }.saturating_sub(1), point));
    }
    out
}

/// Words for states, in order.
pub(crate) const STATE_WORDS: [&str; 3] = ["low", "normal", "high"];

/// Quarter that holds a moment, counted from year 0.
fn quarter_of(micros: i64) -> Option<i64> {
    let at = moment(micros)?;
    Some(i64::from(at.year()) * 4 + i64::from(at.month0() / 3))
}

/// Weighs the scenarios by what the rows of a view say; `None` for a framework without scenarios.
pub(crate) fn weigh<'a>(projector: &Projector, core: &Core<'a>, view: &View) -> Option<Weighed<'a>> {
    let setting = Setting::new(core.framework)?;
    let as_of = view.as_of.timestamp_micros();
    let mut readings = Vec::new();
    for (signal, row) in setting.signals.iter().enumerate() {
        let Some(read) = core.measure(&row.of) else { continue };
        readings.extend(setting.readings(projector, signal, read, as_of));
    }
    let readings = setting.clustered(readings);
    let seen: Vec<Seen> = readings.iter().map(|r| r.seen).collect();
    let until = setting.moment(as_of);
    let filtered = filter(&setting.model, &seen, until);
    let fit = until.and_then(|at| fit(&setting.model, &seen, at.quarter, setting.evidence.fit_quarters));
    Some(Weighed { setting, readings, until, filtered, fit })
}

/// Scenario states in framework order, how well the best scenario explains what was seen, and readings that this rests on.
pub(crate) fn scenario_states(
    projector: &Projector,
    core: &Core<'_>,
    view: &View,
) -> (Vec<ScenarioState>, Option<(f64, usize)>) {
    weigh(projector, core, view).map_or((Vec::new(), None), |weighed| weighed.states(core.framework))
}

impl Weighed<'_> {
    /// Scenario states in framework order, how well the best scenario explains what was seen, and readings that this rests on.
    pub(crate) fn states(&self, framework: &Framework) -> (Vec<ScenarioState>, Option<(f64, usize)>) {
        let states = framework.scenarios.iter().filter_map(|row| self.state(&row.id)).collect();
        (states, self.fit.map(|(p, _, readings)| (p, readings)))
    }

    fn state(&self, id: &str) -> Option<ScenarioState> {
        let at = self.setting.scenarios.iter().position(|s| s.id == id)?;
        let probability = *self.filtered.posterior.get(at)?;
        Some(ScenarioState {
            id: id.to_owned(),
            probability,
            words: words(probability).to_owned(),
            moved_by: self.moves(at),
        })
    }

    /// What moved a scenario, by indicator in id order, the transition last.
    fn moves(&self, scenario: usize) -> Vec<Move> {
        let Some(moved) = self.filtered.moved.get(scenario) else { return Vec::new() };
        let mut out: Vec<Move> = Vec::new();
        for (signal, row) in self.setting.signals.iter().enumerate() {
            if !self.readings.iter().any(|r| r.seen.signal == signal) {
                continue;
            }
            let log_odds = moved.signals.get(signal).copied().unwrap_or_default();
            match out.last_mut().filter(|m| m.indicator == row.of) {
                Some(last) => last.log_odds += log_odds,
                None => out.push(Move { indicator: row.of.clone(), log_odds }),
            }
        }
        if self.until.is_some() {
            out.push(Move { indicator: TRANSITION.to_owned(), log_odds: moved.transition });
        }
        out
    }

    /// A quarter of the filter as `2025-Q4`.
    pub(crate) fn quarter_name(&self, quarter: u32) -> String {
        let absolute = self.setting.start + i64::from(quarter);
        format!("{}-Q{}", absolute.div_euclid(4), absolute.rem_euclid(4) + 1)
    }

    /// Probabilities at the end of each quarter, read with the knowledge of the view's end.
    pub(crate) fn smoothed(&self) -> Vec<Smoothed> {
        let Some(until) = self.until else { return Vec::new() };
        let quarters = smooth(&self.setting.model, &self.filtered, until);
        (0..)
            .zip(quarters)
            .filter_map(|(quarter, p)| {
                let last = self.setting.begins(quarter + 1)?.saturating_sub(super::time::DAY);
                let scenarios = self.setting.scenarios.iter().zip(p);
                let mut scenarios: Vec<SmoothedScenario> = scenarios
                    .map(|(s, probability)| SmoothedScenario { id: s.id.clone(), probability })
                    .collect();
                scenarios.sort_by(|a, b| a.id.cmp(&b.id));
                Some(Smoothed { quarter: super::time::date(last), scenarios })
            })
            .collect()
    }
}

/// Words of estimative probability (Intelligence Community Directive 203).
pub(crate) fn words(p: f64) -> &'static str {
    match p {
        p if p < 0.05 => "almost no chance",
        p if p < 0.20 => "very unlikely",
        p if p < 0.45 => "unlikely",
        p if p < 0.55 => "roughly even chance",
        p if p < 0.80 => "likely",
        p if p < 0.95 => "very likely",
        _ => "almost certain",
    }
}
