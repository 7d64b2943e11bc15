//! Questions about the past on the bundled history.

use bellwether_model::question::Questions;
use bellwether_model::{Fact, Record, parse_moment};
use bellwether_projection::Projector;
use bellwether_projection::forecast::{Beside, Ledger, Model, Outcome, Report, Section, Simulated, Steady};

use crate::support::*;

pub(super) fn bundled() -> Questions {
    let framework = framework();
    Questions::parse("china-russia.toml", &read("config/questions/china-russia.toml"), [&*framework])
        .unwrap_or_else(|p| panic!("{p}"))
}

fn score(model: &dyn Model, projector: &Projector, from: &str, to: &str) -> Report {
    let range = (parse_moment(from).unwrap(), parse_moment(to).unwrap());
    Ledger::default().score(&bundled(), projector, model, range, Beside { backcasts: true, scenarios: false })
}

fn past(report: Report) -> Section {
    assert_eq!(report.headline.all, None, "backcasts are never in the headline");
    assert!(report.headline.questions.is_empty());
    report.backcasts.unwrap()
}

/// Few paths: what is tested is no number of the model.
const QUICK: Simulated = Simulated { paths: 200 };

#[test]
fn the_past_from_2014_is_asked_and_headed_in_sample() {
    let found = past(score(&QUICK, &projector(&history()), "2014-01-01", "2026-12-01"));
    assert!(found.heading.starts_with("in-sample"), "{}", found.heading);
    let all = found.all.as_ref().unwrap();
    assert!(all.questions > 250 && all.forecasts > 900, "{all:?}");
    // Each quarter of an answered question is one forecast, and every table adds up to the whole.
    let counted = |tables: &[bellwether_projection::forecast::Table]| -> usize {
        tables.iter().map(|t| t.forecasts).sum()
    };
    assert_eq!(counted(&found.groups), all.forecasts);
    assert_eq!(counted(&found.leads), all.forecasts);
    for table in found.groups.iter().chain(&found.leads).chain([all]) {
        let bins: usize = table.reliability.as_ref().unwrap().bins.iter().map(|b| b.n).sum();
        assert_eq!(bins, table.forecasts, "{}", table.name);
        assert!(table.brier.climatology > Some(0.0) && table.log.value.is_finite() && table.crps.is_some());
        assert!((0.0..=1.0).contains(&table.brier.value) && (0.0..=1.0).contains(&table.came_true));
    }
    // What a reader of the newspapers knows.
    let outcome = |id: &str| found.questions.iter().find(|q| q.id == id).map(|q| q.outcome);
    assert_eq!(outcome("past-trade-up-2022"), Some(Outcome::True));
    assert_eq!(outcome("past-trade-up-2025"), Some(Outcome::False));
    assert_eq!(outcome("past-trade-up-2015"), Some(Outcome::Void), "no figure of 2015 is bundled");
    assert_eq!(outcome("past-vetoes-2019"), Some(Outcome::True));
    assert_eq!(outcome("past-vetoes-2018"), Some(Outcome::False));
    assert_eq!(outcome("past-trade-fall-2016"), Some(Outcome::True));
}

/// What was said at a moment reads nothing that was published later: questions answered by a date have the same
/// probabilities, and the same scores, whether or not the log holds what came after it.
#[test]
fn nothing_published_later_changes_what_was_said() {
    let until = parse_moment("2021-01-20").unwrap();
    let kept: Vec<Fact> =
        history().into_iter().filter(|f| f.published_at.is_some_and(|p| p.known_from() <= until)).collect();
    for model in [&QUICK as &dyn Model, &Steady] {
        let whole = past(score(model, &projector(&history()), "2014-01-01", "2021-01-20"));
        let early = past(score(model, &projector(&kept), "2014-01-01", "2021-01-20"));
        assert!(whole.questions.len() > 100);
        assert_eq!(whole, early, "{}", model.name());
    }
}

#[test]
fn the_order_of_arrival_changes_nothing() {
    let facts = history();
    let mut turned: Vec<Fact> = facts.clone();
    turned.reverse();
    let of = |facts: &[Fact]| {
        let mut projector = Projector::new(framework(), types());
        let all: Vec<Record> = records(facts);
        all.iter().for_each(|r| projector.apply(r));
        serde_json::to_string(&score(&QUICK, &projector, "2018-01-01", "2023-01-01")).unwrap()
    };
    assert!(of(&facts) == of(&turned));
}

#[test]
fn the_bundled_questions_can_all_be_asked() {
    let questions = bundled();
    assert!(questions.filed.len() >= 25 && questions.backcasts.len() > 400);
    let rows = Ledger::default().list(&questions, &projector(&history()), &QUICK, recorded(), false);
    assert_eq!(rows.len(), questions.filed.len());
    for row in &rows {
        let p = row.probability.unwrap_or_else(|| panic!("{} has no probability", row.id));
        assert!((0.01..=0.99).contains(&p) && row.words.is_some() && row.threshold.is_some(), "{row:?}");
        assert!(row.horizon.as_str() >= "2026-12-31" && row.horizon < row.settle, "{row:?}");
    }
}
