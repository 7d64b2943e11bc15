//! Secrets: where one is kept, never what it is.

use std::fmt;
use std::path::PathBuf;

use bellwether_model::Problem;
use reqwest::header::HeaderValue;
use serde::Deserialize;

/// Most bytes of a file that holds a secret: a longer one is another file.
const MAX_SECRET: u64 = 16 << 10;

/// A header's value that is read anew at each request, so that a changed secret needs no restart.
///
/// It holds the place only. What is read from it is marked sensitive, and no finding shows it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    env: Option<String>,
    file: Option<PathBuf>,
    /// Text before it, `"Bearer "` for instance.
    #[serde(default)]
    prefix: String,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Secret");
        match (&self.env, &self.file) {
            (Some(name), _) => shown.field("env", name),
            (_, file) => shown.field("file", file),
        };
        shown.field("value", &format_args!("[REDACTED]")).finish()
    }
}

impl Secret {
    /// What is wrong with the way it is written.
    pub(super) fn fault(&self) -> Option<&'static str> {
        match (&self.env, &self.file) {
            (Some(_), Some(_)) => Some("both env and file"),
            (None, None) => Some("no place to read the secret from"),
            (Some(name), None) if name.is_empty() || name.contains(['=', '\0']) => {
                Some("not a name of a variable")
            }
            _ if !self.prefix.bytes().all(|b| (0x20..0x7f).contains(&b)) => Some("not a plain prefix"),
            _ => None,
        }
    }

    /// Reads it.
    pub(super) fn read(&self) -> Result<HeaderValue, Problem> {
        let (place, value) = match (&self.env, &self.file) {
            (Some(name), _) => (format!("the variable {name}"), std::env::var(name).ok()),
            (None, Some(path)) => (format!("the file {}", path.display()), read(path)),
            (None, None) => (String::new(), None),
        };
        let value = value.as_deref().map(str::trim).filter(|v| !v.is_empty());
        let value = value.ok_or_else(|| {
            Problem::new(
                format!("{place} holds no secret"),
                "set it for the process that runs the feed, as UTF-8 text",
            )
        })?;
        let mut header = HeaderValue::from_str(&format!("{}{value}", self.prefix)).map_err(|_| {
            Problem::new(
                format!("{place} holds no text fit for a header"),
                "keep the secret alone on one line",
            )
        })?;
        header.set_sensitive(true);
        Ok(header)
    }
}

fn read(path: &std::path::Path) -> Option<String> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(path).ok()?.take(MAX_SECRET).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r28_a_secret_is_read_and_not_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, "hunter2\n").unwrap();
        let secret = Secret { env: None, file: Some(path.clone()), prefix: "Bearer ".into() };
        let value = secret.read().unwrap();
        assert_eq!(value.as_bytes(), b"Bearer hunter2");
        let shown = format!("{secret:?} {value:?}");
        assert!(!shown.contains("hunter2") && shown.contains("[REDACTED]"), "{shown}");
        std::fs::write(&path, "hunter2\nline two").unwrap();
        let error = secret.read().unwrap_err().to_string();
        assert!(!error.contains("hunter2") && error.contains("token"), "{error}");
    }

    #[test]
    fn r28_a_secret_that_is_not_there_names_its_place() {
        let secret =
            Secret { env: Some("BELLWETHER_NO_SUCH_SECRET".into()), file: None, prefix: String::new() };
        let error = secret.read().unwrap_err().to_string();
        assert!(error.contains("BELLWETHER_NO_SUCH_SECRET"), "{error}");
        // Cargo sets this one for every test.
        let present = Secret { env: Some("CARGO_MANIFEST_DIR".into()), file: None, prefix: String::new() };
        assert!(present.read().is_ok());
    }
}
