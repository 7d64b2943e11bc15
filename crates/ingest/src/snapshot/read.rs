//! From a source to the lists that it holds: every record judged, nothing stored.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{Fact, Problem, Stamp};

use super::hash::{CONTENT, DATED, FIRST_SEEN, Hash};
use super::{Snapshot, check_key, day, is_first_seen};
use crate::decoder::{Cutter, Record, Row, Shape};
use crate::mapping::cel::Evaluator;
use crate::mapping::{Draft, Place, text};
use crate::prefilter::Prefilter;
use crate::quarantine::Cause;
use crate::report::Records;
use crate::settle::{Held, Terms, settle};
use crate::{FeedSpec, IngestError};

/// What a record is to its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// An entry of a whole list.
    Whole,
    /// An entry that an increment adds or changes.
    Put,
    /// An entry that an increment takes out.
    Remove,
}

impl Change {
    fn parse(text: &str) -> Result<Self, Problem> {
        match text.to_ascii_uppercase().as_str() {
            "" => Ok(Change::Whole),
            "ADD" | "MOD" => Ok(Change::Put),
            "DEL" => Ok(Change::Remove),
            _ => Err(Problem::new(
                "not a change of a list",
                "ADD, MOD or DEL; blank for an entry of a whole list",
            )
            .field("change")
            .text(text)),
        }
    }
}

/// A record held back.
pub(super) struct Bad {
    pub(super) line: u64,
    pub(super) raw: Vec<u8>,
    pub(super) problem: Problem,
    pub(super) cause: Cause,
}

/// A record read, its publication not settled yet.
struct Read {
    line: u64,
    raw: Vec<u8>,
    list: String,
    key: String,
    change: Change,
    draft: Result<Option<Draft>, (Problem, Cause)>,
    /// What decides whether the entry changed.
    content: Option<String>,
}

/// One list of a source.
#[derive(Default)]
pub(super) struct List {
    /// Entries by key; the key of a further one of equal key is told apart by `~2`, `~3`, …
    pub(super) present: BTreeMap<String, (Hash, Fact)>,
    pub(super) removed: BTreeSet<String>,
    /// Keys of entries that could not be read.
    pub(super) unknown: BTreeSet<String>,
    /// Entries that could not be read so far as to find their key.
    pub(super) nameless: u64,
    /// Whether it is an increment.
    pub(super) increment: bool,
    pub(super) whole: bool,
}

/// Everything that a source holds.
pub(super) struct Source {
    pub(super) lists: BTreeMap<String, List>,
    pub(super) records: Records,
    pub(super) bad: Vec<Bad>,
    pub(super) line: u64,
    /// Header line of the records.
    pub(super) header: Option<String>,
    /// Whether it ends in the middle of a record.
    pub(super) cut: bool,
}

impl Source {
    /// Whether there are records, and not one that is one.
    pub(super) fn is_unreadable(&self) -> bool {
        let unreadable = self.bad.iter().filter(|bad| bad.cause == Cause::Undecodable).count();
        unreadable > 0 && u64::try_from(unreadable).is_ok_and(|n| n == self.records.read)
    }
}

/// A list being read: records first, since they may be what dates it.
pub(super) struct Reader<'r> {
    feed: &'r FeedSpec,
    snapshot: &'r Snapshot,
    file: &'r str,
    evaluator: Evaluator<'r>,
    reads: Vec<Read>,
    bad: Vec<Bad>,
    nameless: u64,
    skipped: u64,
    left_out: Vec<(String, String)>,
    line: u64,
    cut: bool,
    /// The latest publication that a record states.
    pub(super) stated: Option<Stamp>,
}

impl<'r> Reader<'r> {
    pub(super) fn new(
        feed: &'r FeedSpec,
        snapshot: &'r Snapshot,
        file: &'r str,
        evaluator: Evaluator<'r>,
    ) -> Self {
        Self {
            feed,
            snapshot,
            file,
            evaluator,
            reads: Vec::new(),
            bad: Vec::new(),
            nameless: 0,
            skipped: 0,
            left_out: Vec::new(),
            line: 1,
            cut: false,
            stated: None,
        }
    }

