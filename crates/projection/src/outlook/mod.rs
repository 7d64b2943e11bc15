//! The years ahead: scenarios by propagation, indicators by seeded simulation.
//!
//! The posterior of a view is carried forward as the filter would if nothing more were read: whole quarters by the
//! transition matrix, within a quarter by whole months. A path draws a course of the scenarios from it, and each indicator walks along that course on its own: a
//! walk for levels and shares ([`walk`]), a rate for happenings ([`count`]), a chain for coded scales ([`ladder`]). Given
//! the course of the scenarios, indicators are independent. All parameters come from the series that the view knows; what
//! a scenario does comes from the framework's likelihood tables ([`tilt`]).
//!
//! Missing is never zero: happenings are drawn from the moment up to which a measure was [`heard`], not from the view. What
//! is recorded before that moment is known, what is recorded after it is nothing, and what happened after it is open.
//!
//! Courses have one seeded stream of draws and each indicator another, named after it, used step by step: what one
//! indicator is asked, how often, and on how many threads, changes no other answer, and what lies further ahead changes
//! nothing before it.

mod breach;
mod chain;
mod count;
mod course;
mod draw;
mod heard;
mod ladder;
mod model;
mod posterior;
mod predictive;
mod report;
mod revert;
mod signpost;
mod tilt;
mod walk;

use std::sync::OnceLock;

use bellwether_model::View;
use bellwether_model::framework::{Framework, Signal};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::assessment::ScenarioState;
use crate::fold::{Projector, Resolved};
use crate::scenario::Seen;
use crate::state::time::{date, shift_months, window_start};
use crate::state::{Core, Setting, Source, prior_states, weigh};

use chain::{Chain, Quarters};
use count::Window;
use course::{Courses, Step, steps};
use draw::Draw;
use model::{Fitted, Law};

pub use breach::{BalanceYear, BoundAhead, BoundGiven, BoundYear, Chance};
pub use model::ModelNote;
pub use predictive::{Predictive, Refusal};
pub use report::{PATHS, Scenarios, USUAL_PATHS};
pub use signpost::{Signpost, SignpostSignal};

/// Years that an outlook reaches beyond its view, or to the framework's horizon where that is later.
const REACH: i32 = 10;
/// Years beyond its view that no outlook passes, whatever the framework's horizon.
const FURTHEST: i32 = 50;

/// The last year of an outlook from a view.
fn last_year(framework: &Framework, view: &View) -> i32 {
    let first = view.as_of.year();
    framework.horizon[1].max(first.saturating_add(REACH)).min(first.saturating_add(FURTHEST))
}

/// What may come, as known in one view.
pub struct Outlook<'a> {
    projector: &'a Projector,
    view: View,
    core: Core<'a>,
    resolved: OnceLock<Resolved>,
    states: Vec<ScenarioState>,
    /// No signal was seen: scenarios by prior and transition alone.
    unseen: bool,
    /// With the readings that it rests on.
    fit: Option<(f64, usize)>,
    chain: Chain<'a>,
    courses: Courses,
}

/// Probability of a scenario at a date.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probability {
    /// Scenario.
    pub id: String,
    /// 0–1; those of one date add to 1.
    pub probability: f64,
    /// ICD 203 words.
    pub words: String,
}

/// Scenarios at the end of a year.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct YearEnd {
    /// Year.
    pub year: i32,
    /// In framework order.
    pub scenarios: Vec<Probability>,
}

/// An indicator at the end of a year: quantiles of the simulated values, in its unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FanYear {
    /// Year.
    pub year: i32,
    /// 5 % lie at or below.
    pub p05: f64,
    /// 25 %.
    pub p25: f64,
    /// Half.
    pub p50: f64,
    /// 75 %.
    pub p75: f64,
    /// 95 %.
    pub p95: f64,
}

/// An indicator's years ahead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fan {
    /// Indicator or measure.
    pub id: String,
    /// Unit.
    pub unit: String,
    /// Last value known.
    pub value: f64,
    /// The model.
    pub model: ModelNote,
    /// Year ends that are not known yet.
    pub year_ends: Vec<FanYear>,
}

