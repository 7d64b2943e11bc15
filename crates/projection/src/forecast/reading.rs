//! What a measure showed, as far as was known at a moment.

use std::collections::BTreeSet;

use bellwether_model::framework::Measure;
use bellwether_model::question::{Quantity, Question, When};
use bellwether_model::{PeriodClass, View};
use chrono::{DateTime, NaiveTime, Utc};

use crate::fold::Projector;
use crate::state::time::shift_months;
use crate::state::{Point, Series, Source};

/// Most windows of a history.
const MOST_WINDOWS: usize = 64;

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figure {
    pub(super) value: f64,
    /// More may be true than was reported.
    pub(super) floor: bool,
    pub(super) conflict: bool,
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) seqs: Vec<u64>,
}

/// Figures of the measures of one projector.
pub(super) struct Readings<'a> {
    pub(super) projector: &'a Projector,
    keys: Vec<Vec<u32>>,
    /// Clock and basis of what counts as known; its dates are not read.
    view: View,
}

impl<'a> Readings<'a> {
    pub(super) fn new(projector: &'a Projector, view: &View) -> Self {
        Self { projector, keys: projector.keys_by_measure(), view: *view }
    }

    pub(super) fn measure(&self, id: &str) -> Option<(usize, &'a Measure)> {
        self.projector.index.framework.all_measures().enumerate().find(|(_, m)| m.id == id)
    }

