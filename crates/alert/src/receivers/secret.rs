//! Reading secrets, and keeping them out of what is shown.

use std::fmt;
use std::io::Read;

use bellwether_model::Secret;

/// A secret that was read. It is never shown.
pub(super) struct Hidden(String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

impl Hidden {
    /// Reads it; what is wrong names the place only.
    pub(super) fn read(secret: &Secret) -> Result<Self, String> {
        let value = match (&secret.env, &secret.file) {
            (Some(name), _) => std::env::var(name).ok(),
            (None, Some(path)) => std::fs::File::open(path).ok().and_then(|file| {
                let mut text = String::new();
                file.take(Secret::MAX).read_to_string(&mut text).ok()?;
                Some(text)
            }),
            (None, None) => None,
        };
        match value.as_deref().map(str::trim).filter(|value| !value.is_empty()) {
            Some(value) => Ok(Self(format!("{}{value}", secret.prefix))),
            None => Err(format!("{} holds no secret", secret.place())),
        }
    }

    /// For whom it is meant.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// `text` without it.
    pub(super) fn hide_in(&self, text: &str) -> String {
        text.replace(&self.0, "[REDACTED]")
    }
}
