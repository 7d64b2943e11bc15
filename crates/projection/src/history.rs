//! The history of a measure, with or without superseded vintages.

use bellwether_model::framework::Formula;
use bellwether_model::{Stamp, View};
use serde::{Deserialize, Serialize};

use crate::fold::Projector;
use crate::state::time::date;
use crate::state::{Point, Source};

/// One row of `series`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesRow {
    /// First moment of the period.
    pub period_start: String,
    /// First moment after.
    pub period_end: String,
    /// Value; `null` when only a floor is known.
    pub value: Option<f64>,
    /// Publication as stated or assumed; `null` when only recorded.
    pub published_at: Option<Stamp>,
    /// Newest record behind the value.
    pub seq: Option<u64>,
    /// Position among the values stated for the period, from 1.
    pub vintage: u32,
    /// Floor, where only that is known.
    pub at_least: Option<f64>,
}

impl Projector {
    /// The series of a measure in a view, oldest period first; `None` for an unknown id.
    ///
    /// With `vintages`, every value that was known for a period in turn; windowed measures show their windows.
    pub fn series(&self, id: &str, view: &View, vintages: bool) -> Option<Vec<SeriesRow>> {
        let (index, measure) = self.index.framework.all_measures().enumerate().find(|(_, m)| m.id == id)?;
        let resolved = self.resolve(view);
        let source = Source { projector: self, resolved: &resolved, view, measure, index, ahead: false };
        let as_of = view.as_of.timestamp_micros();
        let limit = i64::from(measure.stale_days) * crate::state::time::DAY;
        let series = source.series(|p| as_of - p.end <= limit);
        let factor = measure.read.get(series.read).and_then(|r| r.factor).unwrap_or(1.0);
        let mut rows = Vec::new();
        for point in &series.points {
            if vintages && measure.formula == Formula::Value {
                rows.extend(self.vintage_rows(point, view, factor, measure.lower_bound));
            } else {
                rows.push(self.row(point, point.vintages.max(1), measure.lower_bound));
            }
        }
        if let Some(point) =
            series.trailing.as_ref().filter(|t| series.points.last().is_none_or(|p| p.end < t.end))
        {
            rows.push(self.row(point, point.vintages.max(1), measure.lower_bound));
        }
        Some(rows)
    }

    fn row(&self, point: &Point, vintage: u32, floor: bool) -> SeriesRow {
        let newest = self.observation(point.at);
        let lower = point.lower || floor;
        SeriesRow {
            period_start: date(point.start),
            period_end: date(point.end),
            value: Some(point.value).filter(|_| !lower),
            published_at: newest.and_then(|o| o.published()),
            seq: newest.map(|o| o.seq),
            vintage,
            at_least: Some(point.value).filter(|_| lower),
        }
    }

    fn vintage_rows(&self, point: &Point, view: &View, factor: f64, floor: bool) -> Vec<SeriesRow> {
        self.vintages(point.at, view)
            .into_iter()
            .filter(|v| !v.confirms)
            .filter_map(|v| {
                let obs = self.observation(v.at)?;
                let value = obs.value?.to_f64() * factor;
                Some(SeriesRow {
                    period_start: date(obs.start),
                    period_end: date(obs.end),
                    value: Some(value).filter(|_| !floor),
                    published_at: obs.published(),
                    seq: Some(obs.seq),
                    vintage: v.number,
                    at_least: Some(value).filter(|_| floor),
                })
            })
            .collect()
    }
}
