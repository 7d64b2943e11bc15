//! Which model a measure gets, from the series that the view knows, or why it gets none.

use std::collections::BTreeMap;

use bellwether_model::PeriodClass;
use bellwether_model::framework::{Cadence, Formula, Kind, Measure, PeriodKind, Transform};
use serde::{Deserialize, Serialize};

use super::Outlook;
use super::count::Count;
use super::course::years;
use super::ladder::Ladder;
use super::predictive::Refusal;
use super::tilt::{pulls, ratios};
use super::walk::{Link, Walk};
use crate::state::time::date;
use crate::state::{MeasureEval, Point};

/// Judgements that a Markov chain needs, and years between the first and the view.
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
    /// Parameters a year, on the scale of the family.
    pub parameters: BTreeMap<String, f64>,
}

/// A fitted model.
pub(super) struct Fitted {
    pub(super) law: Law,
    pub(super) note: ModelNote,
    /// Months of a period.
    pub(super) months: u32,
    /// Last value and its end, where the model starts from one.
    pub(super) last: (i64, f64),
}

pub(super) enum Law {
    Walk(Walk),
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
            (_, Formula::Count | Formula::Stock) => self.count(eval, measure),
            (Kind::Ordinal, _) => self.ladder(eval, measure),
            _ => self.walk(eval, measure),
        };
        let fitted = fitted.map_err(|reason| refuse(&reason))?;
        let old = years(fitted.last.0, self.quarters().from);
        if old > OLDEST {
            let day = date(fitted.last.0);
            return Err(refuse(&format!("the last value is of before {day}, more than {OLDEST} years ago")));
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
        let points = self.comparable(eval, measure);
        let (points, enough) = (points, self.least());
        if points.len() < enough {
            return Err(format!("{} comparable values, {enough} are needed", points.len()));
        }
        let pairs: Vec<(i64, f64)> = points.iter().map(|p| (p.end, p.value)).collect();
        let link = Link::of(measure, pairs.iter().map(|p| p.1));
        let seasonal = measure.kind == Kind::Level && measure.formula != Formula::Mean;
        let mut walk = Walk::fit(link, &pairs, months, seasonal)
            .ok_or_else(|| "all values are of one day".to_owned())?;
        let last = *pairs.last().unwrap_or(&(walk.last, 0.0));
        walk.pulls = self.pulls(eval, measure, |unit| unit * link.slope(last.1), last.1);
        let parameters = [
            ("drift", walk.drift),
            ("drift_years", walk.weight),
            ("sigma", walk.variance.sqrt()),
            ("degrees_of_freedom", walk.freedom),
            ("noise", walk.noise.sqrt()),
        ];
        let seasons = if walk.season.is_empty() { "" } else { ", seasonal" };
        let note = note(
            &format!("{}{seasons}", link.words()),
            &points,
            points.last().is_some_and(|p| p.lower),
            &walk.pulls,
            &parameters,
        );
        Ok(Fitted { law: Law::Walk(walk), note, months, last })
    }

    fn count(&self, eval: &MeasureEval, measure: &Measure) -> Result<Fitted, String> {
        let Some(months) = measure.cadence.months() else { return Err("it has no calendar".to_owned()) };
        let points: Vec<Point> = eval.series.points.clone();
        let stock = measure.formula == Formula::Stock;
        let windows: Vec<(i64, f64, f64)> = if stock {
            let steps = points.iter().zip(points.iter().skip(1));
            steps.map(|(a, b)| (b.end, years(a.end, b.end), (b.value - a.value).max(0.0))).collect()
        } else {
            points.iter().map(|p| (p.end, years(p.start, p.end), p.value)).collect()
        };
        let enough = self.least();
        if windows.len() < enough {
            let known = windows.len();
            return Err(format!("{known} periods with a number, {enough} are needed"));
        }
        let mut count = Count::fit(&windows, self.quarters().from)
            .ok_or_else(|| "its periods have no length".to_owned())?;
        let per = count.rate() * f64::from(months) / 12.0;
        count.pulls = self.pulls(eval, measure, |unit| unit / per.max(unit), per);
        let headline = eval.series.latest();
        let last = points.last().map_or(0, |p| p.end);
        let last = (eval.series.newest.map_or(last, |n| n.max(last)), headline.map_or(0.0, |p| p.value));
        let mut parameters = vec![("rate", count.rate()), ("shape", count.shape), ("years", count.exposure)];
        parameters.extend(count.bursts.map(|k| ("burst_shape", k)));
        let family = if count.bursts.is_some() { "negative binomial" } else { "Poisson" };
        let floor = measure.lower_bound
            || points.last().is_some_and(|p| p.lower)
            || headline.is_some_and(|p| p.lower);
        let note = note(family, &points, floor, &count.pulls, &parameters);
        let law = if stock { Law::Stock(count) } else { Law::Count(count) };
        Ok(Fitted { law, note, months, last })
    }

    fn ladder(&self, eval: &MeasureEval, measure: &Measure) -> Result<Fitted, String> {
        let points = self.comparable(eval, measure);
        let pairs: Vec<(i64, f64)> = points.iter().map(|p| (p.end, p.value)).collect();
        if pairs.len() < JUDGEMENTS {
            return Err(format!("{} judgements, {JUDGEMENTS} are needed", pairs.len()));
        }
        let now = self.quarters().from;
        let mut ladder = Ladder::fit(&pairs, now, measure.scale.unwrap_or([0.0, 1.0]))
            .filter(|l| l.watched >= WATCHED)
            .ok_or_else(|| format!("the judgements go back less than {WATCHED} years"))?;
        let signal = self.signal(&measure.id);
        ladder.ratios = ratios(signal, &self.chain.ids, &self.now);
        let last = *pairs.last().unwrap_or(&(now, 0.0));
        let parameters = [("down", ladder.down), ("up", ladder.up), ("years", ladder.watched)];
        let pulls = if signal.is_some() { vec![1.0] } else { Vec::new() };
        let note = note("Markov chain of single steps", &points, false, &pulls, &parameters);
        // A judgement holds until another takes its place.
        Ok(Fitted { law: Law::Ladder(ladder), note, months: 1, last: (last.0.max(now), last.1) })
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
        pulls(signal, &self.chain.ids, &self.now, scale(spread.unwrap_or(1.0)))
    }

    /// Points of one kind of period, ascending, one an end: what differs in length is not one series.
    fn comparable(&self, eval: &MeasureEval, measure: &Measure) -> Vec<Point> {
        let series = &eval.series;
        let cumulative = measure.read.get(series.read).is_some_and(|r| r.period == PeriodKind::YearToDate);
        let dated = measure.kind != Kind::Level || measure.cadence == Cadence::Irregular;
        let class = series.points.last().map(|p| if cumulative { PeriodClass::Year } else { p.class() });
        let same = |p: &&Point| {
            let alike = |want| match (p.class(), want) {
                (PeriodClass::Month(_), PeriodClass::Month(_))
                | (PeriodClass::Quarter(_), PeriodClass::Quarter(_))
                | (PeriodClass::Half(_), PeriodClass::Half(_)) => true,
                (a, b) => a == b,
            };
            (dated && !cumulative) || class.is_some_and(alike)
        };
        let mut points: Vec<Point> = series.points.iter().filter(same).cloned().collect();
        points.sort_by_key(|p| (p.end, p.start));
        // Of several that end together the longest says most.
        points.reverse();
        points.dedup_by(|next, kept| next.end == kept.end && next.start >= kept.start);
        points.reverse();
        points
    }
}

fn note(family: &str, points: &[Point], floor: bool, pulls: &[f64], parameters: &[(&str, f64)]) -> ModelNote {
    ModelNote {
        family: family.to_owned(),
        points: points.len(),
        from: points.first().map(|p| date(p.end)).unwrap_or_default(),
        until: points.last().map(|p| date(p.end)).unwrap_or_default(),
        floor,
        by_scenario: pulls.iter().any(|p| *p != 0.0),
        parameters: parameters.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
    }
}
