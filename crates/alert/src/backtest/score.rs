//! The figures of one rule.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::chance::chance;
use super::claim::{Claim, Direction, Firing, ReferenceEvent, within};
use super::matching::{Edge, best};

/// A year, in days.
const YEAR: f64 = 365.25;

/// What a rule was worth over a stretch of history. Everything is `null` that there is nothing to compute from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Rule.
    pub id: String,
    /// How often it fired.
    pub firings: usize,
    /// Firings that a reference event bears out, one to one.
    pub matched: usize,
    /// `matched` of `firings`.
    pub precision: Option<f64>,
    /// `matched` of the reference events in the range that the rule's claims could match.
    pub recall: Option<f64>,
    /// Median of event minus alarm, in days; positive is early.
    pub median_lead_days: Option<f64>,
    /// Firings without an event, a year.
    pub false_alarms_per_year: Option<f64>,
    /// Mean precision of as many firings with the same claims on random days.
    pub null_precision: Option<f64>,
    /// Share of random placements that match as many or more, (1 + n) / 1001.
    pub null_p: Option<f64>,
    /// Reference events in the range that the rule's claims could match.
    pub events: usize,
    /// Which firing goes with which event, in order of events.
    pub pairs: Vec<Pair>,
    /// Events that it could match and did not.
    pub missed: Vec<Event>,
    /// Firings without an event, in order of days.
    pub false_alarms: Vec<Alarm>,
    /// Firings beside an event that do not stand without the facts that are the event.
    pub by_the_event_itself: usize,
}

/// A reference event, as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Day.
    pub date: NaiveDate,
    /// In words.
    pub title: String,
    /// Domain.
    pub domain: String,
    /// What it meant.
    pub direction: Direction,
}

/// A firing, as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// Day.
    pub date: NaiveDate,
    /// Fingerprint of the alert.
    pub alert: String,
    /// Row that it is about.
    pub subject: Option<String>,
}

/// A firing and the event that bears it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The event.
    pub event: Event,
    /// The firing; its day is the one on which it fires without the facts that are the event.
    pub alarm: Alarm,
    /// Event minus alarm, positive is early.
    pub lead_days: i64,
}

/// What is scored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'a> {
    pub(super) id: &'a str,
    /// Whose seed chance takes.
    pub(super) luck: &'a str,
    /// First and last day of the range.
    pub(super) range: (NaiveDate, NaiveDate),
    /// Firings in the range, in order.
    pub(super) firings: &'a [Firing],
    /// What the rule could claim, whatever the data.
    pub(super) claims: &'a BTreeSet<Claim>,
    /// All reference events.
    pub(super) events: &'a [ReferenceEvent],
}

/// Scores a rule. `stands` tells on which day the firing at a position would come without the facts that are the event at
/// a position; `None`: it would not come near it.
pub(super) fn score(case: &Case<'_>, stands: impl Fn(usize, usize) -> Option<NaiveDate>) -> Score {
    let Case { id, luck, range: (from, to), firings, claims, .. } = *case;
    let events: Vec<(usize, &ReferenceEvent)> =
        case.events.iter().enumerate().filter(|(_, e)| (from..=to).contains(&e.day)).collect();
    let mut edges = Vec::new();
    let mut lost = BTreeSet::new();
    for (n, firing) in firings.iter().enumerate() {
        for (m, (at, event)) in events.iter().enumerate() {
            if !firing.claim.covers(event) || !within(firing.day, event.day) {
                continue;
            }
            match stands(n, *at) {
                Some(day) => edges.push(Edge { firing: n, event: m, lead: (event.day - day).num_days() }),
                None => {
                    lost.insert(n);
                }
            }
        }
    }
    edges.iter().for_each(|e| {
        lost.remove(&e.firing);
    });
    let found = best(firings.len(), events.len(), &edges);
    let pairs: Vec<Pair> = found.iter().filter_map(|edge| pair(edge, firings, &events)).collect();
    let matched = pairs.len();
    let could = |event: &ReferenceEvent| {
        claims.iter().any(|c| c.covers(event)) || firings.iter().any(|f| f.claim.covers(event))
    };
    let missed: Vec<Event> = events
        .iter()
        .enumerate()
        .filter(|(m, (_, e))| could(e) && !found.iter().any(|edge| edge.event == *m))
        .map(|(_, (_, e))| shown(e))
        .collect();
    let alarms = firings.iter().enumerate().filter(|(n, _)| !found.iter().any(|edge| edge.firing == *n));
    let false_alarms: Vec<Alarm> = alarms.map(|(_, firing)| alarm(firing, firing.day)).collect();
    let within_range: Vec<ReferenceEvent> = events.iter().map(|(_, e)| (*e).clone()).collect();
    let placed: Vec<&Claim> = firings.iter().map(|f| &f.claim).collect();
    let null = chance(luck, &placed, &within_range, (from, to), matched);
    let years = (to - from).num_days().saturating_add(1) as f64 / YEAR;
    let of = |n: usize, all: usize| if all == 0 { None } else { Some(n as f64 / all as f64) };
    Score {
        id: id.to_owned(),
        firings: firings.len(),
        matched,
        precision: of(matched, firings.len()),
        recall: of(matched, matched + missed.len()),
        median_lead_days: median(pairs.iter().map(|p| p.lead_days).collect()),
        false_alarms_per_year: (years > 0.0).then(|| false_alarms.len() as f64 / years),
        null_precision: null.map(|n| n.precision),
        null_p: null.map(|n| n.p),
        events: matched + missed.len(),
        pairs,
        missed,
        false_alarms,
        by_the_event_itself: lost.len(),
    }
}

