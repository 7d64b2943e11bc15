//! What is not known, why, and what it costs.

use bellwether_model::View;
use bellwether_model::framework::{Baseline, Composite, Match, Measure, PeriodKind, Range, Read};
use serde::{Deserialize, Serialize};

use crate::fold::{Projector, moment};
use crate::state::time::date;
use crate::state::{Core, MeasureEval};

/// Why a row says less than it could.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GapKind {
    /// No fact that may set a value.
    Missing,
    /// The last value is older than the framework allows.
    Stale,
    /// Only "at least n": nobody declared to have looked for all.
    FloorOnly,
    /// A value, but no baseline to measure a distance from.
    NoBaseline,
    /// Figures outside the range that the framework states: one of the two is wrong, and nothing is cut.
    OutsideRange,
    /// A row made of other rows, too few of which are known.
    TooFewInputs,
}

/// One gap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// Row.
    pub id: String,
    /// Why.
    pub kind: GapKind,
    /// End of the last period with a value.
    pub last: Option<String>,
    /// When the next period is over, for measures with a schedule.
    pub due: Option<String>,
    /// Coverage that the gap costs the row's domain, 0–1.
    pub costs: f64,
    /// What would close it.
    pub waits_for: String,
}

impl Projector {
    /// Gaps of a view: costly ones first, then by id.
    pub fn gaps(&self, view: &View) -> Vec<Gap> {
        let core = Core::new(self, view);
        let mut gaps: Vec<Gap> = self
            .index
            .framework
            .all_measures()
            .zip(&core.measures)
            .filter_map(|(measure, eval)| self.measure_gap(measure, eval))
            .collect();
        let measures = self.index.framework.all_measures().zip(&core.measures);
        gaps.extend(measures.filter_map(|(measure, eval)| outside_range(measure, eval)));
        for row in self.composites() {
            if core.levels.get(row.id.as_str()).is_none_or(|l| l.level.is_none()) {
                let missing =
                    row.inputs.iter().map(|i| i.of.as_str()).filter(|id| silent(&core, id)).collect();
                gaps.push(rows_missing(&row.id, missing));
            }
        }
        for (row, a) in self.index.framework.asymmetries.iter().zip(&core.asymmetries) {
            if a.value.is_none() {
                let ids = row.pairs.iter().flat_map(|p| [p.a.as_str(), p.b.as_str()]);
                let mut missing: Vec<&str> = ids.filter(|id| unknown(&core, id)).collect();
                missing.dedup();
                gaps.push(rows_missing(&row.id, missing));
            }
        }
        for (row, c) in self.index.framework.constraints.iter().zip(&core.constraints) {
            if c.value.is_none() {
                gaps.push(rows_missing(&row.id, vec![row.of.as_str()]));
            }
        }
        for (row, sum) in self.index.framework.domains.iter().zip(&core.domains) {
            if sum.level.is_none() {
                let missing =
                    sum.parts.iter().filter(|p| p.points.is_none()).map(|p| p.id.as_str()).collect();
                gaps.push(rows_missing(&row.id, missing));
            }
        }
        if let (Some(row), Some(sum)) = (&self.index.framework.balance, &core.balance)
            && sum.level.is_none()
        {
            let missing = sum.parts.iter().filter(|p| p.points.is_none()).map(|p| p.id.as_str()).collect();
            gaps.push(rows_missing(&row.id, missing));
        }
        gaps.sort_by(|a, b| b.costs.total_cmp(&a.costs).then_with(|| a.id.cmp(&b.id)));
        gaps
    }

    pub(crate) fn composites(&self) -> impl Iterator<Item = &Composite> {
        let f = &self.index.framework;
        [&f.characters, &f.roles, &f.drivers, &f.frictions, &f.implications].into_iter().flatten()
    }