    pub(super) fn with<T>(
        &self,
        index: usize,
        as_of: DateTime<Utc>,
        known_by: DateTime<Utc>,
        read: impl FnOnce(&Source<'_>) -> T,
    ) -> Option<T> {
        let measure = self.projector.index.framework.all_measures().nth(index)?;
        let view = View { as_of, known_by, ..self.view };
        let resolved = self.projector.resolve_some(self.keys.get(index)?, &view);
        Some(read(&Source {
            projector: self.projector,
            resolved: &resolved,
            view: &view,
            measure,
            index,
            ahead: false,
        }))
    }

    /// The series with everything known before `known_by`, about the world before `as_of`.
    fn series(&self, index: usize, as_of: DateTime<Utc>, known_by: DateTime<Utc>) -> Option<Series> {
        // Freshness chooses nothing: a question stays on the primary series as long as it has figures.
        self.with(index, as_of, known_by, |source| source.series(|_| true))
    }

    /// The window that ends at `end`.
    fn window(&self, index: usize, end: DateTime<Utc>, known_by: DateTime<Utc>) -> Option<Figure> {
        let floor = self.projector.index.framework.all_measures().nth(index)?.lower_bound;
        self.series(index, end, known_by)?.trailing.map(|p| figure(&p, floor))
    }

    /// The figures that the question reads with everything known before `known_by`, oldest first.
    pub(super) fn figures(&self, question: &Question, known_by: DateTime<Utc>) -> Vec<Figure> {
        let Some((index, measure)) = self.measure(&question.about) else { return Vec::new() };
        let end = question.rule.end();
        let (asked, until) = (micros(question.filed_at()), micros(end));
        if measure.formula.windowed() {
            let end = if matches!(question.rule.when, When::By(_)) { end.min(known_by) } else { end };
            return self.window(index, end, known_by).into_iter().collect();
        }
        let points = match &question.rule.when {
            When::In { start, .. } => {
                let start = micros(start.and_time(NaiveTime::MIN).and_utc());
                self.with(index, end, known_by, |source| {
                    (0..measure.read.len())
                        .flat_map(|at| source.read_points(at))
                        .find(|p| (p.start, p.end) == (start, until))
                        .into_iter()
                        .collect::<Vec<Point>>()
                })
            }
            When::At(_) | When::By(_) => self
                .series(index, end, known_by)
                .map(|s| s.points.into_iter().filter(|p| asked < p.end && p.end <= until).collect()),
        };
        points.unwrap_or_default().iter().map(|p| figure(p, measure.lower_bound)).collect()
    }

    /// Moments before `until` at which what is known of the measure changes.
    pub(super) fn moments(&self, question: &Question, until: DateTime<Utc>) -> BTreeSet<i64> {
        let Some(measure) = self.measure(&question.about) else { return BTreeSet::new() };
        self.changes(measure, until)
    }

    /// The same of a measure.
    pub(super) fn changes(&self, (index, measure): (usize, &Measure), until: DateTime<Utc>) -> BTreeSet<i64> {
        let view = View { as_of: DateTime::<Utc>::MAX_UTC, known_by: until, ..self.view };
        let (mut moments, mut chain) = (BTreeSet::new(), Vec::new());
        for last in self.keys.get(index).into_iter().flatten() {
            self.projector.chain(*last, &view, &mut chain);
            let seen = chain.iter().filter_map(|at| self.projector.observation(*at));
            moments.extend(seen.map(|o| o.known_in(&view)));
        }
        if measure.formula.windowed() {
            moments.extend(self.projector.coverage_times(&view));
        }
        moments
    }

    /// Comparable figures known before `at`, oldest first, the newest last: windows a quarter apart that end as the
    /// question's does, periods of the same kind, or all readings for a question about a date.
    pub(super) fn history(&self, question: &Question, at: DateTime<Utc>) -> Vec<Figure> {
        let Some((index, measure)) = self.measure(&question.about) else { return Vec::new() };
        if measure.formula.windowed() {
            return self.windows(index, measure, question, at);
        }
        let Some(series) = self.series(index, at, at) else { return Vec::new() };
        let mut points = series.points;
        if let When::In { start, end, .. } = &question.rule.when {
            let micros = |d: &chrono::NaiveDate| d.and_time(NaiveTime::MIN).and_utc().timestamp_micros();
            let (start, end) = (micros(start), micros(end));
            let wanted = crate::state::time::class(start, end);
            let of_kind = |points: &[Point]| -> Vec<Point> {
                points.iter().filter(|p| alike(p.class(), wanted)).cloned().collect()
            };
            points = of_kind(&points);
            if points.is_empty() {
                // The period is one of a fallback.
                let all = self.with(index, at, at, |source| {
                    (0..measure.read.len()).map(|n| of_kind(&source.read_points(n))).find(|p| !p.is_empty())
                });
                points = all.flatten().unwrap_or_default();
            }
        }
        points.iter().map(|p| figure(p, measure.lower_bound)).filter(|f| usable(question, f)).collect()
    }

    fn windows(
        &self,
        index: usize,
        measure: &Measure,
        question: &Question,
        at: DateTime<Utc>,
    ) -> Vec<Figure> {
        let step = if measure.cadence.months() == Some(1) { 1 } else { 3 };
        let mut found = Vec::new();
        let mut add = |end: DateTime<Utc>| {
            let window = self.window(index, end, at);
            let known = window.is_some();
            found.extend(window.filter(|f| usable(question, f)));
            known
        };
        add(at);
        let (mut end, mut empty, mut asked) = (micros(question.rule.end()), 0, 0);
        // Three years of windows without anything reported: nothing older is asked for.
        while empty < 12 && asked < MOST_WINDOWS {
            if end < micros(at) {
                asked += 1;
                empty += u32::from(DateTime::from_timestamp_micros(end).map(&mut add) != Some(true));
            }
            end = shift_months(end, -step);
        }
        found.reverse();
        found
    }
}

/// Years compare with years and January to May with January to May; one month with any month.
fn alike(a: PeriodClass, b: PeriodClass) -> bool {
    match (a, b) {
        (PeriodClass::YearToDate(a), PeriodClass::YearToDate(b)) => a == b,
        _ => std::mem::discriminant(&a) == std::mem::discriminant(&b),
    }
}

/// A floor is a figure only of what was reported.
fn usable(question: &Question, figure: &Figure) -> bool {
    !figure.floor || question.rule.of == Quantity::Reported
}

fn figure(point: &Point, floor: bool) -> Figure {
    Figure {
        value: point.value,
        floor: point.lower || floor,
        conflict: point.conflict,
        start: point.start,
        end: point.end,
        seqs: point.seqs.clone(),
    }
}

pub(super) fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

impl Readings<'_> {
    /// The assessment of a day as it could be made at its end.
    pub(super) fn assess(&self, at: DateTime<Utc>) -> crate::Assessment {
        self.projector.assess(&View { as_of: at, known_by: at, ..self.view })
    }
}