    /// A row of a side file that cannot be read.
    pub(super) fn aside(&mut self, bad: Bad) {
        self.bad.push(bad);
    }

    /// Reads all records.
    pub(super) fn run(&mut self, cutter: &mut Cutter, shape: &Shape) -> Result<(), IngestError> {
        let prefilter = Prefilter::new(&self.feed.prefilter, shape);
        let mut row = Row::default();
        // How the last record was.
        let (mut unreadable, mut broken) = (false, false);
        while let Some(chunk) = cutter.next().map_err(|e| IngestError::read(self.file, &e))? {
            self.line = chunk.line;
            let faulty = chunk.fault.is_some();
            (unreadable, broken) = (false, false);
            let decoded = match chunk.fault {
                Some(fault) => Err(fault),
                None => self.feed.encoding.record(chunk.raw),
            };
            let record = decoded.as_ref().map_err(Clone::clone).and_then(|text| shape.decode(text, &mut row));
            match record {
                Ok(Record::Row(columns, row)) if columns.is_repeated(row) => self.skipped += 1,
                Err(problem) => {
                    (unreadable, broken) = (true, faulty);
                    self.nameless += 1;
                    let raw = chunk.raw.to_vec();
                    self.bad.push(Bad { line: chunk.line, raw, problem, cause: Cause::Undecodable });
                }
                Ok(record) if prefilter.passes(&record) => self.record(record, chunk.line, chunk.raw),
                Ok(_) => self.skipped += 1,
            }
        }
        // Where records are no lines, one that cannot be cut out at the end was not all there.
        self.cut = match cutter.ends_open() {
            Some(open) => unreadable && open,
            None => broken,
        };
        Ok(())
    }

    /// Reads one record.
    pub(super) fn record(&mut self, record: Record<'_>, line: u64, raw: &[u8]) {
        let snapshot = self.snapshot;
        let dated = self.feed.vintage.as_ref().and_then(|v| v.record.as_ref());
        let named = [
            snapshot.list.as_ref(),
            Some(&snapshot.key),
            snapshot.change.as_ref(),
            snapshot.content.as_ref(),
            dated,
        ];
        let [list, key, change, content, dated] = self.evaluator.texts(&record, self.file, named);
        let name = || -> Result<(String, String, Change), Problem> {
            let list = list?;
            let list = if list.is_empty() { self.feed.name.clone() } else { list };
            let key = key?;
            text::name("list", &list)?;
            check_key(&key)?;
            Ok((list, key, Change::parse(&change?)?))
        };
        let (list, key, change) = match name() {
            Ok(named) => named,
            Err(problem) => {
                self.nameless += 1;
                self.bad.push(Bad { line, raw: raw.to_vec(), problem, cause: Cause::Invalid });
                return;
            }
        };
        let place = Place { feed: &self.feed.name, file: self.file, line, raw };
        let mut drafts = Vec::new();
        let draft = match change {
            Change::Remove => Ok(None),
            Change::Whole | Change::Put => self
                .evaluator
                .facts(&record, place, &mut drafts)
                .and_then(|()| content.as_ref().map(|_| ()).map_err(Clone::clone))
                .and_then(|()| one(drafts))
                .map_err(|problem| (problem, Cause::Invalid)),
        };
        if matches!(draft, Ok(None)) && change != Change::Remove {
            // A rule of the feed leaves it out; an increment that does so says that it is no entry any more.
            self.skipped += 1;
            if change == Change::Put {
                self.left_out.push((list, key));
            }
            return;
        }
        let draft = match dated.and_then(|text| text::stamp(&text)) {
            Ok(stamp) => {
                let later = |was: Stamp| stamp.is_some_and(|now| now.start() > was.start());
                if self.stated.is_none_or(later) {
                    self.stated = stamp.or(self.stated);
                }
                draft
            }
            Err(problem) => Err((problem, Cause::Invalid)),
        };
        let content = content.ok().filter(|_| snapshot.content.is_some());
        self.reads.push(Read { line, raw: raw.to_vec(), list, key, change, draft, content });
    }

