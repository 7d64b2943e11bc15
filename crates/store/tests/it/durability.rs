//! Syncs, locks, torn tails, full disks.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bellwether_store::disk::{Disk, LogFile, OsDisk};
use bellwether_store::{Append, Chain, Error, EventLog, Options, Segments};
use serde_json::json;

use crate::common::*;

/// A disk that fails on demand.
#[derive(Default)]
struct Faulty {
    sync_fails: AtomicBool,
    /// Bytes that still fit; `u64::MAX` for no limit.
    room: AtomicU64,
    syncs: Arc<AtomicU64>,
    unsynced: Arc<AtomicU64>,
}

struct FaultyFile {
    file: Box<dyn LogFile>,
    disk: Arc<Faulty>,
}

struct FaultyDisk(Arc<Faulty>);

impl LogFile for FaultyFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = self.disk.room.load(Ordering::SeqCst);
        let fits = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        self.file.append(&bytes[..fits])?;
        self.disk.unsynced.fetch_add(fits as u64, Ordering::SeqCst);
        if room != u64::MAX {
            self.disk.room.fetch_sub(fits as u64, Ordering::SeqCst);
        }
        if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.disk.sync_fails.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk is gone"));
        }
        self.disk.syncs.fetch_add(1, Ordering::SeqCst);
        self.disk.unsynced.store(0, Ordering::SeqCst);
        self.file.sync()
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.file.cut(len)
    }
}

impl Disk for FaultyDisk {
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn LogFile>> {
        Ok(Box::new(FaultyFile { file: OsDisk.open(path, create)?, disk: Arc::clone(&self.0) }))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        OsDisk.sync_dir(dir)
    }
}

fn faulty() -> (Arc<Faulty>, Options) {
    let state = Arc::new(Faulty { room: AtomicU64::new(u64::MAX), ..Faulty::default() });
    let options = Options { disk: Arc::new(FaultyDisk(Arc::clone(&state))), ..small() };
    (state, options)
}

#[test]
fn nothing_is_acknowledged_before_it_is_synced() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, options) = faulty();
    let log = Segments::open_with(dir.path(), clock(), &options).unwrap();
    let mut head = log.subscribe();
    for n in 0..20 {
        let before = disk.syncs.load(Ordering::SeqCst);
        log.append(Append::facts(facts(n * 10..n * 10 + 10))).unwrap();
        assert!(disk.syncs.load(Ordering::SeqCst) > before);
        assert_eq!(disk.unsynced.load(Ordering::SeqCst), 0);
        assert_eq!(*head.borrow_and_update(), n * 10 + 10);
    }
}

/// A disk whose syncs wait for leave.
struct Slow {
    leave: std::sync::Mutex<std::sync::mpsc::Receiver<bool>>,
    syncs: AtomicU64,
}

struct SlowFile(Box<dyn LogFile>, Arc<Slow>);
struct SlowDisk(Arc<Slow>);

impl LogFile for SlowFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.1.syncs.fetch_add(1, Ordering::SeqCst);
        let fine = self.1.leave.lock().unwrap().recv().unwrap_or(true);
        if fine { self.0.sync() } else { Err(io::Error::other("no")) }
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.0.cut(len)
    }
}

impl Disk for SlowDisk {
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn LogFile>> {
        Ok(Box::new(SlowFile(OsDisk.open(path, create)?, Arc::clone(&self.0))))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        OsDisk.sync_dir(dir)
    }
}

