//! Why a number is what it is: rule, figures read, rows read, facts behind them.

mod bound;
mod scenario;

use std::collections::BTreeMap;

use bellwether_detect::{Posterior, PosteriorConfig};
use bellwether_model::framework::{Agreement, As, Baseline, Composite, Formula, Input, Limit, Measure, Sign};
use bellwether_model::{View, counted, parse_moment};
use serde::{Deserialize, Serialize};

use crate::assessment::{Assessment, BalanceState, Shift};
use crate::fold::Projector;
use crate::gaps::selector;
use crate::state::{AtAlarm, Core, Listening, MeasureEval, Sum, at_alarm, false_alarms};

/// What part a fact plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FactRole {
    /// Sets the value.
    Value,
    /// Says the same again.
    Confirmation,
    /// An earlier vintage, since revised.
    Superseded,
    /// Another account of the period that was not chosen.
    Rival,
    /// Read, but graded too low to set a value.
    Withheld,
    /// In the baseline window.
    Baseline,
    /// In a companion reading.
    Companion,
    /// Behind a row that this row reads.
    Input,
}

/// One record behind a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactRef {
    /// Sequence in the log.
    pub seq: u64,
    /// Part it plays.
    pub role: FactRole,
}

/// One named figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Name.
    pub name: String,
    /// Figure as text, `null` when not known.
    pub value: Option<String>,
}

/// One row that the explained row reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputLine {
    /// Row.
    pub of: String,
    /// Weight.
    pub weight: f64,
    /// Direction.
    pub sign: Sign,
    /// Points it gives; `null` when it says nothing.
    pub points: Option<f64>,
    /// Why it is read.
    pub reason: String,
}

/// One reading as it weighs upon a scenario, and what it was taken together with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reported {
    /// Quarter, as `2025-Q4`.
    pub quarter: String,
    /// Indicator or measure.
    pub indicator: String,
    /// First day of its period.
    pub from: String,
    /// Day after its last.
    pub to: String,
    /// `low`, `normal` or `high`.
    pub state: String,
    /// Robust deviations from the norm.
    pub distance: f64,
    /// Admiralty grade.
    pub grade: String,
    /// How far it was believed, 0–1.
    pub believed: f64,
    /// Group of the signal.
    pub group: String,
    /// Other readings of the quarter that are one report with it.
    pub with: Vec<String>,
    /// Publisher families of its facts, most facts first.
    pub publishers: Vec<Publisher>,
    /// Whether earlier readings told the same events: it counts only by how much better it is believed.
    pub told: bool,
    /// Exponent of its likelihood: 1 is a report of its own.
    pub weight: f64,
    /// By scenario, tempered.
    pub likelihood: Vec<Likelihood>,
    /// What it moved the scenario's log-odds when it was read.
    pub log_odds: f64,
}

/// A publisher family behind a reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publisher {
    /// Family.
    pub family: String,
    /// Facts of it.
    pub facts: u64,
}

/// How likely a reading was under a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Likelihood {
    /// Scenario.
    pub scenario: String,
    /// Probability, 0–1.
    pub value: f64,
}

/// An explanation of one row in one view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation<F = FactRef> {
    /// Row.
    pub id: String,
    /// `indicator`, `measure`, `domain`, `role`, `shift`, …
    pub kind: String,
    /// Heading.
    pub title: String,
    /// What the number says.
    pub meaning: String,
    /// Rule in words, as it stands in the framework.
    pub formula: String,
    /// Unit.
    pub unit: String,
    /// Why it is built so.
    pub reason: String,
    /// Figures read and reckoned.
    pub figures: Vec<Figure>,
    /// Rows read.
    pub inputs: Vec<InputLine>,
    /// What was read of the world, newest quarter first; of scenarios only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<Reported>,
    /// Records behind it, by role.
    pub facts: Vec<F>,
}

impl Projector {
    /// Explains the row, expectation or shift of that id; `None` when the view has no such row.
    pub fn why(&self, id: &str, view: &View) -> Option<Explanation> {
        let core = Core::new(self, view);
        if let Some((eval, measure)) = core.measure(id) {
            return Some(self.why_measure(view, eval, measure));
        }
        let all = self.assess(view);
        self.why_domain(&core, &all, id)
            .or_else(|| self.why_composite(&core, id))
            .or_else(|| self.why_relation(&core, &all, id))
            .or_else(|| self.why_scenario(view, &core, &all, id))
            .or_else(|| self.why_fit(view, &core, &all, id))
            .or_else(|| all.shifts.iter().find(|s| s.id == id).map(|s| self.why_shift(&core, view, s)))
            .or_else(|| self.why_expectation(&core, &all, id))
            .or_else(|| self.why_divergence(&all, id))
    }

