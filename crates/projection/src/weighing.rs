//! What the scenario probabilities hang on: judgements of the framework, and readings yet to come.

use bellwether_model::View;
use bellwether_model::framework::As;
use serde::{Deserialize, Serialize};

use crate::assessment::{MeasureState, SmoothedScenario};
use crate::fold::Projector;
use crate::scenario::{Judgement, STATES, Seen, Swing, gain, reliability, swings};
use crate::state::{Core, STATE_WORDS, Weighed, WeightSwing, weigh, weight_swings};

/// Grade taken for the next reading of a signal that has none yet: fairly reliable, possibly true.
const NEXT: (usize, usize) = (2, 2);

/// How the scenario probabilities and the balance change with each judged number ±50 %.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensitivity {
    /// Probabilities as judged, by id.
    pub scenarios: Vec<SmoothedScenario>,
    /// Every judgement, those that move a probability most first.
    pub judgements: Vec<JudgementRow>,
    /// Every weight behind the balance, those that move it most first.
    #[serde(default)]
    pub weights: Vec<WeightRow>,
}

/// One weight of the framework, half as large and half as large again, the others of its row in their proportions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightRow {
    /// `weight`.
    pub kind: String,
    /// Row that is made of others: the balance, a composite, a constraint or a domain.
    pub row: String,
    /// What the row reads with this weight; the figure that a constraint bounds has `presses` for one.
    pub input: String,
    /// How it is read.
    #[serde(rename = "as")]
    pub reading: As,
    /// As judged.
    pub value: f64,
    /// The balance as judged, points.
    pub before: f64,
    /// With half the weight; `null` where too little of a row would be known.
    pub low: Option<f64>,
    /// With the weight half as large again.
    pub high: Option<f64>,
    /// Greatest change; `null` where either is.
    pub change: Option<f64>,
    /// The balance changes its sign.
    pub flips: bool,
}

/// One number of the framework, half as large and half as large again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgementRow {
    /// `prior`, `transition`, `likelihood`, `source`, `information`, `repeats` or `clip`.
    pub kind: String,
    /// Which number: scenario, `FROM > TO`, `SIGNAL under SCENARIO: STATE`, grade, group (`usual` for those that are
    /// not named).
    pub of: String,
    /// As judged.
    pub value: f64,
    /// Scenario whose probability changes most.
    pub scenario: String,
    /// Its probability with half the number.
    pub low: f64,
    /// Its probability with the number half as large again.
    pub high: f64,
    /// Greatest change of its probability.
    pub change: f64,
    /// Another scenario becomes the most probable.
    pub flips: bool,
}

/// What the next reading of one signal could tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diagnosticity {
    /// Indicator or measure.
    pub indicator: String,
    /// Its group.
    pub group: String,
    /// Expected information about which scenario holds, bits.
    pub bits: f64,
    /// How far its readings are believed, 0–1: by the grade of the last one, else as C3.
    pub believed: f64,
    /// State of the last reading, `null` when there is none.
    pub last: Option<String>,
    /// Day on which the next period will be over, for measures with a schedule.
    pub due: Option<String>,
    /// How likely low, normal and high are.
    pub chances: [f64; STATES],
    /// State that would move a probability most, which one, and to what.
    pub most: Turn,
}

/// A state that moves a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// `low`, `normal` or `high`.
    pub state: String,
    /// Scenario.
    pub scenario: String,
    /// Its probability now.
    pub before: f64,
    /// Its probability after such a reading.
    pub after: f64,
}

impl Projector {
    /// How much each likelihood, prior, transition, grade and repetition of the framework, ±50 %, changes the scenario
    /// probabilities, and each weight the balance; `None` for a framework with neither scenarios nor a balance.
    pub fn sensitivity(&self, view: &View) -> Option<Sensitivity> {
        let core = Core::new(self, view);
        let weights = weight_rows(&core);
        let Some(weighed) = weigh(self, &core, view) else {
            let balance = core.framework.balance.is_some();
            return balance.then(|| Sensitivity { scenarios: Vec::new(), judgements: Vec::new(), weights });
        };
        let seen: Vec<Seen> = weighed.readings.iter().map(|r| r.seen).collect();
        let now = &weighed.filtered.posterior;
        let rows = swings(&weighed.setting.model, &seen, weighed.until);
        let judgements = rows.into_iter().filter_map(|swing| judgement_row(&weighed, now, &swing)).collect();
        let scenarios = weighed.setting.scenarios.iter().zip(now);
        let scenarios =
            scenarios.map(|(s, p)| SmoothedScenario { id: s.id.clone(), probability: *p }).collect();
        Some(Sensitivity { scenarios, judgements, weights })
    }

    /// What the next reading of each signal could tell about which scenario holds, the most telling first.
    pub fn diagnosticity(&self, view: &View) -> Vec<Diagnosticity> {
        let core = Core::new(self, view);
        let Some(weighed) = weigh(self, &core, view) else { return Vec::new() };
        let mut out: Vec<Diagnosticity> = (0..weighed.setting.signals.len())
            .filter_map(|signal| {
                let of = &weighed.setting.signals.get(signal)?.of;
                diagnosticity_row(&weighed, signal, core.measure(of).map(|(eval, _)| &eval.state))
            })
            .collect();
        out.sort_by(|a, b| b.bits.total_cmp(&a.bits).then_with(|| a.indicator.cmp(&b.indicator)));
        out
    }
}

