//! What is looked up rather than read through: sequences by key, checkpoints, snapshots. The only module that
//! names `sled`.
//!
//! Nothing here is a truth: the folder can be deleted and is filled again from the log. `sled` 0.34 does not
//! really sync (`sync_file_range`), so the index says up to which record of which chain it reaches, and after
//! a power cut it is thrown away.
//!
//! Tree `main`: `m` the manifest, `r` pages of runs, `s` names of sources, `c` checkpoints, `p` which snapshots there are. A
//! run counts once the manifest names it, and the manifest is one entry, so a crash never shows half a write.

mod runs;
mod snapshots;

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, TryLockError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use bellwether_model::{Body, Record};

use crate::log::CHECKPOINT;
use crate::segment::frame::Chain;
use crate::{Error, held};
use runs::{Entry, Manifest, Merge, PAGE};

const MANIFEST: &[u8] = b"m";
const RUN: &[u8] = b"r";
const SOURCE: u8 = b's';
const FEED: u8 = b'c';

/// The file of sled's that it locks.
const FILE: &str = "db";
/// How often, and after what pause, a lock that is held is asked for again: ten seconds in all.
const TRIES: u32 = 5_000;
const PAUSE: Duration = Duration::from_millis(2);

/// Looks up by key. Writes lag behind the log by up to `lag` facts and are caught up before every look-up.
pub(crate) struct Index {
    db: sled::Db,
    main: sled::Tree,
    folder: PathBuf,
    state: Mutex<State>,
    /// Held while a snapshot is written.
    shelf: Mutex<()>,
    lag: usize,
}

#[derive(Default)]
struct State {
    manifest: Manifest,
    sources: HashMap<String, u32>,
    waiting: Waiting,
    broken: Option<String>,
}

/// Learned and not yet written.
#[derive(Default)]
struct Waiting {
    entries: Vec<Entry>,
    sources: Vec<(u32, String)>,
    checkpoints: BTreeMap<Vec<u8>, Vec<u8>>,
    covered: Option<(u64, Chain)>,
}

impl Index {
    /// Opens the index in `folder`; an unreadable one is replaced by an empty one, one that is held is not touched.
    pub(crate) fn open(folder: &Path, cache: u64, lag: usize, fresh: bool) -> Result<Self, Error> {
        // An owner that died gives its locks back one after the other.
        await_free(folder)?;
        if fresh {
            remove(folder)?;
        }
        Self::try_open(folder, cache, lag).or_else(|why| {
            tracing::warn!(%why, "the key index is unreadable and will be rebuilt");
            remove(folder)?;
            Self::try_open(folder, cache, lag).map_err(|what| Error::Index { what })
        })
    }

    fn try_open(folder: &Path, cache: u64, lag: usize) -> Result<Self, String> {
        // A damaged sled folder may panic instead of failing.
        let index = guarded(|| {
            let config = sled::Config::new().path(folder).cache_capacity(cache).flush_every_ms(None);
            let db = config.open()?;
            let main = db.open_tree("main")?;
            // Where snapshots lay before they were files.
            db.drop_tree("snapshots")?;
            Ok(Self {
                db,
                main,
                folder: folder.to_owned(),
                state: Mutex::default(),
                shelf: Mutex::default(),
                lag,
            })
        })?;
        let mut state = State::default();
        if let Some(bytes) = guarded(|| index.main.get(MANIFEST))? {
            state.manifest = postcard::from_bytes(&bytes).map_err(|e| e.to_string())?;
        }
        guarded(|| index.sweep(&state.manifest))?;
        for entry in index.main.scan_prefix([SOURCE]) {
            let (name, text) = guarded(|| entry)?;
            let number = name.split_last_chunk::<4>().map(|(_, n)| u32::from_be_bytes(*n));
            let (number, text) =
                number.zip(String::from_utf8(text.to_vec()).ok()).ok_or("a source is garbled")?;
            state.sources.insert(text, number);
        }
        *held(&index.state) = state;
        Ok(index)
    }

    /// Removes pages of runs that the manifest does not name: left by a crash.
    fn sweep(&self, manifest: &Manifest) -> sled::Result<()> {
        let mut next = RUN.to_vec();
        while let Some(run) = self
            .main
            .range(next..)
            .next()
            .transpose()?
            .and_then(|(name, _)| name.starts_with(RUN).then(|| runs::run_of(&name)).flatten())
        {
            if !manifest.runs.iter().any(|(live, _)| *live == run) {
                self.drop_run(run)?;
            }
            next = runs::run_name(run.saturating_add(1));
        }
        Ok(())
    }

