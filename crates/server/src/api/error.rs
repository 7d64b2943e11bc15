//! What a question is refused with.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bellwether_ingest::IngestError;
use bellwether_model::Problems;
use bellwether_store::Error;
use serde::Serialize;

use crate::Refusal;

/// A problem document with the exit code that the command line gives for the same fault, so that a command that
/// asks a daemon ends like one that reads the store itself.
#[derive(Debug, Serialize)]
pub(super) struct Refused {
    #[serde(flatten)]
    refusal: Refusal,
    exit_code: u8,
    #[serde(skip)]
    again_in: Option<&'static str>,
}

impl Refused {
    fn new(refusal: Refusal, exit_code: u8) -> Self {
        Self { refusal, exit_code, again_in: None }
    }

    /// The question cannot be understood.
    pub(super) fn usage(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Refusal::new(StatusCode::BAD_REQUEST, detail).remedy(remedy), 2)
    }

    /// The question asks by a framework that is not here.
    pub(super) fn no_framework(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Refusal::new(StatusCode::NOT_FOUND, detail).remedy(remedy), 2)
    }

    /// Nothing has that id.
    pub(super) fn nothing(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Refusal::new(StatusCode::NOT_FOUND, detail).remedy(remedy), 4)
    }

    /// More is asked at once than can be answered.
    pub(super) fn busy() -> Self {
        let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "too many questions wait for an answer");
        Self { again_in: Some("1"), ..Self::new(refusal.remedy("ask again in a moment"), 7) }
    }

    /// A fault of this program.
    pub(super) fn internal(detail: impl Into<String>) -> Self {
        let refusal = Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, detail);
        Self::new(refusal.remedy("report it; the log is untouched"), 1)
    }

    /// The body is larger than a framework can be.
    pub(super) fn too_large(limit: usize) -> Self {
        let detail = format!("the body is larger than {limit} bytes");
        Self::new(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, detail).remedy("send one framework"), 2)
    }

    /// The body stopped before its end.
    pub(super) fn cut_off() -> Self {
        let refusal = Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive whole");
        Self::new(refusal.remedy("send it again"), 2)
    }

    /// The query is longer than anything that can be meant.
    pub(super) fn too_long(limit: usize) -> Self {
        let detail = format!("the query is longer than {limit} bytes");
        Self::new(Refusal::new(StatusCode::URI_TOO_LONG, detail).remedy("ask for less"), 2)
    }
}

/// A framework in a body has faults.
impl From<Problems> for Refused {
    fn from(problems: Problems) -> Self {
        let n = problems.0.len();
        let detail = format!("the framework has {n} fault{}", if n == 1 { "" } else { "s" });
        Self::new(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, detail).problems(&problems.0), 3)
    }
}

/// The text of a store's error says what to do.
impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        let status = match error {
            Error::DiskFull { .. } => StatusCode::INSUFFICIENT_STORAGE,
            Error::Closing | Error::Poisoned { .. } => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(Refusal::new(status, error.to_string()), error.exit_code())
    }
}

impl From<IngestError> for Refused {
    fn from(error: IngestError) -> Self {
        Self::new(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()), error.exit_code())
    }
}

impl From<serde_json::Error> for Refused {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(format!("the answer does not serialise: {error}"))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let kind = HeaderValue::from_static("application/problem+json");
        let mut response = (self.refusal.status(), [(header::CONTENT_TYPE, kind)], body).into_response();
        if let Some(seconds) = self.again_in {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        response
    }
}
