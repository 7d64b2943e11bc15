//! Three dated copies of China's customs figures: each date has the values that its copy states.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bellwether_tests::{Store, shared};
use serde_json::Value;

use crate::facts::row;
use crate::known::{of_feed, visible};

const COPIES: [&str; 3] = ["2022-08-15", "2023-01-03", "2023-04-04"];
const CRUDE_VALUE: &str = "S5429119";

fn path(day: &str) -> Option<PathBuf> {
    shared(&format!("data/crea/china_customs_wind_{day}.csv"))
}

/// A copy as it stands: by series id and month, the cell; and its unit.
fn cells(day: &str) -> BTreeMap<(String, String), (String, String)> {
    let bytes = std::fs::read(path(day).unwrap()).unwrap();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&bytes[..]);
    let rows: Vec<Vec<String>> =
        reader.records().map(|r| r.unwrap().iter().map(|c| c.trim().to_owned()).collect()).collect();
    let named = |name: &str| rows.iter().find(|r| r[0].trim_start_matches('\u{feff}') == name).unwrap();
    let (ids, units) = (named("ID"), named("Unit"));
    let is_month =
        |r: &&Vec<String>| r[0].len() >= 7 && r[0].as_bytes()[4] == b'-' && r[0].starts_with(['1', '2']);
    let mut cells = BTreeMap::new();
    for row in rows.iter().filter(is_month) {
        for at in 1..row.len() {
            cells.insert((ids[at].clone(), row[0][..7].to_owned()), (row[at].clone(), units[at].clone()));
        }
    }
    cells
}

/// Thousandths of a dollar or tonne, so that numbers compare exactly.
fn exact(cell: &str, unit: &str) -> Option<i128> {
    let plain = cell.replace(',', "");
    if plain.is_empty() {
        return None;
    }
    let (whole, part) = plain.split_once('.').unwrap_or((&plain, ""));
    let millionths: i128 = format!("{whole}{part:0<6}").parse().ok()?;
    Some(match unit {
        "kg" => millionths / 1000,
        "10000 tons" | "USD 10 th" => millionths * 10_000,
        _ => millionths,
    })
}

/// Reads all three copies, the middle one first.
fn store() -> Option<Store> {
    let store = Store::new();
    for at in [1, 0, 2] {
        let report = store.json(&["ingest", "--feed", "china-customs", path(COPIES[at])?.to_str().unwrap()]);
        let n = |name: &str| report["records"][name].as_u64().unwrap();
        assert_eq!((n("quarantined"), n("read")), (0, n("mapped") + n("skipped")), "{report}");
    }
    Some(store)
}

#[test]
fn r13_each_copy_replays_to_the_values_that_it_states() {
    let Some(store) = store() else { return };
    let records = of_feed(&store, "china-customs");
    let mut crude: Vec<BTreeMap<String, i128>> = Vec::new();
    for day in COPIES {
        let copy = cells(day);
        let blanks = copy.values().any(|(cell, _)| cell.is_empty());
        let said = visible(&records, day);
        let mut checked = 0;
        for ((id, month), (cell, unit)) in &copy {
            let record = said.get(format!("china-customs|{id}|{month}").as_str());
            let Some(stated) = exact(cell, unit) else { continue };
            // A copy without a blank has filled them with zeros: what is a zero there was not said.
            if stated == 0 && !blanks {
                continue;
            }
            let record = record.unwrap_or_else(|| panic!("{day}: nothing said of {id} {month}"));
            let value = record["value"].as_str().unwrap();
            assert_eq!(exact(value, "").unwrap(), stated, "{day}: {id} {month}: {record}");
            checked += 1;
        }
        assert!(checked > 1_900, "{day}: {checked}");
        let of_crude = |((id, month), (cell, unit)): (&(String, String), &(String, String))| {
            (id == CRUDE_VALUE).then(|| (month.clone(), exact(cell, unit).unwrap_or_default()))
        };
        crude.push(copy.iter().filter_map(of_crude).collect());
    }
    let changed = crude[0].iter().filter(|(month, value)| crude[2].get(*month) != Some(*value)).count();
    assert_eq!((crude[0].len(), changed), (300, 27));
}

#[test]
fn no_zero_stands_where_a_cell_was_blank() {
    let Some(store) = store() else { return };
    let records = of_feed(&store, "china-customs");
    let zeros: Vec<&Value> =
        records.iter().filter(|r| exact(r["value"].as_str().unwrap(), "") == Some(0)).collect();
    assert!(!zeros.is_empty(), "zeros that a copy tells from blanks are kept");
    let copies = COPIES.map(|day| (day, cells(day)));
    for zero in zeros {
        let day = zero["published_at"].as_str().unwrap();
        assert_ne!(day, COPIES[2], "this copy has no blank, so its zeros say nothing: {zero}");
        let copy = &copies.iter().find(|(name, _)| *name == day).unwrap().1;
        let key: Vec<&str> = zero["key"].as_str().unwrap().split('|').collect();
        let (cell, unit) = &copy[&(key[1].to_owned(), key[2].to_owned())];
        assert_eq!(exact(cell, unit), Some(0), "{zero}");
        assert!(!cell.is_empty());
    }
    // What the last copy has as zero and the first left blank is not known at any date.
    let (first, last) = (&copies[0].1, &copies[2].1);
    let filled =
        last.iter().filter(|(at, (cell, _))| cell == "0" && first.get(at).is_some_and(|(c, _)| c.is_empty()));
    let said = visible(&records, COPIES[2]);
    let mut blanks = 0;
    for ((id, month), _) in filled {
        let record = said.get(format!("china-customs|{id}|{month}").as_str());
        // The middle copy may say something of it.
        assert!(record.is_none_or(|r| r["published_at"] == COPIES[1]), "{id} {month}: {record:?}");
        blanks += 1;
    }
    assert!(blanks > 1_000, "{blanks}");
}

#[test]
fn r13_the_indicator_beside_crude_reads_each_copy_at_its_date() {
    let Some(store) = store() else { return };
    let value = |known_by: &str| {
        let document = store.json(&["replay", "--as-of", "2022-05-31", "--known-by", known_by]);
        let crude = row(&document, "indicators", "economic.crude-imports");
        let also = crude["also"].as_array().unwrap().iter().find(|a| a["name"] == "value").unwrap();
        also["value"].as_f64()
    };
    assert_eq!(value("2022-08-15"), None, "nobody had the copy yet");
    assert_eq!(value("2022-08-16"), Some(5_847_228_908.0));
    assert_eq!(value("2023-04-05"), Some(6_096_898_488.0));
}