/// Eight appends that wait while the ninth syncs; the outcome of each, and the syncs it took.
fn eight_behind_one(fine: bool) -> (tempfile::TempDir, Segments, Vec<Result<u64, Error>>, u64) {
    let dir = tempfile::tempdir().unwrap();
    let (give, leave) = std::sync::mpsc::channel();
    let slow = Arc::new(Slow { leave: std::sync::Mutex::new(leave), syncs: AtomicU64::new(0) });
    let options = Options { disk: Arc::new(SlowDisk(Arc::clone(&slow))), ..Options::default() };
    let log = Segments::open_with(dir.path(), clock(), &options).unwrap();
    // Creating the segment, and the first append.
    give.send(true).unwrap();
    give.send(true).unwrap();
    log.append(Append::facts(facts(0..1))).unwrap();
    slow.syncs.store(0, Ordering::SeqCst);
    let outcomes = std::thread::scope(|scope| {
        let first = scope.spawn(|| log.append(Append::facts(facts(1..2))));
        while slow.syncs.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        let rest: Vec<_> = (0..8)
            .map(|n| {
                let log = &log;
                // Each with one fact of its own and one that all have.
                scope.spawn(move || log.append(Append::facts(vec![fact(10 + n), fact(99)])))
            })
            .collect();
        while log.waiting() < 8 {
            std::thread::yield_now();
        }
        assert_eq!(log.head(), 1, "nothing shows before its sync");
        give.send(true).unwrap();
        give.send(fine).unwrap();
        first.join().unwrap().unwrap();
        rest.into_iter().map(|one| one.join().unwrap().map(|receipt| receipt.stored)).collect()
    });
    let syncs = slow.syncs.load(Ordering::SeqCst);
    drop(give);
    (dir, log, outcomes, syncs)
}

#[test]
fn waiting_appends_share_a_sync() {
    let (dir, log, outcomes, syncs) = eight_behind_one(true);
    assert_eq!(syncs, 2, "one for the first, one for the eight that waited");
    let stored: u64 = outcomes.into_iter().map(Result::unwrap).sum();
    assert_eq!((stored, log.head()), (9, 11));
    let before = ndjson(&log);
    log.close().unwrap();
    assert_eq!(ndjson(&open(dir.path())), before);
}

#[test]
fn r03_a_failed_shared_sync_acknowledges_none() {
    let (dir, log, outcomes, _) = eight_behind_one(false);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(Error::Poisoned { .. }))));
    assert_eq!((log.head(), all(&log).len()), (2, 2));
    assert!(matches!(log.append(Append::facts(facts(50..51))), Err(Error::Poisoned { .. })));
    drop(log);
    assert!(open(dir.path()).head() >= 2);
}

#[test]
fn r03_a_failed_sync_poisons_the_writer() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, options) = faulty();
    let log = Segments::open_with(dir.path(), clock(), &options).unwrap();
    log.append(Append::facts(facts(0..5))).unwrap();
    let head = log.subscribe();
    disk.sync_fails.store(true, Ordering::SeqCst);
    let failed = log.append(Append::facts(facts(5..9))).unwrap_err();
    assert!(matches!(failed, Error::Poisoned { .. }), "{failed}");
    assert_eq!(failed.exit_code(), 5);
    // The disk recovering does not help: what it holds is unknown.
    disk.sync_fails.store(false, Ordering::SeqCst);
    for _ in 0..2 {
        assert!(matches!(log.append(Append::facts(facts(9..10))), Err(Error::Poisoned { .. })));
    }
    assert!(matches!(log.anchor(), Err(Error::Poisoned { .. })));
    assert_eq!((log.head(), *head.borrow()), (5, 5), "the head never showed it");
    assert_eq!(all(&log).len(), 5, "what was acknowledged can be read");
    assert!(log.close().is_err());

    let again = open(dir.path());
    assert!(again.head() >= 5);
    assert!(facts(0..5).iter().eq(all(&again).iter().take(5).filter_map(|r| r.fact())));
    assert_eq!(again.append(Append::facts(facts(0..10))).unwrap().head, 10);
}

