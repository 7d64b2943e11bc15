//! What is expected of a measure: the simulated outlook, and a plain model where that refuses.

use bellwether_model::View;
use bellwether_model::framework::{Formula, Kind, Measure};
use bellwether_model::question::{Quantity, Question, When};
use chrono::{DateTime, Utc};

use super::distribution::Distribution;
use crate::fold::Projector;
use crate::outlook::Outlook;

/// Days of a year.
const YEAR: f64 = 365.25;
/// Counts beyond which the tail of a count is cut.
const LONGEST_TAIL: usize = 10_000;

/// What a model is asked: only what could be known before `at`.
pub struct Asked<'a> {
    /// Question.
    pub question: &'a Question,
    /// Measure that it is about.
    pub measure: &'a Measure,
    /// Number that the reading is compared with.
    pub bound: f64,
    /// Moment of the forecast.
    pub at: DateTime<Utc>,
    /// End of the period that is asked about.
    pub end: DateTime<Utc>,
    /// Comparable figures, oldest first: end of the period, value. Never empty.
    pub history: &'a [(DateTime<Utc>, f64)],
    /// What the window that is asked about already counts.
    pub so_far: Option<f64>,
}

/// What a model expects.
pub struct Expected {
    /// Name of the model that answers.
    pub model: &'static str,
    /// Probability that the answer is yes.
    pub probability: f64,
    /// Distribution of the figure on the last day of the question.
    pub distribution: Distribution,
}

/// A model of what measures will read.
pub trait Model: Sync {
    /// Name.
    fn name(&self) -> &'static str;

    /// What it knows in a view: asked once for all questions of a moment.
    fn at<'p>(&self, projector: &'p Projector, view: &View) -> Box<dyn Moment + 'p>;

    /// The same model for somebody who knows the scenarios by their prior and transition alone; `None` for a model
    /// without scenarios.
    fn on_prior(&self) -> Option<Box<dyn Model>> {
        None
    }
}

/// A model at one moment.
pub trait Moment {
    /// What is expected; `None` where the model cannot say.
    fn expect(&self, asked: &Asked<'_>) -> Option<Expected>;

    /// What the assessment gives a scenario now, and what it may give it at a date, world by world; `None` where the
    /// model has no scenarios.
    fn scenario(&self, _id: &str, _at: DateTime<Utc>) -> Option<(f64, Vec<f64>)> {
        None
    }
}

/// The outlook: indicators simulated along the courses of the scenarios; [`Steady`] for what it refuses.
#[derive(Clone, Copy, Debug)]
pub struct Simulated {
    /// Paths; 2000 give a probability to about a hundredth.
    pub paths: usize,
}

impl Default for Simulated {
    fn default() -> Self {
        Self { paths: 2000 }
    }
}

impl Model for Simulated {
    fn name(&self) -> &'static str {
        "outlook/1"
    }

    fn at<'p>(&self, projector: &'p Projector, view: &View) -> Box<dyn Moment + 'p> {
        Box::new(projector.outlook(view, self.paths))
    }

    fn on_prior(&self) -> Option<Box<dyn Model>> {
        Some(Box::new(OnPrior(*self)))
    }
}

/// [`Simulated`] by the scenarios' prior and transition alone: what its posterior adds is the difference.
#[derive(Clone, Copy, Debug, Default)]
pub struct OnPrior(pub Simulated);

impl Model for OnPrior {
    fn name(&self) -> &'static str {
        "outlook/1 on the prior"
    }

    fn at<'p>(&self, projector: &'p Projector, view: &View) -> Box<dyn Moment + 'p> {
        Box::new(projector.outlook_on_prior(view, self.0.paths))
    }
}

impl Moment for Outlook<'_> {
    fn expect(&self, asked: &Asked<'_>) -> Option<Expected> {
        let Ok(found) = self.predictive(&asked.measure.id, asked.end) else { return Steady.expect(asked) };
        // A period of another length than the outlook's is not what it speaks of.
        if found.known || !speaks_of(asked) {
            return Steady.expect(asked);
        }
        let (rule, bound) = (&asked.question.rule, asked.bound);
        let reported = found.sample().iter().copied().filter(|n| *n > 0.0 || !on_record(asked, found.floor));
        let distribution = Distribution::ensemble(reported)
            .or_else(|| Distribution::ensemble(found.sample().iter().copied()))?;
        let probability = match (&rule.when, rule.comparison.upward()) {
            (When::By(_), true) => found.ever_at_least(bound),
            (When::By(_), false) => found.ever_at_most(bound),
            _ => distribution.probability(rule.comparison, bound),
        };
        Some(Expected { model: "outlook/1", probability, distribution })
    }

    fn scenario(&self, id: &str, at: DateTime<Utc>) -> Option<(f64, Vec<f64>)> {
        self.posterior_ahead(id, at)
    }
}

/// The outlook knows whole periods of the measure's cadence, and windows and scales at any date.
fn speaks_of(asked: &Asked<'_>) -> bool {
    let When::In { start, end, .. } = &asked.question.rule.when else { return true };
    let months = asked.measure.cadence.months();
    months.is_some_and(|m| start.checked_add_months(chrono::Months::new(m)).is_some_and(|to| to == *end))
}

/// Whether the answer can only be a number on record: happenings are counted as reported, none of them is no reading and
/// makes the question void, and a no needs a smaller number rather than none.
fn on_record(asked: &Asked<'_>, floor: bool) -> bool {
    let rule = &asked.question.rule;
    let counted = matches!(asked.measure.formula, Formula::Count | Formula::Distinct);
    floor && counted && rule.of == Quantity::Reported && !rule.comparison.holds(1.0, asked.bound)
}