    /// Last record and chain that the index has seen.
    pub(crate) fn covered(&self) -> (u64, Chain) {
        let state = held(&self.state);
        (state.manifest.covered, state.manifest.chain)
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) -> Result<(), Error> {
        *held(&self.state) = State::default();
        ask(|| self.main.clear())
    }

    /// Learns records by sequence, after which it knows all up to `covered`. Never fails an append: an index
    /// that cannot be written says so when it is asked.
    pub(crate) fn learn(&self, records: impl Iterator<Item = (u64, Body)>, covered: (u64, Chain)) {
        let mut state = held(&self.state);
        for (seq, body) in records {
            state.add(seq, &body);
        }
        state.waiting.covered = Some(covered);
        self.write_if_due(&mut state);
    }

    /// The same for one record in the middle of a catch-up.
    pub(crate) fn learn_one(&self, record: &Record) {
        let mut state = held(&self.state);
        state.add(record.seq, &record.body);
        self.write_if_due(&mut state);
    }

    fn write_if_due(&self, state: &mut State) {
        if state.waiting.entries.len() >= self.lag {
            self.write(state);
        }
    }

    fn write(&self, state: &mut State) {
        let waiting = std::mem::take(&mut state.waiting);
        if state.broken.is_some() {
            return;
        }
        if let Err(what) = guarded(|| self.try_write(&mut state.manifest, waiting)) {
            tracing::error!(%what, "the key index stops");
            state.broken = Some(what);
        }
    }

    fn try_write(&self, manifest: &mut Manifest, mut waiting: Waiting) -> sled::Result<()> {
        for (number, name) in waiting.sources {
            let mut key = vec![SOURCE];
            key.extend_from_slice(&number.to_be_bytes());
            self.main.insert(key, name.into_bytes())?;
        }
        for (key, value) in waiting.checkpoints {
            self.main.insert(key, value)?;
        }
        let mut dead = Vec::new();
        if !waiting.entries.is_empty() {
            waiting.entries.sort_unstable();
            let entries = self.write_run(manifest.next, waiting.entries.into_iter().map(Ok))?;
            manifest.add(entries);
            while let Some(old) = manifest.take_mergeable() {
                let merged = Merge::new(old.iter().map(|run| self.run(*run)));
                let entries = self.write_run(manifest.next, merged)?;
                manifest.add(entries);
                dead.extend(old);
            }
        }
        if let Some((head, chain)) = waiting.covered {
            manifest.covered = head;
            manifest.chain = chain;
        }
        let bytes = postcard::to_stdvec(manifest).map_err(|e| sled::Error::Unsupported(e.to_string()))?;
        self.main.insert(MANIFEST, bytes)?;
        dead.into_iter().try_for_each(|run| self.drop_run(run))
    }

    fn write_run(&self, run: u64, entries: impl Iterator<Item = sled::Result<Entry>>) -> sled::Result<u64> {
        let mut total = 0;
        let mut page = Vec::with_capacity(PAGE);
        let flush = |page: &mut Vec<Entry>| -> sled::Result<()> {
            if let Some(first) = page.first() {
                self.main.insert(runs::page_name(run, first.key, first.seq), runs::page_out(page))?;
            }
            page.clear();
            Ok(())
        };
        for entry in entries {
            page.push(entry?);
            total += 1;
            if page.len() == PAGE {
                flush(&mut page)?;
            }
        }
        flush(&mut page)?;
        Ok(total)
    }

    /// Entries of a run in order.
    fn run(&self, run: u64) -> impl Iterator<Item = sled::Result<Entry>> + use<> {
        self.main.scan_prefix(runs::run_name(run)).flat_map(|page| {
            let (entries, error) = match page {
                Ok((_, bytes)) => (runs::page_in(&bytes).collect::<Vec<_>>(), None),
                Err(e) => (Vec::new(), Some(Err(e))),
            };
            error.into_iter().chain(entries.into_iter().map(Ok))
        })
    }

    fn drop_run(&self, run: u64) -> sled::Result<()> {
        for page in self.main.scan_prefix(runs::run_name(run)).keys() {
            self.main.remove(page?)?;
        }
        Ok(())
    }

