//! Snapshots: which there are is looked up in sled, their bytes are files beside it, `states/`.
//!
//! Each weighs as much as a replayed state and only the newest is asked for, so older ones go. `sled` 0.34 keeps large values as
//! files too, and leaves some of them behind for ever when they are removed.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Index, ask, runs};
use crate::log::SNAPSHOTS;
use crate::{Error, held};

/// Names whose snapshots stay, those written last: a framework that is no longer read leaves nothing for ever.
const NAMES: usize = 8;
/// Which there are, in the order in which their names were written last.
const SHELF: &[u8] = b"p";
const FOLDER: &str = "states";
const SUM: usize = 32;

/// Snapshots of one name.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    name: [u8; 16],
    /// Ascending.
    seqs: Vec<u64>,
}

impl Kept {
    fn file(&self, seq: u64) -> String {
        format!("{:032x}-{seq}", u128::from_be_bytes(self.name))
    }
}

impl Index {
    /// Keeps a snapshot before its own checksum, and forgets older ones.
    pub(crate) fn snapshot_put(&self, name: &str, seq: u64, bytes: &[u8]) -> Result<(), Error> {
        let _one_at_a_time = held(&self.shelf);
        let mut shelf = self.shelf()?;
        let name = runs::digest(name);
        let folder = self.states();
        fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        let path = folder.join(Kept { name, seqs: Vec::new() }.file(seq));
        write(&path, bytes).map_err(Error::io(&path))?;
        note(&mut shelf, name, seq);
        let text = postcard::to_stdvec(&shelf).map_err(|e| Error::Index { what: e.to_string() })?;
        ask(|| self.main.insert(SHELF, text))?;
        sweep(&folder, &shelf).map_err(Error::io(&folder))
    }

    /// Newest whole snapshot at or before `at_most`.
    pub(crate) fn snapshot_get(&self, name: &str, at_most: u64) -> Result<Option<(u64, Vec<u8>)>, Error> {
        let (shelf, name) = (self.shelf()?, runs::digest(name));
        let Some(kept) = shelf.into_iter().find(|kept| kept.name == name) else { return Ok(None) };
        let folder = self.states();
        let older = kept.seqs.iter().rev().copied().filter(|seq| *seq <= at_most);
        // One that is gone or rotten is none: it was only a cache.
        Ok(older.into_iter().find_map(|seq| Some((seq, read(&folder.join(kept.file(seq)))?))))
    }

    /// Room taken by snapshots, bytes; 0 when it cannot tell.
    pub(super) fn snapshot_bytes(&self) -> u64 {
        let files = fs::read_dir(self.states()).into_iter().flatten();
        files.filter_map(|file| file.ok()?.metadata().ok()).map(|file| file.len()).sum()
    }

    fn shelf(&self) -> Result<Vec<Kept>, Error> {
        let Some(text) = ask(|| self.main.get(SHELF))? else { return Ok(Vec::new()) };
        postcard::from_bytes(&text).map_err(|e| Error::Index { what: e.to_string() })
    }

    fn states(&self) -> PathBuf {
        self.folder.join(FOLDER)
    }
}

/// Notes a snapshot as the last one written, and which are to stay.
fn note(shelf: &mut Vec<Kept>, name: [u8; 16], seq: u64) {
    let mut seqs = vec![seq];
    shelf.retain_mut(|kept| {
        let other = kept.name != name;
        if !other {
            seqs.append(&mut kept.seqs);
        }
        other
    });
    seqs.sort_unstable();
    seqs.dedup();
    seqs.drain(..seqs.len().saturating_sub(SNAPSHOTS));
    shelf.push(Kept { name, seqs });
    shelf.drain(..shelf.len().saturating_sub(NAMES));
}

/// Removes every file that is not to stay: older snapshots, and what a crash left.
fn sweep(folder: &Path, shelf: &[Kept]) -> std::io::Result<()> {
    let stay: std::collections::BTreeSet<String> =
        shelf.iter().flat_map(|kept| kept.seqs.iter().map(|seq| kept.file(*seq))).collect();
    for file in fs::read_dir(folder)? {
        let file = file?;
        if !file.file_name().to_str().is_some_and(|name| stay.contains(name)) {
            fs::remove_file(file.path())?;
        }
    }
    Ok(())
}