/// Weights behind the balance, the greatest swing first; before all, those without which it would not be known.
fn weight_rows(core: &Core<'_>) -> Vec<WeightRow> {
    let Some(before) = core.balance.as_ref().and_then(|sum| sum.level) else { return Vec::new() };
    let row = |swing: WeightSwing| {
        let ends = swing.low.zip(swing.high);
        WeightRow {
            kind: "weight".to_owned(),
            row: swing.row,
            input: swing.input,
            reading: swing.reading,
            value: swing.value,
            before,
            low: swing.low,
            high: swing.high,
            change: ends.map(|(low, high)| (low - before).abs().max((high - before).abs())),
            flips: [swing.low, swing.high].into_iter().flatten().any(|v| v * before < 0.0),
        }
    };
    let mut out: Vec<WeightRow> = weight_swings(core).into_iter().map(row).collect();
    let far = |w: &WeightRow| w.change.unwrap_or(f64::INFINITY);
    let name = |w: &WeightRow| (w.row.clone(), w.input.clone(), w.reading);
    out.sort_by(|a, b| far(b).total_cmp(&far(a)).then_with(|| name(a).cmp(&name(b))));
    out
}

fn judgement_row(weighed: &Weighed<'_>, now: &[f64], swing: &Swing) -> Option<JudgementRow> {
    let setting = &weighed.setting;
    let scenario = |at: usize| setting.scenarios.get(at).map(|s| s.id.as_str()).unwrap_or_default();
    let letter = |at: usize, names: [&'static str; 6]| names.get(at).copied().unwrap_or_default().to_owned();
    let group = |at: usize| setting.groups.get(at).copied().unwrap_or_default();
    let (kind, of) = match swing.judgement {
        Judgement::Prior(s) => ("prior", scenario(s).to_owned()),
        Judgement::Transition(a, b) => ("transition", format!("{} > {}", scenario(a), scenario(b))),
        Judgement::Likelihood(k, s, x) => {
            let signal = setting.signals.get(k)?;
            let state = STATE_WORDS.get(x).copied().unwrap_or_default();
            ("likelihood", format!("{} under {}: {state}", signal.of, scenario(s)))
        }
        Judgement::Source(g) => ("source", letter(g, bellwether_model::framework::RELIABILITIES)),
        Judgement::Information(g) => ("information", letter(g, bellwether_model::framework::CREDIBILITIES)),
        Judgement::Clip => ("clip", "ratio of one reading".to_owned()),
        Judgement::Repeats(g) => ("repeats", g.map_or("usual", group).to_owned()),
    };
    let moved = |p: &[f64], at: usize| p.get(at).zip(now.get(at)).map_or(0.0, |(a, b)| (a - b).abs());
    let most = |at: usize| moved(&swing.low, at).max(moved(&swing.high, at));
    let at = (0..now.len()).max_by(|a, b| most(*a).total_cmp(&most(*b)).then(b.cmp(a)))?;
    Some(JudgementRow {
        kind: kind.to_owned(),
        of,
        value: swing.value,
        scenario: scenario(at).to_owned(),
        low: *swing.low.get(at)?,
        high: *swing.high.get(at)?,
        change: swing.change,
        flips: swing.flips,
    })
}

fn diagnosticity_row(
    weighed: &Weighed<'_>,
    signal: usize,
    measure: Option<&MeasureState>,
) -> Option<Diagnosticity> {
    let setting = &weighed.setting;
    let row = setting.signals.get(signal)?;
    let last = weighed.readings.iter().rfind(|r| r.seen.signal == signal).map(|r| r.seen);
    let (source, information) = last.map_or(NEXT, |s| (s.source, s.information));
    let next = Seen { quarter: 0, signal, state: 0, source, information, cluster: 0, told: None };
    let now = &weighed.filtered.posterior;
    let worth = gain(&setting.model, now, &next);
    let turns = worth.after.iter().enumerate().flat_map(|(state, after)| {
        let moves = after.iter().zip(now).enumerate();
        moves.map(move |(s, (after, before))| (state, s, *before, *after))
    });
    let far = |t: &(usize, usize, f64, f64)| (t.3 - t.2).abs();
    let (state, scenario, before, after) =
        turns.max_by(|a, b| far(a).total_cmp(&far(b)).then((b.0, b.1).cmp(&(a.0, a.1))))?;
    let word = |state: usize| STATE_WORDS.get(state).copied().unwrap_or_default().to_owned();
    Some(Diagnosticity {
        indicator: row.of.clone(),
        group: row.group.clone(),
        bits: worth.bits,
        believed: reliability(&setting.model, &next),
        last: last.map(|s| word(s.state)),
        due: measure.and_then(|m| m.due.clone()),
        chances: worth.chances,
        most: Turn {
            state: word(state),
            scenario: setting.scenarios.get(scenario)?.id.clone(),
            before,
            after,
        },
    })
}
