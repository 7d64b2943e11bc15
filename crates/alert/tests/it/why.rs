//! Why an alert.

use bellwether_alert::{Ack, AlertEvent, Happening, Inquiry, Payload, RulesInForce};
use bellwether_model::{Body, Clock, KnownBasis, Record, View};
use bellwether_projection::Projector;

use crate::support::*;

fn log() -> (Vec<Record>, Projector) {
    let mut facts = dyad_facts();
    facts.sort_by_key(|f| f.valid.end_or_start());
    let text =
        rule("high", "each = \"indicators\"\nwhen = 'row.value > 13500000000.0'\n# a remark\nreason = \"R\"");
    let mut log: Vec<Record> = Vec::new();
    let mut follower = bellwether_alert::Follower::new(Projector::new(dyad(), types()));
    let mut add = |when: &str, body: Body| {
        let seq = u64::try_from(log.len()).unwrap() + 1;
        log.push(Record { seq, recorded_at: at(when), body });
        follower.push(&log[log.len() - 1]);
        for event in follower.settle(at(when)) {
            let seq = u64::try_from(log.len()).unwrap() + 1;
            log.push(Record { seq, recorded_at: at(when), body: Body::System(event.record()) });
            follower.push(&log[log.len() - 1]);
        }
    };
    add("2020-01-01T08:00:00Z", Body::System(RulesInForce::new(&rules(&text), "f").record()));
    for (day, fact) in (1..).zip(facts.iter().filter(|f| f.valid.end_or_start() < at("2021-06-01"))) {
        add(&format!("2021-07-{day:02}T08:00:00Z"), Body::Fact(fact.clone()));
    }
    // A later statement says that it never was so high.
    let mut revised =
        facts.iter().find(|f| f.key.ends_with("|2019") && f.kind == "trade.flow").unwrap().clone();
    revised.value = Some("12000000000".parse().unwrap());
    revised.published_at = Some("2021-08-01".parse().unwrap());
    revised.seal();
    add(
        "2021-08-02T08:00:00Z",
        Body::System(Ack::new("alert.high.commerce.trade", "ann", "seen").unwrap().record()),
    );
    add("2021-08-05T08:00:00Z", Body::Fact(revised));
    let mut projector = Projector::new(dyad(), types());
    log.iter().for_each(|r| projector.apply(r));
    (log, projector)
}

#[test]
fn an_alert_tells_its_rule_its_facts_its_steps_and_whether_it_would_fire_again() {
    let (log, projector) = log();
    let mut inquiry = Inquiry::new("alert.high.commerce.trade");
    log.iter().for_each(|r| inquiry.push(r));
    let facts: Vec<Record> = inquiry
        .evidence()
        .unwrap()
        .iter()
        .map(|seq| log[usize::try_from(*seq).unwrap() - 1].clone())
        .collect();
    let now = at("2022-01-01");
    let view = View { as_of: now, known_by: now, clock: Clock::Recorded, basis: KnownBasis::Any };
    let why = inquiry.answer(&facts, &projector, &view).unwrap();
    let fired = why.events.iter().find(|t| t.event.happening == Happening::Firing).unwrap();
    assert_eq!((why.at.as_str(), why.summary.as_str()), (fired.event.at.as_str(), "now 14000000000"));
    assert!(
        why.rule.text.contains("13500000000.0") && why.rule.text.ends_with("reason = \"R\""),
        "{}",
        why.rule.text
    );
    assert_eq!((why.rule.seq, why.rule.reason.as_str()), (Some(1), "R"));
    assert_eq!(why.margin, Some(500_000_000.0));
    assert_eq!(why.facts.len(), 1);
    assert_eq!(why.facts[0].value.as_deref(), Some("14000000000"));
    assert_eq!(why.families[0].family, "facts.example");
    assert_eq!(why.ack.as_ref().unwrap().who, "ann");
    // The figure of 2020 stood below the threshold by then.
    assert_eq!(why.latest.fires, Some(false), "{:?}", why.latest);
    let states: Vec<String> = why.events.iter().map(|t| line(&t.event)).collect();
    assert!(states[0].ends_with("high.commerce.trade firing"), "{states:?}");
    assert!(
        why.events
            .iter()
            .all(|t| AlertEvent::of(&log[usize::try_from(t.seq.unwrap()).unwrap() - 1]).is_some())
    );
    assert!(Inquiry::new("alert.other").evidence().is_none());
}
