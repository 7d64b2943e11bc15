//! The log as NDJSON, streamed: memory does not grow with it.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use bellwether_model::{Fact, Record};
use bellwether_store::EventLog;
use http_body_util::channel::{Channel, Sender};
use serde::Serialize;
use tokio::sync::oneshot;

use super::Api;
use super::error::Refused;
use super::query::Params;

/// Bytes that go out together, and such parts that may wait for a slow reader.
const CHUNK: usize = 64 << 10;
const WAITING: usize = 4;
/// A reader that takes nothing for so long has gone.
const PATIENCE: Duration = Duration::from_secs(60);

/// CloudEvents 1.0, structured: the native record is the data.
#[derive(Serialize)]
pub struct CloudEvent<'r> {
    specversion: &'static str,
    id: String,
    source: String,
    #[serde(rename = "type")]
    kind: &'r str,
    subject: &'r str,
    time: chrono::DateTime<chrono::Utc>,
    datacontenttype: &'static str,
    sequence: String,
    data: &'r Fact,
}

impl<'r> CloudEvent<'r> {
    /// The envelope of a fact of the log; `None` for a system record.
    pub fn of(record: &'r Record) -> Option<Self> {
        let fact = record.fact()?;
        Some(Self {
            specversion: "1.0",
            id: fact.id.to_string(),
            source: format!("/feeds/{}", fact.source),
            kind: &fact.kind,
            subject: &fact.key,
            time: record.recorded_at,
            datacontenttype: "application/json",
            sequence: record.seq.to_string(),
            data: fact,
        })
    }
}

/// Which records are asked for.
struct Wanted {
    kind: Option<String>,
    from: u64,
    until: u64,
    cloudevents: bool,
}

pub(super) async fn events(State(api): State<Arc<Api>>, uri: Uri) -> Result<Response, Refused> {
    let params = Params::read(&uri, &[&["type", "from", "until", "cloudevents"]])?;
    let wanted = Wanted {
        kind: params.get("type").map(str::to_owned),
        from: params.seq("from")?.unwrap_or(1),
        until: params.seq("until")?.unwrap_or(u64::MAX),
        cloudevents: params.switch("cloudevents")?,
    };
    let turn = Arc::clone(&api.streams).try_acquire_owned().map_err(|_| Refused::busy())?;
    let (sender, body) = Channel::<Bytes, std::io::Error>::new(WAITING);
    let (started, first) = oneshot::channel();
    let log = Arc::clone(api.reads.log());
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let mut stream = Stream {
            runtime,
            sender: Some(sender),
            started: Some(started),
            buffer: Vec::with_capacity(CHUNK),
        };
        let outcome = stream.write(&*log, &wanted);
        stream.end(outcome);
    });
    match first.await {
        Ok(Ok(())) => {}
        Ok(Err(refused)) => return Err(refused),
        Err(_) => return Err(Refused::internal("reading the log stopped")),
    }
    let mut response = Body::new(body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

/// The writing end, on a blocking thread.
struct Stream {
    runtime: tokio::runtime::Handle,
    /// Gone once the reader is.
    sender: Option<Sender<Bytes, std::io::Error>>,
    /// Told once the first part is there: a fault before it is an answer of its own.
    started: Option<oneshot::Sender<Result<(), Refused>>>,
    buffer: Vec<u8>,
}

impl Stream {
    fn write(&mut self, log: &dyn EventLog, wanted: &Wanted) -> Result<(), Refused> {
        let mut fault = None;
        log.read(wanted.from, &mut |record| {
            if record.seq > wanted.until {
                return ControlFlow::Break(());
            }
            if wanted.kind.as_ref().is_some_and(|kind| record.kind() != kind) {
                return ControlFlow::Continue(());
            }
            if let Err(e) = self.line(record, wanted.cloudevents) {
                fault = Some(e);
                return ControlFlow::Break(());
            }
            if self.buffer.len() >= CHUNK { self.send() } else { ControlFlow::Continue(()) }
        })?;
        fault.map_or(Ok(()), |e| Err(e.into()))
    }

    fn line(&mut self, record: &Record, cloudevents: bool) -> Result<(), serde_json::Error> {
        if cloudevents {
            let Some(event) = CloudEvent::of(record) else { return Ok(()) };
            serde_json::to_writer(&mut self.buffer, &event)?;
        } else {
            serde_json::to_writer(&mut self.buffer, record)?;
        }
        self.buffer.push(b'\n');
        Ok(())
    }

    /// Hands the part on; breaks when nobody takes it.
    fn send(&mut self) -> ControlFlow<()> {
        if let Some(started) = self.started.take() {
            // A reader that went before the answer is noticed at the next line.
            let _ = started.send(Ok(()));
        }
        let part = Bytes::from(std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK)));
        let Some(sender) = &mut self.sender else { return ControlFlow::Break(()) };
        match self.runtime.block_on(tokio::time::timeout(PATIENCE, sender.send_data(part))) {
            Ok(Ok(())) => ControlFlow::Continue(()),
            Ok(Err(_)) | Err(_) => {
                self.sender = None;
                ControlFlow::Break(())
            }
        }
    }

    /// A fault after the first part can only cut the answer off, so that it is not taken for whole.
    fn end(mut self, outcome: Result<(), Refused>) {
        match (outcome, self.started.take()) {
            (Err(refused), Some(started)) => {
                let _ = started.send(Err(refused));
            }
            (Err(_), None) => {
                let _ = self.send();
                if let Some(sender) = self.sender.take() {
                    sender.abort(std::io::Error::other("the log cannot be read on"));
                }
            }
            (Ok(()), started) => {
                self.started = started;
                let _ = self.send();
            }
        }
    }
}
