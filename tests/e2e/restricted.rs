//! Real data that may not be redistributed, read where it lies beside the project; skipped with a notice elsewhere.

use bellwether_tests::{Store, shared};
use serde_json::Value;

use crate::facts::row;

/// Facts from files whose terms limit redistribution, in the columns of the bundled ones.
fn with_restricted() -> Option<(Store, Value)> {
    let path = shared("data/facts/restricted-facts.csv")?;
    let store = Store::new();
    let report = store.json(&["ingest", "--feed", "facts-csv", path.to_str().unwrap()]);
    Some((store, report))
}

#[test]
fn r35_restricted_facts_are_counted() {
    let Some((store, report)) = with_restricted() else { return };
    assert_eq!(
        (&report["records"]["read"], &report["records"]["quarantined"]),
        (&177.into(), &0.into()),
        "{report}"
    );
    assert_eq!(report["facts"]["stored"], 177, "{report}");
    let path = shared("data/facts/restricted-facts.csv").unwrap();
    let again = store.json(&["ingest", "--feed", "facts-csv", path.to_str().unwrap()]);
    assert_eq!(again["facts"]["stored"], 0, "{again}");
}

/// Two dated copies of China's customs figures disagree about crude in May 2022: 5.85 and then 6.10 billion dollars.
#[test]
fn r13_each_dated_copy_has_its_day() {
    let Some((store, _)) = with_restricted() else { return };
    let value = |known_by: &str| {
        let document = store.json(&["replay", "--as-of", "2022-05-31", "--known-by", known_by]);
        let crude = row(&document, "indicators", "economic.crude-imports");
        let also = crude["also"].as_array().unwrap().iter().find(|a| a["name"] == "value").unwrap();
        also["value"].as_f64()
    };
    assert_eq!(value("2022-08-15"), None, "nobody had the copy yet");
    assert_eq!(value("2022-08-16"), Some(5_847_228_908.0));
    assert_eq!(value("2023-04-04"), Some(5_847_228_908.0));
    assert_eq!(value("2023-04-05"), Some(6_096_898_488.0));
}

/// Every veto in the Security Council until July 2022, as published, through the feed file that maps it.
#[test]
fn a_published_list_goes_through_its_feed_file() {
    let Some(path) = shared("data/un_sc/unsc_vetoes_1946_sept2022.csv") else { return };
    let store = Store::new();
    let args = ["ingest", "--feed", "unsc-vetoes", "--published-at", "2022-09-30", path.to_str().unwrap()];
    let report = store.json(&args);
    let n = |name: &str| report["records"][name].as_u64().unwrap();
    assert_eq!((n("read"), n("quarantined")), (214, 0), "{report}");
    assert_eq!(n("read"), n("mapped") + n("skipped"), "{report}");
    let records = store.run(&["events", "--type", "vote.veto"]).exits(0).ndjson();
    let joint = records.iter().filter(|r| {
        let actors = r["actors"].as_array().unwrap();
        actors.contains(&"CHN".into()) && actors.contains(&"RUS".into())
    });
    assert_eq!(joint.count(), 14, "joint vetoes of China and Russia, as the list flags them");
}
