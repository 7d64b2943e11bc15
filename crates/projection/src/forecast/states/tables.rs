//! Readings and what was said of them, added up.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Utc};

use super::{Came, HEADING, Prequential, QuarterScore, Seen, StateScore};
use crate::forecast::paired::{BLOCK, Row, grouped, summed_in};
use crate::forecast::score::{brier_multi, gain_interval, log_score_clipped, reliability, rps_score};
use crate::scenario::STATES;

/// Bands of the reliability table.
const BANDS: usize = 10;

/// Quarter of a moment, counted from year 0.
pub(super) fn counted(at: DateTime<Utc>) -> i32 {
    at.year() * 4 + at.month0().cast_signed() / 3
}

/// Its name, as `2025-Q4`.
pub(super) fn named(at: DateTime<Utc>) -> String {
    format!("{}-Q{}", at.year(), at.month0() / 3 + 1)
}

pub(super) fn tables(seen: &[Seen], signals: &[&str], floors: usize) -> Prequential {
    let all: Vec<(i32, &Came)> = seen.iter().flat_map(|s| s.came.iter().map(|c| (s.quarter, c))).collect();
    let quarters: BTreeSet<i32> = seen.iter().map(|s| s.quarter).collect();
    let of_year =
        |year: i32| all.iter().filter(|(q, _)| q.div_euclid(4) == year).copied().collect::<Vec<_>>();
    let years: BTreeSet<i32> = quarters.iter().map(|q| q.div_euclid(4)).collect();
    let by_signal = signals.iter().enumerate().filter_map(|(signal, name)| {
        let of: Vec<(i32, &Came)> = all.iter().filter(|(_, c)| c.signal == signal).copied().collect();
        score(name, &of, &quarters)
    });
    let chances: Vec<(f64, bool)> = all
        .iter()
        .flat_map(|(_, came)| {
            let [own, ..] = came.said;
            own.into_iter().enumerate().map(|(state, p)| (p, state == came.state))
        })
        .collect();
    Prequential {
        heading: HEADING.to_owned(),
        all: score("all", &all, &quarters),
        years: years.iter().filter_map(|y| score(&y.to_string(), &of_year(*y), &quarters)).collect(),
        quarters: seen.iter().map(quarter).collect(),
        signals: by_signal.collect(),
        reliability: reliability(&chances, BANDS),
        floors,
        readings: seen.iter().flat_map(|s| s.came.iter().map(|c| c.shown.clone())).collect(),
    }
}

fn quarter(seen: &Seen) -> QuarterScore {
    let logs: Vec<[f64; 4]> = seen.came.iter().map(|c| scores(c, log)).collect();
    let sum = |at: fn(&[f64; 4]) -> f64| logs.iter().map(at).sum::<f64>();
    let any = !logs.is_empty();
    QuarterScore {
        name: seen.name.clone(),
        scenarios: seen.scenarios.clone(),
        forecasts: logs.len(),
        log: any.then(|| sum(|[own, ..]| *own) / logs.len() as f64),
        nats: any.then(|| sum(|[own, prior, ..]| prior - own)),
    }
}

fn score(name: &str, of: &[(i32, &Came)], quarters: &BTreeSet<i32>) -> Option<StateScore> {
    let rows = |by: fn(&[f64; STATES], usize) -> f64| -> Vec<Row> {
        of.iter()
            .enumerate()
            .map(|(question, (quarter, came))| {
                let [own, prior, past, same] = scores(came, by);
                Row {
                    quarter: *quarter,
                    question,
                    weight: 1.0,
                    own,
                    past: Some(past),
                    same,
                    prior: Some(prior),
                }
            })
            .collect()
    };
    let range = *quarters.first()?..=*quarters.last()?;
    let logs = rows(log);
    let gain =
        |reference: fn(&Row) -> Option<f64>| gain_interval(&grouped(&logs, quarters, reference), BLOCK);
    Some(StateScore {
        name: name.to_owned(),
        forecasts: of.len(),
        log: summed_in(&logs, range.clone())?,
        brier: summed_in(&rows(brier), range.clone())?,
        rps: summed_in(&rows(ranked), range)?,
        gain_prior: gain(|r| r.prior),
        gain_climatology: gain(|r| r.past),
        gain_persistence: gain(|r| Some(r.same)),
    })
}

/// Scores of posterior, prior, climatology and persistence.
fn scores(came: &Came, by: fn(&[f64; STATES], usize) -> f64) -> [f64; 4] {
    came.said.map(|p| by(&p, came.state))
}

fn log(p: &[f64; STATES], state: usize) -> f64 {
    log_score_clipped(p.get(state).copied().unwrap_or_default(), true)
}

fn brier(p: &[f64; STATES], state: usize) -> f64 {
    brier_multi(p, state).unwrap_or(2.0)
}

fn ranked(p: &[f64; STATES], state: usize) -> f64 {
    rps_score(p, state).unwrap_or(2.0)
}
