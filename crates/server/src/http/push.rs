//! `POST /v1/events`: records over HTTP, through the pipeline of every feed.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bellwether_ingest::{IngestError, Input, Options, Report, ingest};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

use super::{MOST_BODY, Web};
use crate::Refusal;
use crate::apart::{apart, finished};

/// Deepest nesting of JSON.
const DEEPEST: u32 = 64;
/// Name that evidence gives what was pushed.
const NAME: &str = "push";

/// Answers with the report of an ingest: 200 with quarantined records too, as they are held and named there.
pub(super) async fn push(State(web): State<Web>, headers: HeaderMap, body: Body) -> Response {
    match taken(web, &headers, body).await {
        Ok(report) => Json(report).into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn taken(web: Web, headers: &HeaderMap, body: Body) -> Result<Report, Refusal> {
    let feed = feed_for(headers)?;
    let configured = web.reads.configured();
    let spec = configured.feeds.get(feed).filter(|spec| spec.enabled).cloned().ok_or_else(|| {
        Refusal::new(StatusCode::NOT_FOUND, format!("the configuration has no enabled feed {feed}"))
            .remedy(format!("put feeds/{feed}.toml into the configuration"))
    })?;
    let _room = timeout(web.patience, web.pushes.acquire()).await.map_err(|_| {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too much is being taken in at this moment")
            .remedy("send it again in a while")
    })?;
    let bytes = read(&web, body).await?;
    if feed == "facts-ndjson" {
        // A line that is no JSON is a record held; one that is too deep is an attack.
        bytes.split(|b| *b == b'\n').try_for_each(shallow)?;
    } else {
        shallow(&bytes)?;
        serde_json::from_slice::<serde::de::IgnoredAny>(&bytes)
            .map_err(|e| Refusal::new(StatusCode::BAD_REQUEST, format!("not one JSON document: {e}")))?;
    }
    let (log, types, mut quarantine) = (web.log, configured.types.clone(), web.quarantine);
    let options = Options::at(web.reads.now());
    let mut work = apart("push", move || {
        ingest(&*log, &types, &spec, Input::bytes(NAME, bytes), &mut quarantine, &options)
    });
    match finished(&mut work).await {
        Ok(Ok(report)) => {
            web.reads.health.pushed(&report, web.reads.now());
            let Report { feed, records, facts, .. } = &report;
            tracing::info!(
                feed,
                read = records.read,
                quarantined = records.quarantined,
                stored = facts.stored,
                duplicate = facts.duplicate,
                "pushed"
            );
            Ok(report)
        }
        Ok(Err(error)) => Err(refusal(&error)),
        Err(lost) => {
            tracing::error!(feed, problem = %lost, "a push failed");
            Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, lost.to_string()))
        }
    }
}

/// The feed that reads a body of that type. Types that a page of another site could send are not among them.
fn feed_for(headers: &HeaderMap) -> Result<&'static str, Refusal> {
    let text = |name| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let unsupported = |detail: String| {
        Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail).remedy(
            "send application/cloudevents+json, application/cloudevents-batch+json or application/x-ndjson",
        )
    };
    let coding = text(header::CONTENT_ENCODING);
    if !coding.is_empty() && !coding.eq_ignore_ascii_case("identity") {
        return Err(unsupported("a compressed body is not read".to_owned()));
    }
    let (kind, parameters) =
        text(header::CONTENT_TYPE).split_once(';').unwrap_or((text(header::CONTENT_TYPE), ""));
    let charset = parameters.split(';').find_map(|p| p.trim().strip_prefix("charset="));
    if charset.is_some_and(|charset| !charset.trim_matches('"').eq_ignore_ascii_case("utf-8")) {
        return Err(unsupported("JSON is UTF-8".to_owned()));
    }
    match kind.trim().to_ascii_lowercase().as_str() {
        "application/cloudevents+json" | "application/cloudevents-batch+json" => Ok("cloudevents"),
        "application/x-ndjson" => Ok("facts-ndjson"),
        "" => Err(unsupported("the request does not say what its body is".to_owned())),
        _ => Err(unsupported("a body of this type is not read".to_owned())),
    }
}

async fn read(web: &Web, body: Body) -> Result<Vec<u8>, Refusal> {
    let whole = timeout(web.patience, Limited::new(body, MOST_BODY).collect()).await.map_err(|_| {
        Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")
            .remedy("send less at once")
    })?;
    match whole {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => {
            let detail = format!("a body holds at most {} MiB", MOST_BODY >> 20);
            Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, detail).remedy("send it in parts"))
        }
        Err(_) => Err(Refusal::new(StatusCode::BAD_REQUEST, "the body ended early").remedy("send it again")),
    }
}

/// Refuses JSON that is nested too deep; strings are passed over, nothing recurses.
fn shallow(bytes: &[u8]) -> Result<(), Refusal> {
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    for byte in bytes {
        match (quoted, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => quoted = !quoted,
            (false, b'{' | b'[') => {
                depth += 1;
                if depth > DEEPEST {
                    let detail = format!("JSON nested more than {DEEPEST} deep");
                    return Err(Refusal::new(StatusCode::BAD_REQUEST, detail));
                }
            }
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

fn refusal(error: &IngestError) -> Refusal {
    use bellwether_store::Error;
    let status = match error {
        IngestError::Source(_) | IngestError::Refused(_) => StatusCode::BAD_REQUEST,
        IngestError::Store(Error::DiskFull { .. }) => StatusCode::INSUFFICIENT_STORAGE,
        IngestError::Store(Error::Closing | Error::Poisoned { .. }) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Refusal::new(status, error.to_string()).problems(error.problems())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r26_depth_is_counted_outside_strings() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(shallow(deep(64).as_bytes()).is_ok());
        assert_eq!(shallow(deep(65).as_bytes()).unwrap_err().status(), 400);
        let quoted = format!(r#"{{"a\"": "{}", "b": "\\"}}"#, "[".repeat(1000));
        assert!(shallow(quoted.as_bytes()).is_ok());
        assert!(shallow(format!(r#"{{"a": "\\", "b": {}"#, "[".repeat(100)).as_bytes()).is_err());
    }
}