fn pair(edge: &Edge, firings: &[Firing], events: &[(usize, &ReferenceEvent)]) -> Option<Pair> {
    let (_, event) = events.get(edge.event)?;
    let day = event.day.checked_sub_signed(chrono::TimeDelta::days(edge.lead))?;
    Some(Pair { event: shown(event), alarm: alarm(firings.get(edge.firing)?, day), lead_days: edge.lead })
}

fn shown(event: &ReferenceEvent) -> Event {
    Event {
        date: event.day,
        title: event.title.clone(),
        domain: event.domain.clone(),
        direction: event.direction,
    }
}

fn alarm(firing: &Firing, date: NaiveDate) -> Alarm {
    Alarm { date, alert: firing.alert.clone(), subject: firing.subject.clone() }
}

/// The middle one, or the mean of the two in the middle.
fn median(mut days: Vec<i64>) -> Option<f64> {
    days.sort_unstable();
    let middle = |at: usize| days.get(at).map(|d| *d as f64);
    let half = days.len() / 2;
    if days.len() % 2 == 1 {
        middle(half)
    } else {
        Some((middle(half.checked_sub(1)?)? + middle(half)?) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(text: &str) -> Claim {
        let (domain, directions) = text.split_once(' ').unwrap();
        let directions = directions.split('+').map(|d| d.parse().unwrap()).collect();
        Claim { domain: (domain != "any").then(|| domain.to_owned()), directions }
    }

    /// Events `DAY DOMAIN DIRECTION`, firings `DAY DOMAIN DIRECTION+…`, over 2020 and 2021; `fallen` are pairs that do not
    /// stand, `moved` such as stand with an alarm of another day.
    #[track_caller]
    fn check(
        events: &[&str],
        firings: &[&str],
        fallen: &[(usize, usize)],
        moved: &[(usize, &str)],
        want: &str,
    ) {
        let events: Vec<ReferenceEvent> = events
            .iter()
            .enumerate()
            .map(|(at, text)| {
                let parts: Vec<&str> = text.split(' ').collect();
                ReferenceEvent {
                    day: parts[0].parse().unwrap(),
                    title: format!("e{at}"),
                    domain: parts[1].to_owned(),
                    direction: parts[2].parse().unwrap(),
                    url: String::new(),
                    line: at + 2,
                }
            })
            .collect();
        let firings: Vec<Firing> = firings
            .iter()
            .enumerate()
            .map(|(at, text)| {
                let (day, says) = text.split_once(' ').unwrap();
                let alert = format!("f{at}");
                Firing { alert, subject: None, day: day.parse().unwrap(), claim: claim(says) }
            })
            .collect();
        let claims = BTreeSet::from([claim("a alignment_up")]);
        let range = ("2020-01-01".parse().unwrap(), "2021-12-31".parse().unwrap());
        let case =
            Case { id: "rule", luck: "rule", range, firings: &firings, claims: &claims, events: &events };
        let score = score(&case, |firing, event| {
            let other = moved.iter().find(|(n, _)| *n == firing).map(|(_, day)| day.parse().unwrap());
            if fallen.contains(&(firing, event)) {
                None
            } else {
                other.or_else(|| firings.get(firing).map(|f| f.day))
            }
        });
        let pairs: Vec<String> = score
            .pairs
            .iter()
            .map(|p| format!("{}-{}:{:+}", p.alarm.alert, p.event.title, p.lead_days))
            .collect();
        let missed: Vec<&str> = score.missed.iter().map(|e| e.title.as_str()).collect();
        let number = |n: Option<f64>| n.map_or("null".to_owned(), |n| format!("{n:.2}"));
        let got = format!(
            "{} | missed {} | precision {} recall {} lead {} false {} | own {}",
            pairs.join(" "),
            missed.join(" "),
            number(score.precision),
            number(score.recall),
            number(score.median_lead_days),
            number(score.false_alarms_per_year),
            score.by_the_event_itself
        );
        assert_eq!(got, want);
    }

    #[test]
    fn a_match_needs_domain_direction_and_the_window() {
        let up = ["2020-06-01 a alignment_up"];
        let none = "| missed e0 | precision 0.00 recall 0.00 lead null false 0.50 | own 0";
        let hit = |lead: &str| {
            let median: f64 = lead.parse().unwrap();
            format!("f0-e0:{lead} | missed  | precision 1.00 recall 1.00 lead {median:.2} false 0.00 | own 0")
        };
        check(&up, &["2020-05-02 a alignment_up"], &[], &[], &hit("+30"));
        check(&up, &["2020-05-01 a alignment_up"], &[], &[], &format!(" {none}"));
        check(&up, &["2020-08-30 a alignment_up"], &[], &[], &hit("-90"));
        check(&up, &["2020-08-31 a alignment_up"], &[], &[], &format!(" {none}"));
        check(&up, &["2020-06-01 b alignment_up"], &[], &[], &format!(" {none}"));
        check(&up, &["2020-06-01 a alignment_down"], &[], &[], &format!(" {none}"));
        check(&up, &["2020-06-01 any shock+alignment_up"], &[], &[], &hit("+0"));
    }

    #[test]
    fn one_to_one_and_every_figure() {
        let events = ["2020-06-01 a alignment_up", "2020-06-20 a alignment_up", "2021-06-01 a alignment_up"];
        check(
            &events,
            &["2020-06-05 a alignment_up", "2020-06-06 a alignment_up", "2020-06-07 a alignment_up"],
            &[],
            &[],
            "f0-e0:-4 f2-e1:+13 | missed e2 | precision 0.67 recall 0.67 lead 4.50 false 0.50 | own 0",
        );
        check(
            &events,
            &[],
            &[],
            &[],
            " | missed e0 e1 e2 | precision null recall 0.00 lead null false 0.00 | own 0",
        );
        // An event of which the rule never speaks is none that it missed; one outside the range is nobody's.
        check(
            &["2020-06-01 b shock", "2022-01-05 a alignment_up"],
            &["2021-12-30 a alignment_up"],
            &[],
            &[],
            " | missed  | precision 0.00 recall null lead null false 0.50 | own 0",
        );
    }

    #[test]
    fn an_event_is_not_found_by_reading_it() {
        let events = ["2020-06-01 a alignment_up", "2020-06-20 a alignment_up"];
        let firing = ["2020-06-02 a alignment_up"];
        check(
            &events[..1],
            &firing,
            &[(0, 0)],
            &[],
            " | missed e0 | precision 0.00 recall 0.00 lead null false 0.50 | own 1",
        );
        // It may still speak of another event that it did not read.
        check(
            &events,
            &firing,
            &[(0, 0)],
            &[],
            "f0-e1:+18 | missed e0 | precision 1.00 recall 0.50 lead 18.00 false 0.00 | own 0",
        );
        // The alarm counts from the day on which it would have come without the event's facts.
        check(
            &events[..1],
            &firing,
            &[],
            &[(0, "2020-07-11")],
            "f0-e0:-40 | missed  | precision 1.00 recall 1.00 lead -40.00 false 0.00 | own 0",
        );
    }
}
