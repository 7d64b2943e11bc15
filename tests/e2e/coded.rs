//! Coded events through the binary, on real rows where they lie beside the project.

use bellwether_tests::{Store, root, shared};
use serde_json::Value;

fn count(report: &Value, part: &str, field: &str) -> u64 {
    report[part][field].as_u64().unwrap()
}

/// Facts of a type in the order of the log.
fn events(store: &Store, kind: &str) -> Vec<Value> {
    store.run(&["events", "--type", kind]).exits(0).ndjson()
}

#[test]
fn icews_pairs_are_those_that_stand_in_the_text() {
    let Some(path) = shared("data/icews/events.2018.sample.tab") else { return };
    // Counted by hand, so to say: no code of ours reads these lines.
    let text = std::fs::read_to_string(&path).unwrap();
    let names: Vec<&str> = text.lines().next().unwrap().split('\t').collect();
    let at = |name: &str| names.iter().position(|n| *n == name).unwrap();
    let (id, day, from, to) = (at("Event ID"), at("Event Date"), at("Source Country"), at("Target Country"));
    let mut pairs: Vec<String> = Vec::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        if matches!(
            (cells[from], cells[to]),
            ("China", "Russian Federation") | ("Russian Federation", "China")
        ) {
            pairs.push(format!("news.coded|ICEWS|{}|{}", cells[id], cells[day]));
        }
    }
    assert_eq!(pairs.len(), 8);
    let store = Store::new();
    let report = store.json(&["ingest", "--feed", "icews-events", path.to_str().unwrap()]);
    assert_eq!(count(&report, "records", "read"), text.lines().count() as u64 - 1);
    assert_eq!(count(&report, "records", "quarantined"), 0);
    let both = |fact: &&Value| {
        let actors: Vec<&str> = fact["actors"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        actors.contains(&"CHN") && actors.contains(&"RUS")
    };
    let mut found: Vec<String> = events(&store, "news.coded")
        .iter()
        .filter(both)
        .map(|fact| fact["key"].as_str().unwrap().to_owned())
        .collect();
    found.sort();
    pairs.sort();
    assert_eq!(found, pairs);
}

#[test]
fn r35_real_gdelt_files_are_counted_to_the_last_row() {
    let Some(folder) = shared("data/gdelt/sample") else { return };
    for (feed, name) in [
        ("gdelt-events", "gdelt_v2_events.export.tsv"),
        ("gdelt-events", "gdelt_v2_events_translation.export.tsv"),
        ("gdelt-events-v1", "gdelt_v1_events.tsv"),
    ] {
        let path = folder.join(name);
        let store = Store::new();
        let report = store.json(&["ingest", "--feed", feed, path.to_str().unwrap()]);
        let n = |field: &str| count(&report, "records", field);
        assert_eq!((n("read"), n("quarantined")), (100, 0), "{name}: every row has its columns: {report}");
        assert_eq!(n("mapped") + n("skipped"), 100);
        // Between tracked countries, in the lead of their report: read from the text alone.
        let text = std::fs::read_to_string(&path).unwrap();
        let tracked = |code: &str| ["CHN", "RUS", "USA"].contains(&code);
        let wanted = text.lines().filter(|line| {
            let c: Vec<&str> = line.split('\t').collect();
            tracked(c[7]) && tracked(c[17]) && c[7] != c[17] && c[25] == "1"
        });
        assert_eq!(n("mapped"), wanted.count() as u64, "{name}");
    }
}

#[test]
fn a_zipped_export_names_its_member_as_evidence() {
    let Some(zip) = zipped_fixture() else { return };
    let store = Store::new();
    let path = store.beside("20260302101500.export.CSV.zip");
    std::fs::write(&path, zip).unwrap();
    let report = store.json(&["ingest", "--feed", "gdelt-events", path.to_str().unwrap()]);
    assert_eq!(count(&report, "records", "read"), 15, "{report}");
    let facts = events(&store, "news.coded");
    assert_eq!(facts[0]["evidence"]["file"], "20260302101500.export.CSV.zip!20260302101500.export.CSV");
    // The plain rows are the same facts.
    let plain = root().join("fixtures/feeds/gdelt-events/20260302101500.export.CSV");
    let again = store.json(&["ingest", "--feed", "gdelt-events", plain.to_str().unwrap()]);
    assert_eq!(count(&again, "facts", "stored"), 0, "{again}");
}