impl Projector {
    /// What may come, as known in a view, on `paths` simulated paths (10 000 give a quantile to about a hundredth of
    /// probability). Costs an assessment without shifts.
    pub fn outlook(&self, view: &View, paths: usize) -> Outlook<'_> {
        let core = Core::new(self, view);
        let Some(weighed) = weigh(self, &core, view) else {
            return self.outlook_by(view, paths, core, (Vec::new(), None), (None, Vec::new()));
        };
        let states = weighed.states(core.framework);
        let seen = weighed.readings.iter().map(|r| r.seen).collect();
        self.outlook_by(view, paths, core, states, (Some(weighed.setting), seen))
    }

    /// The same for somebody who has seen no signal: scenarios by the framework's prior and transition alone. What the
    /// scenario probabilities add to forecasts is the difference between the two.
    pub fn outlook_on_prior(&self, view: &View, paths: usize) -> Outlook<'_> {
        let core = Core::new(self, view);
        let states = (prior_states(core.framework, view), None);
        let setting = Setting::new(core.framework);
        Outlook { unseen: true, ..self.outlook_by(view, paths, core, states, (setting, Vec::new())) }
    }

    fn outlook_by<'a>(
        &'a self,
        view: &View,
        paths: usize,
        core: Core<'a>,
        (states, fit): (Vec<ScenarioState>, Option<(f64, usize)>),
        (setting, seen): (Option<Setting<'a>>, Vec<Seen>),
    ) -> Outlook<'a> {
        let now: Vec<f64> = states.iter().map(|s| s.probability).collect();
        let from = view.as_of.timestamp_micros();
        let last = last_year(core.framework, view);
        let quarters = Quarters::new(from, year_end(last).unwrap_or(from));
        let chain = Chain::new(&core.framework.scenarios, setting, seen, now, &quarters);
        let mut draw = Draw::named("courses");
        let states_drawn = (0..paths).flat_map(|_| chain.course(&mut draw)).collect();
        let courses = Courses { quarters, states: states_drawn, paths };
        let unseen = false;
        Outlook {
            projector: self,
            view: *view,
            core,
            resolved: OnceLock::new(),
            states,
            unseen,
            fit,
            chain,
            courses,
        }
    }
}

