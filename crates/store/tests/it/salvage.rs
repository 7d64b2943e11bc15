//! What is left of a damaged log.

use std::path::{Path, PathBuf};

use bellwether_model::{Body, Record};
use bellwether_store::{Append, Chain, Error, EventLog, LOST, Lost, Salvaged, Segments};
use serde_json::json;

use crate::common::*;

/// A store of several segments with appends of one block and of many, and its records.
fn sample(dir: &Path) -> Vec<Record> {
    let log = open(dir);
    for n in 0..24 {
        log.append(Append::facts(facts(n * 30..n * 30 + 1 + n % 5 * 6)).checkpoint("f", json!(n))).unwrap();
    }
    let records = all(&log);
    log.close().unwrap();
    records
}

/// A block of a segment file: its bytes and sequences, read off without the code under test.
struct Block {
    path: PathBuf,
    bytes: std::ops::Range<usize>,
    seqs: (u64, u64),
}

fn blocks(dir: &Path) -> Vec<Block> {
    let mut found = Vec::new();
    for path in segments(dir) {
        let bytes = std::fs::read(&path).unwrap();
        let mut at = 56;
        while at < bytes.len() {
            let len = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
            let count = u64::from(u16::from_le_bytes(bytes[at + 10..at + 12].try_into().unwrap()));
            let first = u64::from_le_bytes(bytes[at + 16..at + 24].try_into().unwrap());
            found.push(Block { path: path.clone(), bytes: at..at + len, seqs: (first, first + count - 1) });
            at += len;
        }
    }
    found
}

/// Salvages, checks that the copy is a sound store with just what is not lost in its old place, and gives the outcome.
#[track_caller]
fn salvaged(dir: &Path, records: &[Record]) -> Salvaged {
    let to = tempfile::tempdir().unwrap();
    let found = Segments::salvage(dir, to.path(), clock()).unwrap();
    let verified = Segments::verify(to.path()).unwrap();
    assert_eq!((verified.chain, verified.head), (Chain::Ok, found.head));
    let copy = open(to.path());
    let mut copied = 0;
    for (seq, there) in (1..).zip(all(&copy)) {
        match found.lost.iter().find(|lost| (lost.from..=lost.to).contains(&seq)) {
            None => {
                assert_eq!(there, records[seq as usize - 1]);
                copied += 1;
            }
            Some(lost) => {
                let Body::System(system) = &there.body else { panic!("{there:?}") };
                assert_eq!((system.system.as_str(), &system.data["why"]), (LOST, &json!(lost.why)));
            }
        }
    }
    assert_eq!(copied, found.copied);
    // It goes on, and knows what it has.
    let again = copy.append(Append::facts(facts(0..1))).unwrap();
    let known = records.iter().zip(1..=found.head).any(|(r, seq)| {
        r.fact().is_some_and(|f| f.id == fact(0).id)
            && !found.lost.iter().any(|l| (l.from..=l.to).contains(&seq))
    });
    assert_eq!(again.stored, u64::from(!known));
    found
}

fn ranges(found: &Salvaged) -> Vec<(u64, u64)> {
    found.lost.iter().map(|lost| (lost.from, lost.to)).collect()
}

#[test]
fn a_whole_log_is_copied_whole_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let records = sample(dir.path());
    let head = records.len() as u64;
    let whole = Salvaged { copied: head, head, lost: vec![], anchor: Some(head) };
    assert_eq!(salvaged(dir.path(), &records), whole);
    assert_eq!(whole.exit_code(), 0);
    // A torn tail was never acknowledged: an append that lacks its end, and half a block.
    let last = segments(dir.path()).pop().unwrap();
    let good = std::fs::read(&last).unwrap();
    let log = open(dir.path());
    log.append(Append::facts(facts(2000..2030))).unwrap();
    log.close().unwrap();
    let anchor = dir.path().join("log/HEAD");
    let torn = blocks(dir.path());
    let (begin, end) = (head + 1, head + 8);
    let second = torn.iter().find(|b| b.seqs == (begin, end)).unwrap();
    let bytes = std::fs::read(&second.path).unwrap();
    let later: Vec<_> = torn.iter().filter(|b| b.seqs.0 > end && b.path != second.path).collect();
    later.iter().for_each(|b| drop(std::fs::remove_file(&b.path)));
    std::fs::write(&second.path, &bytes[..(second.bytes.end + 40).min(bytes.len())]).unwrap();
    // The anchor of before.
    let before = tempfile::tempdir().unwrap();
    sample(before.path());
    std::fs::copy(before.path().join("log/HEAD"), &anchor).unwrap();
    assert_eq!(std::fs::read(&last).unwrap()[..good.len()], good);
    assert_eq!(salvaged(dir.path(), &records), whole);
}

