//! One rule from what is written: every field checked, every expression parsed.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{Locator, Problem, Problems, Step};
use chrono::TimeDelta;

use super::read::Written;
use super::{ADDED, Expression, Mapping, Rule, duration};
use crate::expression::schema::Table;
use crate::expression::{Compiled, Engine, Place, Read, Template, Want};

/// A rule ready to be evaluated.
#[derive(Clone, Debug)]
pub(crate) struct Ready {
    pub(crate) table: Option<Table>,
    pub(crate) only: Option<Compiled>,
    pub(crate) when: Compiled,
    pub(crate) until: Option<Compiled>,
    pub(crate) summary: Template,
    pub(crate) summary_line: usize,
    pub(crate) domain: Option<Compiled>,
    pub(crate) directions: Option<Compiled>,
    pub(crate) clocked: bool,
}

impl Ready {
    /// Everything that decides what the rule does.
    pub(crate) fn deciding(&self) -> impl Iterator<Item = &Compiled> {
        self.only.iter().chain([&self.when]).chain(&self.until)
    }

    /// Values behind `when` and `until`, each once.
    pub(crate) fn numbers(&self) -> Vec<&Read> {
        let mut seen = BTreeSet::new();
        let reads = self.when.reads.iter().chain(self.until.iter().flat_map(|u| &u.reads));
        reads.filter(|r| !r.test && seen.insert(&r.name)).collect()
    }
}

/// Reads rules of one file.
pub(super) struct Reader<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
    pub(super) locator: &'a Locator<'a>,
    pub(super) engine: &'a Engine,
    /// Of the rule that is read.
    pub(super) parameters: BTreeMap<String, f64>,
    pub(super) problems: Problems,
}