#[test]
fn r04_a_torn_tail_is_cut_at_every_byte() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(Append::facts(facts(0..3))).unwrap();
    log.close().unwrap();
    let segment = segments(dir.path()).pop().unwrap();
    let whole = std::fs::read(&segment).unwrap();
    // An append of three blocks that was never acknowledged, without the anchor that follows it.
    let work = tempfile::tempdir().unwrap();
    let torn = work.path().join("torn");
    copy(dir.path(), &torn);
    let anchor = std::fs::read(torn.join("log/HEAD")).unwrap();
    let log = open(&torn);
    log.append(Append::facts(facts(3..20)).checkpoint("f", json!(1))).unwrap();
    log.close().unwrap();
    let full = std::fs::read(torn.join("log").join(segment.file_name().unwrap())).unwrap();
    assert!(full.starts_with(&whole) && full.len() > whole.len());

    for len in whole.len()..=full.len() {
        let at = work.path().join("at");
        drop(std::fs::remove_dir_all(&at));
        std::fs::create_dir_all(at.join("log")).unwrap();
        std::fs::write(at.join("log/HEAD"), &anchor).unwrap();
        let file = at.join("log").join(segment.file_name().unwrap());
        std::fs::write(&file, &full[..len]).unwrap();
        assert_eq!(Segments::verify(&at).unwrap().chain, Chain::Ok, "a torn tail is no damage");

        let reader = Segments::open_read(&at, clock()).unwrap();
        let kept = if len == full.len() { 21 } else { 3 };
        assert_eq!(reader.head(), kept);
        assert_eq!(std::fs::metadata(&file).unwrap().len(), len as u64, "a reader cuts nothing");
        if len % 7 != 0 && len + 70 < full.len() && len > whole.len() + 70 {
            continue; // The owner's open costs an index: every byte near the ends, every seventh between.
        }
        let log = open(&at);
        assert_eq!(log.head(), kept, "cut at {len}");
        let cut = if len == full.len() { 0 } else { len - whole.len() };
        assert_eq!(log.opened().cut_bytes, cut as u64);
        assert_eq!(log.opened().cut_reason.is_some(), cut > 0);
        assert_eq!(log.checkpoint("f").unwrap(), (kept == 21).then(|| json!(1)));
        let receipt = log.append(Append::facts(facts(0..20))).unwrap();
        assert_eq!((receipt.duplicate, receipt.stored), if kept == 3 { (3, 17) } else { (20, 0) });
        drop(log);
        assert_eq!(Segments::verify(&at).unwrap().chain, Chain::Ok);
    }
}

#[test]
fn r04_an_append_across_segments_is_cut_as_one() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(Append::facts(facts(0..3))).unwrap();
    log.close().unwrap();
    let anchor = std::fs::read(dir.path().join("log/HEAD")).unwrap();
    let log = open(dir.path());
    log.append(Append::facts(facts(3..200))).unwrap();
    log.close().unwrap();
    let files = segments(dir.path());
    assert!(files.len() > 2, "{files:?}");
    for gone in 1..files.len() {
        for cut_head in [false, true] {
            let work = tempfile::tempdir().unwrap();
            copy_log(dir.path(), work.path());
            std::fs::write(work.path().join("log/HEAD"), &anchor).unwrap();
            for file in &files[gone..] {
                let file = work.path().join("log").join(file.file_name().unwrap());
                if cut_head && file.file_name() == files[gone].file_name() {
                    std::fs::OpenOptions::new().write(true).open(file).unwrap().set_len(20).unwrap();
                } else {
                    std::fs::remove_file(file).unwrap();
                }
            }
            let log = open(work.path());
            assert_eq!(log.head(), 3);
            assert!(log.opened().cut_records > 0 && log.opened().cut_bytes > 0);
            assert_eq!(segments(work.path()).len(), 1);
            log.append(Append::facts(facts(0..200))).unwrap();
            assert_eq!(log.head(), 200);
        }
    }
}

