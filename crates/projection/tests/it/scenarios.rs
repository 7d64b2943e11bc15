//! Scenarios: what moves them, what does not.

use crate::support::{at, history, projector};

#[test]
fn zz_show() {
    let p = projector(&history());
    for year in 2013..=2026 {
        for day in ["03-31", "06-30", "09-30", "12-31"] {
            let a = p.assess(&at(&format!("{year}-{day}")));
            let ps: Vec<String> = a.scenarios.iter().map(|s| format!("{:.3}", s.probability)).collect();
            println!("{year}-{day} {} fit {:?}", ps.join(" "), a.fit);
            if day == "12-31" && year > 2020 {
                for s in &a.scenarios {
                    let m: Vec<String> =
                        s.moved_by.iter().map(|m| format!("{} {:+.2}", m.indicator, m.log_odds)).collect();
                    println!("   {} {}", s.id, m.join(", "));
                }
            }
        }
    }
}
