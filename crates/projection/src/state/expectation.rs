//! Expectations that stopped holding, flagged at the moment that could first be known.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::framework::{As, Expectation, Framework};
use cel::Program;

use super::change::{Asked, Changes, provisional};
use super::condition::{Conditions, Named};
use super::core::Core;
use super::past::{Past, Read, Reading};
use super::spell::{Spell, Verdicts, spells};
use super::strength::{Sum, sum};
use super::time::{DAY, date, rfc3339_micros, shift_months};
use crate::assessment::{Onset, Shift, Trend, Withdrawn};

/// Readings of each measure that some rule rests on; no list of one that cannot be walked.
pub(crate) type Readings = BTreeMap<usize, Read>;

/// What an expectation reads.
pub(crate) struct Reads {
    pub(super) program: Program,
    /// Measures that it names, by position.
    pub(super) named: Vec<usize>,
    /// Whether it reads their trends.
    pub(super) trends: bool,
    /// Domains that it names, by position.
    domains: Vec<usize>,
    /// Measures that it or its domains read.
    pub(super) all: BTreeSet<usize>,
    /// Measures and domains that its state in a view may read: all of them where an id is no literal.
    pub(super) shown: (Vec<usize>, Vec<usize>),
}

impl Reads {
    pub(super) fn new(framework: &Framework, row: &Expectation) -> Option<Self> {
        let program = Program::compile(&row.when).ok()?;
        let ids: BTreeSet<&str> = row.when.split(['"', '\'']).collect();
        let named: Vec<usize> = positions(framework, |id, _| ids.contains(id));
        let domains = framework.domains.iter().enumerate().filter(|(_, d)| ids.contains(d.id.as_str()));
        let domains: Vec<usize> = domains.map(|(at, _)| at).collect();
        let ids: Vec<&str> =
            domains.iter().filter_map(|at| Some(framework.domains.get(*at)?.id.as_str())).collect();
        let inside = positions(framework, |_, of| of.is_some_and(|of| ids.contains(&of)));
        let all = named.iter().copied().chain(inside).collect();
        let shown = match literal(&row.when) {
            true => (named.clone(), domains.clone()),
            false => (positions(framework, |_, _| true), (0..framework.domains.len()).collect()),
        };
        Some(Self { program, named, trends: row.when.contains("trend"), domains, all, shown })
    }
}

/// Whether every row that a condition reads is named by a literal id.
fn literal(when: &str) -> bool {
    // Outside of quotes a map of rows may stand only before a bracket that opens with a quote.
    let outside: Vec<&str> = when.split(['"', '\'']).step_by(2).collect();
    let last = outside.len().saturating_sub(1);
    outside.iter().enumerate().all(|(n, text)| {
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        let maps = words.filter(|w| ["indicator", "measure", "domain"].contains(w)).count();
        let open = |name: &str| text.strip_suffix('[').is_some_and(|t| t.ends_with(name));
        let named = usize::from(n < last && ["indicator", "measure", "domain"].iter().any(|name| open(name)));
        maps == named
    })
}

fn positions(framework: &Framework, take: impl Fn(&str, Option<&str>) -> bool) -> Vec<usize> {
    let all = framework.all_measures().enumerate();
    all.filter(|(_, m)| take(&m.id, m.domain.as_deref())).map(|(i, _)| i).collect()
}

/// What an expectation read at one moment.
struct Moment<'r> {
    at: i64,
    read: BTreeMap<usize, &'r Reading>,
}

impl Moment<'_> {
    /// Newest period read: of which measure, start, end.
    fn newest(&self) -> Option<(usize, i64, i64)> {
        let periods = self.read.iter().filter_map(|(i, r)| r.period.map(|(start, end)| (*i, start, end)));
        // The first of equals.
        periods.reduce(|best, next| if next.2 > best.2 { next } else { best })
    }
}

