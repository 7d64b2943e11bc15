//! Which model a measure gets, from the series that the view knows, or why it gets none.

use std::collections::BTreeMap;

use bellwether_model::framework::{Cadence, Formula, Kind, Measure, PeriodKind, Transform};
use bellwether_model::{PeriodClass, counted};
use serde::{Deserialize, Serialize};

use super::Outlook;
use super::count::{Count, Past, Seen};
use super::course::years;
use super::ladder::Ladder;
use super::predictive::Refusal;
use super::revert::Revert;
use super::tilt::{pulls, ratios};
use super::walk::{Link, Walk};
use crate::fold::moment;
use crate::gaps::within;
use crate::state::time::{date, shift_months};
use crate::state::{MeasureEval, Point};

/// Values or windows that a model needs where its priors carry the rest; under `rules.minimum_points` it says so.
const FEW: usize = 2;
/// Judgements and years between the first and the view under which a chain rests mostly on its prior.
const JUDGEMENTS: usize = 3;
const WATCHED: f64 = 3.0;
/// A series that ended longer ago than this says nothing of the years ahead.
const OLDEST: f64 = 3.0;

/// A model in words and numbers: how it was fitted and to what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelNote {
    /// Family.
    pub family: String,
    /// Points that it was fitted to.
    pub points: usize,
    /// Day after the first of them.
    pub from: String,
    /// Day after the last of them.
    pub until: String,
    /// The values are floors: what is simulated is what will be recorded, at least.
    pub floor: bool,
    /// Whether the framework's table for the measure moves it by scenario.
    pub by_scenario: bool,
    /// Fewer points than are usual: the spread rests mostly on the prior, so the fan is wide.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub few: bool,
    /// What else to know when reading the fan, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Parameters a year, on the scale of the family.
    pub parameters: BTreeMap<String, f64>,
}

/// A fitted model.
pub(super) struct Fitted {
    pub(super) law: Law,
    pub(super) note: ModelNote,
    /// Months of a period.
    pub(super) months: u32,
    /// Ends and values behind a level or share, ascending.
    pub(super) points: Vec<(i64, f64)>,
    /// Last value and its end, where the model starts from one.
    pub(super) last: (i64, f64),
    /// Moment up to which happenings were heard; nothing else reads it.
    pub(super) heard: i64,
}

pub(super) enum Law {
    Walk(Walk),
    /// Values of either sign, which come back to a level.
    Revert(Revert),
    Count(Count),
    /// A stock that happenings add to.
    Stock(Count),
    Ladder(Ladder),
}

