//! The assessment: one serialisable answer for one view. Field order is the contract's.

use bellwether_model::{Basis, Clock, Stamp};
use serde::{Deserialize, Serialize};

/// Which framework answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameworkRef {
    /// Short name.
    pub id: String,
    /// Version of the reading.
    pub version: String,
    /// BLAKE3 of the parsed framework and the fact types it reads.
    pub hash: String,
}

/// Everything that the facts known in one view say. Absent knowledge is `null`, never zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// Framework.
    pub framework: FrameworkRef,
    /// Engine and its version.
    pub engine: String,
    /// World time, exclusive bound, RFC 3339.
    pub as_of: String,
    /// Known time, exclusive bound, RFC 3339.
    pub known_by: String,
    /// Clock of known time.
    pub clock: Clock,
    /// Assertions visible and not withdrawn.
    pub facts: u64,
    /// Highest visible sequence.
    pub head: u64,
    /// Domains in framework order.
    pub domains: Vec<DomainState>,
    /// Indicators in framework order.
    pub indicators: Vec<MeasureState>,
    /// Standing expectations about the relationship.
    pub characters: Vec<LevelState>,
    /// What each party gets.
    pub roles: Vec<LevelState>,
    /// What pushes together or holds back.
    pub drivers: Vec<LevelState>,
    /// Where interests rub.
    pub frictions: Vec<LevelState>,
    /// What it means for the system around.
    pub implications: Vec<LevelState>,
    /// One-sided dependences.
    pub asymmetries: Vec<AsymmetryState>,
    /// The envelope.
    pub constraints: Vec<ConstraintState>,
    /// Scenario probabilities; they add to 1.
    pub scenarios: Vec<ScenarioState>,
    /// How well even the best scenario explains what was seen, 0–1.
    pub fit: Option<f64>,
    /// Readings that the fit rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fit_readings: Option<usize>,
    /// Incentives for alignment minus incentives for separation.
    pub balance: Option<BalanceState>,
    /// Divergence measures with their thresholds.
    pub divergences: Vec<Divergence>,
    /// Shifts known in the view, oldest first.
    pub shifts: Vec<Shift>,
    /// Further measures that the rows above read.
    pub measures: Vec<MeasureState>,
    /// Shifts that were flagged and taken back by a later statement, by the moment of that.
    pub withdrawn: Vec<Withdrawn>,
    /// With hindsight: scenario probabilities of each quarter given everything known at the end. Absent unless asked
    /// for, so that nothing takes it for what was known then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smoothed: Option<Vec<Smoothed>>,
}

/// One quarter with hindsight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Smoothed {
    /// Its last day.
    pub quarter: String,
    /// By id; they add to 1.
    pub scenarios: Vec<SmoothedScenario>,
}

/// One scenario in one quarter, with hindsight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SmoothedScenario {
    /// Id.
    pub id: String,
    /// Probability, never 0 and never 1.
    pub probability: f64,
}

/// Direction of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trajectory {
    /// The index rose over the year.
    Converging,
    /// It stayed within the flat band.
    Stable,
    /// It fell.
    Diverging,
    /// One of the two ends is not known.
    Unknown,
}

/// Direction of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trend {
    /// Rose beyond the flat band.
    Up,
    /// Within it.
    Flat,
    /// Fell beyond it.
    Down,
    /// Nothing to compare with.
    #[default]
    Unknown,
}

/// How far a statement may be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Little of it rests on fresh, well-graded facts.
    Low,
    /// Some.
    Moderate,
    /// Most.
    High,
}

/// One indicator's part of a domain index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// Indicator.
    pub indicator: String,
    /// Points; `null` when the indicator says nothing.
    pub points: Option<f64>,
}

/// One standing expectation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpectationState {
    /// Id.
    pub id: String,
    /// Whether it holds; `null` when what it reads is not known.
    pub holds: Option<bool>,
    /// The condition and its reason.
    pub why: String,
}

/// State of a domain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DomainState {
    /// Id.
    pub id: String,
    /// Σ points, −100 to 100; `null` under the least coverage.
    pub index: Option<f64>,
    /// Lower end of what missing and one-sided parts allow.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Over the last year.
    pub trajectory: Trajectory,
    /// Weight of fresh indicators that give points, 0–1.
    pub coverage: f64,
    /// By the framework's table.
    pub confidence: Confidence,
    /// Parts; those present add to the index.
    pub contributions: Vec<Contribution>,
    /// Standing expectations.
    pub expectations: Vec<ExpectationState>,
}

