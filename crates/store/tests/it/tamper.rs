//! Changed bytes.

use std::path::Path;

use bellwether_store::{Append, Chain, Error, EventLog, Segments};
use serde_json::json;

use crate::common::*;

/// A store of three segments with blocks of many sizes, compressed ones too.
fn sample(dir: &Path) -> String {
    let log = open(dir);
    for n in 0..30 {
        log.append(Append::facts(facts(n * 6..n * 6 + 1 + n % 9)).checkpoint("f", json!(n))).unwrap();
    }
    let text = ndjson(&log);
    log.close().unwrap();
    text
}

/// Either refused with a place, or every answer is as before.
fn judge(dir: &Path, text: &str, what: &str) -> bool {
    let verified = Segments::verify(dir);
    match Segments::open_read(dir, clock()) {
        Err(e) => {
            assert!(matches!(e, Error::Integrity { .. }), "{what}: {e}");
            let verified = verified.unwrap();
            assert_eq!(verified.chain, Chain::Broken, "{what}");
            assert!(verified.first_bad.is_some());
            true
        }
        Ok(log) => {
            assert_eq!(ndjson(&log), text, "{what}");
            assert_eq!(verified.unwrap().chain, Chain::Ok, "{what}");
            false
        }
    }
}

#[test]
fn r05_a_flipped_bit_is_found_or_harmless() {
    let dir = tempfile::tempdir().unwrap();
    let text = sample(dir.path());
    let mut files = segments(dir.path());
    assert!(files.len() >= 3);
    files.push(dir.path().join("log/HEAD"));
    let total: u64 = files.iter().map(|f| std::fs::metadata(f).unwrap().len()).sum();
    for seed in 0..1000 {
        let random = mix(seed);
        let mut at = (random >> 3) % total;
        if seed < 60 {
            at = total - 1 - at % 56; // the anchor is small, give it its share
        }
        let mut file = files.iter();
        let path = loop {
            let path = file.next().unwrap();
            let len = std::fs::metadata(path).unwrap().len();
            if at < len {
                break path;
            }
            at -= len;
        };
        let bit = random % 8;
        let good = std::fs::read(path).unwrap();
        let mut bad = good.clone();
        bad[at as usize] ^= 1 << bit;
        std::fs::write(path, &bad).unwrap();
        let found =
            judge(dir.path(), &text, &format!("seed {seed}: bit {bit} of byte {at} in {}", path.display()));
        assert!(found, "everything lies within the anchor, so every bit counts: seed {seed}");
        std::fs::write(path, &good).unwrap();
    }
    assert!(!judge(dir.path(), &text, "unchanged"));
}

/// The index is no truth: whatever becomes of it, the answers stay, or it says that it failed.
#[test]
fn r05_a_flipped_bit_in_the_index_changes_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    let text = sample(dir.path());
    let reader = Segments::open_read(dir.path(), clock()).unwrap();
    let expected = |log: &Segments| -> Result<_, Error> {
        let keys: Result<Vec<_>, Error> = (0..7).map(|n| log.find_key(&format!("k{n}"))).collect();
        Ok((keys?, log.checkpoint("f")?))
    };
    let right = expected(&reader).unwrap();
    let db = std::fs::read(dir.path().join("sled/db")).unwrap();
    let used = db.iter().rposition(|byte| *byte != 0).unwrap() as u64 + 1;
    let work = tempfile::tempdir().unwrap();
    for seed in 0..60 {
        let at = work.path().join(seed.to_string());
        copy(dir.path(), &at);
        let random = mix(seed + 5000);
        let mut bad = db.clone();
        bad[((random >> 3) % used) as usize] ^= 1 << (random % 8);
        std::fs::write(at.join("sled/db"), bad).unwrap();
        let log = open(&at);
        assert_eq!(ndjson(&log), text);
        match expected(&log) {
            Ok(answers) => assert_eq!(answers, right, "seed {seed}"),
            Err(e) => assert!(matches!(e, Error::Index { .. }), "seed {seed}: {e}"),
        }
    }
}

