//! A measure in one view: value, distance, trend, freshness.

use std::sync::Arc;

use bellwether_detect::spread;
use bellwether_model::framework::{Baseline, Cadence, Formula, Kind, Measure, PeriodKind, Rules, Transform};
use bellwether_model::{Grade, View};
use chrono::NaiveTime;

use super::series::{Point, Series, Source};
use super::time::{DAY, date, shift_months, span};
use crate::assessment::{AlsoState, MeasureState, Trend};
use crate::fold::Projector;

/// A measure's state and what the rows above need of it.
#[derive(Clone, Debug)]
pub(crate) struct MeasureEval {
    pub(crate) state: MeasureState,
    pub(crate) series: Series,
    /// Worst grade behind the value.
    pub(crate) grade: Grade,
    /// Only a floor of the value is known.
    pub(crate) lower: bool,
    /// Greatest relative difference between rival accounts of the value.
    pub(crate) spread: f64,
    /// First and present value of the periods that were stated more than once; only where a bound asks.
    pub(crate) revised: Vec<[f64; 2]>,
    /// Value or floor.
    pub(crate) reading: Option<f64>,
    /// Points behind the baseline, for `why`.
    pub(crate) baseline: Vec<u64>,
    pub(crate) baseline_centre: Option<(f64, f64)>,
    /// World date from which time alone may change it, the dates of a trailing window apart; `i64::MAX` for never.
    /// The date of the view itself where its source did not look ahead.
    pub(crate) until: i64,
}

impl MeasureEval {
    /// Whether the value is recent enough to be used.
    pub(crate) fn fresh(&self) -> bool {
        self.state.stale == Some(false)
    }

    /// Moves the trailing window to a later date before [`until`](Self::until): nothing but its dates changes.
    pub(crate) fn slide(&mut self, measure: &Measure, as_of: i64) {
        let Some(months) = measure.cadence.months().and_then(|m| i32::try_from(m).ok()) else { return };
        if let Some(point) = &mut self.series.trailing {
            (point.start, point.end) = (shift_months(as_of, -months), as_of);
            self.state.period = span(point.start, point.end);
        }
        if let Some(point) = &mut self.series.trailing_before {
            let end = shift_months(as_of, -12);
            (point.start, point.end) = (shift_months(end, -months), end);
        }
    }
}

/// Evaluates one measure.
pub(crate) fn evaluate(source: &Source<'_>, rules: &Rules) -> MeasureEval {
    let (m, view) = (source.measure, source.view);
    let as_of = view.as_of.timestamp_micros();
    let age_limit = i64::from(m.stale_days) * DAY;
    let series = source.series(|p| as_of - p.end <= age_limit);
    let headline = series.headline().cloned();
    let lower = headline.as_ref().is_some_and(|p| p.lower) || m.lower_bound;
    let reading = headline.as_ref().map(|p| p.value);
    let stale = match &headline {
        Some(p) => {
            let since = if m.formula.windowed() { series.newest.unwrap_or(p.end) } else { p.end };
            Some(as_of - since > age_limit)
        }
        // All that is known lies before the window.
        None => series.latest().map(|_| true),
    };
    let (distance, baseline, centre) = distance(source, &series, headline.as_ref(), rules);
    let before = headline.as_ref().and_then(|p| year_before(source, &series, p));
    let change = match (&headline, &before) {
        (Some(now), Some(then)) if !lower && !then.lower => change(m.kind, now.value, then.value),
        _ => None,
    };
    let published = headline.as_ref().and_then(|p| source.projector.observation(p.at));
    // Who did not ask may keep it for no later date.
    let until = if source.ahead { until(m, &series, as_of, age_limit) } else { as_of };
    let state = MeasureState {
        id: m.id.clone(),
        domain: m.domain.clone(),
        unit: m.unit.clone(),
        value: reading.filter(|_| !lower),
        at_least: reading.filter(|_| lower),
        period: headline.as_ref().and_then(|p| span(p.start, p.end)),
        published_at: published.and_then(|o| o.published()),
        published_basis: published.map(|o| o.basis),
        vintages: headline.as_ref().map_or(0, |p| p.vintages),
        conflict: headline.as_ref().is_some_and(|p| p.conflict),
        change_on_year: change,
        distance,
        trend: if lower {
            Trend::Unknown
        } else {
            trend(m, &series, headline.as_ref().zip(before.as_ref()), rules.flat_change)
        },
        stale,
        due: headline.as_ref().and_then(|p| due(m, p)),
        detection_limit: None,
        shifts: Vec::new(),
        // What is stale was known once: by these.
        evidence: headline.as_ref().or(series.latest()).map(|p| p.seqs.clone()).unwrap_or_default(),
        also: companions(source),
    };
    MeasureEval {
        state,
        grade: headline.as_ref().map_or(Grade::UNKNOWN, |p| p.grade),
        lower,
        spread: headline.as_ref().map_or(0.0, |p| p.spread),
        revised: revised(source, &series),
        reading,
        series,
        baseline,
        baseline_centre: centre,
        until,
    }
}

