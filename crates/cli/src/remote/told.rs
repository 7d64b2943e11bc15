//! What a daemon says when it refuses: a problem document.

use std::fmt;

use bellwether_model::Problem;
use serde::Deserialize;

/// Why a daemon gives no answer, with the exit code for it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Told {
    /// HTTP status; 0 when there was no answer.
    pub(crate) status: u16,
    detail: String,
    #[serde(default)]
    remedy: Option<String>,
    #[serde(default)]
    problems: Vec<Problem>,
    #[serde(default)]
    exit_code: Option<u8>,
}

impl Told {
    /// No answer at all.
    pub(crate) fn nothing(detail: impl Into<String>, remedy: impl Into<String>, exit_code: u8) -> Self {
        Self::answered(0, detail, remedy, exit_code)
    }

    /// An answer that is no problem document.
    pub(crate) fn answered(
        status: u16,
        detail: impl Into<String>,
        remedy: impl Into<String>,
        exit_code: u8,
    ) -> Self {
        let (detail, remedy) = (detail.into(), Some(remedy.into()));
        Self { status, detail, remedy, problems: Vec::new(), exit_code: Some(exit_code) }
    }

    /// The same with another remedy.
    pub(crate) fn remedy(self, remedy: String) -> Self {
        Self { remedy: Some(remedy), ..self }
    }

    /// Exit code as the daemon says, else as the status tells.
    pub(crate) fn exit_code(&self) -> u8 {
        self.exit_code.unwrap_or(match self.status {
            404 => 4,
            429 | 503 => 7,
            400..=499 => 2,
            _ => 1,
        })
    }

    /// Whether the daemon does not have the framework that was asked by.
    pub(crate) fn lacks_framework(&self) -> bool {
        self.status == 404 && self.exit_code == Some(2)
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.detail)?;
        if let Some(remedy) = &self.remedy {
            write!(f, "; {remedy}")?;
        }
        self.problems.iter().try_for_each(|problem| write!(f, "\n{problem}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(json: &str) -> Told {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_daemon_s_words_are_kept_and_its_exit_code_too() {
        let of = told(
            r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"no row x","remedy":"see y","exit_code":4}"#,
        );
        assert_eq!((of.to_string(), of.exit_code()), ("no row x; see y".to_owned(), 4));
        assert!(!of.lacks_framework());
        assert!(told(r#"{"status":404,"detail":"no framework","exit_code":2}"#).lacks_framework());
    }

    #[test]
    fn without_an_exit_code_the_status_tells() {
        for (status, code) in [(400, 2), (401, 2), (403, 2), (404, 4), (413, 2), (429, 7), (500, 1), (503, 7)]
        {
            assert_eq!(told(&format!(r#"{{"status":{status},"detail":"x"}}"#)).exit_code(), code, "{status}");
        }
    }
}
