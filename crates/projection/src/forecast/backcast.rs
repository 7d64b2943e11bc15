//! The same questions about the past, asked without hindsight, quarter by quarter.

use bellwether_model::View;
use bellwether_model::question::Question;
use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};

use super::answer::{Answer, answer, threshold};
use super::chance::chance;
use super::model::{Model, Moment};
use super::reading::Readings;
use super::report::{Said, Scored};
use crate::fold::Projector;

/// Beginnings of quarters in `[from, to)`.
pub(super) fn quarters(from: DateTime<Utc>, to: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
    let first = NaiveDate::from_ymd_opt(from.year(), from.month0() / 3 * 3 + 1, 1);
    std::iter::successors(first, |day| day.checked_add_months(Months::new(3)))
        .map(|day| day.and_time(NaiveTime::MIN).and_utc())
        .skip_while(move |at| *at < from)
        .take_while(move |at| *at < to)
}

/// Every question that was answered before `to`, with what would have been said of it at each beginning of a quarter in
/// `[from, to)` at which it was open.
///
/// What is said at a moment reads what could be known before it and nothing else: facts published later change nothing
/// of it. Moments are independent, so they are shared out to threads and put together in order.
pub(super) fn replay(
    projector: &Projector,
    model: &dyn Model,
    questions: &[&Question],
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Vec<Scored> {
    let readings = Readings::new(projector, &View::at(to));
    let mut scored: Vec<(&Question, Scored)> =
        questions.iter().filter_map(|q| Some((*q, answered(&readings, q, to)?))).collect();
    let first = scored.iter().map(|(q, _)| q.filed_at()).min().unwrap_or(to);
    let moments: Vec<DateTime<Utc>> = quarters(from.max(first), to).collect();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let said: Vec<(usize, Said)> = std::thread::scope(|scope| {
        let (readings, scored) = (&readings, &scored);
        let running: Vec<_> = moments
            .chunks(moments.len().div_ceil(threads).max(1))
            .map(|part| {
                let of = |at: &DateTime<Utc>| at_moment(readings, model, scored, *at);
                scope.spawn(move || part.iter().flat_map(of).collect::<Vec<_>>())
            })
            .collect();
        // A panic in a part is a defect and goes on as one.
        running
            .into_iter()
            .flat_map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    for (at, said) in said {
        if let Some((_, scored)) = scored.get_mut(at) {
            scored.said.push(said);
        }
    }
    scored.into_iter().map(|(_, scored)| scored).collect()
}

/// What would have been said at one moment of the questions that were open, by their place.
fn at_moment(
    readings: &Readings<'_>,
    model: &dyn Model,
    scored: &[(&Question, Scored)],
    at: DateTime<Utc>,
) -> Vec<(usize, Said)> {
    let open = scored.iter().enumerate().filter(|(_, (question, scored))| {
        question.filed_at() <= at && at < question.rule.end().min(scored.known_at)
    });
    let (mut moments, bare) = (None, model.on_prior());
    open.filter_map(|(place, (question, scored))| {
        let (moment, bare) = moments.get_or_insert_with(|| {
            let view = View::at(at);
            let bare = bare.as_ref().map(|model| model.at(readings.projector, &view));
            (model.at(readings.projector, &view), bare)
        });
        let said = |moment: &dyn Moment| chance(readings, moment, question, scored.threshold, at);
        let on_prior = bare.as_ref().and_then(|bare| said(&**bare));
        Some((place, Said { at, chance: said(&**moment)?, on_prior }))
    })
    .collect()
}

fn answered(readings: &Readings<'_>, question: &Question, to: DateTime<Utc>) -> Option<Scored> {
    let bound = threshold(readings, question, question.filed_at())?;
    let Answer { outcome, known_at, value, .. } = answer(readings, question, bound, to)?;
    Some(Scored {
        id: question.id.clone(),
        group: question.template.clone().unwrap_or_else(|| question.about.clone()),
        threshold: bound,
        end: question.rule.end(),
        known_at,
        outcome,
        value,
        said: Vec::new(),
    })
}