#[test]
fn r05_a_flipped_bit_loses_its_block_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let records = sample(dir.path());
    let head = records.len() as u64;
    let blocks = blocks(dir.path());
    let files = segments(dir.path());
    assert!(files.len() >= 3 && blocks.len() > 40);
    let total: usize = files.iter().map(|f| std::fs::metadata(f).unwrap().len() as usize).sum();
    for seed in 0..400 {
        let random = crate::tamper::mix(seed + 77);
        let mut at = (random >> 3) as usize % total;
        let mut all = files.iter();
        let path = loop {
            let path = all.next().unwrap();
            let len = std::fs::metadata(path).unwrap().len() as usize;
            if at < len {
                break path;
            }
            at -= len;
        };
        // Every field of a block's head and of a file's gets its share.
        if seed % 3 == 0 {
            at = blocks[seed as usize % blocks.len()].bytes.start + random as usize % 64;
        }
        let path = if seed % 3 == 0 { &blocks[seed as usize % blocks.len()].path } else { path };
        at = if seed % 10 == 1 { random as usize % 56 } else { at };
        let good = std::fs::read(path).unwrap();
        let mut bad = good.clone();
        bad[at] ^= 1 << (random % 8);
        std::fs::write(path, &bad).unwrap();
        let found = salvaged(dir.path(), &records);
        let hit = blocks.iter().find(|b| &b.path == path && b.bytes.contains(&at)).map(|b| b.seqs);
        assert_eq!(ranges(&found), Vec::from_iter(hit), "seed {seed}: byte {at} of {}", path.display());
        assert_eq!((found.exit_code(), found.anchor), (if hit.is_some() { 5 } else { 0 }, Some(head)));
        std::fs::write(path, &good).unwrap();
    }
}

