//! Where the figure of a bound may stand now: a band around the last one.
//!
//! A figure is of its period. Since then the measure has moved as it used to: a random walk, whose variance grows with the
//! time since (drift method: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd ed., 5.5). Its drift is
//! that of the past shrunk by [`CALM`] years without movement, as in the outlook; a year's variance is the mean square of
//! what the past changes were beside it, over the time that each took; a first release adds the mean square of what
//! releases came to be revised by. The band holds nine tenths, Student's quantile with as many degrees of freedom as there
//! were changes, and the figure itself. A coded scale moves by whole steps, each way at the rate learnt since the
//! first judgement with Jeffreys' half step (as in `outlook/ladder`). Rival figures lie inside the band.
//!
//! Time goes by whole months: what nobody learnt moves nothing from one day to the next.

use bellwether_model::framework::{Kind, Measure};

use super::measure::MeasureEval;
use super::series::Point;
use super::time::window_start;
use crate::fold::moment;

/// Fewest past changes, or judgements, that say anything of the next.
const CHANGES: usize = 2;
/// Years without movement that a drift is shrunk by.
const CALM: f64 = 4.0;
/// Steps of a coded scale expected before any was seen.
const JEFFREYS: f64 = 0.5;
/// Shares are kept off 0 and 1 by this much.
const EDGE: f64 = 1e-4;
/// Upper twentieth of Student's distribution with 1 to 30 degrees of freedom; the normal one beyond.
const STUDENT: [f64; 30] = [
    6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753,
    1.746, 1.740, 1.734, 1.729, 1.725, 1.721, 1.717, 1.714, 1.711, 1.708, 1.706, 1.703, 1.701, 1.699, 1.697,
];
const NORMAL: f64 = 1.645;

/// The band of a figure, in the measure's unit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Band {
    /// `None` where nothing bounds it below.
    pub(crate) low: Option<f64>,
    /// `None` where nothing bounds it above.
    pub(crate) high: Option<f64>,
    pub(crate) rests: Rests,
}

/// What a band rests on.
#[derive(Clone, Debug, Default)]
pub(crate) enum Rests {
    /// There is no figure.
    #[default]
    Nothing,
    /// More may have happened than was recorded.
    Floor,
    /// The window ends with the view and all of it was looked for.
    Whole,
    /// Past changes.
    Walk { changes: usize, drift: f64, variance: f64, revisions: f64, years: f64, scale: Scale },
    /// Past judgements.
    Steps { judgements: usize, watched: f64, years: f64 },
    /// The past is too short.
    Short,
}

/// Scale on which changes compare.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scale {
    Log,
    Logit,
    Plain,
}

impl Scale {
    fn of(measure: &Measure, mut values: impl Iterator<Item = f64>) -> Self {
        match measure.kind {
            Kind::Share => Scale::Logit,
            _ if values.all(|v| v > 0.0) => Scale::Log,
            _ => Scale::Plain,
        }
    }

    fn forward(self, v: f64) -> f64 {
        match self {
            Scale::Log => libm::log(v.max(f64::MIN_POSITIVE)),
            Scale::Logit => {
                let p = v.clamp(EDGE, 1.0 - EDGE);
                libm::log(p) - libm::log1p(-p)
            }
            Scale::Plain => v,
        }
    }

    fn back(self, x: f64) -> f64 {
        match self {
            Scale::Log => libm::exp(x),
            Scale::Logit => 1.0 / (1.0 + libm::exp(-x)),
            Scale::Plain => x,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Scale::Log => "logarithms",
            Scale::Logit => "log-odds",
            Scale::Plain => "values",
        }
    }
}

/// The band of a measure in a view that ends at `at`.
pub(crate) fn band(eval: &MeasureEval, measure: &Measure, at: i64) -> Band {
    let Some((value, point)) = eval.reading.zip(eval.series.headline()) else { return Band::default() };
    if eval.lower {
        return Band { low: Some(value), high: None, rests: Rests::Floor };
    }
    let (low, high, rests) = if measure.formula.windowed() {
        (value, value, Rests::Whole)
    } else {
        let years = f64::from(months(point.end, at).max(0)) / 12.0;
        let moved = match measure.kind {
            Kind::Ordinal => steps(eval, measure, (value, years), at),
            _ => walk(eval, measure, (value, point), years),
        };
        let Some(moved) = moved else { return Band { rests: Rests::Short, ..Band::default() } };
        moved
    };
    // Rival accounts differ from the one chosen by so much at most.
    let rival = eval.spread * value.abs();
    let [least, most] = measure.scale.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
    let low = low.min(value - rival).max(least.min(value));
    let high = high.max(value + rival).min(most.max(value));
    Band { low: Some(low), high: Some(high), rests }
}

type Moved = Option<(f64, f64, Rests)>;

