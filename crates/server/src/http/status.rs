//! Is it alive, is it ready, how are the feeds.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use bellwether_model::Problem;
use bellwether_store::EventLog;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Web;
use crate::FeedHealth;

/// How the daemon itself is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life {
    pub(crate) started: DateTime<Utc>,
    /// The feeds have their tasks.
    pub(crate) ready: bool,
    /// What ended the log's writer.
    pub(crate) failed: Option<String>,
    /// When a configuration last took effect.
    pub(crate) configured_at: DateTime<Utc>,
    /// Why the newest one did not.
    pub(crate) config_problems: Arc<Vec<Problem>>,
}

#[derive(Serialize)]
pub(super) struct Alive {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// 200 while the process can do its work; 503 once the log takes nothing more.
pub(super) async fn healthz(State(web): State<Web>) -> (StatusCode, Json<Alive>) {
    let problem = web.life.borrow().failed.clone();
    match problem {
        None => (StatusCode::OK, Json(Alive { status: "ok", problem: None })),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, Json(Alive { status: "failed", problem })),
    }
}

#[derive(Serialize)]
pub(super) struct Ready {
    ready: bool,
    head: u64,
    configuration: Loaded,
    feeds: Counts,
}

#[derive(Serialize)]
struct Loaded {
    loaded_at: DateTime<Utc>,
    /// Why the newest one did not take effect; the one before it is in force.
    problems: usize,
}

#[derive(Serialize, Default)]
struct Counts {
    ok: usize,
    degraded: usize,
    stale: usize,
    starting: usize,
    disabled: usize,
    passive: usize,
}

/// 200 once configuration, store and feeds are in place. A degraded feed does not make the daemon unready, nor does
/// a reload that failed: the answer says so.
pub(super) async fn readyz(State(web): State<Web>) -> (StatusCode, Json<Ready>) {
    let life = web.life.borrow().clone();
    let ready = life.ready && life.failed.is_none();
    let mut feeds = Counts::default();
    for health in web.reads.feeds() {
        *match super::word(health.state) {
            "ok" => &mut feeds.ok,
            "degraded" => &mut feeds.degraded,
            "stale" => &mut feeds.stale,
            "starting" => &mut feeds.starting,
            "disabled" => &mut feeds.disabled,
            _ => &mut feeds.passive,
        } += 1;
    }
    let configuration = Loaded { loaded_at: life.configured_at, problems: life.config_problems.len() };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready, head: web.log.head(), configuration, feeds }))
}

/// The health of every feed, by name.
pub(super) async fn feeds(State(web): State<Web>) -> Json<Vec<FeedHealth>> {
    Json(web.reads.feeds())
}
