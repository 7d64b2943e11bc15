//! The page an analyst opens first: one line an indicator.

use bellwether_model::View;
use bellwether_model::framework::{Limit, Measure};
use serde::{Deserialize, Serialize};

use crate::assessment::{Assessment, MeasureState, Span, Trend};
use crate::fold::Projector;

/// The nearest line that a value could cross.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// Constraint, divergence or own bound.
    pub of: String,
    /// Room left, in the line's own scale: 0 at the line, negative past it.
    pub room: f64,
}

/// One line of the board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoardRow {
    /// Indicator.
    pub id: String,
    /// Domain.
    pub domain: String,
    /// Heading.
    pub title: String,
    /// Unit.
    pub unit: String,
    /// Value; `null` when not known exactly.
    pub value: Option<f64>,
    /// Floor, where only that is known.
    pub at_least: Option<f64>,
    /// Period of the value.
    pub period: Option<Span>,
    /// Change against the equal period a year before.
    pub change_on_year: Option<f64>,
    /// Direction.
    pub trend: Trend,
    /// Standardised distance from the baseline.
    pub distance: Option<f64>,
    /// Nearest line it could cross.
    pub threshold: Option<Threshold>,
    /// Older than the framework allows.
    pub stale: Option<bool>,
    /// When the next period will be over.
    pub due: Option<String>,
    /// Last values, oldest first, at most twelve.
    pub history: Vec<f64>,
    /// Shifts.
    pub shifts: Vec<String>,
}

const HISTORY: usize = 12;

impl Projector {
    /// The board of a view.
    pub fn board(&self, view: &View) -> Vec<BoardRow> {
        let assessment = self.assess(view);
        self.index
            .framework
            .indicators
            .iter()
            .zip(&assessment.indicators)
            .map(|(measure, state)| self.line(view, &assessment, measure, state))
            .collect()
    }

    fn line(&self, view: &View, all: &Assessment, measure: &Measure, state: &MeasureState) -> BoardRow {
        let rows = self.series(&measure.id, view, false).unwrap_or_default();
        let values: Vec<f64> = rows.iter().filter_map(|r| r.value.or(r.at_least)).collect();
        let history = values.iter().skip(values.len().saturating_sub(HISTORY)).copied().collect();
        BoardRow {
            id: state.id.clone(),
            domain: state.domain.clone().unwrap_or_default(),
            title: measure.title.clone(),
            unit: state.unit.clone(),
            value: state.value,
            at_least: state.at_least,
            period: state.period.clone(),
            change_on_year: state.change_on_year,
            trend: state.trend,
            distance: state.distance,
            threshold: self.nearest(all, measure, state),
            stale: state.stale,
            due: state.due.clone(),
            history,
            shifts: state.shifts.clone(),
        }
    }

    fn nearest(&self, all: &Assessment, measure: &Measure, state: &MeasureState) -> Option<Threshold> {
        let mut lines: Vec<Threshold> = Vec::new();
        for (row, c) in self.index.framework.constraints.iter().zip(&all.constraints) {
            if row.of == measure.id
                && let Some(distance) = c.distance
            {
                lines.push(Threshold { of: row.id.clone(), room: distance / row.scale });
            }
        }
        if let (Some(value), Some(Limit { max, min })) = (state.value.or(state.at_least), &measure.bound) {
            let room = match (max, min) {
                (Some(max), _) => Some((max - value) / max.abs().max(1.0)),
                (None, Some(min)) => Some((value - min) / min.abs().max(1.0)),
                (None, None) => None,
            };
            lines.extend(room.map(|room| Threshold { of: format!("{}.bound", measure.id), room }));
        }
        if let Some(z) = state.distance {
            let threshold = self.index.framework.divergence.baseline;
            lines.push(Threshold {
                of: format!("divergence.baseline.{}", measure.id),
                room: (threshold - z.abs()) / threshold,
            });
        }
        lines.into_iter().min_by(|a, b| a.room.abs().total_cmp(&b.room.abs()).then_with(|| a.of.cmp(&b.of)))
    }
}
