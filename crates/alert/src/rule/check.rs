//! Rules against a framework and each other: whether what they name is there, and whether they say why.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::framework::Framework;
use bellwether_model::{FactTypes, Problem, Problems};

use super::{Expression, Known, Rule, RuleSet};
use crate::expression::schema::Table;
use crate::expression::{Compiled, Place, near};

/// Ids of a framework by the table that shows them.
fn ids(f: &Framework) -> BTreeMap<Table, BTreeSet<String>> {
    let mut all: BTreeMap<Table, BTreeSet<String>> = BTreeMap::new();
    let mut add = |table: Table, id: &str| {
        all.entry(table).or_default().insert(id.to_owned());
    };
    for d in &f.domains {
        add(Table::Domains, &d.id);
        d.expectations.iter().for_each(|e| add(Table::Expectations, &e.id));
    }
    for m in f.all_measures() {
        let table = if m.domain.is_some() { Table::Indicators } else { Table::Measures };
        add(table, &m.id);
        add(Table::Divergences, &format!("divergence.baseline.{}", m.id));
        add(Table::Divergences, &format!("divergence.cross_source.{}", m.id));
    }
    let levels = [&f.characters, &f.roles, &f.drivers, &f.frictions, &f.implications];
    levels.into_iter().flatten().for_each(|c| add(Table::Levels, &c.id));
    for a in &f.asymmetries {
        add(Table::Asymmetries, &a.id);
        add(Table::Divergences, &format!("divergence.asymmetry.{}", a.id));
    }
    for c in &f.constraints {
        add(Table::Constraints, &c.id);
        add(Table::Divergences, &format!("divergence.envelope.{}", c.id));
    }
    for s in &f.scenarios {
        add(Table::Scenarios, &s.id);
        add(Table::Divergences, &format!("divergence.scenario.{}", s.id));
    }
    if f.domains.len() > 1 {
        add(Table::Divergences, "divergence.cross_domain.domains");
    }
    all
}

impl RuleSet {
    /// Rows that the rules name and the framework does not show, each with its place and the ids that come near.
    ///
    /// # Errors
    /// All of them at once.
    pub fn check(&self, framework: &Framework, _types: &FactTypes) -> Result<(), Problems> {
        let known = ids(framework);
        let mut problems = Problems::default();
        for (_, rule, ready) in self.all() {
            let field = |name: &str| format!("{}.{name}", rule.id);
            let mut ask = |name: &str, expression: Option<&Expression>, compiled: Option<&Compiled>| {
                let (Some(expression), Some(compiled)) = (expression, compiled) else { return };
                let place = Place {
                    file: rule.file.clone(),
                    line: expression.line,
                    field: field(name),
                    ..Place::default()
                };
                unknown(compiled, &place, &known, &framework.id, &mut problems);
            };
            ask("only", rule.only.as_ref(), ready.only.as_ref());
            ask("when", Some(&rule.when), Some(&ready.when));
            ask("until", rule.until.as_ref(), ready.until.as_ref());
            ask("backtest.domain", rule.backtest.as_ref().map(|b| &b.domain), ready.domain.as_ref());
            ask(
                "backtest.directions",
                rule.backtest.as_ref().map(|b| &b.directions),
                ready.directions.as_ref(),
            );
            let summary = Expression { text: String::new(), line: ready.summary_line };
            ready.summary.expressions().for_each(|c| ask("summary", Some(&summary), Some(c)));
        }
        problems.into_result(())
    }

    /// What they lack although they can run: a reason, a word on what to do, alerts for an inhibition to be about.
    ///
    /// # Errors
    /// All of it at once.
    pub fn review(&self) -> Result<(), Problems> {
        let mut problems = Problems::default();
        self.rules().iter().for_each(|rule| silent(rule, &mut problems));
        self.inhibits_name_rules(&mut problems);
        problems.into_result(())
    }

    /// Inhibitions whose labels no alert can have, and so say nothing or more than is meant.
    fn inhibits_name_rules(&self, problems: &mut Problems) {
        for (inhibit, place) in self.inhibits_placed() {
            let sides = [(&inhibit.source, &place.source), (&inhibit.target, &place.target)];
            for (matchers, place) in sides {
                if self.rules().iter().any(|rule| matchers.may_match(rule)) {
                    continue;
                }
                let ids = self.rules().iter().map(|rule| rule.id.as_str());
                let close = matchers.0.get("rule").map(|id| near(id, ids)).unwrap_or_default();
                let remedy = match close.as_slice() {
                    [] => "name labels that alerts of some rule have together".to_owned(),
                    close => format!("did you mean {}?", close.join(", ")),
                };
                problems.push(said(place, "no rule gives alerts with these labels", remedy));
            }
            for label in &inhibit.equal {
                if !self.rules().iter().any(|rule| !matches!(rule.label(label), Known::Never)) {
                    let message = format!("no alert has a label {label}, so all would agree in it");
                    problems.push(said(
                        &place.equal,
                        message,
                        "name a label that alerts have, or leave it out",
                    ));
                }
            }
        }
    }
}

fn said(place: &Problem, message: impl Into<String>, remedy: impl Into<String>) -> Problem {
    Problem { message: message.into(), remedy: remedy.into(), ..place.clone() }
}

/// A threshold without a reason cannot be judged, an alert without a word on what to do helps nobody.
fn silent(rule: &Rule, problems: &mut Problems) {
    for (name, text, what) in [
        ("runbook", &rule.runbook, "what to do when it fires"),
        ("reason", &rule.reason, "why this condition and this threshold"),
    ] {
        if text.trim().is_empty() {
            let problem = Problem::new(format!("no {name}"), format!("say {what}"));
            problems.push(problem.at(&rule.file, rule.line).field(format!("{}.{name}", rule.id)));
        }
    }
}

fn unknown(
    compiled: &Compiled,
    place: &Place,
    known: &BTreeMap<Table, BTreeSet<String>>,
    framework: &str,
    problems: &mut Problems,
) {
    let none = BTreeSet::new();
    let mut told = BTreeSet::new();
    for read in &compiled.reads {
        let Some(id) = &read.id else { continue };
        let here = known.get(&read.table).unwrap_or(&none);
        if here.contains(id) || !told.insert((read.table, id)) {
            continue;
        }
        let elsewhere = known.iter().find(|(table, ids)| **table != read.table && ids.contains(id));
        let close = near(id, here.iter().map(String::as_str));
        let remedy = match (elsewhere, close.as_slice()) {
            (Some((table, _)), _) => format!("it is among {table:?}: read it there").to_lowercase(),
            (None, []) => "name a row that `bellwether replay` shows".to_owned(),
            (None, close) => format!("did you mean {}?", close.join(", ")),
        };
        let message = format!("no row {id} in {framework}");
        problems.push(place.problem(&compiled.text, read.offset, message, remedy));
    }
}
