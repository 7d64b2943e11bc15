//! Alerts over HTTP: what `alerts`, `ack`, `silence` and `notify` show and do.
//!
//! What is written here is written by the daemon, and answered once the alerts have taken it in.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bellwether_alert::outbox::Listed;
use bellwether_alert::{
    Acknowledging, AlertQuery, Desk, Quieting, Severity, Standing, no_alert, no_alert_ever, no_dead_letter,
    no_silence,
};
use bellwether_model::{Problem, System};
use bellwether_store::Append;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;

use super::error::Refused;
use super::query::Params;
use super::views::whole;
use super::{Api, heavy, json};

type Answer = Result<Response, Refused>;
type Shared = State<Arc<Api>>;

/// `GET /v1/alerts?state=&severity=`.
pub(super) async fn alerts(State(api): Shared, uri: Uri) -> Answer {
    let params = Params::read(&uri, &[&["state", "severity"]])?;
    let state = params.word("state", &[("pending", Standing::Pending), ("firing", Standing::Firing)])?;
    let severities =
        [("info", Severity::Info), ("warning", Severity::Warning), ("critical", Severity::Critical)];
    let severity = params.word("severity", &severities)?;
    let query = AlertQuery { state, severity };
    heavy(api, move |api| json(&looked(api, |desk, now| desk.alerts(query, now))?)).await
}

/// `POST /v1/alerts/{id}/ack` with [`Acknowledging`]; answers the alert.
pub(super) async fn ack(State(api): Shared, Path(id): Path<String>, uri: Uri, body: Body) -> Answer {
    Params::read(&uri, &[])?;
    let said: Acknowledging = read(body).await?;
    heavy(api, move |api| {
        let alert = asked(api, |desk, now| desk.alert(&id, now))?.ok_or_else(|| nothing(no_alert(&id)))?;
        append(api, said.record(&alert).map_err(refused)?)?;
        let alert = asked(api, |desk, now| desk.alert(&id, now))?.ok_or_else(|| nothing(no_alert(&id)))?;
        json(&alert)
    })
    .await
}

/// `GET /v1/why/alert.…`.
pub(super) async fn why(api: Arc<Api>, id: String, uri: &Uri) -> Answer {
    Params::read(uri, &[])?;
    heavy(api, move |api| {
        let log = Arc::clone(api.reads.log());
        let configured = api.reads.configured();
        let Some(framework) = configured.frameworks.first() else { return Err(nothing(no_alert_ever(&id))) };
        let live = api.reads.lives.of(&configured, framework, &configured.types);
        let why =
            looked(api, |desk, now| live.ask(&*log, |projector| desk.why(&*log, projector, &id, now)))???;
        json(&why.ok_or_else(|| nothing(no_alert_ever(&id)))?)
    })
    .await
}

/// `GET /v1/silences?all=`.
pub(super) async fn silences(State(api): Shared, uri: Uri) -> Answer {
    let all = Params::read(&uri, &[&["all"]])?.switch("all")?;
    heavy(api, move |api| json(&looked(api, |desk, now| desk.quiet(now, all))?)).await
}

/// `POST /v1/silences` with [`Quieting`]; answers the silence, with 201.
pub(super) async fn silence(State(api): Shared, uri: Uri, body: Body) -> Answer {
    Params::read(&uri, &[])?;
    let wanted: Quieting = read(body).await?;
    heavy(api, move |api| {
        let (record, state) = wanted.record(api.reads.now()).map_err(refused)?;
        append(api, record)?;
        asked(api, |_, _| ())?;
        Ok((StatusCode::CREATED, json(&state)?).into_response())
    })
    .await
}

/// `DELETE /v1/silences/{id}?who=`; answers the silence as ended.
pub(super) async fn end(State(api): Shared, Path(id): Path<String>, uri: Uri) -> Answer {
    let params = Params::read(&uri, &[&["who"]])?;
    let who = params.get("who").unwrap_or_default().to_owned();
    heavy(api, move |api| {
        let all = asked(api, |desk, now| desk.quiet(now, true))?;
        let found = all.into_iter().find(|quiet| quiet.silence.id == id);
        let found = found.ok_or_else(|| nothing(no_silence(&id)))?;
        let (record, state) = found.ended(&who, api.reads.now()).map_err(refused)?;
        append(api, record)?;
        asked(api, |_, _| ())?;
        json(&state)
    })
    .await
}

/// `GET /v1/notifications?state=waiting|dead`.
pub(super) async fn notifications(State(api): Shared, uri: Uri) -> Answer {
    let params = Params::read(&uri, &[&["state"]])?;
    let dead = params.word("state", &[("waiting", Some(false)), ("dead", Some(true))])?.flatten();
    heavy(api, move |api| {
        looked(api, |_, _| ())?;
        let all = api.reads.alerts.outbox(|outbox| {
            let mut all: Vec<Listed> = Vec::new();
            if dead != Some(true) {
                all.extend(outbox.list_waiting());
            }
            if dead != Some(false) {
                all.extend(outbox.list_dead());
            }
            all
        })?;
        json(&all)
    })
    .await
}

/// `POST /v1/notifications/{id}/retry`: a dead letter is put back into the queue.
pub(super) async fn retry(State(api): Shared, Path(id): Path<String>, uri: Uri) -> Answer {
    Params::read(&uri, &[])?;
    heavy(api, move |api| {
        let (letter, record) = api.reads.alerts.outbox(|outbox| {
            let letter = outbox.list_dead().into_iter().find(|letter| letter.id.to_string() == id);
            let letter = letter.ok_or_else(|| nothing(no_dead_letter(&id)))?;
            let record = outbox.retry(letter.id).map_err(refused)?;
            Ok::<_, Refused>((letter, record))
        })??;
        append(api, record)?;
        json(&letter)
    })
    .await
}

/// `GET /v1/receivers`: how they fare.
pub(super) async fn receivers(State(api): Shared, uri: Uri) -> Answer {
    Params::read(&uri, &[])?;
    json(&*api.reads.alerts.health.borrow())
}

/// Asks the desk, level with the log.
fn asked<T>(api: &Api, question: impl FnOnce(&Desk, DateTime<Utc>) -> T) -> Result<T, Refused> {
    let (configured, now) = (api.reads.configured(), api.reads.now());
    Ok(api.reads.alerts.ask(&configured, now, |desk| question(desk, now))?)
}

/// The same for somebody who only looks.
fn looked<T>(api: &Api, question: impl FnOnce(&Desk, DateTime<Utc>) -> T) -> Result<T, Refused> {
    let (configured, now) = (api.reads.configured(), api.reads.now());
    Ok(api.reads.alerts.look(&configured, now, |desk| question(desk, now))?)
}

fn append(api: &Api, record: System) -> Result<(), Refused> {
    api.reads.log().append(Append::systems(vec![record]))?;
    Ok(())
}

async fn read<T: DeserializeOwned>(body: Body) -> Result<T, Refused> {
    let bytes = whole(body).await?;
    serde_json::from_slice(&bytes).map_err(|e| {
        Refused::usage(format!("not the JSON that is taken here: {e}"), "see the table of addresses")
    })
}

/// Nothing has that id.
fn nothing(problem: Problem) -> Refused {
    Refused::nothing(problem.message, problem.remedy)
}

/// A fault of what was asked for.
fn refused(problem: Problem) -> Refused {
    let Problem { message, remedy, field, .. } = problem;
    Refused::usage(if field.is_empty() { message } else { format!("{field}: {message}") }, remedy)
}
