//! Questions about a view: each answers what the command of its name prints as JSON.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use bellwether_model::{Problem, View};
use bellwether_projection::{Diff, PATHS, Projector, USUAL_PATHS};
use bellwether_store::EventLog;
use chrono::{DateTime, SecondsFormat, Utc};
use http_body_util::LengthLimitError;
use serde::Serialize;

use super::error::Refused;
use super::guest::Guest;
use super::query::{Params, VIEW};
use super::why::explain;
use super::{Api, heavy, json};
use crate::live::Live;
use crate::near;

/// Largest body with a framework, bytes; the bundled one has 120 thousand.
const BODY_LIMIT: usize = 1 << 20;
/// How long it may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) type Answer = Result<Response, Refused>;
pub(super) type Shared = State<Arc<Api>>;

/// What a question about a view works with.
pub(super) struct Asked<'a> {
    pub(super) api: &'a Api,
    pub(super) projector: &'a Projector,
    pub(super) log: &'a dyn EventLog,
    pub(super) params: &'a Params,
    pub(super) now: DateTime<Utc>,
}

impl Asked<'_> {
    pub(super) fn view(&self) -> Result<View, Refused> {
        self.params.view(self.now)
    }
}

pub(super) async fn assessment(State(api): Shared, uri: Uri, body: Body) -> Answer {
    answer(api, &uri, &["hindsight"], body, |asked| {
        let (view, hindsight) = (asked.view()?, asked.params.switch("hindsight")?);
        Ok(if hindsight {
            asked.projector.assess_with_hindsight(&view)
        } else {
            asked.projector.assess(&view)
        })
    })
    .await
}

pub(super) async fn board(State(api): Shared, uri: Uri, body: Body) -> Answer {
    answer(api, &uri, &[], body, |asked| Ok(asked.projector.board(&asked.view()?))).await
}

pub(super) async fn gaps(State(api): Shared, uri: Uri, body: Body) -> Answer {
    answer(api, &uri, &[], body, |asked| Ok(asked.projector.gaps(&asked.view()?))).await
}

pub(super) async fn shifts(State(api): Shared, uri: Uri, body: Body) -> Answer {
    answer(api, &uri, &[], body, |asked| Ok(asked.projector.assess(&asked.view()?).shifts)).await
}

/// Simulated paths that a question over HTTP may ask for: a few questions at a time must leave the daemon its memory.
const MOST_PATHS: usize = 20_000;

pub(super) async fn scenarios(State(api): Shared, uri: Uri, body: Body) -> Answer {
    answer(api, &uri, &["horizon", "paths", "sensitivity"], body, |asked| {
        let view = asked.view()?;
        let year = asked.params.within("horizon", (1900, 2200))?.and_then(|y| i32::try_from(y).ok());
        let bound = |paths: usize| i64::try_from(paths).unwrap_or(i64::MAX);
        let paths = asked.params.within("paths", (bound(*PATHS.start()), bound(MOST_PATHS)))?;
        let paths = paths.and_then(|n| usize::try_from(n).ok()).unwrap_or(USUAL_PATHS);
        let horizon = asked
            .projector
            .horizon(&view, year, paths)
            .map_err(|Problem { message, remedy, .. }| Refused::usage(message, remedy))?;
        Ok(asked.projector.scenarios(&view, horizon, paths, asked.params.switch("sensitivity")?))
    })
    .await
}

pub(super) async fn series(State(api): Shared, Path(id): Path<String>, uri: Uri, body: Body) -> Answer {
    answer(api, &uri, &["vintages"], body, move |asked| {
        let vintages = asked.params.switch("vintages")?;
        asked.projector.series(&id, &asked.view()?, vintages).ok_or_else(|| {
            let known = asked.projector.framework().all_measures().map(|m| m.id.as_str());
            let Problem { message, remedy, .. } = no_indicator(&id, known);
            Refused::nothing(message, remedy)
        })
    })
    .await
}

/// What is said of an unknown indicator.
pub fn no_indicator<'a>(id: &str, known: impl Iterator<Item = &'a str>) -> Problem {
    Problem::new(format!("no indicator {id}"), near::remedy(id, known, "`bellwether board` lists them"))
}

pub(super) async fn why(State(api): Shared, Path(id): Path<String>, uri: Uri, body: Body) -> Answer {
    if bellwether_alert::is_alert(&id) {
        return super::alerts::why(api, id, &uri).await;
    }
    answer(api, &uri, &[], body, move |asked| {
        explain(asked.projector, (asked.log, &asked.api.reads.configured().questions), &id, &asked.view()?)?
            .map_err(|Problem { message, remedy, .. }| Refused::nothing(message, remedy))
    })
    .await
}

