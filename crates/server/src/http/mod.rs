//! HTTP: who is let in, what the daemon answers itself, and how connections are served.

mod guard;
mod metrics;
mod push;
mod serve;
mod status;

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Router, middleware};
use tokio::sync::{Semaphore, watch};

use crate::counted::Counted;
use crate::health::FeedState;
use crate::quarantine::Shared;
use crate::{Reads, Refusal, Tokens, api};

pub(crate) use serve::serve;
pub(crate) use status::Life;

/// Most bytes of a request body.
pub(crate) const MOST_BODY: usize = 8 << 20;
/// Pushes that are taken in at one time: what they hold in memory is bounded by this.
const PUSHES: usize = 8;

/// What the daemon's own routes work with.
#[derive(Clone)]
pub(crate) struct Web {
    pub(crate) reads: Arc<Reads>,
    pub(crate) log: Arc<Counted>,
    pub(crate) quarantine: Shared,
    pub(crate) life: watch::Receiver<Life>,
    pub(crate) patience: Duration,
    pushes: Arc<Semaphore>,
}

impl Web {
    pub(crate) fn new(
        reads: Arc<Reads>,
        log: Arc<Counted>,
        quarantine: Shared,
        life: watch::Receiver<Life>,
        patience: Duration,
    ) -> Self {
        Self { reads, log, quarantine, life, patience, pushes: Arc::new(Semaphore::new(PUSHES)) }
    }
}

/// Everything that is answered.
pub(crate) fn router(web: Web, tokens: Tokens) -> Router {
    let reads = Arc::clone(&web.reads);
    Router::new()
        .route("/healthz", get(status::healthz))
        .route("/readyz", get(status::readyz))
        .route("/metrics", get(metrics::metrics))
        .route("/v1/feeds", get(status::feeds))
        .route("/v1/events", post(push::push))
        .with_state(web)
        .merge(api::router(reads))
        .fallback(async || Refusal::new(StatusCode::NOT_FOUND, "nothing is here"))
        .method_not_allowed_fallback(async || {
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "this address does not take that method")
        })
        .layer(axum::extract::DefaultBodyLimit::max(MOST_BODY))
        .layer(middleware::from_fn_with_state(Arc::new(tokens), guard::guard))
}

/// The state's word in metrics and answers.
fn word(state: FeedState) -> &'static str {
    match state {
        FeedState::Starting => "starting",
        FeedState::Ok => "ok",
        FeedState::Degraded => "degraded",
        FeedState::Stale => "stale",
        FeedState::Disabled => "disabled",
        FeedState::Passive => "passive",
    }
}
