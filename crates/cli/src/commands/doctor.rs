//! `doctor`.

mod alerts;
mod checks;
mod daemon;

use clap::Args;
use serde::Serialize;

use crate::app::App;
use crate::failure::Failure;
use crate::render::{Look, Style, harmless, wrap};

const EXAMPLES: &str = "\
Examples:
  bellwether doctor
  bellwether --format json doctor

Check by check: ok, warn or fail, and what to do. Exit code 0 when nothing
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

/// Columns before the words.
const HANG: usize = 6;

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

    /// A status and what it is about, wrapped; an excerpt of a file stands under it as it is, so that its caret points
    /// to the place.
    fn lines(&self, look: &Look) -> String {
        let (word, style) = match self.status {
            Status::Ok => ("ok  ", Style::Good),
            Status::Warn => ("warn", Style::Warn),
            Status::Fail => ("FAIL", Style::Bad),
        };
        let (message, excerpt) = self.message.split_once('\n').unwrap_or((&self.message, ""));
        let remedy = if self.remedy.is_empty() { String::new() } else { format!("; {}", self.remedy) };
        let said = format!("{}: {message}{remedy}", self.check);
        let mut text = String::new();
        for (n, line) in wrap(&harmless(&said), look.width.saturating_sub(HANG)).iter().enumerate() {
            let head = if n == 0 { look.paint(style, word) } else { " ".repeat(word.len()) };
            text.push_str(&format!("{head}  {line}\n"));
        }
        for line in excerpt.lines() {
            text.push_str(&format!("{}{}\n", " ".repeat(HANG), look.paint(Style::Dim, &harmless(line))));
        }
        text
    }
}

pub(crate) fn run(app: &mut App, _: &DoctorArgs) -> Result<(), Failure> {
    let found = checks::all(app)?;
    app.out.list(&found, &["check", "status", "message", "remedy"], |look| {
        found.iter().map(|check| check.lines(look)).collect()
    })?;
    // The first failure is the one to mend first: what comes later may follow from it.
    match found.iter().find(|check| check.status == Status::Fail) {
        Some(check) => Err(Failure::Checked(check.code)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::PLAIN;

    #[test]
    fn a_finding_is_wrapped_and_the_excerpt_of_a_file_keeps_its_caret() {
        let excerpt = "\n    row.value > 1 && row.trendy == 'up'\n                         ^";
        let message =
            format!("config/rules/mine.toml:7: rule[0].when: column 22: row has no field trendy{excerpt}");
        let check = Check::fail(
            "configuration",
            3,
            message,
            "`bellwether check` names all faults of it, this is one",
        );
        assert_eq!(
            check.lines(&Look { width: 72, ..PLAIN }),
            concat!(
                "FAIL  configuration: config/rules/mine.toml:7: rule[0].when: column 22:\n",
                "      row has no field trendy; `bellwether check` names all faults of\n",
                "      it, this is one\n",
                "          row.value > 1 && row.trendy == 'up'\n",
                "                               ^\n",
            )
        );
        assert_eq!(Check::ok("clock", "now").lines(&PLAIN), "ok    clock: now\n");
    }
}