pub(super) async fn diff(State(api): Shared, uri: Uri, body: Body) -> Answer {
    answer(api, &uri, &["from", "to"], body, |asked| {
        let Asked { params, now, .. } = *asked;
        if params.get("known_by").is_some() {
            return Err(Refused::usage(
                "`known_by` has no meaning here",
                "`from` and `to` bound what is known; add `as_of` to compare two states of knowledge of one day",
            ));
        }
        let (from, to) = (params.needed("from", now)?, params.needed("to", now)?);
        if from > to {
            return Err(Refused::usage(
                "`from` comes after `to`",
                "`from` is the earlier date, `to` the later one: exchange them",
            ));
        }
        let as_of = params.moment("as_of", now)?;
        let view = |date| params.between(as_of.unwrap_or(date), date);
        Ok(compare(asked.projector, (from, &view(from)?), (to, &view(to)?)))
    })
    .await
}

/// Compares two views, each under the date that it was asked by: of one day known by two dates, the dates that differ
/// are those of knowledge.
pub fn compare(projector: &Projector, from: (DateTime<Utc>, &View), to: (DateTime<Utc>, &View)) -> Diff {
    let name = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    let Diff { changed, .. } = projector.diff(from.1, to.1);
    Diff { from: name(from.0), to: name(to.0), changed }
}

/// The framework that reads, parsed: a client draws tables with its titles.
pub(super) async fn framework(State(api): Shared, uri: Uri) -> Answer {
    answer(api, &uri, &[], Body::empty(), |asked| Ok(asked.projector.framework().clone())).await
}

/// Answers on a blocking thread, from a state that has everything acknowledged before the question.
pub(super) async fn answer<T: Serialize>(
    api: Arc<Api>,
    uri: &Uri,
    names: &[&str],
    body: Body,
    question: impl FnOnce(&Asked<'_>) -> Result<T, Refused> + Send + 'static,
) -> Answer {
    let params = Params::read(uri, &[&VIEW, names])?;
    let body = whole(body).await?;
    heavy(api, move |api| {
        let live = reading(api, &params, &body)?;
        let log = &**api.reads.log();
        let now = api.reads.now();
        let ask = |projector: &Projector| question(&Asked { api, projector, log, params: &params, now });
        json(&live.ask(log, ask)??)
    })
    .await
}

/// The body, which may be neither large nor slow.
pub(super) async fn whole(body: Body) -> Result<Bytes, Refused> {
    match tokio::time::timeout(PATIENCE, to_bytes(body, BODY_LIMIT)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(e)) if e.source().is_some_and(|why| why.is::<LengthLimitError>()) => {
            Err(Refused::too_large(BODY_LIMIT))
        }
        Ok(Err(_)) | Err(_) => Err(Refused::cut_off()),
    }
}

/// The reading asked for: of the framework in the body, else by id or hash, else the configuration's first.
fn reading(api: &Api, params: &Params, body: &[u8]) -> Result<Arc<Live>, Refused> {
    let configured = api.reads.configured();
    let (asked, types) = (params.get("framework"), params.get("types"));
    if let Some(guest) = Guest::read(body)? {
        if asked.is_some() || types.is_some() {
            return Err(Refused::usage(
                "a framework in the body and one in the query",
                "leave `framework` and `types` out of the query",
            ));
        }
        let (framework, types) = guest.parse(&configured)?;
        return Ok(api.reads.lives.of(&configured, &framework, &types));
    }
    let ready = |framework| api.reads.lives.of(&configured, framework, &configured.types);
    let ids = || configured.frameworks.iter().map(|f| f.id.as_str());
    let all = format!("the configuration has {}", ids().collect::<Vec<_>>().join(", "));
    let found = match asked {
        None => configured.frameworks.first().map(ready),
        Some(name) => configured
            .frameworks
            .iter()
            .find(|f| f.id == name)
            .map(ready)
            .or_else(|| by_hash(api, name, types)),
    };
    let found = found.filter(|live| types.is_none_or(|wanted| live.hashes.1 == wanted));
    found.ok_or_else(|| match asked {
        Some(name) if name.len() < 64 && !ids().any(|id| id == name) => {
            Refused::no_framework(format!("no framework {name}"), near::remedy(name, ids(), &all))
        }
        _ => Refused::no_framework(
            "no reading by that framework and these fact types",
            format!("POST the framework as the body, or leave `types` out; {all}"),
        ),
    })
}

fn by_hash(api: &Api, hash: &str, types: Option<&str>) -> Option<Arc<Live>> {
    // Those of the configuration answer to their hash from the first question on.
    let configured = api.reads.configured();
    for framework in &configured.frameworks {
        api.reads.lives.of(&configured, framework, &configured.types);
    }
    api.reads.lives.by_hash(hash, types)
}
