//! Alerts about shifts.

use crate::support::rule;
use crate::world::check;

fn flagged(extra: &str) -> String {
    let text = rule("s", &format!("each = \"shifts\"\nwhen = '!row.late'\n{extra}"));
    text.replace("row.value", "row.id")
}

#[test]
fn a_withdrawn_shift_resolves_with_its_reason() {
    check(
        &flagged(""),
        "2030-01-01 shift 2030-01-01 2029-10-01\n2030-02-01 withdraw\n2030-02-02 3",
        "2030-01-01 s.commerce.trade.level.up firing
         2030-02-01 s.commerce.trade.level.up resolved (withdrawn: a later statement took shift.commerce.trade.level.up.2029-10-01 back on 2030-02-01)",
    );
}

#[test]
fn a_moved_onset_is_the_same_alert_and_its_withdrawal_ends_it() {
    check(
        &flagged(""),
        "2030-01-01 shift 2030-01-01 2029-10-01
         2030-02-01 withdraw
         2030-02-01 shift 2030-02-01 2029-11-01
         2030-03-01 withdraw",
        // Two steps: the withdrawal and the new flag were not one moment here.
        "2030-01-01 s.commerce.trade.level.up firing
         2030-02-01 s.commerce.trade.level.up resolved (withdrawn: a later statement took shift.commerce.trade.level.up.2029-10-01 back on 2030-02-01)
         2030-02-01 s.commerce.trade.level.up firing
         2030-03-01 s.commerce.trade.level.up resolved (withdrawn: a later statement took shift.commerce.trade.level.up.2029-11-01 back on 2030-03-01)",
    );
    check(
        &flagged(""),
        "2030-01-01 shift 2030-01-01 2029-10-01
         2030-02-01 shift 2030-02-01 2029-11-01
         2030-03-01 withdraw
         2030-04-01 withdraw",
        "2030-01-01 s.commerce.trade.level.up firing
         2030-04-01 s.commerce.trade.level.up resolved (withdrawn: a later statement took shift.commerce.trade.level.up.2029-10-01 back on 2030-04-01)",
    );
}

#[test]
fn an_older_shift_does_not_fire_in_the_place_of_a_withdrawn_one() {
    check(
        &flagged("expires = \"30d\""),
        "2030-01-01 shift 2030-01-01 2029-10-01
         2030-01-31
         2031-01-01 shift 2031-01-01 2030-10-01
         2031-01-09 withdraw
         2031-01-10
         2031-01-11 3",
        "2030-01-01 s.commerce.trade.level.up firing
         2030-01-31 s.commerce.trade.level.up resolved (expired after 30d)
         2031-01-01 s.commerce.trade.level.up firing
         2031-01-09 s.commerce.trade.level.up resolved (withdrawn: a later statement took shift.commerce.trade.level.up.2030-10-01 back on 2031-01-09)",
    );
}

#[test]
fn what_is_late_is_for_the_record() {
    check(&flagged(""), "2030-01-01 shift 2030-01-01 2020-10-01 late", "");
}

#[test]
fn a_rule_that_reads_an_age_is_asked_each_midnight() {
    let young = "each = \"shifts\"\nwhen = 'row.age_days >= 2.0 && row.age_days < 4.0'";
    check(
        &rule("s", young).replace("row.value", "row.id"),
        "2030-01-01 shift 2030-01-01 2029-10-01\n2030-01-02\n2030-01-03\n2030-01-04\n2030-01-05",
        "2030-01-03 s.commerce.trade.level.up firing
         2030-01-05 s.commerce.trade.level.up resolved (recovered)",
    );
}