    fn measure_gap(&self, measure: &Measure, eval: &MeasureEval) -> Option<Gap> {
        let (kind, waits_for) = if eval.state.stale == Some(true) {
            (GapKind::Stale, format!("a newer fact: {}", selectors(measure)))
        } else if eval.reading.is_none() {
            (GapKind::Missing, selectors(measure))
        } else if eval.lower && eval.state.distance.is_none_or(|z| z < 0.0) {
            let kinds: Vec<&str> = measure.read.iter().map(|r| r.kind.as_str()).collect();
            (GapKind::FloorOnly, format!("coverage.declared for {}", kinds.join(" and ")))
        } else if eval.state.distance.is_none() && measure.weight > 0.0 {
            let least = self.index.framework.rules.minimum_points;
            let window = match measure.baseline.as_ref().unwrap_or(&self.index.framework.rules.baseline) {
                Baseline::Window { from, to } => format!("{from} to {to}"),
                Baseline::Stated { .. } => "the stated baseline".to_owned(),
            };
            (
                GapKind::NoBaseline,
                format!("{least} points with some spread in {window}: {}", selectors(measure)),
            )
        } else {
            return None;
        };
        Some(Gap {
            id: measure.id.clone(),
            kind,
            last: eval.series.latest().map(|p| date(p.end)),
            due: eval.state.due.clone(),
            costs: measure.weight,
            waits_for,
        })
    }
}

/// Whether a figure, with the end of its period, lies within a range and its ceilings.
pub(crate) fn within(range: &Range, (end, value): (i64, f64)) -> bool {
    moment(end).is_some_and(|end| range.holds(value, end.date_naive()))
}

fn outside_range(measure: &Measure, eval: &MeasureEval) -> Option<Gap> {
    let range = measure.range.as_ref()?;
    let mut outside = eval.series.points.iter().filter(|p| !within(range, (p.end, p.value)));
    let first = outside.next()?;
    let (last, more) = outside.fold((first, 0), |(_, n), p| (p, n + 1));
    let others = if more > 0 { format!(" and {more} before it") } else { String::new() };
    Some(Gap {
        id: measure.id.clone(),
        kind: GapKind::OutsideRange,
        last: Some(date(last.end)),
        due: None,
        costs: 0.0,
        waits_for: format!(
            "a correction of the figure of before {}{others}, or of the range {} to {} {} and its ceilings",
            date(last.end),
            range.min,
            range.max,
            measure.unit
        ),
    })
}

fn silent(core: &Core<'_>, id: &str) -> bool {
    core.strength(id, bellwether_model::framework::As::Distance).value.is_none()
}

fn unknown(core: &Core<'_>, id: &str) -> bool {
    core.measure(id).is_none_or(|(eval, _)| eval.state.value.is_none())
}

fn rows_missing(id: &str, missing: Vec<&str>) -> Gap {
    Gap {
        id: id.to_owned(),
        kind: GapKind::TooFewInputs,
        last: None,
        due: None,
        costs: 0.0,
        waits_for: missing.join(", "),
    }
}

/// The facts that would set a measure, in words.
pub(crate) fn selectors(measure: &Measure) -> String {
    let mut all: Vec<String> = measure.read.iter().map(selector).collect();
    if !measure.over.is_empty() {
        let over: Vec<String> = measure.over.iter().map(selector).collect();
        all.push(format!("over {}", over.join(" or ")));
    }
    all.join(" or ")
}

pub(crate) fn selector(read: &Read) -> String {
    let mut words = vec![read.kind.clone()];
    let text = |m: &Match| match m {
        Match::One(one) => one.clone(),
        Match::Any(any) => any.join("/"),
    };
    match (&read.from, &read.to) {
        (Some(from), Some(to)) => words.push(format!("{}→{}", text(from), text(to))),
        (Some(from), None) => words.push(format!("{}→*", text(from))),
        (None, Some(to)) => words.push(format!("*→{}", text(to))),
        (None, None) => {}
    }
    if read.both {
        words.push("of both parties".to_owned());
    }
    words.extend(read.unit.clone());
    match read.period {
        PeriodKind::Any => {}
        PeriodKind::Month => words.push("by month".to_owned()),
        PeriodKind::Quarter => words.push("by quarter".to_owned()),
        PeriodKind::Half => words.push("by half-year".to_owned()),
        PeriodKind::Year => words.push("by year".to_owned()),
        PeriodKind::YearToDate => words.push("year to date".to_owned()),
        PeriodKind::Days => words.push("dated".to_owned()),
    }
    words.extend(read.matching.iter().map(|(name, m)| format!("{name}={}", text(m))));
    words.extend(read.key.as_ref().map(|m| format!("key={}", text(m))));
    words.join(" ")
}