    fn why_measure(&self, view: &View, eval: &MeasureEval, m: &Measure) -> Explanation {
        let s = &eval.state;
        let mut figures = vec![
            figure("value", s.value.map(show)),
            figure("at least", s.at_least.map(show)),
            figure("period", s.period.as_ref().map(|p| format!("{} to {} (exclusive)", p.start, p.end))),
            figure("published", s.published_at.map(|p| p.to_string())),
            figure("vintages", Some(s.vintages.to_string())),
            figure("change on year", s.change_on_year.map(show)),
            figure("distance", s.distance.map(show)),
            figure("baseline centre", eval.baseline_centre.map(|c| show(c.0))),
            figure("baseline spread", eval.baseline_centre.map(|c| show(c.1))),
            figure("worst grade", eval.reading.map(|_| eval.grade.to_string())),
            figure("cadence", Some(format!("{:?}", m.cadence).to_lowercase())),
            figure("stale after days", Some(m.stale_days.to_string())),
            figure("weight", Some(show(m.weight))),
            figure("sign", Some(sign(m.sign).to_owned())),
            figure("baseline", Some(self.baseline_words(m))),
        ];
        if let Some(limit) = &m.bound {
            figures.push(figure("bound", Some(limit_words(limit))));
        }
        if let Some([low, high]) = m.scale {
            figures.push(figure(
                "scale",
                Some(format!("{} to {}: {}", show(low), show(high), m.steps.join(", "))),
            ));
        }
        let role = if m.domain.is_some() { "indicator" } else { "measure" };
        Explanation {
            id: m.id.clone(),
            kind: role.to_owned(),
            title: m.title.clone(),
            meaning: m.meaning.clone(),
            formula: formula_words(m),
            unit: m.unit.clone(),
            reason: m.reason.clone(),
            figures,
            inputs: Vec::new(),
            reports: Vec::new(),
            facts: self.facts_of(view, eval),
        }
    }

    fn facts_of(&self, view: &View, eval: &MeasureEval) -> Vec<FactRef> {
        let mut facts: Vec<FactRef> = Vec::new();
        let mut add = |seq: u64, role: FactRole| {
            if !facts.iter().any(|f| f.seq == seq) {
                facts.push(FactRef { seq, role });
            }
        };
        for seq in &eval.state.evidence {
            add(*seq, FactRole::Value);
        }
        if let Some(point) = eval.series.headline() {
            for seq in &point.seqs {
                let at = self.observations().iter().position(|o| o.seq == *seq);
                let Some(at) = at.and_then(|a| u32::try_from(a).ok()) else { continue };
                let statements = self.vintages(at, view);
                let current = statements.iter().map(|v| v.number).max();
                for v in &statements {
                    let Some(obs) = self.observation(v.at) else { continue };
                    let role =
                        if Some(v.number) == current { FactRole::Confirmation } else { FactRole::Superseded };
                    add(obs.seq, role);
                }
            }
            let index = self.index.framework.all_measures().position(|m| m.id == eval.state.id);
            for obs in self.observations().iter().filter(|o| o.visible(view)) {
                let read = self.slots_of(obs).iter().any(|s| {
                    usize::try_from(*s)
                        .ok()
                        .and_then(|s| self.index.slots.get(s))
                        .is_some_and(|s| Some(s.measure) == index)
                });
                if read && (obs.start, obs.end) == (point.start, point.end) {
                    let low = !obs.grade().may_set_value();
                    add(obs.seq, if low { FactRole::Withheld } else { FactRole::Rival });
                }
            }
        }
        for also in &eval.state.also {
            for seq in &also.evidence {
                add(*seq, FactRole::Companion);
            }
        }
        for seq in &eval.baseline {
            add(*seq, FactRole::Baseline);
        }
        facts
    }

    fn baseline_words(&self, m: &Measure) -> String {
        match m.baseline.as_ref().unwrap_or(&self.index.framework.rules.baseline) {
            Baseline::Window { from, to } => {
                format!("median and 1.4826 MAD of {from} to {to} (exclusive), at least {} points", {
                    self.index.framework.rules.minimum_points
                })
            }
            Baseline::Stated { median, spread, reason } => {
                format!("stated by the framework: {median} with spread {spread}; {reason}")
            }
        }
    }