    /// The state with everything learned written.
    fn caught_up(&self) -> Result<std::sync::MutexGuard<'_, State>, Error> {
        let mut state = held(&self.state);
        if state.waiting.covered.is_some() {
            self.write(&mut state);
        }
        match &state.broken {
            Some(what) => Err(Error::Index { what: what.clone() }),
            None => Ok(state),
        }
    }

    /// Everything under `key`. The state stays locked, so that no run is merged away meanwhile.
    fn entries(&self, state: &State, key: &str) -> Result<Vec<Entry>, Error> {
        let key = runs::digest(key);
        let mut found = Vec::new();
        for (run, _) in &state.manifest.runs {
            let first = runs::page_name(*run, key, 0);
            let before = self.main.range(runs::run_name(*run)..first.clone()).next_back();
            let after = self.main.range(first..=runs::page_name(*run, key, u64::MAX));
            for page in before.into_iter().chain(after) {
                let (_, bytes) = ask(|| page)?;
                found.extend(runs::page_in(&bytes).filter(|entry| entry.key == key));
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Sequences under `source` and `key`, ascending.
    pub(crate) fn keys(&self, source: &str, key: &str) -> Result<Vec<u64>, Error> {
        let state = self.caught_up()?;
        let Some(source) = state.sources.get(source).copied() else { return Ok(Vec::new()) };
        let entries = self.entries(&state, key)?;
        Ok(entries.into_iter().filter(|entry| entry.source == source).map(|entry| entry.seq).collect())
    }

    /// Sequences under `key` by source.
    pub(crate) fn find(&self, key: &str) -> Result<Vec<(String, Vec<u64>)>, Error> {
        let state = self.caught_up()?;
        let entries = self.entries(&state, key)?;
        let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for (name, number) in &state.sources {
            let seqs: Vec<u64> = entries.iter().filter(|e| e.source == *number).map(|e| e.seq).collect();
            if !seqs.is_empty() {
                found.insert(name.clone(), seqs);
            }
        }
        Ok(found.into_iter().collect())
    }

    /// Newest checkpoint of `feed`.
    pub(crate) fn checkpoint(&self, feed: &str) -> Result<Option<serde_json::Value>, Error> {
        drop(self.caught_up()?);
        let Some(text) = ask(|| self.main.get(feed_of(feed)))? else { return Ok(None) };
        serde_json::from_slice(&text).map(Some).map_err(|e| Error::Index { what: e.to_string() })
    }

    /// Room taken on disk, bytes; 0 when it cannot tell.
    pub(crate) fn bytes(&self) -> u64 {
        self.db.size_on_disk().unwrap_or(0).saturating_add(self.snapshot_bytes())
    }

    /// Writes out what waits and syncs the files for real.
    pub(crate) fn flush(&self) -> Result<(), Error> {
        drop(self.caught_up()?);
        ask(|| self.db.flush())?;
        for entry in fs::read_dir(&self.folder).map_err(Error::io(&self.folder))? {
            let path = entry.map_err(Error::io(&self.folder))?.path();
            if path.is_file() {
                fs::File::open(&path).and_then(|file| file.sync_all()).map_err(Error::io(&path))?;
            }
        }
        Ok(())
    }

    /// Lets go of the files, and returns when nothing in this process holds them any more.
    pub(crate) fn free(self) -> Result<(), Error> {
        let folder = self.folder.clone();
        // Dropping sled writes, and may panic where that fails.
        let dropped = ask(|| {
            drop(self);
            Ok(())
        });
        dropped.and(await_free(&folder))
    }
}

impl State {
    fn add(&mut self, seq: u64, body: &Body) {
        match body {
            Body::Fact(fact) => {
                let source = self.source(&fact.source);
                self.waiting.entries.push(Entry { key: runs::digest(&fact.key), seq, source });
            }
            Body::System(system) if system.system == CHECKPOINT => {
                self.waiting.checkpoints.insert(feed_of(&system.name), system.data.to_string().into_bytes());
            }
            Body::System(_) => {}
        }
    }

    /// Number of a source, a new one for a new source.
    fn source(&mut self, name: &str) -> u32 {
        if let Some(number) = self.sources.get(name) {
            return *number;
        }
        let number = u32::try_from(self.sources.len()).unwrap_or(u32::MAX);
        self.sources.insert(name.to_owned(), number);
        self.waiting.sources.push((number, name.to_owned()));
        number
    }
}

fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io(folder)(e)),
        _ => Ok(()),
    }
}

/// Waits until no one holds the lock of the files in `folder`. The tasks of sled's thread pool keep the files open, so
/// with the lock, until they are next scheduled, which is after the last handle is gone.
fn await_free(folder: &Path) -> Result<(), Error> {
    let path = folder.join(FILE);
    let file = match fs::File::open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io(&path)(e)),
    };
    for _ in 0..TRIES {
        match file.try_lock() {
            // Given back by name: a child process just started may still share the handle.
            Ok(()) => return file.unlock().map_err(Error::io(&path)),
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            Err(TryLockError::Error(e)) => return Err(Error::io(&path)(e)),
        }
    }
    Err(Error::Busy { holder: "another process that did not leave its name".into(), path })
}

/// Runs `work`, turning a panic inside sled into a text.
fn guarded<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(outcome) => outcome.map_err(|e| e.to_string()),
        Err(_) => Err("sled panicked over its files".into()),
    }
}

fn ask<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, Error> {
    guarded(work).map_err(|what| Error::Index { what })
}