/// Flags the expectations that stopped holding, and those flags that were taken back.
///
/// `kept` has an entry by expectation; `evaluated` tells which measures are not as they were in the view before, and
/// `trends` since when the trend of one is not.
pub(crate) fn expectations(
    core: &Core<'_>,
    past: &Past<'_>,
    (plan, readings): (&[Option<Reads>], &Readings),
    kept: &mut [Verdicts],
    (evaluated, trends): (impl Fn(usize) -> bool, impl Fn(usize) -> i64),
    changes: &mut Changes,
) {
    let framework = core.framework;
    let (mut standing, mut withdrawn) = (Vec::new(), Vec::new());
    let mut conditions = None;
    let rows = framework.domains.iter().flat_map(|d| &d.expectations);
    for ((row, reads), kept) in rows.zip(plan).zip(kept) {
        let Some(reads) = reads else { continue };
        let read = reads.all.iter().filter_map(|i| readings.get(i)).map(|r| r.changed);
        let trends = reads.named.iter().filter(|_| reads.trends).map(|i| trends(*i));
        let changed = read.chain(trends).min().unwrap_or(i64::MAX);
        if kept.outdated(changed, reads.all.iter().any(|i| evaluated(*i)), past.end()) {
            let conditions = conditions.get_or_insert_with(Conditions::new);
            flags(core, past, (row, reads), readings, (conditions, changes), kept);
        }
        standing.extend(kept.standing.iter().cloned());
        withdrawn.extend(kept.withdrawn.iter().cloned());
    }
    changes.standing.extend(standing);
    changes.withdrawn.extend(withdrawn);
}

fn flags(
    core: &Core<'_>,
    past: &Past<'_>,
    (row, reads): (&Expectation, &Reads),
    readings: &Readings,
    (conditions, changes): (&mut Conditions, &Changes),
    kept: &mut Verdicts,
) {
    let framework = core.framework;
    let Some(moments) = moments(reads, readings, changes, past.end()) else { return };
    if reads.trends {
        let times = reads.named.iter().flat_map(|i| changes.trend_times(*i));
        kept.until = times.filter(|at| *at > past.end()).min().unwrap_or(i64::MAX);
    }
    let verdicts: Vec<(i64, Option<bool>)> = moments
        .iter()
        .map(|m| {
            let asked = Asked { standing: m.at, known: m.at, world: m.at };
            let tell = || broken(framework, reads, conditions, &m.read, changes, asked);
            (m.at, kept.verdict(m.at, tell))
        })
        .collect();
    let still = |began: usize, now: i64| {
        let Some(then) = moments.get(began) else { return false };
        kept.still(then.at, now, || {
            past.fixed_until();
            let again = revised(past, then, now);
            let read = again.iter().map(|(i, r)| (*i, r)).collect();
            let asked = Asked { standing: now, known: then.at, world: then.at };
            let broken = broken(framework, reads, conditions, &read, changes, asked) == Some(true);
            (broken, past.fixed_until())
        })
    };
    let newest = |i: usize| moments.get(i).and_then(Moment::newest);
    let found = spells(&verdicts, false, still, |a, b| newest(a).is_some() && newest(a) == newest(b));
    for spell in found {
        let Some(shift) = flag(core, row, reads, &moments, &spell, changes) else { continue };
        match spell.withdrawn {
            Some(at) => kept.withdrawn.push(Withdrawn {
                id: shift.id,
                indicator: shift.indicator,
                known_at: shift.known_at,
                withdrawn_at: rfc3339_micros(at),
            }),
            None if spell.stands() => kept.standing.push(shift),
            None => {}
        }
    }
}

/// Every moment at which something that the expectation reads changes; `None` when some of it cannot be walked.
fn moments<'r>(
    reads: &Reads,
    readings: &'r Readings,
    changes: &Changes,
    end: i64,
) -> Option<Vec<Moment<'r>>> {
    let mut lists: Vec<(usize, &[Reading])> = Vec::new();
    for index in &reads.all {
        lists.push((*index, readings.get(index)?.list.as_deref()?));
    }
    let mut times: BTreeSet<i64> = lists.iter().flat_map(|(_, list)| list.iter().map(|r| r.at)).collect();
    if reads.trends {
        let end = times.last().copied().unwrap_or(end).max(end);
        times.extend(reads.named.iter().flat_map(|i| changes.trend_times(*i)).filter(|at| *at <= end));
    }
    let mut next = vec![0_usize; lists.len()];
    let mut out = Vec::with_capacity(times.len());
    for at in times {
        let mut read = BTreeMap::new();
        for ((index, list), next) in lists.iter().zip(&mut next) {
            *next += list.iter().skip(*next).take_while(|r| r.at <= at).count();
            if let Some(reading) = next.checked_sub(1).and_then(|n| list.get(n)) {
                read.insert(*index, reading);
            }
        }
        out.push(Moment { at, read });
    }
    Some(out)
}

