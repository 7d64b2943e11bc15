//! Rule files: what is read, what is refused, and where.

use std::time::Duration;

use bellwether_alert::RuleSet;

use crate::support::{bundled, rule, rules, types};
use crate::world::summaries;

/// Faults of a file as they are shown, one after the other; `ok` for none.
fn check(text: &str) -> String {
    match RuleSet::parse([("r.toml", text)]) {
        Ok(_) => "ok".to_owned(),
        Err(problems) => problems.to_string(),
    }
}

fn when(expression: &str) -> String {
    check(&rule("a", &format!("each = \"indicators\"\nwhen = '''{expression}'''")))
}

#[test]
fn conditions_that_are_fine() {
    for text in [
        "row.value > 1",
        "abs(row.change_on_year) >= 0.1 && row.trend == 'down'",
        "row.period.end > '2020' || row.stale",
        "row.shifts.exists(s, s.startsWith('shift.'))",
        "row.also.exists(a, a.value > 1.0)",
        "has(row.value) && fit > 0.5 && balance.value > max(1, 2.5)",
        "domain[\"economic\"].index > 1.0 || level['role.x'].level < min(row.value, 3)",
        "row.id.matches('^economic[.]')",
        "row.domain in ['economic', 'financial']",
        "row.value > 1 ? row.stale : row.conflict",
    ] {
        assert_eq!(when(text), "ok", "{text}");
    }
}

#[test]
fn a_fault_shows_its_line_and_a_caret_under_the_place() {
    let shown = |text: &str, message: &str, excerpt: &str| {
        assert_eq!(when(text), format!("r.toml:7: rule[0].when: {message}\n{excerpt}"), "{text}");
    };
    shown(
        "row.valu > 1",
        "column 5: row has no field valu; did you mean value?",
        "    row.valu > 1\n        ^",
    );
    shown(
        "row.value > 1 && row.trend + 1.0 > 2.0",
        "column 28: cannot add a text and a number; numbers are doubles, 2.0 and not 2; texts stand in quotes",
        "    row.value > 1 && row.trend + 1.0 > 2.0\n                               ^",
    );
    shown(
        "row.value * 2 > 1",
        "column 11: cannot mul a number and a whole number; numbers are doubles, 2.0 and not 2; texts stand in quotes",
        "    row.value * 2 > 1\n              ^",
    );
    shown(
        "row.value",
        "column 1: gives a number, not true or false; write one that gives true or false",
        "    row.value\n    ^",
    );
    shown(
        "row.value == null",
        "column 11: what is unknown compares with nothing; ask has(row.value) whether it is known",
        "    row.value == null\n              ^",
    );
    shown(
        "domain[row.domain].index > 1",
        "column 11: a row is named by a literal id; write domain[\"ID\"], or use each",
        "    domain[row.domain].index > 1\n              ^",
    );
    shown(
        "row.shifts.exists(row, true)",
        "column 18: row is a name of the assessment; call the variable of the macro otherwise",
        "    row.shifts.exists(row, true)\n                     ^",
    );
    shown(
        "foo(row.value) > 1.0",
        "column 4: unknown function foo; there are abs, max, min and those of CEL",
        "    foo(row.value) > 1.0\n       ^",
    );
    assert!(
        when("1 +").starts_with("r.toml:7: rule[0].when: column 4: not a CEL expression"),
        "{}",
        when("1 +")
    );
    // The line is that of the file, the column that of the line.
    let two = when("row.value > 1 &&\n  row.trendy == 'up'");
    assert!(
        two.starts_with("r.toml:8: rule[0].when: column 7: row has no field trendy; did you mean trend?"),
        "{two}"
    );
}

#[test]
fn all_faults_of_all_files_come_at_once() {
    let a = rule("one", "when = 'row.value > 1'\nfor = \"7 fortnights\"\ngroup_by = [\"colour\"]");
    let b = rule("one", "when = 'domain[\"x\"].index > 1'");
    let c = rule("Two!", "when = 'fit > 1'\nonly = 'true'\nlabels = { rule = \"x\" }\nkeep = \"40000d\"");
    let found =
        RuleSet::parse([("a.toml", a.as_str()), ("b.toml", &b), ("c.toml", &c), ("d.toml", "rule = 3")]);
    let found: Vec<String> =
        found.unwrap_err().0.iter().map(|p| format!("{}:{} {}", p.file, p.line, p.message)).collect();
    let expected = [
        "a.toml:8 no alert has a label colour",
        "a.toml:6 column 1: row is read by its fields",
        "a.toml:7 not a duration",
        "a.toml:5 column 1: row is read by its fields",
        "b.toml:2 a.toml has a rule of that name",
        "c.toml:2 an id is made of a to z, 0 to 9 and -",
        "c.toml:8 the label rule is added to every alert",
        "c.toml:7 a rule without each has no rows to choose from",
        "c.toml:9 longer than ten years",
    ];
    for (found, want) in found.iter().zip(expected) {
        let stem = want.split(" column").next().unwrap();
        assert!(found.starts_with(stem), "{found}\n{want}");
    }
    assert!(found.iter().any(|f| f.starts_with("d.toml:1 ")), "{found:?}");
}

