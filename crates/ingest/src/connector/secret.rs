//! Reading secrets: a header's value, from the place that the feed file names.

use bellwether_model::{Problem, Secret};
use reqwest::header::HeaderValue;

/// Reads it as a header's value, marked sensitive; no finding shows it.
pub(super) fn read(secret: &Secret) -> Result<HeaderValue, Problem> {
    let place = secret.place();
    let value = match (&secret.env, &secret.file) {
        (Some(name), _) => std::env::var(name).ok(),
        (None, Some(path)) => content(path),
        (None, None) => None,
    };
    let value = value.as_deref().map(str::trim).filter(|v| !v.is_empty());
    let value = value.ok_or_else(|| {
        Problem::new(
            format!("{place} holds no secret"),
            "set it for the process that runs the feed, as UTF-8 text",
        )
    })?;
    let mut header = HeaderValue::from_str(&format!("{}{value}", secret.prefix)).map_err(|_| {
        Problem::new(format!("{place} holds no text fit for a header"), "keep the secret alone on one line")
    })?;
    header.set_sensitive(true);
    Ok(header)
}

fn content(path: &std::path::Path) -> Option<String> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(path).ok()?.take(Secret::MAX).read_to_string(&mut text).ok()?;
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
        let value = read(&secret).unwrap();
        assert_eq!(value.as_bytes(), b"Bearer hunter2");
        let shown = format!("{secret:?} {value:?}");
        assert!(!shown.contains("hunter2") && shown.contains("[REDACTED]"), "{shown}");
        std::fs::write(&path, "hunter2\nline two").unwrap();
        let error = read(&secret).unwrap_err().to_string();
        assert!(!error.contains("hunter2") && error.contains("token"), "{error}");
    }

    #[test]
    fn r28_a_secret_that_is_not_there_names_its_place() {
        let secret =
            Secret { env: Some("BELLWETHER_NO_SUCH_SECRET".into()), file: None, prefix: String::new() };
        let error = read(&secret).unwrap_err().to_string();
        assert!(error.contains("BELLWETHER_NO_SUCH_SECRET"), "{error}");
        // Cargo sets this one for every test.
        let present = Secret { env: Some("CARGO_MANIFEST_DIR".into()), file: None, prefix: String::new() };
        assert!(read(&present).is_ok());
    }
}
