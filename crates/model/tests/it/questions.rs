//! Question files: every fault with its line and remedy.

use bellwether_model::FactTypes;
use bellwether_model::framework::Framework;
use bellwether_model::question::Questions;

fn framework() -> Framework {
    let read =
        |path: &str| std::fs::read_to_string(format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let types = FactTypes::parse("facts.toml", &read("config/facts.toml")).unwrap();
    let text = read("config/frameworks/china-russia.toml");
    let map = read(&format!("config/frameworks/{}", Framework::map_name(&text).unwrap()));
    Framework::parse("china-russia.toml", &text, &types, Some(&map)).unwrap()
}

const GOOD: &str = r#"framework = "china-russia"

[[question]]
id = "q"
title = "A question?"
about = "economic.trade-total"
rule = "value > 240e9 in 2024"
filed = "2024-03-01"
settle = "2025-06-30"
reason = "a reason"
"#;

const TEMPLATE: &str = r#"framework = "china-russia"
[[template]]
id = "t"
title = "About {period}?"
about = "military.exercises"
rule = "reported > last at {end}"
each = "quarter"
years = [2014, 2015]
lead_months = 12
settle_days = 400
reason = "a reason"
"#;

/// Findings after some replacements: line, field, message and remedy.
fn faults(text: &str, changes: &[(&str, &str)]) -> Vec<String> {
    let mut text = text.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let found = Questions::parse("q.toml", &text, [&framework()]).err().map(|p| p.0).unwrap_or_default();
    found.iter().map(|p| format!("{} {}: {}; {}", p.line, p.field, p.message, p.remedy)).collect()
}

#[test]
fn a_sound_file_has_no_fault() {
    assert!(faults(GOOD, &[]).is_empty() && faults(TEMPLATE, &[]).is_empty());
}

#[test]
fn each_fault_names_its_line_and_what_to_do() {
    for (change, want) in [
        (
            ("trade-total", "trade-totl"),
            "6 question[0].about: no such indicator, measure or scenario; did you mean economic.trade-total?",
        ),
        (
            ("value > 240e9 in 2024", "value over 240"),
            "7 question[0].rule: no rule: five words, or seven with a factor",
        ),
        (("in 2024", "in 2024-Q5"), "7 question[0].rule: no rule: a period is written"),
        (("in 2024", "in 2024-03"), "7 question[0].rule: the measure has no reading of such a period"),
        (("value >", "probability >"), "7 question[0].rule: only a scenario has a probability"),
        (("2024-03-01", "2025-03-01"), "8 question[0].filed: filed when the period is over"),
        (("2024-03-01", "1 March"), "8 question[0].filed: no date; write YYYY-MM-DD"),
        (("2025-06-30", "2024-11-30"), "9 question[0].settle: settles before anything can answer"),
        (("a reason", " "), "10 question[0].reason: blank"),
        (("\"q\"", "\"Q 1\""), "4 question[0].id: no id"),
        (
            ("china-russia", "india-japan"),
            "1 framework: no such framework; the configuration has china-russia",
        ),
        (
            ("economic.trade-total", "scenario.c-divergence"),
            "7 question[0].rule: a scenario has a probability on a date",
        ),
        (("reason =", "because ="), "10 : unknown field `because`"),
    ] {
        let found = faults(GOOD, &[change]);
        assert!(found.first().is_some_and(|f| f.starts_with(want)), "{change:?}: {found:#?}");
    }
    let share =
        [("economic.trade-total", "financial.yuan-reserves"), ("> 240e9 in 2024", "> 20 at 2024-12-31")];
    assert!(faults(GOOD, &share)[0].contains("the bound is outside a share; write 0.05 for 5 %"));
    assert!(faults(GOOD, &[("> 240e9", "> 0 * last")])[0].contains("a factor of 0 compares with nothing"));
    let late = faults(TEMPLATE, &[("settle_days = 400", "settle_days = 4000000000")]);
    assert!(late.len() == 1 && late[0].contains("settle_days: more than ten years"), "{late:#?}");
    // All at once.
    let all = faults(GOOD, &[("trade-total", "nothing"), ("2024-03-01", "x"), ("a reason", "")]);
    assert_eq!(all.len(), 3, "{all:#?}");
    let twice = format!("{GOOD}{}", GOOD.split_once("\n\n").unwrap().1);
    assert!(faults(&twice, &[])[0].contains("the id is there twice"));
}

#[test]
fn templates_ask_about_every_period() {
    let found = Questions::parse("q.toml", TEMPLATE, [&framework()]).unwrap();
    let shown: Vec<String> = found
        .backcasts
        .iter()
        .map(|q| format!("{} {} {} {} {}", q.id, q.title, q.rule, q.filed, q.settle))
        .collect();
    assert_eq!(shown.len(), 8);
    assert_eq!(shown[1], "t-2014-q2 About 2014-Q2? reported > last at 2014-06-30 2013-06-30 2015-08-04");
    assert!(faults(TEMPLATE, &[("[2014, 2015]", "[2015, 2014]")])[0].starts_with("8 template[0].years"));
    assert!(faults(TEMPLATE, &[("at {end}", "on {end}")])[0].starts_with("6 template[0].rule: no rule"));
    assert!(
        faults(TEMPLATE, &[("lead_months = 12", "lead_months = 0")])[0]
            .contains("asked when the period is over")
    );
}

#[test]
fn a_version_is_the_text_and_nothing_else() {
    let of = |text: &str| Questions::parse("q.toml", text, [&framework()]).unwrap().filed[0].version();
    assert_eq!(of(GOOD), of(&GOOD.replace("reason =", "# a remark\nreason =")));
    assert_eq!(of(GOOD), of(&GOOD.replace("240e9", "2.4e11")));
    for (from, to) in [
        ("240e9", "241e9"),
        ("A question", "Another"),
        ("a reason", "no reason"),
        ("2025-06-30", "2025-07-01"),
    ] {
        assert_ne!(of(GOOD), of(&GOOD.replace(from, to)), "{from}");
    }
}
