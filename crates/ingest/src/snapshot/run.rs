//! One source into the log, as a vintage of the lists that it holds.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use bellwether_model::{Basis, Evidence, Fact, FactTypes, Grade, Op, Problem, Stamp, counted};
use bellwether_store::{Append, EventLog};
use serde_json::Value;

use super::derive::{Derived, Literal, derive};
use super::facts::Makes;
use super::hash::Hash;
use super::join::{Join, Side};
use super::known::{Known, Vintage};
use super::read::{Bad, List, Reader, Source};
use super::{Snapshot, VINTAGE, at, day};
use crate::decoder::{Cutter, Refusal};
use crate::ingest::{Way, cut_short, nothing_read};
use crate::mapping::text::neutral_problem;
use crate::mapping::{Draft, Mapper};
use crate::quarantine::{Cause, Entry, Quarantine};
use crate::settle::{Held, Terms, settle};
use crate::take::CURSOR;
use crate::unpack::{Limits, Unpacked};
use crate::vintage;
use crate::{Cursor, FeedSpec, IngestError, Input, Options, Report};

/// Largest list, in bytes: it is read whole, since it may have to be held whole.
const MAX_LIST: u64 = 256 << 20;
/// Facts of a vintage are appended together up to this many bytes; the vintage itself comes last.
const MAX_APPEND: usize = 16 << 20;

/// A source, read whole.
pub(super) struct Whole {
    pub(super) file: String,
    pub(super) bytes: Vec<u8>,
    pub(super) sides: Vec<Side>,
}

/// What the log, the feed and the caller bring.
#[derive(Clone, Copy)]
pub(super) struct Desk<'d> {
    pub(super) log: &'d dyn EventLog,
    pub(super) types: &'d FactTypes,
    pub(super) feed: &'d FeedSpec,
    pub(super) snapshot: &'d Snapshot,
    pub(super) options: &'d Options,
    /// What the connector remembers once the list is in the log.
    pub(super) cursor: Option<&'d Cursor>,
    /// Whether an operator vouches for a list that lost more than its limit.
    pub(super) vouched: bool,
    /// On whose account.
    pub(super) way: Way,
}

/// What became of a source.
pub(super) enum Taken {
    Stored(Report),
    /// Held whole, for this reason.
    Held(Report, Problem, Cause),
}

/// Reads one source and appends what it changes.
#[expect(clippy::too_many_arguments, reason = "as `ingest`, and whose account it is on")]
pub(crate) fn ingest(
    log: &dyn EventLog,
    types: &FactTypes,
    feed: &FeedSpec,
    snapshot: &Snapshot,
    input: Input,
    quarantine: &mut dyn Quarantine,
    options: &Options,
    way: Way,
) -> Result<Report, IngestError> {
    // Each file of an archive is a source; the cursor belongs to the last.
    let inputs = match feed.unpack {
        None => Unpacked::one(input),
        Some(unpack) => unpack.open(input, Limits::default())?,
    };
    let mut inputs = inputs.peekable();
    let mut report = Report { feed: feed.name.clone(), head: log.head(), ..Report::default() };
    while let Some(input) = inputs.next() {
        let whole = Whole::read(feed, input?)?;
        let cursor = options.cursor.as_ref().filter(|_| way == Way::Taking && inputs.peek().is_none());
        let desk = Desk { log, types, feed, snapshot, options, cursor, vouched: false, way };
        let (mut taken, problem, cause) = match desk.take(&whole, quarantine)? {
            Taken::Stored(taken) => {
                report.absorb(&taken);
                continue;
            }
            Taken::Held(taken, problem, cause) => (taken, problem, cause),
        };
        taken.notes.push(format!("held whole, nothing of it is taken: {problem}"));
        if !options.dry_run {
            let bytes = &whole.bytes;
            let entry = Entry::new(&feed.name, &whole.file, 1, problem.clone(), cause, bytes, None, options);
            let sides =
                whole.sides.iter().filter_map(|(name, bytes)| Some((name.as_str(), bytes.as_deref()?)));
            quarantine.hold_whole(entry, bytes, &sides.collect::<Vec<_>>())?;
            quarantine.sync()?;
        }
        // A connector's feed is degraded until the list is whole again, or somebody releases it.
        if way == Way::Taking {
            return Err(IngestError::Source(problem.into()));
        }
        report.absorb(&taken);
    }
    Ok(report)
}

