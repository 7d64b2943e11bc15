//! `doctor`.

mod alerts;
mod checks;
mod daemon;

use clap::Args;
use serde::Serialize;

use crate::app::App;
use crate::failure::Failure;
use crate::render::harmless;

const EXAMPLES: &str = "\
Examples:
  bellwether doctor
  bellwether --format json doctor

One line a check: ok, warn or fail, and what to do. Exit code 0 when nothing
fails, 3 for the configuration, 5 for the store, 7 when the store is held by
somebody who does not answer.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArgs {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Warn,
    Fail,
}

/// One finding.
#[derive(Debug, Serialize)]
struct Check {
    check: &'static str,
    status: Status,
    message: String,
    /// What to do; empty when all is well.
    remedy: String,
    #[serde(skip)]
    code: u8,
}

impl Check {
    fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, status: Status::Ok, message: message.into(), remedy: String::new(), code: 0 }
    }

    fn warn(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, status: Status::Warn, message: message.into(), remedy: remedy.into(), code: 0 }
    }

    /// A failure, with the exit code of its kind.
    fn fail(check: &'static str, code: u8, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, status: Status::Fail, message: message.into(), remedy: remedy.into(), code }
    }

    fn line(&self) -> String {
        let word = match self.status {
            Status::Ok => "ok  ",
            Status::Warn => "warn",
            Status::Fail => "FAIL",
        };
        let remedy = if self.remedy.is_empty() { String::new() } else { format!("; {}", self.remedy) };
        format!("{word}  {}: {}\n", self.check, harmless(&format!("{}{remedy}", self.message)))
    }
}

pub(crate) fn run(app: &mut App, _: &DoctorArgs) -> Result<(), Failure> {
    let found = checks::all(app)?;
    app.out.list(&found, &["check", "status", "message", "remedy"], |_| {
        found.iter().map(Check::line).collect()
    })?;
    // The first failure is the one to mend first: what comes later may follow from it.
    match found.iter().find(|check| check.status == Status::Fail) {
        Some(check) => Err(Failure::Checked(check.code)),
        None => Ok(()),
    }
}
