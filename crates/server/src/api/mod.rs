//! Reads over HTTP: each address answers what the command of its name prints with `--format json`, to the byte.
//!
//! | address | is |
//! |---|---|
//! | `GET /v1/assessment?as_of=&known_by=&clock=&known_basis=&framework=&hindsight=` | `replay` |
//! | `GET /v1/board`, `/v1/gaps`, `/v1/shifts`, the same names | the commands of these names |
//! | `GET /v1/scenarios?horizon=&paths=&sensitivity=true`, the same names | `scenarios`; at most 20 000 `paths` |
//! | `GET /v1/series/{id}?vintages=true`, `/v1/why/{id}`, the same names | `series`, `why` |
//! | `GET /v1/forecasts?as_of=&all=true&framework=` | `forecast list` |
//! | `GET /v1/forecasts/score?from=&to=&backcasts=true&scenarios=true&framework=` | `forecast score` |
//! | `GET /v1/diff?from=&to=&as_of=&clock=&known_basis=&framework=` | `diff` |
//! | `GET /v1/events?type=&from=&until=&cloudevents=true` | `events`, NDJSON as a stream |
//! | `GET /v1/quarantine`, `/v1/quarantine/{id}`, `/v1/store/stats` | `quarantine list`, `show`, `store stats` |
//! | `GET /v1/alerts?state=&severity=`, `POST /v1/alerts/{id}/ack` | `alerts`, `ack` |
//! | `GET /v1/silences?all=true`, `POST /v1/silences`, `DELETE /v1/silences/{id}?who=` | `silence list`, `add`, `end` |
//! | `GET /v1/notifications?state=`, `POST /v1/notifications/{id}/retry`, `GET /v1/receivers` | `notify list`, `dead`, `retry`; how receivers fare |
//! | `GET /v1/framework` | the framework that reads, parsed |
//!
//! `framework` is an id of the configuration or a hash that an assessment shows; `types` (a hash) demands that just
//! these fact types are in force. All of a view but `framework` can be POSTed too, with a framework as the body: a
//! what-if, of which nothing is stored. An unknown name in the query is an error that names it. Errors are RFC 9457
//! problem documents with `remedy` and `exit_code`, the exit code of the command line for the same fault.
//!
//! A read sees everything acknowledged before it: live projectors follow the log, and one that lags behind the head
//! catches up before it answers. Only the addresses of alerts write, what an operator says of them. None is told from the
//! other by anything but its path, so that a description (OpenAPI) can be made of this table.

mod alerts;
mod error;
mod events;
mod forecasts;
mod guest;
mod query;
mod shelf;
mod views;
mod why;

use std::sync::{Arc, Weak};

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::Reads;
use error::Refused;

pub use crate::live::project;
pub use events::CloudEvent;
pub use guest::Guest;
pub use shelf::no_entry;
pub use views::{compare, no_indicator};
pub use why::{Explained, JoinedFact, explain};

/// Questions that may wait for their turn.
const QUEUE: usize = 64;
/// Streams of the log at a time.
const STREAMS: usize = 8;

/// What all questions work with.
struct Api {
    reads: Arc<Reads>,
    /// Questions answered at a time, and those that wait besides.
    turns: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    streams: Arc<Semaphore>,
}

/// Routes that answer questions. Roles and time limits are put around them by the caller; all of them only read.
///
/// Within a runtime, a task follows the log for as long as the routes exist, so that a question finds its answer
/// nearly ready.
pub fn router(reads: Arc<Reads>) -> Router {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let turns = cores.max(2);
    let api = Arc::new(Api {
        reads,
        turns: Arc::new(Semaphore::new(turns)),
        queue: Arc::new(Semaphore::new(turns + QUEUE)),
        streams: Arc::new(Semaphore::new(STREAMS)),
    });
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(follow(Arc::downgrade(&api), api.reads.log().subscribe()));
    }
    Router::new()
        .route("/v1/assessment", get(views::assessment).post(views::assessment))
        .route("/v1/board", get(views::board).post(views::board))
        .route("/v1/gaps", get(views::gaps).post(views::gaps))
        .route("/v1/shifts", get(views::shifts).post(views::shifts))
        .route("/v1/scenarios", get(views::scenarios).post(views::scenarios))
        .route("/v1/series/{id}", get(views::series).post(views::series))
        .route("/v1/why/{id}", get(views::why).post(views::why))
        .route("/v1/diff", get(views::diff).post(views::diff))
        .route("/v1/alerts", get(alerts::alerts))
        .route("/v1/alerts/{id}/ack", post(alerts::ack))
        .route("/v1/silences", get(alerts::silences).post(alerts::silence))
        .route("/v1/silences/{id}", delete(alerts::end))
        .route("/v1/notifications", get(alerts::notifications))
        .route("/v1/notifications/{id}/retry", post(alerts::retry))
        .route("/v1/receivers", get(alerts::receivers))
        .route("/v1/forecasts", get(forecasts::list).post(forecasts::list))
        .route("/v1/forecasts/score", get(forecasts::score).post(forecasts::score))
        .route("/v1/framework", get(views::framework))
        .route("/v1/events", get(events::events))
        .route("/v1/quarantine", get(shelf::list))
        .route("/v1/quarantine/{id}", get(shelf::show))
        .route("/v1/store/stats", get(shelf::stats))
        .with_state(api)
}

/// Keeps every reading up to date; ends with the log or with the routes.
async fn follow(api: Weak<Api>, mut head: tokio::sync::watch::Receiver<u64>) {
    loop {
        head.borrow_and_update();
        let Some(api) = api.upgrade() else { return };
        let caught_up = tokio::task::spawn_blocking(move || {
            let configured = api.reads.configured();
            if let Some(first) = configured.frameworks.first() {
                api.reads.lives.of(&configured, first, &configured.types);
            }
            for live in api.reads.lives.all() {
                if let Err(error) = live.follow(&**api.reads.log()) {
                    tracing::warn!(%error, "the live state does not follow the log");
                }
            }
        });
        if caught_up.await.is_err() {
            tracing::error!("folding the log panicked; the next question folds it anew");
        }
        if head.changed().await.is_err() {
            return;
        }
    }
}

/// Runs heavy work on a blocking thread, in its turn.
async fn heavy<T: Send + 'static>(
    api: Arc<Api>,
    work: impl FnOnce(&Api) -> Result<T, Refused> + Send + 'static,
) -> Result<T, Refused> {
    let queued = Arc::clone(&api.queue).try_acquire_owned().map_err(|_| Refused::busy())?;
    let turn = Arc::clone(&api.turns).acquire_owned().await;
    let done = tokio::task::spawn_blocking(move || {
        // Held until the work is done, even when whoever asked has gone.
        let _turn = (queued, turn);
        work(&api)
    });
    done.await
        .unwrap_or_else(|_| Err(Refused::internal("the answer could not be made: a fault of this program")))
}

/// One JSON document on one line, as the command line prints it.
fn json(value: &impl Serialize) -> Result<Response, Refused> {
    let mut bytes = serde_json::to_vec(value)?;
    bytes.push(b'\n');
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], bytes).into_response())
}