impl Outlook<'_> {
    /// Fits the model of a measure.
    pub(super) fn fit(&self, id: &str) -> Result<Fitted, Refusal> {
        let refuse = |reason: &str| Refusal { id: id.to_owned(), reason: reason.to_owned() };
        let Some((eval, measure)) = self.core.measure(id) else {
            return Err(refuse("no indicator or measure has this id"));
        };
        let fitted = match (measure.kind, measure.formula) {
            (_, Formula::Count | Formula::Stock | Formula::Distinct) => self.count(eval, measure),
            (Kind::Ordinal, _) => self.ladder(eval, measure),
            _ => self.walk(eval, measure),
        };
        let fitted = fitted.map_err(|reason| refuse(&reason))?;
        let old = years(fitted.last.0, self.quarters().from);
        if old > OLDEST {
            return Err(refuse(&too_old(fitted.last.0)));
        }
        Ok(fitted)
    }

    fn least(&self) -> usize {
        self.core.framework.rules.minimum_points
    }

    fn walk(&self, eval: &MeasureEval, measure: &Measure) -> Result<Fitted, String> {
        if measure.lower_bound {
            return Err("every value is a floor, and a floor has no course of its own".to_owned());
        }
        let months = measure.cadence.months().unwrap_or(12);
        let (points, read) = self.choose(eval, measure)?;
        let pairs: Vec<(i64, f64)> = points.iter().map(|p| (p.end, p.value)).collect();
        let link = Link::of(measure, &pairs);
        let (enough, n) = (self.least(), points.len());
        if n < enough && link.prior().is_none() {
            return Err(format!("{} of either sign, {enough} are needed", comparable(n)));
        }
        let seasonal = measure.kind == Kind::Level && measure.formula != Formula::Mean;
        let mut walk = Walk::fit(link, &pairs, months, seasonal)
            .ok_or_else(|| "all values are of one day".to_owned())?;
        let last = *pairs.last().unwrap_or(&(walk.last, 0.0));
        let towards = self.pulls(eval, measure, |unit| unit * link.slope(last.1), last.1);
        let revert = Revert::fit(&pairs).filter(|_| link == Link::Plain && walk.noise == 0.0);
        let seasons = if walk.season.is_empty() { "" } else { ", seasonal" };
        let (family, parameters) = match &revert {
            Some(revert) => {
                let [level, half_life, spread] = revert.parameters();
                let freedom = ("degrees_of_freedom", revert.freedom());
                (
                    "return to a level".to_owned(),
                    vec![("level", level), ("half_life", half_life), ("spread", spread), freedom],
                )
            }
            None => (
                format!("{}{seasons}", link.words()),
                vec![
                    ("drift", walk.drift),
                    ("drift_years", walk.weight),
                    ("sigma", walk.variance.sqrt()),
                    ("degrees_of_freedom", walk.freedom),
                    ("noise", walk.noise.sqrt()),
                ],
            ),
        };
        let mut note = note(&family, &points, points.last().is_some_and(|p| p.lower), &towards, &parameters);
        note.few = n < enough;
        if let Some(label) = read {
            note.notes.push(format!("fitted to {label}, not to the series shown"));
        }
        let outside = measure.range.iter().flat_map(|r| pairs.iter().filter(|p| !within(r, **p))).count();
        if let (Some(range), Link::Range(..)) = (&measure.range, link) {
            walk.under(range);
            let now = self.view.as_of.date_naive();
            for c in range.ceilings.iter().filter(|c| c.until > now) {
                note.notes.push(format!("at most {} until {}: {}", c.max, c.until, c.reason));
            }
        }
        if outside > 0 {
            note.notes.push(format!(
                "the range of the framework is passed over: {} outside",
                counted(outside, "value lies", "values lie")
            ));
        }
        let law = match revert {
            Some(mut revert) => {
                revert.pulls = towards;
                Law::Revert(revert)
            }
            None => {
                walk.pulls = towards;
                Law::Walk(walk)
            }
        };
        let heard = self.quarters().from;
        Ok(Fitted { law, note, months, points: pairs, last, heard })
    }

    /// The comparable points that a walk is fitted to, with the name of their selector when it is not that of the series
    /// shown: the series shown if it has enough of them, else the first selector that has, else the one that has most.
    fn choose(&self, eval: &MeasureEval, measure: &Measure) -> Result<(Vec<Point>, Option<String>), String> {
        let shown = eval.series.read;
        let mut all = vec![(shown, self.comparable(measure, &eval.series.points, shown))];
        if let Some(source) = self.source(&measure.id).filter(|_| !measure.formula.windowed()) {
            let others = (0..measure.read.len()).filter(|at| *at != shown);
            all.extend(others.map(|at| (at, self.comparable(measure, &source.read_points(at), at))));
        }
        let now = self.quarters().from;
        let recent = |points: &[Point]| points.last().is_some_and(|p| years(p.end, now) <= OLDEST);
        let enough = all.iter().position(|(_, points)| points.len() >= self.least() && recent(points));
        let most = || {
            let few = all.iter().enumerate().filter(|(_, (_, points))| points.len() >= FEW && recent(points));
            few.max_by_key(|(at, (_, points))| (points.len(), std::cmp::Reverse(*at))).map(|(at, _)| at)
        };
        let Some(at) = enough.or_else(most) else {
            let (_, longest) = all.into_iter().max_by_key(|(_, points)| points.len()).unwrap_or_default();
            return match longest.last() {
                Some(last) if longest.len() >= FEW => Err(too_old(last.end)),
                _ => Err(format!("{}, {FEW} are needed", comparable(longest.len()))),
            };
        };
        let (read, points) = all.swap_remove(at);
        let label = measure.read.get(read).and_then(|r| r.label.clone());
        Ok((points, label.filter(|_| read != shown)))
    }

    fn count(&self, eval: &MeasureEval, measure: &Measure) -> Result<Fitted, String> {
        let Some(months) = measure.cadence.months() else { return Err("it has no calendar".to_owned()) };
        let points: Vec<Point> = eval.series.points.clone();
        let stock = measure.formula == Formula::Stock;
        let heard = self.heard(measure);
        // What was heard of a window is all that it says.
        let past = |start: i64, end: i64, number: f64, seen: Seen| {
            let end = end.min(heard);
            Past { end, years: years(start, end), number, seen }
        };
        let seen = |p: &Point| if p.lower { Seen::Records } else { Seen::Whole };
        let mut windows: Vec<Past> = if stock {
            let steps = points.iter().zip(points.iter().skip(1));
            let added = steps.map(|(a, b)| (a.end, b, (b.value - a.value).max(0.0)));
            let nothing = |b: &Point, more: f64| b.lower && more == 0.0;
            added
                .map(|(start, b, more)| {
                    past(start, b.end, more, if nothing(b, more) { Seen::Nothing } else { seen(b) })
                })
                .collect()
        } else {
            let step = i32::try_from(months).unwrap_or(12);
            let between = points.iter().zip(points.iter().skip(1)).flat_map(|(a, b)| {
                std::iter::successors(Some(a.end), move |at| Some(shift_months(*at, step)))
                    .take_while(move |at| *at < b.start)
            });
            let since = points.last().map(|p| p.end).into_iter().flat_map(|end| {
                std::iter::successors(Some(end), move |at| Some(shift_months(*at, step)))
                    .take_while(move |at| shift_months(*at, step) <= heard)
            });
            let nothing = between.chain(since).map(|at| past(at, shift_months(at, step), 0.0, Seen::Nothing));
            points.iter().map(|p| past(p.start, p.end, p.value, seen(p))).chain(nothing).collect()
        };
        windows.retain(|w| w.years > 0.0);
        windows.sort_by_key(|w| w.end);
        let (known, enough) = (windows.iter().filter(|w| w.seen != Seen::Nothing).count(), self.least());
        if known < FEW {
            return Err(format!("{} with a number, {FEW} are needed", counted(known, "period", "periods")));
        }
        let mut count = Count::fit(&windows, self.quarters().from)
            .ok_or_else(|| "its periods have no length".to_owned())?;
        let per = count.rate() * f64::from(months) / 12.0;
        count.pulls = self.pulls(eval, measure, |unit| unit / per.max(unit), per);
        let headline = eval.series.latest();
        let last = points.last().map_or(0, |p| p.end);
        let last = (eval.series.newest.map_or(last, |n| n.max(last)), headline.map_or(0.0, |p| p.value));
        let mut parameters = vec![
            ("rate", count.rate()),
            ("shape", count.shape),
            ("years", count.exposure),
            ("adrift", count.adrift),
        ];
        parameters.extend(count.bursts.map(|k| ("burst_shape", k)));
        let family = if count.bursts.is_some() { "negative binomial" } else { "Poisson" };
        let floor = measure.lower_bound
            || points.last().is_some_and(|p| p.lower)
            || headline.is_some_and(|p| p.lower);
        let mut note = note(family, &points, floor, &count.pulls, &parameters);
        note.few = known < enough;
        if heard < self.quarters().from {
            let day = moment(heard).map(|at| at.date_naive().to_string()).unwrap_or_default();
            note.notes.push(format!("drawn from {day} on: nothing is known of the time after it"));
        }
        let law = if stock { Law::Stock(count) } else { Law::Count(count) };
        Ok(Fitted { law, note, months, points: Vec::new(), last, heard })
    }

    fn ladder(&self, eval: &MeasureEval, measure: &Measure) -> Result<Fitted, String> {
        let points = self.comparable(measure, &eval.series.points, eval.series.read);
        let pairs: Vec<(i64, f64)> = points.iter().map(|p| (p.end, p.value)).collect();
        let now = self.quarters().from;
        let mut ladder = Ladder::fit(&pairs, now, measure.scale.unwrap_or([0.0, 1.0]))
            .ok_or_else(|| "no judgement is known".to_owned())?;
        let signal = self.signal(&measure.id);
        ladder.ratios = ratios(signal, &self.chain.ids, &self.chain.now);
        let last = *pairs.last().unwrap_or(&(now, 0.0));
        let parameters = [("down", ladder.down), ("up", ladder.up), ("years", ladder.watched)];
        let pulls = if signal.is_some() { vec![1.0] } else { Vec::new() };
        let mut note = note("Markov chain of single steps", &points, false, &pulls, &parameters);
        note.few = pairs.len() < JUDGEMENTS || ladder.watched < WATCHED;
        // A judgement holds until another takes its place.
        let last = (last.0.max(now), last.1);
        Ok(Fitted { law: Law::Ladder(ladder), note, months: 1, points: Vec::new(), last, heard: now })
    }

    /// Where the scenarios pull a measure; `scale` turns one baseline spread of the value into the model's scale.
    fn pulls(
        &self,
        eval: &MeasureEval,
        measure: &Measure,
        scale: impl Fn(f64) -> f64,
        value: f64,
    ) -> Vec<f64> {
        let spread = eval.baseline_centre.map(|(_, sigma)| match measure.transform {
            Transform::Log => sigma * value.abs(),
            Transform::None => sigma,
        });
        let signal = self.signal(&measure.id).filter(|_| spread.is_some());
        pulls(signal, &self.chain.ids, &self.chain.now, scale(spread.unwrap_or(1.0)))
    }

    /// Points of one kind of period, ascending, one an end: what differs in length is not one series.
    fn comparable(&self, measure: &Measure, all: &[Point], read: usize) -> Vec<Point> {
        let cumulative = measure.read.get(read).is_some_and(|r| r.period == PeriodKind::YearToDate);
        let dated = measure.kind != Kind::Level || measure.cadence == Cadence::Irregular;
        let class = all.last().map(|p| if cumulative { PeriodClass::Year } else { p.class() });
        let same = |p: &&Point| {
            let alike = |want| match (p.class(), want) {
                (PeriodClass::Month(_), PeriodClass::Month(_))
                | (PeriodClass::Quarter(_), PeriodClass::Quarter(_))
                | (PeriodClass::Half(_), PeriodClass::Half(_)) => true,
                (a, b) => a == b,
            };
            (dated && !cumulative) || class.is_some_and(alike)
        };
        let mut points: Vec<Point> = all.iter().filter(same).cloned().collect();
        points.sort_by_key(|p| (p.end, p.start));
        // Of several that end together the longest says most.
        points.reverse();
        points.dedup_by(|next, kept| next.end == kept.end && next.start >= kept.start);
        points.reverse();
        points
    }
}

fn comparable(values: usize) -> String {
    counted(values, "comparable value", "comparable values")
}

fn too_old(last: i64) -> String {
    format!("the last value is of before {}, more than {OLDEST} years ago", date(last))
}

fn note(family: &str, points: &[Point], floor: bool, pulls: &[f64], parameters: &[(&str, f64)]) -> ModelNote {
    ModelNote {
        family: family.to_owned(),
        points: points.len(),
        from: points.first().map(|p| date(p.end)).unwrap_or_default(),
        until: points.last().map(|p| date(p.end)).unwrap_or_default(),
        floor,
        by_scenario: pulls.iter().any(|p| *p != 0.0),
        few: false,
        notes: Vec::new(),
        parameters: parameters.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
    }
}
