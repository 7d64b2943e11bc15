//! Questions about the past on the bundled history.

use bellwether_model::parse_moment;
use bellwether_model::question::Questions;
use bellwether_projection::forecast::{Ledger, Report, Simulated, Steady};

use crate::support::*;

pub(super) fn bundled() -> Questions {
    let framework = framework();
    Questions::parse("china-russia.toml", &read("config/questions/china-russia.toml"), [&*framework])
        .unwrap_or_else(|p| panic!("{p}"))
}

fn score(from: &str, to: &str, keep: impl Fn(&bellwether_model::Fact) -> bool) -> Report {
    let facts: Vec<_> = history().into_iter().filter(|f| keep(f)).collect();
    let range = (parse_moment(from).unwrap(), parse_moment(to).unwrap());
    let model: &dyn bellwether_projection::forecast::Model =
        if std::env::var("STEADY").is_ok() { &Steady } else { &Simulated::default() };
    let r = Ledger::default().score(&bundled(), &projector(&facts), model, range, true);
    r
}

#[test]
fn the_past_is_asked_from_2014_and_headed_in_sample() {
    let report = score("2014-01-01", "2026-11-25", |_| true);
    let past = report.backcasts.unwrap();
    assert!(past.heading.starts_with("in-sample"));
    for t in past.all.iter().chain(&past.groups).chain(&past.leads) {
        eprintln!(
            "{:22} q {:3} n {:4} true {:.2}  brier {:.3} clim {:.3} pers {:.3} skill {:?} {:?}  log {:.3} {:.3} {:.3} crps {:?} ece {:.3}",
            t.name,
            t.questions,
            t.forecasts,
            t.came_true,
            t.brier.value,
            t.brier.climatology,
            t.brier.persistence,
            t.brier.skill_climatology.map(|s| (s.value, s.interval.map(|i| (i.low, i.high)))),
            t.brier.skill_persistence.map(|s| (s.value, s.interval.map(|i| (i.low, i.high)))),
            t.log.value,
            t.log.climatology,
            t.log.persistence,
            t.crps.as_ref().map(|c| (c.value, c.climatology, c.persistence)),
            t.reliability.as_ref().unwrap().ece,
        );
    }
    for q in &past.questions {
        eprintln!("{q:?}");
    }
}
