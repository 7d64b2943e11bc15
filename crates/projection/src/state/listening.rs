//! Months in which feeds were heard: what tells a quiet world from a dead feed.
//!
//! Hearing makes no number: a month without records is still "at least none", since a feed that is alive may miss
//! things. It only lets the absence of what usually comes count as silence.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::View;
use bellwether_model::framework::Measure;

use super::method::counts;
use super::series::Point;
use super::time::{DAY, shift_months, window_start};
use crate::fold::{Beat, Projector};

/// Most days in a row without a heartbeat in a month that still counts as heard.
///
/// A long weekend of an outage hides at most a tenth of a month, and most feeds bring late what came meanwhile. A
/// feed that is dead for longer, at the month's beginning or end too, may have missed what was due.
const DEAF_DAYS: i64 = 3;

/// The days of a month on which one feed was heard.
struct Month {
    end: i64,
    days: Vec<(i64, Vec<Beat>)>,
}

impl Month {
    /// The heartbeat of each day that counts at a moment.
    fn beats(&self, at: i64) -> impl Iterator<Item = (i64, Beat)> + '_ {
        let stands = move |b: &&Beat| b.from <= at && at < b.until;
        self.days.iter().filter_map(move |(day, beats)| Some((*day, *beats.iter().find(stands)?)))
    }

    /// Whether the feed was heard from the month's beginning to its end, as far as was known at a moment.
    fn regular(&self, start: i64, at: i64) -> bool {
        if at < self.end {
            return false;
        }
        let (mut last, mut widest) = (start.div_euclid(DAY) - 1, 0);
        for (day, _) in self.beats(at) {
            widest = widest.max(day - last - 1);
            last = day;
        }
        widest.max(self.end.div_euclid(DAY) - last - 1) <= DEAF_DAYS
    }

    /// End of the last day up to which the feed was heard since the month's beginning, as far as was known at a moment.
    fn reach(&self, start: i64, at: i64) -> i64 {
        let mut last = start.div_euclid(DAY) - 1;
        for (day, _) in self.beats(at) {
            if day - last - 1 > DEAF_DAYS {
                break;
            }
            last = day;
        }
        (last + 1) * DAY
    }

    /// Moments at which [`Month::regular`] changes.
    fn changes(&self, start: i64) -> Vec<i64> {
        let beats = self.days.iter().flat_map(|(_, beats)| beats);
        let mut moments: BTreeSet<i64> = beats.flat_map(|b| [b.from, b.until]).collect();
        moments.retain(|at| *at > self.end && *at < i64::MAX);
        moments.insert(self.end);
        let mut before = false;
        moments.retain(|at| {
            let now = self.regular(start, *at);
            std::mem::replace(&mut before, now) != now
        });
        moments.into_iter().collect()
    }
}

/// The feeds that cover one fact type, each with its months by their start.
type Feeds<'a> = BTreeMap<&'a str, BTreeMap<i64, Month>>;

/// What the feeds behind one measure heard.
pub(crate) struct Listening<'a> {
    /// By fact type that the measure counts.
    kinds: Vec<Feeds<'a>>,
    /// The same of the month that the view lies in, which is not over.
    running: Vec<BTreeMap<&'a str, Month>>,
    /// Moments at which [`Listening::months`] can change, in order.
    moments: Vec<i64>,
}

/// A month that counts as heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// When its last heartbeat was known; not before its end.
    pub(crate) since: i64,
    /// Days on which each feed was heard.
    pub(crate) days: BTreeMap<String, i64>,
    /// First and last heartbeat of each feed.
    pub(crate) seqs: Vec<u64>,
}