/// The fixture in a zip archive, stored: enough for a reader, and no packer is needed.
fn zipped_fixture() -> Option<Vec<u8>> {
    let name = "20260302101500.export.CSV";
    let data = std::fs::read(root().join("fixtures/feeds/gdelt-events").join(name)).ok()?;
    let mut crc = !0_u32;
    for byte in &data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    let size = u32::try_from(data.len()).ok()?;
    let length = u16::try_from(name.len()).ok()?;
    // Version, flags, method, time, date; check sum, sizes; lengths of the name and the extra.
    let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
    for number in [!crc, size, size] {
        common.extend(number.to_le_bytes());
    }
    common.extend(length.to_le_bytes());
    common.extend([0, 0]);
    let mut zip = [&b"PK\x03\x04"[..], &common, name.as_bytes(), &data].concat();
    let start = u32::try_from(zip.len()).ok()?;
    zip.extend([&b"PK\x01\x02\x14\x00"[..], &common, &[0; 14], name.as_bytes()].concat());
    let directory = u32::try_from(zip.len()).ok()? - start;
    zip.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    zip.extend(directory.to_le_bytes());
    zip.extend(start.to_le_bytes());
    zip.extend([0, 0]);
    Some(zip)
}

#[test]
fn a_suspect_date_is_released_by_name_and_reason() {
    let store = Store::new();
    let path = root().join("fixtures/feeds/gdelt-events/20260302101500.export.CSV");
    store.json(&["ingest", "--feed", "gdelt-events", path.to_str().unwrap()]);
    let held = store.json(&["quarantine", "list"]);
    let suspect =
        held.as_array().unwrap().iter().find(|e| e["reason"].as_str().unwrap().contains("suspect")).unwrap();
    let id = suspect["id"].as_str().unwrap();
    let before = events(&store, "news.coded").len();
    store
        .run(&["quarantine", "release", id, "--operator", "A. Analyst", "--reason", "read the report"])
        .exits(0);
    assert_eq!(events(&store, "news.coded").len(), before + 2);
}

#[test]
fn acled_rows_without_a_tracked_pair_are_skipped() {
    let Some(path) = shared("data/acled/acledR_acled_old_dummy.csv") else { return };
    let report = Store::new().json(&["ingest", "--feed", "acled-events", path.to_str().unwrap()]);
    let n = |field: &str| count(&report, "records", field);
    assert_eq!(
        (n("read"), n("skipped"), n("quarantined")),
        (326, 326, 0),
        "events of Argentina alone: {report}"
    );
}

#[test]
fn the_arms_register_is_whole() {
    let Some(path) = shared("data/sipri/sipri_export_tiv_cn_ru_subset_1950_2021.csv") else { return };
    let store = Store::new();
    let report = store.json(&["ingest", "--feed", "arms-register", path.to_str().unwrap()]);
    let n = |field: &str| count(&report, "records", field);
    assert_eq!(n("quarantined"), 0, "the table knows every name of the register: {report}");
    // Counted from the text: totals, movements and unknown partners are what is left out.
    let rows = csv::Reader::from_path(&path).unwrap().into_records().map(Result::unwrap);
    let left_out = |row: &csv::StringRecord| {
        let movement = |name: &str| name.ends_with('*') && !name.ends_with("**");
        &row[2] == "Total"
            || (0..2).any(|at| &row[at] == "Total" || row[at].starts_with("Unknown ") || movement(&row[at]))
    };
    let (skipped, kept): (Vec<_>, Vec<_>) = rows.partition(left_out);
    assert_eq!((n("skipped"), n("mapped")), (skipped.len() as u64, kept.len() as u64));
    let facts = events(&store, "arms.transfer");
    assert_eq!(facts.len(), kept.len());
    let keys: std::collections::BTreeSet<&str> = facts.iter().filter_map(|f| f["key"].as_str()).collect();
    assert_eq!(keys.len(), facts.len(), "no two rows share a key");
    let sum = |of: &dyn Fn(&csv::StringRecord) -> bool| -> u64 {
        kept.iter().filter(|r| of(r)).map(|r| r[3].parse::<u64>().unwrap()).sum()
    };
    let stored = |from: &str, to: &str| -> u64 {
        let pair = facts.iter().filter(|f| f["actors"][0] == from && f["actors"][1] == to);
        pair.map(|f| f["value"].as_str().unwrap().parse::<u64>().unwrap()).sum()
    };
    assert_eq!(stored("RUS", "CHN"), sum(&|r| &r[0] == "Russia" && &r[1] == "China"));
    assert_eq!(stored("SUN", "CHN"), sum(&|r| &r[0] == "Soviet Union" && &r[1] == "China"));
    assert!(facts.iter().all(|f| f["unit"] == "TIV_million"), "never dollars");
}
