//! Every id that the assessment framework must hold is in what `replay` answers, facts or none.

use std::collections::BTreeSet;

use bellwether_tests::{Store, root};
use serde_json::Value;

fn ids(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("id").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|v| ids(v, found));
        }
        Value::Array(elements) => elements.iter().for_each(|v| ids(v, found)),
        _ => {}
    }
}

/// Ids of the list, one a line, comments apart.
fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[test]
fn an_empty_store_names_every_part_of_the_framework() {
    let mut found = BTreeSet::new();
    ids(&Store::new().run(&["--format", "json", "replay"]).json(), &mut found);
    let text = std::fs::read_to_string(root().join("fixtures/framework-ids.txt")).unwrap();
    let wanted: Vec<&str> = listed(&text).collect();
    assert!(wanted.len() >= 81, "the list is whole: {}", wanted.len());
    let missing: Vec<&str> = wanted.into_iter().filter(|id| !found.contains(*id)).collect();
    assert!(missing.is_empty(), "the framework lacks {missing:?}");
}

#[test]
fn an_id_that_is_nowhere_is_missed() {
    let mut found = BTreeSet::new();
    ids(&serde_json::json!({"rows": [{"id": "a", "parts": [{"id": "b"}]}]}), &mut found);
    let missing: Vec<&str> = listed("# list\na\n\nb\nc\n").filter(|id| !found.contains(*id)).collect();
    assert_eq!(missing, ["c"]);
}
