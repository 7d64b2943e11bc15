//! Fingerprint table: which id was stored where.

use rustc_hash::FxHashMap;
use uuid::Uuid;

/// Ids to sequences, 16 bytes an entry: half an id nearly always tells, the rest is kept apart.
#[derive(Default)]
pub(crate) struct Ids {
    halves: FxHashMap<u64, u64>,
    /// Ids whose half was taken.
    whole: FxHashMap<u128, Vec<u64>>,
}

impl Ids {
    pub(crate) fn insert(&mut self, id: Uuid, seq: u64) {
        match self.halves.entry(half(id)) {
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(seq);
            }
            std::collections::hash_map::Entry::Occupied(_) => {
                self.whole.entry(id.as_u128()).or_default().push(seq);
            }
        }
    }

    /// Sequences that may hold `id`; only the stored record can tell.
    pub(crate) fn candidates(&self, id: Uuid) -> impl Iterator<Item = u64> + '_ {
        let whole = self.whole.get(&id.as_u128()).into_iter().flatten();
        self.halves.get(&half(id)).into_iter().chain(whole).copied()
    }

    /// Makes room for `n` more at once.
    pub(crate) fn reserve(&mut self, n: usize) {
        self.halves.reserve(n);
    }
}

fn half(id: Uuid) -> u64 {
    let (high, low) = id.as_u64_pair();
    // Version and variant bits are the same in every id.
    high ^ low.rotate_left(17)
}