#[test]
fn r06_a_removed_tail_is_told_by_the_anchor() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let mut lengths = Vec::new();
    for n in 0..5 {
        log.append(Append::facts(facts(n * 2..n * 2 + 2))).unwrap();
        lengths.push(std::fs::metadata(segments(dir.path()).pop().unwrap()).unwrap().len());
    }
    log.close().unwrap();
    assert_eq!(segments(dir.path()).len(), 1);
    // Cut at a frame boundary: checksums and chain of what remains are in order.
    for (n, len) in lengths.iter().enumerate().take(4) {
        let work = tempfile::tempdir().unwrap();
        copy_log(dir.path(), work.path());
        let file = segments(work.path()).pop().unwrap();
        std::fs::OpenOptions::new().write(true).open(file).unwrap().set_len(*len).unwrap();
        let verified = Segments::verify(work.path()).unwrap();
        let kept = (n as u64 + 1) * 2;
        assert_eq!(
            (verified.chain, verified.first_bad, verified.events),
            (Chain::Broken, Some(kept + 1), kept)
        );
        assert_eq!((verified.head, verified.exit_code()), (10, 5));
        let refused = Segments::open(work.path(), clock()).err().unwrap();
        assert!(matches!(refused, Error::Integrity { seq, .. } if seq == kept + 1), "{refused}");
        assert_eq!(refused.exit_code(), 5);
    }
    for gone in ["00000000000000000001.seg", "HEAD"] {
        let work = tempfile::tempdir().unwrap();
        copy_log(dir.path(), work.path());
        std::fs::remove_file(work.path().join("log").join(gone)).unwrap();
        assert_eq!(Segments::verify(work.path()).unwrap().chain, Chain::Broken, "{gone}");
        assert!(Segments::open(work.path(), clock()).is_err_and(|e| e.exit_code() == 5), "{gone}");
    }
    assert!(dir.path().join("sled").is_dir());
    std::fs::remove_dir_all(dir.path().join("log")).unwrap();
    let verified = Segments::verify(dir.path()).unwrap();
    assert_eq!((verified.chain, verified.first_bad), (Chain::Broken, Some(1)), "the whole log");
}

#[test]
fn r06_a_lost_segment_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for n in 0..40 {
        log.append(Append::facts(facts(n * 5..n * 5 + 5))).unwrap();
    }
    log.close().unwrap();
    let files = segments(dir.path());
    assert!(files.len() >= 3);
    for gone in &files {
        let work = tempfile::tempdir().unwrap();
        copy_log(dir.path(), work.path());
        std::fs::remove_file(work.path().join("log").join(gone.file_name().unwrap())).unwrap();
        let first: u64 = gone.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        assert_eq!(Segments::verify(work.path()).unwrap().first_bad, Some(first));
        assert!(Segments::open(work.path(), clock()).is_err_and(|e| e.exit_code() == 5));
    }
}

#[test]
fn the_anchor_lags_and_never_leads() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let log = Segments::open_with(dir.path(), clock.clone(), &Options::default()).unwrap();
    let count = || {
        let bytes = std::fs::read(dir.path().join("log/HEAD")).unwrap();
        u64::from_le_bytes(bytes[12..20].try_into().unwrap())
    };
    assert_eq!(count(), 0);
    log.append(Append::facts(facts(0..1))).unwrap();
    assert_eq!(count(), 1, "the first append finds no anchor of this run");
    log.append(Append::facts(facts(1..2))).unwrap();
    assert_eq!(count(), 1, "within the second it waits");
    clock.set(moment("2026-01-01T12:00:01.2Z"));
    log.append(Append::facts(facts(2..3))).unwrap();
    assert_eq!(count(), 3);
    log.append(Append::facts(facts(3..4))).unwrap();
    log.anchor().unwrap();
    assert_eq!(count(), 4, "a daemon may ask for it");
    log.append(Append::facts(facts(4..5))).unwrap();
    log.close().unwrap();
    assert_eq!(count(), 5);
}

#[test]
fn r07_a_full_disk_refuses_and_resumes() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, options) = faulty();
    let log = Segments::open_with(dir.path(), clock(), &options).unwrap();
    log.append(Append::facts(facts(0..5))).unwrap();
    let before = ndjson(&log);
    for room in [0, 1, 63, 64, 500, 3000, 6000, 9000] {
        disk.room.store(room, Ordering::SeqCst);
        let full = log.append(Append::facts(facts(5..300)).checkpoint("f", json!(1))).unwrap_err();
        assert!(matches!(full, Error::DiskFull { .. }), "{full}");
        assert_eq!((log.head(), ndjson(&log)), (5, before.clone()));
        assert_eq!(segments(dir.path()).len(), 1);
    }
    disk.room.store(u64::MAX, Ordering::SeqCst);
    let resumed = log.append(Append::facts(facts(0..300))).unwrap();
    assert_eq!((resumed.stored, resumed.duplicate, resumed.head), (295, 5, 300));
    log.close().unwrap();
    assert_eq!(Segments::verify(dir.path()).unwrap().events, 300);
    assert_eq!(open(dir.path()).opened().cut_bytes, 0);
}

