//! The same questions about the past, asked without hindsight, quarter by quarter.

use bellwether_model::View;
use bellwether_model::question::Question;
use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};

use super::answer::{Answer, answer, threshold};
use super::chance::chance;
use super::outlook::Outlook;
use super::reading::Readings;
use super::report::{Said, Scored};
use crate::fold::Projector;

/// Beginnings of quarters in `[from, to)`.
fn quarters(from: DateTime<Utc>, to: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
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
/// of it. Questions are independent, so they are shared out to threads and put together in order.
pub(super) fn replay(
    projector: &Projector,
    outlook: &dyn Outlook,
    questions: &[&Question],
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Vec<Scored> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = questions.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let running: Vec<_> = questions
            .chunks(share)
            .map(|part| {
                scope.spawn(move || {
                    let readings = Readings::new(projector, &View::at(to));
                    part.iter()
                        .filter_map(|q| one(&readings, outlook, q, (from, to)))
                        .collect::<Vec<Scored>>()
                })
            })
            .collect();
        // A panic in a part is a defect and goes on as one.
        running
            .into_iter()
            .flat_map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

fn one(
    readings: &Readings<'_>,
    outlook: &dyn Outlook,
    question: &Question,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Option<Scored> {
    let asked = question.filed_at();
    let bound = threshold(readings, question, asked)?;
    let Answer { outcome, known_at, value, .. } = answer(readings, question, bound, to)?;
    let until = question.rule.end().min(known_at);
    let said = quarters(from.max(asked), to.min(until))
        .filter_map(|at| Some(Said { at, chance: chance(readings, outlook, question, bound, at)? }))
        .collect();
    Some(Scored {
        id: question.id.clone(),
        group: question.template.clone().unwrap_or_else(|| question.about.clone()),
        threshold: bound,
        end: question.rule.end(),
        known_at,
        outcome,
        value,
        said,
    })
}
