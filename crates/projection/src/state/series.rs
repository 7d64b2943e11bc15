//! Series: the points that a measure's selectors give in one view.

use std::sync::Arc;

use bellwether_model::framework::{Agreement, Formula, Measure, PeriodKind};
use bellwether_model::{Decimal, Grade, PeriodClass, View};

use super::repeat::{Origin, OriginCell};
use super::sliding;
use super::time::{class, shift_months, window_start};
use crate::fold::{Account, Observation, Part, Projector, Resolved, confirms, digest};

/// One point of a series.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) value: f64,
    /// The value is a floor: more may have happened than was looked for.
    pub(crate) lower: bool,
    /// When the value could be known.
    pub(crate) known: i64,
    /// Newest statement behind it.
    pub(crate) at: u32,
    pub(crate) seqs: Vec<u64>,
    pub(crate) vintages: u32,
    /// Some value behind it has been stated more than once.
    pub(crate) restated: bool,
    pub(crate) conflict: bool,
    /// Greatest relative difference between rival accounts.
    pub(crate) spread: f64,
    pub(crate) grade: Grade,
    /// Who and what is behind it, once asked.
    pub(crate) origin: OriginCell,
}

impl Point {
    /// Who and what is behind it.
    pub(crate) fn origin(&self, projector: &Projector) -> Arc<Origin> {
        self.origin.get(|| Origin::of(projector, &self.seqs))
    }

    /// Calendar class of the period.
    pub(crate) fn class(&self) -> PeriodClass {
        class(self.start, self.end)
    }
}

/// Points in time order, by end then start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    pub(crate) points: Vec<Point>,
    /// Which selector gave them.
    pub(crate) read: usize,
    /// The window that ends at the view's date, for windowed formulas; equals the last point when aligned.
    pub(crate) trailing: Option<Point>,
    /// The same window a year earlier.
    pub(crate) trailing_before: Option<Point>,
    /// What is known so far of the calendar window that the view's date lies in: a floor.
    pub(crate) open: Option<Point>,
    /// Start of the newest happening in any window.
    pub(crate) newest: Option<i64>,
    /// World date from which time alone may change a window; its sliding dates apart. `None`: never.
    pub(crate) until: Option<i64>,
}

impl Series {
    /// The point an assessment shows. When nothing is known of the trailing window, a full figure of the last calendar
    /// window stands for its own period. A floor does not: it would bring back what the trailing window has let go, and
    /// say "at least three" where none are known.
    pub(crate) fn headline(&self) -> Option<&Point> {
        let windowed = self.newest.is_some();
        self.trailing.as_ref().or(self.points.last().filter(|p| !(windowed && p.lower)))
    }

    /// The newest point that there is, shown or not.
    pub(crate) fn latest(&self) -> Option<&Point> {
        self.trailing.as_ref().or(self.points.last())
    }
}

/// What a series is built from.
pub(crate) struct Source<'a> {
    pub(crate) projector: &'a Projector,
    pub(crate) resolved: &'a Resolved,
    pub(crate) view: &'a View,
    pub(crate) measure: &'a Measure,
    pub(crate) index: usize,
    /// Whether the series is told when time alone changes it, which costs as much as its windows.
    pub(crate) ahead: bool,
}

impl<'a> Source<'a> {
    /// Accounts that one selector reads, with their observations.
    fn accounts(&self, part: Part, at: usize) -> Vec<(&'a Account, &'a Observation)> {
        let slot = self
            .projector
            .index
            .slots
            .iter()
            .position(|s| s.measure == self.index && s.part == part && s.at == at);
        slot.and_then(|s| self.resolved.by_slot.get(s))
            .into_iter()
            .flatten()
            .filter_map(|a| Some((a, self.projector.observation(a.at)?)))
            .collect()
    }

    fn slot(&self, part: Part, at: usize) -> u32 {
        let position = self
            .projector
            .index
            .slots
            .iter()
            .position(|s| s.measure == self.index && s.part == part && s.at == at);
        position.and_then(|p| u32::try_from(p).ok()).unwrap_or(u32::MAX)
    }

