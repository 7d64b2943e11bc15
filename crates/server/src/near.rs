//! Names near to one that was not found.

/// At most three of `known` that look like `wanted`, nearest first.
pub fn near<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    let mut scored: Vec<(usize, &str)> = known
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let tail = lower.rsplit('.').next().unwrap_or(&lower);
            let score = if !wanted.is_empty() && (lower.contains(&wanted) || wanted.contains(&lower)) {
                0
            } else {
                edits(&wanted, &lower).min(edits(&wanted, tail))
            };
            let limit = 1 + wanted.chars().count() / 4;
            (score <= limit).then_some((score, name))
        })
        .collect();
    scored.sort();
    scored.dedup();
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

/// What to do about an unknown name: the near ones, else where all of them are.
pub fn remedy<'a>(wanted: &str, known: impl Iterator<Item = &'a str>, all: &str) -> String {
    let found = near(wanted, known);
    if found.is_empty() { all.to_owned() } else { format!("did you mean {}? {all}", found.join(" or ")) }
}

/// Fewest insertions, deletions and replacements between two texts.
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let replaced = diagonal + usize::from(x != y);
            diagonal = *cell;
            left = replaced.min(*cell + 1).min(left + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] =
        ["economic.trade-total", "economic.trade-exports", "military.exercises", "balance.net-incentive"];

    #[test]
    fn edits_count() {
        for (a, b, n) in
            [("", "", 0), ("abc", "abc", 0), ("abc", "ab", 1), ("kitten", "sitting", 3), ("", "ab", 2)]
        {
            assert_eq!(edits(a, b), n, "{a} {b}");
        }
    }

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        let of = |wanted: &str| near(wanted, KNOWN.into_iter());
        assert_eq!(of("trade"), ["economic.trade-exports", "economic.trade-total"]);
        assert_eq!(of("economic.trade-totl"), ["economic.trade-total", "economic.trade-exports"]);
        assert_eq!(of("exercise"), ["military.exercises"]);
        assert!(of("zebra").is_empty());
    }
}