/// What became of the first releases of a bounded measure's periods.
fn revised(source: &Source<'_>, series: &Series) -> Vec<[f64; 2]> {
    let (m, projector) = (source.measure, source.projector);
    let bounded = || projector.index.framework.constraints.iter().any(|c| c.of == m.id);
    // A quotient has no first release of its own.
    if m.formula != Formula::Value || !bounded() {
        return Vec::new();
    }
    let factor = m.read.get(series.read).and_then(|r| r.factor).unwrap_or(1.0);
    let restated = series.points.iter().filter(|p| p.restated);
    restated
        .filter_map(|point| {
            let statements = projector.vintages(point.at, source.view);
            let first = statements.iter().filter_map(|v| projector.observation(v.at));
            let first = first.into_iter().find(|o| (o.start, o.end) == (point.start, point.end))?;
            Some([first.value?.to_f64() * factor, point.value])
        })
        .collect()
}

/// When time alone may change an evaluation: a value ages, a window gains or loses something.
fn until(m: &Measure, series: &Series, as_of: i64, age_limit: i64) -> i64 {
    let Some(headline) = series.headline() else { return series.until.unwrap_or(i64::MAX) };
    let windowed = m.formula.windowed();
    // Sliding dates would change the class by which figures to date compare.
    let cumulative = m.read.get(series.read).is_some_and(|r| r.period == PeriodKind::YearToDate);
    if windowed && cumulative {
        return as_of.saturating_add(1);
    }
    let since = if windowed { series.newest.unwrap_or(headline.end) } else { headline.end };
    let stale = since.saturating_add(age_limit).saturating_add(1);
    let slides = windowed && series.newest.is_none() && series.trailing.is_some();
    let stale = Some(stale).filter(|_| !slides);
    // Which of two figures is the older one can change while one of their periods lasts.
    let lasts = [headline.end, headline.end.saturating_add(1)].into_iter().filter(|_| !windowed);
    let moments = lasts.chain(stale).chain(series.until);
    moments.filter(|at| *at > as_of).min().unwrap_or(i64::MAX)
}

/// Value on the scale of distance and trend.
pub(crate) fn transformed(m: &Measure, value: f64) -> Option<f64> {
    match m.transform {
        Transform::None => Some(value),
        Transform::Log => (value > 0.0).then(|| libm::log(value)),
    }
}

/// The value of a transformed one.
pub(crate) fn transformed_back(m: &Measure, x: f64) -> f64 {
    match m.transform {
        Transform::None => x,
        Transform::Log => libm::exp(x),
    }
}

type Distance = (Option<f64>, Vec<u64>, Option<(f64, f64)>);

fn distance(source: &Source<'_>, series: &Series, headline: Option<&Point>, rules: &Rules) -> Distance {
    let m = source.measure;
    let (centre, sigma, seqs) = match m.baseline.as_ref().unwrap_or(&rules.baseline) {
        // A stated norm is one of the primary series: a fallback over fewer months has another scale, unless it is
        // a share.
        Baseline::Stated { .. } if m.kind == Kind::Level && !source.like_primary(series) => {
            return (None, Vec::new(), None);
        }
        Baseline::Stated { median, spread, .. } => match transformed(m, *median) {
            Some(centre) => (centre, *spread, Vec::new()),
            None => return (None, Vec::new(), None),
        },
        Baseline::Window { from, to } => {
            let micros = |d: &chrono::NaiveDate| d.and_time(NaiveTime::MIN).and_utc().timestamp_micros();
            let (from, to) = (micros(from), micros(to));
            let points: Vec<&Point> = series
                .points
                .iter()
                .filter(|p| from <= p.start && p.end <= to)
                .filter(|p| headline.is_none_or(|h| source.comparable(series, h, p)))
                .collect();
            let values: Vec<f64> = points.iter().filter_map(|p| transformed(m, p.value)).collect();
            let mut seqs: Vec<u64> = points.iter().flat_map(|p| p.seqs.iter().copied()).collect();
            seqs.sort_unstable();
            seqs.dedup();
            match spread(&values).filter(|s| s.sigma > 0.0 && values.len() >= rules.minimum_points) {
                Some(s) => (s.median, s.sigma, seqs),
                None => return (None, seqs, None),
            }
        }
    };
    let z = headline.and_then(|p| transformed(m, p.value)).map(|x| (x - centre) / sigma);
    (z, seqs, Some((centre, sigma)))
}