impl Whole {
    fn read(feed: &FeedSpec, input: Input) -> Result<Self, IngestError> {
        let Input { name, reader, folder, beside, .. } = input;
        let mut bytes = Vec::new();
        reader.take(MAX_LIST + 1).read_to_end(&mut bytes).map_err(|e| IngestError::read(&name, &e))?;
        if bytes.len() as u64 > MAX_LIST {
            let problem =
                Problem::new(format!("a list of more than {MAX_LIST} bytes"), "split it, or take an extract");
            return Err(IngestError::Source(problem.at(name, 0).into()));
        }
        let sides = Join::collect(&feed.joins, folder.as_deref().map(Path::new), &beside)?;
        Ok(Self { file: name, bytes, sides })
    }

    /// Whether there is not one character in it.
    fn is_blank(&self) -> bool {
        self.bytes.iter().all(u8::is_ascii_whitespace)
    }
}

impl Desk<'_> {
    /// Reads, judges and, unless the list must be held, stores a source.
    pub(super) fn take(&self, whole: &Whole, quarantine: &mut dyn Quarantine) -> Result<Taken, IngestError> {
        let mut report = Report { feed: self.feed.name.clone(), head: self.log.head(), ..Report::default() };
        for (name, _) in whole.sides.iter().filter(|(_, bytes)| bytes.is_none()) {
            report.notes.push(format!("{}: {name} is not beside it, so what it adds is missing", whole.file));
        }
        let refuse = |p: Problem| IngestError::Source(neutral_problem(p).into());
        let Some((source, stamp)) = self.read(whole).map_err(|e| match e {
            Refusal::Read(error) => IngestError::read(&whole.file, &error),
            Refusal::Content(problem) => refuse(problem),
        })?
        else {
            report.notes.push(format!("{}: empty, and nothing says when; nothing was recorded", whole.file));
            if !self.options.dry_run {
                self.move_cursor(serde_json::json!({ "file": whole.file, "line": 1 }))?;
                report.head = self.log.head();
            }
            return Ok(Taken::Stored(report));
        };
        report.records = source.records;
        // By hand what there is of it is taken, and what cannot be read is unknown.
        if self.way != Way::ByHand {
            if source.cut {
                return Err(cut_short(&whole.file, source.line));
            }
            if source.is_unreadable() {
                return Err(nothing_read(&whole.file));
            }
        }
        // What is held in the end is held as of this publication.
        let options = Options { published_at: Some(stamp), ..self.options.clone() };
        let judged = self.judge(whole, &source, stamp)?;
        let (facts, unchanged) = match judged {
            Ok(judged) => judged,
            Err((problem, cause)) => {
                report.records.quarantined += report.records.mapped;
                report.records.mapped = 0;
                return Ok(Taken::Held(report, neutral_problem(problem.at(&whole.file, 0)), cause));
            }
        };
        report.facts.duplicate = unchanged;
        if self.options.dry_run {
            report.facts.stored = facts.len() as u64;
            return Ok(Taken::Stored(report));
        }
        let line = source.line;
        for Bad { line, raw, problem, cause } in source.bad {
            let header = source.header.as_deref();
            let entry =
                Entry::new(&self.feed.name, &whole.file, line, problem, cause, &raw, header, &options);
            quarantine.hold(entry)?;
        }
        quarantine.sync()?;
        let checkpoint = serde_json::json!({ "file": whole.file, "line": line, "vintage": stamp });
        let (stored, duplicate) = if facts.is_empty() {
            self.move_cursor(checkpoint)?;
            (0, 0)
        } else {
            let (checkpoint, _) = self.with_cursor(checkpoint)?;
            self.append(facts, Some(checkpoint))?
        };
        report.facts.stored += stored;
        report.facts.duplicate += duplicate;
        report.head = self.log.head();
        tracing::debug!(feed = %self.feed.name, vintage = %stamp, stored, "a vintage of a list");
        Ok(Taken::Stored(report))
    }

    /// A checkpoint with the cursor in it, and whether that is another than the log has.
    fn with_cursor(&self, mut checkpoint: Value) -> Result<(Value, bool), IngestError> {
        let old = crate::take::cursor(self.log, &self.feed.name)?;
        let cursor = self.cursor.unwrap_or(&old);
        if let Some(checkpoint) = checkpoint.as_object_mut()
            && !cursor.is_null()
        {
            checkpoint.insert(CURSOR.to_owned(), cursor.clone());
        }
        Ok((checkpoint, *cursor != old))
    }

    /// Remembers a source that brought nothing new.
    fn move_cursor(&self, checkpoint: Value) -> Result<(), IngestError> {
        let (checkpoint, moves) = self.with_cursor(checkpoint)?;
        if moves {
            self.log.append(Append::default().checkpoint(&self.feed.name, checkpoint))?;
        }
        Ok(())
    }

    /// Records and publication of a source; `None` for an empty one of unknown age.
    fn read(&self, whole: &Whole) -> Result<Option<(Source, Stamp)>, Refusal> {
        let internal = |e: IngestError| Refusal::Content(Problem::new(e.to_string(), "check the side files"));
        let blank = whole.is_blank() && self.feed.empty_is_genuine;
        let (mut cutter, shape) = if blank {
            (None, None)
        } else {
            let (cutter, shape) = Cutter::open(
                &self.feed.decoder,
                self.feed.encoding,
                Input::bytes(&whole.file, whole.bytes.clone()),
            )?;
            (Some(cutter), Some(shape))
        };
        let nothing = crate::decoder::Shape::Json;
        let shape = shape.as_ref().unwrap_or(&nothing);
        let Mapper::Cel(mut evaluator) = self.feed.mapping.mapper(shape)? else {
            return Err(Problem::new("a list needs [[fact]]", "correct the feed file").into());
        };
        let mut aside = Vec::new();
        let mut joined = Vec::new();
        for (join, (name, bytes)) in self.feed.joins.iter().zip(&whole.sides) {
            let mut bad = |line, raw: &[u8], problem: Problem| {
                let problem = problem.at(name, usize::try_from(line).unwrap_or(0));
                aside.push(Bad { line, raw: raw.to_vec(), problem, cause: Cause::Undecodable });
            };
            joined.push(
                join.read(&self.feed.decoder, self.feed.encoding, bytes.as_deref(), &mut bad)
                    .map_err(internal)?,
            );
        }
        evaluator.join(joined);
        let mut reader = Reader::new(self.feed, self.snapshot, &whole.file, *evaluator);
        aside.into_iter().for_each(|bad| reader.aside(bad));
        if let Some(cutter) = &mut cutter {
            reader.run(cutter, shape).map_err(internal)?;
        }
        let stamp = match &self.feed.vintage {
            Some(vintage) => vintage.of_list(self.options.published_at, &whole.file, reader.stated),
            None => self.options.published_at.ok_or_else(|| vintage::Vintage::missing(&whole.file)),
        };
        let stamp = match stamp {
            Ok(stamp) => stamp,
            Err(_) if blank => return Ok(None),
            Err(problem) => return Err(problem.into()),
        };
        let terms =
            Terms { types: self.types, published_at: Some(stamp), now: self.options.now, vouched: false };
        let mut source = reader.settle(Some(stamp), &terms);
        source.header = shape.header().map(str::to_owned);
        if self.snapshot.list.is_none() {
            let list = source.lists.entry(self.feed.name.clone()).or_default();
            list.increment |= blank;
        }
        Ok(Some((source, stamp)))
    }

    /// Facts that follow from a source, and how many of its entries changed nothing; or why it is held whole.
    #[expect(clippy::type_complexity, reason = "one caller, which takes it apart at once")]
    fn judge(
        &self,
        whole: &Whole,
        source: &Source,
        stamp: Stamp,
    ) -> Result<Result<(Vec<Fact>, u64), (Problem, Cause)>, IngestError> {
        if source.lists.is_empty() {
            return Ok(Err((empty("the list"), Cause::Shrunk)));
        }
        let names: BTreeSet<String> = source.lists.keys().cloned().collect();
        let mut known = Known::load(self.log, &self.feed.name, &names)?;
        // The same bytes are the same vintage, even where the feed file reads them otherwise by now.
        let bytes = blake3::hash(&whole.bytes).to_hex().to_string();
        let (mut facts, mut unchanged) = (Vec::new(), 0);
        for (name, list) in &source.lists {
            if list.whole && list.increment {
                let problem = Problem::new(
                    format!("{name}: entries of a whole list and of an increment in one source"),
                    "ingest them apart",
                );
                return Ok(Err((problem, Cause::Invalid)));
            }
            let known = known.entry(name.clone()).or_default();
            let mapped = (list.present.len() + list.removed.len()) as u64;
            let digest = list.digest();
            if let Some(there) = known.vintages.get(&at(stamp)) {
                if there.digests.contains(&digest) || there.digests.contains(&bytes) {
                    unchanged += mapped;
                    continue;
                }
                if !list.increment {
                    return Ok(Err((rival(name, stamp, there), Cause::Rival)));
                }
            }
            let vintage = match self.vintage(whole, name, list, stamp, &digest) {
                Ok(fact) => fact,
                Err(held) => return Ok(Err((held.problem, Cause::Invalid))),
            };
            known.add(list.as_vintage(stamp, &digest, &whole.file));
            for (entry, (_, fact)) in &list.present {
                known.alias(entry, fact, at(stamp));
            }
            let present = list.present.iter().map(|(entry, (hash, _))| (entry.clone(), *hash)).collect();
            let derived = derive(known, name, &Literal { at: at(stamp), present: &present, amends: false });
            if !self.vouched
                && let Some(problem) = self.shrinks(name, list, &derived)
            {
                return Ok(Err((problem, Cause::Shrunk)));
            }
            // An entry taken out that was not there makes no fact.
            unchanged += mapped.saturating_sub(derived.stated as u64);
            let makes = Makes { desk: self, list: name, known, present: &list.present };
            for step in &derived.steps {
                facts.push(makes.fact(step)?);
            }
            facts.push(vintage);
        }
        Ok(Ok((facts, unchanged)))
    }

    /// Why a list may be cut short.
    fn shrinks(&self, name: &str, list: &List, derived: &Derived) -> Option<Problem> {
        if list.increment {
            return None;
        }
        let unread = list.unknown.len() + usize::try_from(list.nameless).unwrap_or(usize::MAX);
        if list.present.is_empty() && unread == 0 {
            return Some(empty(name));
        }
        // An entry that cannot be read may be any that is missing.
        let missing = derived.before.saturating_sub(list.present.len().saturating_add(unread));
        let lost = if list.nameless > 0 { missing } else { derived.lost };
        #[expect(clippy::cast_precision_loss, reason = "counts of entries are far below 2^52")]
        let (lost_share, before) = (lost as f64, derived.before as f64);
        (lost_share > self.snapshot.shrink * before).then(|| {
            Problem::new(
                format!(
                    "{name}: {lost} of {} gone, more than the limit",
                    counted(derived.before, "entry is", "entries are")
                ),
                "compare it with its source; `quarantine release` takes it, `drop` gives it up",
            )
            .field("snapshot.shrink")
            .text(self.snapshot.shrink.to_string())
        })
    }

    /// The fact that a vintage was read.
    fn vintage(
        &self,
        whole: &Whole,
        name: &str,
        list: &List,
        stamp: Stamp,
        digest: &str,
    ) -> Result<Fact, Held> {
        let mut attributes = BTreeMap::from([
            ("list".to_owned(), Value::from(name)),
            ("digest".to_owned(), Value::from(digest)),
        ]);
        if let Some(why) = list.partial() {
            attributes.insert("partial".to_owned(), why.into());
        }
        let missing: Vec<&str> =
            whole.sides.iter().filter(|(_, bytes)| bytes.is_none()).map(|(name, _)| name.as_str()).collect();
        let named =
            |set: &BTreeSet<String>| -> Vec<Value> { set.iter().map(|e| e.as_str().into()).collect() };
        for (attribute, values) in [
            ("unknown", named(&list.unknown)),
            ("removed", named(&list.removed)),
            ("missing", missing.into_iter().map(Value::from).collect()),
        ] {
            if !values.is_empty() {
                attributes.insert(attribute.to_owned(), values.into());
            }
        }
        let increment =
            if list.increment { format!("|{}", digest.get(..8).unwrap_or(digest)) } else { String::new() };
        let fact = Fact {
            id: uuid::Uuid::nil(),
            op: Op::Assert,
            kind: VINTAGE.to_owned(),
            source: self.feed.name.clone(),
            key: format!("{name}|vintage|{stamp}{increment}"),
            valid: day(stamp),
            published_at: Some(stamp),
            published_basis: Basis::Stated,
            actors: Vec::new(),
            value: Some(list.present.len().into()),
            unit: Some("count".to_owned()),
            grade: Grade::UNKNOWN,
            attributes,
            evidence: Evidence {
                uri: None,
                file: Some(whole.file.clone()),
                line: None,
                digest: Some(blake3::hash(&whole.bytes).to_hex().to_string()),
            },
            note: None,
        };
        let terms = Terms { types: self.types, published_at: None, now: self.options.now, vouched: false };
        settle(Draft { fact, may_assume: false }, &terms)
    }

    /// Appends in batches that the log takes; the vintage is in the last one.
    pub(super) fn append(
        &self,
        facts: Vec<Fact>,
        checkpoint: Option<Value>,
    ) -> Result<(u64, u64), IngestError> {
        let (mut stored, mut duplicate) = (0, 0);
        let mut send = |batch: Vec<Fact>, checkpoint: Option<Value>| -> Result<(), IngestError> {
            let append = Append::facts(batch);
            let receipt = self.log.append(match checkpoint {
                Some(data) => append.checkpoint(&self.feed.name, data),
                None => append,
            })?;
            stored += receipt.stored;
            duplicate += receipt.duplicate;
            Ok(())
        };
        let (mut batch, mut size) = (Vec::new(), 0);
        for fact in facts {
            let weight = serde_json::to_vec(&fact).map_or(0, |bytes| bytes.len());
            if size + weight > MAX_APPEND && !batch.is_empty() {
                send(std::mem::take(&mut batch), None)?;
                size = 0;
            }
            size += weight;
            batch.push(fact);
        }
        if !batch.is_empty() {
            send(batch, checkpoint)?;
        }
        Ok((stored, duplicate))
    }
}