    /// The measure's series. `fresh` tells whether a point is recent enough to prefer its selector.
    pub(crate) fn series(&self, fresh: impl Fn(&Point) -> bool) -> Series {
        match self.measure.formula {
            Formula::Value | Formula::Share | Formula::Diversification => {
                let mut first: Option<Series> = None;
                for at in 0..self.measure.read.len() {
                    let points = self.read_points(at);
                    let Some(last) = points.last() else { continue };
                    let preferred = fresh(last);
                    let series = Series { points, read: at, ..Series::default() };
                    if preferred {
                        return series;
                    }
                    first.get_or_insert(series);
                }
                first.unwrap_or_default()
            }
            _ => self.windows(),
        }
    }

    /// Points of one selector.
    pub(crate) fn read_points(&self, at: usize) -> Vec<Point> {
        let factor = self.measure.read.get(at).and_then(|r| r.factor);
        match self.measure.formula {
            Formula::Share => {
                let over: Vec<Vec<Point>> = (0..self.measure.over.len())
                    .map(|k| self.values(self.accounts(Part::Over, k), None))
                    .collect();
                quotients(&self.values(self.accounts(Part::Read, at), factor), &over)
            }
            Formula::Diversification => self.diversification(at),
            _ => self.values(self.accounts(Part::Read, at), factor),
        }
    }

    /// Points of a companion reading: its first selector with facts.
    pub(crate) fn companion(&self, n: usize) -> Vec<Point> {
        let Some(also) = self.measure.also.get(n) else { return Vec::new() };
        let over: Vec<Vec<Point>> =
            (0..also.over.len()).map(|k| self.values(self.accounts(Part::AlsoOver(n), k), None)).collect();
        also.read
            .iter()
            .enumerate()
            .map(|(at, read)| {
                let points = self.values(self.accounts(Part::Also(n), at), read.factor);
                if also.over.is_empty() { points } else { quotients(&points, &over) }
            })
            .find(|points| !points.is_empty())
            .unwrap_or_default()
    }

    /// One point a period: the best rival account sets it, by grade, then precision, then newest statement.
    fn values(&self, mut accounts: Vec<(&Account, &Observation)>, factor: Option<f64>) -> Vec<Point> {
        accounts.retain(|(_, o)| o.value.is_some() && o.grade().may_set_value());
        accounts.sort_by(|(_, a), (_, b)| {
            (a.end, a.start)
                .cmp(&(b.end, b.start))
                .then_with(|| a.grade().cmp(&b.grade()))
                .then_with(|| a.value.map(|v| v.quantum()).cmp(&b.value.map(|v| v.quantum())))
                .then_with(|| b.known_in(self.view).cmp(&a.known_in(self.view)))
                .then_with(|| b.id.cmp(&a.id))
        });
        let mut points: Vec<Point> = Vec::new();
        let mut best: Option<(&Account, &Observation)> = None;
        for (account, obs) in accounts {
            let Some(value) = obs.value else { continue };
            if let (Some((_, b)), Some(last)) = (best, points.last_mut())
                && (b.start, b.end) == (obs.start, obs.end)
            {
                if let Some(first) = b.value.filter(|first| !confirms(*first, value, b.rounds && obs.rounds))
                {
                    last.conflict = true;
                    last.spread = last.spread.max(relative(first.to_f64(), value.to_f64()));
                }
                continue;
            }
            best = Some((account, obs));
            points.push(Point {
                start: obs.start,
                end: obs.end,
                value: value.to_f64() * factor.unwrap_or(1.0),
                lower: false,
                known: obs.known_in(self.view),
                at: account.at,
                seqs: vec![obs.seq],
                vintages: account.vintages,
                restated: account.statements > 1,
                conflict: account.conflict,
                spread: 0.0,
                grade: obs.grade(),
                origin: OriginCell::default(),
            });
        }
        points
    }