/// Half-open period as dates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// First moment.
    pub start: String,
    /// First moment after.
    pub end: String,
}

/// A companion reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlsoState {
    /// Short name.
    pub name: String,
    /// Unit.
    pub unit: String,
    /// Value.
    pub value: Option<f64>,
    /// Period of the value.
    pub period: Option<Span>,
    /// Distinct values stated so far.
    pub vintages: u32,
    /// Sequences behind it.
    pub evidence: Vec<u64>,
}

/// State of an indicator or measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasureState {
    /// Id.
    pub id: String,
    /// Domain; `null` for a further measure.
    pub domain: Option<String>,
    /// Unit.
    pub unit: String,
    /// Value; `null` when not known exactly.
    pub value: Option<f64>,
    /// Lower bound, where only that is known.
    pub at_least: Option<f64>,
    /// Period of the value.
    pub period: Option<Span>,
    /// Publication of the newest statement behind the value, as stated or assumed.
    pub published_at: Option<Stamp>,
    /// Where that publication time comes from.
    pub published_basis: Option<Basis>,
    /// Distinct values stated for the period so far, confirmations apart.
    pub vintages: u32,
    /// Rival accounts of the period differ beyond rounding.
    pub conflict: bool,
    /// Change against the equal period a year before: relative for levels and counts, a difference else.
    pub change_on_year: Option<f64>,
    /// Standardised distance from the baseline.
    pub distance: Option<f64>,
    /// Direction of the last change.
    pub trend: Trend,
    /// Older than the framework allows; `null` without a value.
    pub stale: Option<bool>,
    /// Day on which the next period will be over, for measures with a schedule.
    pub due: Option<String>,
    /// Step that the detector would show and in how long; `null` until a detector states it.
    pub detection_limit: Option<String>,
    /// Shifts of this measure.
    pub shifts: Vec<String>,
    /// Sequences behind the value.
    pub evidence: Vec<u64>,
    /// Companion readings.
    pub also: Vec<AlsoState>,
}

/// State of a role, driver, friction, implication or character.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LevelState {
    /// Id.
    pub id: String,
    /// −100 to 100; `null` under the least coverage.
    pub level: Option<f64>,
    /// Lower end of what missing parts allow.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Over the last year.
    pub direction: Trend,
    /// Sequences behind it.
    pub evidence: Vec<u64>,
}

/// State of an asymmetry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AsymmetryState {
    /// Id.
    pub id: String,
    /// ln(a / b) of the two dependences.
    pub value: Option<f64>,
    /// Over the previous pair of figures.
    pub direction: Trend,
    /// Party that it favours.
    pub toward: Option<String>,
    /// Sequences behind it.
    pub evidence: Vec<u64>,
}

/// State of a constraint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConstraintState {
    /// Id.
    pub id: String,
    /// Value of the measure it bounds.
    pub value: Option<f64>,
    /// The bound.
    pub bound: f64,
    /// Room left before the bound; negative past it.
    pub distance: Option<f64>,
    /// Whether it is crossed; `null` when not known. A matter of the figure alone.
    pub breached: Option<bool>,
    /// Sequences behind the figure.
    pub evidence: Vec<u64>,
    /// How hard it presses, 0–1: the room left and what the framework reads besides; `null` without a fresh figure.
    #[serde(default)]
    pub strength: Option<f64>,
    /// Lower end of what the figure's band, missing and uncertain inputs allow.
    #[serde(default)]
    pub strength_low: Option<f64>,
    /// Upper end.
    #[serde(default)]
    pub strength_high: Option<f64>,
    /// Lower end of where the figure may stand now, in the measure's unit; `null` where the past says nothing.
    #[serde(default)]
    pub low: Option<f64>,
    /// Upper end.
    #[serde(default)]
    pub high: Option<f64>,
    /// `up` towards the bound, `down` away from it: by the standing change of its measure, else its change on year.
    #[serde(default)]
    pub direction: Trend,
    /// Standing shifts behind it: of its measure, of the measures that it reads by their changes, and its breach.
    #[serde(default)]
    pub shifts: Vec<String>,
}

/// What one indicator did to a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Move {
    /// Indicator, or `transition` for what time alone did.
    pub indicator: String,
    /// Part of the change of the scenario's log-odds since the prior: what its readings still weigh.
    pub log_odds: f64,
}

