//! Forecast questions: the list, and how good the forecasts were.

use axum::body::Body;
use axum::extract::State;
use axum::http::Uri;
use bellwether_projection::forecast::{Beside, Ledger, Simulated};
use chrono::{DateTime, Utc};

use super::error::Refused;
use super::views::{Answer, Asked, Shared, answer};

impl Asked<'_> {
    /// The ledger with everything acknowledged before the question.
    fn ledger(&self) -> Result<Ledger, Refused> {
        Ok(self.api.reads.ledger()?)
    }
}

/// A question has one date: a list as of a day is what could be known by then, on the published clock.
fn one_date(asked: &Asked<'_>) -> Result<(), Refused> {
    match ["known_by", "clock", "known_basis"].into_iter().find(|name| asked.params.get(name).is_some()) {
        Some(name) => Err(Refused::usage(format!("`{name}` has no meaning here"), "leave it out")),
        None => Ok(()),
    }
}

pub(super) async fn list(State(api): Shared, uri: Uri, body: Body) -> Answer {
    answer(api, &uri, &["all"], body, |asked| {
        one_date(asked)?;
        let Asked { api, projector, params, .. } = *asked;
        let (at, all) = (asked.view()?.as_of, params.switch("all")?);
        let questions = &api.reads.configured().questions;
        Ok(asked.ledger()?.list(questions, projector, &Simulated::default(), at, all))
    })
    .await
}

pub(super) async fn score(State(api): Shared, uri: Uri, body: Body) -> Answer {
    answer(api, &uri, &["from", "to", "backcasts", "scenarios"], body, |asked| {
        one_date(asked)?;
        let Asked { api, projector, params, now, .. } = *asked;
        let from = params.moment("from", now)?.unwrap_or(DateTime::<Utc>::MIN_UTC);
        let range = (from, params.moment("to", now)?.unwrap_or(now));
        let questions = &api.reads.configured().questions;
        let beside =
            Beside { backcasts: params.switch("backcasts")?, scenarios: params.switch("scenarios")? };
        Ok(asked.ledger()?.score(questions, projector, &Simulated::default(), range, beside))
    })
    .await
}