    fn diversification(&self, at: usize) -> Vec<Point> {
        let accounts = self.accounts(Part::Read, at);
        let slot = self.slot(Part::Read, at);
        let mut suppliers: Vec<u128> = Vec::new();
        let mut by_supplier: Vec<Vec<Point>> = Vec::new();
        for (account, obs) in accounts {
            let Some(tag) = self.projector.payload(obs, slot).and_then(|p| p.tags.first().copied()) else {
                continue;
            };
            let points = self.values(vec![(account, obs)], None);
            match suppliers.iter().position(|s| *s == tag).and_then(|n| by_supplier.get_mut(n)) {
                Some(list) => list.extend(points),
                None => {
                    suppliers.push(tag);
                    by_supplier.push(points);
                }
            }
        }
        let totals: Vec<Point> = (0..self.measure.over.len())
            .flat_map(|k| self.values(self.accounts(Part::Over, k), None))
            .collect();
        let mut order: Vec<usize> = (0..suppliers.len()).collect();
        order.sort_by_key(|n| suppliers.get(*n).copied());
        totals
            .iter()
            .filter(|t| t.value > 0.0)
            .filter_map(|total| {
                let parts: Vec<&Point> = order
                    .iter()
                    .filter_map(|n| {
                        by_supplier.get(*n)?.iter().find(|p| (p.start, p.end) == (total.start, total.end))
                    })
                    .collect();
                let shares: Vec<f64> = parts.iter().map(|p| p.value / total.value).collect();
                // Unnamed suppliers could be one or many: the sum of squares says nothing until nearly all are named.
                if shares.iter().sum::<f64>() < 0.9 {
                    return None;
                }
                let mut point = total.clone();
                point.value = 1.0 - shares.iter().map(|s| s * s).sum::<f64>();
                for part in parts {
                    merge(&mut point, part);
                }
                Some(point)
            })
            .collect()
    }

    /// Happenings that the measure reads, in time order, and the intervals for which all of them were looked for.
    fn happenings(&self) -> (Vec<Event<'a>>, Vec<(i64, i64)>) {
        let mut events: Vec<Event<'a>> = Vec::new();
        let mut kinds: Vec<&str> = Vec::new();
        for (at, read) in self.measure.read.iter().enumerate() {
            let slot = self.slot(Part::Read, at);
            for (account, obs) in self.accounts(Part::Read, at) {
                if let Some(payload) =
                    self.projector.payload(obs, slot).filter(|_| obs.grade().may_set_value())
                {
                    events.push(Event { account, obs, payload });
                }
            }
            kinds.push(&read.kind);
        }
        kinds.sort_unstable();
        kinds.dedup();
        let mut declared: Option<Vec<(i64, i64)>> = None;
        for kind in kinds {
            let spans = self.projector.declared(kind, self.view);
            declared = Some(match declared {
                None => spans,
                Some(before) => intersect(&before, &spans),
            });
        }
        let declared = declared.unwrap_or_default();
        events.sort_by_key(|e| (e.obs.start, e.obs.id));
        (events, declared)
    }

    /// Start of the newest happening, and the end of the last interval for which all of them were looked for.
    pub(crate) fn told_until(&self) -> [Option<i64>; 2] {
        let (events, declared) = self.happenings();
        [events.last().map(|e| e.obs.start), declared.last().map(|d| d.1)]
    }

    /// What happened in `[start, end)`, calendar window or not; `None` when nothing is known of it.
    pub(crate) fn between(&self, start: i64, end: i64) -> Option<Point> {
        let (events, declared) = self.happenings();
        self.window(&events, &declared, start, end)
    }

