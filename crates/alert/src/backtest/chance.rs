//! What chance gives: as many firings with the same claims on random days.

use chrono::NaiveDate;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::claim::{AFTER, BEFORE, Claim, ReferenceEvent};
use super::matching::most;

/// Random placements that are tried.
pub const PLACEMENTS: u32 = 1000;

/// What the placements came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Chance {
    /// Mean precision of a placement.
    pub(super) precision: f64,
    /// Share of placements that match as many as the rule did, or more, the rule itself counted as one of them.
    pub(super) p: f64,
}

/// Places a firing for each claim on a day of `from..=to`, each day as likely as the next, [`PLACEMENTS`] times, and
/// matches it like the real ones. `None` without claims or days.
///
/// The seed is BLAKE3 of `id`, so a rule meets the same luck every time.
pub(super) fn chance(
    id: &str,
    claims: &[&Claim],
    events: &[ReferenceEvent],
    (from, to): (NaiveDate, NaiveDate),
    matched: usize,
) -> Option<Chance> {
    let days = u64::try_from((to - from).num_days() + 1).ok()?;
    if claims.is_empty() || days == 0 {
        return None;
    }
    // Events by day for every distinct claim: what a day can match is a run of them.
    let mut kinds: Vec<&Claim> = claims.to_vec();
    kinds.sort();
    kinds.dedup();
    let covered: Vec<(Vec<i64>, Vec<usize>)> = kinds
        .iter()
        .map(|claim| {
            let of = events.iter().enumerate().filter(|(_, e)| claim.covers(e));
            of.map(|(at, e)| ((e.day - from).num_days(), at)).unzip()
        })
        .collect();
    let kind: Vec<usize> = claims.iter().filter_map(|c| kinds.binary_search(c).ok()).collect();
    let mut rng = ChaCha8Rng::from_seed(*blake3::hash(id.as_bytes()).as_bytes());
    let (mut all, mut as_many) = (0_usize, 0_u32);
    for _ in 0..PLACEMENTS {
        let placed: Vec<&[usize]> =
            kind.iter().map(|kind| run(covered.get(*kind), draw(&mut rng, days))).collect();
        let found = most(events.len(), &placed);
        all += found;
        as_many += u32::from(found >= matched);
    }
    let draws = f64::from(PLACEMENTS);
    let firings = claims.len() as f64;
    Some(Chance { precision: all as f64 / (draws * firings), p: f64::from(1 + as_many) / (draws + 1.0) })
}

/// A day from 0 to `days` − 1: the high half of a product, off by less than one in 2⁵⁰ for any history.
fn draw(rng: &mut ChaCha8Rng, days: u64) -> i64 {
    let high = (u128::from(rng.next_u64()) * u128::from(days)) >> 64;
    i64::try_from(high).unwrap_or(0)
}

/// Events that an alarm of that day is near enough to.
fn run(covered: Option<&(Vec<i64>, Vec<usize>)>, day: i64) -> &[usize] {
    let Some((days, at)) = covered else { return &[] };
    let first = days.partition_point(|event| *event < day - AFTER);
    let end = days.partition_point(|event| *event <= day + BEFORE);
    at.get(first..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::claim::Direction;
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn claim(domain: Option<&str>) -> Claim {
        Claim { domain: domain.map(str::to_owned), directions: [Direction::Shock].into() }
    }

    fn event(at: &str, domain: &str) -> ReferenceEvent {
        ReferenceEvent {
            day: day(at),
            title: String::new(),
            domain: domain.into(),
            direction: Direction::Shock,
            url: String::new(),
            line: 1,
        }
    }

    #[test]
    fn one_firing_and_one_event_meet_as_often_as_the_window_fills_the_range() {
        let range = (day("2020-01-01"), day("2021-12-31"));
        let events = [event("2021-01-01", "a")];
        let expected = 121.0 / 731.0;
        for id in ["one", "two", "three"] {
            let found = chance(id, &[&claim(Some("a"))], &events, range, 1).unwrap();
            // Three standard deviations of a thousand draws.
            let off = 3.0 * (expected * (1.0 - expected) / 1000.0_f64).sqrt();
            assert!((found.precision - expected).abs() < off, "{id}: {} against {expected}", found.precision);
            let p = (1.0 + found.precision * 1000.0) / 1001.0;
            assert!((found.p - p).abs() < 1e-12, "{id}");
        }
    }

    #[test]
    fn placements_depend_on_the_rule_alone() {
        let range = (day("2020-01-01"), day("2021-12-31"));
        let events = [event("2021-01-01", "a"), event("2021-03-01", "b")];
        let claims = [claim(None), claim(Some("b"))];
        let claims: Vec<&Claim> = claims.iter().collect();
        let once = chance("x", &claims, &events, range, 1);
        assert_eq!(once, chance("x", &claims, &events, range, 1));
        assert_ne!(once, chance("y", &claims, &events, range, 1));
    }

    #[test]
    fn what_matches_nothing_is_no_better_than_chance_and_what_matches_all_may_be() {
        let range = (day("2010-01-01"), day("2021-12-31"));
        let events = [event("2012-01-01", "a"), event("2015-01-01", "a"), event("2018-01-01", "a")];
        let (one, other) = (claim(Some("a")), claim(Some("b")));
        let all = chance("x", &[&one, &one, &one], &events, range, 3).unwrap();
        assert!(all.p < 0.01, "{}", all.p);
        assert_eq!(chance("x", &[&one], &events, range, 0).unwrap().p, 1.0);
        let none = chance("x", &[&other], &events, range, 0).unwrap();
        assert_eq!((none.precision, none.p), (0.0, 1.0));
        assert_eq!(chance("x", &[], &events, range, 0), None);
    }
}
