//! Scenario probabilities as a Bayesian filter over time, on plain numbers: no dates, no facts, no names.
//!
//! A hidden Markov model with one step a calendar quarter (Rabiner, Proc. IEEE 77, 1989): [`Model`] says how likely
//! each scenario is at the start, how one becomes another, and how likely each signal's state is under each; [`Seen`] is
//! what was read of a signal in a quarter. Read top-down: `temper` makes a likelihood of a reading and its grade,
//! `cluster` lets repeats of one publisher or event weigh as one report and further reports of a group as less, `filter`
//! goes forward through the quarters and keeps who moved what, `fit` asks whether any scenario explains what was seen.
//! `smooth` looks back, with hindsight; `diagnosticity` says what the next reading could tell, `sensitivity` which
//! judgements the answer hangs on, `expected` what the readings to come should be.
//!
//! Scenarios, signals and states are indices; sums run in index order, logarithms come from `libm`.

mod cluster;
mod diagnosticity;
mod expected;
mod filter;
mod fit;
mod sensitivity;
mod smooth;
mod temper;

pub use cluster::{Repeats, shares};
pub use diagnosticity::{Gain, gain};
pub use expected::{expected, frequencies, staying};
pub use filter::{Filtered, Moment, Moved, Quarter, Report, filter};
pub(crate) use fit::mixed_row;
pub use fit::{fit, surprise};
pub use sensitivity::{Judgement, Swing, judgements, swings};
pub use smooth::smooth;
pub use temper::{logit, normalised, reliability, tempered};

/// States that a signal can show: low, normal, high.
pub const STATES: usize = 3;

/// The model, with `n` scenarios.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Probability of each scenario at the start; adds to 1.
    pub prior: Vec<f64>,
    /// From each scenario to each one, a quarter later; `n` rows that add to 1.
    pub transition: Vec<Vec<f64>>,
    /// What can be read.
    pub signals: Vec<SignalRows>,
    /// Share of reports that a source of reliability A to F gets right.
    pub source: [f64; 6],
    /// The same for credibility 1 to 6.
    pub information: [f64; 6],
    /// Greatest ratio between two scenarios that one reading may show, above 1.
    pub clip: f64,
    /// How much the clusters of one group repeat each other.
    pub repeats: Repeats,
}

/// One signal.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalRows {
    /// Signals with the same number repeat each other by the model's [`Repeats`].
    pub group: usize,
    /// By scenario, how likely each state is; each row adds to 1.
    pub rows: Vec<[f64; STATES]>,
}

/// A reading of one signal in one quarter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// Quarters since the start; the first is 0.
    pub quarter: u32,
    /// Which signal.
    pub signal: usize,
    /// Low 0, normal 1, high 2.
    pub state: usize,
    /// Reliability of the source, A 0 to F 5.
    pub source: usize,
    /// Credibility of the information, 0 to 5 for 1 to 6.
    pub information: usize,
    /// Readings of one quarter with the same number are one report: one publisher or one event is behind them. Which is for
    /// the caller to say; the numbers mean nothing else.
    pub cluster: usize,
    /// Source and information, as above, of the best report of an earlier quarter that told the same.
    pub told: Option<(usize, usize)>,
}

impl Model {
    /// Number of scenarios.
    pub fn len(&self) -> usize {
        self.prior.len()
    }

    /// Whether there is nothing to weigh.
    pub fn is_empty(&self) -> bool {
        self.prior.is_empty()
    }

    /// Probabilities a share of a quarter later, by the transition alone: (1 − f)·p + f·Tᵀp.
    ///
    /// Whole quarters are powers of T; inside one, the mixture of staying and one whole step. A matrix as judged by people
    /// need not have a stochastic cube root or a generator (Israel, Rosenthal & Wei, Mathematical Finance 11, 2001), so
    /// none is asked for. The start of the quarter is kept and each moment in it reckoned from there: how many moments
    /// are looked at changes nothing.
    pub fn drift(&self, p: &[f64], share: f64) -> Vec<f64> {
        if share <= 0.0 {
            // To the last bit: a quarter that has just begun is the one before it, ended.
            return p.to_vec();
        }
        let mut next: Vec<f64> = p.iter().map(|x| (1.0 - share) * x).collect();
        for (from, row) in p.iter().zip(&self.transition) {
            for (to, chance) in next.iter_mut().zip(row) {
                *to += share * from * chance;
            }
        }
        normalised(&next)
    }
}
