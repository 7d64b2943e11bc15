//! Silences, maintenance windows, inhibition.

use crate::support::rule;
use crate::world::check;

fn above() -> String {
    rule("r", "each = \"indicators\"\nwhen = 'row.value >= 10.0'")
}

#[test]
fn a_silenced_alert_is_sent_when_nothing_silences_it_any_more() {
    let out = |id: &str, kind: &str, end: &str| {
        format!("2030-01-02 r.commerce.trade firing muted by {kind}:{id}\n{end} r.commerce.trade unmuted")
    };
    let lines = "2030-01-01 silence rule=r to 2030-01-09\n2030-01-02 11\n2030-01-08\n2030-01-09";
    check(&above(), lines, &out("3f4c", "silence", "2030-01-09"));
}
