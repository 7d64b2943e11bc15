//! Nothing where something was due.

use serde::{Deserialize, Serialize};

use crate::{Alarm, ChangeKind, Direction};

/// Jeffreys prior on a rate: half an event, no exposure.
const PRIOR_EVENTS: f64 = 0.5;

/// Whether the feed itself is known to have worked, by a sign other than the events that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Heartbeat {
    /// The feed answered: no event means that there was none.
    Alive,
    /// The feed may be dead: no event means nothing.
    Missing,
}

/// What [`Silence`] is told beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SilenceConfig {
    /// Alarm when nothing for as long as this was less probable than this. One quiet spell in `1 / alarm_below`
    /// is flagged by chance, so false alarms come with the events: one per hundred events or less at .01.
    pub alarm_below: f64,
    /// Events that must have been seen before anything alarms.
    pub warm_up: u64,
    /// Exposure over which what was learnt loses half its weight, in units of exposure; `None` forgets nothing.
    pub half_life: Option<f64>,
}

impl Default for SilenceConfig {
    fn default() -> Self {
        Self { alarm_below: 0.01, warm_up: 5, half_life: None }
    }
}

/// What [`Silence`] says about the last observation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SilenceVerdict {
    /// Too few events to say what is usual, or no observation yet.
    WarmingUp,
    /// Events arrived.
    Active,
    /// Quiet; probability of that for so long, from the rate learnt before.
    Quiet {
        /// Predictive probability.
        probability: f64,
    },
    /// No heartbeat, or no exposure: nothing may be concluded.
    Refused,
}

/// Gamma–Poisson predictive probability of no event for as long as the present quiet spell.
///
/// With a Gamma posterior of a events over exposure b, nothing for exposure d has probability `(b / (b + d))^a`
/// (Gelman et al., "Bayesian Data Analysis", 3rd ed., section 2.6). The uncertainty of a rate learnt from few
/// events is included. A spell teaches only once it has ended, so a long silence does not become usual while it
/// lasts, and it alarms once. Without a [`Heartbeat`] an observation without events is refused: it neither
/// lengthens the spell nor ends it, and nothing is learnt. Events prove the feed alive but, without a heartbeat,
/// not for how long: they end the spell and teach nothing.
///
/// The alarm's onset is the first quiet observation, its size the negative rate (events per unit of exposure), its
/// sigmas `−√(events due)`, its statistic the probability, which fell below the threshold.
///
/// Do not use it where events come in bursts (quiet between bursts is then usual; count bursts instead) or where
/// the rate has a season.
///
/// ```
/// use bellwether_detect::{Heartbeat, Silence, SilenceConfig};
///
/// let mut silence = Silence::new(SilenceConfig::default());
/// (0..30).for_each(|day| assert!(silence.push(day % 2, 1.0, Heartbeat::Alive).is_none()));
/// // A dead feed is no quiet world, however long.
/// (0..100).for_each(|_| assert!(silence.push(0, 1.0, Heartbeat::Missing).is_none()));
/// let quiet = (0..100).position(|_| silence.push(0, 1.0, Heartbeat::Alive).is_some());
/// assert_eq!(quiet, Some(10));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Silence {
    config: SilenceConfig,
    index: usize,
    seen: u64,
    /// Learnt events and the exposure they came in, discounted.
    events: f64,
    exposure: f64,
    /// Exposure of the present quiet spell.
    quiet: f64,
    spell_start: Option<usize>,
    alarmed: bool,
    verdict: SilenceVerdict,
}

impl Silence {
    /// A detector that has read nothing.
    pub fn new(config: SilenceConfig) -> Self {
        Self {
            config,
            index: 0,
            seen: 0,
            events: 0.0,
            exposure: 0.0,
            quiet: 0.0,
            spell_start: None,
            alarmed: false,
            verdict: SilenceVerdict::WarmingUp,
        }
    }

    /// Reads the number of events over an exposure, and whether the feed was alive.
    pub fn push(&mut self, count: u64, exposure: f64, heartbeat: Heartbeat) -> Option<Alarm> {
        let index = self.index;
        self.index += 1;
        let measured = heartbeat == Heartbeat::Alive && exposure.is_finite() && exposure > 0.0;
        match (count, measured) {
            (0, false) => {
                self.verdict = SilenceVerdict::Refused;
                None
            }
            (0, true) => self.wait(index, exposure),
            (_, measured) => {
                self.end_spell(measured.then_some((count, exposure)));
                None
            }
        }
    }

    /// What the last observation amounts to.
    pub fn verdict(&self) -> SilenceVerdict {
        self.verdict
    }

    /// Events per unit of exposure, posterior mean; `None` before any exposure has been learnt from.
    pub fn rate(&self) -> Option<f64> {
        (self.exposure > 0.0).then(|| (self.events + PRIOR_EVENTS) / self.exposure)
    }

    fn wait(&mut self, index: usize, exposure: f64) -> Option<Alarm> {
        let onset_index = *self.spell_start.get_or_insert(index);
        self.quiet += exposure;
        self.verdict = SilenceVerdict::WarmingUp;
        let rate = self.rate().filter(|_| self.seen >= self.config.warm_up)?;
        let odds = libm::log1p(self.quiet / self.exposure);
        let probability = libm::exp(-(self.events + PRIOR_EVENTS) * odds);
        self.verdict = SilenceVerdict::Quiet { probability };
        if self.alarmed || probability >= self.config.alarm_below {
            return None;
        }
        self.alarmed = true;
        Some(Alarm {
            kind: ChangeKind::Silence,
            alarm_index: index,
            onset_index,
            direction: Direction::Down,
            size: -rate,
            sigmas: -(rate * self.quiet).sqrt(),
            statistic: probability,
            threshold: self.config.alarm_below,
        })
    }

    /// Events ended the spell: `learn` is what they teach, when their exposure is known.
    fn end_spell(&mut self, learn: Option<(u64, f64)>) {
        if let Some((count, exposure)) = learn {
            let passed = self.quiet + exposure;
            if let Some(half_life) = self.config.half_life.filter(|h| *h > 0.0) {
                let keep = libm::exp2(-passed / half_life);
                self.events *= keep;
                self.exposure *= keep;
            }
            self.events += count as f64;
            self.exposure += passed;
            self.seen = self.seen.saturating_add(count);
        }
        self.quiet = 0.0;
        self.spell_start = None;
        self.alarmed = false;
        let warm = self.seen >= self.config.warm_up;
        self.verdict = if warm { SilenceVerdict::Active } else { SilenceVerdict::WarmingUp };
    }
}
