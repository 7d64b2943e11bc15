//! One table of the file, read field by field, so that all of its faults are told at once.

use std::time::Duration;

use bellwether_model::{Locator, Problem, Secret, Step};
use toml::{Table, Value};

/// A `[[receiver]]`, or a table in one. What was read is taken out; what is left over is unknown.
pub(super) struct Fields<'f, 't> {
    locator: &'f Locator<'t>,
    at: usize,
    /// Name of the table inside the receiver.
    inside: Option<&'static str>,
    table: Table,
    known: Vec<&'static str>,
    pub(super) found: Vec<Problem>,
}

impl<'f, 't> Fields<'f, 't> {
    pub(super) fn new(locator: &'f Locator<'t>, at: usize, table: Table) -> Self {
        Self { locator, at, inside: None, table, known: Vec::new(), found: Vec::new() }
    }

    /// A fault of one field.
    pub(super) fn fault(&mut self, name: &str, message: impl Into<String>, remedy: impl Into<String>) {
        let mut path = vec![Step::Key("receiver"), Step::At(self.at)];
        path.extend(self.inside.map(Step::Key));
        path.extend(name.split('.').filter(|part| !part.is_empty()).map(Step::Key));
        self.found.push(self.locator.problem(&path, message, remedy));
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.table.remove(name)
    }

    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) if !text.trim().is_empty() => Some(text),
            _ => {
                self.fault(name, "not a text", "write it in quotes");
                None
            }
        }
    }

    /// A text that must be there.
    pub(super) fn needed(&mut self, name: &'static str, remedy: &str) -> Option<String> {
        if !self.table.contains_key(name) {
            self.known.push(name);
            self.fault("", format!("no {name}"), remedy);
            return None;
        }
        self.text(name)
    }

    /// One text or a list of them.
    pub(super) fn texts(&mut self, name: &'static str) -> Vec<String> {
        let value = self.take(name);
        value.map(|value| self.as_texts(name, value)).unwrap_or_default()
    }

    fn as_texts(&mut self, name: &str, value: Value) -> Vec<String> {
        let all = match value {
            Value::Array(all) => all,
            one => vec![one],
        };
        let texts: Vec<String> = all.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        if texts.len() != all.len() || texts.iter().any(|text| text.trim().is_empty()) || texts.is_empty() {
            self.fault(name, "not a text or a list of texts", "write \"one\" or [\"one\", \"two\"]");
        }
        texts
    }

    pub(super) fn flag(&mut self, name: &'static str, unless_stated: bool) -> bool {
        match self.take(name) {
            None => unless_stated,
            Some(Value::Boolean(flag)) => flag,
            Some(_) => {
                self.fault(name, "neither true nor false", "write true or false, without quotes");
                unless_stated
            }
        }
    }

    pub(super) fn number(&mut self, name: &'static str) -> Option<u16> {
        match self.take(name)? {
            Value::Integer(n) if (1..=65_535).contains(&n) => u16::try_from(n).ok(),
            _ => {
                self.fault(name, "not a port", "write a number from 1 to 65535, without quotes");
                None
            }
        }
    }

    pub(super) fn duration(
        &mut self,
        name: &'static str,
        unless_stated: Duration,
        least: Duration,
        most: Duration,
    ) -> Duration {
        let Some(text) = self.text(name) else { return unless_stated };
        match humantime::parse_duration(&text) {
            Ok(wait) if wait >= least && wait <= most => wait,
            Ok(_) => {
                let remedy = format!("use {} to {}", words(least), words(most));
                self.fault(name, "too short or too long", remedy);
                unless_stated
            }
            Err(_) => {
                self.fault(name, "not a length of time", "write for example \"30s\", \"5m\" or \"3d\"");
                unless_stated
            }
        }
    }

    /// Where a secret is kept. The text itself in its place is a fault that does not repeat it.
    pub(super) fn secret(&mut self, name: &'static str) -> Option<Secret> {
        let value = self.take(name)?;
        self.as_secret(name, value)
    }

    fn as_secret(&mut self, name: &str, value: Value) -> Option<Secret> {
        let secret = match value {
            Value::Table(table) => table.try_into::<Secret>().map_err(|_| "not a place of a secret"),
            _ => Err("a secret does not stand in this file"),
        };
        let fault = match &secret {
            Ok(secret) => secret.fault(),
            Err(fault) => Some(*fault),
        };
        if let Some(fault) = fault {
            self.fault(name, fault, Secret::REMEDY);
            if let Some(problem) = self.found.last_mut() {
                problem.text.clear();
            }
        }
        secret.ok()
    }

    /// A table whose values are all read alike.
    pub(super) fn each<T>(
        &mut self,
        name: &'static str,
        mut read: impl FnMut(&mut Self, &str, Value) -> Option<T>,
    ) -> Vec<(String, T)> {
        let table = match self.take(name) {
            None => return Vec::new(),
            Some(Value::Table(table)) => table,
            Some(_) => {
                self.fault(name, "not a table", "write { name = value }");
                return Vec::new();
            }
        };
        let mut all = Vec::new();
        for (key, value) in table {
            if let Some(read) = read(self, &key, value) {
                all.push((key, read));
            }
        }
        all
    }

    pub(super) fn secrets(&mut self, name: &'static str) -> Vec<(String, Secret)> {
        self.each(name, |fields, key, value| fields.as_secret(&format!("{name}.{key}"), value))
    }

    pub(super) fn lists(&mut self, name: &'static str) -> Vec<(String, Vec<String>)> {
        self.each(name, |fields, key, value| Some(fields.as_texts(&format!("{name}.{key}"), value)))
    }

    /// An address in the file, or the place of one.
    pub(super) fn value(&mut self, name: &'static str) -> Option<Result<String, Secret>> {
        match self.table.get(name) {
            Some(Value::Table(_)) => self.secret(name).map(Err),
            _ => self.text(name).map(Ok),
        }
    }

    /// A table inside.
    pub(super) fn inner(&mut self, name: &'static str) -> Option<Fields<'f, 't>> {
        match self.take(name)? {
            Value::Table(table) => {
                Some(Fields { inside: Some(name), ..Fields::new(self.locator, self.at, table) })
            }
            _ => {
                self.fault(name, "not a table", "write for example { at_least = \"warning\" }");
                None
            }
        }
    }

    /// All faults; whatever was not asked for is one.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        let left: Vec<String> = self.table.keys().cloned().collect();
        for name in left {
            let near = self.known.iter().map(|known| (strsim::levenshtein(known, &name), *known)).min();
            let remedy = match near {
                Some((edits, known)) if edits <= 2 => format!("did you mean {known}?"),
                _ => format!("known here: {}", self.known.join(", ")),
            };
            self.fault(&name, "unknown setting", remedy);
            // It may be a secret under a wrong name.
            if let Some(problem) = self.found.last_mut() {
                problem.text.clear();
            }
        }
        self.found
    }
}

/// A length of time in the largest unit that gives a whole number, as it may stand in the file.
fn words(length: Duration) -> String {
    let delta = chrono::TimeDelta::from_std(length).unwrap_or(chrono::TimeDelta::MAX);
    crate::rule::duration_words(delta)
}
