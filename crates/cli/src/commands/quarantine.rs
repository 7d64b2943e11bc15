//! `quarantine`.

use bellwether_ingest::{Entry, FileQuarantine, Resolved, drop_entry, release, retry};
use bellwether_server::api::no_entry;
use bellwether_store::Segments;
use chrono::{DateTime, Utc};
use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::fact::Operator;
use crate::app::App;
use crate::args::Format;
use crate::failure::Failure;
use crate::render::{Align, Cell, Fit, Page, Style, Table, counted};

const EXAMPLES: &str = "\
Examples:
  bellwether quarantine list
  bellwether quarantine show ID      the record, the reason, the remedy
  bellwether quarantine retry        all again, after a correction
  bellwether quarantine release ID --reason 'checked at its source'
  bellwether quarantine drop ID --reason 'a test row'

Only what an operator can vouch for is released: implausible or suspect
records, and lists that lost more entries than their feed allows. Anything
else is corrected and retried, or dropped. A dropped entry is not held again.";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum QuarantineCommand {
    /// What is held, and why
    List,
    /// One held record
    Show {
        /// Id of the entry
        id: String,
    },
    /// Run held records through the configuration as it is now
    Retry {
        /// Ids; none means all
        ids: Vec<String>,
    },
    /// Store what a limit or a hold rule stands against: a record, or a list that shrank
    Release {
        /// Id of the entry
        id: String,
        /// Why it may be believed
        #[arg(long, value_name = "TEXT", default_value = "no reason given")]
        reason: String,
        #[command(flatten)]
        operator: Operator,
    },
    /// Give a record up
    Drop {
        /// Id of the entry
        id: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        operator: Operator,
    },
}

/// What became of one entry.
#[derive(Serialize)]
struct Outcome {
    id: String,
    #[serde(flatten)]
    resolved: Resolved,
}

const LIST: [&str; 6] = ["id", "feed", "file", "line", "reason", "at"];
const OUTCOMES: [&str; 6] = ["id", "outcome", "facts.stored", "facts.duplicate", "head", "reason"];

pub(crate) fn run(app: &mut App, command: QuarantineCommand) -> Result<(), Failure> {
    match command {
        QuarantineCommand::List => list(app),
        QuarantineCommand::Show { id } => show(app, &id),
        QuarantineCommand::Retry { ids } => again(app, ids),
        QuarantineCommand::Release { id, reason, operator } => vouch(app, &id, &reason, &operator.name()?),
        QuarantineCommand::Drop { id, reason, operator } => give_up(app, &id, &reason, &operator.name()?),
    }
}

/// The quarantine of the store; `None` when nothing was ever held.
fn open(app: &App) -> Result<Option<FileQuarantine>, Failure> {
    let folder = app.store_dir()?.join("quarantine");
    if !folder.join("entries.ndjson").is_file() {
        return Ok(None);
    }
    let opened = FileQuarantine::open(&folder)?;
    if opened.damaged() > 0 {
        crate::out::note(&format!(
            "{} of the quarantine cannot be read: ingest their files again",
            counted(opened.damaged(), "line", "lines")
        ));
    }
    Ok(Some(opened))
}

fn entries(app: &App) -> Result<Vec<Entry>, Failure> {
    Ok(open(app)?.map_or(Ok(Vec::new()), |q| q.list())?)
}

/// One line of the list.
#[derive(Serialize, Deserialize)]
struct Row {
    id: String,
    feed: String,
    file: String,
    line: u64,
    reason: String,
    at: DateTime<Utc>,
}

impl From<Entry> for Row {
    fn from(Entry { id, feed, file, line, reason, at, .. }: Entry) -> Self {
        Self { id, feed, file, line, reason, at }
    }
}

fn list(app: &mut App) -> Result<(), Failure> {
    let rows: Vec<Row> = match app.remote()? {
        Some(remote) => remote.get(&["v1", "quarantine"], &[])?,
        None => entries(app)?.into_iter().map(Row::from).collect(),
    };
    app.out.list(&rows, &LIST, |look| {
        let mut page = Page::new(look);
        let beside = if rows.is_empty() { "empty".to_owned() } else { format!("{} held", rows.len()) };
        page.heading("Quarantine", &beside);
        let mut table = Table::new(&[
            ("id", Align::Left, Fit::Keep),
            ("feed", Align::Left, Fit::Keep),
            ("file", Align::Left, Fit::Cut),
            ("line", Align::Right, Fit::Keep),
            ("reason", Align::Left, Fit::Wrap),
        ]);
        for Row { id, feed, file, line, reason, .. } in &rows {
            let line = line.to_string();
            let cells = [id, feed, file, &line, reason].map(|text| text.as_str().into());
            table.row(cells);
        }
        page.table(&table);
        page.finish()
    })
}

