//! Reads over HTTP.

use std::sync::Arc;

use axum::Router;

use crate::Reads;

/// Routes that answer questions. Roles, body limits and time limits are put around them by the caller.
pub fn router(reads: Arc<Reads>) -> Router {
    Router::new().with_state(reads)
}
