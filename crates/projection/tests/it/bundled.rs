//! What the bundled history says at a few dates.

use crate::support::*;

#[test]
fn dump() {
    let p = projector(&history());
    for date in ["2022-12-31", "2024-12-31", "2026-11-24"] {
        let a = p.assess(&at(date));
        println!("== {date} facts {} head {}", a.facts, a.head);
        for d in &a.domains {
            println!(
                "{:14} {:?} [{:?} {:?}] {:?} cov {:.2} {:?}",
                d.id,
                d.index.map(|x| x.round()),
                d.low.map(|x| x.round()),
                d.high.map(|x| x.round()),
                d.trajectory,
                d.coverage,
                d.confidence
            );
            for e in &d.expectations {
                println!("      {} {:?}", e.id, e.holds);
            }
        }
        for m in a.indicators.iter().chain(&a.measures) {
            println!(
                "  {:38} v={:?} >={:?} {:?} z={:?} y={:?} {:?} stale={:?} vint={} conf={} ev={:?}",
                m.id,
                m.value,
                m.at_least,
                m.period.as_ref().map(|p| format!("{}..{}", p.start, p.end)),
                m.distance.map(|z| (z * 100.0).round() / 100.0),
                m.change_on_year.map(|z| (z * 1000.0).round() / 1000.0),
                m.trend,
                m.stale,
                m.vintages,
                m.conflict,
                m.evidence.len()
            );
        }
        for l in
            a.characters.iter().chain(&a.roles).chain(&a.drivers).chain(&a.frictions).chain(&a.implications)
        {
            println!(
                "  {:38} {:?} [{:?},{:?}] {:?} ev {}",
                l.id,
                l.level.map(|x| x.round()),
                l.low.map(|x| x.round()),
                l.high.map(|x| x.round()),
                l.direction,
                l.evidence.len()
            );
        }
        for l in &a.asymmetries {
            println!("  {:38} {:?} {:?} {:?}", l.id, l.value, l.direction, l.toward);
        }
        for l in &a.constraints {
            println!("  {:38} {:?} bound {} d {:?} {:?}", l.id, l.value, l.bound, l.distance, l.breached);
        }
        for s in &a.scenarios {
            println!("  {} {:.3} {}", s.id, s.probability, s.words);
        }
        println!("  fit {:?} balance {:?}", a.fit, a.balance.as_ref().map(|b| (b.value, b.low, b.high)));
        for s in &a.shifts {
            println!(
                "  {} known {} onset {:?} size {:?} prov {}",
                s.id, s.known_at, s.onset.at, s.size, s.provisional
            );
        }
        for d in a.divergences.iter().filter(|d| d.tripped) {
            println!("  {} {:.2} >= {}", d.id, d.value, d.threshold);
        }
    }
}