fn walk(eval: &MeasureEval, measure: &Measure, (value, point): (f64, &Point), years: f64) -> Moved {
    // Equal labels only: a January compares with a January.
    let class = point.class();
    let alike: Vec<&Point> =
        eval.series.points.iter().filter(|p| p.class() == class && !p.lower && p.end <= point.end).collect();
    let scale = Scale::of(measure, alike.iter().map(|p| p.value));
    let moves: Vec<(f64, f64)> = alike
        .iter()
        .zip(alike.iter().skip(1))
        .filter_map(|(a, b)| {
            let took = f64::from(months(a.end, b.end)) / 12.0;
            (took > 0.0).then(|| (took, scale.forward(b.value) - scale.forward(a.value)))
        })
        .collect();
    let changes = moves.len();
    if changes < CHANGES {
        return None;
    }
    let (time, moved) = moves.iter().fold((0.0, 0.0), |sum, (took, by)| (sum.0 + took, sum.1 + by));
    let drift = moved / (time + CALM);
    let squares = moves.iter().map(|(took, by)| (by - drift * took) * (by - drift * took) / took);
    let variance = squares.sum::<f64>() / changes as f64;
    let revisions = if point.restated { 0.0 } else { revisions(eval, scale) };
    let spread = student(changes) * (variance * years + revisions).sqrt();
    let x = scale.forward(value) + drift * years;
    let rests = Rests::Walk { changes, drift, variance, revisions, years, scale };
    Some((scale.back(x - spread), scale.back(x + spread), rests))
}

/// Mean square of what earlier figures came to be revised by; 0 where none was ever stated again.
fn revisions(eval: &MeasureEval, scale: Scale) -> f64 {
    let squares = eval.revised.iter().map(|[first, now]| {
        let moved = scale.forward(*now) - scale.forward(*first);
        moved * moved
    });
    squares.sum::<f64>() / (eval.revised.len() as f64).max(1.0)
}

fn steps(eval: &MeasureEval, measure: &Measure, (value, years): (f64, f64), at: i64) -> Moved {
    let points = &eval.series.points;
    let watched = f64::from(months(points.first()?.end, at)) / 12.0;
    if points.len() < CHANGES || watched <= 0.0 {
        return None;
    }
    let (mut down, mut up) = (JEFFREYS, JEFFREYS);
    for (a, b) in points.iter().zip(points.iter().skip(1)) {
        up += (b.value - a.value).max(0.0);
        down += (a.value - b.value).max(0.0);
    }
    let [least, most] = measure.scale.unwrap_or([value, value]);
    let reach = |rate: f64, room: f64| poisson(rate / watched * years, room);
    let rests = Rests::Steps { judgements: points.len(), watched, years };
    Some((value - reach(down, value - least), value + reach(up, most - value), rests))
}

/// Fewest steps, at most `room`, that a Poisson number of this mean does not exceed in nineteen cases of twenty.
fn poisson(mean: f64, room: f64) -> f64 {
    let (mut k, mut chance) = (0.0, libm::exp(-mean));
    let mut below = chance;
    while below < 0.95 && k < room {
        k += 1.0;
        chance *= mean / k;
        below += chance;
    }
    k
}

fn student(freedom: usize) -> f64 {
    freedom.checked_sub(1).and_then(|at| STUDENT.get(at)).copied().unwrap_or(NORMAL)
}

/// Calendar months between the months of two moments.
fn months(from: i64, to: i64) -> i32 {
    use chrono::Datelike;
    let index = |at: i64| moment(window_start(at, 1)).map_or(0, |d| d.year() * 12 + d.month0().cast_signed());
    index(to) - index(from)
}

impl Band {
    /// What it rests on, in words.
    pub(crate) fn words(&self) -> String {
        match &self.rests {
            Rests::Nothing => "no figure".to_owned(),
            Rests::Floor => "only a floor is known: nothing bounds it above".to_owned(),
            Rests::Whole => "the window ends with the view and all of it was looked for".to_owned(),
            Rests::Short => format!("under {CHANGES} past changes: they say nothing of the next"),
            Rests::Walk { changes, drift, variance, revisions, years, scale } => {
                let first = if *revisions > 0.0 {
                    format!(", a first release is revised by {:.4}", revisions.sqrt())
                } else {
                    String::new()
                };
                format!(
                    "nine tenths of a random walk in {}: {changes} past changes give a drift of {drift:.4} and a deviation of \
                     {:.4} in a year, {years:.1} years since the figure{first}; rivals and the figure itself inside",
                    scale.words(),
                    variance.sqrt()
                )
            }
            Rests::Steps { judgements, watched, years } => format!(
                "nine tenths of single steps at the rate of {judgements} judgements in {watched:.1} years, {years:.1} years \
                 since the last"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_a_scale_need_time() {
        assert_eq!(poisson(0.0, 3.0), 0.0);
        // P(N ≤ 0) = .951 at a mean of .05, .905 at .1.
        assert_eq!((poisson(0.05, 3.0), poisson(0.1, 3.0)), (0.0, 1.0));
        // P(N ≤ 4) = .947, P(N ≤ 5) = .983 at a mean of 2.
        assert_eq!((poisson(2.0, 9.0), poisson(2.0, 3.0)), (5.0, 3.0));
    }

    #[test]
    fn whole_months() {
        let at = |text: &str| bellwether_model::parse_moment(text).unwrap().timestamp_micros();
        assert_eq!(months(at("2024-12-31"), at("2025-01-01")), 1);
        assert_eq!(months(at("2025-01-01"), at("2026-06-30")), 17);
        assert_eq!(months(at("2026-06-30"), at("2025-01-01")), -17);
    }

    #[test]
    fn scales_go_there_and_back() {
        for (scale, v) in [(Scale::Log, 38.8e9), (Scale::Logit, 0.528), (Scale::Plain, -3.0)] {
            assert!((scale.back(scale.forward(v)) - v).abs() <= 1e-9 * v.abs());
        }
    }
}
