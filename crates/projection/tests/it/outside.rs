//! Composites that read scenarios and standing changes.

use std::sync::Arc;

use bellwether_model::framework::Framework;
use bellwether_projection::Projector;

use crate::shifts::{HIGH, flat_then, of_trade, year};
use crate::support::*;

fn changed(from: &str, to: &str) -> String {
    let text = read("config/frameworks/china-russia.toml");
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

fn parse(text: &str) -> Result<Framework, String> {
    let map = read("config/frameworks/china-russia.ids.txt");
    Framework::parse("x.toml", text, &types(), Some(&map)).map_err(|p| p.to_string())
}

#[test]
fn an_input_is_read_as_what_it_is() {
    let shock = r#"{ of = "scenario.d-shock-acceleration", weight = 0.05, as = "probability""#;
    let trade = r#"{ of = "economic.trade-total", weight = 0.10, as = "shift""#;
    for (from, to, words) in [
        (
            shock,
            r#"{ of = "scenario.d-shock-acceleration", weight = 0.05"#,
            "a scenario is read by its probability",
        ),
        (
            shock,
            r#"{ of = "scenario.d-shock", weight = 0.05, as = "probability""#,
            "unknown id scenario.d-shock",
        ),
        (
            shock,
            r#"{ of = "role.chn.rear", weight = 0.05, as = "probability""#,
            "only a scenario has a probability",
        ),
        (
            trade,
            r#"{ of = "role.chn.rear", weight = 0.10, as = "shift""#,
            "only an indicator or measure has shifts",
        ),
    ] {
        let fault = parse(&changed(from, to)).unwrap_err();
        assert!(fault.contains(words), "{fault}");
        assert!(fault.contains("x.toml:"), "{fault}");
    }
}

/// The points that an implication takes from a scenario are its probability, and its band is that of whether it holds.
#[test]
fn a_probability_moves_what_reads_it_with_its_band() {
    let view = at("2026-06-30");
    let of = |text: &str| {
        let mut p = Projector::new(Arc::new(parse(text).unwrap()), types());
        records(&history()).iter().for_each(|r| p.apply(r));
        p.assess(&view)
    };
    let with = of(&read("config/frameworks/china-russia.toml"));
    let without = of(&changed(
        r#"{ of = "scenario.d-shock-acceleration", weight = 0.05, as = "probability", reason = "Faster"#,
        r#"{ of = "economic.gas-imports", weight = 0.05, sign = "0", reason = "Faster"#,
    ));
    let p = with.scenarios.iter().find(|s| s.id == "scenario.d-shock-acceleration").unwrap().probability;
    let level = |a: &bellwether_projection::Assessment| {
        a.implications.iter().find(|i| i.id == "implication.europe-pressure").unwrap().clone()
    };
    let (a, b) = (level(&with), level(&without));
    assert!((a.level.unwrap() - b.level.unwrap() - 5.0 * p).abs() < 1e-9, "{a:?} {b:?}");
    let spread = (p * (1.0 - p)).sqrt();
    let width = |l: &bellwether_projection::LevelState| l.high.unwrap() - l.low.unwrap();
    let band = 5.0 * ((p + spread).min(1.0) - (p - spread).max(0.0));
    assert!((width(&a) - width(&b) - band).abs() < 1e-9, "{a:?} {b:?}");
    assert!(a.evidence.len() > 3);
}

/// A change upwards counts whole for a year from the moment at which it could be known, and nothing before.
#[test]
fn a_standing_change_counts() {
    let mut facts = flat_then(&HIGH);
    facts.extend([year(2022, 181, None), year(2023, 183, None), year(2024, 186, None)]);
    let p = projector(&facts);
    let points = |day: &str| {
        let why = p.why("implication.europe-pressure", &at(day)).unwrap();
        let line = why.inputs.into_iter().find(|l| l.of == "economic.trade-total").unwrap();
        line.points
    };
    let shift = of_trade(&p.assess(&at("2022-06-30"))).remove(0).clone();
    assert_eq!((shift.kind.as_str(), shift.known_at.as_str()), ("level", "2022-01-15T00:00:00Z"));
    assert_eq!(points("2022-06-30"), Some(10.0), "weight .1 of 100");
    for before_and_after in ["2022-01-13", "2023-06-30"] {
        assert!(points(before_and_after).is_none_or(|p| p == 0.0), "{before_and_after}");
    }
    let evidence = |day: &str| p.why("implication.europe-pressure", &at(day)).unwrap().facts.len();
    assert!(evidence("2022-06-30") >= 1);
}
