//! ISO 3166-1: `countries.txt` holds alpha-2, alpha-3 and English names, one country a line.

use std::collections::HashMap;
use std::sync::LazyLock;

const TABLE: &str = include_str!("countries.txt");

static CODES: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let mut codes = HashMap::new();
    for line in TABLE.lines() {
        let mut parts = line.splitn(3, ' ');
        let (Some(two), Some(three), Some(names)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        for name in [two, three].into_iter().chain(names.split('|')) {
            codes.insert(name.to_lowercase(), three);
        }
    }
    codes
});

/// Alpha-3 code of a code or an English name, letter case aside.
pub(super) fn alpha3(text: &str) -> Option<&'static str> {
    CODES.get(&text.trim().to_lowercase()).copied()
}