    fn why_domain(&self, core: &Core<'_>, all: &Assessment, id: &str) -> Option<Explanation> {
        let row = self.index.framework.domains.iter().find(|d| d.id == id)?;
        let sum = core.domain(id)?;
        let state = all.domains.iter().find(|d| d.id == id)?;
        let mut figures = vec![
            figure("index", sum.level.map(show)),
            figure("low", sum.low.map(show)),
            figure("high", sum.high.map(show)),
            figure("coverage", Some(show(sum.coverage))),
            figure("trajectory", Some(format!("{:?}", state.trajectory).to_lowercase())),
            figure("confidence", Some(format!("{:?}", state.confidence).to_lowercase())),
        ];
        figures.extend(state.expectations.iter().map(|e| figure(&e.id, e.holds.map(|h| h.to_string()))));
        let inputs = self
            .index
            .framework
            .indicators
            .iter()
            .filter(|m| m.domain.as_deref() == Some(id))
            .map(|m| InputLine {
                of: m.id.clone(),
                weight: m.weight,
                sign: m.sign,
                points: sum.points(&m.id, As::Distance),
                reason: m.reason.clone(),
            })
            .collect();
        Some(Explanation {
            id: row.id.clone(),
            kind: "domain".to_owned(),
            title: row.title.clone(),
            meaning: row.character.clone(),
            formula: format!(
                "sum of 100 · weight · sign · tanh(distance / 2) over fresh indicators; null under coverage {}",
                self.index.framework.rules.minimum_coverage
            ),
            unit: "points".to_owned(),
            reason: row.expectations.iter().map(|e| e.reason.as_str()).collect::<Vec<_>>().join(" "),
            figures,
            inputs,
            reports: Vec::new(),
            facts: input_facts(&sum.evidence),
        })
    }

    fn why_composite(&self, core: &Core<'_>, id: &str) -> Option<Explanation> {
        let row: &Composite = self.composites().find(|c| c.id == id)?;
        let level = core.levels.get(id)?;
        Some(Explanation {
            id: row.id.clone(),
            kind: id.split('.').next().unwrap_or_default().to_owned(),
            title: row.title.clone(),
            meaning: row.meaning.clone(),
            formula: format!("{:?} over its inputs", row.formula),
            unit: row.unit.clone(),
            reason: row.reason.clone(),
            figures: vec![
                figure("level", level.level.map(show)),
                figure("low", level.low.map(show)),
                figure("high", level.high.map(show)),
                figure("sign", Some(sign(row.sign).to_owned())),
            ],
            inputs: input_lines(&row.inputs, level),
            reports: Vec::new(),
            facts: input_facts(&level.evidence),
        })
    }

    fn why_relation(&self, core: &Core<'_>, all: &Assessment, id: &str) -> Option<Explanation> {
        if let Some((row, a)) =
            self.index.framework.asymmetries.iter().zip(&core.asymmetries).find(|(r, _)| r.id == id)
        {
            let pair = a.pair.and_then(|n| row.pairs.get(n));
            let state = all.asymmetries.iter().find(|s| s.id == id)?;
            return Some(Explanation {
                id: row.id.clone(),
                kind: "asymmetry".to_owned(),
                title: row.title.clone(),
                meaning: row.meaning.clone(),
                formula: pair
                    .map_or("ln(a / b)".to_owned(), |p| format!("ln({} / {}): {}", p.a, p.b, p.reason)),
                unit: "log ratio".to_owned(),
                reason: row.reason.clone(),
                figures: vec![
                    figure("value", a.value.map(show)),
                    figure("before", a.before.map(show)),
                    figure("toward", state.toward.clone()),
                ],
                inputs: Vec::new(),
                reports: Vec::new(),
                facts: input_facts(&a.evidence),
            });
        }
        if let Some(found) = self.why_bound(core, all, id) {
            return Some(found);
        }
        let row = self.index.framework.balance.as_ref().filter(|b| b.id == id)?;
        let sum = core.balance.as_ref()?;
        let turning = all.balance.as_ref().map(BalanceState::turning).unwrap_or_default();
        let words = |words: fn(&BalanceState) -> Option<String>| all.balance.as_ref().and_then(words);
        Some(Explanation {
            id: row.id.clone(),
            kind: "balance".to_owned(),
            title: row.title.clone(),
            meaning: row.meaning.clone(),
            formula: "sum of 100 · weight · sign · strength over its parts; the band adds those of the parts, a scenario's is one \
                      standard deviation of whether it holds"
                .to_owned(),
            unit: "points".to_owned(),
            reason: row.reason.clone(),
            figures: [("value", sum.level), ("low", sum.low), ("high", sum.high)]
                .into_iter()
                .map(|(name, value)| figure(name, value.map(show)))
                .chain([figure("the band comes from", words(BalanceState::band_from))])
                .chain([figure("in each scenario", words(BalanceState::by_scenario))])
                .chain(turning.into_iter().map(|words| figure("would turn it", Some(words))))
                .collect(),
            inputs: input_lines(&row.inputs, sum),
            reports: Vec::new(),
            facts: input_facts(&sum.evidence),
        })
    }