    /// Calendar windows up to the view's date, and the window that ends at it.
    fn windows(&self) -> Series {
        let Some(months) = self.measure.cadence.months() else { return Series::default() };
        let (events, declared) = self.happenings();
        let as_of = self.view.as_of.timestamp_micros();
        let months = i32::try_from(months).unwrap_or(12);
        let first =
            events.first().map(|e| e.obs.start).into_iter().chain(declared.first().map(|d| d.0)).min();
        let mut series = Series { newest: events.last().map(|e| e.obs.start), ..Series::default() };
        let Some(first) = first else { return series };
        let mut start = window_start(first, months.unsigned_abs());
        loop {
            let end = shift_months(start, months);
            if end > as_of || end <= start {
                break;
            }
            series.points.extend(self.window(&events, &declared, start, end));
            start = end;
        }
        let trailing = |end: i64| self.window(&events, &declared, shift_months(end, -months), end);
        series.open = self.window(&events, &declared, start, as_of).filter(|_| start < as_of);
        series.open.iter_mut().for_each(|point| point.lower = true);
        series.trailing = trailing(as_of);
        series.trailing_before = trailing(shift_months(as_of, -12));
        if self.ahead {
            let starts: Vec<i64> = events.iter().map(|e| e.obs.start).collect();
            // An open window has begun a moment after its start.
            let window =
                [start.saturating_add(1), shift_months(start, months)].into_iter().filter(|at| *at > as_of);
            series.until = sliding::until(&starts, &declared, months, as_of).into_iter().chain(window).min();
        }
        series
    }

    fn window(&self, events: &[Event<'_>], declared: &[(i64, i64)], start: i64, end: i64) -> Option<Point> {
        let from = if self.measure.formula == Formula::Stock { i64::MIN } else { start };
        let low = events.partition_point(|e| e.obs.start < from);
        let high = events.partition_point(|e| e.obs.start < end);
        let inside = events.get(low..high)?;
        let covered = declared.iter().any(|(s, e)| *s <= start && end <= *e);
        let value = self.fold(inside).or((covered && self.measure.formula != Formula::Mean).then_some(0.0))?;
        let exact = covered || matches!(self.measure.formula, Formula::Mean | Formula::Agreement);
        let mut point = Point {
            start,
            end,
            value,
            lower: !exact,
            known: i64::MIN,
            at: u32::MAX,
            seqs: Vec::new(),
            vintages: u32::from(!inside.is_empty()),
            restated: false,
            conflict: false,
            spread: 0.0,
            grade: Grade::UNKNOWN,
            origin: OriginCell::default(),
        };
        let mut worst: Option<Grade> = None;
        for event in inside {
            let known = event.obs.known_in(self.view);
            if (known, event.obs.id)
                >= (point.known, self.projector.observation(point.at).map_or((0, 0), |o| o.id))
            {
                point.known = known;
                point.at = event.account.at;
            }
            point.seqs.push(event.obs.seq);
            point.vintages = point.vintages.max(event.account.vintages);
            point.restated |= event.account.statements > 1;
            worst = worst.max(Some(event.obs.grade()));
        }
        point.seqs.sort_unstable();
        point.grade = worst.unwrap_or(Grade::UNKNOWN);
        Some(point)
    }

    fn fold(&self, events: &[Event<'_>]) -> Option<f64> {
        if events.is_empty() {
            return None;
        }
        let groups = |events: &[Event<'_>]| {
            let mut groups: Vec<u128> = events.iter().map(|e| e.payload.group).collect();
            groups.sort_unstable();
            groups.dedup();
            groups
        };
        match self.measure.formula {
            Formula::Count | Formula::Stock => Some(groups(events).len() as f64),
            Formula::Sum => {
                // Several records of one happening give its greatest figure once.
                let mut total: Option<Decimal> = None;
                for group in groups(events) {
                    let most = numbers(events.iter().filter(|e| e.payload.group == group)).max();
                    if let Some(most) = most {
                        total = total.unwrap_or_default().checked_add(most).or(total);
                    }
                }
                total.map(|t| crate::fold::Packed::new(t).to_f64())
            }
            Formula::Max => numbers(events.iter()).max().map(|n| crate::fold::Packed::new(n).to_f64()),
            Formula::Mean => {
                let all: Vec<Decimal> = numbers(events.iter()).collect();
                let count = Decimal::from(all.len());
                let sum = all.iter().try_fold(Decimal::ZERO, |s, n| s.checked_add(*n))?;
                sum.checked_div(count).map(|m| crate::fold::Packed::new(m).to_f64())
            }
            Formula::Distinct => {
                let mut tags: Vec<u128> =
                    events.iter().flat_map(|e| e.payload.tags.iter().copied()).collect();
                tags.sort_unstable();
                tags.dedup();
                (!tags.is_empty()).then_some(tags.len() as f64)
            }
            Formula::Agreement => {
                let abstention = digest(&["abstain"]);
                let (mut both, mut halves) = (0_u32, 0_u32);
                for group in groups(events) {
                    let vote = |party: u8| {
                        events
                            .iter()
                            .filter(|e| e.payload.group == group && e.payload.party == party)
                            .find_map(|e| e.payload.tags.first())
                    };
                    if let (Some(a), Some(b)) = (vote(0), vote(1)) {
                        both += 1;
                        let half = self.measure.agreement == Agreement::Half
                            && (*a == abstention || *b == abstention);
                        halves += if a == b { 2 } else { u32::from(half) };
                    }
                }
                // The rest of a year that the roll calls do not reach would else agree by one vote.
                let least = self.projector.framework().rules.minimum_points;
                (usize::try_from(both).is_ok_and(|n| n >= least.max(1)))
                    .then(|| f64::from(halves) / f64::from(2 * both))
            }
            Formula::Value | Formula::Share | Formula::Diversification => None,
        }
    }

    /// Whether the series that was chosen has the period length of the primary one.
    pub(crate) fn like_primary(&self, series: &Series) -> bool {
        let length = |at: usize| self.measure.read.get(at).map(|r| r.period);
        length(series.read) == length(0)
    }

    /// Whether two points carry labels that growth and baseline may compare.
    pub(crate) fn comparable(&self, series: &Series, a: &Point, b: &Point) -> bool {
        let cumulative =
            self.measure.read.get(series.read).is_some_and(|r| r.period == PeriodKind::YearToDate);
        !cumulative || a.class() == b.class()
    }
}

/// A happening as one selector reads it.
struct Event<'a> {
    account: &'a Account,
    obs: &'a Observation,
    payload: &'a crate::fold::Payload,
}

fn numbers<'a>(events: impl Iterator<Item = &'a Event<'a>>) -> impl Iterator<Item = Decimal> {
    events.filter_map(|e| e.payload.number).map(|n| n.decimal())
}