/// The comparable point a year before: equal length, both ends a year earlier.
fn year_before(source: &Source<'_>, series: &Series, point: &Point) -> Option<Point> {
    if series.trailing.is_some() {
        return series.trailing_before.clone();
    }
    let (start, end) = (shift_months(point.start, -12), shift_months(point.end, -12));
    series
        .points
        .iter()
        .find(|p| (p.start, p.end) == (start, end) && source.comparable(series, p, point))
        .cloned()
}

/// Relative for levels and counts, where both values are above zero; a difference else.
fn change(kind: Kind, now: f64, before: f64) -> Option<f64> {
    match kind {
        Kind::Level | Kind::Count => (before > 0.0 && now > 0.0).then(|| (now - before) / before),
        Kind::Share | Kind::Ordinal => Some(now - before),
    }
}

/// Change that tells a direction whatever the sign: a discount that deepens has no growth rate but a trend.
fn movement(kind: Kind, now: f64, before: f64) -> f64 {
    let size = now.abs().max(before.abs());
    match kind {
        Kind::Level | Kind::Count if size > 0.0 => (now - before) / size,
        _ => now - before,
    }
}

fn trend(m: &Measure, series: &Series, year_before: Option<(&Point, &Point)>, flat: f64) -> Trend {
    let (now, before) = match year_before {
        Some(pair) => pair,
        None => {
            let mut last = series.points.iter().rev();
            let (Some(now), Some(before)) = (last.next(), last.next()) else { return Trend::Unknown };
            // Without an equal period a year before, only a value without season may be compared with the last.
            if matches!(m.cadence, Cadence::Month | Cadence::Quarter) || now.class() != before.class() {
                return Trend::Unknown;
            }
            (now, before)
        }
    };
    if now.lower || before.lower {
        return Trend::Unknown;
    }
    of_change(Some(movement(m.kind, now.value, before.value)), flat)
}

/// Direction of a change outside the flat band.
pub(crate) fn of_change(change: Option<f64>, flat: f64) -> Trend {
    match change {
        None => Trend::Unknown,
        Some(c) if c > flat => Trend::Up,
        Some(c) if c < -flat => Trend::Down,
        Some(_) => Trend::Flat,
    }
}

fn due(m: &Measure, point: &Point) -> Option<String> {
    let months = i32::try_from(m.cadence.months()?).ok()?;
    (!m.formula.windowed()).then(|| date(shift_months(point.end, months)))
}

fn companions(source: &Source<'_>) -> Vec<AlsoState> {
    source
        .measure
        .also
        .iter()
        .enumerate()
        .map(|(n, also)| {
            let points = source.companion(n);
            let last = points.last();
            AlsoState {
                name: also.name.clone(),
                unit: also.unit.clone(),
                value: last.map(|p| p.value),
                period: last.and_then(|p| span(p.start, p.end)),
                vintages: last.map_or(0, |p| p.vintages),
                evidence: last.map(|p| p.seqs.clone()).unwrap_or_default(),
            }
        })
        .collect()
}

/// Evaluates every measure of a framework, indicators first; `ahead` as a [`Source`] has it.
pub(crate) fn evaluate_all(
    projector: &Projector,
    resolved: &crate::fold::Resolved,
    view: &View,
    ahead: bool,
) -> Vec<Arc<MeasureEval>> {
    let rules = &projector.index.framework.rules;
    let all = projector.index.framework.all_measures().enumerate();
    all.map(|(index, measure)| Source { projector, resolved, view, measure, index, ahead })
        .map(|source| Arc::new(evaluate(&source, rules)))
        .collect()
}
