//! Changes in how often things happen.

mod likelihood;
mod past;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::{Alarm, ChangeKind, Direction};
use likelihood::Side;
use past::{Counted, Past};

/// Above this variance over mean, counts are negative binomial.
const OVERDISPERSED: f64 = 1.5;
/// Below this the negative binomial is Poisson to all digits that matter.
const LEAST_DISPERSION: f64 = 1e-6;

/// What [`Rate`] is told beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateConfig {
    /// Alarm when twice the log likelihood ratio exceeds this. Simulated mean run length to a false alarm, in
    /// observations, with the other defaults: 1000 to 2300 at 15, 3000 to 10 000 at 18, over 4700 at 20.
    pub threshold: f64,
    /// Observations in a segment before anything alarms, and the least that stands before a cut. At least 2.
    pub warm_up: usize,
    /// Farthest back that a change is looked for, in observations.
    pub window: usize,
    /// Events per unit of exposure before the first change, when known. After an alarm it is known no longer.
    pub rate: Option<f64>,
}

impl Default for RateConfig {
    fn default() -> Self {
        Self { threshold: 15.0, warm_up: 24, window: 60, rate: None }
    }
}

/// Law that the counts follow, chosen from the past alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CountLaw {
    /// Variance equal to the mean.
    Poisson,
    /// Variance `mean + dispersion · mean²`.
    NegativeBinomial {
        /// The excess.
        dispersion: f64,
    },
}

/// Window-limited generalised likelihood-ratio CUSUM on counts with exposure, for rises and falls.
///
/// Höhle & Paul, "Count data regression charts for the monitoring of surveillance time series", Computational
/// Statistics & Data Analysis 52 (2008) 4357. Each cut of the last `window` observations is tried: one rate before,
/// another after. The rate before is `rate`, or that of all observations of the segment before the cut, its own
/// uncertainty included. The law is negative binomial while the variance over mean of the observations that have
/// left the window (or made the warm-up) exceeds 1.5, else Poisson. Equal exposures cost one closed form a cut;
/// exposures that vary, with negative binomial counts, cost a Newton search a cut, and an unknown rate before is
/// then weighed by its share of the exposure, which is exact for normal counts only.
///
/// After an alarm the segment starts anew at the onset, and `warm_up` observations must pass again. An observation
/// whose exposure is not a positive number is a gap: it keeps its index and changes nothing.
///
/// Do not use it where the rate has a season or a trend (give the expected count as exposure instead), or for a
/// feed that may be dead: a fall to nothing is [`Silence`](crate::Silence)'s, which asks for a heartbeat.
///
/// ```
/// use bellwether_detect::{Direction, Rate, RateConfig};
///
/// let mut rate = Rate::new(RateConfig::default());
/// let weekly = (0..80_u64).map(|week| if week < 60 { 2 + week % 3 } else { 8 + week % 3 });
/// let alarm = weekly.into_iter().find_map(|count| rate.push(count, 7.0)).unwrap();
/// assert_eq!((alarm.onset_index, alarm.direction), (60, Direction::Up));
/// assert!((alarm.size * 7.0 - 6.0).abs() < 1.0);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    config: RateConfig,
    index: usize,
    known: Option<f64>,
    past: Past,
    window: VecDeque<Counted>,
    /// The exposure of the segment while all are equal.
    equal: Option<f64>,
    varied: bool,
    statistic: Option<f64>,
}

impl Rate {
    /// A detector that has read nothing.
    pub fn new(config: RateConfig) -> Self {
        let known = config.rate.filter(|r| r.is_finite() && *r > 0.0);
        Self {
            config,
            index: 0,
            known,
            past: Past::default(),
            window: VecDeque::new(),
            equal: None,
            varied: false,
            statistic: None,
        }
    }

    /// Reads one count over an exposure: time under observation, people at risk, articles read.
    pub fn push(&mut self, count: u64, exposure: f64) -> Option<Alarm> {
        let index = self.index;
        self.index += 1;
        if !(exposure.is_finite() && exposure > 0.0) {
            return None;
        }
        self.take(Counted { index, count: count as f64, exposure });
        let (statistic, cut) = self.search()?;
        self.statistic = Some(statistic);
        (statistic > self.config.threshold).then(|| self.alarm(index, statistic, cut))
    }

    /// Twice the log likelihood ratio after the last observation; `None` during the warm-up.
    pub fn statistic(&self) -> Option<f64> {
        self.statistic
    }

