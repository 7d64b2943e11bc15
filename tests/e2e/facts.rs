//! Facts of these tests' own making, and readings of what comes out.

use serde_json::Value;

pub(crate) const HEADER: &str = "fact_type,key,valid_start,valid_end,published_at,assume,actor_from,actor_to,value,\
unit,attributes,source_name,source_url,source_grade,info_credibility,note,op";

/// A CSV source of `facts-csv`.
pub(crate) fn csv(rows: &[String]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

/// Trade of a year as China's customs would report it.
pub(crate) fn trade(year: i32, value: &str, published: &str) -> String {
    statement("trade.flow", &format!("trade|{year}"), (year, year + 1), value, published, "assert")
}

/// Withdrawal of [`trade`].
pub(crate) fn no_trade(year: i32, published: &str) -> String {
    statement("trade.flow", &format!("trade|{year}"), (year, year + 1), "", published, "retract")
}

fn statement(
    kind: &str,
    key: &str,
    (from, to): (i32, i32),
    value: &str,
    published: &str,
    op: &str,
) -> String {
    let attributes = "\"{\"\"commodity\"\": \"\"all goods\"\", \"\"direction\"\": \"\"two-way\"\", \
                      \"\"reporter\"\": \"\"CHN-GACC\"\"}\"";
    format!(
        "{kind},{key},{from}-01-01,{to}-01-01,{published},no,CHN,RUS,{value},USD,{attributes},An Agency,\
         https://example.org/{from},A,1,,{op}"
    )
}

/// Row of a list by its id.
#[track_caller]
pub(crate) fn row<'v>(document: &'v Value, list: &str, id: &str) -> &'v Value {
    let rows = document[list].as_array().unwrap();
    rows.iter().find(|r| r["id"] == id).unwrap_or_else(|| panic!("no {id} in {list}"))
}

/// Removes what depends on the order of arrival: sequences and what counts them.
pub(crate) fn without_sequences(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for name in ["evidence", "because", "seq", "head"] {
                fields.remove(name);
            }
            fields.values_mut().for_each(without_sequences);
        }
        Value::Array(elements) => elements.iter_mut().for_each(without_sequences),
        _ => {}
    }
}

/// Paths at which two documents differ, rows of lists named by their `id`.
pub(crate) fn differences(a: &Value, b: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", a, b, &mut found);
    found
}

fn compare(path: &str, a: &Value, b: &Value, found: &mut Vec<String>) {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            let mut names: Vec<&String> = x.keys().chain(y.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                let null = Value::Null;
                compare(
                    &format!("{path}/{name}"),
                    x.get(name).unwrap_or(&null),
                    y.get(name).unwrap_or(&null),
                    found,
                );
            }
        }
        (Value::Array(x), Value::Array(y)) if named(x) && named(y) => {
            let by_id = |rows: &[Value], id: &Value| {
                rows.iter().find(|r| &r["id"] == id).cloned().unwrap_or_default()
            };
            let mut ids: Vec<&Value> = x.iter().map(|r| &r["id"]).collect();
            ids.extend(y.iter().map(|r| &r["id"]).filter(|id| !x.iter().any(|r| &&r["id"] == id)));
            for id in ids {
                let name = id.as_str().unwrap_or_default();
                compare(&format!("{path}/{name}"), &by_id(x, id), &by_id(y, id), found);
            }
        }
        (a, b) if a != b => found.push(path.to_owned()),
        _ => {}
    }
}

fn named(rows: &[Value]) -> bool {
    rows.iter().all(|r| r["id"].is_string())
}