/// The plain model: levels go on as they went, counts come as often as they came, scales mostly stay.
///
/// - Levels and shares: a random walk from the newest figure, with drift. Drift and variance a year are those of the
///   known changes, drawn towards none and towards a prior deviation as if three more years had shown it.
/// - Counts: what the window has already, and for the rest of it a negative binomial. Its rate is a Gamma of the past
///   windows, each weighing half of what the one three windows later weighs.
/// - Coded scales: stay, but for one step up or down once in ten years.
#[derive(Clone, Copy, Debug, Default)]
pub struct Steady;

/// Years that the prior of a variance or drift is worth.
const PRIOR_YEARS: f64 = 3.0;
/// Prior deviation of a level's logarithm, and of a share against its value, a year.
const PRIOR_SPREAD: f64 = 0.15;
/// Steps of a coded scale a year.
const STEPS: f64 = 0.1;

impl Model for Steady {
    fn name(&self) -> &'static str {
        "steady/1"
    }

    fn at<'p>(&self, _: &'p Projector, _: &View) -> Box<dyn Moment + 'p> {
        Box::new(Self)
    }
}

impl Moment for Steady {
    fn expect(&self, asked: &Asked<'_>) -> Option<Expected> {
        let (newest, last) = *asked.history.last()?;
        let years = days(asked.end - newest) / YEAR;
        let distribution = match (asked.measure.kind, asked.measure.formula) {
            (_, Formula::Count | Formula::Distinct) => count(asked)?,
            (Kind::Ordinal, _) => scale(asked, years),
            (Kind::Share, _) => walk(asked, years, false),
            _ => walk(asked, years, asked.history.iter().all(|(_, v)| *v > 0.0)),
        };
        let rule = &asked.question.rule;
        let mut probability = distribution.probability(rule.comparison, asked.bound);
        if matches!(rule.when, When::By(_))
            && !matches!(distribution, Distribution::Weighted(_))
            && !rule.comparison.holds(last, asked.bound)
        {
            // A walk that ends beyond a line has crossed it, and as many that crossed it came back (reflection).
            probability *= 2.0;
        }
        Some(Expected { model: "steady/1", probability, distribution })
    }
}

fn walk(asked: &Asked<'_>, years: f64, log: bool) -> Distribution {
    let scaled = |v: f64| if log { libm::log(v) } else { v };
    let last = asked.history.last().map_or(0.0, |(_, v)| *v);
    let prior = if log { PRIOR_SPREAD } else { PRIOR_SPREAD * last.abs().max(f64::MIN_POSITIVE) };
    let (mut span, mut moved) = (0.0, 0.0);
    let steps: Vec<(f64, f64)> = asked
        .history
        .iter()
        .zip(asked.history.iter().skip(1))
        .map(|(a, b)| (days(b.0 - a.0) / YEAR, scaled(b.1) - scaled(a.1)))
        .filter(|(years, _)| *years > 0.0)
        .collect();
    for (years, change) in &steps {
        span += years;
        moved += change;
    }
    let drift = moved / (span + PRIOR_YEARS);
    let squares: f64 = steps.iter().map(|(t, d)| (d - drift * t) * (d - drift * t) / t).sum();
    let variance = (PRIOR_YEARS * prior * prior + squares) / (PRIOR_YEARS + steps.len() as f64);
    let ahead = years.max(1.0 / YEAR);
    let sigma = libm::sqrt(variance * (ahead + ahead * ahead / (span + PRIOR_YEARS)));
    let mu = scaled(last) + drift * ahead;
    if log { Distribution::LogNormal { mu, sigma } } else { Distribution::Normal { mu, sigma } }
}

fn count(asked: &Asked<'_>) -> Option<Distribution> {
    let months = asked.measure.cadence.months()?;
    let window = f64::from(months) * YEAR / 12.0;
    // Newest first, windows that do not overlap.
    let (mut sum, mut weight, mut n) = (0.0, 0.0, 0.0);
    let mut end: Option<DateTime<Utc>> = None;
    for (at, value) in asked.history.iter().rev() {
        if end.is_some_and(|end| days(end - *at) < window - 5.0) {
            continue;
        }
        end = Some(*at);
        let w = libm::pow(0.5, n / 3.0);
        (sum, weight, n) = (sum + w * value, weight + w, n + 1.0);
    }
    let left = (days(asked.end - asked.at) / window).clamp(0.0, 1.0);
    let so_far = asked.so_far.unwrap_or(0.0);
    if left <= 0.0 {
        return Distribution::ensemble([so_far]);
    }
    // Gamma(sum + ½, weight) mixed Poisson over the rest of the window.
    let (shape, p) = (sum + 0.5, weight / (weight + left));
    let mut mass = libm::pow(p, shape);
    let (mut values, mut covered) = (Vec::new(), 0.0);
    for k in 0..LONGEST_TAIL {
        values.push((so_far + k as f64, mass));
        covered += mass;
        if covered > 1.0 - 1e-9 {
            break;
        }
        mass *= (shape + k as f64) / (k as f64 + 1.0) * (1.0 - p);
    }
    Some(Distribution::Weighted(values))
}

fn scale(asked: &Asked<'_>, years: f64) -> Distribution {
    let last = asked.history.last().map_or(0.0, |(_, v)| *v);
    let moves = 1.0 - libm::exp(-STEPS * years.max(0.0));
    let [low, high] = asked.measure.scale.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
    let mut values = vec![(last, 1.0 - moves)];
    for next in [last - 1.0, last + 1.0] {
        values.push((next.clamp(low, high), 0.5 * moves));
    }
    Distribution::Weighted(values)
}

fn days(span: chrono::TimeDelta) -> f64 {
    span.num_seconds() as f64 / 86_400.0
}
