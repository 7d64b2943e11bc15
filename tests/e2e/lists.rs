//! Dated copies of sanctions lists: each date has its list, whatever the order in which the copies came.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use bellwether_tests::{Store, root, shared};
use serde_json::Value;

use crate::known::{listed, of_feed, visible};

/// The eleven copies of China's counter-sanctions, oldest first, each with its publication.
fn copies() -> Option<Vec<(String, PathBuf)>> {
    let folder = shared("data/opensanctions/cn_sanctions")?;
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let named = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let (day, time) = name.split('_').nth(1).unwrap().split_once('T').unwrap();
        (format!("{day}T{}:{}:{}Z", &time[..2], &time[2..4], &time[4..6]), path)
    };
    Some(files.into_iter().map(named).collect())
}

/// Name, list and date of each row, as the source writes them.
fn rows(path: &PathBuf) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

fn ingest(store: &Store, feed: &str, files: &[&PathBuf]) -> Value {
    let mut args = vec!["ingest", "--feed", feed];
    args.extend(files.iter().map(|f| f.to_str().unwrap()));
    store.json(&args)
}

/// The date of a row in the form of a record; the feed reads two-digit years as 20yy, day first.
fn date(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.trim().split('.').collect();
    let [day, month, year] = parts[..] else { return None };
    let year = if year.len() == 2 { format!("20{year}") } else { year.to_owned() };
    Some(format!("{year}-{month:0>2}-{day:0>2}"))
}

#[test]
fn r13_eleven_copies_replay_to_the_list_of_each_date() {
    let Some(copies) = copies() else { return };
    assert_eq!(copies.len(), 11);
    // Newest first, in one run: every copy but the first is back-filled.
    let backwards: Vec<&PathBuf> = copies.iter().rev().map(|(_, path)| path).collect();
    let (forth, back) = (Store::new(), Store::new());
    let report = ingest(&back, "cn-countersanctions", &backwards);
    assert_eq!(report["records"]["quarantined"], 0, "{report}");
    ingest(&forth, "cn-countersanctions", &copies.iter().map(|(_, path)| path).collect::<Vec<_>>());
    let (forth, back) = (of_feed(&forth, "cn-countersanctions"), of_feed(&back, "cn-countersanctions"));
    for (published, path) in &copies {
        let mut want: Vec<(String, String, Option<String>)> = rows(path)
            .iter()
            .map(|r| (r["Name"].trim().into(), r["List"].trim().into(), date(&r["Date"])))
            .collect();
        want.sort();
        for records in [&forth, &back] {
            let text = |r: &Value, name: &str| r["attributes"][name].as_str().unwrap_or_default().to_owned();
            let day = |r: &Value| {
                let first_seen = r["attributes"]["dated"] == "first seen";
                (!first_seen).then(|| r["valid"]["start"].as_str().unwrap().to_owned())
            };
            let mut found: Vec<(String, String, Option<String>)> = listed(records, published)
                .iter()
                .map(|r| (text(r, "name"), text(r, "programme"), day(r)))
                .collect();
            found.sort();
            assert_eq!(found, want, "{published}");
        }
    }
}

#[test]
fn r13_a_corrected_date_is_a_revision_and_no_new_listing() {
    let Some(copies) = copies() else { return };
    let store = Store::new();
    ingest(&store, "cn-countersanctions", &[&copies[0].1, &copies[1].1]);
    let records = of_feed(&store, "cn-countersanctions");
    let of = |published: &str| {
        let said = visible(&records, published);
        let ours: Vec<(String, String)> = said
            .values()
            .filter(|r| r["type"] == "sanction.listed" && r["attributes"]["name"] == "Human Rights Watch")
            .map(|r| {
                (r["key"].as_str().unwrap().to_owned(), r["valid"]["start"].as_str().unwrap().to_owned())
            })
            .collect();
        assert_eq!(ours.len(), 1, "{ours:?}");
        ours[0].clone()
    };
    let (before, after) = (of(&copies[0].0), of(&copies[1].0));
    assert_eq!((before.1.as_str(), after.1.as_str()), ("2019-02-12", "2019-12-02"));
    assert_eq!(before.0, after.0, "one listing");
    // A corrected name is not: nothing in the source says that the two are one.
    let of_type =
        |kind: &str| records.iter().filter(|r| r["type"] == kind && r["published_at"] == copies[1].0).count();
    assert_eq!(of_type("sanction.delisted"), 2);
}

#[test]
fn the_same_copy_twice_stores_nothing() {
    let Some(copies) = copies() else { return };
    let store = Store::new();
    let files: Vec<&PathBuf> = copies.iter().map(|(_, path)| path).collect();
    let first = ingest(&store, "cn-countersanctions", &files);
    let again = ingest(&store, "cn-countersanctions", &files);
    assert_eq!((&again["facts"]["stored"], &again["head"]), (&0.into(), &first["head"]));
}