    fn why_shift(&self, core: &Core<'_>, view: &View, shift: &Shift) -> Explanation {
        let mut figures =
            vec![figure("onset interval", Some(format!("{} to {}", shift.onset.low, shift.onset.high)))];
        figures.extend(self.posterior(core, view, shift));
        figures.extend(self.listeners(view, shift));
        figures.extend([
            figure("size", shift.size.map(show)),
            figure("sigmas", shift.sigmas.map(show)),
            figure("statistic", shift.statistic.map(show)),
            figure("threshold", shift.threshold.map(show)),
            figure(
                "false alarms that the threshold stands for",
                false_alarms(&shift.detector).map(str::to_owned),
            ),
            figure("found late", Some(shift.late.to_string())),
            figure("provisional", Some(shift.provisional.to_string())),
        ]);
        Explanation {
            id: shift.id.clone(),
            kind: "shift".to_owned(),
            title: format!("{} shift of {}", shift.kind, shift.indicator),
            meaning: format!("known at {}, began about {}", shift.known_at, shift.onset.at),
            formula: format!("detector {}", shift.detector),
            unit: String::new(),
            reason: String::new(),
            figures,
            inputs: Vec::new(),
            reports: Vec::new(),
            facts: input_facts(&shift.evidence),
        }
    }

    /// Through which feeds a silence was heard, from its onset to its alarm and as known then.
    fn listeners(&self, view: &View, shift: &Shift) -> Vec<Figure> {
        let measure = self.index.framework.all_measures().find(|m| m.id == shift.indicator);
        let (Some(measure), Ok(known)) = (measure, parse_moment(&shift.known_at)) else { return Vec::new() };
        if shift.detector != "silence" {
            return Vec::new();
        }
        let months = Listening::new(self, view, measure).months(known.timestamp_micros());
        let onset = parse_moment(&shift.onset.at).map_or(i64::MIN, |at| at.timestamp_micros());
        let mut days: BTreeMap<&str, i64> = BTreeMap::new();
        for (feed, heard) in months.range(onset..).flat_map(|(_, month)| &month.days) {
            *days.entry(feed).or_default() += heard;
        }
        let line = |(feed, days)| {
            figure(
                &format!("heard through feed {feed}"),
                Some(format!("on {}", counted(days, "day", "days"))),
            )
        };
        days.into_iter().map(line).collect()
    }

    /// What the run-length posterior says of the onset, as known at the alarm: a second opinion that flags nothing.
    ///
    /// It knows runs of one level only, so a change of slope is shown to it as a step of the differences.
    fn posterior(&self, core: &Core<'_>, view: &View, shift: &Shift) -> Vec<Figure> {
        if !matches!(shift.detector.as_str(), "gls-scan" | "focus") {
            return Vec::new();
        }
        let AtAlarm { points, warm_up } = at_alarm(self, view, core, shift);
        let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
        let slope = shift.kind == "trend";
        let read: Vec<f64> = if slope {
            values.iter().zip(values.iter().skip(1)).map(|(before, this)| this - before).collect()
        } else {
            values
        };
        let warm_up = warm_up - usize::from(slope);
        let mut posterior = Posterior::new(PosteriorConfig { warm_up, ..PosteriorConfig::default() });
        read.iter().for_each(|value| posterior.push(*value));
        let name = |what: &str| format!("posterior, {what}");
        let Some(onset) = posterior.onset() else {
            return vec![figure(&name("most probable onset"), None), figure(&name("90 % of onsets"), None)];
        };
        // The difference to an observation has the index of the one before it.
        let day = |index: usize| points.get(index + usize::from(slope)).map_or("", |(day, _)| day.as_str());
        let at = if onset.unbounded {
            format!("{} or before: no change in sight", day(onset.index))
        } else {
            format!("{}, {:.0} %", day(onset.index), 100.0 * onset.probability)
        };
        vec![
            figure(&name("most probable onset"), Some(at)),
            figure(&name("90 % of onsets"), Some(format!("{} to {}", day(onset.low), day(onset.high)))),
        ]
    }