#[test]
fn r08_a_second_owner_is_told_who_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(Append::facts(facts(0..2))).unwrap();
    let busy = Segments::open(dir.path(), clock()).err().unwrap();
    assert_eq!(busy.exit_code(), 7);
    let Error::Busy { holder, path } = &busy else { panic!("{busy}") };
    assert!(holder.contains(&std::process::id().to_string()), "{holder}");
    assert_eq!(path, &dir.path().join("LOCK"));
    assert!(busy.to_string().contains(holder));
    assert_eq!(bellwether_store::owner(dir.path()).unwrap().as_ref(), Some(holder));
    assert_eq!(Segments::open_read(dir.path(), clock()).unwrap().head(), 2, "readers need no lock");
    log.close().unwrap();
    assert_eq!(bellwether_store::owner(dir.path()).unwrap(), None);
    assert_eq!(open(dir.path()).head(), 2);
}

#[test]
fn r11_deleting_sled_changes_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for n in 0..10 {
        log.append(Append::facts(facts(n * 7..n * 7 + 7)).checkpoint("f", json!(n))).unwrap();
    }
    log.snapshot_put("s", 3, b"kept").unwrap();
    let answers = |log: &Segments| {
        let keys: Vec<_> = (0..8).map(|n| log.find_key(&format!("k{n}")).unwrap()).collect();
        (ndjson(log), keys, log.checkpoint("f").unwrap(), log.keys_latest("customs", "k1").unwrap())
    };
    let before = answers(&log);
    log.close().unwrap();

    let warm = open(dir.path());
    assert_eq!(answers(&warm), before);
    assert!(!warm.opened().index_rebuilt);
    assert_eq!(warm.snapshot_get("s", 9).unwrap(), Some((3, b"kept".to_vec())));
    warm.close().unwrap();

    std::fs::remove_dir_all(dir.path().join("sled")).unwrap();
    let cold = open(dir.path());
    assert!(cold.opened().index_rebuilt);
    assert_eq!(answers(&cold), before);
    assert_eq!(cold.snapshot_get("s", 9).unwrap(), None, "snapshots are a cache");
    cold.close().unwrap();

    for junk in [&b""[..], b"junk", &[0xff; 5000]] {
        for file in ["db", "conf"] {
            std::fs::write(dir.path().join("sled").join(file), junk).unwrap();
            let log = open(dir.path());
            assert_eq!(answers(&log), before, "{file} of {} bytes", junk.len());
            log.close().unwrap();
        }
    }
    assert_eq!(Segments::rebuild_index(dir.path()).unwrap(), 80);
    assert_eq!(answers(&open(dir.path())), before);
}

#[test]
fn r11_an_index_of_another_history_is_not_believed() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (dir, start) in [(&one, 0), (&two, 500)] {
        let log = open(dir.path());
        log.append(Append::facts(facts(start..start + 20)).checkpoint("f", json!(start))).unwrap();
        log.snapshot_put("s", 1, b"of another log").unwrap();
        log.close().unwrap();
    }
    std::fs::remove_dir_all(one.path().join("sled")).unwrap();
    copy(&two.path().join("sled"), &one.path().join("sled"));
    let log = open(one.path());
    assert!(log.opened().index_rebuilt);
    assert_eq!(log.checkpoint("f").unwrap(), Some(json!(0)));
    assert_eq!(log.snapshot_get("s", 9).unwrap(), None);
    let reader = Segments::open_read(one.path(), clock()).unwrap();
    assert_eq!(log.find_key("k1").unwrap(), reader.find_key("k1").unwrap());
}

