//! Composites that read scenarios and standing changes.

use std::sync::Arc;

use bellwether_model::framework::Framework;
use bellwether_projection::Projector;

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
        r#"{ of = "scenario.d-shock-acceleration", weight = 0.05, as = "probability""#,
        r#"{ of = "economic.gas-imports", weight = 0.05, sign = "0""#,
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

/// While a change stands it counts whole; taken out of the history with its facts, it does not.
#[test]
fn a_standing_change_counts() {
    let reads = |day: &str| {
        let view = at(day);
        let p = projector(&history());
        let points = p.why("implication.europe-pressure", &view).unwrap().inputs;
        let line = points.into_iter().find(|l| l.of == "economic.trade-total").unwrap();
        let standing = p.assess(&view).shifts;
        let own: Vec<_> = standing
            .into_iter()
            .filter(|s| {
                s.indicator == "economic.trade-total" && ["level", "trend"].contains(&s.kind.as_str())
            })
            .collect();
        (line.points, own)
    };
    let mut told = 0;
    for day in ["2012-12-31", "2018-12-31", "2023-12-31", "2024-12-31", "2026-06-30"] {
        let (points, own) = reads(day);
        let newest = own.last().map(|s| (s.direction, s.kind == "trend"));
        match (points, newest) {
            (Some(p), Some((direction, _))) if p != 0.0 => {
                let way = if direction == bellwether_projection::Trend::Up { 10.0 } else { -10.0 };
                assert_eq!(p, way, "{day}");
                told += 1;
            }
            (Some(p), _) => assert_eq!(p, 0.0, "{day}"),
            // Neither a change nor a detector that could have shown one.
            (None, None) => {}
            (None, Some((_, trend))) => assert!(!trend, "{day}: a trend stands until another change"),
        }
    }
    eprintln!("{told} days with a standing change");
}
