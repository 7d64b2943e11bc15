//! `notify`.

use std::sync::{Arc, Mutex, PoisonError};

use bellwether_alert::Notification;
use bellwether_alert::outbox::{Listed, State};
use bellwether_alert::receivers::{Answer, Output, ReceiverSpec};
use bellwether_model::{Problem, Problems};
use clap::{Args, Subcommand};
use serde::Serialize;
use uuid::Uuid;

use crate::alerts;
use crate::app::App;
use crate::args::Format;
use crate::failure::Failure;
use crate::near;
use crate::out;
use crate::render;

const EXAMPLES: &str = "\
Examples:
  bellwether notify test webhook    send a marked test now; says what came back
  bellwether notify list            what waits for its receiver
  bellwether notify dead            what was given up, and why
  bellwether notify retry ID        put it back into the queue
  bellwether notify retry --all

Receivers stand in receivers.toml. A test goes to receivers that are switched
off too, and leaves nothing in the log.";

#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum NotifyCommand {
    /// Send a marked test to one receiver; exit code 6 when it does not get there
    Test {
        /// Name of the receiver
        receiver: String,
    },
    /// Notifications that wait
    List,
    /// Notifications that were given up
    Dead,
    /// Put given-up notifications back into the queue
    Retry(RetryArgs),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct RetryArgs {
    /// Ids of dead letters
    #[arg(value_name = "ID", value_parser = letter)]
    ids: Vec<Uuid>,
    /// All of them
    #[arg(long)]
    all: bool,
}

fn letter(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| "not the id of a notification; `bellwether notify dead` lists them".to_owned())
}

pub(crate) fn run(app: &mut App, command: &NotifyCommand) -> Result<(), Failure> {
    match command {
        NotifyCommand::Test { receiver } => test(app, receiver),
        NotifyCommand::List => {
            let waiting = alerts::notifications(app, State::Waiting)?;
            show(app, "Waiting", &waiting, "nothing waits")
        }
        NotifyCommand::Dead => {
            let dead = alerts::notifications(app, State::Dead)?;
            show(app, "Dead letters", &dead, "nothing was given up")
        }
        NotifyCommand::Retry(args) => retry(app, args),
    }
}

const FIELDS: [&str; 8] = ["id", "receiver", "state", "status", "title", "at", "since", "why"];

fn show(app: &mut App, heading: &str, letters: &[Listed], nothing: &str) -> Result<(), Failure> {
    app.out.list(letters, &FIELDS, |look| render::letters(heading, letters, nothing, look))
}

/// What came of a test.
#[derive(Serialize)]
struct Tried<'a> {
    receiver: &'a str,
    kind: &'a str,
    id: Uuid,
    taken: bool,
    answer: String,
}

fn test(app: &mut App, name: &str) -> Result<(), Failure> {
    if app.out.format() == Format::Csv {
        return Err(Failure::usage("this command has no CSV form", "use --format json, or table"));
    }
    let all = app.config().receivers()?;
    let Some(spec) = all.iter().find(|spec| spec.name == name) else {
        let known = match all.as_slice() {
            [] => "the configuration has no receivers.toml, or none in it".to_owned(),
            all => {
                format!("known are {}", all.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", "))
            }
        };
        let remedy = near::remedy(name, all.iter().map(|spec| spec.name.as_str()), &known);
        return Err(Failure::usage(format!("no receiver {name}"), remedy));
    };
    let missing = spec.missing();
    if !missing.is_empty() {
        return Err(Failure::Config(Problems(missing)));
    }
    // Standard output is held by this run: what a receiver writes there is handed over at the end.
    let written = Arc::new(Mutex::new(Vec::new()));
    let output: Output = Arc::clone(&written) as Output;
    let receiver = spec.receiver(&app.store_dir()?, &output).map_err(|p| Failure::Config(p.into()))?;
    let notification = Notification::trial(name, app.now());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Internal(format!("no runtime: {error}")))?;
    let sending = async { tokio::time::timeout(spec.timeout, receiver.send(&notification, app.now())).await };
    let answer = runtime
        .block_on(sending)
        .unwrap_or_else(|_| Answer::away(format!("no answer within {:?}", spec.timeout)));
    let line = std::mem::take(&mut *written.lock().unwrap_or_else(PoisonError::into_inner));
    tell(app, spec, notification.id, answer, &line)
}

fn tell(app: &mut App, spec: &ReceiverSpec, id: Uuid, answer: Answer, line: &[u8]) -> Result<(), Failure> {
    let (taken, answer) = match answer {
        Answer::Taken(what) => (true, what),
        Answer::Refused(why) | Answer::Failed { why, .. } => (false, why),
    };
    if !spec.enabled {
        out::note(&format!("{} is switched off: say enabled = true to have it told of alerts", spec.name));
    }
    let tried = Tried { receiver: &spec.name, kind: spec.kind.word(), id, taken, answer };
    if line.is_empty() {
        app.out.page(&tried, |_| {
            let what = if tried.taken { "taken by" } else { "not taken by" };
            format!("{what} {}: {}\n", tried.receiver, render::harmless(&tried.answer))
        })?;
    } else {
        app.out.bytes(line)?;
    }
    if tried.taken {
        return Ok(());
    }
    let problem = Problem::new(tried.answer, "check the address and its secrets in receivers.toml");
    Err(Failure::Source(Box::new(problem.at(&spec.name, 0))))
}

fn retry(app: &mut App, args: &RetryArgs) -> Result<(), Failure> {
    let back = alerts::retry(app, if args.all { None } else { Some(&args.ids) })?;
    show(app, "Back in the queue", &back, "nothing was given up")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::args::Cli;

    #[test]
    fn what_is_no_id_of_a_letter_is_said_in_words() {
        let refused = Cli::try_parse_from(["bellwether", "notify", "retry", "nope"]).unwrap_err().to_string();
        let said = "error: invalid value 'nope' for '[ID]...': not the id of a notification; `bellwether notify \
                    dead` lists them\n";
        assert!(refused.starts_with(said), "{refused}");
        let id = "4f2c0c2e-7d51-5b3a-9c1e-0a0b0c0d0e0f";
        assert!(Cli::try_parse_from(["bellwether", "notify", "retry", id]).is_ok());
    }
}
