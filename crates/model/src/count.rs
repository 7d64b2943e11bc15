//! Counts in sentences.

use std::fmt::Display;

/// A count with the word that it takes: `1 fact`, `2 facts`.
///
/// ```
/// use bellwether_model::counted;
///
/// assert_eq!(counted(1, "fact", "facts"), "1 fact");
/// assert_eq!(counted(0, "fact", "facts"), "0 facts");
/// ```
pub fn counted<N: Display + PartialEq + From<u8>>(n: N, one: &str, many: &str) -> String {
    let word = if n == N::from(1) { one } else { many };
    format!("{n} {word}")
}
