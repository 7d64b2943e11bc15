//! What an operator does about a list, or an entry of one, that was held.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{FactTypes, Problem, Stamp};
use bellwether_store::EventLog;

use super::derive::{Literal, derive};
use super::facts::Makes;
use super::known::Known;
use super::read::Reader;
use super::run::{Desk, Taken, Whole};
use super::{Snapshot, at};
use crate::decoder::{Row, Shape};
use crate::ingest::Way;
use crate::mapping::Mapper;
use crate::prefilter::Prefilter;
use crate::quarantine::{Quarantine, Resolved, WholeSource};
use crate::report::Facts;
use crate::settle::Terms;
use crate::{FeedSpec, IngestError, Options};

/// Judges a list that was held whole again; an operator's word puts the limit aside.
#[expect(clippy::too_many_arguments, reason = "an operator's act: each is stated by the command line")]
pub(crate) fn whole(
    log: &dyn EventLog,
    types: &FactTypes,
    feed: &FeedSpec,
    snapshot: &Snapshot,
    file: &str,
    source: WholeSource,
    terms: &Terms<'_>,
    quarantine: &mut dyn Quarantine,
) -> Result<Resolved, IngestError> {
    let WholeSource { bytes, mut beside } = source;
    let options = Options { published_at: terms.published_at, ..Options::at(terms.now) };
    let sides = feed.joins.iter().map(|join| (join.file.clone(), beside.remove(&join.file))).collect();
    let desk = Desk {
        log,
        types,
        feed,
        snapshot,
        options: &options,
        cursor: None,
        vouched: terms.vouched,
        way: Way::ByHand,
    };
    Ok(match desk.take(&Whole { file: file.to_owned(), bytes, sides }, quarantine)? {
        Taken::Stored(report) => Resolved::Stored { facts: report.facts, head: report.head },
        Taken::Held(_, problem, _) => Resolved::Held { reason: problem.to_string() },
    })
}

/// Where a held entry stood.
pub(crate) struct Place<'p> {
    pub(crate) file: &'p str,
    pub(crate) line: u64,
    pub(crate) raw: &'p [u8],
    pub(crate) shape: &'p Shape,
}

/// Judges one entry again, and adds it to the vintage that it came with.
pub(crate) fn entry(
    log: &dyn EventLog,
    types: &FactTypes,
    feed: &FeedSpec,
    snapshot: &Snapshot,
    place: &Place<'_>,
    terms: &Terms<'_>,
) -> Result<Resolved, IngestError> {
    let held = |problem: Problem| Ok(Resolved::Held { reason: problem.to_string() });
    let Some(stamp) = terms.published_at else {
        return held(crate::vintage::Vintage::missing(place.file));
    };
    if !feed.joins.is_empty() {
        return held(Problem::new(
            "the side files of the list are not at hand",
            "correct the feed file, then ingest the whole list under another publication",
        ));
    }
    let mut row = Row::default();
    let decoded = feed.encoding.record(place.raw);
    let record = decoded.as_ref().map_err(Clone::clone).and_then(|text| place.shape.decode(text, &mut row));
    let record = match record {
        Ok(record) => record,
        Err(problem) => return held(problem),
    };
    if !Prefilter::new(&feed.prefilter, place.shape).passes(&record) {
        return Ok(Resolved::Skipped);
    }
    let evaluator = match feed.mapping.mapper(place.shape) {
        Ok(Mapper::Cel(evaluator)) => evaluator,
        Ok(_) => return held(Problem::new("a list needs [[fact]]", "correct the feed file")),
        Err(problem) => return held(problem),
    };
    let mut reader = Reader::new(feed, snapshot, place.file, *evaluator);
    reader.record(record, place.line, place.raw);
    let mut source = reader.settle(Some(stamp), terms);
    if let Some(bad) = source.bad.pop() {
        return held(bad.problem);
    }
    let Some((name, list)) = source.lists.pop_first().filter(|(_, list)| !list.present.is_empty()) else {
        return Ok(Resolved::Skipped);
    };
    let mut known =
        Known::load(log, &feed.name, &BTreeSet::from([name.clone()]))?.remove(&name).unwrap_or_default();
    if !known.vintages.contains_key(&at(stamp)) {
        return held(Problem::new("the list that it stood in is not known", "ingest the list again"));
    }
    let mut present = BTreeMap::new();
    for (key, entry) in list.present {
        present.insert(free(&known, key, stamp), entry);
    }
    for (key, (_, fact)) in &present {
        known.alias(key, fact, at(stamp));
    }
    let hashes = present.iter().map(|(key, (hash, _))| (key.clone(), *hash)).collect();
    let derived = derive(&known, &name, &Literal { at: at(stamp), present: &hashes, amends: true });
    let options = Options { published_at: Some(stamp), ..Options::at(terms.now) };
    let desk = Desk {
        log,
        types,
        feed,
        snapshot,
        options: &options,
        cursor: None,
        vouched: terms.vouched,
        way: Way::ByHand,
    };
    let makes = Makes { desk: &desk, list: &name, known: &known, present: &present };
    let facts = derived.steps.iter().map(|step| makes.fact(step)).collect::<Result<Vec<_>, _>>()?;
    let (stored, duplicate) = if facts.is_empty() { (0, 1) } else { desk.append(facts, None)? };
    Ok(Resolved::Stored { facts: Facts { stored, duplicate }, head: log.head() })
}

/// A key under which the vintage says nothing yet: another entry of it may share the key.
fn free(known: &Known, key: String, stamp: Stamp) -> String {
    let taken = |key: &String| known.entries.get(key).is_some_and(|e| e.listed.contains_key(&at(stamp)));
    let numbered = (2_u32..).map(|n| format!("{key}~{n}"));
    std::iter::once(key.clone()).chain(numbered).find(|key| !taken(key)).unwrap_or(key)
}