/// Whether an expectation is broken by what is read.
fn broken(
    framework: &Framework,
    reads: &Reads,
    conditions: &mut Conditions,
    read: &BTreeMap<usize, &Reading>,
    changes: &Changes,
    asked: Asked,
) -> Option<bool> {
    let count = framework.indicators.len();
    let all: Vec<_> = framework.all_measures().enumerate().filter(|(i, _)| reads.all.contains(i)).collect();
    let measures = all.iter().filter(|(i, _)| reads.named.contains(i)).map(|(i, m)| Named {
        id: &m.id,
        indicator: *i < count,
        row: read.get(i).map(|r| r.row).unwrap_or_default(),
        trend: if reads.trends { changes.trend(*i, asked) } else { Trend::Unknown },
    });
    let sums: Vec<(&str, Sum)> = reads
        .domains
        .iter()
        .filter_map(|at| framework.domains.get(*at))
        .map(|d| {
            let parts = all.iter().filter(|(_, m)| m.domain.as_ref() == Some(&d.id)).map(|(i, m)| {
                let strength = read.get(i).map_or_else(missing, |r| r.strength.clone());
                ((m.id.clone(), As::Distance), m.weight, m.sign.factor(), strength)
            });
            (d.id.as_str(), sum(parts.collect(), framework.rules.minimum_coverage))
        })
        .collect();
    conditions.set(measures, sums.iter().map(|(id, s)| (*id, s.level, s.coverage)));
    conditions.run(&reads.program).map(|holds| !holds)
}

fn missing() -> super::strength::Strength {
    super::strength::Strength::missing(-1.0, 1.0)
}

/// The periods that were read at a moment, as they are known now; newer ones are left out.
fn revised(past: &Past<'_>, then: &Moment<'_>, now: i64) -> BTreeMap<usize, Reading> {
    let mut out = BTreeMap::new();
    for (index, before) in &then.read {
        let mut reading = past.reading(*index, then.at, now);
        if let (Some((_, end)), Some((_, newer))) = (before.period, reading.as_ref().and_then(|r| r.period))
            && newer > end
        {
            reading = past.reading(*index, end, now);
        }
        if let Some(reading) = reading {
            out.insert(*index, reading);
        }
    }
    out
}

fn flag(
    core: &Core<'_>,
    row: &Expectation,
    reads: &Reads,
    moments: &[Moment<'_>],
    spell: &Spell,
    changes: &Changes,
) -> Option<Shift> {
    let now = moments.get(spell.began)?;
    let before = spell.before.and_then(|i| moments.get(i));
    let (index, start, end) = now.newest()?;
    // It still held at the end of what was read before.
    let low = before.and_then(Moment::newest).map_or(start, |(_, _, end)| end.min(start));
    let behind = |m: &Moment<'_>| -> BTreeSet<u64> {
        let mut seqs: BTreeSet<u64> = m.read.values().flat_map(|r| r.seqs.iter().copied()).collect();
        if reads.trends {
            let asked = Asked { standing: m.at, known: m.at, world: m.at };
            let pulls = reads.named.iter().filter_map(|i| changes.pull(*i, asked));
            seqs.extend(pulls.flat_map(|pull| pull.evidence.iter().copied()));
        }
        seqs
    };
    let (after, then) = (behind(now), before.map(behind).unwrap_or_default());
    // What came, else what left, else all of it: a year earlier or a baseline moved.
    let mut evidence: Vec<u64> = after.difference(&then).copied().collect();
    if evidence.is_empty() {
        evidence = then.difference(&after).copied().collect();
    }
    if evidence.is_empty() {
        evidence = after.into_iter().collect();
    }
    let points = core.measures.get(index).map(|eval| eval.series.points.as_slice()).unwrap_or_default();
    Some(Shift {
        id: format!("shift.{}.expectation.{}", row.id, date(now.at)),
        indicator: row.id.clone(),
        detector: "expectation".to_owned(),
        kind: "expectation".to_owned(),
        direction: Trend::Unknown,
        known_at: rfc3339_micros(now.at),
        onset: Onset { at: date(start), low: date(low), high: date(end) },
        size: None,
        sigmas: None,
        statistic: None,
        threshold: None,
        provisional: provisional(start, end, points),
        late: false,
        evidence,
    })
}

/// A year after it was known, a change that is no trend pulls no more: the midnight from which that is so.
pub(crate) fn faded(known: i64) -> i64 {
    shift_months(known, 12).saturating_add(DAY).div_euclid(DAY).saturating_mul(DAY)
}
