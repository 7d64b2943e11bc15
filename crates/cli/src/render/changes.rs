//! Differences between two views, and the history of one measure.

use bellwether_model::framework::Measure;
use bellwether_projection::{Cause, Change, Comparison, Diff, SeriesRow};
use serde_json::Value;

use super::figures::{UNKNOWN, compact, counted, label, probability, spark, until, value_or_floor};
use super::{Align, Cell, Fit, Look, Page, Style, Table};

use Align::{Left, Right};
use Fit::{Break, Cut, Keep};

/// Columns that are certain of a head.
const HEAD: usize = 10;
/// Fields that say what a row says; the others follow from them.
const HEADLINES: [&str; 14] = [
    "",
    "index",
    "trajectory",
    "confidence",
    "level",
    "direction",
    "value",
    "at_least",
    "trend",
    "stale",
    "breached",
    "probability",
    "tripped",
    "toward",
];

/// Whether a change stands on the short page.
fn is_headline(change: &Change) -> bool {
    HEADLINES.contains(&change.path.as_str())
        && !change.id.starts_with("measure.")
        && (!change.id.starts_with("divergence.") || change.path == "tripped" || tripped(change))
}

/// Whether a divergence that came or went was past its threshold.
fn tripped(change: &Change) -> bool {
    change.path.is_empty() && [&change.before, &change.after].iter().any(|v| v["tripped"] == true)
}

/// The page: headlines, or everything.
pub(crate) fn diff(diff: &Diff, all: bool, look: &Look) -> String {
    let mut page = Page::new(look);
    let shown: Vec<&Change> = diff.changed.iter().filter(|c| all || is_headline(c)).collect();
    let beside = match (shown.len(), diff.changed.len()) {
        (_, 0) => "nothing changed".to_owned(),
        (n, m) if n < m => format!("{n} of {}; --all shows the rest", counted(m, "change", "changes")),
        (_, m) => counted(m, "change", "changes"),
    };
    page.heading(&format!("From {} to {}", until(&diff.from), until(&diff.to)), &beside);
    let mut table = Table::new(&[
        ("row", Left, Break),
        ("field", Left, Break),
        ("before", Right, Cut),
        ("", Left, Keep),
        ("after", Left, Cut),
        ("because of", Left, Cut),
    ]);
    for change in shown {
        table.row([
            change.id.as_str().into(),
            Cell::new(if change.path.is_empty() { "row" } else { &change.path }, Style::Dim),
            value(&change.before, &change.path).into(),
            "→".into(),
            Cell::new(value(&change.after, &change.path), Style::Bold),
            Cell::new(because(change), Style::Dim),
        ]);
    }
    page.table(&table);
    page.finish()
}

/// Two readings side by side, by their names: what rows say differently, or everything that differs as it is printed.
pub(crate) fn comparison(c: &Comparison, [base, other]: &[String; 2], all: bool, look: &Look) -> String {
    let mut page = Page::new(look);
    let cells: Vec<_> =
        c.changed.iter().map(|d| (d, reading(&d.base, &d.path), reading(&d.other, &d.path))).collect();
    let differ: Vec<_> = cells.iter().filter(|(_, base, other)| base != other).collect();
    let headline = |path: &str, id: &str| HEADLINES.contains(&path) && !id.starts_with("measure.");
    let shown: Vec<_> = differ.iter().filter(|(d, ..)| all || headline(&d.path, &d.id)).collect();
    let differences = counted(differ.len(), "difference", "differences");
    let beside = match (shown.len(), differ.len(), cells.len()) {
        (_, _, 0) => "both read the same".to_owned(),
        (_, 0, _) => "nothing that shows in the digits printed here; --format json has the rest".to_owned(),
        (n, m, _) if n < m => format!("{n} of {differences}; --all shows the rest"),
        _ => differences,
    };
    page.heading(&format!("{other} beside {base}"), &beside);
    page.paragraph(&format!("Up to {}, as known by {}.", until(&c.as_of), until(&c.known_by)), Style::Plain);
    let [ours, theirs] = apart(base, other);
    let mut table = Table::new(&[
        ("row", Left, Break),
        ("field", Left, Break),
        (&ours, Right, Cut),
        (&theirs, Right, Cut),
    ]);
    for (d, base, other) in shown {
        table.row([
            d.id.as_str().into(),
            Cell::new(if d.path.is_empty() { "row" } else { &d.path }, Style::Dim),
            base.into(),
            Cell::new(other, Style::Bold),
        ]);
    }
    page.table(&table);
    page.finish()
}

/// Two names as heads of narrow columns: of long ones that begin alike, what differs.
fn apart(a: &str, b: &str) -> [String; 2] {
    let alike = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    // Back to where the word begins in which they part.
    let begun: Vec<char> = a.chars().take(alike).collect();
    let keep = begun.iter().rposition(|c| !c.is_alphanumeric() && *c != '.').map_or(0, |at| at + 1);
    let short = |name: &str| match name.chars().count() > HEAD && keep > 0 {
        true => format!("…{}", name.chars().skip(keep).collect::<String>()),
        false => name.to_owned(),
    };
    [short(a), short(b)]
}

/// What a reading says in a field; of a whole row that the other lacks, its number.
fn reading(said: &Value, path: &str) -> String {
    let number = |field: &&str| said.get(*field).filter(|number| number.is_number());
    match ["index", "level", "value", "probability"].iter().find(|field| number(field).is_some()) {
        Some(field) => value(said.get(*field).unwrap_or(&Value::Null), field),
        None if path.is_empty() && said.is_null() => "no such row".to_owned(),
        None => value(said, path),
    }
}