/// Numerators over the first denominator series that has the equal period.
fn quotients(numerators: &[Point], over: &[Vec<Point>]) -> Vec<Point> {
    numerators
        .iter()
        .filter_map(|n| {
            let d = over.iter().find_map(|points| {
                points.iter().find(|d| (d.start, d.end) == (n.start, n.end) && d.value != 0.0)
            })?;
            let mut point = n.clone();
            point.value = n.value / d.value;
            merge(&mut point, d);
            Some(point)
        })
        .collect()
}

/// Adds the evidence of one point to another that was computed from it.
fn merge(point: &mut Point, part: &Point) {
    if part.known > point.known {
        (point.known, point.at) = (part.known, part.at);
    }
    point.origin = OriginCell::default();
    point.seqs.extend(&part.seqs);
    point.seqs.sort_unstable();
    point.seqs.dedup();
    point.vintages = point.vintages.max(part.vintages);
    point.conflict |= part.conflict;
    point.restated |= part.restated;
    point.spread = point.spread.max(part.spread);
    point.grade = point.grade.max(part.grade);
}

fn relative(a: f64, b: f64) -> f64 {
    let size = a.abs().max(b.abs());
    if size > 0.0 { (a - b).abs() / size } else { 0.0 }
}

/// Overlap of two sorted lists of disjoint intervals.
fn intersect(a: &[(i64, i64)], b: &[(i64, i64)]) -> Vec<(i64, i64)> {
    a.iter()
        .flat_map(|(s, e)| b.iter().map(move |(t, f)| (*s.max(t), *e.min(f))))
        .filter(|(s, e)| s < e)
        .collect()
}
