//! When the reading of each quarter first became known, and what it was.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::states;
use crate::fold::moment;
use crate::forecast::reading::Readings;
use crate::state::{Setting, Whole};

/// First readings of one signal, by quarter of the filter.
#[derive(Default)]
pub(super) struct Answers {
    pub(super) read: BTreeMap<u32, Answer>,
    /// Quarters of which only floors became known.
    pub(super) floors: BTreeSet<u32>,
}

/// A reading as it first became known.
pub(super) struct Answer {
    pub(super) known_at: DateTime<Utc>,
    pub(super) whole: Whole,
}

/// Goes through the moments before `to` at which what is known of the signal changes, and keeps what each shows of a
/// quarter for the first time.
pub(super) fn answers(
    readings: &Readings<'_>,
    setting: &Setting<'_>,
    signal: usize,
    to: DateTime<Utc>,
) -> Answers {
    let mut out = Answers::default();
    let Some(measure) = setting.signals.get(signal).and_then(|row| readings.measure(&row.of)) else {
        return out;
    };
    let mut moments = readings.changes(measure, to);
    // A window is over when its quarter is, whether or not anything is stated that day.
    moments.extend((0..).map_while(|q| setting.begins(q)).take_while(|at| *at < to.timestamp_micros()));
    for at in moments.into_iter().filter_map(moment).filter(|at| *at < to) {
        // What is stated at a moment is known just after it.
        let after = at.checked_add_signed(TimeDelta::microseconds(1)).unwrap_or(at);
        for (quarter, whole) in states(readings, setting, signal, after) {
            if out.read.contains_key(&quarter) {
                continue;
            }
            if whole.floor {
                out.floors.insert(quarter);
            } else {
                out.floors.remove(&quarter);
                out.read.insert(quarter, Answer { known_at: at, whole });
            }
        }
    }
    out
}