    /// Settles everything as published at `stamp`.
    pub(super) fn settle(self, stamp: Option<Stamp>, terms: &Terms<'_>) -> Source {
        let mut source = Source {
            lists: BTreeMap::new(),
            records: Records::default(),
            bad: self.bad,
            line: self.line,
            header: None,
            cut: self.cut,
        };
        let terms = Terms { published_at: stamp, ..*terms };
        let mut entries: BTreeMap<(String, String), Vec<(Hash, Fact)>> = BTreeMap::new();
        for Read { line, raw, list: name, key, change, draft, content } in self.reads {
            let list = source.lists.entry(name.clone()).or_default();
            list.increment |= change != Change::Whole;
            list.whole |= change == Change::Whole;
            let settled = match draft {
                Ok(None) => {
                    list.removed.insert(key);
                    source.records.mapped += 1;
                    continue;
                }
                Ok(Some(draft)) => finish(draft, stamp, content.as_deref(), &terms),
                Err(held) => Err(held),
            };
            match settled {
                Ok(fact) => {
                    source.records.mapped += 1;
                    entries.entry((name, key)).or_default().push((Hash::of_fact(&fact), fact));
                }
                Err((problem, cause)) => {
                    list.unknown.insert(key);
                    source.bad.push(Bad { line, raw, problem, cause });
                }
            }
        }
        for (name, key) in self.left_out {
            let list = source.lists.entry(name).or_default();
            list.increment = true;
            list.removed.insert(key);
        }
        for ((name, key), mut same) in entries {
            let list = source.lists.entry(name).or_default();
            // Where two share a key, what they say tells them apart, never where they stand.
            same.sort_by_key(|(hash, fact)| (fact.valid.start, *hash));
            for (at, entry) in same.into_iter().enumerate() {
                let key = if at == 0 { key.clone() } else { format!("{key}~{}", at + 1) };
                list.present.insert(key, entry);
            }
        }
        for list in source.lists.values_mut() {
            list.nameless = self.nameless;
        }
        source.records.skipped = self.skipped;
        source.records.quarantined = u64::try_from(source.bad.len()).unwrap_or(u64::MAX);
        source.records.read = source.records.mapped + source.records.skipped + source.records.quarantined;
        source
    }
}

/// The one fact that an entry makes; `None` when the feed's rules leave it out.
fn one(mut drafts: Vec<Draft>) -> Result<Option<Draft>, Problem> {
    let draft = drafts.pop();
    if drafts.is_empty() {
        return Ok(draft);
    }
    Err(Problem::new("an entry of a list makes one fact", "let one [[fact]] apply, by its when")
        .field("fact"))
}

fn finish(
    mut draft: Draft,
    stamp: Option<Stamp>,
    content: Option<&str>,
    terms: &Terms<'_>,
) -> Result<Fact, (Problem, Cause)> {
    if is_first_seen(&draft.fact.valid) {
        let Some(stamp) = stamp else {
            return Err((
                Problem::new("no date", "state the publication").field("valid_start"),
                Cause::Invalid,
            ));
        };
        draft.fact.valid = day(stamp);
        draft.fact.attributes.insert(DATED.to_owned(), FIRST_SEEN.into());
    }
    if let Some(content) = content {
        draft.fact.attributes.insert(CONTENT.to_owned(), Hash::of(&[content.as_bytes()]).hex().into());
    }
    // A list is known when it is published, whatever a record says of itself.
    draft.fact.published_at = None;
    settle(draft, terms).map_err(|Held { problem, implausible }| {
        (problem, if implausible { Cause::Implausible } else { Cause::Invalid })
    })
}