/// Two stored copies of the US list, by entity number.
#[test]
fn ofac_2019_to_2021() {
    let Some(folder) = shared("data/ofac") else { return };
    let store = Store::new();
    for (day, copy) in [("2021-07-07", "2021-07"), ("2019-01-15", "2019-01")] {
        let path = folder.join(copy).join("sdn.csv");
        let report =
            store.json(&["ingest", "--feed", "ofac-sdn", "--published-at", day, path.to_str().unwrap()]);
        assert_eq!(report["records"]["quarantined"], 0, "{report}");
    }
    let records = of_feed(&store, "ofac-sdn");
    let entries = |day: &str| -> BTreeSet<String> {
        listed(&records, day).iter().map(|r| r["attributes"]["entry"].as_str().unwrap().to_owned()).collect()
    };
    let (old, new) = (entries("2019-01-15"), entries("2021-07-07"));
    assert_eq!((old.len(), new.len()), (7379, 8976));
    assert_eq!((new.difference(&old).count(), old.difference(&new).count()), (1858, 261));
    let said = visible(&records, "2021-07-07");
    let changed = said.values().filter(|r| {
        r["type"] == "sanction.listed"
            && r["published_at"] == "2021-07-07"
            && old.contains(r["attributes"]["entry"].as_str().unwrap())
    });
    assert_eq!(changed.count(), 836);
    let spells: BTreeSet<&str> = records.iter().filter_map(|r| r["attributes"]["ends"].as_str()).collect();
    assert_eq!(spells.len(), 261);
}

/// A whole list and the increments before it, some of them of no byte at all.
#[test]
fn increments_of_nothing_do_no_harm() {
    let Some(folder) = shared("data/opensanctions/ftm_delta_fixture") else { return };
    let store = Store::new();
    let mut stored = Vec::new();
    for version in [
        "20240527134702-zbn",
        "20240527194702-wnk",
        "20240528014702-pfh",
        "20240528074703-npf",
        "20240528134729-3iv",
    ] {
        let path = folder.join("t2").join(version).join("entities.delta.json");
        let part = |from: usize, to: usize| &version[from..to];
        let published = format!(
            "{}-{}-{}T{}:{}:{}Z",
            part(0, 4),
            part(4, 6),
            part(6, 8),
            part(8, 10),
            part(10, 12),
            part(12, 14)
        );
        let args =
            ["ingest", "--feed", "opensanctions-ftm", "--published-at", &published, path.to_str().unwrap()];
        let report = store.json(&args);
        assert_eq!(report["records"]["quarantined"], 0, "{report}");
        stored.push(report["facts"]["stored"].as_u64().unwrap());
    }
    assert_eq!(stored[0], 1, "only that it was read");
    let records = of_feed(&store, "opensanctions-ftm");
    let vintages = records.iter().filter(|r| r["type"] == "list.vintage").count();
    assert_eq!(vintages, 5);
    assert_eq!(listed(&records, "2024-05-28T13:47:29Z").len(), 3, "{stored:?}");
    // Without a date nothing is recorded, and nothing fails.
    let blank = folder.join("t1/20240527134702-zbn/entities.delta.json");
    let before = store.json(&["store", "verify"])["head"].clone();
    let report = store.json(&["ingest", "--feed", "opensanctions-ftm", blank.to_str().unwrap()]);
    assert_eq!((&report["records"]["read"], &report["head"]), (&0.into(), &before));
}

#[test]
fn r35_a_list_cut_short_waits_for_an_operator() {
    let folder = root().join("fixtures/feeds/cn-countersanctions");
    let whole = std::fs::read_to_string(folder.join("01_2031-06-29T155913_0000000a1.csv")).unwrap();
    let store = Store::new();
    let write = |name: &str, lines: usize| {
        let path = store.beside(name);
        let text: String = whole.split_inclusive('\n').take(lines).collect();
        std::fs::write(&path, text).unwrap();
        path
    };
    let (full, cut) = (write("a_2024-06-29T155913_x.csv", 99), write("b_2024-06-30T155913_x.csv", 2));
    ingest(&store, "cn-countersanctions", &[&full]);
    let report = ingest(&store, "cn-countersanctions", &[&cut]);
    assert_eq!(
        report["records"],
        serde_json::json!({"read": 1, "mapped": 0, "skipped": 0, "quarantined": 1})
    );
    assert_eq!(report["facts"]["stored"], 0);
    let held = store.json(&["quarantine", "list"]);
    let id = held[0]["id"].as_str().unwrap();
    assert!(held[0]["reason"].as_str().unwrap().contains("4 of 5 entries are gone"), "{held}");
    let listing = |published: &str| listed(&of_feed(&store, "cn-countersanctions"), published).len();
    assert_eq!(listing("2024-06-30T15:59:13Z"), 5);
    let again = store.json(&["quarantine", "retry", id]);
    assert_eq!(again[0]["outcome"], "held", "{again}");
    let done = store.json(&[
        "quarantine",
        "release",
        id,
        "--operator",
        "Li",
        "--reason",
        "announced by the ministry",
    ]);
    assert_eq!(done[0]["outcome"], "stored", "{done}");
    assert_eq!((listing("2024-06-29T15:59:13Z"), listing("2024-06-30T15:59:13Z")), (5, 1));
    assert_eq!(store.json(&["quarantine", "list"]), serde_json::json!([]));
    store.run(&["store", "verify"]).exits(0);
}

/// One fact an entry beside one an act: the framework counts acts, and says so.
#[test]
fn entries_of_lists_do_not_count_as_acts() {
    let store = Store::with_history();
    let before = store.json(&["replay", "--as-of", "2033-01-01"]);
    let file = root().join("fixtures/feeds/eu-journal/39990R0833_2031-07-01.csv");
    let path = file.to_str().unwrap();
    let report = store.json(&["ingest", "--feed", "eu-journal", "--published-at", "2024-07-01", path]);
    assert_eq!(report["facts"]["stored"], 7, "{report}");
    let after = store.json(&["replay", "--as-of", "2033-01-01"]);
    assert_eq!(before["indicators"], after["indicators"]);
    assert_eq!(before["domains"], after["domains"]);
    assert!(after["facts"].as_u64() > before["facts"].as_u64());
}
