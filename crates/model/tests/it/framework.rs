//! Each fault of a framework file is found, with its line, the offending text and a remedy.

use bellwether_model::FactTypes;
use bellwether_model::framework::Framework;

fn read(path: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn types() -> FactTypes {
    FactTypes::parse("facts.toml", &read("config/facts.toml")).unwrap()
}

/// Replaces `good` by `bad` in the invented dyad and expects one finding that says all of `says`, on the line
/// where `bad` stands.
fn check(good: &str, bad: &str, says: &[&str]) {
    let text = read("fixtures/dyads/xaa-xbb.toml");
    assert!(text.contains(good), "the fixture has no `{good}`");
    let broken = text.replacen(good, bad, 1);
    let problems = Framework::parse("xaa-xbb.toml", &broken, &types(), None).unwrap_err();
    let found = problems.0.iter().find(|p| says.iter().all(|s| p.to_string().contains(s)));
    let found = found.unwrap_or_else(|| panic!("no finding says {says:?}:\n{problems}"));
    let at = broken.split_once(bad).map(|(before, _)| before.matches('\n').count() + 1).unwrap();
    let lines = at..=at + bad.matches('\n').count();
    assert!(lines.contains(&found.line), "line {} is not in {lines:?}: {found}", found.line);
    assert!(!found.remedy.is_empty(), "{found}");
}

#[test]
fn the_bundled_frameworks_pass() {
    let map = read("config/frameworks/china-russia.ids.txt");
    for (path, map) in
        [("config/frameworks/china-russia.toml", Some(map.as_str())), ("fixtures/dyads/xaa-xbb.toml", None)]
    {
        Framework::parse(path, &read(path), &types(), map).unwrap_or_else(|p| panic!("{p}"));
    }
}

#[test]
fn a_horizon_that_runs_backwards_or_too_far() {
    let good = "horizon = [2024, 2028]";
    for (bad, says) in [
        ("horizon = [2026, 9999]", "the horizon 2026 to 9999 is not within 1900 to 2200"),
        ("horizon = [-4, 2028]", "the horizon -4 to 2028 is not within"),
        ("horizon = [2028, 2024]", "ends in 2024, before it begins in 2028"),
        ("horizon = [2026, 2076]", "the horizon has 51 years, 50 are the most"),
    ] {
        check(good, bad, &[says, "such as [2026, 2035]"]);
    }
    let text = read("fixtures/dyads/xaa-xbb.toml").replace(good, "horizon = [2026, 2075]");
    assert!(Framework::parse("xaa-xbb.toml", &text, &types(), None).is_ok());
}

#[test]
fn an_unknown_fact_type() {
    check(
        "type = \"trade.flow\", from",
        "type = \"trade.flwo\", from",
        &["unknown fact type trade.flwo", "facts.toml"],
    );
}

#[test]
fn a_unit_that_the_fact_type_lacks() {
    check(
        "unit = \"USD\", period = \"year\"",
        "unit = \"bushels\", period = \"year\"",
        &["trade.flow has no unit bushels", "use one of"],
    );
}

#[test]
fn a_range_that_is_empty_without_reason_or_of_a_count() {
    let level = "kind = \"level\"";
    let range = |text: &str| format!("{level}\nrange = {{ {text} }}");
    check(
        level,
        &range("min = 2.0, max = 1.0, reason = \"pipes\""),
        &["the range is empty", "min below max"],
    );
    check(level, &range("min = 0.0, max = 1.0, reason = \"\""), &["the range has no reason"]);
    check(level, &range("min = 0.0, reason = \"pipes\""), &["max"]);
    let ceilings =
        |text: &str| range(&format!("min = 0.0, max = 9.0, reason = \"pipes\", ceilings = [{text}]"));
    let two = "{ until = \"2027-01-01\", max = 5.0, reason = \"one\" }, { until = \"2030-01-01\", max = 5.0, reason = \"\" }";
    check(level, &ceilings(two), &["ceilings rise with time", "a later `until` and a greater `max`"]);
    check(level, &ceilings(two), &["the ceiling has no reason"]);
    check(
        "kind = \"count\"",
        "kind = \"count\"\nrange = { min = 0.0, max = 9.0, reason = \"few\" }",
        &["only a level or share has a range"],
    );
    check(
        "kind = \"share\"",
        "kind = \"share\"\nrange = { min = 0.0, max = 2.0, reason = \"all\" }",
        &["between 0 and 1"],
    );
}

#[test]
fn weights_that_do_not_add_to_1() {
    let text = read("fixtures/dyads/xaa-xbb.toml").replacen("weight = 0.6", "weight = 0.5", 1);
    let problems = Framework::parse("f.toml", &text, &types(), None).unwrap_err();
    assert!(problems.to_string().contains("weights of commerce add to 0.900000, not 1"), "{problems}");
}

#[test]
fn a_domain_without_indicators() {
    check(
        "[[domain]]\nid = \"defence\"",
        "[[domain]]\nid = \"empty\"\ntitle = \"t\"\ncharacter = \"c\"\n\n[[domain]]\nid = \"defence\"",
        &["the domain empty has no indicators"],
    );
}

#[test]
fn an_indicator_of_an_unknown_domain() {
    check("domain = \"commerce\"", "domain = \"comerce\"", &["unknown domain comerce"]);
}

#[test]
fn a_condition_that_does_not_parse_or_names_nothing() {
    check(
        "when = 'indicator[\"commerce.settlement\"].value >= 0.2'",
        "when = 'indicator[\"commerce.settlement\"].value >= '",
        &["not a CEL condition"],
    );
    check(
        "when = 'indicator[\"defence.pact\"].value < 2.0'",
        "when = 'indicator[\"defence.pcat\"].value < 2.0'",
        &["unknown id defence.pcat"],
    );
}

#[test]
fn an_input_that_is_no_row() {
    let text = read("fixtures/dyads/xaa-xbb.toml");
    let of = text.lines().find(|l| l.contains("of = \"commerce.trade\"")).expect("an input reads trade");
    check(of, &of.replace("commerce.trade", "commerce.tarde"), &["unknown id commerce.tarde"]);
}

#[test]
fn a_transition_row_that_does_not_add_to_1() {
    let text = read("fixtures/dyads/xaa-xbb.toml");
    let row = text.lines().find(|l| l.starts_with("transition")).expect("a transition row");
    let first = row.split("= ").nth(2).and_then(|r| r.split([',', ' ', '}']).next()).unwrap();
    check(row, &row.replacen(first, "0.123", 1), &["transition row adds to", "not 1"]);
}

#[test]
fn a_prior_of_1() {
    let text = read("fixtures/dyads/xaa-xbb.toml");
    let prior = text.lines().find(|l| l.starts_with("prior")).expect("a prior");
    check(prior, "prior = 1.0", &["never 0 and never 1"]);
}

#[test]
fn an_unknown_field_and_a_wrong_type() {
    check("stale_days = 550", "stale_dyas = 550", &["unknown field", "stale_dyas"]);
    check("weight = 0.6", "weight = \"heavy\"", &["invalid type", "heavy"]);
}

#[test]
fn an_id_missing_from_the_map_and_one_missing_from_the_framework() {
    let text = read("fixtures/dyads/xaa-xbb.toml");
    let own = Framework::parse("f.toml", &text, &types(), None).unwrap();
    let listed: Vec<&str> = own.ids().into_iter().filter(|id| *id != "commerce.trade").collect();
    let map = format!("# ids\n{}\nrole.xaa.absent\n", listed.join("\n"));
    let text = format!("map = \"ids.txt\"\n{text}");
    let problems = Framework::parse("f.toml", &text, &types(), Some(&map)).unwrap_err().to_string();
    assert!(problems.contains("the map holds role.xaa.absent, the framework lacks it"), "{problems}");
    assert!(problems.contains("the id commerce.trade is not in the map"), "{problems}");
}

#[test]
fn the_hash_is_blind_to_comments_and_line_ends_and_sees_a_weight() {
    let text = read("fixtures/dyads/xaa-xbb.toml");
    let hash = |text: &str| Framework::parse("f.toml", text, &types(), None).unwrap().hash(&types());
    let plain = hash(&text);
    assert_eq!(plain, hash(&format!("# a remark\n{text}").replace('\n', "\r\n")));
    let moved = text.replacen("stale_days = 550", "stale_days = 551", 1);
    assert_ne!(plain, hash(&moved));
}
