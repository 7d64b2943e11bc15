//! Rule files: what is read, what is refused, and where.

use bellwether_alert::RuleSet;

/// A file with one rule, the lines given among its own.
fn rule(lines: &str) -> String {
    format!("[[rule]]\nid = \"a\"\ntitle = \"A\"\nseverity = \"info\"\nsummary = \"s\"\n{lines}\n")
}

/// Faults of a file as they are shown, one a paragraph; `ok` for none.
fn check(text: &str) -> String {
    match RuleSet::parse([("r.toml", text)]) {
        Ok(_) => "ok".to_owned(),
        Err(problems) => problems.to_string(),
    }
}

fn when(expression: &str) -> String {
    check(&rule(&format!("each = \"indicators\"\nwhen = '''{expression}'''")))
}

#[test]
fn show() {
    for e in [
        "row.value > 1",
        "row.value > 1.0",
        "row.valu > 1",
        "abs(row.value) > 2 && row.kind == 'x'",
        "domain[\"economic\"].index > 1 ||\n indicator['x'].sign == nul",
        "row.value + row.trend > 1",
        "row.value",
        "row.value == null",
        "domain[row.domain].index > 1",
        "row",
        "1 +",
        "row.shifts.exists(row, true)",
        "row.shifts.exists(s, s.startsWith('x'))",
        "row.also.exists(s, s.value > 1)",
        "row.also.exists(s, s.valu > 1)",
        "foo(row.value) > 1.0",
        "has(row.value) && fit > 0.5 && balance.value > max(1, 2.5)",
        "row.period.end > '2020'",
        "row.id.matches('(a+)+$')",
        "row.id.matches('(a')",
        "row.value > 2 * 1",
        "row.value * 2 > 1",
    ] {
        eprintln!("== {e}\n{}", when(e));
    }
}
