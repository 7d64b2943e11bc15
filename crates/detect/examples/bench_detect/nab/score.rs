//! Official scoring of the Numenta Anomaly Benchmark (Ahmad, Lavin, Purdy, Agha 2017), written from its rules.

use serde::Deserialize;

/// Weights of one application profile.
#[derive(Clone, Copy, Deserialize)]
pub(crate) struct Cost {
    #[serde(rename = "tpWeight")]
    hit: f64,
    #[serde(rename = "fnWeight")]
    miss: f64,
    #[serde(rename = "fpWeight")]
    false_alarm: f64,
}

/// Rows at the start of a file of `len` rows that are not scored.
pub(crate) fn probation(len: usize) -> usize {
    (len * 15 / 100).min(750)
}

/// 1 well before the right edge of a window (at 0), −1 well after it; `place` is in window lengths.
fn sigmoid(place: f64) -> f64 {
    if place >= 3.0 { -1.0 } else { 2.0 / (1.0 + libm::exp(5.0 * place)) - 1.0 }
}

/// Rows of the first and last observation of a labelled window.
pub(crate) type Window = (usize, usize);

/// Points of one file, and the number of its windows that count.
pub(crate) fn points(len: usize, windows: &[Window], alarms: &[usize], cost: Cost) -> (f64, usize) {
    let start = probation(len);
    let counted = windows.iter().filter(|(_, last)| *last >= start);
    let hits = counted.clone().map(|(first, last)| {
        let width = (last - first + 1) as f64;
        let inside = alarms.iter().filter(|a| **a >= start && (*first..=*last).contains(*a));
        let worth = inside.map(|a| sigmoid(-((last - a + 1) as f64) / width) * cost.hit / sigmoid(-1.0));
        worth.fold(-cost.miss, f64::max)
    });
    let outside = alarms
        .iter()
        .filter(|a| **a >= start && !windows.iter().any(|(first, last)| (*first..=*last).contains(*a)));
    let false_alarms = outside.map(|a| {
        let before = windows.iter().filter(|(_, last)| last < a).max_by_key(|(_, last)| *last);
        let place = before.map_or(3.0, |(first, last)| (a - last) as f64 / (last - first) as f64);
        sigmoid(place) * cost.false_alarm
    });
    (hits.sum::<f64>() + false_alarms.sum::<f64>(), counted.count())
}

/// 0 for a detector that never alarms, 100 for one that alarms at the start of each window and nowhere else.
pub(crate) fn normalised(points: f64, windows: usize, cost: Cost) -> f64 {
    let (least, most) = (-cost.miss * windows as f64, cost.hit * windows as f64);
    100.0 * (points - least) / (most - least)
}