impl Outlook<'_> {
    /// The last year that can be asked for.
    pub fn last_year(&self) -> i32 {
        let end = self.quarters().ends.last().copied().unwrap_or(self.quarters().from);
        crate::fold::moment(end).map_or(0, |at| at.year() - 1)
    }

    /// Scenarios of the view itself.
    pub fn scenarios(&self) -> &[ScenarioState] {
        &self.states
    }

    /// Scenario probabilities at a date, `None` past the last year. A date before the view is the view's.
    pub fn scenarios_at(&self, at: DateTime<Utc>) -> Option<Vec<Probability>> {
        let (at, from) = (at.timestamp_micros(), self.quarters().from);
        if at <= from {
            return Some(self.probabilities(&self.chain.now));
        }
        let within = self.quarters().ends.last().is_some_and(|last| at <= *last);
        within.then(|| self.probabilities(&self.chain.at(at)))
    }

    /// Scenario probabilities at the end of each year from the view's to `horizon`.
    pub fn year_ends(&self, horizon: i32) -> Vec<YearEnd> {
        let ends = self.quarters().ends.iter().zip(&self.chain.ahead);
        ends.filter_map(|(end, p)| {
            let at = crate::fold::moment(*end)?;
            let year = at.year() - 1;
            (at.ordinal() == 1 && year <= horizon).then(|| YearEnd { year, scenarios: self.probabilities(p) })
        })
        .collect()
    }

    /// What a measure may be at a date (exclusive bound), with the highest and lowest of the period ends up to it.
    ///
    /// A level or share is that of the last calendar period of its cadence that is over at the date; a number of
    /// happenings is that of the window of its cadence that ends at the date, what is known of it included; a stock and
    /// a coded scale are as they stand at the date. Errors say why there is no model, or that the date is out of reach.
    pub fn predictive(&self, id: &str, at: DateTime<Utc>) -> Result<Predictive, Refusal> {
        let fitted = self.fit(id)?;
        let refuse = |reason: String| Refusal { id: id.to_owned(), reason };
        let at = at.timestamp_micros();
        if self.quarters().ends.last().is_some_and(|last| at > *last) {
            return Err(refuse(format!("the outlook ends with {}", self.last_year())));
        }
        let floor = fitted.note.floor;
        if let Law::Walk(_) | Law::Revert(_) = &fitted.law {
            let end = window_start(at, fitted.months);
            if end <= fitted.last.0 {
                let known = fitted.points.iter().rev().find(|p| p.0 <= end);
                let value = known.map_or(fitted.last.1, |p| p.1);
                let same = || vec![value; self.courses.paths];
                return Ok(Predictive::new(id, floor, true, [same(), same(), same()]));
            }
        } else if at <= self.quarters().from {
            return Err(refuse("the date is not after the view".to_owned()));
        }
        let [paths] = self.paths(id, &fitted, &[at]).try_into().unwrap_or_default();
        Ok(Predictive::new(id, floor, false, paths))
    }

    /// The years ahead of a measure up to `horizon`.
    pub fn fan(&self, id: &str, horizon: i32) -> Result<Fan, Refusal> {
        let fitted = self.fit(id)?;
        let first = self.view.as_of.year();
        let years: Vec<(i32, i64)> = (first..=horizon.min(self.last_year()))
            .filter_map(|year| Some((year, year_end(year)?)))
            .filter(|(_, end)| match fitted.law {
                Law::Walk(_) | Law::Revert(_) => window_start(*end, fitted.months) > fitted.last.0,
                _ => *end > self.quarters().from,
            })
            .collect();
        let ends: Vec<i64> = years.iter().map(|y| y.1).collect();
        let year_ends = years
            .iter()
            .zip(self.paths(id, &fitted, &ends))
            .map(|((year, _), [mut at, ..])| {
                at.sort_unstable_by(f64::total_cmp);
                let q = |p| predictive::quantile(&at, p);
                FanYear { year: *year, p05: q(0.05), p25: q(0.25), p50: q(0.5), p75: q(0.75), p95: q(0.95) }
            })
            .collect();
        let unit = self.core.measure(id).map(|(_, m)| m.unit.clone()).unwrap_or_default();
        Ok(Fan { id: id.to_owned(), unit, value: fitted.last.1, model: fitted.note, year_ends })
    }

    /// Fans of all indicators, then measures, in framework order, and those that have no model.
    pub fn fans(&self, horizon: i32) -> (Vec<Fan>, Vec<Refusal>) {
        let ids: Vec<&str> = self.core.framework.all_measures().map(|m| m.id.as_str()).collect();
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(8);
        let mut made: Vec<(usize, Result<Fan, Refusal>)> = std::thread::scope(|scope| {
            let ids = &ids;
            let share = |k: usize| {
                let mine = ids.iter().enumerate().skip(k).step_by(threads);
                mine.map(|(at, id)| (at, self.fan(id, horizon))).collect::<Vec<_>>()
            };
            let others: Vec<_> = (1..threads).map(|k| scope.spawn(move || share(k))).collect();
            let mut all = share(0);
            for other in others {
                // A panic of a share is a defect and goes on as one.
                all.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            all
        });
        made.sort_by_key(|(at, _)| *at);
        let (mut fans, mut refused) = (Vec::new(), Vec::new());
        for (_, result) in made {
            match result {
                Ok(fan) => fans.push(fan),
                Err(refusal) => refused.push(refusal),
            }
        }
        (fans, refused)
    }

    /// Paths to each of the dates: at it, highest and lowest up to it, in the measure's unit, path by path.
    fn paths(&self, id: &str, fitted: &Fitted, dates: &[i64]) -> Vec<[Vec<f64>; 3]> {
        let quarters = self.quarters();
        let mut draw = Draw::named(id);
        let from = quarters.from;
        match &fitted.law {
            Law::Walk(walk) => {
                let (targets, periods, steps) = self.period_steps(walk.last, fitted.months, dates);
                let mut out = walk.simulate(&self.courses, &steps, &targets, &periods, &mut draw);
                out.iter_mut().flatten().flatten().for_each(|x| *x = walk.value(*x));
                out
            }
            Law::Revert(revert) => {
                let (targets, periods, steps) = self.period_steps(revert.last, fitted.months, dates);
                revert.simulate(&self.courses, &steps, &targets, &periods, &mut draw)
            }
            Law::Count(count) => {
                let months = i32::try_from(fitted.months).unwrap_or(12);
                let heard = fitted.heard;
                let window = |end: i64| {
                    let start = shift_months(end, -months);
                    Window { known: self.known(id, start, heard), from: start.max(heard), to: end }
                };
                let targets: Vec<Window> = dates.iter().map(|d| window(*d)).collect();
                let last = dates.iter().copied().max().unwrap_or(from);
                let others: Vec<Window> =
                    period_ends(from, last, fitted.months).into_iter().map(window).collect();
                let stops = targets.iter().chain(&others).flat_map(|w| [w.from, w.to]);
                let steps = steps(heard, stops, quarters);
                count.simulate(&self.courses, &steps, &targets, &others, &mut draw)
            }
            Law::Stock(count) => {
                let heard = fitted.heard;
                let targets: Vec<Window> =
                    dates.iter().map(|d| Window { known: fitted.last.1, from: heard, to: *d }).collect();
                let last = dates.iter().copied().max().unwrap_or(from);
                let stops = period_ends(from, last, fitted.months).into_iter().chain(dates.iter().copied());
                let steps = steps(heard, stops, quarters);
                count.simulate(&self.courses, &steps, &targets, &[], &mut draw)
            }
            Law::Ladder(ladder) => {
                let steps = steps(from, dates.iter().copied(), quarters);
                ladder.simulate(&self.courses, &steps, dates, &mut draw)
            }
        }
    }

    /// Of a model of periods: the ends of the last ones that are over at the dates, all ends after view and last value, and
    /// the steps from the last value to them.
    fn period_steps(&self, last: i64, months: u32, dates: &[i64]) -> (Vec<i64>, Vec<i64>, Vec<Step>) {
        let from = self.quarters().from;
        let targets: Vec<i64> = dates.iter().map(|d| window_start(*d, months)).collect();
        let end = targets.iter().copied().max().unwrap_or(from);
        let periods = period_ends(from.max(last), end, months);
        let steps = steps(last, targets.iter().chain(&periods).copied(), self.quarters());
        (targets, periods, steps)
    }

    /// What is known to have happened from `start` to the moment up to which the measure was heard.
    fn known(&self, id: &str, start: i64, heard: i64) -> f64 {
        self.source(id)
            .filter(|_| start < heard)
            .and_then(|s| s.between(start, heard))
            .map_or(0.0, |p| p.value)
    }

    /// What a measure reads.
    fn source(&self, id: &str) -> Option<Source<'_>> {
        let mut all = self.core.framework.all_measures().enumerate();
        let (index, measure) = all.find(|(_, m)| m.id == id)?;
        let resolved = self.resolved.get_or_init(|| self.projector.resolve(&self.view));
        Some(Source { projector: self.projector, resolved, view: &self.view, measure, index, ahead: false })
    }

    fn quarters(&self) -> &Quarters {
        &self.courses.quarters
    }

    fn signal(&self, id: &str) -> Option<&Signal> {
        self.core.framework.signals.iter().find(|s| s.of == id)
    }

    fn probabilities(&self, p: &[f64]) -> Vec<Probability> {
        let total: f64 = p.iter().sum();
        let rows = self.chain.ids.iter().zip(p.iter().map(|p| p / total));
        rows.map(|(id, p)| Probability {
            id: id.clone(),
            probability: p,
            words: crate::state::words(p).to_owned(),
        })
        .collect()
    }
}

impl std::fmt::Debug for Outlook<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let from = date(self.quarters().from);
        f.debug_struct("Outlook").field("from", &from).field("paths", &self.courses.paths).finish()
    }
}

/// The first moment after a year.
fn year_end(year: i32) -> Option<i64> {
    let day = NaiveDate::from_ymd_opt(year.checked_add(1)?, 1, 1)?;
    Some(day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_micros())
}

/// Ends of calendar periods in `(from, until]`.
fn period_ends(from: i64, until: i64, months: u32) -> Vec<i64> {
    let step = i32::try_from(months).unwrap_or(12);
    let mut end = shift_months(window_start(from, months), step);
    let mut out = Vec::new();
    while end <= until && out.last().is_none_or(|last| end > *last) {
        out.push(end);
        end = shift_months(end, step);
    }
    out
}
