//! Which records speak at a date, by the plain rule: of each key the latest known one, a withdrawal first at a tie.

use std::collections::BTreeMap;

use bellwether_tests::Store;
use serde_json::Value;

/// A record's known time, so that text order is time order: a day is known from the following midnight.
///
/// `moment` is exclusive: a record known at that moment is not known before it.
fn known(record: &Value) -> String {
    let published = record["published_at"].as_str().unwrap();
    // A day sorts after every instant of it, and before those of the next.
    if published.len() == 10 { format!("{published}T24:00:00Z") } else { published.to_owned() }
}

/// Records of one feed, in log order.
pub(crate) fn of_feed(store: &Store, feed: &str) -> Vec<Value> {
    let all = store.run(&["events"]).exits(0).ndjson();
    all.into_iter().filter(|r| r["source"] == feed && r["published_basis"] == "stated").collect()
}

/// What is said under each key, from `published` on, itself included.
pub(crate) fn visible<'r>(records: &'r [Value], published: &str) -> BTreeMap<&'r str, &'r Value> {
    let by = if published.len() == 10 { format!("{published}T24:00:00Z") } else { published.to_owned() };
    let mut sorted: Vec<&Value> = records.iter().filter(|r| known(r) <= by).collect();
    sorted.sort_by_key(|r| (known(r), r["op"] == "retract"));
    let mut said: BTreeMap<&str, &Value> = BTreeMap::new();
    for record in sorted {
        let key = record["key"].as_str().unwrap();
        if record["op"] == "retract" {
            said.remove(key);
        } else {
            said.insert(key, record);
        }
    }
    said
}

/// Listings that no removal has ended, from `published` on.
pub(crate) fn listed<'r>(records: &'r [Value], published: &str) -> Vec<&'r Value> {
    let said = visible(records, published);
    let ended: Vec<&str> = said.values().filter_map(|r| r["attributes"]["ends"].as_str()).collect();
    let base = |key: &str| key.split("|copy").next().unwrap_or_default().to_owned();
    let stands = |r: &&&Value| !ended.contains(&base(r["key"].as_str().unwrap()).as_str());
    said.values().filter(|r| r["type"] == "sanction.listed").filter(stands).copied().collect()
}