    fn why_expectation(&self, core: &Core<'_>, all: &Assessment, id: &str) -> Option<Explanation> {
        let row = self.index.framework.domains.iter().flat_map(|d| &d.expectations).find(|e| e.id == id)?;
        let state = all.domains.iter().flat_map(|d| &d.expectations).find(|e| e.id == id)?;
        let mut figures = vec![figure("holds", state.holds.map(|h| h.to_string()))];
        let mut facts = Vec::new();
        for name in row.when.split('"').skip(1).step_by(2) {
            if let Some((eval, _)) = core.measure(name) {
                figures.push(figure(name, eval.reading.map(show)));
                facts.extend(&eval.state.evidence);
            } else if let Some(sum) = core.domain(name) {
                figures.push(figure(name, sum.level.map(show)));
            }
        }
        Some(Explanation {
            id: row.id.clone(),
            kind: "expectation".to_owned(),
            title: row.id.clone(),
            meaning: row.reason.clone(),
            formula: row.when.clone(),
            unit: String::new(),
            reason: row.reason.clone(),
            figures,
            inputs: Vec::new(),
            reports: Vec::new(),
            facts: input_facts(&facts),
        })
    }

    fn why_divergence(&self, all: &Assessment, id: &str) -> Option<Explanation> {
        let d = all.divergences.iter().find(|d| d.id == id)?;
        Some(Explanation {
            id: d.id.clone(),
            kind: "divergence".to_owned(),
            title: format!("{} divergence", d.kind),
            meaning: if d.tripped { "at or past its threshold" } else { "within its threshold" }.to_owned(),
            formula: "|value| ≥ threshold; the envelope counts only past a bound".to_owned(),
            unit: String::new(),
            reason: self.index.framework.divergence.reason.clone(),
            figures: vec![figure("value", Some(show(d.value))), figure("threshold", Some(show(d.threshold)))],
            inputs: Vec::new(),
            reports: Vec::new(),
            facts: Vec::new(),
        })
    }
}

fn figure(name: &str, value: Option<String>) -> Figure {
    Figure { name: name.to_owned(), value }
}

/// Shortest decimal that reads back to the same double.
fn show(value: f64) -> String {
    value.to_string()
}

fn sign(sign: Sign) -> &'static str {
    match sign {
        Sign::Plus => "+",
        Sign::Minus => "-",
        Sign::Zero => "0",
    }
}

fn limit_words(limit: &Limit) -> String {
    match (limit.max, limit.min) {
        (Some(max), _) => format!("at most {}", show(max)),
        (None, Some(min)) => format!("at least {}", show(min)),
        (None, None) => "no bound".to_owned(),
    }
}

fn formula_words(m: &Measure) -> String {
    let reads = |list: &[bellwether_model::framework::Read]| {
        list.iter()
            .map(|r| match &r.label {
                Some(label) => format!("{} [{label}]", selector(r)),
                None => selector(r),
            })
            .collect::<Vec<_>>()
            .join("; else ")
    };
    let read = reads(&m.read);
    let of = m.of.join(", ");
    match m.formula {
        Formula::Value => format!("value of {read}"),
        Formula::Count => format!("distinct happenings a window: {read}"),
        Formula::Sum => format!("sum of {of} a window: {read}"),
        Formula::Max => format!("greatest of {of} in a window: {read}"),
        Formula::Mean => format!("mean value a window: {read}"),
        Formula::Distinct => format!("distinct {of} a window: {read}"),
        Formula::Stock => format!("stock since the beginning: {read}"),
        Formula::Share => format!("({read}) over ({}), equal periods", reads(&m.over)),
        Formula::Diversification => format!("1 − Σ share² of ({read}) in ({})", reads(&m.over)),
        Formula::Agreement => match m.agreement {
            Agreement::Strict => {
                format!(
                    "share of the roll calls on which both voted with the same choice, yes, no or abstention: {read}"
                )
            }
            Agreement::Half => format!(
                "agreement over the roll calls on which both voted, the same choice one, an abstention against yes or \
                 no one half: {read}"
            ),
        },
    }
}

fn input_lines(inputs: &[Input], sum: &Sum) -> Vec<InputLine> {
    inputs
        .iter()
        .map(|i| InputLine {
            of: i.of.clone(),
            weight: i.weight,
            sign: i.sign,
            points: sum.points(&i.of, i.reading),
            reason: i.reason.clone(),
        })
        .collect()
}

fn input_facts(evidence: &[u64]) -> Vec<FactRef> {
    evidence.iter().map(|seq| FactRef { seq: *seq, role: FactRole::Input }).collect()
}