/// State of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioState {
    /// Id.
    pub id: String,
    /// Probability, never 0 and never 1.
    pub probability: f64,
    /// ICD 203 words.
    pub words: String,
    /// What moved it from the prior; the log-odds add to the move.
    pub moved_by: Vec<Move>,
}

/// One part of the balance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Row.
    pub id: String,
    /// Points; `null` when the row says nothing.
    pub points: Option<f64>,
}

/// The conclusion as a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BalanceState {
    /// Id.
    pub id: String,
    /// Σ points, −100 to 100; `null` under the least coverage.
    pub value: Option<f64>,
    /// Lower end of what missing and weak evidence allow.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Parts; those present add to the value.
    pub parts: Vec<Part>,
    /// By part that says something, what it would take of it alone to turn the balance.
    #[serde(default)]
    pub alone: Vec<BalanceTurn>,
    /// Fewest parts that together bring the balance to zero; empty when all of them would not.
    #[serde(default)]
    pub together: Vec<BalanceTurn>,
    /// What the band comes from; adds to its width.
    #[serde(default)]
    pub band: Vec<BandPart>,
    /// By scenario, the value if that one held for certain, all figures as they stand; empty where no part reads scenarios.
    #[serde(default)]
    pub under: Vec<BalanceUnder>,
}

/// Part of the width of a band.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BandPart {
    /// `missing` parts, `weak` or one-sided evidence, `bounds` whose figures may have moved, which of the `scenarios` holds.
    pub from: String,
    /// Points.
    pub points: f64,
}

/// The balance in one scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BalanceUnder {
    /// Scenario.
    pub id: String,
    /// Σ points; `null` under the least coverage.
    pub value: Option<f64>,
}

/// What it would take of a part to bring the balance to zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BalanceTurn {
    /// Part.
    pub id: String,
    /// Its points now.
    pub points: f64,
    /// Its points at which the balance is zero; `null` when it cannot get there.
    pub to: Option<f64>,
    /// Its own level now, −100 to 100 (0 to 100 for constraints and probabilities); `null` without weight.
    pub level: Option<f64>,
    /// The level that would bring the balance to zero.
    pub level_to: Option<f64>,
    /// Heading.
    #[serde(default)]
    pub title: String,
    /// Unit of the figure, where the part is one: a bound, a measure, a scenario (`probability`).
    #[serde(default)]
    pub unit: Option<String>,
    /// That figure now.
    #[serde(default)]
    pub value: Option<f64>,
    /// The figure at which the balance is zero.
    #[serde(default)]
    pub value_to: Option<f64>,
}

/// One divergence measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Divergence {
    /// `divergence.KIND.ROW`.
    pub id: String,
    /// `baseline`, `asymmetry`, `cross_domain`, `cross_source`, `scenario`, `envelope`.
    pub kind: String,
    /// Measured.
    pub value: f64,
    /// Threshold of the framework.
    pub threshold: f64,
    /// Whether the value reaches the threshold.
    pub tripped: bool,
}

/// A shift that a revised or withdrawn statement took back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// Id that the shift had.
    pub id: String,
    /// Row.
    pub indicator: String,
    /// When it was flagged, RFC 3339.
    pub known_at: String,
    /// When its alarm disappeared, RFC 3339.
    pub withdrawn_at: String,
}

/// When a change began, as estimated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Onset {
    /// Best estimate.
    pub at: String,
    /// Earliest.
    pub low: String,
    /// Latest.
    pub high: String,
}

/// A flagged change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shift {
    /// From content, never from a sequence.
    pub id: String,
    /// Row that changed.
    pub indicator: String,
    /// Detector.
    pub detector: String,
    /// `level`, `breach`, `expectation`, …
    pub kind: String,
    /// Which way.
    pub direction: Trend,
    /// When it could be known, RFC 3339.
    pub known_at: String,
    /// When it began.
    pub onset: Onset,
    /// Size in the row's unit.
    pub size: Option<f64>,
    /// Size in standard deviations.
    pub sigmas: Option<f64>,
    /// Statistic.
    pub statistic: Option<f64>,
    /// Threshold.
    pub threshold: Option<f64>,
    /// Rests on first-release values only.
    pub provisional: bool,
    /// Found too long after its onset to be news: for the record, not for notification.
    pub late: bool,
    /// Sequences behind it.
    pub evidence: Vec<u64>,
}
