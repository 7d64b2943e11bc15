//! Reading secrets, and keeping them out of what is shown.

use std::fmt;
use std::io::Read;

use bellwether_model::Secret;

/// Characters of a part of an address from which on it is taken to be secret.
const TELLING: usize = 8;

/// A secret that was read. It is never shown.
pub(super) struct Hidden {
    whole: String,
    /// Bytes of what the configuration puts before it.
    prefix: usize,
}

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
            Some(value) => {
                Ok(Self { whole: format!("{}{value}", secret.prefix), prefix: secret.prefix.len() })
            }
            None => Err(format!("{} holds no secret", secret.place())),
        }
    }

    /// For whom it is meant.
    pub(super) fn reveal(&self) -> &str {
        &self.whole
    }

    /// `text` without it, and without what tells it: what stands behind its prefix; of an address the path and its parts,
    /// which a server likes to repeat when it knows nothing there.
    pub(super) fn hide_in(&self, text: &str) -> String {
        let bare = self.whole.get(self.prefix..).unwrap_or_default();
        let mut parts = vec![self.whole.as_str(), bare];
        if let Some((_, rest)) = bare.split_once("://") {
            let path = rest.find(['/', '?', '#']).and_then(|at| rest.get(at..)).unwrap_or_default();
            parts.push(path);
            parts.extend(path.split(['/', '?', '#', '&', '=']));
            // What stands before the host is a password.
            parts.extend(rest.split('/').next().and_then(|host| host.rsplit_once('@')).map(|(user, _)| user));
        }
        parts.retain(|part| {
            part.len() >= TELLING || *part == self.whole || (!part.is_empty() && *part == bare)
        });
        parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        parts.into_iter().fold(text.to_owned(), |text, part| text.replace(part, "[REDACTED]"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r28_an_answer_that_repeats_a_part_of_a_secret_shows_none_of_it() {
        let url = "https://hooks.example/services/T0/B0000001/xyzxyzxyzxyz?wait=true";
        let hidden = Hidden { whole: url.into(), prefix: 0 };
        for (said, shown) in [
            (format!("moved to {url}"), "moved to [REDACTED]"),
            ("no POST /services/T0/B0000001/xyzxyzxyzxyz?wait=true".into(), "no POST [REDACTED]"),
            ("no service xyzxyzxyzxyz here".into(), "no service [REDACTED] here"),
            ("wait, then try again".into(), "wait, then try again"),
        ] {
            assert_eq!(hidden.hide_in(&said), shown);
        }
        let token = Hidden { whole: "Bearer 0123456789".into(), prefix: 7 };
        assert_eq!(token.hide_in("a token 0123456789 is none"), "a token [REDACTED] is none");
        assert_eq!(token.hide_in("Bearer 0123456789"), "[REDACTED]");
    }
}