    /// Law in use; `None` before two observations count as past.
    pub fn law(&self) -> Option<CountLaw> {
        let ratio = self.past.variance_ratio()?;
        let dispersion = self.past.dispersion();
        Some(if ratio > OVERDISPERSED && dispersion > LEAST_DISPERSION {
            CountLaw::NegativeBinomial { dispersion }
        } else {
            CountLaw::Poisson
        })
    }

    fn take(&mut self, seen: Counted) {
        self.varied |= self.equal.is_some_and(|e| e != seen.exposure);
        self.equal = self.equal.or(Some(seen.exposure));
        self.window.push_back(seen);
        while self.past.len < self.config.warm_up.max(2) || self.window.len() > self.config.window.max(1) {
            let Some(oldest) = self.window.pop_front() else { break };
            self.past.add(oldest);
        }
    }

    /// The best cut: its statistic and how many observations of the window lie after it.
    fn search(&self) -> Option<(f64, usize)> {
        let whole = self.window.iter().map(one).fold(Side::default(), Side::plus);
        let past = Side { count: self.past.count, exposure: self.past.exposure, len: self.past.len as f64 };
        let law = self.law().unwrap_or(CountLaw::Poisson);
        let (mut after, mut rest) = (Side::default(), whole);
        let mut best: Option<(f64, usize)> = None;
        for (back, seen) in self.window.iter().rev().enumerate() {
            after = after.plus(one(seen));
            rest = Side {
                count: rest.count - seen.count,
                exposure: rest.exposure - seen.exposure,
                len: rest.len - 1.0,
            };
            let gain = self.gain(law, past.plus(rest), after, back + 1);
            if gain.is_finite() && best.is_none_or(|(most, _)| gain >= most) {
                best = Some((gain, back + 1));
            }
        }
        best
    }

    fn gain(&self, law: CountLaw, before: Side, after: Side, len: usize) -> f64 {
        match (law, self.known, self.equal.filter(|_| !self.varied)) {
            (CountLaw::Poisson, Some(rate), _) => likelihood::poisson_known(after, rate),
            (CountLaw::Poisson, None, _) => likelihood::poisson(before, after),
            (CountLaw::NegativeBinomial { dispersion }, Some(rate), Some(exposure)) => {
                likelihood::binomial_known(after, rate * exposure, dispersion)
            }
            (CountLaw::NegativeBinomial { dispersion }, None, Some(_)) => {
                likelihood::binomial(before, after, dispersion)
            }
            (CountLaw::NegativeBinomial { dispersion }, known, None) => {
                let rate = known.unwrap_or_else(|| before.rate());
                let last = self.window.iter().rev().take(len).map(|s| (s.count, rate * s.exposure));
                let share = before.exposure / (before.exposure + after.exposure);
                likelihood::binomial_varying(last, dispersion) * if known.is_some() { 1.0 } else { share }
            }
        }
    }

    fn alarm(&mut self, index: usize, statistic: f64, cut: usize) -> Alarm {
        let law = self.law();
        let tail: Vec<Counted> = self.window.iter().rev().take(cut).rev().copied().collect();
        let after = tail.iter().map(one).fold(Side::default(), Side::plus);
        let kept = self.window.iter().take(self.window.len() - tail.len()).map(one);
        let past = Side { count: self.past.count, exposure: self.past.exposure, len: self.past.len as f64 };
        let before = kept.fold(past, Side::plus);
        let rate = self.known.unwrap_or_else(|| before.rate());
        let size = after.rate() - rate;
        let exposure = after.exposure / after.len;
        let mean = rate * exposure;
        let variance = match law {
            Some(CountLaw::NegativeBinomial { dispersion }) => mean + dispersion * mean * mean,
            _ => mean,
        };
        // A past without events has no spread: that of one event stands in.
        let sigma = if variance > 0.0 { variance } else { 1.0 }.sqrt();
        self.known = None;
        self.past = Past::default();
        self.window.clear();
        (self.equal, self.varied, self.statistic) = (None, false, None);
        let onset_index = tail.first().map_or(index, |first| first.index);
        tail.into_iter().for_each(|seen| self.take(seen));
        Alarm {
            kind: ChangeKind::Rate,
            alarm_index: index,
            onset_index,
            direction: if size > 0.0 { Direction::Up } else { Direction::Down },
            size,
            sigmas: size * exposure / sigma,
            statistic,
            threshold: self.config.threshold,
        }
    }
}

fn one(seen: &Counted) -> Side {
    Side { count: seen.count, exposure: seen.exposure, len: 1.0 }
}