fn value(value: &Value, path: &str) -> String {
    match value {
        Value::Null => UNKNOWN.to_owned(),
        Value::Number(n) if path == "probability" => n.as_f64().map_or(n.to_string(), probability),
        Value::Number(n) => n.as_f64().map_or(n.to_string(), compact),
        Value::String(text) => text.clone(),
        Value::Object(fields) => match (fields.get("start"), fields.get("end")) {
            (Some(Value::String(start)), Some(Value::String(end))) => label(start, end),
            _ if fields.get("tripped").is_some_and(|t| t == true) => "tripped".to_owned(),
            _ => "present".to_owned(),
        },
        other => other.to_string(),
    }
}

fn because(change: &Change) -> String {
    if change.cause == Cause::Time {
        return "time alone".to_owned();
    }
    match change.because.as_slice() {
        [] => UNKNOWN.to_owned(),
        [only] => format!("seq {only}"),
        [first, rest @ ..] => format!("seq {first} +{}", rest.len()),
    }
}

/// The history of a measure.
pub(crate) fn series(rows: &[SeriesRow], measure: &Measure, look: &Look) -> String {
    let mut page = Page::new(look);
    page.heading(&measure.title, &measure.id);
    let values: Vec<f64> = rows.iter().filter_map(|r| r.value.or(r.at_least)).collect();
    page.paragraph(&spark(&values), Style::Plain);
    let mut table = Table::new(&[
        ("period", Left, Keep),
        ("value", Right, Keep),
        ("published", Left, Keep),
        ("vintage", Right, Keep),
        ("seq", Right, Keep),
    ]);
    for row in rows {
        table.row([
            label(&row.period_start, &row.period_end).into(),
            Cell::new(value_or_floor(row.value, row.at_least, &measure.unit), Style::Bold),
            row.published_at.map_or("when recorded".to_owned(), |at| at.to_string()).into(),
            row.vintage.to_string().into(),
            row.seq.map_or(UNKNOWN.to_owned(), |s| s.to_string()).into(),
        ]);
    }
    page.table(&table);
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(changed: Vec<Change>, all: bool, want: &str) {
        let compared =
            Diff { from: "2022-07-01T00:00:00Z".into(), to: "2023-07-01T00:00:00Z".into(), changed };
        assert_eq!(diff(&compared, all, &crate::render::PLAIN), want);
    }

    fn change(path: &str, cause: Cause, because: &[u64]) -> Change {
        Change {
            id: "economic.trade-total".into(),
            path: path.into(),
            before: json!(null),
            after: json!(190_270_000_000_i64),
            cause,
            because: because.to_vec(),
        }
    }

    #[test]
    fn two_readings_stand_side_by_side_under_their_names() {
        let framework = |version: &str| json!({"id": "pair", "version": version, "hash": "00"});
        let differing = |id: &str, path: &str, base: Value, other: Value| json!({"id": id, "path": path, "base": base, "other": other});
        let c: Comparison = serde_json::from_value(json!({
            "base": framework("1"), "other": framework("2"),
            "as_of": "2026-01-01T00:00:00Z", "known_by": "2026-01-01T00:00:00Z",
            "changed": [
                differing("economic", "index", json!(12.34), json!(-3.0)),
                differing("economic", "low", json!(10.0), json!(11.0)),
                differing("economic.trade", "value", json!(0.500_04), json!(0.500_01)),
                differing("driver.new", "", json!(null), json!({"id": "driver.new", "level": 7.5})),
            ],
        }))
        .unwrap();
        let names = ["pair 1".to_owned(), "pair 2".to_owned()];
        assert_eq!(
            comparison(&c, &names, false, &crate::render::PLAIN),
            concat!(
                "pair 2 beside pair 1  2 of 3 differences; --all shows the rest\n",
                "  Up to the end of 2025-12-31, as known by the end of 2025-12-31.\n",
                "  row         field       pair 1  pair 2\n",
                "  economic    index        12.34      −3\n",
                "  driver.new  row    no such row     7.5\n",
            )
        );
        let same = Comparison { changed: c.changed[2..3].to_vec(), ..c };
        let said = comparison(&same, &names, true, &crate::render::PLAIN);
        assert!(
            said.starts_with("pair 2 beside pair 1  nothing that shows in the digits printed here"),
            "{said}"
        );
        assert!(!said.contains("economic.trade"), "{said}");
    }

    #[test]
    fn heads_keep_what_differs() {
        for (a, b, want) in [
            ("pair 1", "pair 2", ["pair 1", "pair 2"]),
            ("china-russia 1.0.0", "china-russia 1.1.0", ["…1.0.0", "…1.1.0"]),
            ("china-russia.toml", "china-russia-b.toml", ["…russia.toml", "…russia-b.toml"]),
            ("pair 1", "another-framework 2", ["pair 1", "another-framework 2"]),
        ] {
            assert_eq!(apart(a, b), want);
        }
    }

    #[test]
    fn a_difference_names_its_cause() {
        check(vec![], false, "From the end of 2022-06-30 to the end of 2023-06-30  nothing changed\n");
        check(
            vec![change("value", Cause::Facts, &[3, 5, 8, 13]), change("vintages", Cause::Time, &[])],
            false,
            concat!(
                "From the end of 2022-06-30 to the end of 2023-06-30  1 of 2 changes; --all shows the rest\n",
                "  row                   field  before     after     because of\n",
                "  economic.trade-total  value       –  →  190.3 bn  seq 3 +3\n",
            ),
        );
    }
}
