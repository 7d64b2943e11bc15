//! What a run came to.

use std::process::Output;

use serde_json::Value;

use crate::Ordered;

/// Exit code and output of one run; every complaint about it shows all of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    what: String,
    /// Exit code; −1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Outcome {
    pub(crate) fn new(what: String, output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code().unwrap_or(-1);
        Self { what, code, out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Demands an exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code of {self}");
        self
    }

    /// Standard output, which must be exactly one JSON document.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.out) {
            Ok(value) => value,
            Err(e) => panic!("not one JSON document ({e}): {self}"),
        }
    }

    /// The same with the fields in the order in which they stand.
    #[track_caller]
    pub fn ordered(&self) -> Ordered {
        match serde_json::from_str(&self.out) {
            Ok(value) => value,
            Err(e) => panic!("not one JSON document ({e}): {self}"),
        }
    }

    /// Standard output, which must be a JSON document a line.
    #[track_caller]
    pub fn ndjson(&self) -> Vec<Value> {
        let parse = |line: &str| match serde_json::from_str(line) {
            Ok(value) => value,
            Err(e) => panic!("not JSON ({e}): {line}\nin {self}"),
        };
        self.out.lines().map(parse).collect()
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SHOWN: usize = 4000;
        let part = |text: &str| -> String {
            let mut shown: String = text.chars().take(SHOWN).collect();
            if shown.len() < text.len() {
                shown.push_str(" […]");
            }
            shown
        };
        let Self { what, code, out, err } = self;
        write!(f, "{what}\n--- exit {code}\n--- stdout\n{}\n--- stderr\n{}", part(out), part(err))
    }
}
