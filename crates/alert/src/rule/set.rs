//! All rules that are in force together.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{Locator, Problem, Problems, Step};
use serde::{Deserialize, Serialize};

use super::compile::{Reader, Ready};
use super::inhibit::Sides;
use super::read::{File, Written};
use super::{Inhibit, Rule};
use crate::expression::Engine;

/// The rules of all files, parsed and ready. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct RuleSet(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    files: Vec<RuleFile>,
    rules: Vec<Rule>,
    ready: Vec<Ready>,
    inhibits: Vec<Inhibit>,
    /// Where each of them stands.
    places: Vec<Sides<Problem>>,
    by_id: BTreeMap<String, usize>,
    hash: String,
}

/// One file as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RuleFile {
    pub(crate) file: String,
    pub(crate) text: String,
}

impl RuleSet {
    /// Parses files, each a name to blame and its text, in the order given.
    ///
    /// # Errors
    /// Every fault of every file at once, each with file, line, field and remedy; a fault in an expression shows the line
    /// with a caret.
    pub fn parse<'t>(files: impl IntoIterator<Item = (&'t str, &'t str)>) -> Result<Self, Problems> {
        let engine = Engine::default();
        let mut problems = Problems::default();
        let mut inner = Inner::default();
        let mut homes: BTreeMap<String, String> = BTreeMap::new();
        for (file, text) in files {
            inner.files.push(RuleFile { file: file.to_owned(), text: text.to_owned() });
            let locator = match Locator::new(file, text) {
                Ok(locator) => locator,
                Err(found) => {
                    problems.0.extend(found.0);
                    continue;
                }
            };
            problems.0.extend(locator.parse::<File>().err().into_iter().flat_map(|found| found.0));
            let (rules, inhibits) = (locator.each::<Written>("rule"), locator.each::<Inhibit>("inhibit"));
            let texts = own_texts(&locator, text, rules.len(), inhibits.len());
            let mut reader = Reader {
                file,
                text,
                locator: &locator,
                engine: &engine,
                parameters: BTreeMap::new(),
                problems: Problems::default(),
            };
            for ((at, rule), text) in rules.iter().enumerate().zip(texts) {
                let rule = match rule {
                    Ok(rule) => rule,
                    Err(problem) => {
                        reader.problems.push(problem.clone());
                        continue;
                    }
                };
                let id = [Step::Key("rule"), Step::At(at), Step::Key("id")];
                if let Some(other) = homes.insert(rule.id.clone(), file.to_owned()) {
                    let message = format!("{other} has a rule of that name");
                    reader.problems.push(locator.problem(&id, message, "rename one of them"));
                    continue;
                }
                if let Some((rule, ready)) = reader.rule(at, rule, text) {
                    inner.by_id.insert(rule.id.clone(), inner.rules.len());
                    inner.rules.push(rule);
                    inner.ready.push(ready);
                }
            }
            problems.0.extend(reader.problems.0);
            for (at, inhibit) in inhibits.into_iter().enumerate() {
                let inhibit = match inhibit {
                    Ok(inhibit) => inhibit,
                    Err(problem) => {
                        problems.push(problem);
                        continue;
                    }
                };
                let path = |field: &'static str| [Step::Key("inhibit"), Step::At(at), Step::Key(field)];
                for (side, matchers) in [("source", &inhibit.source), ("target", &inhibit.target)] {
                    if let Err(Problem { message, remedy, .. }) = matchers.clone().checked() {
                        problems.push(locator.problem(&path(side), message, remedy));
                    }
                }
                inner.places.push(Sides::of(|field| locator.problem(&path(field), "", "")));
                inner.inhibits.push(inhibit);
            }
        }
        inner.hash = hash(&inner);
        problems.into_result(Self(Arc::new(inner)))
    }

    /// Rules in file order.
    pub fn rules(&self) -> &[Rule] {
        &self.0.rules
    }

    /// The rule of that id.
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.0.rules.get(*self.0.by_id.get(id)?)
    }

    /// The rules among them that one is asked about, without what mutes them.
    pub fn only(&self, asked: impl Fn(&Rule) -> bool) -> Self {
        let mut inner = Inner { files: self.0.files.clone(), ..Inner::default() };
        for (_, rule, ready) in self.all().filter(|(_, rule, _)| asked(rule)) {
            inner.by_id.insert(rule.id.clone(), inner.rules.len());
            inner.rules.push(rule.clone());
            inner.ready.push(ready.clone());
        }
        inner.hash = hash(&inner);
        Self(Arc::new(inner))
    }

    /// Which alerts mute which, in file order.
    pub fn inhibits(&self) -> &[Inhibit] {
        &self.0.inhibits
    }

    /// 16 hexadecimal digits over what all rules do: equal sets give equal alerts.
    pub fn hash(&self) -> &str {
        &self.0.hash
    }

    /// The same with where its fields stand, as findings that say nothing yet.
    pub(super) fn inhibits_placed(&self) -> impl Iterator<Item = (&Inhibit, &Sides<Problem>)> {
        self.0.inhibits.iter().zip(&self.0.places)
    }

    pub(crate) fn files(&self) -> &[RuleFile] {
        &self.0.files
    }

    pub(crate) fn ready(&self, at: usize) -> Option<(&Rule, &Ready)> {
        self.0.rules.get(at).zip(self.0.ready.get(at))
    }

    pub(crate) fn position(&self, id: &str) -> Option<usize> {
        self.0.by_id.get(id).copied()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (usize, &Rule, &Ready)> {
        self.0.rules.iter().zip(&self.0.ready).enumerate().map(|(at, (rule, ready))| (at, rule, ready))
    }
}

fn hash(inner: &Inner) -> String {
    let mut hash = blake3::Hasher::new();
    for rule in &inner.rules {
        hash.update(rule.id.as_bytes());
        hash.update(b"=");
        hash.update(rule.version.as_bytes());
        hash.update(b"\n");
    }
    // Strings and ordered maps always serialise.
    hash.update(&serde_json::to_vec(&inner.inhibits).unwrap_or_default());
    hash.finalize().to_hex().chars().take(16).collect()
}

/// Each rule's own lines: from its header to the next header, without the remarks before that.
fn own_texts(locator: &Locator<'_>, text: &str, rules: usize, inhibits: usize) -> Vec<String> {
    let start = |table: &'static str, at: usize| {
        let offset = locator.span(&[Step::Key(table), Step::At(at)]).map_or(0, |s| s.start);
        text.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |n| n + 1)
    };
    let rules: Vec<usize> = (0..rules).map(|at| start("rule", at)).collect();
    let mut starts: Vec<usize> = (0..inhibits).map(|at| start("inhibit", at)).chain(rules.clone()).collect();
    starts.sort_unstable();
    rules
        .into_iter()
        .map(|from| {
            let next = starts.partition_point(|start| *start <= from);
            let to = starts.get(next).copied().unwrap_or(text.len());
            let mut lines: Vec<&str> = text.get(from..to).unwrap_or_default().lines().collect();
            while lines.last().is_some_and(|l| l.trim().is_empty() || l.trim_start().starts_with('#')) {
                lines.pop();
            }
            lines.join("\n")
        })
        .collect()
}