impl Reader<'_> {
    fn fault(
        &mut self,
        at: usize,
        field: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let path = [Step::Key("rule"), Step::At(at), Step::Key(field)];
        self.problems.push(self.locator.problem(&path, message, remedy));
    }

    fn place(&self, path: &[Step<'_>]) -> Place {
        let span = self.locator.span(path).unwrap_or_default();
        // A multi-line string begins behind its line end.
        let raw = self.text.get(span.start..).unwrap_or_default();
        let opened = ["\"\"\"\n", "'''\n", "\"\"\"\r\n", "'''\r\n"].iter().any(|open| raw.starts_with(open));
        let line = self.locator.line(span.start) + usize::from(opened);
        Place {
            file: self.file.to_owned(),
            line,
            field: self.locator.problem(path, "", "").field,
            parameters: self.parameters.clone(),
        }
    }

    fn expression(
        &mut self,
        path: &[Step<'_>],
        text: &str,
        row: Option<Table>,
        want: Want,
    ) -> Option<(Expression, Compiled)> {
        let place = self.place(path);
        match Compiled::parse(text, row, want, &place, self.engine) {
            Ok(compiled) => Some((Expression { text: text.to_owned(), line: place.line }, compiled)),
            Err(found) => {
                self.problems.0.extend(found.0);
                None
            }
        }
    }

    fn duration(&mut self, at: usize, field: &'static str, text: Option<&str>) -> TimeDelta {
        match text.map(duration::parse) {
            None => TimeDelta::zero(),
            Some(Ok(delta)) => delta,
            Some(Err(Problem { message, remedy, .. })) => {
                self.fault(at, field, message, remedy);
                TimeDelta::zero()
            }
        }
    }

    /// Reads the rule at a position; `None` when it cannot be used, with the reasons among the problems.
    pub(super) fn rule(&mut self, at: usize, w: &Written, text: String) -> Option<(Rule, Ready)> {
        let before = self.problems.0.len();
        let named = |id: &str| {
            !id.is_empty() && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        if !named(&w.id) {
            self.fault(at, "id", "an id is made of a to z, 0 to 9 and -", "rename it");
        }
        if let Some(label) = w.labels.keys().find(|l| ADDED.contains(&l.as_str())) {
            let message = format!("the label {label} is added to every alert");
            self.fault(at, "labels", message, "call it otherwise");
        }
        let known = |label: &String| ADDED.contains(&label.as_str()) || w.labels.contains_key(label);
        if let Some(label) = w.group_by.iter().find(|l| !known(l)) {
            let remedy = format!("name one of {}, or a label of the rule", ADDED.join(", "));
            self.fault(at, "group_by", format!("no alert has a label {label}"), remedy);
        }
        let plain = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
                && !["id", "for", "keep"].contains(&name)
        };
        if let Some(name) = w.parameters.keys().find(|name| !plain(name)) {
            let message = format!("a parameter cannot be called {name}");
            self.fault(
                at,
                "parameters",
                message,
                "a to z, 0 to 9 and _, a letter first; not id, for or keep",
            );
        }
        if w.parameters.values().any(|number| !number.is_finite()) {
            self.fault(at, "parameters", "a parameter that is no number", "write a finite number");
        }
        self.parameters.clone_from(&w.parameters);
        let table = w.each.map(Table::from);
        let field = |name: &'static str| [Step::Key("rule"), Step::At(at), Step::Key(name)];
        if w.only.is_some() && table.is_none() {
            self.fault(
                at,
                "only",
                "a rule without each has no rows to choose from",
                "remove it, or add each",
            );
        }
        let only = match (&w.only, table) {
            (Some(text), Some(_)) => self.expression(&field("only"), text, table, Want::Bool),
            _ => None,
        };
        let when = self.expression(&field("when"), &w.when, table, Want::Bool);
        let until = w.until.as_ref().map(|text| self.expression(&field("until"), text, table, Want::Bool));
        let hold = self.duration(at, "for", w.hold.as_deref());
        let keep = self.duration(at, "keep", w.keep.as_deref());
        let expires = w.expires.as_deref().map(|text| self.duration(at, "expires", Some(text)));
        if expires.is_some_and(|e| e <= TimeDelta::zero()) && self.problems.0.len() == before {
            self.fault(at, "expires", "an alert that is over at once says nothing", "give it some days");
        }
        let place = self.place(&field("summary"));
        let summary = Template::parse(&w.summary, table, &place, self.engine)
            .map_err(|found| self.problems.0.extend(found.0))
            .ok();
        let claims = w.backtest.as_ref().map(|c| {
            let part = |name: &'static str| {
                [Step::Key("rule"), Step::At(at), Step::Key("backtest"), Step::Key(name)]
            };
            let domain = self.expression(&part("domain"), &c.domain, table, Want::Text);
            let directions = self.expression(&part("directions"), &c.directions, table, Want::Texts);
            domain.zip(directions)
        });
        if self.problems.0.len() > before {
            return None;
        }
        let (when, when_ready) = when?;
        let (until, until_ready) = until.flatten().unzip();
        let (only, only_ready) = only.unzip();
        let (backtest, domain, directions) = match claims.flatten() {
            Some(((domain, d), (directions, ds))) => {
                (Some(Mapping { domain, directions }), Some(d), Some(ds))
            }
            None => (None, None, None),
        };
        let mut ready = Ready {
            table,
            only: only_ready,
            when: when_ready,
            until: until_ready,
            summary: summary?,
            summary_line: place.line,
            domain,
            directions,
            clocked: false,
        };
        let clocked = ready.deciding().any(Compiled::clocked);
        ready.clocked = clocked;
        let rule = Rule {
            id: w.id.clone(),
            title: w.title.clone(),
            each: w.each,
            only,
            when,
            until,
            hold,
            keep,
            expires,
            severity: w.severity,
            labels: w.labels.clone(),
            group_by: w.group_by.clone(),
            summary: w.summary.clone(),
            runbook: w.runbook.clone(),
            reason: w.reason.clone(),
            parameters: w.parameters.clone(),
            backtest,
            file: self.file.to_owned(),
            line: self.place(&[Step::Key("rule"), Step::At(at)]).line,
            text,
            version: w.version(),
        };
        Some((rule, ready))
    }
}
