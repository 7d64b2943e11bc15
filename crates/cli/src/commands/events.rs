//! `events`.

use std::ops::ControlFlow;

use bellwether_model::{Body, Fact, Record, format_moment};
use bellwether_server::api::CloudEvent;
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::args::Format;
use crate::failure::Failure;
use crate::out::Out;

const EXAMPLES: &str = "\
Examples:
  bellwether events > log.ndjson     the whole log; `import` takes it back
  bellwether events --type trade.flow --from 100 --until 200
  bellwether events --type alert     what happened to alerts
  bellwether events --cloudevents    facts as CloudEvents 1.0
  bellwether events --format csv     facts for a spreadsheet

One JSON record a line in log order; --format json makes one array of them.
System records (checkpoints, alerts, deliveries) are part of the log;
--cloudevents and CSV leave them out.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct EventsArgs {
    /// Only facts of this type, or system records of this kind: alert, delivery, checkpoint, …
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// First sequence
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    from: u64,
    /// Last sequence
    #[arg(long, value_name = "SEQ")]
    until: Option<u64>,
    /// Facts as CloudEvents 1.0, structured
    #[arg(long)]
    cloudevents: bool,
}

pub(crate) fn run(app: &mut App, args: &EventsArgs) -> Result<(), Failure> {
    let remote = app.remote()?;
    let log = if remote.is_none() { Some(app.open_read()?) } else { None };
    let mut writer = Writer::new(&mut app.out, args.cloudevents)?;
    let mut written = 0_u64;
    let mut failure = None;
    let until = args.until.unwrap_or(u64::MAX);
    let mut visit = |record: &Record| {
        if record.seq > until {
            return ControlFlow::Break(());
        }
        if args.kind.as_ref().is_some_and(|kind| record.kind() != kind) {
            return ControlFlow::Continue(());
        }
        match writer.record(record) {
            Ok(n) => {
                written += n;
                ControlFlow::Continue(())
            }
            Err(e) => {
                failure = Some(e);
                ControlFlow::Break(())
            }
        }
    };
    match (&remote, &log) {
        (Some(remote), _) => remote.events(args.kind.as_deref(), args.from, until, &mut visit)?,
        (None, Some(log)) => log.read(args.from, &mut visit)?,
        (None, None) => {}
    }
    if let Some(failure) = failure {
        return Err(failure);
    }
    writer.finish()?;
    match &args.kind {
        Some(kind) if written == 0 => Err(Failure::nothing(
            format!("no record of type {kind} there"),
            "`bellwether check` and facts.toml name the types; widen --from and --until",
        )),
        _ => Ok(()),
    }
}

/// Writes records as they come: memory does not grow with the log.
struct Writer<'o> {
    out: &'o mut Out,
    cloudevents: bool,
    first: bool,
}

const COLUMNS: [&str; 16] = [
    "seq",
    "recorded_at",
    "op",
    "type",
    "source",
    "key",
    "valid_start",
    "valid_end",
    "published_at",
    "published_basis",
    "actors",
    "value",
    "unit",
    "grade",
    "uri",
    "note",
];

impl<'o> Writer<'o> {
    fn new(out: &'o mut Out, cloudevents: bool) -> Result<Self, Failure> {
        match out.format() {
            Format::Json => out.put("[")?,
            Format::Csv => out.csv_row(&COLUMNS.map(|c| Value::String(c.to_owned())))?,
            Format::Table | Format::Ndjson => {}
        }
        Ok(Self { out, cloudevents, first: true })
    }

    /// Number of documents written.
    fn record(&mut self, record: &Record) -> Result<u64, Failure> {
        if self.out.format() == Format::Csv {
            let Body::Fact(fact) = &record.body else { return Ok(0) };
            self.out.csv_row(&cells(record, fact))?;
        } else if self.cloudevents {
            let Some(event) = CloudEvent::of(record) else { return Ok(0) };
            self.document(&event)?;
        } else {
            self.document(record)?;
        }
        Ok(1)
    }

    fn document(&mut self, document: &impl Serialize) -> Result<(), Failure> {
        if self.out.format() == Format::Json && !std::mem::take(&mut self.first) {
            self.out.put(",")?;
        }
        self.out.line(document)
    }

    fn finish(self) -> Result<(), Failure> {
        if self.out.format() == Format::Json {
            self.out.put("]\n")?;
        }
        self.out.finish()
    }
}

fn cells(record: &Record, fact: &Fact) -> [Value; 16] {
    let text = |value: String| Value::String(value);
    let maybe = |value: Option<String>| value.map_or(Value::Null, Value::String);
    [
        record.seq.into(),
        json!(record.recorded_at),
        json!(fact.op),
        text(fact.kind.clone()),
        text(fact.source.clone()),
        text(fact.key.clone()),
        text(format_moment(fact.valid.start)),
        maybe(fact.valid.end.map(format_moment)),
        maybe(fact.published_at.map(|p| p.to_string())),
        json!(fact.published_basis),
        text(fact.actors.join(" ")),
        maybe(fact.value.map(|v| v.to_string())),
        maybe(fact.unit.clone()),
        text(fact.grade.to_string()),
        maybe(fact.evidence.uri.clone()),
        maybe(fact.note.clone()),
    ]
}
