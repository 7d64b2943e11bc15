//! Records of a list inside one JSON document.

mod exact;
mod machine;

use bellwether_model::Problem;
use serde::{Deserialize, Serialize};

pub(super) use exact::value;

use super::document::{Kept, Stop, Walk};
use super::envelope::{Check, Empty, Found};
use super::window::Window;
use machine::{Machine, Mark};

/// Settings of the JSON decoder.
///
/// Records are objects. A number with a fraction or an exponent, or beyond 64 bits, reaches the mapping as text, as it
/// is written, and so exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonPaths {
    /// Where the list of records stands, `data` or `result.items`; blank when the document is the list.
    #[serde(default)]
    pub records: String,
    /// What must stand around it.
    #[serde(default)]
    pub envelope: Vec<Check>,
    /// What an empty list means.
    #[serde(default)]
    pub empty: Empty,
}

/// The names of a path.
fn names(path: &str) -> Vec<String> {
    path.split('.').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

pub(crate) struct Walker {
    window: Window,
    machine: Machine,
    inside: bool,
}

impl Walker {
    pub(super) fn new(spec: &JsonPaths, window: Window) -> Self {
        let machine = Machine::new(&spec.records, spec.envelope.iter().map(|c| c.path.as_str()));
        Self { window, machine, inside: false }
    }
}

impl Walk for Walker {
    fn advance(&mut self, kept: &mut Kept) -> Result<bool, Stop> {
        if self.inside {
            kept.resume(self.window.line());
        }
        loop {
            let pending = self.window.pending();
            // Bytes before `from` belong to no record; `beyond` is a delimiter that ended a scalar.
            let (mut from, mut at, mut beyond, mut ended) = (0, 0, 0, false);
            while let Some(byte) = pending.get(at) {
                let line = || self.window.line() + lines(pending.get(..at));
                match self.machine.step(*byte).map_err(|problem| Stop::Content(problem, line()))? {
                    None => {}
                    Some(Mark::Starts) => {
                        kept.start(line());
                        if *byte != b'{' {
                            kept.fault(Problem::new(
                                "no JSON object",
                                "each record of the list must be an object",
                            ));
                        }
                        self.inside = true;
                        from = at;
                    }
                    Some(mark) => {
                        ended = true;
                        match mark {
                            Mark::EndsBefore => beyond = 1,
                            _ => at += 1,
                        }
                        break;
                    }
                }
                at += 1;
                at += self.machine.skip(pending.get(at..).unwrap_or_default());
            }
            let too_long = self.inside && kept.add(pending.get(from..at).unwrap_or_default());
            self.window.take(at + beyond);
            if ended {
                self.inside = false;
            }
            if ended || too_long {
                return Ok(true);
            }
            if !self.window.fill()? {
                let line = self.window.line();
                return self.machine.end().map(|()| false).map_err(|problem| Stop::Content(problem, line));
            }
        }
    }

    fn found(self) -> Result<Found, Problem> {
        Ok(self.machine.found())
    }
}

fn lines(bytes: Option<&[u8]>) -> u64 {
    bytes.unwrap_or_default().iter().filter(|b| **b == b'\n').count() as u64
}
