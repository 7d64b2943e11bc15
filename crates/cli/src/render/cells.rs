//! JSON values as CSV cells.

use serde_json::Value;

/// The value at a dotted path; null where there is none.
pub(crate) fn field(value: &Value, path: &str) -> Value {
    let found = path.split('.').try_fold(value, |at, name| at.get(name));
    found.cloned().unwrap_or(Value::Null)
}

/// A cell: lists separated by blanks, null empty. Text that a spreadsheet would run as a formula gets a
/// leading quote, unless `raw`.
pub(crate) fn csv_cell(value: &Value, raw: bool) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(|v| csv_cell(v, true)).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    };
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && text.parse::<f64>().is_err();
    if formula && !raw { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn formulas_are_quoted_and_numbers_are_not() {
        for (value, want) in [
            (json!("=1+1"), "'=1+1"),
            (json!("@SUM(A1)"), "'@SUM(A1)"),
            (json!("-2+3"), "'-2+3"),
            (json!("-2.5"), "-2.5"),
            (json!(-2.5), "-2.5"),
            (json!("plain"), "plain"),
            (json!(null), ""),
            (json!([1, 2]), "1 2"),
            (json!(["=x"]), "'=x"),
        ] {
            assert_eq!(csv_cell(&value, false), want);
        }
        assert_eq!(csv_cell(&json!("=1+1"), true), "=1+1");
    }

    #[test]
    fn fields_go_down_dotted_paths() {
        let value = json!({"a": {"b": 1}, "c": null});
        assert_eq!(field(&value, "a.b"), json!(1));
        assert_eq!(field(&value, "c.d"), Value::Null);
    }
}