#[test]
fn r14_a_lagging_index_catches_up() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(Append::facts(facts(0..20)).checkpoint("f", json!(1))).unwrap();
    log.close().unwrap();
    let old = tempfile::tempdir().unwrap();
    copy(&dir.path().join("sled"), &old.path().join("sled"));
    let log = open(dir.path());
    log.append(Append::facts(facts(20..60)).checkpoint("f", json!(2))).unwrap();
    let before = log.find_key("k1").unwrap();
    log.close().unwrap();
    std::fs::remove_dir_all(dir.path().join("sled")).unwrap();
    copy(&old.path().join("sled"), &dir.path().join("sled"));
    let log = open(dir.path());
    assert_eq!((log.opened().index_rebuilt, log.opened().index_caught_up), (false, 41));
    assert_eq!(log.checkpoint("f").unwrap(), Some(json!(2)));
    assert_eq!(log.find_key("k1").unwrap(), before);
}

#[test]
fn r02_after_a_power_cut_the_index_is_not_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(Append::facts(facts(0..20)).checkpoint("f", json!(1))).unwrap();
    let lock = std::fs::read_to_string(dir.path().join("LOCK")).unwrap();
    log.close().unwrap();
    assert_eq!(std::fs::read_to_string(dir.path().join("LOCK")).unwrap(), "");
    // Left open in this boot: killed, and what it wrote is in the page cache.
    std::fs::write(dir.path().join("LOCK"), &lock).unwrap();
    let log = open(dir.path());
    assert!(!log.opened().index_rebuilt);
    log.close().unwrap();
    // Left open in another boot: sled's files may be anything.
    let lock: String =
        lock.lines().filter(|line| !line.starts_with("boot=")).map(|l| format!("{l}\n")).collect();
    std::fs::write(dir.path().join("LOCK"), lock + "boot=another\n").unwrap();
    let log = open(dir.path());
    assert!(log.opened().index_rebuilt);
    assert_eq!(log.checkpoint("f").unwrap(), Some(json!(1)));
}

#[test]
fn r33_a_backup_during_writes_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(Append::facts(facts(0..50)).checkpoint("f", json!(1))).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for n in 0..60 {
                log.append(Append::facts(facts(100 + n * 5..105 + n * 5)).checkpoint("f", json!(n))).unwrap();
            }
        });
        for n in 0..8 {
            let copy = dir.path().join(format!("copy{n}"));
            let head = log.backup(&copy).unwrap();
            let verified = Segments::verify(&copy).unwrap();
            assert_eq!((verified.chain, verified.events, verified.head), (Chain::Ok, head, head));
            let restored = open(&copy);
            assert_eq!(restored.opened().cut_bytes, 0);
            let both = ndjson(&log);
            assert!(both.starts_with(&ndjson(&restored)), "a backup is a beginning of the log");
            assert!(log.backup(&copy).is_err(), "never over another log");
        }
        writer.join().unwrap();
    });
    let copy = dir.path().join("last");
    assert_eq!(log.backup(&copy).unwrap(), log.head());
    assert_eq!(ndjson(&open(&copy)), ndjson(&log));
    let reader = Segments::open_read(&copy, clock()).unwrap();
    assert_eq!(reader.backup(&dir.path().join("of a reader")).unwrap(), log.head());
}

#[test]
fn readers_beside_a_writer_see_a_beginning_of_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..80 {
                log.append(Append::facts(facts(n * 11..n * 11 + 11))).unwrap();
            }
            done.store(true, Ordering::SeqCst);
        });
        let mut last = 0;
        while !done.load(Ordering::SeqCst) {
            let reader = Segments::open_read(dir.path(), clock()).unwrap();
            assert!(reader.head() >= last && reader.head().is_multiple_of(11), "whole appends only");
            last = reader.head();
            assert_eq!(all(&reader).len() as u64, last);
            assert_eq!(Segments::verify(dir.path()).unwrap().chain, Chain::Ok);
        }
    });
}