#[test]
fn r05_the_first_bad_sequence_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let mut starts = vec![56];
    for n in 0..6 {
        log.append(Append::facts(facts(n * 2..n * 2 + 2))).unwrap();
        starts.push(std::fs::metadata(&segments(dir.path())[0]).unwrap().len() as usize);
    }
    log.close().unwrap();
    let path = segments(dir.path()).remove(0);
    let good = std::fs::read(&path).unwrap();
    for (n, start) in starts.iter().enumerate().take(6) {
        let mut bad = good.clone();
        bad[start + 70] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        let verified = Segments::verify(dir.path()).unwrap();
        let first = n as u64 * 2 + 1;
        assert_eq!((verified.first_bad, verified.events, verified.head), (Some(first), first - 1, 12));
        let json = serde_json::to_string(&verified).unwrap();
        assert_eq!(
            json,
            format!(r#"{{"events":{},"head":12,"chain":"broken","first_bad":{first}}}"#, first - 1)
        );
    }
}

#[test]
fn r05_a_change_that_mends_its_checksum_breaks_the_chain() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for n in 0..4 {
        log.append(Append::facts(vec![fact(n)])).unwrap();
    }
    log.close().unwrap();
    let path = segments(dir.path()).remove(0);
    let mut bytes = std::fs::read(&path).unwrap();
    let second = 56 + u32::from_le_bytes(bytes[60..64].try_into().unwrap()) as usize;
    let len = u32::from_le_bytes(bytes[second + 4..second + 8].try_into().unwrap()) as usize;
    bytes[second + len - 1] ^= 1;
    let crc = crc(&bytes[second + 4..second + len]);
    bytes[second..second + 4].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(Segments::verify(dir.path()).unwrap().first_bad, Some(2));
    assert!(Segments::open(dir.path(), clock()).is_err_and(|e| e.exit_code() == 5));
}

/// Past the anchor, damage that a later append follows cannot be a torn tail.
#[test]
fn r05_damage_before_a_later_append_is_not_cut() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.append(Append::facts(facts(0..1))).unwrap();
    log.close().unwrap();
    let anchor = std::fs::read(dir.path().join("log/HEAD")).unwrap();
    let log = open(dir.path());
    let path = segments(dir.path()).remove(0);
    let start = std::fs::metadata(&path).unwrap().len() as usize;
    log.append(Append::facts(facts(1..3))).unwrap();
    let middle = std::fs::metadata(&path).unwrap().len() as usize;
    log.append(Append::facts(facts(3..5))).unwrap();
    log.close().unwrap();
    std::fs::write(dir.path().join("log/HEAD"), &anchor).unwrap();
    let good = std::fs::read(&path).unwrap();
    for at in [start, start + 5, start + 20, start + 100, middle - 1] {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        std::fs::write(&path, &bad).unwrap();
        assert_eq!(Segments::verify(dir.path()).unwrap().first_bad, Some(2), "byte {at}");
        assert!(Segments::open(dir.path(), clock()).is_err_and(|e| e.exit_code() == 5));
        assert_eq!(std::fs::read(&path).unwrap(), bad, "nothing was cut");
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): one well-mixed number a seed.
pub(crate) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// CRC-32 (ISO-HDLC), bit by bit: an implementation apart from the one under test.
pub(crate) fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1));
        }
    }
    !crc
}

#[test]
fn the_checksum_is_the_published_one() {
    assert_eq!(crc(b"123456789"), 0xcbf4_3926, "check value of CRC-32/ISO-HDLC");
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let anchor = std::fs::read(dir.path().join("log/HEAD")).unwrap();
    let (body, sum) = anchor.split_last_chunk::<4>().unwrap();
    assert_eq!(crc(body), u32::from_le_bytes(*sum));
}
