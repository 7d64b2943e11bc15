//! A machine over one changing row, told line by line; whatever happens comes out as lines.

use std::collections::BTreeSet;

use bellwether_alert::{Ack, AlertEvent, Machine, Maintenance, Matchers, Payload, RulesInForce, Silence};
use bellwether_model::{Body, Record, System, View};
use bellwether_projection::{AlsoState, Assessment, Onset, Projector, Shift, Span, Trend, Withdrawn};
use chrono::{DateTime, Utc};

use crate::support::*;

/// The row that values are given for.
pub(crate) const ROW: &str = "commerce.trade";

struct World {
    rules: String,
    machine: Machine,
    assessment: Assessment,
    log: Vec<Record>,
    out: Vec<String>,
    restarts: bool,
}

/// Runs lines of a scenario over rules, one `[[rule]]` text. Each line begins with a date:
///
/// - `DATE VALUE`: the row has that value, `?` for unknown; `DATE` alone: a midnight at which nothing is new
/// - `DATE constraint DISTANCE`: the bound is that far
/// - `DATE silence MATCHER to DATE`, `maintenance MATCHER to DATE`, `end` (the last of them)
/// - `DATE ack WHO NOTE`, `DATE reload OLD => NEW` (in the rule text), `DATE drop` (no rules)
/// - `DATE shift KNOWN_AT ONSET [provisional] [late]`, `DATE withdraw`: of the newest shift
///
/// The same must come out when the machine is made again from the log before each line.
pub(crate) fn check(rules: &str, lines: &str, expected: &str) {
    let live = run(rules, lines, false);
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    assert_eq!(live.join("\n"), expected.join("\n"), "live");
    let again = run(rules, lines, true);
    assert_eq!(again.join("\n"), expected.join("\n"), "restarted before each line");
}

fn run(text: &str, lines: &str, restarts: bool) -> Vec<String> {
    let projector = Projector::new(dyad(), types());
    let assessment = projector.assess(&View::at(at("2030-01-01")));
    let machine = Machine::new(&rules(text));
    let mut world =
        World { rules: text.to_owned(), machine, assessment, log: Vec::new(), out: Vec::new(), restarts };
    world.say(at("2029-12-31"), RulesInForce::new(&rules(text), "f").record());
    for l in lines.lines().map(str::trim).filter(|l| !l.is_empty()) {
        world.line(l);
    }
    assert_eq!(world.machine.counts().failed, 0);
    world.out
}

impl World {
    fn say(&mut self, at: DateTime<Utc>, system: System) {
        let seq = u64::try_from(self.log.len()).unwrap() + 1;
        let record = Record { seq, recorded_at: at, body: Body::System(system) };
        self.machine.told(&record);
        self.log.push(record);
    }