#[test]
fn a_value_of_the_wrong_form_hides_no_fault_of_the_other_rules() {
    let odd = rule("odd", "when = 'true'").replace("\"info\"", "\"high\"");
    let second = rule("second", "when = 'row.value > 1'").replace("now {row.value}", "s");
    let text = format!("{odd}{second}[[inhibit]]\nsource = 3\n[[inhibit]]\nsource = {{}}\n");
    let found = RuleSet::parse([("r.toml", text.as_str())]).unwrap_err();
    let found: Vec<String> =
        found.0.iter().map(|p| format!("{} {} {}", p.line, p.field, p.message)).collect();
    assert_eq!(
        found,
        [
            "4  unknown variant `high`, expected one of `info`, `warning`, `critical`",
            "12 rule[1].when column 1: a rule without each has no row",
            "14  invalid type: integer `3`, expected a map",
            "15  missing field `target`",
        ]
    );
}

/// What a set of rules lacks although it can run, one fault a line.
fn lacks(text: &str) -> String {
    let faults = rules(text).review().err().map_or(Vec::new(), |found| found.0);
    faults.iter().map(|p| format!("{} {}: {}; {}\n", p.line, p.field, p.message, p.remedy)).collect()
}

#[test]
fn a_rule_says_why_and_what_to_do() {
    let with = |lines: &str| rule("a", &format!("each = \"indicators\"\nwhen = 'row.value > 1'\n{lines}"));
    assert_eq!(lacks(&with("reason = \"x\"\nrunbook = \"y\"")), "");
    assert_eq!(
        lacks(&with("reason = \" \"")),
        "1 a.runbook: no runbook; say what to do when it fires\n\
         1 a.reason: no reason; say why this condition and this threshold\n"
    );
}

#[test]
fn an_inhibition_concerns_alerts_that_there_can_be() {
    let said = "each = \"constraints\"\nwhen = 'row.breached'\nlabels = { topic = \"x\" }\nreason = \"x\"\nrunbook = \"y\"";
    let two = rule("breach", said).replace("now {row.value}", "s") + &rule("close", said);
    let with = |inhibit: &str| lacks(&format!("{two}[[inhibit]]\n{inhibit}\n"));
    for fine in [
        "source = { rule = \"breach\" }\ntarget = { rule = \"clo*\" }\nequal = [\"subject\"]",
        "source = { severity = \"info\", subject = \"constraint.*\" }\ntarget = { topic = \"x\" }\nequal = [\"topic\"]",
    ] {
        assert_eq!(with(fine), "", "{fine}");
    }
    assert_eq!(
        with("source = { rule = \"breech\" }\ntarget = { severity = \"critical\" }\nequal = [\"subjct\"]"),
        "22 inhibit[0].source: no rule gives alerts with these labels; did you mean breach?\n\
         23 inhibit[0].target: no rule gives alerts with these labels; name labels that alerts of some rule have together\n\
         24 inhibit[0].equal: no alert has a label subjct, so all would agree in it; name a label that alerts have, or leave it out\n"
    );
}

#[test]
fn rows_that_a_framework_does_not_show_are_named_with_those_that_come_near() {
    let text = rule("a", "when = '''\nindicator[\"economic.trade-totl\"].value > 1\n  && domain[\"economic\"].index > 1.0\n  && domain[\"economic.trade-total\"].index > 1.0'''")
        .replace("{row.value}", "");
    let found = rules(&text).check(&bundled(), &types()).unwrap_err().to_string();
    assert_eq!(
        found,
        "r.toml:7: a.when: column 12: no row economic.trade-totl in china-russia; did you mean economic.trade-total?\n    indicator[\"economic.trade-totl\"].value > 1\n               ^\nr.toml:9: a.when: column 14: no row economic.trade-total in china-russia; it is among indicators: read it there\n      && domain[\"economic.trade-total\"].index > 1.0\n                 ^"
    );
}

#[test]
fn the_version_is_what_a_rule_does_and_not_what_it_says() {
    let version = |lines: &str| rules(&rule("a", lines)).rules()[0].version.clone();
    let base = "each = \"indicators\"\nwhen = 'row.value > 1'";
    assert_eq!(version(base), version(&format!("# why\n{base}\nreason = \"x\"\nrunbook = \"y\"")));
    assert_ne!(version(base), version(&base.replace("> 1", "> 2")));
    assert_ne!(version(base), version(&format!("{base}\nkeep = \"1d\"")));
}

/// What came of it within two seconds: what is linear takes a thousandth of that.
#[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
fn soon(work: impl FnOnce() -> String) -> String {
    let begun = std::time::Instant::now();
    let found = work();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}: {found}", begun.elapsed());
    found
}

