//! Facts put in, withdrawn and judged by hand.

use bellwether_ingest::{Judgement, NewFact, fact_add, judge, retract};
use bellwether_model::{Attributes, Basis, Op, Period, parse_moment};
use bellwether_store::EventLog;

use crate::support::{facts, memory, now, types};

fn visit() -> NewFact {
    NewFact {
        kind: "visit.held".into(),
        key: "v|1".into(),
        valid: Period::range(parse_moment("2023-03-20").unwrap(), parse_moment("2023-03-23").unwrap())
            .unwrap(),
        published_at: None,
        actors: vec!["CHN".into(), "RUS".into()],
        value: None,
        unit: None,
        grade: "A1".parse().unwrap(),
        attributes: Attributes::new(),
        uri: Some("https://example.org".into()),
        note: None,
    }
}

fn opinion(value: i64) -> Judgement {
    Judgement {
        indicator: "military.command-integration".into(),
        value: value.into(),
        basis: "exercises show no joint command".into(),
        grade: "B2".parse().unwrap(),
        operator: "Li".into(),
        as_of: "2026-11-24".parse().unwrap(),
        actors: vec!["CHN".into(), "RUS".into()],
    }
}

#[test]
fn a_fact_is_added_once_signed_and_known_since_recorded() {
    let log = memory();
    assert_eq!(fact_add(&log, &types(), visit(), "Li", now()).unwrap().stored, 1);
    assert_eq!(fact_add(&log, &types(), visit(), "Li", now()).unwrap().duplicate, 1);
    let fact = facts(&log).remove(0);
    assert_eq!((fact.published_basis, &fact.attributes["operator"]), (Basis::Recorded, &"Li".into()));
    for (change, field) in [
        (NewFact { kind: "visit".into(), ..visit() }, "fact_type"),
        (NewFact { key: String::new(), ..visit() }, "key"),
        (NewFact { published_at: Some("2027-01-01".parse().unwrap()), ..visit() }, "published_at"),
    ] {
        let error = fact_add(&log, &types(), change, "Li", now()).unwrap_err();
        assert_eq!((error.exit_code(), error.problems()[0].field.as_str()), (2, field));
    }
    assert!(fact_add(&log, &types(), visit(), " ", now()).is_err());
}

#[test]
fn a_retraction_repeats_whom_and_when_and_says_why() {
    let log = memory();
    fact_add(&log, &types(), visit(), "Li", now()).unwrap();
    let receipt = retract(&log, "v|1", None, "it did not take place", "Wu", None, now()).unwrap();
    assert_eq!(receipt.stored, 1);
    let all = facts(&log);
    let (was, is) = (&all[0], &all[1]);
    assert_eq!((is.op, is.published_basis, is.published_at), (Op::Retract, Basis::Recorded, None));
    assert_eq!(
        (&is.kind, &is.source, &is.key, is.valid, &is.actors),
        (&was.kind, &was.source, &was.key, was.valid, &was.actors)
    );
    assert_eq!(is.attributes["reason"], "it did not take place");
    assert_eq!(is.attributes["operator"], "Wu");
    assert_eq!(is.attributes["retracts"], was.id.to_string());
    assert_eq!(is.id, is.content_id());
    assert!(
        retract(&log, "v|1", None, "again", "Wu", None, now())
            .unwrap_err()
            .to_string()
            .contains("already withdrawn")
    );
    assert!(
        retract(&log, "v|2", None, "why", "Wu", None, now())
            .unwrap_err()
            .to_string()
            .contains("nothing is said")
    );
    assert!(retract(&log, "v|1", None, "", "Wu", None, now()).is_err());
    let stated = NewFact { published_at: Some("2026-11-20".parse().unwrap()), ..visit() };
    fact_add(&log, &types(), stated, "Li", now()).unwrap();
    let at = Some("2026-11-21".parse().unwrap());
    assert_eq!(
        retract(&log, "v|1", Some("by-hand"), "withdrawn by the source", "Wu", at, now()).unwrap().stored,
        1
    );
    assert_eq!(facts(&log).last().unwrap().published_basis, Basis::Stated);
    assert!(retract(&log, "v|1", Some("elsewhere"), "why", "Wu", None, now()).is_err());
}

#[test]
fn a_judgement_has_the_shape_of_the_bundled_ones() {
    let log = memory();
    judge(&log, &types(), opinion(1), now()).unwrap();
    let fact = facts(&log).remove(0);
    assert_eq!(fact.key, "judgement|military.command-integration|Li|2026-11-24");
    assert_eq!((fact.kind.as_str(), fact.unit.as_deref()), ("judgement", Some("ordinal")));
    assert_eq!(
        fact.attributes.keys().map(String::as_str).collect::<Vec<_>>(),
        ["basis", "indicator", "operator"]
    );
    assert_eq!((fact.valid.days(), fact.published_basis), (1, Basis::Stated));
    // One that returns to an earlier value is still a new statement.
    let later = |h: i64| now() + chrono::Duration::hours(h);
    judge(&log, &types(), opinion(2), later(1)).unwrap();
    assert_eq!(judge(&log, &types(), opinion(1), later(2)).unwrap().stored, 1);
    assert_eq!(log.head(), 3);
    assert!(judge(&log, &types(), Judgement { basis: " ".into(), ..opinion(1) }, now()).is_err());
}
