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
