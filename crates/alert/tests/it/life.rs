//! From pending to resolved.

use crate::support::rule;
use crate::world::check;

fn above(extra: &str) -> String {
    let lines = "each = \"indicators\"\nonly = 'row.id == \"commerce.trade\"'\nwhen = 'row.value >= 10.0'\n";
    rule("r", &format!("{lines}{extra}"))
}

#[test]
fn a_value_past_the_threshold_fires_once_and_recovers() {
    let lines = "2030-01-01 5
        2030-01-02 11
        2030-01-03 12
        2030-01-04
        2030-01-05 9
        2030-01-06 3";
    check(
        &above(""),
        lines,
        "2030-01-02 r.commerce.trade firing
         2030-01-05 r.commerce.trade resolved (recovered)",
    );
}

#[test]
fn r30_swing_at_the_threshold_gives_one_alert() {
    let swing: String =
        (1..29).map(|d| format!("2030-02-{d:02} {}\n", if d % 2 == 0 { 9.9 } else { 10.1 })).collect();
    check(&above("until = 'row.value < 8.0'"), &swing, "2030-02-01 r.commerce.trade firing");
    // By time instead of by a second threshold.
    check(
        &above("keep = \"3d\""),
        "2030-02-01 10.1\n2030-02-02 9.9\n2030-02-03 10.1\n2030-02-04 9.9\n2030-02-06\n2030-02-07",
        "2030-02-01 r.commerce.trade firing
         2030-02-02 r.commerce.trade recovering
         2030-02-03 r.commerce.trade relapsed
         2030-02-04 r.commerce.trade recovering
         2030-02-07 r.commerce.trade resolved (recovered for 3d)",
    );
}

#[test]
fn missing_data_never_resolves_and_never_fires() {
    check(
        &above(""),
        "2030-01-01 ?\n2030-01-02 11\n2030-01-03 ?\n2031-01-03\n2031-01-04 9",
        "2030-01-02 r.commerce.trade firing
         2031-01-04 r.commerce.trade resolved (recovered)",
    );
    // What has begun to recover is not over while nothing is known.
    check(
        &above("keep = \"2d\""),
        "2030-01-01 11\n2030-01-02 9\n2030-01-03 ?\n2030-01-09\n2030-01-10 9",
        "2030-01-01 r.commerce.trade firing
         2030-01-02 r.commerce.trade recovering
         2030-01-10 r.commerce.trade resolved (recovered for 2d)",
    );
    // Nor does what waits fire.
    check(
        &above("for = \"2d\""),
        "2030-01-01 11\n2030-01-02 ?\n2030-01-05\n2030-01-06 11",
        "2030-01-01 r.commerce.trade pending
         2030-01-06 r.commerce.trade firing",
    );
}

#[test]
fn what_a_rule_says_of_being_known_ends_nothing_that_became_unknown() {
    let lines = "2030-01-01 11\n2030-01-02 ?\n2030-01-03\n2030-01-04 3";
    let fired = "2030-01-01 r.commerce.trade firing\n2030-01-04 r.commerce.trade resolved (recovered)";
    let has = "each = \"indicators\"\nwhen = 'has(row.value) && row.value >= 10.0'";
    check(&rule("r", has), lines, fired);
    let until =
        "each = \"indicators\"\nwhen = 'row.value >= 10.0'\nuntil = '!has(row.value) || row.value < 5.0'";
    check(&rule("r", until), lines, fired);
    let part = "each = \"indicators\"\nwhen = 'row.value >= 10.0'\nuntil = '!has(row.period.end) || row.value < 5.0'";
    check(&rule("r", part), "2030-01-01 11\n2030-01-02 ?\n2030-01-03", "2030-01-01 r.commerce.trade firing");
    // That something is missing may itself be what a rule is about.
    let only = "each = \"indicators\"\nonly = 'row.id == \"commerce.trade\"'";
    let missing = format!("{only}\nwhen = '!has(row.value)'");
    check(
        &rule("r", &missing),
        "2030-01-01 11\n2030-01-02 ?\n2030-01-03\n2030-01-04 3",
        "2030-01-02 r.commerce.trade firing\n2030-01-04 r.commerce.trade resolved (recovered)",
    );
}

#[test]
fn a_correction_that_still_trips_does_not_fire_again() {
    check(&above(""), "2030-01-01 11\n2030-01-02 14\n2030-01-03 10", "2030-01-01 r.commerce.trade firing");
}

#[test]
fn what_must_hold_for_a_time_waits_and_may_lapse() {
    check(
        &above("for = \"7d\""),
        "2030-01-01 11\n2030-01-03 5\n2030-01-04 12\n2030-01-10\n2030-01-11",
        "2030-01-01 r.commerce.trade pending
         2030-01-03 r.commerce.trade lapsed
         2030-01-04 r.commerce.trade pending
         2030-01-11 r.commerce.trade firing",
    );
}

#[test]
fn what_expires_fires_again_only_after_it_was_known_not_to_hold() {
    check(
        &above("expires = \"10d\""),
        "2030-01-01 11\n2030-01-11\n2030-01-12 13\n2030-01-13 ?\n2030-01-14 5\n2030-01-15 12",
        "2030-01-01 r.commerce.trade firing
         2030-01-11 r.commerce.trade resolved (expired after 10d)
         2030-01-14 r.commerce.trade lapsed
         2030-01-15 r.commerce.trade firing",
    );
}

#[test]
fn r31_reload_keeps_what_is_open_and_goes_by_the_new_rule() {
    check(
        &above(""),
        "2030-01-01 11\n2030-01-02 reload 10.0 => 11.0\n2030-01-03 reload 11.0 => 12.0\n2030-01-04 12",
        "2030-01-01 r.commerce.trade firing
         2030-01-03 r.commerce.trade resolved (recovered)
         2030-01-04 r.commerce.trade firing",
    );
    check(
        &above(""),
        "2030-01-01 11\n2030-01-02 drop\n2030-01-03 12",
        "2030-01-01 r.commerce.trade firing
         2030-01-02 r.commerce.trade resolved (rule removed)",
    );
    check(
        &above(""),
        "2030-01-01 11\n2030-01-02 reload commerce.trade => commerce.settlement",
        "2030-01-01 r.commerce.trade firing
         2030-01-02 r.commerce.trade resolved (the rule no longer concerns it)",
    );
}

#[test]
fn an_acknowledgement_stays_with_the_alert_until_it_is_over() {
    check(
        &above(""),
        "2030-01-01 11\n2030-01-02 ack ann seen\n2030-01-03 12\n2030-01-04 5\n2030-01-05 11",
        "2030-01-01 r.commerce.trade firing
         2030-01-02 acked by ann
         2030-01-04 r.commerce.trade resolved (recovered)
         2030-01-05 r.commerce.trade firing",
    );
}
