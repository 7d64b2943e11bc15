//! What somebody may have meant by a name that does not exist.

/// The known name with the fewest edits (Levenshtein) from a wrong one; `None` when none is near.
pub(crate) fn near<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (n, id) = known.map(|id| (edits(wanted, id), id)).min()?;
    (n <= 2 + wanted.len() / 4).then_some(id)
}

fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let (mut diagonal, mut left) = (i, i + 1);
        for (at, y) in b.bytes().enumerate() {
            let above = row.get(at + 1).copied().unwrap_or_default();
            let here = (diagonal + usize::from(x != y)).min(above + 1).min(left + 1);
            if let Some(cell) = row.get_mut(at) {
                *cell = left;
            }
            (diagonal, left) = (above, here);
        }
        if let Some(cell) = row.last_mut() {
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}