/// The file is there whole or as it was before.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let new = path.with_extension("new");
    let written = fs::File::create(&new).and_then(|mut file| {
        file.write_all(bytes)?;
        file.write_all(blake3::hash(bytes).as_bytes())
    });
    let named = written.and_then(|()| fs::rename(&new, path));
    if named.is_err() {
        // A full disk gets its room back.
        let _ = fs::remove_file(&new);
    }
    named
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = fs::read(path).ok()?;
    let sum: [u8; SUM] = *bytes.last_chunk()?;
    bytes.truncate(bytes.len().saturating_sub(SUM));
    (*blake3::hash(&bytes).as_bytes() == sum).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &Path) -> Index {
        Index::open(dir, 1 << 20, 1, false).unwrap()
    }

    fn framework(n: usize) -> String {
        format!("framework-{n}")
    }

    /// What lies in the folder.
    fn there(index: &Index) -> Vec<(String, u64)> {
        let names: Vec<String> = fs::read_dir(index.states())
            .unwrap()
            .map(|f| f.unwrap().file_name().into_string().unwrap())
            .collect();
        let of = |file: &str| {
            let (digest, seq) = file.split_once('-').unwrap();
            let same = |name: &String| format!("{:032x}", u128::from_be_bytes(runs::digest(name))) == digest;
            ((0..100).map(framework).find(same).unwrap(), seq.parse().unwrap())
        };
        let mut found: Vec<_> = names.iter().map(|file| of(file)).collect();
        found.sort();
        found
    }

    fn all(list: &[(usize, &[u64])]) -> Vec<(String, u64)> {
        let mut all: Vec<_> =
            list.iter().flat_map(|(n, seqs)| seqs.iter().map(|seq| (framework(*n), *seq))).collect();
        all.sort();
        all
    }

    #[test]
    fn a_rotten_snapshot_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let index = open(dir.path());
        for (seq, bytes) in [(1, b"old"), (2, b"mid"), (3, b"new")] {
            index.snapshot_put("s", seq, bytes).unwrap();
        }
        let file = |seq| index.states().join(Kept { name: runs::digest("s"), seqs: vec![] }.file(seq));
        let mut bytes = fs::read(file(3)).unwrap();
        bytes[0] ^= 1;
        fs::write(file(3), bytes).unwrap();
        assert_eq!(index.snapshot_get("s", 9).unwrap(), Some((2, b"mid".to_vec())));
        fs::write(file(2), b"short").unwrap();
        assert_eq!(index.snapshot_get("s", 9).unwrap(), Some((1, b"old".to_vec())));
        fs::remove_file(file(1)).unwrap();
        assert_eq!(index.snapshot_get("s", 9).unwrap(), None);
    }

    #[test]
    fn the_newest_of_each_framework_stay_and_those_of_frameworks_no_longer_read_go() {
        let dir = tempfile::tempdir().unwrap();
        for round in 0..3 {
            // Over restarts too.
            let index = open(dir.path());
            for seq in round * 10..round * 10 + 10 {
                index.snapshot_put(&framework(0), seq, b"x").unwrap();
            }
            index.flush().unwrap();
            index.free().unwrap();
        }
        let index = open(dir.path());
        index.snapshot_put(&framework(0), 5, b"older than all that stay").unwrap();
        assert_eq!(there(&index), all(&[(0, &[27, 28, 29])]));
        for n in 1..NAMES {
            index.snapshot_put(&framework(n), 30, b"y").unwrap();
        }
        // Written again: it is not the one to go.
        index.snapshot_put(&framework(0), 31, b"z").unwrap();
        index.snapshot_put(&framework(50), 31, b"z").unwrap();
        let one: &[u64] = &[30];
        let mut left: Vec<(usize, &[u64])> = (2..NAMES).map(|n| (n, one)).collect();
        left.extend([(0, [28, 29, 31].as_slice()), (50, &[31])]);
        assert_eq!(there(&index), all(&left));
        assert_eq!(index.snapshot_get(&framework(0), u64::MAX).unwrap(), Some((31, b"z".to_vec())));
        assert_eq!(index.snapshot_get(&framework(1), u64::MAX).unwrap(), None);
    }

    #[test]
    fn old_snapshots_give_their_room_back() {
        let dir = tempfile::tempdir().unwrap();
        let index = open(dir.path());
        let state = |seq: u8| vec![seq; 1 << 20];
        // What a killed writer left.
        fs::create_dir_all(index.states()).unwrap();
        fs::write(index.states().join("x.new"), [1]).unwrap();
        for seq in 1..=60 {
            index.snapshot_put(&framework(0), u64::from(seq), &state(seq)).unwrap();
        }
        assert_eq!(there(&index), all(&[(0, &[58, 59, 60])]));
        assert_eq!(index.snapshot_get(&framework(0), 60).unwrap(), Some((60, state(60))));
        assert!(index.bytes() < 5 << 20, "{} bytes for {SNAPSHOTS} MiB", index.bytes());
    }
}