    fn line(&mut self, line: &str) {
        if self.restarts {
            let rules = bellwether_alert::RuleSet::default();
            self.machine = Machine::new(&rules);
            self.log.iter().for_each(|r| self.machine.restore(r));
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let when = at(words[0]);
        let mut touched = BTreeSet::new();
        match words[1..] {
            [] => {}
            ["constraint", distance] => {
                let row = &mut self.assessment.constraints[0];
                let distance: f64 = distance.parse().unwrap();
                row.direction = match row.distance {
                    Some(before) if distance < before => Trend::Up,
                    _ => Trend::Down,
                };
                (row.distance, row.breached) = (Some(distance), Some(distance < 0.0));
                row.strength = Some((1.0 - distance).clamp(0.0, 1.0));
                touched.insert(row.id.clone());
            }
            [kind @ ("silence" | "maintenance"), matcher, "to", until] => {
                let matchers = Matchers::parse([matcher]).unwrap();
                let made = Silence::new(matchers, when, at(until), "ann", "known").unwrap();
                let payload = if kind == "silence" { made.record() } else { Maintenance(made).record() };
                self.say(when, payload);
            }
            ["end"] => {
                let last = self.log.iter().rev().find_map(Silence::of).unwrap();
                self.say(when, last.ended(when, "bob").unwrap().record());
            }
            ["ack", who, note] => {
                let alert = self.machine.alerts(when)[0].alert.clone();
                self.say(when, Ack::new(alert, who, note).unwrap().record());
            }
            ["reload", old, "=>", new] => {
                self.rules = self.rules.replace(old, new);
                self.say(when, RulesInForce::new(&rules(&self.rules), "f").record());
            }
            ["drop"] => {
                self.rules = String::new();
                self.say(when, RulesInForce::new(&rules(""), "f").record());
            }
            ["shift", known_at, onset, ref flags @ ..] => {
                let shift = shift(known_at, onset, flags);
                touched.insert(shift.id.clone());
                self.assessment.shifts.retain(|s| s.id != shift.id);
                self.assessment.shifts.push(shift);
            }
            ["withdraw"] => {
                let shift = self.assessment.shifts.pop().unwrap();
                touched.insert(shift.id.clone());
                self.assessment.withdrawn.push(Withdrawn {
                    id: shift.id,
                    indicator: shift.indicator,
                    known_at: shift.known_at,
                    withdrawn_at: words[0].to_owned(),
                });
            }
            [value] => {
                let row = self.assessment.indicators.iter_mut().find(|m| m.id == ROW).unwrap();
                row.value = value.parse().ok();
                row.evidence = vec![7];
                touched.insert(ROW.to_owned());
            }
            _ => panic!("{line}"),
        }
        let events = self.machine.step(when, &self.assessment, &touched, &dyad());
        for event in events {
            self.out.push(unnamed(&crate::support::line(&event)));
            let back: AlertEvent = serde_json::from_str(&serde_json::to_string(&event).unwrap()).unwrap();
            assert_eq!(back, event);
            let seq = u64::try_from(self.log.len()).unwrap() + 1;
            self.log.push(Record { seq, recorded_at: when, body: Body::System(event.record()) });
        }
        if words.get(1) == Some(&"ack") {
            let open = &self.machine.alerts(when)[0];
            self.out.push(format!("{} acked by {}", words[0], open.ack.as_ref().unwrap().who));
        }
    }
}

fn shift(known_at: &str, onset: &str, flags: &[&str]) -> Shift {
    Shift {
        id: format!("shift.{ROW}.level.up.{onset}"),
        indicator: ROW.to_owned(),
        detector: "gls-scan".to_owned(),
        kind: "level".to_owned(),
        direction: Trend::Up,
        known_at: format!("{known_at}T00:00:00Z"),
        onset: Onset { at: onset.to_owned(), low: onset.to_owned(), high: onset.to_owned() },
        size: Some(1.0),
        sigmas: Some(3.0),
        statistic: Some(20.0),
        threshold: Some(12.0),
        provisional: flags.contains(&"provisional"),
        late: flags.contains(&"late"),
        evidence: vec![3, 4],
    }
}

/// Ids of silences follow from their content: a scenario does not repeat them.
fn unnamed(line: &str) -> String {
    let mut out = line.to_owned();
    for kind in ["silence:", "maintenance:"] {
        while let Some(at) = out.find(kind) {
            out.replace_range(at + kind.len() - 1..at + kind.len() + 12, "");
        }
    }
    out
}

/// Summary of an alert about the row: while nothing is known of it, and with a value, a period and two
/// companions, the first without a value.
pub(crate) fn summaries(summary: &str) -> [String; 2] {
    let text = rule("r", &format!("each = \"indicators\"\nonly = 'row.id == \"{ROW}\"'\nwhen = 'true'"))
        .replace("now {row.value}", summary);
    let now = at("2030-02-01");
    let projector = Projector::new(dyad(), types());
    [false, true].map(|known| {
        let mut assessment = projector.assess(&View::at(now));
        let row = assessment.indicators.iter_mut().find(|m| m.id == ROW).unwrap();
        assert!(row.period.is_none() && row.also.is_empty());
        if known {
            let span = || Span { start: "2029-12-01".to_owned(), end: "2030-01-01".to_owned() };
            (row.value, row.period) = (Some(3.0), Some(span()));
            row.also = [("first", None), ("second", Some(4.0))]
                .map(|(name, value)| AlsoState {
                    name: name.to_owned(),
                    unit: "USD".to_owned(),
                    value,
                    period: Some(span()),
                    vintages: 1,
                    evidence: vec![],
                })
                .into();
        }
        let mut machine = Machine::new(&rules(&text));
        let events = machine.step(now, &assessment, &BTreeSet::from([ROW.to_owned()]), &dyad());
        assert_eq!((events.len(), machine.counts().failed), (1, 0), "{summary}");
        events[0].summary.clone()
    })
}