fn feed_of(feed: &str) -> Vec<u8> {
    let mut bytes = vec![FEED];
    bytes.extend_from_slice(feed.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bellwether_model::{Fact, Grade, Period};
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::{Append, EventLog, FixedClock, Segments};

    fn fact(source: &str, key: &str) -> Fact {
        Fact {
            id: uuid::Uuid::nil(),
            op: bellwether_model::Op::Assert,
            kind: "exercise.held".into(),
            source: source.into(),
            key: key.into(),
            valid: Period::year(2024).unwrap(),
            published_at: None,
            published_basis: bellwether_model::Basis::Recorded,
            actors: vec![],
            value: None,
            unit: None,
            grade: Grade::UNKNOWN,
            attributes: Default::default(),
            evidence: Default::default(),
            note: None,
        }
    }

    /// Fails when a point read is answered by anything but sled: what is removed there must be missed.
    #[test]
    fn r11_point_reads_go_through_sled() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::new(DateTime::<Utc>::UNIX_EPOCH));
        let log = Segments::open(dir.path(), clock.clone()).unwrap();
        log.append(Append::facts(vec![fact("a", "k"), fact("b", "k")]).checkpoint("f", 1.into())).unwrap();
        log.snapshot_put("s", 3, b"x").unwrap();
        assert_eq!(log.keys_latest("a", "k").unwrap(), [1]);
        assert_eq!(log.find_key("k").unwrap().len(), 2);
        assert_eq!(log.checkpoint("f").unwrap(), Some(1.into()));

        let index = log.index().unwrap();
        let run = held(&index.state).manifest.runs[0].0;
        let entry = Entry { key: runs::digest("k"), seq: 2, source: 1 };
        index.main.insert(runs::page_name(run, entry.key, 1), runs::page_out(&[entry])).unwrap();
        index.main.remove(feed_of("f")).unwrap();
        index.main.remove(b"p").unwrap();
        assert_eq!(log.keys_latest("a", "k").unwrap(), [0_u64; 0]);
        assert_eq!(log.find_key("k").unwrap(), [("b".to_owned(), vec![2])]);
        assert_eq!(log.checkpoint("f").unwrap(), None);
        assert_eq!(log.snapshot_get("s", 9).unwrap(), None);
    }

    #[test]
    fn many_small_writes_merge_and_crashes_leave_no_orphans() {
        let dir = tempfile::tempdir().unwrap();
        let body = |n: u64| Body::Fact(fact(["a", "b"][(n % 2) as usize], &format!("k{}", n % 97)));
        {
            let index = Index::open(dir.path(), 1 << 20, 1, false).unwrap();
            for n in 0..1000 {
                index.learn(std::iter::once((n + 1, body(n))), (n + 1, [n as u8; 32]));
            }
            assert!(held(&index.state).manifest.runs.len() < 40);
            // A run that no manifest names: its writer was killed.
            index
                .write_run(
                    held(&index.state).manifest.next,
                    std::iter::once(Ok(Entry { key: [0; 16], seq: 1, source: 0 })),
                )
                .unwrap();
            index.flush().unwrap();
            index.free().unwrap();
        }
        let index = Index::open(dir.path(), 1 << 20, 1, false).unwrap();
        assert_eq!(index.covered().0, 1000);
        let live = held(&index.state).manifest.runs.clone();
        let named: std::collections::BTreeSet<u64> =
            index.main.scan_prefix(RUN).keys().map(|name| runs::run_of(&name.unwrap()).unwrap()).collect();
        assert!(named.iter().eq(live.iter().map(|run| &run.0)), "{named:?} {live:?}");
        for k in 0..97 {
            let expected =
                |source: u64| (0..1000).filter(move |n| n % 97 == k && n % 2 == source).map(|n| n + 1);
            let key = format!("k{k}");
            assert_eq!(index.keys("a", &key).unwrap(), expected(0).collect::<Vec<_>>());
            let both = [("a".to_owned(), expected(0).collect()), ("b".to_owned(), expected(1).collect())];
            assert_eq!(index.find(&key).unwrap(), both);
        }
    }

    #[test]
    fn a_key_that_fills_many_pages_is_found_whole() {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::open(dir.path(), 1 << 20, usize::MAX, false).unwrap();
        let bodies = (0..3000_u64).map(|n| Body::Fact(fact("a", if n % 3 == 0 { "hot" } else { "cold" })));
        index.learn((1..).zip(bodies), (3000, [1; 32]));
        assert_eq!(index.keys("a", "hot").unwrap(), (0..3000).step_by(3).map(|n| n + 1).collect::<Vec<_>>());
        assert_eq!(index.keys("a", "cold").unwrap().len(), 2000);
    }
}
