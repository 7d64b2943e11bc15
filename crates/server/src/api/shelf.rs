//! What lies in the store folder beside the log: held records, and sizes.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use bellwether_ingest::{Entry, FileQuarantine};
use bellwether_model::Problem;

use super::error::Refused;
use super::query::Params;
use super::{Api, heavy, json};
use crate::near;

type Answer = Result<Response, Refused>;

pub(super) async fn list(State(api): State<Arc<Api>>, uri: Uri) -> Answer {
    Params::read(&uri, &[])?;
    heavy(api, |api| json(&entries(api)?.iter().map(Entry::summary).collect::<Vec<_>>())).await
}

pub(super) async fn show(State(api): State<Arc<Api>>, Path(id): Path<String>, uri: Uri) -> Answer {
    Params::read(&uri, &[])?;
    heavy(api, move |api| {
        let entries = entries(api)?;
        match entries.iter().find(|e| e.id == id) {
            Some(entry) => json(entry),
            None => {
                let Problem { message, remedy, .. } = no_entry(&id, &entries);
                Err(Refused::nothing(message, remedy))
            }
        }
    })
    .await
}

/// What is said of an unknown entry of the quarantine.
pub fn no_entry(id: &str, entries: &[Entry]) -> Problem {
    let known = entries.iter().map(|e| e.id.as_str());
    Problem::new(
        format!("no held record {id}"),
        near::remedy(id, known, "`bellwether quarantine list` shows the ids"),
    )
}

/// Held records; a store that never held one has no file for them.
fn entries(api: &Api) -> Result<Vec<Entry>, Refused> {
    let folder = api.reads.folder().map(|folder| folder.join("quarantine"));
    match folder.filter(|folder| folder.join("entries.ndjson").is_file()) {
        Some(folder) => Ok(FileQuarantine::open(&folder)?.list()?),
        None => Ok(Vec::new()),
    }
}

pub(super) async fn stats(State(api): State<Arc<Api>>, uri: Uri) -> Answer {
    Params::read(&uri, &[])?;
    heavy(api, |api| match api.reads.stats() {
        Some(stats) => json(&stats),
        None => Err(Refused::nothing("this daemon has no store folder", "it keeps its log in memory")),
    })
    .await
}