fn empty(name: &str) -> Problem {
    Problem::new(
        format!("{name} is empty"),
        "an empty list is not read as \"all are gone\": fetch it again; `quarantine release` takes it if it is so",
    )
    .field("snapshot")
}

fn rival(name: &str, stamp: Stamp, there: &Vintage) -> Problem {
    let file = there.file.as_deref().unwrap_or("another source");
    Problem::new(
        format!("{name}: another list published {stamp} is known, from {file}"),
        "state when this one was published with --published-at, or drop it",
    )
    .field("vintage")
}

impl List {
    /// Why it says nothing about entries that it does not name.
    fn partial(&self) -> Option<&'static str> {
        match (self.increment, self.nameless > 0) {
            (true, _) => Some("increment"),
            (false, true) => Some("entries unread"),
            (false, false) => None,
        }
    }

    /// Digest of all that it says.
    fn digest(&self) -> String {
        let unread = self.nameless.to_le_bytes();
        let mut parts: Vec<&[u8]> = vec![self.partial().unwrap_or_default().as_bytes(), &unread];
        for (entry, (hash, _)) in &self.present {
            parts.extend([entry.as_bytes(), hash.bytes()]);
        }
        for (mark, set) in [(b"removed".as_slice(), &self.removed), (b"unknown", &self.unknown)] {
            parts.push(mark);
            parts.extend(set.iter().map(|e| e.as_bytes()));
        }
        Hash::of(&parts).hex()
    }

    fn as_vintage(&self, stamp: Stamp, digest: &str, file: &str) -> Vintage {
        Vintage {
            stamp,
            partial: self.partial().is_some(),
            unknown: self.unknown.clone(),
            removed: self.removed.clone(),
            digests: BTreeSet::from([digest.to_owned()]),
            file: Some(file.to_owned()),
        }
    }
}
