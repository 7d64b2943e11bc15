//! When a window that slides with the date gains or loses something.

use super::time::{DAY, shift_months};

/// Days around a date within which calendar months can move it: months end two to three days apart.
const SLACK: i64 = 4;

/// The earliest moment after `as_of` at which a window of so many months that ends there, or the one a year before,
/// may hold other happenings or be covered otherwise. `starts` and `declared` are sorted. It may name a moment at which
/// nothing changes, it misses none.
pub(super) fn until(starts: &[i64], declared: &[(i64, i64)], months: i32, as_of: i64) -> Option<i64> {
    let mut best: Option<i64> = None;
    let mut take = |at: Option<i64>| {
        best = best.into_iter().chain(at).min();
    };
    let from = |back: i32| move |at: i64| shift_months(at, -back);
    let year = move |at: i64| shift_months(shift_months(at, -12), -months);
    let froms = || declared.iter().map(|d| d.0);
    let ends = || declared.iter().map(|d| d.1);
    take(
        starts
            .iter()
            .chain(declared.iter().map(|d| &d.1))
            .map(|at| at.saturating_add(1))
            .filter(|at| *at > as_of)
            .min(),
    );
    take(first(starts.iter().copied(), from(months), months, as_of));
    take(first(starts.iter().copied(), from(12), 12, as_of));
    take(first(starts.iter().copied(), year, 12 + months, as_of));
    take(first(froms(), from(months), months, as_of));
    take(first(froms(), year, 12 + months, as_of));
    take(first(ends(), from(12), 12, as_of));
    best
}

/// The earliest crossing of any of some sorted dates.
fn first(
    dates: impl Iterator<Item = i64>,
    back: impl Fn(i64) -> i64,
    months: i32,
    after: i64,
) -> Option<i64> {
    let (gone, mut best) = (back(after).saturating_sub(SLACK * DAY), None::<i64>);
    for date in dates.skip_while(|date| *date < gone) {
        if best.is_some_and(|best| date > back(best).saturating_add(SLACK * DAY)) {
            break;
        }
        best = best.into_iter().chain(crossing(&back, date, months, after)).min();
    }
    best
}

/// The earliest moment after `after` from which `back` of the moment may stand otherwise to a date: before it, at it or
/// past it. `back` goes about so many months back.
pub(crate) fn crossing(back: impl Fn(i64) -> i64, date: i64, months: i32, after: i64) -> Option<i64> {
    let day = |at: i64| at.div_euclid(DAY);
    let (target, time) = (day(date), date.rem_euclid(DAY));
    let guess = day(shift_months(date, months));
    let mut best: Option<i64> = None;
    let mut last: Option<i64> = None;
    for near in guess - SLACK..=guess + SLACK {
        let at = near.saturating_mul(DAY);
        if at.saturating_add(DAY) <= after {
            continue;
        }
        let here = day(back(at));
        let before = last.unwrap_or_else(|| day(back(at.saturating_sub(DAY))));
        last = Some(here);
        // Two days may lead to one: each begins it anew.
        let begins = before <= target && here >= target;
        let within = here == target;
        let moments = [begins.then_some(at), within.then_some(at + time), within.then_some(at + time + 1)];
        best = moments.into_iter().flatten().filter(|at| *at > after).chain(best).min();
    }
    best
}

/// The first midnight after `after` at which the date a year before is at least `date`.
pub(crate) fn a_year_after(date: i64, after: i64) -> i64 {
    let mut at =
        midnight(shift_months(date, 12).saturating_sub(SLACK * DAY)).max(midnight(after.saturating_add(1)));
    for _ in 0..=2 * SLACK {
        if shift_months(at, -12) >= date {
            break;
        }
        at = at.saturating_add(DAY);
    }
    at
}

/// The first midnight not before.
pub(crate) fn midnight(micros: i64) -> i64 {
    micros.saturating_add(DAY - 1).div_euclid(DAY).saturating_mul(DAY)
}