/// Refused with these words, soon.
fn refused(text: &str, words: &str) {
    let found = soon(|| when(text));
    assert!(found.contains(words), "{words}: {found}");
}

#[test]
fn r25_an_expression_costs_no_more_than_it_may() {
    refused("row.shifts.exists(a, row.shifts.exists(b, a == b))", "a macro inside a macro");
    refused(&format!("{}true{}", "(".repeat(25), ")".repeat(25)), "brackets nested deeper than 24");
    refused(&format!("row.id == '{}'", "x".repeat(2_000)), "longer than 2000 bytes");
    assert_eq!(when(&format!("{}true", "!".repeat(1_990))), "ok");
    // Deep without a bracket.
    refused(&format!("1{} > 0", "+1".repeat(990)), "operators nested deeper than 200");
    refused(&format!("{}true", "true?true:".repeat(198)), "not a CEL expression");
    refused(&format!("{{'a': 1{}}}.a > 0", "+1".repeat(980)), "operators nested deeper");
    refused(&format!("row{}", ".id".repeat(660)), "operators nested deeper");
    assert_eq!(when(&format!("1{} > 0", "+1".repeat(190))), "ok");
    assert_eq!(when(&format!("row.stale{}", "||row.stale".repeat(180))), "ok");
}

#[test]
fn r25_a_pattern_is_a_short_literal_and_small_when_compiled() {
    refused("row.id.matches(row.title)", "a pattern must be a literal");
    refused("row.id.matches('(a{1000}){1000}')", "not a usable pattern");
    refused("row.id.matches('(?:(?:(?:a{90}){90}){90})')", "not a usable pattern");
    refused(&format!("row.id.matches('{}')", "a".repeat(201)), "longer than 200 bytes");
    refused("row.id.matches('(')", "not a usable pattern");
    // Backtracking engines take exponential time for this; here it is linear.
    let text = rule(
        "a",
        "each = \"indicators\"\nwhen = '''row.id.matches('^(a+)+$') || \"AAAA\".matches('^(a+)+$')'''",
    )
    .replace("AAAA", &format!("{}!", "a".repeat(1_500)));
    assert_eq!(soon(|| check(&text)), "ok");
}

#[test]
fn what_is_unknown_in_the_middle_of_an_expression() {
    for (summary, unknown, known) in [
        // `has` of a part asks whether the part is known, whatever it is a part of.
        ("has(row.period.end) ? row.period.end : 'never'", "never", "2030-01-01"),
        ("!has(row.period.end) ? 'never' : row.period.end", "never", "2030-01-01"),
        ("has(row.period) ? 'some' : 'none'", "none", "some"),
        ("has(indicator['commerce.trade'].period.end) ? 'some' : 'none'", "none", "some"),
        ("has(row.also[0].value) ? row.also[0].value : -1.0", "-1", "-1"),
        ("has(row.also[1].value) ? row.also[1].value : -1.0", "-1", "4"),
        ("has(row.also[2].value) ? row.also[2].value : -1.0", "-1", "-1"),
        ("row.also.exists(a, has(a.value))", "false", "true"),
        // One item that holds, or does not, decides beside one that is unknown.
        ("row.also.exists(a, a.value > 2.0)", "false", "true"),
        ("row.also.exists(a, a.value > 5.0)", "false", "unknown"),
        ("row.also.all(a, a.value > 5.0)", "true", "false"),
        ("row.also.all(a, a.value > 2.0)", "true", "unknown"),
        // The branch that is not taken may read what is unknown; a condition may not.
        ("true ? 'a' : row.period.end", "a", "a"),
        ("false ? row.period.end : 'a'", "a", "a"),
        ("row.period.end > '2020' ? 'a' : 'b'", "unknown", "a"),
        ("(row.period.end > '2020' || true) ? 'a' : 'b'", "a", "a"),
        ("(false && row.period.end > '2020') ? 'a' : 'b'", "b", "b"),
        ("(row.period.end > '2020' && false) ? 'a' : 'b'", "b", "b"),
        ("(true || row.period.end > '2020') ? 'a' : 'b'", "a", "a"),
        ("!(row.period.end > '2020')", "unknown", "false"),
        ("row.period.end in ['2030-01-01']", "unknown", "true"),
        ("size(row.also) > 5 || row.period.end == '2030-01-01'", "unknown", "true"),
    ] {
        assert_eq!(summaries(&format!("{{{summary}}}")), [unknown, known], "{summary}");
    }
}

#[test]
fn a_part_that_no_field_has_is_a_fault() {
    let at = |text: &str, fault: &str| {
        let found = when(text);
        assert!(found.contains(fault), "{text}: {found}");
    };
    at("has(row.period.edn)", "column 16: period has no field edn; did you mean end?");
    at("row.period.begin > '2020'", "column 12: period has no field begin; it has: start, end");
    at("has(row.also[0].worth)", "also has no field worth; it has: name, unit, value, vintages");
    at("has(row.value.end)", "column 4: found no matching overload");
}
