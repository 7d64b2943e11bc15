//! Secrets: where one is kept, never what it is.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

/// The place of a secret. It is read at the edges, anew at each use, so that a changed secret needs no restart.
///
/// In a file: `{ env = "NAME" }` or `{ file = "PATH" }`, and `prefix`, text before it, `"Bearer "` for instance.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// Environment variable.
    pub env: Option<String>,
    /// File that holds nothing else.
    pub file: Option<PathBuf>,
    /// Text before it.
    #[serde(default)]
    pub prefix: String,
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
    /// Most bytes of a file that holds a secret: a longer one is another file.
    pub const MAX: u64 = 16 << 10;
    /// What to write instead of what [`Secret::fault`] finds.
    pub const REMEDY: &str =
        "write { env = \"NAME\" } or { file = \"PATH\" }, and prefix = \"Bearer \" where one is needed";

    /// What is wrong with the way it is written.
    pub fn fault(&self) -> Option<&'static str> {
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

    /// The place in words, for a finding.
    pub fn place(&self) -> String {
        match (&self.env, &self.file) {
            (Some(name), _) => format!("the variable {name}"),
            (None, Some(path)) => format!("the file {}", path.display()),
            (None, None) => "no place".to_owned(),
        }
    }
}
