//! Rows in the shape of GDELT 2.0 exports: made up, with the lengths, blanks and codes of real ones.

use std::io::{BufWriter, Write};
use std::path::Path;

/// SplitMix64: equal rows on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn of<'t>(&mut self, list: &[&'t str]) -> &'t str {
        let at = usize::try_from(self.below(list.len() as u64)).unwrap_or_default();
        list.get(at).copied().unwrap_or_default()
    }
}

/// Codes of actors' countries, blank as often as in real files; the tracked ones come beside others only.
const COUNTRIES: [&str; 24] = [
    "", "", "", "", "", "", "", "", "GBR", "IND", "NGA", "AUS", "CAN", "PAK", "ISR", "IRN", "TUR", "DEU",
    "FRA", "UKR", "ZAF", "PHL", "SYR", "EGY",
];
const NAMES: [&str; 8] =
    ["POLICE", "PRESIDENT", "GOVERNMENT", "LONDON", "NEW DELHI", "STUDENT", "PRIME MINISTER", "COMPANY"];
const TYPES: [&str; 8] = ["", "", "", "GOV", "COP", "EDU", "MIL", "BUS"];
const CODES: [(&str, &str, u8, &str); 6] = [
    ("010", "01", 1, "0"),
    ("043", "04", 1, "2.8"),
    ("051", "05", 1, "3.4"),
    ("112", "11", 3, "-2"),
    ("190", "19", 4, "-10"),
    ("042", "04", 1, "1.9"),
];
const PLACES: [(&str, &str); 5] = [
    ("London, London, City of, United Kingdom", "UK"),
    ("Beijing, Beijing, China", "CH"),
    ("Moscow, Moskva, Russia", "RS"),
    ("New Delhi, Delhi, India", "IN"),
    ("Lagos, Lagos, Nigeria", "NI"),
];

/// Writes `n` rows of which `permille` in a thousand are root events between two tracked countries; gives the bytes.
pub(crate) fn write(path: &Path, n: usize, permille: u64) -> std::io::Result<u64> {
    let mut out = BufWriter::with_capacity(1 << 20, std::fs::File::create(path)?);
    let mut random = Random(20_260_101);
    for id in 0..n {
        let pair = random.below(1000) < permille;
        let (a, b) = match (pair, random.below(50)) {
            (true, k) if k % 2 == 0 => ("CHN", "RUS"),
            (true, _) => ("RUS", "CHN"),
            // One actor tracked and the other not, and the two in one country: near misses for the filter.
            (false, 0) => ("CHN", random.of(&COUNTRIES)),
            (false, 1) => (random.of(&COUNTRIES), "USA"),
            (false, 2) => ("USA", "USA"),
            (false, _) => (random.of(&COUNTRIES), random.of(&COUNTRIES)),
        };
        let root = if pair || random.below(100) < 60 { 1 } else { 0 };
        let (code, base, quad, goldstein) =
            CODES.get(usize::try_from(random.below(6)).unwrap_or_default()).copied().unwrap_or_default();
        let day = 1 + random.below(28);
        let mentions = 1 + random.below(20);
        let tone = random.below(20_000_000) as f64 / 1e6 - 10.0;
        write!(out, "{}\t202403{day:02}\t202403\t2024\t2024.2{:03}", 1_160_000_000 + id, random.below(1000))?;
        for country in [a, b] {
            let kind = random.of(&TYPES);
            write!(out, "\t{country}{kind}\t{}\t{country}\t\t\t\t\t{kind}\t\t", random.of(&NAMES))?;
        }
        write!(
            out,
            "\t{root}\t{code}\t{code}\t{base}\t{quad}\t{goldstein}\t{mentions}\t{}\t{mentions}\t{tone}",
            1 + mentions / 8
        )?;
        for _ in 0..3 {
            let (place, fips) =
                PLACES.get(usize::try_from(random.below(5)).unwrap_or_default()).copied().unwrap_or_default();
            write!(
                out,
                "\t4\t{place}\t{fips}\t{fips}22\t{}\t{:.4}\t{:.4}\t-{}",
                random.below(99_999),
                random.below(900_000) as f64 / 1e4,
                random.below(1_800_000) as f64 / 1e4,
                1_000_000 + random.below(1_999_999)
            )?;
        }
        writeln!(
            out,
            "\t202403{day:02}{:02}4500\thttps://www.example.org/world/{}/{:x}-{:x}/",
            random.below(24),
            random.of(&["politics", "business", "news/asia", "article"]),
            random.next(),
            random.next()
        )?;
    }
    out.flush()?;
    std::fs::metadata(path).map(|meta| meta.len())
}