fn show(app: &mut App, id: &str) -> Result<(), Failure> {
    let found: Result<Entry, Failure> = match app.remote()? {
        Some(remote) => remote.get(&["v1", "quarantine", id], &[]),
        None => {
            let entries = entries(app)?;
            let unknown = unknown(id, &entries);
            entries.into_iter().find(|e| e.id == id).ok_or(unknown)
        }
    };
    let entry = match found {
        Ok(entry) => entry,
        Err(failure) => {
            if failure.exit_code() == 4 && matches!(app.out.format(), Format::Json | Format::Ndjson) {
                app.out.json(&None::<Entry>)?;
            }
            return Err(failure);
        }
    };
    app.out.page(&entry, |look| {
        let mut page = Page::new(look);
        page.heading(&entry.id, &format!("{}:{} by feed {}", entry.file, entry.line, entry.feed));
        page.entry("reason", &entry.reason);
        page.entry("remedy", &entry.remedy);
        page.entry("held", &entry.at.to_rfc3339());
        if let Some(header) = &entry.header {
            page.entry("header", header);
        }
        match entry.raw.bytes() {
            Ok(raw) => page.entry("record", &String::from_utf8_lossy(&raw)),
            Err(problem) => page.entry("record", &problem.to_string()),
        };
        page.finish()
    })
}

fn unknown(id: &str, entries: &[Entry]) -> Failure {
    Failure::Nothing(Box::new(no_entry(id, entries)))
}

/// Store and quarantine, held for writing; the ids asked for must be there.
fn held(app: &mut App, ids: &[String]) -> Result<(Segments, FileQuarantine), Failure> {
    let entries = entries(app)?;
    if let Some(id) = ids.iter().find(|id| entries.iter().all(|e| e.id != **id)) {
        if matches!(app.out.format(), Format::Json) {
            app.out.json(&[(); 0])?;
        }
        return Err(unknown(id, &entries));
    }
    let log = app.open_write()?;
    let quarantine = FileQuarantine::open(&app.store_dir()?.join("quarantine"))?;
    Ok((log, quarantine))
}

fn again(app: &mut App, ids: Vec<String>) -> Result<(), Failure> {
    let (types, feeds) = (app.config().types()?, app.config().feeds()?);
    if ids.is_empty() && entries(app)?.is_empty() {
        return outcomes(app, &[]);
    }
    let (log, mut quarantine) = held(app, &ids)?;
    let entries = quarantine.list()?;
    let mut done = Vec::new();
    for entry in entries.iter().filter(|e| ids.is_empty() || ids.contains(&e.id)) {
        let resolved = match feeds.get(&entry.feed) {
            Some(feed) => retry(&mut quarantine, &entry.id, &log, &types, feed, app.now())?,
            None => Resolved::Held { reason: format!("the configuration has no feed {}", entry.feed) },
        };
        done.push(Outcome { id: entry.id.clone(), resolved });
    }
    log.close()?;
    outcomes(app, &done)
}

fn vouch(app: &mut App, id: &str, reason: &str, operator: &str) -> Result<(), Failure> {
    let (types, feeds) = (app.config().types()?, app.config().feeds()?);
    let (log, mut quarantine) = held(app, &[id.to_owned()])?;
    let entry = quarantine.show(id)?;
    let Some(feed) = feeds.get(&entry.feed) else {
        return Err(Failure::usage(
            format!("the configuration has no feed {}", entry.feed),
            "add its file to feeds/, or drop the entry",
        ));
    };
    let resolved = release(&mut quarantine, id, &log, &types, feed, operator, reason, app.now())?;
    log.close()?;
    outcomes(app, &[Outcome { id: id.to_owned(), resolved }])
}

fn give_up(app: &mut App, id: &str, reason: &str, operator: &str) -> Result<(), Failure> {
    let (log, mut quarantine) = held(app, &[id.to_owned()])?;
    let entry = drop_entry(&mut quarantine, id, operator, reason, app.now())?;
    log.close()?;
    let row = serde_json::json!([{ "id": entry.id, "outcome": "dropped" }]);
    app.out.page(&row, |_| format!("dropped {}\n", entry.id))
}

fn outcomes(app: &mut App, done: &[Outcome]) -> Result<(), Failure> {
    app.out.list(done, &OUTCOMES, |look| {
        let mut page = Page::new(look);
        let stays = done.iter().filter(|o| matches!(o.resolved, Resolved::Held { .. })).count();
        page.heading("Quarantine", &format!("{} resolved, {stays} still held", done.len() - stays));
        let mut table = Table::new(&[
            ("id", Align::Left, Fit::Keep),
            ("outcome", Align::Left, Fit::Keep),
            ("", Align::Left, Fit::Wrap),
        ]);
        for outcome in done {
            let (word, style, text) = match &outcome.resolved {
                Resolved::Stored { facts, head } => (
                    "stored",
                    Style::Good,
                    format!(
                        "{} new, {} known; head {head}",
                        counted(facts.stored, "fact", "facts"),
                        facts.duplicate
                    ),
                ),
                Resolved::Skipped => ("skipped", Style::Plain, "a rule of the feed leaves it out".to_owned()),
                Resolved::Held { reason } => ("held", Style::Warn, reason.clone()),
            };
            table.row([outcome.id.as_str().into(), Cell::new(word, style), text.into()]);
        }
        page.table(&table);
        page.finish()
    })
}
