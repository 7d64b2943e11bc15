//! Silences, maintenance windows, inhibition.

use bellwether_alert::{Machine, Maintenance, Matchers, Payload, RuleSet, Silence};
use bellwether_model::{Body, Problem, Record};

use crate::support::{at, bundled_files, rule};
use crate::world::check;

fn above() -> String {
    rule("r", "each = \"indicators\"\nwhen = 'row.value >= 10.0'")
}

#[test]
fn a_silenced_alert_is_sent_when_nothing_silences_it_any_more() {
    check(
        &above(),
        "2030-01-01 silence rule=r to 2030-01-09\n2030-01-02 11\n2030-01-08\n2030-01-09\n2030-01-10 12\n2030-01-11 3",
        "2030-01-02 r.commerce.trade firing muted by silence
         2030-01-09 r.commerce.trade unmuted
         2030-01-11 r.commerce.trade resolved (recovered)",
    );
}

#[test]
fn a_silence_may_end_early_and_may_concern_others() {
    check(
        &above(),
        "2030-01-01 silence domain=comm* to 2030-03-01\n2030-01-02 11\n2030-01-05 end\n2030-01-06",
        "2030-01-02 r.commerce.trade firing muted by silence
         2030-01-05 r.commerce.trade unmuted",
    );
    check(
        &above(),
        "2030-01-01 silence rule=other to 2030-03-01\n2030-01-02 11",
        "2030-01-02 r.commerce.trade firing",
    );
}

#[test]
fn what_nobody_was_told_of_ends_muted_and_what_was_told_is_told_to_the_end() {
    check(
        &above(),
        "2030-01-01 maintenance rule=r to 2030-01-09\n2030-01-02 11\n2030-01-03 4\n2030-01-09",
        "2030-01-02 r.commerce.trade firing muted by maintenance
         2030-01-03 r.commerce.trade resolved (recovered) muted by maintenance",
    );
    check(
        &above(),
        "2030-01-01 11\n2030-01-02 maintenance rule=r to 2030-01-09\n2030-01-03 4",
        "2030-01-01 r.commerce.trade firing
         2030-01-03 r.commerce.trade resolved (recovered)",
    );
}

#[test]
fn a_breach_mutes_the_warning_levels_of_its_bound() {
    let files = bundled_files();
    let envelope = files.iter().find(|(name, _)| name.ends_with("envelope.toml")).unwrap();
    check(
        &envelope.1,
        "2030-01-01 constraint 0.2
         2030-01-02 constraint 0.08
         2030-01-03 constraint -0.1
         2030-01-04 constraint 0.12
         2030-01-05 constraint 0.2
         2030-01-06 constraint 0.9",
        "2030-01-01 envelope-near.constraint.no-pact firing
         2030-01-02 envelope-close.constraint.no-pact firing
         2030-01-03 envelope-breach.constraint.no-pact firing
         2030-01-04 envelope-breach.constraint.no-pact resolved (recovered)
         2030-01-05 envelope-close.constraint.no-pact resolved (recovered)
         2030-01-06 envelope-near.constraint.no-pact resolved (recovered)",
    );
    check(
        &envelope.1,
        "2030-01-01 constraint -0.1\n2030-01-02 constraint 0.2",
        "2030-01-01 envelope-breach.constraint.no-pact firing
         2030-01-01 envelope-close.constraint.no-pact firing muted by alert.envelope-breach.constraint.no-pact
         2030-01-01 envelope-near.constraint.no-pact firing muted by alert.envelope-breach.constraint.no-pact, alert.envelope-close.constraint.no-pact
         2030-01-02 envelope-breach.constraint.no-pact resolved (recovered)
         2030-01-02 envelope-close.constraint.no-pact resolved (recovered)
         2030-01-02 envelope-near.constraint.no-pact unmuted",
    );
}

#[test]
fn a_silence_says_what_is_wrong_with_it() {
    let rule = Matchers::parse(["rule=r"]).unwrap();
    let new =
        |m: &Matchers, from: &str, to: &str, who: &str| Silence::new(m.clone(), at(from), at(to), who, "");
    let refused = |r: Result<Silence, Problem>| r.unwrap_err().to_string();
    assert_eq!(
        refused(new(&rule, "2030-01-02", "2030-01-02", "ann")),
        "until: it ends before it begins; give an end after its beginning"
    );
    assert_eq!(
        refused(new(&rule, "2030-01-02", "2030-01-03", " ")),
        "who: nobody's name; say who: --operator NAME, over HTTP who"
    );
    assert!(Matchers::parse([]).unwrap_err().to_string().starts_with("no matcher"));
    assert!(Matchers::parse(["rule"]).unwrap_err().to_string().starts_with("not a matcher (found `rule`)"));
    let made = new(&rule, "2030-01-01", "2030-01-03", "ann").unwrap();
    assert_eq!(made.id, new(&rule, "2030-01-01", "2030-01-03", "ann").unwrap().id);
    assert!(made.ended(at("2030-01-04"), "bob").is_err());
}

#[test]
fn silences_that_are_long_over_are_forgotten() {
    let mut machine = Machine::new(&RuleSet::default());
    let rule = Matchers::parse(["rule=r"]).unwrap();
    for day in 0..400_u64 {
        let from = at("2030-01-01") + chrono::Days::new(day);
        let silence = Silence::new(rule.clone(), from, from + chrono::Days::new(1), "ann", "").unwrap();
        let system = if day % 2 == 0 { silence.record() } else { Maintenance(silence).record() };
        assert!(machine.told(&Record { seq: day + 1, recorded_at: from, body: Body::System(system) }));
        assert!(machine.quiet_held() <= 32, "day {day}: {}", machine.quiet_held());
    }
    // The last began on 2031-02-04; what is listed depends on the moment alone.
    let listed = |day: &str| (machine.silences(at(day)).count(), machine.maintenance(at(day)).count());
    assert_eq!(listed("2031-02-04"), (15, 16));
    assert_eq!(listed("2031-03-06"), (0, 1));
    assert_eq!(listed("2031-03-07"), (0, 0));
}

#[test]
fn a_rule_reads_how_hard_a_bound_presses_and_which_way_it_goes() {
    let presses = r#"
        [[rule]]
        id = "pressing"
        title = "A bound presses"
        each = "constraints"
        when = 'row.strength >= 0.7 && row.direction == "up" && size(row.shifts) == 0'
        until = 'constraint["constraint.no-pact"].strength < 0.5'
        severity = "info"
        summary = "{row.strength}"
        runbook = "None."
        reason = "A test."
    "#;
    check(
        presses,
        "2030-01-01 constraint 0.5
         2030-01-02 constraint 0.2
         2030-01-03 constraint 0.4
         2030-01-04 constraint 0.6",
        "2030-01-02 pressing.constraint.no-pact firing
         2030-01-04 pressing.constraint.no-pact resolved (recovered)",
    );
}