impl<'a> Listening<'a> {
    /// What a view knows; nothing for a measure that does not count happenings.
    pub(crate) fn new(projector: &'a Projector, view: &View, measure: &Measure) -> Self {
        let mut kinds: Vec<&str> = measure.read.iter().map(|r| r.kind.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds.retain(|_| counts(measure));
        let as_of = view.as_of.timestamp_micros();
        let months = |days: BTreeMap<i64, Vec<Beat>>| {
            let mut months: BTreeMap<i64, Month> = BTreeMap::new();
            for (day, beats) in days {
                let start = window_start(day.saturating_mul(DAY), 1);
                if start <= as_of {
                    let end = shift_months(start, 1);
                    months.entry(start).or_insert(Month { end, days: Vec::new() }).days.push((day, beats));
                }
            }
            months
        };
        let feeds = |kind: &str| -> Feeds<'a> {
            projector.heard(kind, view).into_iter().map(|(feed, days)| (feed, months(days))).collect()
        };
        let mut kinds: Vec<Feeds<'a>> = kinds.into_iter().map(feeds).collect();
        let this = window_start(as_of, 1);
        let take = |feeds: &mut Feeds<'a>| {
            feeds.iter_mut().filter_map(|(feed, months)| Some((*feed, months.remove(&this)?))).collect()
        };
        let running = kinds.iter_mut().map(take).collect();
        let all = kinds.iter().flat_map(BTreeMap::values).flatten();
        let moments: BTreeSet<i64> = all.flat_map(|(start, month)| month.changes(*start)).collect();
        Self { kinds, running, moments: moments.into_iter().collect() }
    }

    /// Moments at which what counts as heard can change, in order.
    pub(crate) fn moments(&self) -> &[i64] {
        &self.moments
    }

    /// How many of them have passed.
    pub(crate) fn stage(&self, at: i64) -> usize {
        self.moments.partition_point(|moment| *moment <= at)
    }

    /// Months, by their start, in which every fact type of the measure was heard, as far as was known at a moment.
    pub(crate) fn months(&self, at: i64) -> BTreeMap<i64, Heard> {
        let mut all = self.kinds.iter().map(|feeds| heard(feeds, at));
        let Some(mut out) = all.next() else { return BTreeMap::new() };
        for mut other in all {
            out.retain(|start, heard| {
                let Some(with) = other.remove(start) else { return false };
                heard.since = heard.since.max(with.since);
                heard.days.extend(with.days);
                heard.seqs.extend(with.seqs);
                heard.seqs.sort_unstable();
                heard.seqs.dedup();
                true
            });
        }
        out
    }

    /// How far hearing goes on without a break from `from`, as far as was known at a moment: over whole months that count
    /// as heard, then over the days of the month that is not over, as long as all feeds of the month before it beat.
    pub(crate) fn reach(&self, from: i64, at: i64) -> i64 {
        let mut reach = from;
        for (start, heard) in self.months(at) {
            let end = shift_months(start, 1);
            if start > reach {
                break;
            }
            if end <= reach {
                continue;
            }
            let feeds = self.kinds.iter().zip(&self.running).flat_map(|(all, now)| {
                let of = heard.days.keys().filter(|feed| all.contains_key(feed.as_str()));
                of.map(|feed| now.get(feed.as_str()).filter(|m| window_start(m.end - 1, 1) == end))
            });
            let days = feeds.map(|month| month.map_or(end, |m| m.reach(end, at))).min();
            reach = end.max(days.unwrap_or(end));
        }
        reach
    }

    /// The months of a rate with those that were heard, before the first record and after the last too; each says
    /// whether it was. `None` when none was.
    pub(crate) fn over(&self, points: &[Point], at: i64) -> Option<Vec<(Point, bool)>> {
        let mut heard = self.months(at);
        let (first, last) = (points.first()?, points.last()?);
        let mut start = heard.keys().next()?.min(&first.start).to_owned();
        let end = heard.keys().next_back().map(|m| shift_months(*m, 1))?.max(last.end);
        let (mut out, mut known, mut rest) = (Vec::new(), i64::MIN, points.iter().peekable());
        while start < end {
            let next = shift_months(start, 1);
            let mut point = match rest.next_if(|p| p.start <= start) {
                Some(point) => point.clone(),
                None => Point {
                    start,
                    end: next,
                    value: 0.0,
                    lower: true,
                    known: i64::MIN,
                    seqs: Vec::new(),
                    restated: false,
                    ..first.clone()
                },
            };
            let month = heard.remove(&start);
            if let Some(month) = &month {
                // What was learnt of earlier months stands behind an alarm in this one.
                known = known.max(month.since);
                point.known = point.known.max(known);
                if point.value == 0.0 {
                    point.seqs.extend(&month.seqs);
                }
            }
            out.push((point, month.is_some()));
            start = next;
        }
        Some(out)
    }
}

/// Months in which one fact type was heard: some feed was regular, and so was every feed that had been in any
/// earlier month. What usually comes is learnt from all feeds together, so the silence of some is not told from the
/// death of another.
fn heard(feeds: &Feeds<'_>, at: i64) -> BTreeMap<i64, Heard> {
    let starts: BTreeSet<i64> = feeds.values().flat_map(|months| months.keys().copied()).collect();
    let mut needed: BTreeSet<&str> = BTreeSet::new();
    let mut out = BTreeMap::new();
    for start in starts {
        let regular: BTreeMap<&str, &Month> = feeds
            .iter()
            .filter_map(|(feed, months)| Some((*feed, months.get(&start)?)))
            .filter(|(_, month)| month.regular(start, at))
            .collect();
        let all = needed.iter().all(|feed| regular.contains_key(feed));
        needed.extend(regular.keys());
        if regular.is_empty() || !all {
            continue;
        }
        let mut month = Heard::default();
        for (feed, days) in regular {
            let beats: Vec<(i64, Beat)> = days.beats(at).collect();
            let latest = beats.iter().map(|(_, b)| b.from).max().unwrap_or(days.end);
            month.since = month.since.max(latest.max(days.end));
            month.days.insert(feed.to_owned(), i64::try_from(beats.len()).unwrap_or(i64::MAX));
            month.seqs.extend(beats.first().into_iter().chain(beats.last()).map(|(_, b)| b.seq));
        }
        month.seqs.sort_unstable();
        month.seqs.dedup();
        out.insert(start, month);
    }
    out
}