#[test]
fn r05_what_is_lost_is_told_to_the_sequence_whatever_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let records = sample(dir.path());
    let head = records.len() as u64;
    let (files, all) = (segments(dir.path()), blocks(dir.path()));
    let of = |path: &PathBuf| {
        let inside = || all.iter().filter(|b| &b.path == path);
        (inside().next().unwrap().seqs.0, inside().next_back().unwrap().seqs.1)
    };
    let last = files.len() - 1;
    let damage = |harm: &dyn Fn(&Path)| {
        let work = tempfile::tempdir().unwrap();
        copy(dir.path(), work.path());
        harm(&work.path().join("log"));
        let found = salvaged(work.path(), &records);
        assert_eq!(found.exit_code(), 5);
        found
    };
    let name = |n: usize| files[n].file_name().unwrap().to_owned();
    // Whole files.
    for n in [0, 1, last] {
        let found = damage(&|log| std::fs::remove_file(log.join(name(n))).unwrap());
        assert_eq!(ranges(&found), [of(&files[n])]);
    }
    let found = damage(&|log| (0..=last).for_each(|n| std::fs::remove_file(log.join(name(n))).unwrap()));
    assert_eq!((found.copied, found.head, ranges(&found)), (0, 0, vec![(1, head)]));
    // Some thousand bytes in the middle of one; the ends of two.
    let inside: Vec<_> = all.iter().filter(|b| b.path == files[1]).collect();
    let (from, to) = (inside[0].bytes.start + 30, inside[2].bytes.start + 3);
    let found = damage(&|log| {
        let mut bytes = std::fs::read(log.join(name(1))).unwrap();
        bytes[from..to].fill(0);
        std::fs::write(log.join(name(1)), bytes).unwrap();
    });
    assert_eq!(ranges(&found), [(inside[0].seqs.0, inside[2].seqs.1)]);
    let cut = |n: usize| all.iter().rfind(|b| b.path == files[n]).unwrap();
    let found = damage(&|log| {
        for n in [0, last] {
            let bytes = std::fs::read(log.join(name(n))).unwrap();
            std::fs::write(log.join(name(n)), &bytes[..cut(n).bytes.end - 1]).unwrap();
        }
    });
    assert_eq!(ranges(&found), [cut(0).seqs, cut(last).seqs]);
    assert_eq!(found.head, cut(last).seqs.0 - 1);
    // Bytes put in between harm nothing, and the copy is a sound log again; of two blocks that changed
    // places the one that came too early is lost.
    let work = tempfile::tempdir().unwrap();
    copy(dir.path(), work.path());
    let path = work.path().join("log").join(name(1));
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(
        &path,
        [&bytes[..inside[1].bytes.start], &[7; 100], &bytes[inside[1].bytes.start..]].concat(),
    )
    .unwrap();
    assert_eq!(
        (ranges(&salvaged(work.path(), &records)), Segments::verify(work.path()).unwrap().exit_code()),
        (vec![], 5)
    );
    let found = damage(&|log| {
        let [a, b] = [inside[1].bytes.clone(), inside[2].bytes.clone()];
        let bytes = std::fs::read(log.join(name(1))).unwrap();
        let swapped = [&bytes[..a.start], &bytes[b.clone()], &bytes[a], &bytes[b.end..]].concat();
        std::fs::write(log.join(name(1)), swapped).unwrap();
    });
    assert_eq!(ranges(&found), [inside[2].seqs]);
    // Nobody can say how far the log had come.
    let found = damage(&|log| std::fs::remove_file(log.join("HEAD")).unwrap());
    assert_eq!((found.anchor, found.head, ranges(&found)), (None, head, vec![]));
    let found = damage(&|log| std::fs::write(log.join("HEAD"), [0; 56]).unwrap());
    assert_eq!((found.anchor, found.head, ranges(&found)), (None, head, vec![]));
}

#[test]
fn r05_a_change_that_mends_its_checksum_is_not_copied() {
    let dir = tempfile::tempdir().unwrap();
    let records = sample(dir.path());
    let block = blocks(dir.path()).remove(7);
    let mut bytes = std::fs::read(&block.path).unwrap();
    bytes[block.bytes.end - 1] ^= 1;
    let crc = crate::tamper::crc(&bytes[block.bytes.start + 4..block.bytes.end]);
    bytes[block.bytes.start..block.bytes.start + 4].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(&block.path, &bytes).unwrap();
    let found = salvaged(dir.path(), &records);
    let (from, to) = block.seqs;
    assert_eq!(found.lost, [Lost { from, to, why: "the hash chain is broken".into() }]);
}

#[test]
fn a_copy_is_never_made_over_a_log() {
    let dir = tempfile::tempdir().unwrap();
    sample(dir.path());
    let other = tempfile::tempdir().unwrap();
    open(other.path()).close().unwrap();
    for to in [dir.path(), other.path()] {
        let before = std::fs::read(to.join("log/HEAD")).unwrap();
        let refused = Segments::salvage(dir.path(), to, clock()).unwrap_err();
        assert!(matches!(refused, Error::Occupied { .. }) && refused.exit_code() == 2, "{refused}");
        let reader = Segments::open_read(dir.path(), clock()).unwrap();
        assert!(matches!(reader.backup(to), Err(Error::Occupied { .. })));
        assert_eq!(std::fs::read(to.join("log/HEAD")).unwrap(), before);
    }
    // What an interrupted copy left is no log, and in nobody's way.
    let to = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(to.path().join("log.part")).unwrap();
    std::fs::write(to.path().join("log.part/00000000000000000001.seg"), "half").unwrap();
    let reader = Segments::open_read(dir.path(), clock()).unwrap();
    assert_eq!(reader.backup(to.path()).unwrap(), reader.head());
    assert_eq!(ndjson(&open(to.path())), ndjson(&reader));
    assert!(!to.path().join("log.part").exists());
}
